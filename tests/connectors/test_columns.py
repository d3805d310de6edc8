"""A row says the same as its resource, and a column is found by the path that reads it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import Columns, Untold
from connectors.records import ENTERPRISE
from connectors.scim_filter import parse_path

TEXTS = (
    "userName",
    "name.givenName",
    "name.familyName",
    'emails[type eq "work"].value',
    'phoneNumbers[type eq "work" and primary eq true].value',
    'addresses[type eq "work"].locality',
    f"{ENTERPRISE}:department",
    f"{ENTERPRISE}:manager",
    "active",
    "groups",
    "badge",
)
PATHS = (
    *("userName", "name.givenName", "name.familyName", "name.middleName", "active", "title"),
    *("emails.value", 'emails[type eq "work"].value', 'emails[type eq "home"].value', "emails"),
    *("addresses.locality", "location", "department", "manager", "nickName"),
)
COLUMNS = Columns.named(TEXTS)
texts = st.none() | st.sampled_from(("a", "Brno", "x@y.org"))
rows = st.tuples(
    *([texts] * (len(TEXTS) - 3)),
    st.none() | st.booleans(),
    st.none() | st.lists(st.sampled_from(("Sales", "Ops")), min_size=1, unique=True),
    texts,
).map(list)


@given(rows)
def test_a_rows_resource_is_what_its_paths_put(row: list[Any]) -> None:
    resource: dict[str, Any] = {}
    for path, value in zip(COLUMNS.paths, row, strict=True):
        if path.attribute == "groups" and value:
            resource["groups"] = [{"value": name, "display": name} for name in value]
        elif value is not None:
            path.put(resource, value)

    assert COLUMNS.resource(row) == resource


@given(rows)
def test_a_column_tells_what_stands_at_its_path(row: list[Any]) -> None:
    resource = COLUMNS.resource(row)

    for text in PATHS:
        path = parse_path(text)
        place = COLUMNS.place(path)
        value = None if place is None else row[place]
        assert path.values(resource) == ([] if value is None else [value])


@pytest.mark.parametrize("text", ["emails.type", "phoneNumbers.primary", "addresses.type"])
def test_what_no_column_says_as_it_is_is_untold(text: str) -> None:
    with pytest.raises(Untold):
        COLUMNS.place(parse_path(text))


def test_groups_are_found_by_either_name() -> None:
    place = TEXTS.index("groups")

    assert COLUMNS.place(parse_path("groups.display")) == place
    assert COLUMNS.place(parse_path("groups.value")) == place
    assert COLUMNS.is_groups(place)


@given(rows)
def test_a_part_of_a_row_is_the_resource_of_those_columns_alone(row: list[Any]) -> None:
    name = COLUMNS.of_attribute(None, "name")

    assert COLUMNS.part(row, name).keys() <= {"name"}
    assert COLUMNS.part(row, name).get("name") == COLUMNS.resource(row).get("name")


def test_columns_are_made_again_from_their_texts() -> None:
    assert Columns.named(COLUMNS.texts).paths == COLUMNS.paths


@pytest.mark.parametrize(
    ("texts", "mail"),
    [
        (["userName", "emails"], 1),
        (['emails[type eq "home"].value', "title"], 0),
        (["emails.display"], None),
        (["title"], None),
    ],
)
def test_the_mail_address_is_found(texts: list[str], mail: int | None) -> None:
    assert Columns.named(texts).mail == mail
