"""One person may be in several directories, and is one person by one key; who isn't is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import Columns
from connectors.records import ENTERPRISE, Flaw, Person, fold
from provisioner.joining import People, join
from provisioner.reads import Reading, Uses


class Listed:
    """A directory of whatever it is given."""

    def __init__(self, name: str, rows: Iterable[Person | Flaw]) -> None:
        self.name = name
        self._rows = list(rows)

    def read(self) -> Iterator[Person | Flaw]:
        yield from self._rows

    def check(self) -> None:
        """Always there."""


def people(*directories: Iterable[Person | Flaw]) -> People:
    names = ("hr", "ad", "idm")
    return People(
        [
            Reading(Listed(name, rows), Uses((), frozenset()))
            for name, rows in zip(names, directories, strict=False)
        ]
    )


def joined(*directories: Iterable[Person | Flaw]) -> dict[str, Person]:
    return {key: person for key, person, _ in people(*directories)}


def read(found: People) -> People:
    for _ in found:
        pass
    return found


def person(key: str, mail: str | None = None, where: str = "", **attributes: Any) -> Person:
    resource = dict(attributes)
    if mail is not None:
        resource["emails"] = [{"value": mail, "type": "work"}]
    return Person(key, resource, where)


def groups(*names: str) -> list[dict[str, str]]:
    return [{"value": name, "display": name} for name in names]


def test_one_directory_gives_its_people_by_folded_key() -> None:
    assert joined([person("A1"), person("b2")]) == {"a1": person("A1"), "b2": person("b2")}


def test_everybody_can_be_read_again_where_iterating_said() -> None:
    found = people([person(str(n), title="Clerk") for n in range(1200)])

    everybody = list(found)

    assert [found.at(at) for _, _, at in everybody] == [person for _, person, _ in everybody]


def test_the_first_directory_with_a_value_wins_attribute_by_attribute() -> None:
    hr = person("1", title="Clerk", displayName="Eva")
    ad = person("1", title="Boss", department="Sales")

    found = joined([hr], [ad])

    assert found["1"].resource == {"title": "Clerk", "displayName": "Eva", "department": "Sales"}


def test_complex_attributes_are_joined_member_by_member() -> None:
    hr = Person("1", {"name": {"givenName": "Eva"}, ENTERPRISE: {"department": "Sales"}})
    ad = Person("1", {"name": {"givenName": "E.", "familyName": "Malá"}, ENTERPRISE: {}})

    resource = join(hr, ad).resource

    assert resource["name"] == {"givenName": "Eva", "familyName": "Malá"}
    assert resource[ENTERPRISE] == {"department": "Sales"}


def test_groups_of_several_directories_are_united() -> None:
    hr, ad = person("1", groups=groups("Sales")), person("1", groups=groups("Wifi", "Sales"))

    assert join(hr, ad).resource["groups"] == groups("Sales", "Wifi")


def test_whoever_is_in_the_second_directory_alone_is_there_too() -> None:
    assert set(joined([person("1")], [person("2")], [person("3"), person("1")])) == {"1", "2", "3"}


def test_what_each_directory_says_of_a_joined_person_can_be_asked() -> None:
    hr, ad = person("1", title="Clerk"), person("1", department="Sales")
    found = people([hr], [], [ad])

    ((_, _, at),) = list(found)

    assert found.parts(at) == [("hr", hr), ("idm", ad)]


def test_what_the_only_directory_says_can_be_asked_too() -> None:
    found = people([person("1", title="Clerk")])

    ((_, _, at),) = list(found)

    assert found.parts(at) == [("hr", person("1", title="Clerk"))]


def test_two_people_with_one_key_are_a_conflict_and_left_alone() -> None:
    found = read(people([person("a1", where="hr:2"), person("A1", where="hr:3"), person("b")]))

    (conflict,) = found.conflicts
    assert conflict.keys == ("a1",)
    assert conflict.where == ("hr:2", "hr:3")
    assert set(found.left_alone) == {"a1"}


def test_three_people_with_one_key_are_one_conflict_that_names_all() -> None:
    rows = [person("a1", where=f"hr:{n}", userName=f"u{n}") for n in (2, 3, 4)]

    (conflict,) = read(people(rows)).conflicts

    assert conflict.where == ("hr:2", "hr:3", "hr:4")
    assert conflict.users == ("u2", "u3", "u4")


def test_one_mail_under_two_keys_is_a_conflict_of_both() -> None:
    found = read(
        people([person("1", "Eva@x.org"), person("2", "eva@X.org"), person("3", "j@x.org")])
    )

    (conflict,) = found.conflicts
    assert conflict.keys == ("1", "2")
    assert set(found.left_alone) == {"1", "2"}


def test_one_mail_under_two_keys_of_two_directories_is_a_conflict_too() -> None:
    found = read(people([person("1", "eva@x.org")], [person("2", "eva@x.org")]))

    assert [conflict.keys for conflict in found.conflicts] == [("1", "2")]


def test_one_person_in_two_directories_with_the_same_mail_is_no_conflict() -> None:
    found = read(people([person("1", "eva@x.org")], [person("1", "eva@x.org")]))

    assert found.conflicts == []
    assert found.left_alone == {}


def test_people_are_found_by_their_work_mail() -> None:
    rows = [
        person(
            "1",
            emails=[{"value": "p@x.org", "primary": True}, {"value": "W@x.org", "type": "work"}],
        ),
        person("2", "only@x.org"),
        person("3"),
    ]

    assert read(people(rows)).key_by_mail == {"w@x.org": "1", "only@x.org": "2"}


def test_whose_row_cant_be_used_is_left_alone_whatever_other_directories_say() -> None:
    flaw = Flaw("hr:7", "A1", "has too few fields", "mend it")
    found = read(people([flaw], [person("a1")]))

    assert found.left_alone == {"a1": "hr:7: has too few fields"}


def test_rows_without_a_readable_key_are_told_with_their_directory() -> None:
    flaw = Flaw("ad:7", None, "has no key", "fill it in")
    found = read(people([person("1")], [flaw]))

    assert found.keyless == [("ad", flaw)]
    assert found.left_alone == {}


keys = st.sampled_from(("a", "A", "b", "c", "ß", "SS"))
rows = st.lists(
    st.builds(
        person,
        keys,
        st.none() | st.sampled_from(("a@x.org", "A@x.org", "b@x.org")),
        title=st.sampled_from(("Clerk", "Boss")),
        groups=st.sampled_from((groups("Sales"), groups("Wifi"), groups("Sales", "Wifi"))),
    ),
    max_size=5,
)


def _content(found: People) -> tuple[dict[str, Any], set[str], set[tuple[str, ...]]]:
    """People who are not left alone, who is, and which keys conflict."""
    everybody = {key: person.resource for key, person, _ in found}
    alone = set(found.left_alone)
    sound = {key: resource for key, resource in everybody.items() if key not in alone}
    return sound, alone, {conflict.keys for conflict in found.conflicts}


@given(rows, rows, rows, st.data())
def test_rows_in_any_order_give_the_same_people_and_conflicts(
    hr: list[Person], ad: list[Person], idm: list[Person], data: st.DataObject
) -> None:
    shuffled = [data.draw(st.permutations(each)) for each in (hr, ad, idm)]

    assert _content(people(*shuffled)) == _content(people(hr, ad, idm))
    assert _content(people(shuffled[0])) == _content(people(hr))


@given(rows, rows)
def test_everybody_with_a_key_of_their_own_is_joined_once(
    hr: list[Person], ad: list[Person]
) -> None:
    everybody = [key for key, _, _ in people(hr, ad)]

    assert sorted(everybody) == sorted({fold(row.key) for row in (*hr, *ad)})


@given(rows)
def test_nobody_is_left_alone_who_shares_neither_key_nor_mail(hr: list[Person]) -> None:
    found = read(people(hr))

    for row in hr:
        others = [other for other in hr if other is not row]
        alike = any(
            fold(o.key) == fold(row.key)
            or (o.email and row.email and fold(o.email) == fold(row.email))
            for o in others
        )
        if not alike:
            assert fold(row.key) not in found.left_alone


TEXTS = ("externalId", "title", "emails", "groups")


class Sheet(Listed):
    """A directory of the same people that offers them as a table, too."""

    key = 0

    def __init__(self, rows: list[list[Any]]) -> None:
        self._cells = rows
        columns = Columns.named(TEXTS)
        self.paths = columns.paths
        super().__init__(
            "hr",
            [Person(row[0], columns.resource(row), self.where(n)) for n, row in enumerate(rows)],
        )

    def table(self) -> Sheet:
        return self

    def __iter__(self) -> Iterator[tuple[int, list[Any]] | Flaw]:
        return iter(enumerate(self._cells))

    def where(self, line: int) -> str:
        return f"hr:{line}"


@given(
    st.lists(
        st.tuples(
            keys,
            st.just("Clerk"),
            st.none() | st.sampled_from(("a@x.org", "A@x.org", "b@x.org")),
            st.none(),
        ).map(list),
        max_size=6,
    )
)
def test_rows_of_a_table_give_the_same_people_and_conflicts(cells: list[list[Any]]) -> None:
    sheet, nobody = Sheet(cells), Uses((), frozenset())
    by_row, by_person = People([Reading(sheet, nobody)]), People([Reading(sheet, nobody)])
    assert by_row.as_table() is not None

    rows = {key: by_row.at(number) for key, _, number in by_row.rows()}

    assert rows == {key: person for key, person, _ in by_person}
    assert by_row.conflicts == by_person.conflicts
    assert by_row.left_alone == by_person.left_alone
    assert by_row.key_by_mail == by_person.key_by_mail


def test_several_directories_are_no_table() -> None:
    nobody = Uses((), frozenset())

    assert People([Reading(Sheet([]), nobody), Reading(Sheet([]), nobody)]).as_table() is None
