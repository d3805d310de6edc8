"""A read is measured while it streams by, remembered on disk, and believed only if it is plausible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import Columns
from connectors.errors import ReadRefused
from connectors.records import ENTERPRISE, Flaw, Person
from connectors.scim_filter import Path as ScimPath
from connectors.scim_filter import parse_path
from provisioner.limits import Limit, Limits
from provisioner.reads import (
    STAMP,
    Figures,
    Measure,
    Reading,
    Uses,
    best_of,
    refuse_implausible,
)
from provisioner.spool import decode_person, encode_person, key_of
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


TEXTS = ("externalId", "title", "name.givenName", "emails", "active", "groups")


class Sheet(Hr):
    """A directory that is a table, too: of lines and rows, or flaws."""

    def __init__(self, lines: Iterable[tuple[int, list[Any]] | Flaw]) -> None:
        self._lines = list(lines)
        self.lines = [line for line in self._lines if not isinstance(line, Flaw)]
        self.columns = Columns.named(TEXTS)
        super().__init__(
            line
            if isinstance(line, Flaw)
            else Person(line[1][0], self.columns.resource(line[1]), f"hr.csv:{line[0]}")
            for line in self._lines
        )

    def table(self) -> SheetTable:
        return SheetTable(self.columns.paths, self._lines)


class SheetTable:
    """What `Sheet.table` gives."""

    key = 0

    def __init__(
        self, paths: tuple[ScimPath, ...], lines: list[tuple[int, list[Any]] | Flaw]
    ) -> None:
        self.paths, self._lines = paths, lines

    def __iter__(self) -> Iterator[tuple[int, list[Any]] | Flaw]:
        return iter(self._lines)

    def where(self, line: int) -> str:
        return f"hr.csv:{line}"


cells = st.none() | st.sampled_from(("a", "Brno", "Clerk"))
sheets = st.lists(
    st.tuples(
        st.integers(2, 10**12),
        st.tuples(
            st.sampled_from(("1", "2", "Ä")),
            *([cells] * 3),
            st.none() | st.booleans(),
            st.none()
            | st.lists(st.sampled_from(("Sales", "SALES", "Wifi")), min_size=1, unique=True),
        ).map(list),
    ),
    max_size=12,
).map(Sheet)


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
    assert [reading.person(at) for _, at in found] == rows


@given(people)
def test_whatever_was_read_is_read_again_as_it_was(rows: list[Person]) -> None:
    reading = Reading(Hr(rows), NOBODY)

    again = [reading.person(at) for _, at in list(reading)]

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


def test_everybody_has_a_digest_of_their_own_and_equal_people_the_same() -> None:
    reading = finished([person("A", title="Clerk"), person("b"), person("A", title="Clerk")])

    first, second, third = (reading.stamps[at : at + STAMP] for at in range(0, 3 * STAMP, STAMP))
    assert first == third != second


def test_encoded_people_can_be_taken_from_the_spool_together() -> None:
    rows = [person(str(n), title="Clerk", where="hr.csv") for n in range(300)]

    encoded = finished(rows).spool.encoded(range(100, 300))

    assert list(map(decode_person, encoded)) == [Person(r.key, r.resource) for r in rows[100:]]
    assert [key_of(data) for data in encoded[:2]] == ["100", "101"]


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


def by_rows(sheet: Sheet, used: Uses = NOBODY) -> tuple[Reading, list[Person]]:
    """Read a sheet as rows, to the end; return everybody as they are read again."""
    reading = Reading(sheet, used)
    assert reading.as_table() is not None
    numbers = [number for _, number in reading.rows()]
    return reading, [reading.person(number) for number in numbers]


@given(sheets)
def test_rows_are_read_again_as_the_people_that_they_are(sheet: Sheet) -> None:
    assert by_rows(sheet)[1] == list(sheet.read())


@given(sheets, st.booleans())
def test_rows_are_measured_as_their_people_are(sheet: Sheet, every: bool) -> None:
    used = uses(*PATHS, "emails.type", groups=None if every else ["Sales", "Gone"])

    assert by_rows(sheet, used)[0].figures == finished(sheet.read(), used).figures


@given(sheets, st.data())
def test_the_hash_of_rows_does_not_depend_on_their_order_or_lines(
    sheet: Sheet, data: st.DataObject
) -> None:
    rows = data.draw(st.permutations([row for _, row in sheet.lines]))
    moved = Sheet(enumerate(rows))

    assert by_rows(moved)[0].sha256 == by_rows(sheet)[0].sha256


def test_the_hash_of_rows_knows_what_their_columns_are() -> None:
    class Renamed(Sheet):
        def __init__(self, lines: Iterable[tuple[int, list[Any]] | Flaw]) -> None:
            super().__init__(lines)
            self.columns = Columns.named(("externalId", "nickName", *TEXTS[2:]))

    line = (2, ["1", "Clerk", None, None, None, None])

    assert by_rows(Renamed([line]))[0].sha256 != by_rows(Sheet([line]))[0].sha256


def test_flaws_among_rows_are_kept_apart() -> None:
    reading, people = by_rows(Sheet([(2, ["1", *[None] * 5]), flaw("2"), (4, ["3", *[None] * 5])]))

    assert reading.flaws == [flaw("2")]
    assert [person.where for person in people] == ["hr.csv:2", "hr.csv:4"]


def test_a_directory_that_is_no_table_has_no_columns() -> None:
    assert Reading(Hr([]), NOBODY).as_table() is None


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
