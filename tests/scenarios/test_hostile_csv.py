"""CSV files as they really arrive: what is read, what is refused, and what nothing may follow from.

1: cut off or unreadable. 3: empty, or implausible, with figures. A bad row with a readable key
leaves that person alone; one without means that somebody is missing, and absence is not believed.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from tests.scenarios.installation import (
    FIELDS,
    Installation,
    csv_text,
    kinds,
    person,
    phone_users,
    staff,
    states,
)

HEADER = ",".join(FIELDS)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Twenty people who are all as they should be, adopted."""
    emea = Installation(tmp_path)
    emea.people(staff(20))
    emea.phone(phone_users(20))
    emea.carry_out()
    return emea


def rows(count: int = 20) -> str:
    return csv_text(staff(count))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbf" + rows().encode(), id="BOM"),
        pytest.param(rows().encode("utf-16"), id="UTF-16 with BOM"),
        pytest.param(rows().encode("utf-16-le"), id="UTF-16 without BOM"),
        pytest.param(rows().replace(",", ";").encode(), id="semicolons"),
        pytest.param(rows().replace(",", "\t").encode(), id="tabs"),
        pytest.param(rows().replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(rows().rstrip("\n").encode(), id="no newline at the end"),
        pytest.param((rows() + "\n\n\n").encode(), id="blank lines at the end"),
        pytest.param(rows().replace("userName", "USERNAME").encode(), id="header in capitals"),
        pytest.param(rows().replace("User 7", " User 7 ").encode(), id="blanks around"),
        pytest.param(rows().replace("E007", '"E007"').encode(), id="quotes"),
        pytest.param(rows().replace("Sales", "sales").encode(), id="another case"),
        pytest.param(rows().replace("user7@example.org", "User7@EXAMPLE.org").encode(), id="mail"),
        pytest.param(rows().replace("true", "TRUE").encode(), id="booleans"),
        pytest.param(
            "\n".join(
                line + ",x" * 193 if n else line + "".join(f",c{i}" for i in range(193))
                for n, line in enumerate(rows().splitlines())
            ).encode(),
            id="200 columns",
        ),
    ],
)
def test_the_same_people_written_otherwise_change_nothing(
    emea: Installation, content: bytes
) -> None:
    emea.write("people.csv", content)

    plan = emea.plan()

    assert plan["changes"] == []
    assert plan["conflicts"] == []


def test_latin_1_is_read_where_config_says_so(emea: Installation) -> None:
    emea.mapping(profile={"display_name": "{displayName}"})
    people = [person(1, displayName="Žofie Malá"), *staff(20)[1:]]
    emea.configure(
        directories=[{"kind": "csv", "name": "hr", "path": "people.csv", "encoding": "iso-8859-2"}]
    )
    emea.write("people.csv", csv_text(people).encode("iso-8859-2"))

    plan = emea.plan()

    assert [c["after"] for c in plan["changes"]] == [{"display_name": "Žofie Malá"}]


def test_quoted_newlines_and_quotes_belong_to_the_value(emea: Installation) -> None:
    emea.mapping(profile={"display_name": "{displayName}"})
    emea.people([person(1, displayName='Eva "E"\nMalá, Dr.'), *staff(20)[1:]])

    plan = emea.plan()

    assert kinds(plan) == [("profile.update", "user1@example.org")]
    assert plan["changes"][0]["after"] == {"display_name": 'Eva "E"\nMalá, Dr.'}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(rows().encode()[:-12], id="cut off in the last row"),
        pytest.param(rows().encode()[: len(HEADER) + 40], id="cut off in an early row"),
        pytest.param(rows().encode() + b'E021,"user21', id="cut off in a quoted field"),
        pytest.param(rows().encode("utf-16")[:-3], id="cut off in a UTF-16 letter"),
        pytest.param(rows().encode()[:300] + b"\x00" * 300, id="NUL bytes to the end"),
        pytest.param(b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)) * 4, id="a spreadsheet"),
        pytest.param(b"<html><body>Please sign in</body></html>\n", id="a login page"),
    ],
)
def test_a_file_that_is_cut_off_or_no_csv_ends_with_1_and_plans_nothing(
    emea: Installation, content: bytes
) -> None:
    emea.write("people.csv", content)

    ran = emea.run("plan", "--format", "json")

    assert ran.status == 1, ran.said
    assert ran.out == ""
    assert "people.csv" in ran.err
    assert ";\n    " in ran.err, "it says what to do about it"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf"])
def test_a_file_without_even_a_header_plans_nothing(emea: Installation, content: bytes) -> None:
    emea.write("people.csv", content)

    ran = emea.run("plan")

    assert ran.status in (1, 3), ran.said
    assert ran.out == ""
    assert "empty" in ran.err


def test_a_ragged_row_leaves_that_person_alone_and_names_the_line(emea: Installation) -> None:
    text = rows(21).splitlines()
    text[5] = "E005,user5,user5@example.org,User 5"
    text[6] = text[6] + ",too,many"
    emea.write("people.csv", "\n".join([text[0], *text[1:]]) + "\n")

    plan = emea.plan()

    assert {user for _, user in kinds(plan)} == {"user21@example.org"}
    assert any("people.csv:6" in warning for warning in plan["warnings"])
    assert any("people.csv:7" in warning for warning in plan["warnings"])


def test_a_bad_row_takes_nothing_from_its_person_and_others_may_leave(
    emea: Installation,
) -> None:
    text = csv_text([*staff(18), person(19, active="perhaps")])
    emea.write("people.csv", text)

    plan = emea.plan()

    assert states(plan) == {("license.remove", "user20@example.org"): "planned"}
    assert any("people.csv:20" in w and "perhaps" in w for w in plan["warnings"])


def test_a_row_without_a_key_holds_what_follows_from_absence_and_nothing_else(
    emea: Installation,
) -> None:
    emea.people([*staff(18), person(19, externalId=""), person(21)])

    plan = emea.plan(status=3)

    held = states(plan)
    assert held["license.remove", "user19@example.org"] == "held"
    assert held["license.remove", "user20@example.org"] == "held"
    assert held["license.assign", "user21@example.org"] == "planned"
    reasons = [c["reason"] for c in plan["changes"] if c["state"] == "held"]
    assert all("people.csv:20" in reason for reason in reasons)
    ran = emea.run("apply", plan["id"], "--allow-removals", "2")
    assert ran.status == 3, "no number of people makes up for somebody who is missing"
    assert emea.phone_users()["user20@example.org"]["license"] == "zoom_phone"
    assert emea.phone_users()["user21@example.org"]["license"] == "zoom_phone"


def test_whoever_says_of_themselves_that_they_left_leaves_despite_a_row_without_key(
    emea: Installation,
) -> None:
    emea.people([*staff(18), person(19, active="false"), person(20), person(21, externalId="")])

    plan = emea.plan()

    assert states(plan) == {("license.remove", "user19@example.org"): "planned"}


def test_two_rows_with_one_key_are_a_conflict_and_left_alone(emea: Installation) -> None:
    emea.people([*staff(19), person(20, department="IT"), person(20, active="false")])

    plan = emea.plan()

    assert plan["changes"] == []
    (conflict,) = plan["conflicts"]
    assert "people.csv:21" in str(conflict)
    assert "people.csv:22" in str(conflict)


@pytest.mark.parametrize(
    "twin",
    [
        pytest.param("straße-ä", id="case"),
        pytest.param(unicodedata.normalize("NFD", "STRASSE-Ä"), id="Unicode form and case"),
        pytest.param("  STRASSE-Ä ", id="blanks"),
    ],
)
def test_keys_that_differ_only_in_writing_are_one_key(emea: Installation, twin: str) -> None:
    emea.people([*staff(20), person(30, externalId="STRASSE-Ä"), person(31, externalId=twin)])

    plan = emea.plan()

    assert plan["changes"] == []
    assert len(plan["conflicts"]) == 1


def test_one_mail_under_two_keys_is_a_conflict_and_both_are_left_alone(
    emea: Installation,
) -> None:
    people = staff(20)
    people[18] |= {"email": "USER20@example.org", "department": "IT"}
    people[19] |= {"active": "false"}
    emea.people(people)

    plan = emea.plan()

    assert plan["changes"] == []
    (conflict,) = plan["conflicts"]
    assert {key.upper() for key in conflict["keys"]} == {"E019", "E020"}
    assert "people.csv:20" in str(conflict["where"])
    assert "people.csv:21" in str(conflict["where"])


def test_a_duplicate_header_is_refused_rather_than_guessed(emea: Installation) -> None:
    emea.write("people.csv", rows().replace("displayName", "userName", 1))

    ran = emea.run("plan")

    assert ran.status == 1, ran.said
    assert "userName" in ran.err


def test_a_blank_active_is_unset_and_not_false(emea: Installation) -> None:
    emea.mapping(scope='not (active eq false) and groups.display eq "Phone"')
    emea.carry_out()
    emea.people([*staff(19), person(20, active="")])

    assert emea.plan()["changes"] == []


def test_a_row_without_a_user_name_but_with_a_key_is_that_persons_trouble_alone(
    emea: Installation,
) -> None:
    emea.people([*staff(19), person(20, userName="")])

    plan = emea.plan()

    assert [c for c in plan["changes"] if c["kind"] == "license.remove"] == []


def test_a_file_that_is_still_being_written_is_read_whole_or_not_at_all(
    emea: Installation,
) -> None:
    text = rows(21).encode()
    last = text.splitlines(keepends=True)[-1]
    for end in range(len(text) - len(last), len(text)):
        fields = text[:end].splitlines()[-1].count(b",") + 1
        emea.write("people.csv", text[:end])
        ran = emea.run("plan", "--format", "json")
        if fields == len(FIELDS):  # nobody can tell that a last value was to be longer
            assert {user for _, user in kinds(ran.plan)} <= {"user21@example.org"}
        else:
            assert ran.status == 1, text[:end][-40:]


def test_a_second_file_may_list_the_memberships(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.configure(
        directories=[
            {
                "kind": "csv",
                "name": "hr",
                "path": "people.csv",
                "memberships": "groups.csv",
            }
        ]
    )
    emea.people(staff(5, groups=""))
    emea.write("groups.csv", "userName,group\n" + "".join(f"user{n},Phone\n" for n in range(1, 4)))

    ran = emea.run("plan", "--format", "json")
    if ran.status != 0:
        pytest.fail(ran.said)

    assert {user for _, user in kinds(ran.plan)} == {f"user{n}@example.org" for n in (1, 2, 3)}
