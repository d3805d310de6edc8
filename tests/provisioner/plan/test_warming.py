"""While a pushed directory is warming nothing is taken away, and whoever was pushed has a day of grace."""

from __future__ import annotations

from provisioner.plan.model import Plan
from tests.provisioner.plan.office import Office, full, person

MAPPING = """
scope: 'groups.display eq "Phone Users"'
leavers: {do: remove_license}
defaults: {license: phone}
rules:
  - name: sales
    when: 'groups.display eq "Sales"'
    give: {packages: [gold]}
  - name: others
    when: 'not (groups.display eq "Sales")'
    give: {packages: [basic]}
"""
OFFICE = Office(mapping=MAPPING, warming=["entra"])


def kinds(plan: Plan) -> dict[str, list[tuple[str, str]]]:
    return {
        "changes": [(c.kind, c.key) for c in plan.changes],
        "waiting": [(c.kind, c.key) for c in plan.waiting],
    }


def test_who_is_given_something_does_not_wait_for_the_warming() -> None:
    plan = OFFICE.but(people=[person("eva", "Phone Users")]).plan()

    assert {kind for kind, _ in kinds(plan)["changes"]} == {
        "user.create",
        "license.assign",
        "package.assign",
    }
    assert plan.waiting == ()


def test_who_left_keeps_everything_until_the_directory_is_ready() -> None:
    office = OFFICE.but(people=[person("eva")], users=[full("eva")])

    assert kinds(office.plan()) == {"changes": [], "waiting": [("license.remove", "eva")]}
    assert "entra is warming" in str(office.plan().waiting[0].reason)
    assert "provisioner directory ready" in str(office.plan().waiting[0].reason)
    assert kinds(office.but(warming=[]).plan())["changes"] == [("license.remove", "eva")]


def test_a_swap_takes_something_too_and_waits() -> None:
    plan = OFFICE.but(
        people=[person("eva", "Phone Users")], users=[full("eva", packages=("gold",))]
    ).plan()

    assert kinds(plan) == {"changes": [], "waiting": [("package.assign", "eva")]}


def test_who_was_pushed_keeps_everything_for_the_grace_that_the_mapping_leaves_open() -> None:
    office = Office(mapping=MAPPING, people=[person("eva")], users=[full("eva")], grace_s=24 * 3600)

    (waiting,) = office.plan().waiting
    assert waiting.reason == "leaver in grace until 2026-11-24T09:00:00Z"


def test_a_grace_that_the_mapping_names_holds_for_whoever_was_pushed_too() -> None:
    mapping = MAPPING.replace("remove_license}", "remove_license, after: 0h}")
    office = Office(mapping=mapping, people=[person("eva")], users=[full("eva")], grace_s=24 * 3600)

    assert kinds(office.plan())["changes"] == [("license.remove", "eva")]
