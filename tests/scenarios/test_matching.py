"""Who is who: people meet their phone users by join or mail, once, and never two of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.installation import (
    Installation,
    kinds,
    person,
    phone_user,
    phone_users,
    staff,
)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_a_plan_for_one_user_touches_nobody_else(emea: Installation) -> None:
    emea.people(staff(3))

    for name in ("user2@example.org", "USER2@EXAMPLE.ORG", "user2", "E002"):
        plan = emea.plan("--user", name)
        assert {user for _, user in kinds(plan)} == {"user2@example.org"}


def test_the_join_may_be_another_attribute(emea: Installation) -> None:
    emea.mapping(join="userName")
    emea.people([person(1)])
    emea.phone([phone_user(1, key="USER1", email="elsewhere@example.org")])

    assert emea.plan()["changes"] == []


def test_without_a_join_work_mail_meets_mail(emea: Installation) -> None:
    emea.mapping(join=None)
    emea.people([person(1, email="User1@Example.ORG")])
    emea.phone([phone_user(1, key=None)])

    plan = emea.plan()

    assert plan["changes"] == []
    assert plan["adoption"]["matched"] == {"email": 1}


def test_two_phone_users_that_match_one_person_are_a_conflict(emea: Installation) -> None:
    emea.people([person(1), person(2)])
    emea.phone([phone_user(1), phone_user(1, id="again", email="x@example.org")])

    plan = emea.plan()

    assert {user for _, user in kinds(plan)} == {"user2@example.org"}
    assert "again" in str(plan["conflicts"])


def test_a_mail_under_a_bound_key_that_is_gone_and_a_new_one_is_a_conflict(
    emea: Installation,
) -> None:
    emea.people(staff(20))
    emea.phone(phone_users(20))
    emea.carry_out()
    emea.people([*staff(19), person(20, externalId="NEW20")])

    plan = emea.plan()

    assert plan["changes"] == [], "a re-keyed person keeps the phone until somebody has looked"
    said = str(plan["conflicts"]) + str(plan["blocked"])
    assert "NEW20" in said.upper()
    assert "E020" in said.upper()
