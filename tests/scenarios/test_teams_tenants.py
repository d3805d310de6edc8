"""Tenants with peculiarities: another agreement, no funds, licenses from groups, deleted accounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.installation import kinds, only, person, rule
from tests.scenarios.teams_tenant import (
    DOMESTIC,
    E3,
    E5,
    PHONE,
    caller,
    installed,
    seats,
    tenant,
    user,
)

MCA = {"agreement": "mca", "auto_recharge": {"on": True, "trigger": 50, "amount": 100}}
OFFICE = rule("office", license=PHONE, packages=[DOMESTIC], credits=True)


def test_a_tenant_that_switched_to_mca_needs_no_credit_licenses_once_it_recharges(
    tmp_path: Path,
) -> None:
    with tenant([seats(), caller(1, credits=True), caller(2)]) as graph:
        company = installed(tmp_path, graph, OFFICE)
        company.people([person(1), person(2)])
        before = company.plan()
        graph.do("agreement", agreement="mca")
        other = company.plan()
        company.configure(phone_system=graph.system | {"credits": {"agreement": "mca"}})
        unsure = company.plan()
        company.configure(phone_system=graph.system | {"credits": MCA})

        satisfied = company.plan()

        assert kinds(before) == [("credit.assign", "user2@example.org")]
        assert {c["kind"] for c in other["blocked"]} == {"credit.assign"}
        assert all("fund Communications Credits" in c["reason"] for c in other["blocked"])
        for plan in (unsure, satisfied):
            assert (plan["changes"], plan["blocked"]) == ([], [])
        assert any("unable to dial" in text for text in unsure["warnings"])
        assert any("auto-recharge is on" in text for text in satisfied["warnings"])


def test_explain_says_why_nobody_is_assigned_credits_under_a_customer_agreement(
    tmp_path: Path,
) -> None:
    with tenant([seats(), caller(1)], {"credits": MCA}, mca=True) as graph:
        company = installed(tmp_path, graph, OFFICE)
        company.people([person(1)])
        company.plan()
        on = [company.run("explain", "user1@example.org", *how) for how in ((), ("--offline",))]
        off = {"agreement": "mca", "auto_recharge": {"on": False}}
        company.configure(phone_system=graph.system | {"credits": off})
        unsure = company.run("explain", "user1@example.org", "--format", "json").plan

        for explained in on:
            assert explained.status == 0, explained.said
            assert "nothing to assign: communication credits need no license" in explained.out
            assert "Customer Agreement, and config says that auto-recharge is on" in explained.out
            about = explained.out.partition("  credits ")[2].partition("  packages ")[0]
            assert "found nothing to change" not in about
        credits = next(e for e in unsure["entitlements"] if e["entitlement"] == "credits")
        assert "config doesn't say that auto-recharge is on" in credits["needless"]
        assert (credits["now"]["value"], credits["due"]) == (False, [])


def test_without_funds_the_plan_says_to_fund_communications_credits(tmp_path: Path) -> None:
    with tenant([seats(), caller(1)], credits_seats=0) as graph:
        company = installed(tmp_path, graph, OFFICE)
        company.people([person(1)])
        short = company.plan()
        graph.do("credits", seats=10)

        funded = company.carry_out()

        assert "fund Communications Credits" in short["blocked"][0]["reason"]
        assert kinds(funded) == [("credit.assign", "user1@example.org")]
        assert graph.users()["user1@example.org"]["credits"] is True


def test_a_license_from_a_group_is_taken_by_leaving_the_group(tmp_path: Path) -> None:
    inherited = [E3, {"sku": "Microsoft Teams Phone Standard", "group": "Phone Users"}]
    lines = [seats(), user(1, vendor={"licenses": inherited}, usage_location="DE")]
    with tenant(lines) as graph:
        company = installed(tmp_path, graph)
        company.people([person(1)])
        kept = company.carry_out()
        company.people([person(1, active="false")])

        plan = company.plan()
        applied = company.run("apply", plan["id"])
        graph.do("group", name="Phone Users", remove=["user1@example.org"])
        graph.a_day_later()
        after = company.plan()

        assert kept["changes"] == []
        step = only(plan, "license.remove")
        assert step["state"] == "manual"
        assert "out of the group Phone Users" in step["reason"]
        assert applied.status == 0, applied.said
        assert graph.licensing() == []
        assert (after["changes"], after["blocked"]) == ([], [])


def test_who_returns_within_thirty_days_is_restored_with_licenses_over_what_was_bought(
    tmp_path: Path,
) -> None:
    with tenant([seats(phone=1, domestic=1), caller(1), user(2)]) as graph:
        office = rule("office", license=PHONE, packages=[DOMESTIC])
        company = installed(tmp_path, graph, office, leavers={"do": "trash"})
        company.people([person(1)])
        company.carry_out()
        company.people([person(1, active="false"), person(2)])
        company.carry_out()
        company.people([person(1), person(2)])

        plan = company.carry_out()

        back = only(plan, "user.restore")
        assert any("license teams_phone comes back" in text for text in back["consequences"])
        assert plan["summary"]["pools"][f"license:{PHONE}"]["after"] == 2
        assert graph.users()["user1@example.org"]["license"] == PHONE
        assert company.plan()["changes"] == []


@pytest.mark.parametrize("on", [True, False])
def test_undoing_a_run_switches_phone_within_a_suite_back(tmp_path: Path, on: bool) -> None:
    suite = {"sku": E5} if on else {"sku": E5, "disabled_plans": ["MCOEV"]}
    holder = user(1, vendor={"licenses": [suite]}, usage_location="DE")
    with tenant([seats(), holder]) as graph:
        who = 'department eq "Elsewhere"' if on else "userName pr"
        company = installed(tmp_path, graph, rule("office", who, license=PHONE))
        company.configure(limits={"removals": "100%"})
        company.people([person(1)])
        company.carry_out()
        (changed,) = graph.users()["user1@example.org"]["vendor"]["licenses"]
        (run,) = company.run("runs", "--format", "json").plan["runs"]

        undo = company.run("undo", run["id"], "--format", "json").plan
        applied = [company.run(command, undo["id"]) for command in ("approve", "apply")]

        assert undo["conflicts"] == []
        assert [ran.status for ran in applied] == [0, 0], applied[-1].said
        (now,) = graph.users()["user1@example.org"]["vendor"]["licenses"]
        assert ("disabled_plans" in changed, "disabled_plans" in now) == (on, not on)


def test_undoing_a_run_takes_back_what_it_gave(tmp_path: Path) -> None:
    with tenant([seats(), user(1), caller(2)]) as graph:
        company = installed(tmp_path, graph, rule("office", license=PHONE, packages=[DOMESTIC]))
        company.people([person(1), person(2)])
        company.carry_out()
        runs = company.run("runs", "--format", "json").plan["runs"]
        graph.a_day_later()

        undo = company.run(
            "undo", max(runs, key=lambda run: str(run["started_at"]))["id"], "--format", "json"
        )
        applied = [company.run(command, undo.plan["id"]) for command in ("approve", "apply")]

        assert undo.status == 0, undo.said
        assert [ran.status for ran in applied] == [0, 0], applied[-1].said
        assert graph.users()["user1@example.org"]["license"] is None
        assert graph.users()["user2@example.org"]["license"] == PHONE


def test_a_rehearsal_ends_as_the_apply_does_and_writes_nothing_to_the_tenant(
    tmp_path: Path,
) -> None:
    templates = {"Office": {"TeamsCallingPolicy": "Office", "CallingLineIdentity": "Main"}}
    lines = [seats(["+49891", "+49892"]), caller(1, numbers=["+49891"]), user(2), caller(3)]
    with tenant(lines, {"templates": templates, "locations": {"Munich": "m-1"}}) as graph:
        office = rule("office", license=PHONE, packages=[DOMESTIC], credits=True, template="Office")
        company = installed(tmp_path, graph, office)
        company.configure(limits={"changes": "100%", "removals": "100%"})
        company.people([person(1), person(2), person(3, active="false")])
        plan = company.plan()
        company.run("approve", plan["id"])

        ran = company.run("rehearse", plan["id"], "--format", "json")

        assert ran.status == 0, ran.said
        rehearsed = ran.plan
        assert rehearsed["differences"] == [], ran.out
        assert rehearsed["states"]["settling"] == 1
        assert graph.log() == []


def test_a_product_that_a_country_may_not_have_fails_for_those_there_and_names_the_country(
    tmp_path: Path,
) -> None:
    lines = [seats(), user(1, usage_location="FR"), user(2, usage_location="DE")]
    with tenant(lines) as graph:
        company = installed(tmp_path, graph, rule("all", license=PHONE))
        company.configure(limits={"changes": "100%"})
        company.people([person(1), person(2)])
        graph.do("rules", prohibited={"Microsoft Teams Phone Standard": ["FR"]})
        plan = company.plan()
        company.run("approve", plan["id"])

        applied = company.run("apply", plan["id"])

        assert applied.status == 5
        assert "user1@example.org" in applied.out
        assert "their usage location is FR: Microsoft doesn't offer every product" in applied.out
        licenses = {mail: told["license"] for mail, told in graph.users().items()}
        assert licenses == {"user1@example.org": None, "user2@example.org": PHONE}


def test_who_has_no_teams_gets_no_phone_and_the_plan_says_what_is_missing(tmp_path: Path) -> None:
    nothing = {"vendor": {"licenses": ["Exchange Online (Plan 1)"]}}
    off = {"sku": E3, "disabled_plans": ["MCOSTANDARD", "TEAMS1"]}
    lines = [seats(), user(1, **nothing), user(2), user(3, vendor={"licenses": [off]})]
    with tenant(lines) as graph:
        office = rule("office", license=PHONE, packages=[DOMESTIC])
        company = installed(tmp_path, graph, office)
        company.people([person(n) for n in (1, 2, 3)])

        plan = company.carry_out()
        graph.do("group", name="Everybody", licenses=[E3], add=["user1@example.org"])
        graph.a_day_later()
        after = company.carry_out()

        assert set(kinds(plan)) == {
            (kind, "user2@example.org")
            for kind in ("profile.update", "license.assign", "package.assign")
        }
        reasons = {(b["kind"], b["user"]): b["reason"] for b in plan["blocked"]}
        assert "they have no Teams" in reasons["license.assign", "user1@example.org"]
        assert "rule office, " in reasons["license.assign", "user1@example.org"]
        assert f"off in their {E3}" in reasons["license.assign", "user3@example.org"]
        assert ("license.assign", "user1@example.org") in kinds(after)
        assert graph.users()["user1@example.org"]["license"] == PHONE


def test_a_group_that_had_no_seat_left_is_named_by_whoever_takes_its_place(tmp_path: Path) -> None:
    with tenant([seats(phone=1), caller(1), user(2, usage_location="DE")]) as graph:
        company = installed(tmp_path, graph)
        graph.do("group", name="Callers", licenses=[PHONE], add=["user2@example.org"])
        graph.a_day_later()
        company.people([person(1), person(2)])

        short = company.carry_out()
        graph.do("seats", **{PHONE: 2})
        enough = company.plan()

        words = "the group Callers was to give Microsoft Teams Phone Standard, and that failed"
        assert [b["kind"] for b in short["blocked"] + short["waiting"]] == ["license.assign"]
        for plan in (short, enough):
            (warning,) = [w for w in plan["warnings"] if words in w]
            assert warning.startswith("user2@example.org: ")
            assert "no seat was left; order or free seats" in warning
        (said,) = only(enough, "license.assign")["consequences"]
        assert words in said
