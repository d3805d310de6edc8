"""What a row of people becomes, and by which key it is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.directory.csv_file import CsvDirectory
from connectors.directory.csv_file.columns import Names, custom_attributes
from connectors.directory.csv_file.row import FALSE, TRUE, row_reader
from connectors.errors import InputError
from connectors.records import ENTERPRISE, Flaw, Person

HEADER = "userName,externalId,displayName,email,active\n"
EVA = "eva,e1,Eva Malá,eva@example.org,true\n"
JAN = "jan,e2,Jan Novák,jan@example.org,true\n"
ADA = "ada,e3,Ada Wong,ada@example.org,true\n"


Write = Callable[..., CsvDirectory]


def people(directory: CsvDirectory) -> list[Person]:
    return [each for each in directory.read() if isinstance(each, Person)]


def flaws(directory: CsvDirectory) -> list[tuple[str, str | None]]:
    return [(each.where, each.key) for each in directory.read() if isinstance(each, Flaw)]


def test_every_short_name_lands_where_rfc_7643_has_it(directory: Write) -> None:
    (person,) = people(
        directory(
            "groups,active,manager,title,location,department,email,displayName,familyName,"
            "givenName,externalId,userName\n"
            "Sales;Phone Users,TRUE,boss,Clerk,Brno,Trade,eva@example.org,Eva Malá,Malá,Eva,e1,eva\n"
        )
    )

    assert person.key == "e1"
    assert person.where == "people.csv:2"
    assert person.resource == {
        "userName": "eva",
        "externalId": "e1",
        "name": {"givenName": "Eva", "familyName": "Malá"},
        "displayName": "Eva Malá",
        "emails": [{"type": "work", "value": "eva@example.org"}],
        "addresses": [{"type": "work", "locality": "Brno"}],
        "title": "Clerk",
        "active": True,
        "groups": [
            {"value": "Sales", "display": "Sales"},
            {"value": "Phone Users", "display": "Phone Users"},
        ],
        ENTERPRISE: {"department": "Trade", "manager": {"value": "boss"}},
    }


def test_header_names_are_known_in_any_case_and_as_scim_paths(directory: Write) -> None:
    header = (
        f'"USERNAME", name.GivenName ,"emails[type eq ""home""].value",{ENTERPRISE}:costCenter\n'
    )

    (person,) = people(directory(header + "eva,Eva,eva@home.example,77\n", key="userName"))

    assert person.resource == {
        "userName": "eva",
        "name": {"givenName": "Eva"},
        "emails": [{"type": "home", "value": "eva@home.example"}],
        ENTERPRISE: {"costCenter": "77"},
    }


def test_columns_maps_headers_and_adds_attributes_that_scim_lacks(directory: Write) -> None:
    columns = {"mail": "email", "Kostenstelle": "costPlace"}

    (person,) = people(directory("Mail;KOSTENSTELLE\neva@example.org;77\n", columns=columns))

    assert person.key == "eva@example.org"
    assert person.resource["costPlace"] == "77"
    assert custom_attributes(columns) == {"costPlace"}


def test_a_mapped_column_wins_over_one_that_bears_the_name(directory: Write) -> None:
    (person,) = people(directory("email,Mail\nold@x.org,new@x.org\n", columns={"Mail": "email"}))

    assert person.email == "new@x.org"


def test_unknown_and_unwanted_columns_are_passed_over(directory: Write) -> None:
    wide = [f"extra{i}" for i in range(198)]
    rows = ",".join(["userName", "password", *wide]) + "\n" + ",".join(["eva", "pw", *wide]) + "\n"

    (person,) = people(directory(rows, key="userName"))

    assert person.resource == {"userName": "eva"}


def test_blank_cells_are_absent_and_text_is_clean(directory: Write) -> None:
    row = "eva,e1, Eva Mala\N{COMBINING ACUTE ACCENT}\u00a0,   ,\n"

    (person,) = people(directory(HEADER + row))

    assert person.resource == {"userName": "eva", "externalId": "e1", "displayName": "Eva Malá"}


@pytest.mark.parametrize(("words", "active"), [(TRUE, True), (FALSE, False)])
def test_active_is_read_in_any_case(directory: Write, words: tuple[str, ...], active: bool) -> None:
    rows = [f"u{i},{word}\n" for word in words for i in (word, word.upper(), word.title())]

    found = people(directory("userName,active\n" + "".join(rows), key="userName"))

    assert {each.resource["active"] for each in found} == {active}
    assert len(found) == len(rows)


def test_an_active_that_cant_be_read_makes_a_flaw_with_the_key(directory: Write) -> None:
    source = directory("active,userName,externalId\nmaybe,eva,e1\nfalse,jan,e2\n")

    first, second = source.read()

    assert isinstance(first, Flaw)
    assert (first.where, first.key) == ("people.csv:2", "e1")
    assert "'maybe'" in first.reason
    assert "true" in first.remedy
    assert isinstance(second, Person)


def test_groups_are_named_once_and_equal_cells_share_one_list(directory: Write) -> None:
    rows = "userName,groups\na,Sales; Ops;;Sales\nb,Sales; Ops;;Sales\nc, ; \n"

    first, second, third = people(directory(rows, key="userName"))

    assert [group["display"] for group in first.resource["groups"]] == ["Sales", "Ops"]
    assert first.resource["groups"] is second.resource["groups"]
    assert "groups" not in third.resource


def test_many_different_group_cells_stay_right_beyond_what_is_remembered(directory: Write) -> None:
    cells = [f"g{i};g{i // 2}" for i in range(1, 9000)]
    rows = "".join(f"u{i},{cell}\n" for i, cell in enumerate(cells))

    found = people(directory("userName,groups\n" + rows, key="userName"))

    assert [";".join(group["display"] for group in each.resource["groups"]) for each in found] == [
        "g1;g0",
        *cells[1:],
    ]


_PATHS = st.lists(
    st.sampled_from(
        [
            "userName",
            "name.givenName",
            "name.familyName",
            "email",
            "emails.value",
            'emails[type eq "home"].value',
            "location",
            'addresses[type eq "work"].country',
            "phoneNumbers",
            "department",
            "manager",
            f"{ENTERPRISE}:manager.displayName",
            "costPlace",
        ]
    ),
    min_size=1,
    unique=True,
)


@given(_PATHS, st.booleans())
def test_a_compiled_row_is_what_putting_each_cell_would_make(paths: list[str], nfc: bool) -> None:
    columns, _ = Names({"costPlace": "costPlace"}).columns(paths)
    expected: dict[str, Any] = {}
    for column in sorted(columns, key=lambda c: c.path.part is not None):
        column.path.put(expected, f"v{column.index}")

    made = row_reader(columns, denormal=nfc)([f" v{i}" for i in range(len(paths))])

    assert made.keys() == expected.keys()
    for name, value in made.items():
        if isinstance(value, list):  # the order of several addresses says nothing
            value, expected[name] = (sorted(v, key=str) for v in (value, expected[name]))
        assert value == expected[name]


def test_the_key_is_the_external_id_where_the_header_has_it(directory: Write) -> None:
    assert [each.key for each in people(directory(HEADER + EVA))] == ["e1"]


def test_key_in_config_wins_over_the_external_id(directory: Write) -> None:
    assert [each.key for each in people(directory(HEADER + EVA, key="userName"))] == ["eva"]


def test_without_an_external_id_the_join_is_the_key(directory: Write) -> None:
    rows = "userName,email\neva,Eva@Example.org\n"

    assert [each.key for each in people(directory(rows))] == ["Eva@Example.org"]
    assert [each.key for each in people(directory(rows, join="userName"))] == ["eva"]
    assert [each.key for each in people(directory(rows, join="emails.value"))] == [
        "Eva@Example.org"
    ]


def test_a_header_without_the_key_is_refused(directory: Write) -> None:
    source = directory("userName,title\neva,Clerk\n")

    with pytest.raises(InputError, match=r"people.csv:1: no column gives emails.*`key:`"):
        list(source.read())


def test_an_empty_key_is_a_flaw_without_a_key(directory: Write) -> None:
    source = directory("userName,externalId\neva,\njan,e2\n")

    assert flaws(source) == [("people.csv:2", None)]
    assert [each.key for each in people(source)] == ["e2"]


def test_an_empty_user_name_is_a_flaw_of_whom_the_key_names(directory: Write) -> None:
    rows = "userName,externalId\n,e1\njan,e2\n"

    assert flaws(directory(rows)) == [("people.csv:2", "e1")]
    assert flaws(directory(rows, key="userName")) == [("people.csv:2", None)]


def test_two_rows_with_one_key_are_both_given_out(directory: Write) -> None:
    found = people(directory(HEADER + EVA + EVA))

    assert [(each.key, each.where) for each in found] == [
        ("e1", "people.csv:2"),
        ("e1", "people.csv:3"),
    ]


def test_a_join_that_only_another_directory_gives_is_no_matter_where_there_is_a_key(
    directory: Write,
) -> None:
    assert [each.key for each in people(directory(HEADER + EVA, join="badgeNumber"))] == ["e1"]
    with pytest.raises(InputError, match="no column gives badgeNumber"):
        directory("userName\neva\n", join="badgeNumber").check()
