"""What an operator is told to do about a plan as it stands."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.console.pages.next_step import Next, Situation, next_step
from provisioner.plan.model import Decided, Plan
from tests.provisioner.report.plans import UNTIL, a_plan, change

LEAVER = change(1, "license.remove", "jan", risk="destructive")
JOINER = change(2, "license.assign", "eva")


def asked(plan: Plan, **known: Any) -> Next:
    given = {
        "waiting": frozenset[int](), "adopted": True, "newest": None, "next_run": "in 3 minutes",
        "may_decide": True, **known,
    }  # fmt: skip
    return next_step(plan, Situation(**given))


def lines(step: Next) -> str:
    return "\n".join("".join(line) for line in step.lines)


def names(step: Next) -> list[str]:
    return [act.name for act in step.acts]


def test_what_waits_for_approval_comes_first_with_who_would_lose_something() -> None:
    step = asked(a_plan(LEAVER, JOINER), waiting={1})

    assert step.title == "1 change waits for approval, for 1 person"
    assert step.tone == "stop"
    assert "1 of them would lose a license, package, number or account." in lines(step)
    assert "1 change goes ahead with the next run, in 3 minutes." in lines(step)
    assert names(step) == ["Approve all …", "Reject all …", "Carry out …"]


def test_until_a_sync_is_adopted_nothing_is_promised_to_go_ahead() -> None:
    step = asked(a_plan(JOINER), waiting={2}, adopted=False)

    assert "not adopted yet" in lines(step)
    assert "goes ahead" not in lines(step)
    assert names(step) == ["Approve all, and adopt the account …", "Reject all …"]


def test_an_older_plan_leads_to_the_newer_one_and_promises_nothing() -> None:
    step = asked(a_plan(JOINER), newest="121")

    assert step.acts[0].href == "/plans/121"
    assert "goes ahead" not in lines(step)
    assert "Carry out …" not in names(step)


def test_held_changes_are_let_through_by_number_only() -> None:
    step = asked(a_plan(change(1, "license.remove", "jan", state="held", reason="limit 10%")))

    assert step.title == "1 change is held by a limit, for 1 person"
    assert "Let through what is held …" in names(step)


def test_whoever_may_only_look_is_offered_nothing_to_do() -> None:
    assert names(asked(a_plan(LEAVER), waiting={1}, may_decide=False)) == []


def test_half_an_approval_asks_for_the_other_half() -> None:
    half = Decided(
        decision="approved", by=("eva",), until=UNTIL, lacks="a second approver", seqs=(1,)
    )

    step = asked(a_plan(LEAVER, decisions=(half,)), waiting={1})

    assert "1 change is approved by one, and waits for a second approver." in lines(step)


@pytest.mark.parametrize("state", ["done", "rejected"])
def test_a_plan_of_which_nothing_is_left_says_so(state: str) -> None:
    step = asked(a_plan(change(1, state=state)))

    assert step.title == "Everything of this plan is decided and done"


def test_a_plan_that_leaves_only_steps_to_a_person_is_not_done() -> None:
    step = asked(a_plan(change(1, state="manual"), change(2, state="done")))

    assert step.title == "1 step is left to a person"
    assert step.acts[-1].href == "/manual?sync=emea"


def test_a_plan_that_only_shows_something_can_not_be_decided() -> None:
    step = asked(a_plan(JOINER, scope="preview"))

    assert names(step) == []
