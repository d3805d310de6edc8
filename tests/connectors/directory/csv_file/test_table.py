"""A CSV file read as a table says the same as one read as resources, to the last flaw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.columns import Columns
from connectors.directory.csv_file import CsvDirectory
from connectors.errors import IncompleteRead, InputError, RunError
from connectors.records import Flaw, Person

Written = Callable[..., CsvDirectory]
HEADERS = (
    "userName,externalId,givenName,familyName,email,location,department,manager,title,active,groups",
    "groups,active,title,externalId,userName,displayName",
    "userName,active",
    "externalId,emails.value",
    "externalId,manager,department,active",
)


def as_table(directory: CsvDirectory) -> list[Person | Flaw]:
    """Read the table, and turn its rows into people."""
    table = directory.table()
    assert table is not None
    columns = Columns(table.paths)
    return [
        row
        if isinstance(row, Flaw)
        else Person(row[1][table.key], columns.resource(row[1]), table.where(row[0]))
        for row in table
    ]


def outcome(read: Callable[[], Iterable[Person | Flaw]]) -> object:
    """What reading gives, or the words in which it fails."""
    try:
        return list(read())
    except RunError as error:
        return type(error), str(error)


cells = st.sampled_from(
    (
        *("", "", " ", "1", "2", "eva", " Eva ", "Mala\u0301", "Malá", "TRUE", "no", "maybe"),
        *('"a,b"', '"two\nlines"', "Sales;Ops", "Sales; Ops ;;Sales", ";;", "x@y.org", '"', "\0"),
    )
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    header=st.sampled_from(HEADERS),
    rows=st.lists(st.lists(cells, max_size=12), max_size=8),
    ended=st.booleans(),
    whole=st.booleans(),
)
def test_a_table_and_a_read_give_the_same_people_flaws_and_errors(
    directory: Written, header: str, rows: list[list[str]], ended: bool, whole: bool
) -> None:
    if whole:  # every row as long as the header
        width = header.count(",") + 1
        rows = [(row + ["x"] * width)[:width] for row in rows]
    text = "\n".join([header, *map(",".join, rows)]) + ("\n" if ended else "")
    hr = directory(text, key="userName" if "externalId" not in header else "externalId")

    assert outcome(lambda: as_table(hr)) == outcome(hr.read)


def test_columns_stand_in_the_same_order_whatever_the_file_says(directory: Written) -> None:
    def texts(header: str) -> tuple[str, ...]:
        table = directory(f"{header}\n").table()
        assert table is not None
        return Columns(table.paths).texts

    assert texts("userName,externalId,title") == texts("title,userName,externalId")


@pytest.mark.parametrize(
    "header",
    [
        'externalId,emails.value,emails[type eq "home"].value',
        "externalId,emails.value,emails.primary",
    ],
)
def test_several_columns_of_one_attribute_are_no_table(directory: Written, header: str) -> None:
    assert directory(f"{header}\n").table() is None


def test_a_file_with_memberships_beside_it_is_no_table(directory: Written) -> None:
    hr = directory("externalId\n1\n", memberships="group,member\nSales,1\n")

    assert hr.table() is None


@pytest.mark.parametrize("key", ["emails.value", "groups", "active"])
def test_a_key_that_is_no_columns_text_makes_no_table(directory: Written, key: str) -> None:
    assert directory("email,title,groups,active\n", key=key).table() is None


def test_a_custom_column_is_part_of_the_table(directory: Written) -> None:
    hr = directory("externalId,Ausweis\n1,77\n", columns={"Ausweis": "badge"})

    assert as_table(hr) == [Person("1", {"externalId": "1", "badge": "77"}, "people.csv:2")]


def test_a_file_that_is_not_there_is_no_read(tmp_path: Path, connected: Any) -> None:
    with pytest.raises(IncompleteRead):
        connected(tmp_path).table()


def test_an_unusable_header_is_told(directory: Written) -> None:
    with pytest.raises(InputError, match="no name here is a known attribute"):
        directory("a,b\n1,2\n").table()
