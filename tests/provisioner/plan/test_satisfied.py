"""What is satisfied without a change, not effective yet, or only a person's to take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from connectors.phone.snapshot import ABILITIES
from connectors.records import Catalog, Change, PhoneUser, Seats
from provisioner.config import PoolConfig
from tests.provisioner.plan.office import Office, only, person, user

PHONE = "rules: [{name: all, when: userName pr, give: {license: phone}}]"
BASIC = "rules: [{name: all, when: userName pr, give: {license: phone, packages: [basic]}}]"
CREDITS = "rules: [{name: all, when: userName pr, give: {license: phone, credits: true}}]"


def office(
    mapping: str, *users: PhoneUser, able: dict[str, Any] | None = None, **more: Any
) -> Office:
    abilities = msgspec.structs.replace(ABILITIES, **(able or {}))
    people = [person(str(u.key)) for u in users]
    return Office(mapping=mapping, people=people, users=users, abilities=abilities, **more)


def whose(changes: Iterable[Change]) -> list[tuple[str, str]]:
    return [(c.kind, c.user) for c in changes]


def suite(key: str, **members: Any) -> PhoneUser:
    """Somebody whose license is a suite that counts as the phone's."""
    return user(key, license="Suite", counts_as=("Phone", "audio_conferencing"), **members)


# what counts as something else


def test_a_suite_that_counts_as_the_license_needs_no_other() -> None:
    assert office(PHONE, suite("eva")).plan().changes == ()


def test_a_license_that_counts_as_nothing_is_swapped() -> None:
    plan = office(PHONE, user("eva", license="Suite")).plan()

    assert [(c.kind, c.before, c.after) for c in plan.changes] == [
        ("license.assign", "Suite", "phone")
    ]


def test_a_package_that_comes_with_a_suite_is_neither_given_nor_taken() -> None:
    holder = user("eva", license="phone", counts_as=("Basic",))

    assert office(BASIC, holder).plan().changes == ()
    assert office(BASIC.replace("basic", "gold"), holder).plan().changes[0].before is None


# what isn't effective yet

NUMBERED = BASIC.replace("[basic]", "[basic], number: {pool: munich}")
POOLS = {"munich": PoolConfig(vendor=True)}
NUMBERS = Catalog(numbers=(("+49891", None),))


def test_a_number_waits_for_a_package_that_is_not_effective_yet() -> None:
    early = user("eva", license="phone", packages=("basic",), settling=("basic",))

    plan = office(NUMBERED, early, pools=POOLS, catalog=NUMBERS).plan()

    assert plan.changes == ()
    assert "not effective yet" in str(only(plan.waiting, "number.assign").reason)


def test_a_number_is_planned_once_the_package_is_effective() -> None:
    settled = user("eva", license="phone", packages=("basic",))

    plan = office(NUMBERED, settled, pools=POOLS, catalog=NUMBERS).plan()

    assert only(plan.changes, "number.assign").after == "+49891"


# what only a person can take

LEAVE = "take {user} out of the group Phones"


def test_what_a_group_gives_is_a_manual_step_with_its_words() -> None:
    held = user("eva", license="phone", packages=("gold",), by_hand={"gold": LEAVE})

    step = only(office(BASIC, held).plan().changes, "package.remove")

    assert step.state == "manual"
    assert step.reason == "take eva@example.org out of the group Phones"


def test_what_a_person_must_take_is_no_part_of_a_swap() -> None:
    held = user("eva", license="phone", packages=("gold",), by_hand={"gold": LEAVE})

    given = only(office(BASIC, held).plan().changes, "package.assign")

    assert (given.before, given.after, given.state) == (None, "basic", "planned")


def test_a_leavers_license_from_a_group_is_a_manual_step() -> None:
    held = user("jan", license="phone", by_hand={"license": LEAVE})
    gone = office(f"leavers: {{do: remove_license}}\n{PHONE}", held)

    plan = gone.but(people=[], bound={held.id: ("jan", 1.0)}).plan()

    assert only(plan.changes, "license.remove").state == "manual"


# credits


def test_credits_need_a_package_or_what_counts_as_a_base() -> None:
    able = {"credit_bases": frozenset({"audio_conferencing"})}
    with_base, without = suite("eva"), user("jan", license="phone")

    plan = office(CREDITS, with_base, without, able=able).plan()

    assert whose(plan.changes) == [("credit.assign", "eva@example.org")]
    assert "neither" in str(only(plan.blocked, "credit.assign").reason)


def test_credits_that_nobody_needs_are_satisfied_and_the_report_says_why() -> None:
    able = {"needless": {"credit.assign": "calls are billed afterwards"}}

    plan = office(CREDITS, user("eva", license="phone"), able=able).plan()

    assert (plan.changes, plan.blocked, plan.waiting) == ((), (), ())
    assert plan.summary.unchanged == 1
    assert plan.warnings == ("credit.assign for 1 person is left out: calls are billed afterwards",)


def test_without_a_seat_of_the_credit_license_the_plan_says_what_to_do() -> None:
    able = {"shortage": {"credits": "fund Communications Credits"}}
    short = Catalog(credits=Seats(0, 0))

    plan = office(CREDITS, user("eva", license="phone"), able=able, catalog=short).plan()

    reason = str(only(plan.blocked, "credit.assign").reason)
    assert reason.startswith("no seat of credits is left: ")
    assert ": fund Communications Credits" in reason
    assert plan.summary.pools["credits:credits"].short == 1


# pools


def test_two_names_for_one_license_are_one_pool() -> None:
    catalog = Catalog(
        licenses={"phone": Seats(1, 0), "Phone Standard": Seats(1, 0, counted_with="phone")}
    )
    mapping = """
rules:
  - {name: one, when: 'userName eq "ada"', give: {license: phone}}
  - {name: two, when: userName pr, give: {license: Phone Standard}}
"""

    plan = office(mapping, user("ada"), user("eva"), catalog=catalog).plan()

    assert whose(plan.changes) == [("license.assign", "ada@example.org")]
    assert whose(plan.blocked) == [("license.assign", "eva@example.org")]
    assert plan.summary.pools["license:phone"].after == 1


def test_a_restored_account_takes_its_seat_before_anybody_else_and_over_the_total() -> None:
    able = {"restore_brings": frozenset({"license"})}
    catalog = Catalog(licenses={"phone": Seats(1, 1)})
    back = user("eva", license="phone", status="trashed")
    holder, joiner = user("jan", license="phone"), user("zoe")

    plan = office(PHONE, back, holder, joiner, able=able, catalog=catalog).plan()

    restore = only(plan.changes, "user.restore")
    assert restore.consequences == (
        "license phone comes back with the account, whether a seat is free or not",
    )
    assert whose(plan.blocked) == [("license.assign", "zoe@example.org")]
    assert plan.summary.pools["license:phone"].after == 2
