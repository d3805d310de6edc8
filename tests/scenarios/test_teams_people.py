"""Joiners, movers and leavers of a company that calls with Microsoft Teams."""

from __future__ import annotations

from pathlib import Path

from tests.scenarios.installation import kinds, only, person, rule, states
from tests.scenarios.teams_tenant import (
    DOMESTIC,
    E3,
    E5,
    INTERNATIONAL,
    PHONE,
    caller,
    installed,
    seats,
    tenant,
    user,
)

NUMBERS = ["+49891230001", "+49891230002", "+49891230003"]
POOLS = {"munich": {"vendor": True}}


def test_a_joiner_with_e3_gets_phone_plan_credits_and_a_day_later_a_number(tmp_path: Path) -> None:
    with tenant([seats(NUMBERS), user(1)]) as graph:
        office = rule(
            "office",
            license=PHONE,
            packages=[DOMESTIC],
            credits=True,
            number={"pool": "munich"},
            template="Office",
        )
        company = installed(tmp_path, graph, office, pools=POOLS)
        graph.do("policy", type="TeamsCallingPolicy", name="Office")
        company.people([person(1)])

        plan = company.carry_out()
        waiting = company.plan()
        graph.a_day_later()
        number = company.carry_out()
        settled = company.plan()

        assert [kind for kind, _ in kinds(plan)] == [
            "profile.update",
            "license.assign",
            "package.assign",
            "template.apply",
            "number.assign",
            "credit.assign",
        ]
        assert waiting["changes"] == []
        assert [(c["kind"], "not effective yet" in c["reason"]) for c in waiting["waiting"]] == [
            ("number.assign", True)
        ]
        assert kinds(number) == [("number.assign", "user1@example.org")]
        assert (settled["changes"], settled["waiting"]) == ([], [])
        assert graph.licensing() == [(user(1)["id"], 3, 0)]
        joiner = graph.users()["user1@example.org"]
        assert joiner["numbers"] == NUMBERS[:1]
        assert (joiner["credits"], joiner["usage_location"]) == (True, "DE")


def test_applying_the_same_plan_a_day_later_gives_the_number(tmp_path: Path) -> None:
    with tenant([seats(NUMBERS), user(1)]) as graph:
        office = rule("office", license=PHONE, packages=[DOMESTIC], number={"pool": "munich"})
        company = installed(tmp_path, graph, office, pools=POOLS)
        company.people([person(1)])
        plan = company.carry_out()
        before = graph.log()

        early = company.run("apply", plan["id"])
        wrote = graph.log()[len(before) :]
        graph.a_day_later()
        late = company.run("apply", plan["id"])

        assert (early.status, wrote) == (0, []), early.said
        assert late.status == 0, late.said
        assert graph.users()["user1@example.org"]["numbers"] == NUMBERS[:1]


def test_a_mover_from_domestic_to_international_is_never_without_a_plan(tmp_path: Path) -> None:
    with tenant([seats(), caller(1, numbers=NUMBERS[:1])]) as graph:
        home = rule("home", 'department eq "Sales"', packages=[DOMESTIC])
        abroad = rule("abroad", 'department eq "Export"', packages=[INTERNATIONAL])
        company = installed(tmp_path, graph, rule("all", license=PHONE), home, abroad)
        company.people([person(1)])
        company.carry_out()
        company.people([person(1, department="Export")])

        plan = company.carry_out()

        swap = only(plan, "package.assign")
        assert (swap["before"], swap["after"]) == (DOMESTIC, INTERNATIONAL)
        assert graph.licensing() == [(user(1)["id"], 1, 1)]
        mover = graph.users()["user1@example.org"]
        assert (mover["packages"], mover["numbers"]) == ([INTERNATIONAL], NUMBERS[:1])


def test_a_leavers_license_and_number_serve_the_next_joiner_of_the_same_run(tmp_path: Path) -> None:
    lines = [
        seats(phone=1, domestic=1, numbers=NUMBERS[:1]),
        caller(1, numbers=NUMBERS[:1], credits=True),
        user(2),
    ]
    with tenant(lines) as graph:
        office = rule("office", license=PHONE, packages=[DOMESTIC], number={"pool": "munich"})
        company = installed(tmp_path, graph, office, pools={"munich": {"vendor": True}})
        company.people([person(1)])
        company.carry_out()
        company.people([person(1, active="false"), person(2)])

        plan = company.carry_out()
        graph.a_day_later()
        company.carry_out()

        claim = next(
            c
            for c in plan["changes"]
            if c["kind"] == "license.assign" and c["user"] == "user2@example.org"
        )
        release = only(plan, "license.remove")
        assert release["seq"] in claim["needs"]
        leaver, joiner = graph.users()["user1@example.org"], graph.users()["user2@example.org"]
        assert (leaver["license"], leaver["packages"], leaver["numbers"]) == (None, [], [])
        assert leaver["vendor"]["licenses"] == [{"sku": E3}]
        assert (joiner["license"], joiner["numbers"]) == (PHONE, NUMBERS[:1])
        assert company.plan()["changes"] == []


def test_people_with_e5_only_lack_credits_and_buy_no_phone_license(tmp_path: Path) -> None:
    holders = [user(n, vendor={"licenses": [E5]}, usage_location="DE") for n in (1, 2, 3)]
    with tenant([seats(phone=0), *holders]) as graph:
        company = installed(tmp_path, graph, rule("all", license=PHONE, credits=True))
        company.people([person(1), person(2), person(3)])

        plan = company.carry_out()

        assert {kind for kind, _ in kinds(plan)} == {"credit.assign"}
        assert len(plan["changes"]) == 3
        assert [add for _, add, _ in graph.licensing()] == [1, 1, 1]
        explained = company.run("explain", "user1@example.org").out
        assert f"now: {E5} (read now; it counts as {PHONE})" in explained
        assert company.plan()["changes"] == []


def test_a_suite_also_counts_where_the_rule_names_the_product(tmp_path: Path) -> None:
    holder = user(1, vendor={"licenses": [E5]}, usage_location="DE")
    with tenant([seats(phone=0), holder]) as graph:
        company = installed(tmp_path, graph, rule("all", license="Microsoft Teams Phone Standard"))
        company.people([person(1)])

        assert company.plan()["changes"] == []


def test_phone_that_is_off_within_a_suite_is_switched_on_without_a_seat(tmp_path: Path) -> None:
    off = [{"sku": E5, "disabled_plans": ["MCOEV"]}]
    with tenant([seats(phone=0), user(1, vendor={"licenses": off}, usage_location="DE")]) as graph:
        company = installed(tmp_path, graph, rule("all", license=PHONE))
        company.people([person(1)])

        plan = company.carry_out()

        assert [c["kind"] for c in plan["changes"]] == ["license.assign"]
        assert plan["summary"]["pools"][f"license:{PHONE}"]["after"] == 0
        assert graph.users()["user1@example.org"]["vendor"]["licenses"] == [{"sku": E5}]
        assert company.plan()["changes"] == []


def test_who_may_have_no_credits_is_not_counted_among_those_who_rely_on_them(
    tmp_path: Path,
) -> None:
    empty = {"credits": {"agreement": "other", "auto_recharge": {"on": False}}}
    holder = user(2, vendor={"licenses": [E5]}, usage_location="DE")
    with tenant([seats(), user(1), holder], empty) as graph:
        company = installed(tmp_path, graph, rule("all", license=PHONE, credits=True))
        company.people([person(1), person(2)])

        warned = [said for said in company.plan()["warnings"] if "relies" in said or "rely" in said]

        assert len(warned) == 1
        assert warned[0].startswith("1 person relies on Communications Credits, and can't dial out")


def test_credits_are_for_people_with_a_calling_plan_or_conferencing(tmp_path: Path) -> None:
    with tenant([seats(), user(1)]) as graph:
        company = installed(tmp_path, graph, rule("all", license=PHONE, credits=True))
        company.people([person(1)])

        (blocked,) = company.plan()["blocked"]

        assert blocked["kind"] == "credit.assign"
        assert "calling package or audio conferencing" in blocked["reason"]


def test_480_of_500_people_get_the_plan_and_the_last_twenty_are_named(tmp_path: Path) -> None:
    count, bought = 500, 480
    lines = [seats(phone=count, domestic=bought), *(user(n) for n in range(1, count + 1))]
    with tenant(lines) as graph:
        company = installed(tmp_path, graph, rule("all", license=PHONE, packages=[DOMESTIC]))
        company.configure(limits={"changes": count})
        company.people([person(n) for n in range(1, count + 1)])

        plan = company.carry_out()

        assert plan["summary"]["changes"] == {
            "profile.update": count,
            "license.assign": count,
            "package.assign": bought,
        }
        assert plan["summary"]["blocked"] == count - bought
        assert {c["user"] for c in plan["blocked"]} == {
            f"user{n}@example.org" for n in range(bought + 1, count + 1)
        }
        assert plan["summary"]["api_calls"] == 2 * count / 20
        held = [u for u in graph.users().values() if u["packages"]]
        assert (len(held), len(graph.licensing())) == (bought, count)
        assert states(company.plan()) == {}


def test_every_location_is_set_before_the_first_license_leaves(tmp_path: Path) -> None:
    count = 200
    with tenant([seats(), *(user(n) for n in range(1, count + 1))]) as graph:
        company = installed(tmp_path, graph, rule("all", license=PHONE, packages=[DOMESTIC]))
        company.configure(limits={"changes": "100%"})
        company.people([person(n) for n in range(1, count + 1)])

        company.carry_out()

        written = [each["path"].rpartition("/")[2] == "assignLicense" for each in graph.log()]
        assert written == [False] * count + [True] * count
        assert {u["usage_location"] for u in graph.users().values()} == {"DE"}


def test_an_undone_run_leaves_the_location_as_it_cant_be_taken_away(tmp_path: Path) -> None:
    with tenant([seats(), user(1)]) as graph:
        company = installed(tmp_path, graph, rule("all", license=PHONE))
        company.people([person(1)])
        company.carry_out()
        (run,) = company.run("runs", "--format", "json").plan["runs"]

        undone = company.run("undo", run["id"], "--format", "json").plan

        assert [c["kind"] for c in undone["changes"]] == ["license.remove"]
        assert any("usage_location stays" in said for said in undone["warnings"]), undone


def test_a_number_that_waits_keeps_the_reason_of_the_joiner(tmp_path: Path) -> None:
    lines = [seats(NUMBERS), user(1), caller(2, numbers=NUMBERS[1:2])]
    with tenant(lines) as graph:
        office = rule("office", license=PHONE, packages=[DOMESTIC], number={"pool": "munich"})
        company = installed(tmp_path, graph, office, pools=POOLS)
        company.configure(limits={"changes": "100%", "removals": "100%"})
        company.people([person(2)])
        company.carry_out()
        company.people([person(1), person(2)])

        plan = company.plan()
        company.run("approve", plan["id"])
        applied = company.run("apply", plan["id"])
        (waiting,) = company.plan()["waiting"]
        graph.a_day_later()
        number = only(company.plan(), "number.assign")

        assert "1 wait until what they need is effective" in applied.out
        assert plan["changes"][0]["because"] == "new in hr"
        assert (waiting["because"], waiting["after"]) == ("new in hr", None)
        assert (number["because"], number["after"]) == ("new in hr", NUMBERS[0])


def test_who_may_have_no_credits_is_not_told_to_be_without_a_seat_of_them(tmp_path: Path) -> None:
    empty = {"credits": {"agreement": "other", "auto_recharge": {"on": True}}}
    with tenant([seats(), user(1), caller(2)], empty) as graph:
        company = installed(tmp_path, graph, rule("all", license=PHONE, credits=True))
        company.people([person(1), person(2)])
        company.mapping(
            rules=[
                rule("all", license=PHONE, credits=True),
                rule("two", 'emails.value eq "user2@example.org"', packages=[DOMESTIC]),
            ]
        )
        company.carry_out()

        told = company.run("credits")

        assert told.status == 0, told.said
        assert "relying        1 person" in told.out
        assert "can't dial out" not in told.out


def test_other_services_that_are_off_within_a_suite_stay_off(tmp_path: Path) -> None:
    yammer = "7547a3fe-08ee-4ccb-b430-5077c5041653"
    off = [{"sku": E5, "disabled_plans": ["MCOEV", yammer]}]
    with tenant([seats(), user(1, vendor={"licenses": off}, usage_location="DE")]) as graph:
        company = installed(tmp_path, graph, rule("all", license=PHONE))
        company.people([person(1)])

        company.carry_out()

        (suite,) = graph.users()["user1@example.org"]["vendor"]["licenses"]
        assert suite == {"sku": E5, "disabled_plans": [yammer]}
