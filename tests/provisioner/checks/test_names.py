"""Names in a sync's files, held against a catalog: each slip is told at its place, with the nearest name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.records import Catalog, Seats
from mappings.yaml_file import Located, load_yaml
from provisioner.checks import Finding
from provisioner.checks.names import empty_pools, unknown_aliases, unknown_names
from provisioner.config import SyncConfig, load_config

CATALOG = Catalog(
    licenses={"zoom_phone": Seats()},
    packages={"unlimited": Seats(10, 3)},
    templates=(("Office", "Munich"),),
    sites=("Munich", "Brno"),
    numbers=(("+4989100", "Munich"),),
)
Check = Callable[[Located, SyncConfig, Catalog], Iterator[Finding]]


def found(
    folder: Path,
    check: Check,
    mapping: dict[str, Any] | None = None,
    catalog: Catalog = CATALOG,
    **members: Any,
) -> list[Finding]:
    """Run one check on a sync with these members and this mapping."""
    sync: dict[str, Any] = {
        "directories": [{"kind": "csv", "name": "hr", "path": "people.csv"}],
        "mapping": "mapping.yaml",
        "phone_system": {"kind": "snapshot", "path": "phone.jsonl"},
    }
    config = {"version": 1, "syncs": {"emea": sync | members}}
    for name, document in (("config", config), ("mapping", {"version": 1} | (mapping or {}))):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document))
    judged = "mapping" if check is unknown_names else "config"
    loaded = load_config(folder / "config.yaml").syncs["emea"]
    return list(check(load_yaml(folder / f"{judged}.yaml"), loaded, catalog))


@pytest.mark.parametrize(
    ("mapping", "place", "wrong", "near"),
    [
        ({"defaults": {"site": "Munch"}}, "defaults.site", "site 'Munch'", "'Munich'"),
        (
            {"personas": {"office": {"packages": ["unlimited", "unlimitd"]}}},
            "personas.office.packages.1",
            "package 'unlimitd'",
            "'unlimited'",
        ),
        (
            {
                "rules": [
                    {"name": "r", "when": "title pr", "take": ["site", {"packages": ["unlimitd"]}]}
                ]
            },
            "rules.0.take.1.packages.0",
            "package 'unlimitd'",
            "'unlimited'",
        ),
        (
            {"personas": {"p": {"site": "Brno", "take": {"packages": ["unlimitd"]}}}},
            "personas.p.take.packages.0",
            "package 'unlimitd'",
            "'unlimited'",
        ),
        (
            {"rules": [{"name": "r", "when": "title pr", "give": {"template": "Ofice"}}]},
            "rules.0.give.template",
            "template 'Ofice'",
            "'Office'",
        ),
        ({"defaults": {"license": "zoomphone"}}, "defaults.license", "license", "'zoom_phone'"),
    ],
)
def test_a_name_that_the_phone_system_lacks_is_told_at_its_place_with_the_nearest(
    tmp_path: Path, mapping: dict[str, Any], place: str, wrong: str, near: str
) -> None:
    (finding,) = found(tmp_path, unknown_names, mapping)

    assert not finding.warning
    assert finding.problem.where.startswith(f"{tmp_path / 'mapping.yaml'}:")
    assert finding.problem.text.startswith(f"{place}: the phone system has no {wrong}")
    assert finding.problem.text.endswith(f"did you mean {near}?")


def test_names_are_compared_without_case_and_blanks_and_texts_in_braces_are_passed_over(
    tmp_path: Path,
) -> None:
    give = {"license": "ZOOM_PHONE", "packages": [" Unlimited "], "site": "{location}"}

    assert found(tmp_path, unknown_names, {"defaults": give}) == []


def test_a_phone_system_that_does_not_tell_its_names_has_every_name(tmp_path: Path) -> None:
    give = {"license": "x", "packages": ["y"], "template": "z", "site": "w"}

    assert found(tmp_path, unknown_names, {"defaults": give}, Catalog()) == []


def test_the_vendors_name_of_what_has_an_alias_is_told_to_be_written_as_the_alias(
    tmp_path: Path,
) -> None:
    aliases = {"packages": {"unlimited": "US/CA Unlimited Calling Plan"}}
    mapping = {"defaults": {"packages": ["us/ca unlimited calling plan", "unlimited"]}}

    (finding,) = found(tmp_path, unknown_names, mapping, aliases=aliases)

    assert finding.problem.text.endswith("has the alias 'unlimited' here: write that")


def test_an_alias_is_fine_where_the_catalog_shows_it_and_a_problem_where_not(
    tmp_path: Path,
) -> None:
    aliases = {"packages": {"unlimited": "US/CA Unlimited", "metered": "US/CA Metered"}}

    (finding,) = found(tmp_path, unknown_aliases, aliases=aliases)

    assert "no package 'US/CA Metered'" in finding.problem.text


@pytest.mark.parametrize(
    ("pool", "said", "warning"),
    [
        ({"vendor": True, "site": "Brno"}, "no unassigned number at site Brno", True),
        ({"ranges": ["+4989200-+4989299"]}, "none of its numbers is unassigned", True),
        ({"vendor": True, "site": "Munch"}, "did you mean 'Munich'", False),
    ],
)
def test_a_pool_that_nobody_can_be_given_a_number_from_is_told(
    tmp_path: Path, pool: dict[str, Any], said: str, warning: bool
) -> None:
    (finding,) = found(tmp_path, empty_pools, pools={"desk": pool})

    assert said in finding.problem.text
    assert finding.warning is warning


@pytest.mark.parametrize(
    "pool", [{"vendor": True}, {"vendor": True, "site": "munich"}, {"ranges": ["+4989100"]}]
)
def test_a_pool_with_a_number_to_give_is_fine(tmp_path: Path, pool: dict[str, Any]) -> None:
    assert found(tmp_path, empty_pools, pools={"desk": pool}) == []


def test_a_pool_of_the_vendors_numbers_needs_a_vendor_who_tells_them(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, empty_pools, None, Catalog(), pools={"desk": {"vendor": True}})

    assert "give the pool `ranges`" in finding.problem.text
