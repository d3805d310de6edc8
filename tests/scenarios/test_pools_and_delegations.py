"""What is counted and what hangs together: seats, numbers, names, delegations; who gets the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import (
    Installation,
    kinds,
    only,
    person,
    phone_user,
    phone_users,
    rule,
    staff,
    states,
)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_a_shortage_blocks_the_lowest_priority_claims_by_name_and_fails_nobody_else(
    emea: Installation,
) -> None:
    emea.mapping(
        rules=[
            rule("boss", 'title eq "Boss"', license="zoom_phone"),
            rule("all", license="zoom_phone"),
        ]
    )
    emea.configure(limits={"changes": "100%"})
    emea.people([person(n, title="Boss" if n == 9 else "") for n in (1, 2, 3, 9)])
    emea.phone([], licenses={"zoom_phone": 2})

    plan = emea.plan()

    assert {c["user"] for c in plan["changes"] if c["kind"] == "license.assign"} == {
        "user9@example.org",
        "user1@example.org",
    }
    blocked = {b["user"]: b["reason"] for b in plan["blocked"]}
    assert set(blocked) == {"user2@example.org", "user3@example.org"}
    assert all("zoom_phone" in reason for reason in blocked.values())
    assert plan["summary"]["blocked"] == 2
    assert plan["summary"]["pools"]["license:zoom_phone"] == {
        "total": 2,
        "used": 0,
        "after": 2,
        "claimed": 2,
        "freed": 0,
        "short": 2,
    }


def test_a_leavers_seat_serves_a_joiner_of_the_same_run_who_waits_for_it(
    emea: Installation,
) -> None:
    emea.people(staff(3))
    emea.phone(phone_users(3), licenses={"zoom_phone": 3}, packages={"basic": 3})
    emea.carry_out()
    emea.people([*staff(2), person(4)])

    plan = emea.plan()

    removal = only(plan, "license.remove")
    claims = [c for c in plan["changes"] if c["user"] == "user4@example.org" and c["after"]]
    assert removal["seq"] in only(plan, "license.assign")["needs"]
    assert removal["seq"] < min(c["seq"] for c in claims if c["kind"] == "license.assign")
    assert emea.run("apply", plan["id"]).status == 4, "the claim waits with the release"
    assert not emea.phone_users()["user4@example.org"].get("license")
    emea.run("approve", plan["id"])
    assert emea.run("apply", plan["id"]).status == 0
    assert emea.phone_users()["user4@example.org"]["license"] == "zoom_phone"
    assert emea.plan()["changes"] == []


def test_a_swap_is_one_change_with_before_and_after(emea: Installation) -> None:
    emea.people([person(1)])
    emea.phone([phone_user(1, license="old_phone", packages=["gold"])])

    plan = emea.plan()

    swaps = [(c["kind"], c["before"], c["after"], c["risk"]) for c in plan["changes"]]
    assert swaps == [
        ("license.assign", "old_phone", "zoom_phone", "service"),
        ("package.assign", "gold", "basic", "service"),
    ]


def test_swaps_that_need_each_other_in_a_circle_are_blocked_and_keep_what_they_have(
    emea: Installation,
) -> None:
    emea.mapping(
        rules=[
            rule("all", license="zoom_phone"),
            rule("s", 'department eq "Sales"', packages=["basic"]),
            rule("i", 'department eq "IT"', packages=["gold"]),
        ]
    )
    emea.people([person(1), person(2, department="IT")])
    emea.phone(
        [phone_user(1, packages=["gold"]), phone_user(2, packages=["basic"])],
        packages={"basic": 1, "gold": 1},
    )

    plan = emea.plan()

    assert plan["changes"] == []
    assert {b["user"] for b in plan["blocked"]} == {"user1@example.org", "user2@example.org"}
    assert all(b["before"] for b in plan["blocked"])
    assert (
        plan["summary"]["pools"]["package:basic"].items()
        >= {"total": 1, "used": 1, "after": 1}.items()
    )


def test_a_short_claim_names_the_date_of_the_leaver_in_grace(emea: Installation) -> None:
    emea.mapping(leavers={"do": "remove_license", "after": "7d"})
    emea.people(staff(3))
    emea.phone(phone_users(3), licenses={"zoom_phone": 3})
    emea.carry_out()
    emea.people([*staff(2), person(4)])

    plan = emea.plan()

    (waiting,) = [w for w in plan["waiting"] if w["kind"] == "license.remove"]
    (blocked,) = [b for b in plan["blocked"] if b["kind"] == "license.assign"]
    date = waiting["reason"][waiting["reason"].index("20") :][:10]
    assert date in blocked["reason"]


def number_rules() -> list[dict[str, Any]]:
    return [
        rule("all", license="zoom_phone", packages=["basic"]),
        rule("numbers", number={"pool": "munich"}),
    ]


def test_numbers_of_a_pool_are_given_lowest_first_and_kept_by_whoever_has_one(
    emea: Installation,
) -> None:
    emea.mapping(rules=number_rules())
    emea.configure(pools={"munich": {"ranges": ["+49891000-+49891005"], "reserved": ["+49891000"]}})
    emea.people(staff(4))
    emea.phone([phone_user(2, numbers=["+49891004"]), phone_user(3, numbers=["+49555"])])

    plan = emea.plan()

    numbers = {
        c["user"]: (c["before"], c["after"], c["risk"])
        for c in plan["changes"]
        if c["kind"] == "number.assign"
    }
    assert numbers == {
        "user1@example.org": (None, "+49891001", "safe"),
        "user3@example.org": ("+49555", "+49891002", "service"),
        "user4@example.org": (None, "+49891003", "safe"),
    }


def test_a_pool_that_runs_short_blocks_the_last_by_name(emea: Installation) -> None:
    emea.mapping(rules=number_rules())
    emea.configure(pools={"munich": {"ranges": ["+49891000-+49891001"]}})
    emea.people(staff(3))

    plan = emea.plan()

    (blocked,) = plan["blocked"]
    assert (blocked["user"], blocked["kind"]) == ("user3@example.org", "number.assign")
    assert "munich" in blocked["reason"]


def test_a_released_number_rests_for_as_long_as_the_pool_says(emea: Installation) -> None:
    emea.mapping(rules=number_rules())
    emea.configure(pools={"munich": {"ranges": ["+49891000-+49891001"], "cooling": "30d"}})
    emea.people(staff(4))
    emea.phone([phone_user(n, numbers=[f"+4989100{n - 1}"]) for n in (1, 2)])
    emea.carry_out()
    emea.people([*staff(4)[1:]])
    plan = emea.plan()
    emea.run("approve", plan["id"])
    emea.run("apply", plan["id"])

    rest = emea.plan()

    assert not any(c["kind"] == "number.assign" for c in rest["changes"])


def test_delegates_are_named_by_user_name_key_or_mail(emea: Installation) -> None:
    emea.mapping(
        rules=[
            rule("all", license="zoom_phone", packages=["basic"]),
            rule("boss", 'title eq "Boss"', delegates=["user2", "E003", "USER4@example.org"]),
        ]
    )
    emea.people([person(1, title="Boss"), *staff(4, title="")[1:]])
    emea.phone([phone_user(1, delegates=["user4@example.org"]), *phone_users(4)[1:]])

    plan = emea.carry_out()

    added = [c["after"] for c in plan["changes"] if c["kind"] == "delegate.add"]
    assert sorted(added) == ["user2@example.org", "user3@example.org"]
    assert emea.plan()["changes"] == []


def test_a_delegation_waits_for_both_sides_and_ends_before_either_loses(
    emea: Installation,
) -> None:
    emea.mapping(
        rules=[
            rule("all", license="zoom_phone", packages=["basic"]),
            rule("boss", 'title eq "Boss"', delegates=["user9"]),
        ]
    )
    emea.people([person(1, title="Boss"), person(9, title="")])
    joined = emea.carry_out()

    add = only(joined, "delegate.add")
    services = {
        c["seq"] for c in joined["changes"] if c["kind"] in ("license.assign", "package.assign")
    }
    assert services <= set(add["needs"])
    emea.people([person(1, title="Boss"), person(9, active="false", title="")])
    left = emea.plan()
    order = {kind: c["seq"] for c in left["changes"] for kind in [c["kind"]]}
    assert order["delegate.remove"] < order["license.remove"]
    assert emea.run("approve", left["id"]).status == 0
    assert emea.run("apply", left["id"]).status == 0
    assert not emea.phone_users()["user1@example.org"].get("delegates")


def test_a_pending_user_waits_for_what_the_vendor_does_not_allow_yet(emea: Installation) -> None:
    emea.people([person(1)])
    emea.phone([phone_user(1, status="pending", license=None, packages=[])])

    plan = emea.plan()

    due = {**states(plan), **{(w["kind"], w["user"]): "waiting" for w in plan["waiting"]}}
    assert set(due) >= {("license.assign", "user1@example.org")}


def test_a_name_that_the_phone_system_does_not_have_blocks_that_claim(emea: Installation) -> None:
    emea.people(staff(2))
    emea.phone(phone_users(1), licenses={"zoom_phone": 5}, packages={"gold": 5})

    plan = emea.plan()

    (blocked,) = [b for b in plan["blocked"] if b["user"] == "user2@example.org"]
    assert blocked["kind"] == "package.assign"
    assert "gold" in blocked["reason"]


def test_what_the_phone_system_does_not_have_is_blocked_in_the_plan_and_the_rest_goes_ahead(
    emea: Installation,
) -> None:
    give: dict[str, Any] = {
        "site": "Atlantis",
        "template": "Nope",
        "number": "+49891999",
        "packages": ["basic"],
    }
    emea.mapping(rules=[rule("all", license="zoom_phone", **give)])
    emea.people([person(1)])
    emea.phone(
        [phone_user(1, packages=[])],
        packages={"basic": 1}, sites=["Munich"], templates=["Office"], numbers=["+49891491"],
    )  # fmt: skip

    plan = emea.plan()

    assert [kind for kind, _ in kinds(plan)] == ["package.assign"]
    reasons = {b["kind"]: b["reason"] for b in plan["blocked"]}
    assert set(reasons) == {"site.set", "template.apply", "number.assign"}
    assert "Munich" in reasons["site.set"]
    assert "Office" in reasons["template.apply"]


def test_one_extension_number_serves_one_person(emea: Installation) -> None:
    emea.mapping(
        rules=[rule("all", license="zoom_phone", packages=["basic"], extension_number="77")]
    )
    emea.people([person(1), person(2)])
    emea.phone(phone_users(2))

    plan = emea.plan()

    assert kinds(plan) == [("extension.set", "user1@example.org")]
    (blocked,) = plan["blocked"]
    assert blocked["user"] == "user2@example.org"


def test_a_delegate_with_a_new_mail_address_goes_on_answering(emea: Installation) -> None:
    emea.configure(limits={"changes": "100%"})
    helped = rule("helped", 'userName eq "user1"', delegates=["user2"])
    everybody = rule("all", license="zoom_phone", packages=["basic"])
    emea.mapping(rules=[helped, everybody])
    emea.people(staff(2))
    emea.phone(phone_users(2, license="zoom_phone", packages=["basic"]))
    emea.carry_out()
    assert emea.phone_users()["user1@example.org"]["delegates"] == ["user2@example.org"]

    emea.people([person(1), person(2, email="new@example.org")])
    assert emea.plan()["changes"] == [], "the phone system knows them by their old address"

    emea.mapping(rules=[helped, everybody], profile={"email": "{email}"})
    plan = emea.carry_out()

    assert kinds(plan) == [("profile.update", "new@example.org")]
    assert [emea.plan()[part] for part in ("changes", "blocked")] == [[], []]


def test_a_delegate_who_is_renamed_in_the_same_run_is_added_by_their_new_address(
    emea: Installation,
) -> None:
    emea.configure(limits={"changes": "100%"})
    everybody = rule("all", license="zoom_phone", packages=["basic"])
    emea.mapping(rules=[everybody], profile={"email": "{email}"})
    emea.people(staff(2))
    emea.phone(phone_users(2, license="zoom_phone", packages=["basic"]))
    emea.carry_out()

    helped = rule("helped", 'userName eq "user1"', delegates=["user2"])
    emea.mapping(rules=[helped, everybody], profile={"email": "{email}"})
    emea.people([person(1), person(2, email="new@example.org")])
    plan = emea.carry_out()

    added, renamed = only(plan, "delegate.add"), only(plan, "profile.update")
    assert (added["after"], added["needs"]) == ("new@example.org", [renamed["seq"]])
    assert emea.phone_users()["user1@example.org"]["delegates"] == ["new@example.org"]
    assert emea.plan()["changes"] == []


def test_nobody_is_made_their_own_delegate(emea: Installation) -> None:
    emea.mapping(
        rules=[
            rule("all", license="zoom_phone", packages=["basic"]),
            rule("boss", 'title eq "Boss"', delegates=["user1", "user2"]),
        ]
    )
    emea.people([person(1, title="Boss"), person(2, title="")])
    emea.phone(phone_users(2))

    plan = emea.plan()

    added = [c["after"] for c in plan["changes"] if c["kind"] == "delegate.add"]
    assert added == ["user2@example.org"]


def test_a_released_number_serves_a_joiner_of_the_same_run_where_it_need_not_rest(
    emea: Installation,
) -> None:
    emea.mapping(rules=number_rules())
    emea.configure(pools={"munich": {"ranges": ["+49891000-+49891001"]}})
    emea.people(staff(2))
    emea.phone([phone_user(n, numbers=[f"+4989100{n - 1}"]) for n in (1, 2)])
    emea.carry_out()
    emea.people([person(1), person(2, active="false"), person(3)])

    plan = emea.plan()

    claim, removal = only(plan, "number.assign"), only(plan, "license.remove")
    assert claim["after"] == "+49891001"
    assert removal["seq"] in claim["needs"]
