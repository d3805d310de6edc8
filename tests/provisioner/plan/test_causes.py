"""Why each change is there: the person's data, the mapping, or the phone system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from connectors.records import Change, Person, PhoneUser
from provisioner.memory import Memory, Reason
from provisioner.plan.content import content_of
from provisioner.plan.model import Plan
from tests.provisioner.plan.office import Office, full, person

MAPPING = """
scope: 'groups.display eq "Phone"'
rules:
  - {name: sales, when: 'groups.display eq "Sales"', give: {packages: [world]}}
  - {name: bosses, when: 'title eq "CEO"', give: {site: Prague}}
  - {name: all, when: userName pr, give: {license: phone, packages: [basic], site: Brno}}
"""


def plan(
    people: Sequence[Person],
    users: Sequence[PhoneUser],
    known: Sequence[Person],
    mapping: str = MAPPING,
    earlier: str | None = None,
) -> Plan:
    """Return the plan after one in which everybody was as `known`, by the mapping `earlier`."""
    office = Office(
        mapping=mapping,
        people=people,
        users=users,
        known=known,
        memory=Memory(adopted=True, mapping="sha256:before"),
    )
    return office.but(earlier=earlier or mapping).plan()


def told(found: Plan) -> list[tuple[str, str, str]]:
    return [(c.kind, c.cause, c.because) for c in found.changes]


def eva(*groups: str, **attributes: Any) -> Person:
    return person("eva", "Phone", *groups, **attributes)


def held(**members: Any) -> PhoneUser:
    return full("eva", **{"site": "Brno", **members})


def test_data_that_changed_is_the_cause_with_the_directory_and_only_what_matters() -> None:
    found = plan([eva("Sales", title="Clerk")], [held()], [eva(title="CFO")])

    assert told(found) == [("package.assign", "directory", "joined group Sales (hr)")]


def test_two_changes_of_one_person_have_each_their_own_cause() -> None:
    found = plan([eva("Sales", title="CEO")], [held()], [eva(title="Clerk")])

    assert sorted(told(found)) == [
        ("package.assign", "directory", "joined group Sales (hr)"),
        ("site.set", "directory", "title changed from Clerk to CEO (hr)"),
    ]


def test_what_the_phone_system_has_otherwise_is_drift_from_what_to_what() -> None:
    found = plan([eva()], [held(site="Munich")], [eva()])

    assert told(found) == [
        ("site.set", "drift", "the phone system moved by itself: site is Munich, and was Brno")
    ]
    assert found.clusters[0].title == "the phone system moved by itself: site"


def test_drift_is_drift_though_something_else_about_the_person_changed_too() -> None:
    found = plan([eva("Sales")], [held(site="Munich", packages=("basic", "world"))], [eva()])

    assert [cause for _, cause, _ in told(found)] == ["drift"]


def test_of_two_packages_that_go_each_has_its_own_cause() -> None:
    users = [held(packages=("basic", "world", "intl"))]
    found = plan([eva()], users, [eva("Sales")])

    assert sorted((c.before, c.cause) for c in found.changes) == [
        ("intl", "drift"),
        ("world", "directory"),
    ]


@pytest.mark.parametrize(
    ("was", "says"),
    [
        ("give: {site: Munich}", "rule bosses: what it gives is otherwise"),
        ("", "rule bosses: it was added"),
        (
            "when: 'title eq \"CTO\"'",
            'rule bosses: its condition is now title eq "CEO", and was title eq "CTO"',
        ),
    ],
)
def test_a_rule_that_changed_is_the_cause_and_says_what_about_it(was: str, says: str) -> None:
    line = "  - {name: bosses, when: 'title eq \"CEO\"', give: {site: Prague}}\n"
    if was.startswith("give"):
        earlier = MAPPING.replace("give: {site: Prague}", was)
    elif was:
        earlier = MAPPING.replace("when: 'title eq \"CEO\"'", was)
    else:
        earlier = MAPPING.replace(line, "")
    found = plan([eva(title="CEO")], [held()], [eva(title="CEO")], earlier=earlier)

    assert told(found) == [("site.set", "mapping", f"the mapping changed: {says}")]


def test_a_condition_that_holds_as_before_is_not_what_changed_for_somebody() -> None:
    one = [eva(title="CEO")]
    was = "when: 'title sw \"C\"', give: {site: Munich}"
    earlier = MAPPING.replace("when: 'title eq \"CEO\"', give: {site: Prague}", was)
    found = plan(one, [held()], one, earlier=earlier)

    says = "the mapping changed: rule bosses: what it gives is otherwise"
    assert earlier != MAPPING
    assert told(found) == [("site.set", "mapping", says)]


def test_a_rule_that_was_removed_and_an_order_that_changed_are_told() -> None:
    bosses = "  - {name: bosses, when: 'title eq \"CEO\"', give: {site: Prague}}\n"
    without = MAPPING.replace(bosses, "")
    last = without + bosses
    one = [eva(title="CEO")]
    removed = plan(one, [held(site="Prague")], one, mapping=without, earlier=MAPPING)
    moved = plan(one, [held()], one, mapping=MAPPING, earlier=last)

    assert told(removed) == [
        ("site.set", "mapping", "the mapping changed: rule bosses: it was removed")
    ]
    assert told(moved) == [
        ("site.set", "mapping", "the mapping changed: rule bosses now comes before rule all")
    ]


def test_another_mapping_that_says_the_same_here_is_not_the_cause() -> None:
    earlier = MAPPING.replace("site: Prague", "site: Munich")
    found = plan([eva()], [held(packages=())], [eva()], earlier=earlier)

    assert [cause for _, cause, _ in told(found)] == ["drift"]


def test_a_mapping_that_nobody_remembers_is_the_cause_of_what_no_data_explain() -> None:
    office = Office(
        mapping=MAPPING,
        people=[eva()],
        users=[held(site="Munich")],
        memory=Memory(adopted=True, mapping="sha256:before"),
    )

    assert told(office.plan()) == [("site.set", "mapping", "the mapping changed: rule all")]


def test_changes_with_one_cause_are_one_cluster_the_destructive_first() -> None:
    people = [person(name, "Phone", "Sales") for name in ("eva", "jan")]
    known = [person(name, "Phone") for name in ("eva", "jan", "zoe")]
    left = person("zoe")
    users = [full(name, site="Brno") for name in ("eva", "jan", "zoe")]
    mapping = MAPPING + "leavers: {do: remove_license}\n"
    found = plan([*people, left], users, known, mapping=mapping)

    assert [(c.id, c.title, c.people, c.risk) for c in found.clusters] == [
        ("c1", "left group Phone (hr)", 1, "destructive"),
        ("c2", "joined group Sales (hr)", 2, "safe"),
    ]


def test_a_change_keeps_the_reason_that_it_was_first_planned_for() -> None:
    first = plan([eva("Sales")], [held()], [eva()])
    (change,) = first.changes
    again = Office(
        mapping=MAPPING,
        people=[eva("Sales")],
        users=[held()],
        memory=Memory(adopted=True, reasons=_remembered(change)),
    ).plan()

    assert told(again) == [("package.assign", "directory", "joined group Sales (hr)")]


def _remembered(change: Change) -> dict[str, Reason]:
    return {content_of(change): Reason(change.cause, change.because, change.because)}
