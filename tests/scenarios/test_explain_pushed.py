"""Explaining people whom an identity provider pushes: as the receiver has them now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.provisioner.scim.pushing import add, operation, patch_group, patch_user, push_group
from tests.scenarios.installation import Installation, rule
from tests.scenarios.test_pushes import GRACE, Pushed


class Entra(Pushed):
    """Two people in the group Phone, adopted and carried out; `first` is the id of one of them."""

    first = ""


@pytest.fixture
def entra(tmp_path: Path) -> Entra:
    entra = Entra(Installation(tmp_path))
    entra.here.mapping(
        **GRACE,
        rules=[
            rule("all", license="zoom_phone"),
            rule("sales", 'groups.display eq "Sales"', packages=["world"]),
        ],
    )
    entra.first = entra.begin(2)[0]
    return entra


def explained(entra: Entra, user: str) -> dict[str, Any]:
    ran = entra.here.run("explain", user, "--format", "json")
    assert ran.status == 0, ran.said
    return ran.plan


def packages(told: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    return [(e["value"], e["rule"]) for e in told["entitlements"] if e["entitlement"] == "packages"]


def test_what_was_pushed_a_moment_ago_counts_before_any_plan_has_read_it(entra: Entra) -> None:
    patch_group(entra.tenant, push_group(entra.tenant, "Sales").id, add(entra.first))

    told = explained(entra, "user1@example.org")

    assert packages(told) == [("world", "sales")]
    (read,) = told["reads"]
    assert (read["directory"], read["afresh"], read["has_them"]) == ("entra", True, True)


def test_somebody_who_was_just_pushed_is_found_by_mail_and_key(entra: Entra) -> None:
    entra.user(3)

    assert {explained(entra, name)["key"] for name in ("e003", "E003", "user3@example.org")} == {
        "E003"
    }


def test_a_group_in_a_group_is_told_to_be_inherited(entra: Entra) -> None:
    inner = push_group(entra.tenant, "Brno", [entra.first])
    push_group(entra.tenant, "Sales", [inner.id])

    groups = {g["group"]: g["paths"] for g in explained(entra, "E001")["groups"]}

    assert groups["Brno"] == [{"directory": "entra", "direct": True, "through": []}]
    assert groups["Sales"] == [{"directory": "entra", "direct": False, "through": ["Brno"]}]


def test_who_would_not_be_in_the_inner_group_would_not_be_in_the_outer_one_either(
    entra: Entra,
) -> None:
    inner = push_group(entra.tenant, "Brno", [entra.first])
    push_group(entra.tenant, "Europe", [push_group(entra.tenant, "Czechia", [inner.id]).id])
    scope = 'groups.display eq "Europe"'
    entra.here.mapping(scope=scope, rules=[rule("all", license="zoom_phone")])

    def without() -> dict[str, bool]:
        told = explained(entra, "E001")["without"]
        return {each["group"]: each["in_scope"] for each in told}

    assert without() == {"Brno": False, "Czechia": False, "Europe": False, "Phone": True}
    push_group(entra.tenant, "Other", [entra.first])
    other = push_group(entra.tenant, "Prague", [entra.first])
    push_group(entra.tenant, "Europe", [other.id])  # another group, of the same name
    assert without() == dict.fromkeys(("Brno", "Czechia", "Other", "Phone", "Prague"), True) | {
        "Europe": False
    }


def test_a_group_that_the_provider_renames_is_told_as_renamed(entra: Entra) -> None:
    patch_group(entra.tenant, entra.group, operation("replace", "displayName", "Telephone"))

    plan = entra.here.plan()

    assert {c["because"] for c in plan["changes"]} == {
        "group Phone was renamed to Telephone (entra)"
    }
    assert [(c["title"], c["people"]) for c in plan["clusters"]] == [
        ("group Phone was renamed to Telephone (entra)", 2)
    ]


def test_whoever_was_deactivated_is_told_so(entra: Entra) -> None:
    patch_user(entra.tenant, entra.first, operation("replace", "active", False))

    told = explained(entra, "E001")

    assert told["standing"] == "inactive"
