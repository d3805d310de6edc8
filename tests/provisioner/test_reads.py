"""A read is measured while it streams by, remembered on disk, and believed only if it is plausible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ReadRefused
from connectors.records import ENTERPRISE, Flaw, Person
from connectors.scim_filter import parse_path
from provisioner.limits import Limit, Limits
from provisioner.reads import (
    Figures,
    Measure,
    Reading,
    Uses,
    best_of,
    refuse_implausible,
)
from provisioner.spool import decode_person, encode_person
from provisioner.tally import presence

NOBODY = Uses((), frozenset())
PATHS = (
    "active",
    "displayName",
    "name.givenName",
    "emails",
    "emails.value",
    'emails[type eq "work"].value',
    "addresses.locality",
    "groups.display",
    "department",
    "manager",
    "title",
)


class Hr:
    """A directory of whatever it is given."""

    name = "hr"

    def __init__(self, rows: Iterable[Person | Flaw]) -> None:
        self._rows = list(rows)

    def read(self) -> Iterator[Person | Flaw]:
        yield from self._rows

    def check(self) -> None:
        """Always there."""


def person(key: str = "1", *groups: str, where: str = "", **attributes: Any) -> Person:
    resource = dict(attributes)
    if groups:
        resource["groups"] = [{"value": name, "display": name} for name in groups]
    return Person(key, resource, where)


def finished(rows: Iterable[Person | Flaw], uses: Uses = NOBODY) -> Reading:
    reading = Reading(Hr(rows), uses)
    for _ in reading:
        pass
    return reading


def uses(*paths: str, groups: Sequence[str] | None = ()) -> Uses:
    return Uses(tuple(map(parse_path, paths)), None if groups is None else frozenset(groups))


def flaw(key: str | None = None) -> Flaw:
    return Flaw("hr.csv:3", key, "has too few fields", "mend it")


texts = st.text(max_size=5)
mails = st.fixed_dictionaries(
    {"value": texts},
    optional={"type": st.sampled_from(("work", "Work", "home")), "primary": st.booleans()},
)
resources = st.fixed_dictionaries(
    {},
    optional={
        "active": st.booleans(),
        "displayName": texts,
        "title": texts,
        "name": st.fixed_dictionaries({}, optional={"givenName": texts, "familyName": texts}),
        "emails": st.lists(mails, max_size=3),
        "addresses": st.lists(
            st.fixed_dictionaries({}, optional={"locality": texts, "type": texts}), max_size=2
        ),
        "groups": st.lists(
            st.fixed_dictionaries({"value": texts}, optional={"display": texts}), max_size=3
        ),
        ENTERPRISE: st.fixed_dictionaries(
            {},
            optional={
                "department": texts,
                "manager": st.fixed_dictionaries({}, optional={"value": texts}),
            },
        ),
    },
)
people = st.lists(st.builds(Person, texts, resources, texts), max_size=20)


def test_people_come_in_the_directorys_order_and_can_be_read_again() -> None:
    rows = [person(str(n), "Sales", where=f"hr.csv:{n}", title="Clerk") for n in range(1500)]
    reading = Reading(Hr(rows), NOBODY)

    found = list(reading)

    assert [each for each, _ in found] == rows
    assert [reading.spool.person(at) for _, at in found] == rows


@given(people)
def test_whatever_was_read_is_read_again_as_it_was(rows: list[Person]) -> None:
    reading = Reading(Hr(rows), NOBODY)

    again = [reading.spool.person(at) for _, at in list(reading)]

    assert again == rows


@given(people, st.data())
def test_the_hash_of_a_read_does_not_depend_on_the_order_of_its_rows(
    rows: list[Person], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rows))

    assert finished(rows).sha256 == finished(shuffled).sha256


@given(people, people)
def test_reads_of_other_people_have_another_hash(one: list[Person], other: list[Person]) -> None:
    def content(rows: list[Person]) -> list[bytes]:
        return sorted(map(encode_person, rows))

    assert (finished(one).sha256 == finished(other).sha256) == (content(one) == content(other))


@given(texts, resources)
def test_attributes_in_another_order_are_the_same_person(
    key: str, resource: dict[str, Any]
) -> None:
    turned = dict(reversed(resource.items()))

    assert encode_person(Person(key, resource)) == encode_person(Person(key, turned, "elsewhere"))


def test_a_flaw_is_kept_apart_and_changes_the_hash() -> None:
    reading = finished([person("1"), flaw("2"), person("3")])

    assert reading.flaws == [flaw("2")]
    assert reading.figures.people == 2
    assert reading.sha256 != finished([person("1"), person("3")]).sha256


def test_a_read_without_anybody_has_figures_and_a_hash() -> None:
    reading = finished([], uses("title", groups=["Sales"]))

    assert reading.figures == Figures(0, {"Sales": 0}, {"title": 0})
    assert reading.sha256.startswith("sha256:")


def test_every_frame_is_the_key_the_digest_and_the_data_of_one_person() -> None:
    rows = [person("A", title="Clerk"), person("b")]

    frames = list(finished(rows).frames())

    assert [key for key, _, _ in frames] == ["A", "b"]
    assert [decode_person(data) for _, _, data in frames] == rows
    assert len({stamp for _, stamp, _ in frames}) == 2


def test_groups_that_the_mapping_uses_are_counted_also_those_without_members() -> None:
    rows = [person("1", "Sales", "Wifi"), person("2", "Sales"), person("3")]

    assert finished(rows, uses(groups=["Sales", "Gone"])).figures.groups == {"Gone": 0, "Sales": 2}


def test_every_group_is_counted_where_any_may_decide() -> None:
    rows = [person("1", "Sales", "Wifi"), person("2", "Sales")]

    assert finished(rows, uses(groups=None)).figures.groups == {"Sales": 2, "Wifi": 1}


def test_a_groups_members_count_whatever_case_the_mapping_writes_it_in() -> None:
    rows = [person("1", "SALES"), person("2", "sales"), person("3", "Wifi")]

    assert finished(rows, uses(groups=["Sales"])).figures.groups == {"Sales": 2}


def test_a_group_counts_by_its_value_too_and_only_once() -> None:
    ops, sales = {"value": "g1", "display": "Ops"}, {"value": "sales", "display": "Sales"}
    rows = [Person("1", {"groups": [ops, sales]}), Person("2", {"groups": [ops]})]

    assert finished(rows, uses(groups=["g1", "Sales"])).figures.groups == {"Sales": 1, "g1": 2}


def test_a_group_without_a_display_name_is_nobodys_group() -> None:
    row = Person("1", {"groups": [{"value": "g1"}, {"value": "g2", "display": "Sales"}]})

    assert finished([row], uses(groups=["Sales"])).figures.groups == {"Sales": 1}


@given(people)
def test_a_columns_figure_is_the_number_of_people_with_that_attribute(rows: list[Person]) -> None:
    used = uses(*PATHS)

    assert finished(rows, used).figures.columns == {
        path.text: sum(presence(path)(row.resource) for row in rows) for path in used.paths
    }


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("active", {"active": False}),
        ("name.givenName", {"name": {"givenName": "Eva"}}),
        ("emails.value", {"emails": [{"type": "home"}, {"value": "eva@example.org"}]}),
        ('emails[type eq "work"].value', {"emails": [{"type": "work", "value": "e@x.org"}]}),
        ("department", {ENTERPRISE: {"department": "Sales"}}),
    ],
)
def test_an_attribute_that_is_there_is_present(path: str, resource: dict[str, Any]) -> None:
    assert presence(parse_path(path))(resource)


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("active", {}),
        ("name.givenName", {"name": {"familyName": "Malá"}}),
        ("name.givenName", {}),
        ("emails.value", {"emails": [{"type": "home"}]}),
        ("emails.value", {"emails": []}),
        ('emails[type eq "work"].value', {"emails": [{"type": "home", "value": "e@x.org"}]}),
        ("department", {ENTERPRISE: {}}),
        ("department", {"department": "Sales"}),
    ],
)
def test_an_attribute_that_is_not_there_is_absent(path: str, resource: dict[str, Any]) -> None:
    assert not presence(parse_path(path))(resource)


YESTERDAY = datetime(2026, 11, 22, 9, tzinfo=UTC)


def measure(count: int, **groups: int) -> Measure:
    return Measure(Figures(count, groups, {"title": count}), YESTERDAY)


def staff(count: int, *groups: str) -> list[Person]:
    return [person(str(n), *groups, title="Clerk") for n in range(count)]


def test_an_empty_read_is_refused_whatever_anybody_accepts() -> None:
    reading = finished([])

    with pytest.raises(ReadRefused, match="hr is empty: 0 people, 12 before"):
        refuse_implausible(reading, measure(12), Limits(), reading.sha256)


def test_a_first_read_is_believed() -> None:
    assert not refuse_implausible(finished(staff(2)), None, Limits(), None)


def test_fewer_people_than_the_limit_allows_are_refused_with_the_figures() -> None:
    reading = finished(staff(89), uses("title"))

    with pytest.raises(ReadRefused, match=r"89 people, 100 before .*limit 10%") as refused:
        refuse_implausible(reading, measure(100), Limits(), None)

    assert f"--accept-read hr={reading.sha256}" in str(refused.value)


def test_as_many_people_less_as_the_limit_allows_are_believed() -> None:
    assert not refuse_implausible(finished(staff(90), uses("title")), measure(100), Limits(), None)


def test_a_used_group_that_emptied_is_refused() -> None:
    reading = finished(staff(10), uses("title", groups=["Sales"]))

    with pytest.raises(ReadRefused, match="group 'Sales' has 0 members, 8 before"):
        refuse_implausible(reading, measure(10, Sales=8), Limits(), None)


def test_a_group_that_the_mapping_no_longer_uses_is_not_missed() -> None:
    reading = finished(staff(10), uses("title", groups=["Ops"]))

    assert not refuse_implausible(reading, measure(10, Sales=8), Limits(), None)


def test_a_used_column_that_emptied_is_refused() -> None:
    reading = finished([person(str(n)) for n in range(10)], uses("title"))

    with pytest.raises(ReadRefused, match="column 'title' has 0 values, 10 before"):
        refuse_implausible(reading, measure(10), Limits(), None)


def test_fewer_people_than_people_min_are_refused() -> None:
    with pytest.raises(ReadRefused, match="2 people, fewer than people_min 5"):
        refuse_implausible(finished(staff(2)), None, Limits(people_min=5), None)


def test_the_hash_in_the_refusal_accepts_that_very_read_and_no_other() -> None:
    short, shorter = finished(staff(80)), finished(staff(79))

    assert refuse_implausible(short, measure(100), Limits(), short.sha256)
    with pytest.raises(ReadRefused):
        refuse_implausible(shorter, measure(100), Limits(), short.sha256)


def test_the_best_of_several_reads_has_each_figures_highest() -> None:
    late = datetime(2026, 11, 22, 12, tzinfo=UTC)
    reads = [
        Measure(Figures(10, {"Sales": 4, "Ops": 1}, {"title": 9}), late),
        Measure(Figures(12, {"Sales": 3}, {"title": 10}), YESTERDAY),
    ]

    assert best_of(reads) == Measure(Figures(12, {"Sales": 4, "Ops": 1}, {"title": 10}), YESTERDAY)
    assert best_of([]) is None


def test_a_plain_number_limits_people_too() -> None:
    limits = Limits(people_drop=Limit.parse(0))

    with pytest.raises(ReadRefused):
        refuse_implausible(finished(staff(99), uses("title")), measure(100), limits, None)
