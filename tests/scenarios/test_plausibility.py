"""A read that is complete and yet can't be right: refused with the figures, before anything is planned."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.scenarios.installation import (
    FIELDS,
    Installation,
    csv_text,
    person,
    phone_users,
    staff,
)

HEADER = ",".join(FIELDS)
MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Twenty people who are all as they should be, adopted on a Monday."""
    emea = Installation(tmp_path)
    emea.people(staff(20))
    emea.phone(phone_users(20))
    emea.carry_out(at=MONDAY)
    return emea


def rows(count: int = 20) -> str:
    return csv_text(staff(count))


@pytest.mark.parametrize("header", [HEADER, HEADER + "\n", HEADER + "\n\n", HEADER[:20]])
def test_an_empty_directory_is_refused_and_never_accepted(emea: Installation, header: str) -> None:
    emea.write("people.csv", header)

    ran = emea.run("plan")

    assert ran.status == 3, ran.said
    assert "20" in ran.err, "with what there was before"
    assert "--accept-read" not in ran.err
    assert emea.run("plan", "--accept-read", "hr=" + "0" * 64).status == 3


def test_an_empty_directory_is_refused_on_the_first_read_too(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.write("people.csv", HEADER + "\n")

    assert emea.run("plan").status == 3


def test_half_of_the_people_are_refused_with_the_figures(emea: Installation) -> None:
    emea.people(staff(10))

    ran = emea.run("plan")

    assert ran.status == 3
    assert re.search(r"\b10 people\b.*\b20 before\b", ran.err)
    assert "10%" in ran.err
    assert re.search(r"--accept-read hr=sha256:[0-9a-f]{64}", ran.err)


def test_three_people_fewer_are_believed_whatever_the_percentage(emea: Installation) -> None:
    emea.people(staff(17))

    plan = emea.plan()

    assert plan["summary"]["removals"] == 3


def test_an_accepted_read_is_accepted_once_and_is_the_new_measure(emea: Installation) -> None:
    emea.people(staff(16))
    refusal = emea.run("plan").err
    accept = re.search(r"--accept-read (\S+)", refusal)
    assert accept is not None

    first = emea.run("plan", "--accept-read", accept[1], "--format", "json")
    assert first.status == 3, "the read is believed, and the limit on removals still holds them"
    assert first.plan["summary"]["held"] == 4
    assert emea.run("plan").status == 3, "held, but no longer refused"
    assert "accept-read" not in emea.run("plan").err

    emea.people(staff(12))
    again = emea.run("plan", "--accept-read", accept[1])
    assert again.status == 3
    assert "accept-read" in again.err, "another read is not the one that was accepted"
    assert "16 before" in again.err


def test_a_wrong_hash_accepts_nothing(emea: Installation) -> None:
    emea.people(staff(10))

    ran = emea.run("plan", "--accept-read", "hr=sha256:" + "0" * 64)

    assert ran.status == 3
    assert ran.out == ""


def test_a_column_that_vanished_is_refused_by_name(emea: Installation) -> None:
    emea.write("people.csv", rows().replace("active", "aktiv"))

    ran = emea.run("plan")

    assert ran.status == 3, ran.said
    assert "'active'" in ran.err
    assert "0 values, 20 before" in ran.err


def test_a_group_column_that_was_emptied_is_refused_by_the_groups_name(
    emea: Installation,
) -> None:
    emea.people(staff(20, groups=""))

    ran = emea.run("plan")

    assert ran.status == 3, ran.said
    assert "group 'Phone' has 0 members, 20 before" in ran.err


def test_a_renamed_group_is_refused_by_its_old_name(emea: Installation) -> None:
    emea.people(staff(20, groups="Telephone"))

    ran = emea.run("plan")

    assert ran.status == 3, ran.said
    assert "'Phone'" in ran.err


def test_a_group_is_measured_by_the_name_that_the_mapping_compares_without_case(
    tmp_path: Path,
) -> None:
    emea = Installation(tmp_path)
    emea.mapping(scope='groups.display eq "phone"')
    emea.people(staff(20))
    emea.phone(phone_users(20))
    assert not any("no member" in warning for warning in emea.carry_out()["warnings"])

    emea.people(staff(20, groups="Others"))
    ran = emea.run("plan")

    assert ran.status == 3
    assert "group" in ran.err


@pytest.mark.parametrize("when", ['groups.display sw "pho"', 'groups[display co "hon"]'])
def test_a_group_is_measured_whatever_compares_it_and_others_are_not(
    tmp_path: Path, when: str
) -> None:
    emea = Installation(tmp_path)
    emea.mapping(scope=when)
    emea.people(staff(20, groups="Phone;Project"))
    emea.phone(phone_users(20))
    emea.carry_out()

    emea.people(staff(9, groups="Phone;Project") + [person(n) for n in range(10, 21)])
    assert emea.plan()["changes"] == [], "Project is none of the mapping's business"
    emea.people(staff(20, groups="Project"))
    ran = emea.run("plan")
    assert ran.status == 3
    assert "group 'Phone' has 0 members, 20 before" in ran.err


def test_a_used_column_that_is_mostly_blank_is_refused(emea: Installation) -> None:
    emea.people([*staff(10), *(person(n, department="") for n in range(11, 21))])

    ran = emea.run("plan")

    assert ran.status == 3
    assert "department" in ran.err
    assert "10 values, 20 before" in ran.err


def test_a_column_that_the_mapping_does_not_use_may_vanish(emea: Installation) -> None:
    emea.people(staff(20, displayName=""))

    assert emea.plan()["changes"] == []


def test_nothing_of_a_refused_read_is_remembered(emea: Installation) -> None:
    emea.people(staff(10, department="IT"))
    assert emea.run("plan").status == 3
    emea.people(staff(20))

    plan = emea.plan()

    assert plan["changes"] == []


def test_a_slow_leak_is_measured_against_the_best_read_of_the_day(emea: Installation) -> None:
    emea.people(staff(17))
    emea.plan(at=MONDAY + HOUR)
    emea.people(staff(14))

    ran = emea.run("plan", at=MONDAY + 2 * HOUR)

    assert ran.status == 3
    assert "14 people, 20 before" in ran.err


def test_after_a_day_the_last_accepted_read_is_the_measure(emea: Installation) -> None:
    emea.people(staff(17))
    emea.plan(at=MONDAY + HOUR)
    emea.people(staff(14))

    assert emea.run("plan", at=MONDAY + 26 * HOUR).status != 1
    assert "accept-read" not in emea.run("plan", at=MONDAY + 26 * HOUR).err


def test_an_old_read_is_the_measure_when_there_is_no_other(emea: Installation) -> None:
    emea.people(staff(10))

    ran = emea.run("plan", at=MONDAY + timedelta(days=30))

    assert ran.status == 3
    assert "10 people, 20 before" in ran.err


def test_people_min_refuses_a_read_of_fewer(emea: Installation) -> None:
    emea.configure(limits={"people_min": 100})

    ran = emea.run("plan")

    assert ran.status == 3
    assert "100" in ran.err


def test_a_used_column_that_nobody_has_is_warned_of_on_the_first_read(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.write("people.csv", rows(3).replace("active", "aktiv", 1))
    emea.phone(phone_users(3))

    plan = emea.plan()

    assert any("active" in warning for warning in plan["warnings"])


def test_a_file_whose_rows_all_lack_a_key_says_so(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(3, externalId=""))

    ran = emea.run("plan")

    assert ran.status == 3
    assert "people.csv:2" in ran.err
