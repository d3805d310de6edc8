"""What `check` finds beyond files that can't be used: accounts, keys, pools, aliases, the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.scim_filter import PHONE_USER, parse_filter
from provisioner.checks.accounts import disjoint
from tests.scenarios.installation import Installation, Ran, phone_users, staff


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    emea = Installation(tmp_path)
    emea.people(staff(3))
    emea.phone(phone_users(2), packages={"basic": 7}, sites=["Munich"])
    return emea


def two_syncs(emea: Installation, first: str | None, second: str | None) -> Ran:
    """Check a config whose two syncs are on one account, and manage these."""
    syncs = {
        name: emea.sync | ({"manages": manages} if manages else {})
        for name, manages in (("emea", first), ("apac", second))
    }
    document = {"version": 1, "store": "sqlite:///store.db", "syncs": syncs}
    emea.yaml("config.yaml", document)
    return emea.run("check")


@pytest.mark.parametrize("manages", [None, 'site eq "Munich"'])
def test_two_syncs_that_manage_the_same_phone_users_are_a_problem(
    emea: Installation, manages: str | None
) -> None:
    ran = two_syncs(emea, manages, manages)

    assert ran.status == 1
    assert "manage the same phone users" in ran.out


def test_two_syncs_that_manage_different_sites_are_fine(emea: Installation) -> None:
    ran = two_syncs(emea, 'site eq "Munich"', 'site eq "Brno"')

    assert ran.status == 0, ran.said
    assert "one account" not in ran.out


def test_two_syncs_on_one_account_with_different_shares_are_a_warning(emea: Installation) -> None:
    phone_system = emea.sync["phone_system"] | {"share": "50%"}
    syncs = {
        "emea": emea.sync | {"manages": 'site eq "Munich"'},
        "apac": emea.sync | {"manages": 'site eq "Brno"', "phone_system": phone_system},
    }
    emea.yaml("config.yaml", {"version": 1, "store": "sqlite:///store.db", "syncs": syncs})

    ran = emea.run("check")

    assert ran.status == 0, ran.said
    assert "(95%, 50%)" in ran.out


def test_two_syncs_whose_overlap_cannot_be_told_are_a_warning(emea: Installation) -> None:
    ran = two_syncs(emea, 'site eq "Munich"', 'display_name sw "A"')

    assert ran.status == 0, ran.said
    assert "warning: " in ran.out
    assert "can't be told" in ran.out


@pytest.mark.parametrize(
    ("one", "other", "certain"),
    [
        ('site eq "Munich"', 'site eq "MUNICH"', False),
        ('site eq "Munich" or site eq "Brno"', 'site eq "Praha"', True),
        ('site eq "Munich" or site eq "Brno"', 'site eq "Brno"', False),
        ('kind eq "person" and site eq "Brno"', 'kind eq "person" and site eq "Praha"', True),
        ('not (site eq "Munich")', 'site eq "Munich"', False),
        ('packages eq "basic"', 'packages eq "gold"', False),
        ('site eq "Munich" and site eq "Brno"', 'site eq "Munich"', True),
    ],
)
def test_filters_are_disjoint_only_where_that_is_certain(
    one: str, other: str, certain: bool
) -> None:
    trees = [parse_filter(text, PHONE_USER).tree for text in (one, other)]

    assert disjoint(*trees) is certain
    assert disjoint(*reversed(trees)) is certain


def test_people_who_are_told_apart_by_what_can_change_are_a_warning(emea: Installation) -> None:
    directory = {"kind": "csv", "name": "hr", "path": "people.csv", "key": "userName"}
    emea.configure(directories=[directory])

    ran = emea.run("check")

    assert ran.status == 0, ran.said
    assert "people are told apart by userName, which can change" in ran.out


def test_connectors_whose_short_address_is_of_nobody_are_a_warning(emea: Installation) -> None:
    pushed = emea.sync | {"directories": [{"kind": "pushed", "name": "entra"}]}
    syncs = {
        "emea": pushed | {"manages": 'site eq "Munich"'},
        "apac": pushed | {"manages": 'site eq "Brno"'},
    }
    emea.yaml("config.yaml", {"version": 1, "store": "sqlite:///store.db", "syncs": syncs})
    warned = emea.run("check")
    syncs["apac"]["default"] = True
    emea.yaml("config.yaml", {"version": 1, "store": "sqlite:///store.db", "syncs": syncs})

    assert (warned.status, "mark the one" in warned.out) == (0, True), warned.said
    assert "mark the one" not in emea.run("check").out


def test_an_alias_of_what_the_phone_system_lacks_is_told_with_its_nearest_name(
    emea: Installation,
) -> None:
    emea.configure(aliases={"packages": {"b": "basik"}})

    ran = emea.run("check")

    assert ran.status == 1
    assert "the phone system has no package 'basik'" in ran.out
    assert "basic" in ran.out


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("sqlite:///nowhere/store.db", "there is no folder"),
        ("postgresql+psycopg://u:st0re-pass@127.0.0.1:1/x", "can't be opened"),
    ],
)
def test_a_store_that_cannot_be_opened_is_told_without_its_password(
    emea: Installation, store: str, said: str
) -> None:
    document: dict[str, Any] = {"version": 1, "store": store, "syncs": {"emea": emea.sync}}
    emea.yaml("config.yaml", document)

    ran = emea.run("check")

    assert ran.status == 1
    assert said in ran.out
    assert "st0re-pass" not in ran.said


def test_a_mapping_that_two_syncs_share_has_its_problems_told_once(emea: Installation) -> None:
    emea.mapping(leavers={"do": "vanish"})

    ran = two_syncs(emea, 'site eq "Munich"', 'site eq "Brno"')

    assert ran.status == 1
    assert ran.out.count("vanish") == 1
    assert "1 problem, no warnings" in ran.out


def test_a_sync_that_the_daemon_does_not_run_says_so(emea: Installation) -> None:
    assert "no schedule: the daemon doesn't run it" in emea.run("check").out
