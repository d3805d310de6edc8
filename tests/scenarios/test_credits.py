"""Communications Credits end to end: the ledger at the command line, and warnings on every plan."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import Installation, phone_users, rule, staff

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OTHER = {"agreement": "other", "auto_recharge": {"on": False}}


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """Two people, of whom the first has a credit license and the second is to get one."""
    here = Installation(tmp_path)
    first, second = phone_users(2)
    here.phone([first | {"credits": True}, second])
    here.people(staff(2))
    here.mapping(rules=[rule("callers", license="zoom_phone", credits=True)])
    return here


def with_credits(here: Installation, **credits: Any) -> None:
    system = {"kind": "snapshot", "path": "phone.jsonl", "credits": credits}
    here.configure(phone_system=system)


def statement(here: Installation, at: datetime = NOW) -> dict[str, Any]:
    ran = here.run("credits", "--format", "json", at=at)
    assert ran.status == 0, ran.said
    (only,) = json.loads(ran.out)["credits"]
    return dict(only)


def of_credits(plan: dict[str, Any]) -> list[str]:
    return [said for said in plan["warnings"] if "redit" in said]


def test_plans_warn_until_a_purchase_is_entered(here: Installation) -> None:
    with_credits(here, **OTHER)

    before = here.plan(at=NOW)
    added = here.run(
        "credits add", "--amount", "500", "--date", "2026-11-01", "--note", "PO", at=NOW
    )
    after = here.plan(at=NOW + timedelta(minutes=1))

    assert ["2 people rely" in said for said in of_credits(before)] == [True]
    assert added.status == 0
    assert "balance 500.00" in added.out
    assert of_credits(after) == []
    assert before["base"]["memory"] != after["base"]["memory"], "a plan rests on its ledger"
    shown = statement(here, NOW + timedelta(minutes=2))
    assert (shown["balance"], shown["relying"]) == ("500", 2)
    assert shown["next_lapse"] == {"date": "2027-11-01", "amount": "500"}


def test_a_plan_without_credits_in_config_says_nothing_of_them(here: Installation) -> None:
    assert of_credits(here.plan(at=NOW)) == []
    refused = here.run("credits", at=NOW)
    assert refused.status == 1
    assert "says nothing of Communications Credits" in refused.err


def test_purchases_of_config_usage_of_a_file_and_entries_by_hand_make_one_ledger(
    here: Installation,
) -> None:
    with_credits(
        here,
        **OTHER,
        purchases=[{"date": "2025-12-01", "amount": 100}],
        usage={"csv": "usage.csv"},
    )
    here.write("usage.csv", "Start Time,Charge\n2026-11-14T08:00:00Z,40\n")
    here.run("credits add", "--amount", "60", "--date", "2026-06-01", at=NOW)
    here.run("credits add", "--amount", "10", "--used", at=NOW)

    shown = statement(here)

    assert [(lot["date"], lot["left"]) for lot in shown["purchases"]] == [
        ("2025-12-01", "50"),
        ("2026-06-01", "60"),
    ]
    assert shown["rate"] == "5.00"
    # 40 of the 50 are used before they lapse on 1 December, then 60 last 12 days
    assert shown["runs_out"] == "2026-12-13"
    text = here.run("credits", at=NOW).out
    assert "runs out       2026-12-13" in text
    assert "! credits last until 2026-12-13" in text


@pytest.mark.parametrize(("on", "warned"), [(True, False), (False, True)])
def test_a_customer_agreement_needs_auto_recharge_and_no_purchase(
    here: Installation, on: bool, warned: bool
) -> None:
    with_credits(here, agreement="mca", auto_recharge={"on": on})

    assert bool(of_credits(here.plan(at=NOW))) is warned
    assert statement(here)["runs_out"] is None
    refused = here.run("credits add", "--amount", "500", at=NOW)
    assert refused.status == 1
    assert "paid afterwards" in refused.err


def test_a_file_that_cannot_be_used_stops_no_plan_and_check_tells_of_it(here: Installation) -> None:
    with_credits(here, **OTHER, usage={"csv": "usage.csv"})
    here.write("usage.csv", "date,amount\nyesterday,1\n")

    plan = here.plan(at=NOW)
    checked = here.run("check")
    asked = here.run("credits", at=NOW)

    assert ["usage.csv:2: 'yesterday' is no day" in said for said in of_credits(plan)] == [True]
    assert plan["summary"]["changes"] == {"credit.assign": 1}
    assert (checked.status, asked.status) == (1, 1)
    assert "usage.csv:2: 'yesterday' is no day" in checked.out
    assert "usage.csv:2: 'yesterday' is no day" in asked.err


def test_what_has_not_happened_yet_and_what_is_no_amount_are_refused(here: Installation) -> None:
    with_credits(here, **OTHER)

    later = here.run("credits add", "--amount", "5", "--date", "2026-12-01", at=NOW)
    nothing = here.run("credits add", "--amount", "0", at=NOW)

    assert later.status == nothing.status == 1
    assert "2026-12-01 has not come yet" in later.err
    assert "0" in statement(here)["balance"]
