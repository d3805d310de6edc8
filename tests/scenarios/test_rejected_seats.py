"""What was rejected holds nothing: somebody else has the seat, and what isn't taken away stays used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import Installation, person, phone_user, rule, staff, states

ONE, TWO, THREE = (f"user{n}@example.org" for n in (1, 2, 3))


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """An adopted company of three with the license, in whose snapshot licenses are counted."""
    emea = Installation(tmp_path)
    emea.configure(
        limits={"removals": "100%", "changes": "100%"},
        pools={"brno": {"numbers": ["+420539001001"]}},
    )
    return emea


def begin(emea: Installation, *, seats: int, held: int, **give: Any) -> None:
    """Adopt, with so many of three licensed already, and everybody without the package."""
    emea.mapping(rules=[rule("all", license="zoom_phone", **give)])
    emea.people([*staff(held), person(8)])
    users = [phone_user(n, packages=[]) for n in range(1, held + 1)]
    emea.phone(
        [*users, phone_user(8, packages=[])],
        licenses={"zoom_phone": seats + 1},
    )
    emea.carry_out()


def reasons(plan: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(c["kind"], c["user"]): c["reason"] for c in plan["blocked"]}


def test_a_rejected_claim_holds_no_seat(emea: Installation) -> None:
    begin(emea, seats=1, held=0)
    emea.people([*staff(2), person(8)])
    first = emea.plan()
    assert ("license.assign", TWO) in reasons(first)
    emea.run("reject", first["id"], "--only", ONE)

    plan = emea.plan()

    assert states(plan)["license.assign", ONE] == "rejected"
    assert states(plan)["license.assign", TWO] == "planned"
    assert reasons(plan) == {}
    pool = plan["summary"]["pools"]["license:zoom_phone"]
    assert (pool["claimed"], pool["after"], pool["short"]) == (1, 2, 0)


def test_a_rejected_release_keeps_its_seat_used(emea: Installation) -> None:
    begin(emea, seats=2, held=2)
    emea.people([person(1), person(3), person(8)])
    first = emea.plan()
    assert states(first)["license.assign", THREE] == "planned"
    emea.run("reject", first["id"], "--only", TWO)

    plan = emea.plan()

    assert states(plan)["license.remove", TWO] == "rejected"
    assert (
        "user2@example.org keeps one, because it was rejected to take it away"
        in (reasons(plan)["license.assign", THREE])
    )
    pool = plan["summary"]["pools"]["license:zoom_phone"]
    assert (pool["freed"], pool["after"], pool["short"]) == (0, 3, 1)


def test_what_was_rejected_and_is_approved_after_all_takes_its_seat_again(
    emea: Installation,
) -> None:
    begin(emea, seats=1, held=0)
    emea.people([*staff(2), person(8)])
    first = emea.plan()
    emea.run("reject", first["id"], "--only", ONE)
    second = emea.plan()
    emea.run("approve", second["id"], "--only", ONE)

    plan = emea.plan()

    assert states(plan)["license.assign", ONE] == "approved"
    assert ("license.assign", TWO) in reasons(plan)


def test_a_number_that_was_rejected_for_one_goes_to_another(emea: Installation) -> None:
    begin(emea, seats=2, held=2)
    emea.mapping(rules=[rule("all", license="zoom_phone", number={"pool": "brno"})])
    first = emea.plan()
    assert states(first)["number.assign", ONE] == "planned"
    assert ("number.assign", TWO) in reasons(first)
    emea.run("reject", first["id"], "--only", ONE)

    plan = emea.plan()

    assert states(plan)["number.assign", ONE] == "rejected"
    assert states(plan)["number.assign", TWO] == "planned"
    given = {c["user"]: c["after"] for c in plan["changes"] if c["kind"] == "number.assign"}
    assert given[TWO] == "+420539001001"
    pool = plan["summary"]["pools"]["number:brno"]
    assert (pool["claimed"], pool["short"]) == (1, 1)


def test_what_an_undo_took_back_holds_no_seat(emea: Installation) -> None:
    begin(emea, seats=1, held=0)
    emea.people([*staff(1), person(8)])
    emea.carry_out()
    run = next(
        r["id"]
        for r in emea.run("runs", "--format", "json").plan["runs"]
        if r["command"] == "apply"
    )
    undo = emea.run("undo", run, "--format", "json").plan
    emea.run("approve", undo["id"])
    assert emea.run("apply", undo["id"]).status == 0
    emea.people([*staff(2), person(8)])

    plan = emea.plan()

    assert states(plan)["license.assign", TWO] == "planned"
    assert ("license.assign", ONE) not in reasons(plan)


def test_what_rests_on_a_rejected_claim_holds_no_seat_either(emea: Installation) -> None:
    begin(emea, seats=2, held=0)
    emea.mapping(rules=[rule("all", license="zoom_phone", packages=["basic"])])
    users = list(emea.phone_users().values())
    emea.phone(users, licenses={"zoom_phone": 3}, packages={"basic": 2})
    emea.people([*staff(2), person(8)])
    first = emea.plan()
    assert states(first)["package.assign", ONE] == "planned"
    assert ("package.assign", "user8@example.org") in reasons(first)
    emea.run("reject", first["id"], "--only", "license.assign", "--only", ONE)
    emea.run("approve", emea.plan()["id"], "--only", "package.assign")

    plan = emea.plan()

    assert plan["summary"]["pools"]["package:basic"]["short"] == 0
