"""The second file: who is in which group."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from connectors.directory.csv_file import CsvDirectory
from connectors.errors import IncompleteRead, InputError
from connectors.records import Flaw, Person

HEADER = "userName,externalId,displayName,email,active\n"
EVA = "eva,e1,Eva Malá,eva@example.org,true\n"
JAN = "jan,e2,Jan Novák,jan@example.org,true\n"
ADA = "ada,e3,Ada Wong,ada@example.org,true\n"


Write = Callable[..., CsvDirectory]


def people(directory: CsvDirectory) -> list[Person]:
    return [each for each in directory.read() if isinstance(each, Person)]


def flaws(directory: CsvDirectory) -> list[tuple[str, str | None]]:
    return [(each.where, each.key) for each in directory.read() if isinstance(each, Flaw)]


def groups_of(source: CsvDirectory) -> Iterator[tuple[str, list[str]]]:
    for person in people(source):
        yield person.key, [group["display"] for group in person.resource.get("groups", [])]


def test_memberships_name_people_by_key_or_user_name(directory: Write) -> None:
    memberships = (
        "Note;GROUP;Member\nx;Sales;E1\nx;Ops;jan\nx;Sales;jan\nx;Sales;jan\nx;Ops;nobody\n"
    )

    found = dict(groups_of(directory(HEADER + EVA + JAN + ADA, memberships)))

    assert found["e1"] == ["Sales"]
    assert sorted(found["e2"]) == ["Ops", "Sales"]
    assert found["e3"] == []


def test_memberships_add_to_the_groups_in_the_people_file(directory: Write) -> None:
    source = directory(
        "userName,externalId,groups\neva,e1,Sales;Ops\n", "group,key\nHQ,e1\nOps,e1\n"
    )

    assert list(groups_of(source)) == [("e1", ["Sales", "Ops", "HQ"])]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("Sales,\n", "3: .*no member"),
        (",e1\n", "3: .*no group"),
        ("Sales,e1,e2\n", "3: .*too many fields"),
        ('Sales,"e1\n', "3: .*never closed"),
        ("Sales", "3: .*cut off"),
    ],
)
def test_a_membership_that_cant_be_read_fails_the_read(
    directory: Write, rows: str, reason: str
) -> None:
    with pytest.raises(IncompleteRead, match=f"memberships.csv:{reason}"):
        list(directory(HEADER + EVA, "group,member\nSales,e1\n" + rows).read())


def test_memberships_of_strangers_only_fail_the_read(directory: Write) -> None:
    with pytest.raises(IncompleteRead, match="none is the key or the userName"):
        list(directory(HEADER + EVA, "group,member\nSales,eva@example.org\n").read())


def test_a_file_without_memberships_fails_the_read(directory: Write) -> None:
    with pytest.raises(IncompleteRead, match="no membership"):
        list(directory(HEADER + EVA, "group,member\n").read())


def test_a_member_who_could_be_two_people_is_a_flaw(directory: Write) -> None:
    rows = "userName,externalId\neva,e1\ne1,e2\n"

    assert flaws(directory(rows, "group,member\nSales,e1\n")) == [("people.csv:3", "e2")]


def test_memberships_need_one_column_of_groups_and_one_of_members(directory: Write) -> None:
    with pytest.raises(InputError) as caught:
        directory(HEADER + EVA, "grp,member,userName\nSales,e1,eva\n").check()

    assert [problem.text for problem in caught.value.problems] == [
        "0 columns give the group: one has to",
        "2 columns give the member: one has to",
    ]
