"""Invitations that nobody accepts: sent again after a while, a few times, and then named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors.phone.zoom import abilities
from provisioner.memory import Memory
from provisioner.plan.invitations import noted
from provisioner.reminders import invited, one_more
from tests.provisioner.plan.grounds import NOW, ground
from tests.provisioner.plan.office import Office, only, person, user
from tests.provisioner.plan.test_settings import case as made

ABLE = abilities("create", 15, job_titles=False, resend=(timedelta(days=7), 3))
LICENSED = "rules: [{name: all, when: userName pr, give: {license: zoom_phone}}]"
PENDING = user("eva", status="pending")


def remembered(sent: int, days: float | None) -> Memory:
    since = None if days is None else (NOW - timedelta(days=days)).isoformat()
    value: Any = {"sent": str(sent), "since": since}
    return Memory(adopted=True, applied={("eva", "invitation"): value})


def office(memory: Memory, **members: Any) -> Office:
    plain = Office(
        mapping=LICENSED, people=[person("eva")], users=[PENDING], abilities=ABLE, memory=memory
    )
    return plain.but(**members)


def test_an_invitation_is_sent_again_when_it_is_old_enough_with_the_portals_steps() -> None:
    step = only(office(remembered(0, 7)).plan().changes, "welcome.resend")

    assert (step.state, step.risk) == ("manual", "safe")
    assert "User Management > Users > Pending; find eva@example.org" in str(step.reason)
    assert step.consequences == ("the invitation mail is sent again: reminder 1 of 3",)
    assert step.because == "the invitation has not been accepted yet"
    assert step.cause == "directory", "nobody changed anything in the phone system"


def test_a_fresh_invitation_waits_and_one_that_nobody_saw_leave_is_noted_first() -> None:
    for memory in (remembered(0, 6.9), remembered(1, None), Memory(adopted=True)):
        assert office(memory).plan().changes == ()


def test_after_the_last_reminder_no_more_is_sent_and_the_plan_says_who_never_accepted() -> None:
    plan = office(remembered(3, 8)).plan()

    assert plan.changes == ()
    assert "invited and reminded 3 times, and never accepted: eva@example.org" in plan.warnings


def test_without_a_figure_in_config_nothing_is_sent_again() -> None:
    silent = office(remembered(0, 99), abilities=abilities("create", 15, job_titles=False))

    assert silent.plan().changes == ()


def test_what_waits_for_acceptance_is_told_beside_the_reminder() -> None:
    plan = office(remembered(0, 7)).plan()

    assert "has not accepted the invitation yet" in str(only(plan.waiting, "license.assign").reason)


def learned(memory: Memory, status: str) -> dict[Any, Any]:
    case = made(user("eva", status=status))
    return dict(noted(case, ground("license", abilities=ABLE, memory=memory)))


def test_a_plan_notes_when_it_first_sees_an_invitation_and_forgets_one_that_was_accepted() -> None:
    at = ("eva", "invitation")
    assert learned(Memory(), "pending") == {at: {"sent": "0", "since": NOW.isoformat()}}
    assert learned(remembered(1, None), "pending") == {at: {"sent": "1", "since": NOW.isoformat()}}
    assert learned(remembered(1, 2), "pending") == {}
    assert learned(remembered(1, 2), "active") == {at: None}
    assert learned(Memory(), "active") == {}


def test_one_reminder_more_counts_and_asks_the_next_plan_for_its_moment() -> None:
    value = one_more(one_more(None))

    assert invited(value) == (2, None)
    assert invited({"sent": "2", "since": NOW.isoformat()}) == (2, NOW)
