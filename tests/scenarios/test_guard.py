"""Limits, protected people, grace, and people of nobody: what is held, until when, and what releases it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import (
    Installation,
    kinds,
    person,
    phone_user,
    phone_users,
    staff,
    states,
)

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    """Forty people who are all as they should be, adopted on Monday at nine."""
    emea = Installation(tmp_path)
    emea.people(staff(40))
    emea.phone(phone_users(40))
    emea.carry_out(at=MONDAY)
    return emea


def without(*numbers: int, count: int = 40) -> list[dict[str, str]]:
    """Everybody, these inactive: the read stays plausible, whoever leaves."""
    return [person(n, active="false") if n in numbers else person(n) for n in range(1, count + 1)]


def held(plan: dict[str, Any]) -> set[str]:
    return {c["user"] for c in plan["changes"] if c["state"] == "held"}


def test_a_tenth_of_the_people_may_lose_something(emea: Installation) -> None:
    emea.people(without(1, 2, 3, 4))

    plan = emea.plan()

    assert plan["summary"]["removals"] == 4
    assert plan["summary"]["held"] == 0


def test_one_more_than_a_tenth_holds_all_removals_and_names_figures_and_override(
    emea: Installation,
) -> None:
    emea.people([*without(1, 2, 3, 4, 5), person(41)])

    plan = emea.plan(status=3)

    assert len(held(plan)) == 5
    assert states(plan)["license.assign", "user41@example.org"] == "planned"
    reason = next(c["reason"] for c in plan["changes"] if c["state"] == "held")
    assert "5 of 41" in reason
    assert "10%" in reason
    assert "--allow-removals 5" in reason
    text = emea.run("show", plan["id"]).out
    assert f"provisioner apply {plan['id']} --allow-removals 5" in text


def test_approving_alone_releases_nothing_that_is_held(emea: Installation) -> None:
    emea.people(without(1, 2, 3, 4, 5))
    plan = emea.plan(status=3)

    approved = emea.run("approve", plan["id"])
    ran = emea.run("apply", plan["id"])

    assert "held" in approved.out
    assert ran.status == 3
    assert all(user["license"] for user in emea.phone_users().values())


@pytest.mark.parametrize(("allowed", "status", "left"), [("4", 3, 40), ("5", 0, 35), ("6", 0, 35)])
def test_allow_removals_lets_at_most_so_many_people_through_or_nobody(
    emea: Installation, allowed: str, status: int, left: int
) -> None:
    emea.people(without(1, 2, 3, 4, 5))
    plan = emea.plan(status=3)

    ran = emea.run("apply", plan["id"], "--allow-removals", allowed)

    assert ran.status == status, ran.said
    assert sum(bool(u.get("license")) for u in emea.phone_users().values()) == left


def test_three_people_of_a_small_company_may_always_leave(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(5))
    emea.phone(phone_users(5))
    emea.carry_out()
    emea.people(without(1, 2, 3, count=5))

    assert emea.plan()["summary"]["held"] == 0
    emea.people(without(1, 2, 3, 4, count=5))
    assert emea.run("plan").status == 3


def test_losses_of_a_rolling_day_are_counted_together(emea: Installation) -> None:
    emea.people(without(1, 2, 3))
    emea.carry_out(at=MONDAY + HOUR)
    emea.people(without(1, 2, 3, 4, 5))

    later = emea.plan(status=3, at=MONDAY + 2 * HOUR)
    reason = later["changes"][0]["reason"]
    assert held(later) == {"user4@example.org", "user5@example.org"}
    assert "5 of 40" in reason
    assert "--allow-removals 2" in reason

    tomorrow = emea.plan(at=MONDAY + 26 * HOUR)
    assert held(tomorrow) == set()
    assert tomorrow["summary"]["removals"] == 2


def test_more_than_half_of_the_people_changed_is_held_and_allow_changes_releases_it(
    emea: Installation,
) -> None:
    rules = [
        {"name": "all", "when": "userName pr", "give": {"license": "zoom_phone"}},
        {"name": "new", "when": "userName pr", "give": {"packages": ["basic", "more"]}},
    ]
    emea.mapping(rules=rules)
    plan = emea.plan(status=3)

    assert len(held(plan)) == 40
    assert "50%" in plan["changes"][0]["reason"]
    assert "--allow-changes 40" in plan["changes"][0]["reason"]
    assert emea.run("apply", plan["id"], "--allow-changes", "39").status == 3
    assert emea.run("apply", plan["id"], "--allow-removals", "40").status == 3
    assert emea.phone_users()["user1@example.org"]["packages"] == ["basic"]
    assert emea.run("apply", plan["id"], "--allow-changes", "40").status == 0
    assert emea.phone_users()["user1@example.org"]["packages"] == ["basic", "more"]


def test_swaps_are_no_removals(emea: Installation) -> None:
    emea.people([person(n, department="IT") for n in range(1, 11)] + staff(40)[10:])
    emea.mapping(
        rules=[
            {"name": "all", "when": "userName pr", "give": {"license": "zoom_phone"}},
            {"name": "s", "when": 'department eq "Sales"', "give": {"packages": ["basic"]}},
            {"name": "i", "when": 'department eq "IT"', "give": {"packages": ["gold"]}},
        ]
    )

    plan = emea.plan()

    assert {kind for kind, _ in kinds(plan)} == {"package.assign"}
    assert {(c["before"], c["after"]) for c in plan["changes"]} == {("basic", "gold")}
    assert plan["summary"]["removals"] == 0


def test_limits_can_be_set_in_people_and_in_percent(emea: Installation) -> None:
    emea.configure(limits={"removals": 1})
    emea.people(without(1, 2))

    assert len(held(emea.plan(status=3))) == 2
    emea.configure(limits={"removals": "50%"})
    emea.people(without(*range(1, 15)))
    assert held(emea.plan()) == set()


def test_a_limit_of_none_holds_every_removal(emea: Installation) -> None:
    emea.configure(limits={"removals": 0})
    emea.people(without(1))

    assert held(emea.plan(status=3)) == {"user1@example.org"}


# limits on one kind of change


def test_a_kind_of_change_has_limits_by_number_and_percentage(emea: Installation) -> None:
    emea.configure(limits={"removals": "50%", "kinds": {"license.remove": ["10%", 3]}})
    emea.people([*without(1, 2, 3, 4), person(41)])

    plan = emea.plan(status=3)

    assert len(held(plan)) == 4
    assert states(plan)["license.assign", "user41@example.org"] == "planned"
    reason = "4 of 41 people, limit 10% and 3, would be changed by license.remove"
    text = emea.run("show", plan["id"]).out
    assert f"{reason}; if that is right: `provisioner apply {plan['id']} --allow license.remove=4`" in text  # fmt: skip


@pytest.mark.parametrize(
    ("options", "status", "left"),
    [
        ([], 3, 40),
        (["--allow", "license.remove=3"], 3, 40),
        (["--allow-removals", "9", "--allow-changes", "9"], 3, 40),
        (["--allow", "license.remove=4"], 0, 36),
    ],
)
def test_a_kinds_limit_is_overridden_once_by_its_own_option(
    emea: Installation, options: list[str], status: int, left: int
) -> None:
    emea.configure(limits={"kinds": {"license.remove": 3}})
    emea.people(without(1, 2, 3, 4))
    plan = emea.plan(status=3)

    ran = emea.run("apply", plan["id"], *options)

    assert ran.status == status, ran.said
    assert sum(bool(u.get("license")) for u in emea.phone_users().values()) == left


def test_an_apply_that_is_held_names_figures_and_the_exact_command(emea: Installation) -> None:
    emea.configure(limits={"kinds": {"license.remove": 4}})
    emea.people(without(1, 2, 3, 4, 5))
    emea.plan(status=3)

    out = emea.run("apply", "2").out

    assert (
        "5 of 40 people, limit 10%, would lose a license, package, number or account;"
        " 5 of 40 people, limit 4, would be changed by license.remove; if that is right:"
        " `provisioner apply 2 --allow-removals 5 --allow license.remove=5`"
    ) in out
    command = out.split("provisioner apply 2 ")[1].split("`")[0].split()
    assert emea.run("apply", "2", *command).status == 0
    assert sum(bool(u.get("license")) for u in emea.phone_users().values()) == 35


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("licence.remove=3", "did you mean 'license.remove'?"),
        ("license.remove", "takes KIND=N"),
        ("license.remove=-1", "takes KIND=N"),
        ("license.remove=many", "takes KIND=N"),
    ],
)
def test_an_override_of_what_is_no_limit_is_a_mistake(
    emea: Installation, given: str, said: str
) -> None:
    ran = emea.run("apply", "1", "--allow", given)

    assert ran.status == 1
    assert said in ran.err


def test_a_kinds_losses_of_a_rolling_day_are_counted_together(emea: Installation) -> None:
    emea.configure(limits={"kinds": {"license.remove": 3}})
    emea.people(without(1, 2))
    emea.carry_out(at=MONDAY + HOUR)
    emea.people(without(1, 2, 3, 4))

    later = emea.plan(status=3, at=MONDAY + 2 * HOUR)

    assert held(later) == {"user3@example.org", "user4@example.org"}
    assert "4 of 40 people (2 of them in the last 24 hours), limit 3" in later["changes"][0]["reason"]  # fmt: skip
    assert held(emea.plan(at=MONDAY + 26 * HOUR)) == set()


def test_phone_users_of_nobody_are_no_people_and_raise_no_limit(emea: Installation) -> None:
    emea.mapping(unmanaged="remove")
    nobodys = [phone_user(n, key=None) for n in range(60, 69)]
    emea.phone([*phone_users(40), *nobodys])
    emea.people(without(1))

    plan = emea.plan(status=3)

    assert plan["summary"]["people"] == 40
    assert plan["summary"]["removals"] == 10
    assert "1 of 40 people and 9 phone users of nobody, limit 10%" in plan["changes"][0]["reason"]


# protected people


def test_from_protected_people_nothing_is_taken_even_when_they_are_gone(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.configure(protected='title eq "CEO"')
    emea.people([person(1, title="CEO"), *staff(5, title="")[1:]])
    emea.phone(phone_users(5))
    emea.carry_out()

    emea.people(staff(5, title="")[2:])
    plan = emea.plan()

    assert [user for _, user in kinds(plan)] == ["user2@example.org"]
    (blocked,) = [b for b in plan["blocked"] if b["user"] == "user1@example.org"]
    assert "protected" in blocked["reason"]


def test_protected_people_still_gain(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.configure(protected='title eq "CEO"')
    emea.people([person(1, title="CEO"), *staff(5, title="")[1:]])
    emea.phone([phone_user(1, packages=[]), *phone_users(5)[1:]])

    plan = emea.plan()

    assert kinds(plan) == [("package.assign", "user1@example.org")]


def test_whoever_is_demoted_and_gone_in_one_read_is_known_as_they_last_were(
    tmp_path: Path,
) -> None:
    emea = Installation(tmp_path)
    emea.configure(protected='title eq "CEO"')
    emea.people([person(1, title="CEO"), *staff(5, title="")[1:]])
    emea.phone(phone_users(5))
    emea.carry_out()
    emea.people(staff(5, title="")[1:])

    for _ in range(3):  # each read without them makes the last one forget them, but for this
        plan = emea.plan()
        assert kinds(plan) == []


# leavers: what is done with them, and when


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("report", []),
        ("remove_license", ["license.remove"]),
        ("deactivate", ["user.deactivate"]),
        ("trash", ["user.trash"]),
        ("delete", ["user.delete"]),
    ],
)
def test_a_mapping_says_what_is_done_with_leavers(
    emea: Installation, do: str, expected: list[str]
) -> None:
    emea.mapping(leavers={"do": do})
    emea.people(without(40))

    plan = emea.plan()

    assert [kind for kind, _ in kinds(plan)] == expected
    if do == "report":
        assert any("user40@example.org" in warning for warning in plan["warnings"])


def test_by_default_leavers_are_reported_and_keep_what_they_have(emea: Installation) -> None:
    emea.mapping(leavers=None)
    emea.people(staff(38))

    plan = emea.plan()

    assert plan["changes"] == []
    assert any("user40@example.org" in warning for warning in plan["warnings"])


def test_a_leaver_in_grace_waits_with_the_date_and_then_loses(emea: Installation) -> None:
    emea.mapping(leavers={"do": "remove_license", "after": "7d"})
    emea.people(staff(39))

    first = emea.plan(at=MONDAY + HOUR)
    assert first["changes"] == []
    (waiting,) = first["waiting"]
    assert (waiting["kind"], waiting["user"]) == ("license.remove", "user40@example.org")
    assert "2026-01-12" in waiting["reason"]

    assert emea.plan(at=MONDAY + timedelta(days=6))["changes"] == []
    due = emea.plan(at=MONDAY + timedelta(days=7, hours=2))
    assert kinds(due) == [("license.remove", "user40@example.org")]


def test_grace_starts_anew_for_whoever_came_back_in_between(emea: Installation) -> None:
    emea.mapping(leavers={"do": "remove_license", "after": "7d"})
    emea.people(staff(39))
    emea.plan(at=MONDAY)
    emea.people(staff(40))
    assert emea.plan(at=MONDAY + timedelta(days=3))["waiting"] == []
    emea.people(staff(39))
    emea.plan(at=MONDAY + timedelta(days=5))

    plan = emea.plan(at=MONDAY + timedelta(days=8))

    assert plan["changes"] == []
    assert "2026-01-17" in plan["waiting"][0]["reason"]


def test_as_of_a_later_day_shows_what_will_be_due_and_cannot_be_applied(
    emea: Installation,
) -> None:
    emea.mapping(leavers={"do": "remove_license", "after": "7d"})
    emea.people(staff(39))
    emea.plan(at=MONDAY)

    shown = emea.plan("--as-of", "2027-02-01", at=MONDAY + HOUR)

    assert kinds(shown) == [("license.remove", "user40@example.org")]
    assert shown["as_of"].startswith("2027-02-01")
    for command in ("approve", "apply"):
        assert emea.run(command, shown["id"], at=MONDAY + 2 * HOUR).status == 1
    assert emea.plan(at=MONDAY + 2 * HOUR)["changes"] == []


def test_as_of_a_later_day_starts_nobodys_grace(emea: Installation) -> None:
    emea.mapping(leavers={"do": "remove_license", "after": "7d"})
    emea.people(staff(39))
    emea.plan("--as-of", "2027-02-01", at=MONDAY)

    plan = emea.plan(at=MONDAY + timedelta(days=7, hours=1))

    assert plan["changes"] == [], "grace is counted from the first accepted read"
    assert "2026-01-19" in plan["waiting"][0]["reason"]


def test_a_refused_read_starts_nobodys_grace(emea: Installation) -> None:
    emea.mapping(leavers={"do": "remove_license", "after": "7d"})
    emea.people(staff(20))
    assert emea.run("plan", at=MONDAY).status == 3
    emea.people(staff(39))

    plan = emea.plan(at=MONDAY + timedelta(days=7, hours=1))

    assert plan["changes"] == []


def test_grace_is_not_started_by_a_read_with_a_missing_key(emea: Installation) -> None:
    emea.mapping(leavers={"do": "remove_license", "after": "7d"})
    emea.people([*staff(39), person(50, externalId="")])
    emea.run("plan", at=MONDAY)
    emea.people(staff(39))

    plan = emea.plan(at=MONDAY + timedelta(days=7, hours=1))

    assert plan["changes"] == [], "absence was not believed then"


# people of nobody, and those whom `manages` names


def test_phone_users_of_nobody_are_left_alone_unless_the_mapping_says_remove(
    emea: Installation,
) -> None:
    emea.phone([*phone_users(40), phone_user(90, key=None)])
    assert emea.plan()["changes"] == []
    emea.mapping(unmanaged="remove")

    plan = emea.plan()

    assert kinds(plan) == [("license.remove", "user90@example.org")]
    assert plan["changes"][0]["risk"] == "destructive"
    assert plan["summary"]["removals"] == 1


@pytest.mark.parametrize(
    "members",
    [
        {"kind": "room"},
        {"kind": "common_area"},
        {"role": "owner"},
        {"role": "admin"},
    ],
)
def test_rooms_common_areas_owners_and_admins_are_never_touched_unasked(
    emea: Installation, members: dict[str, str]
) -> None:
    emea.mapping(unmanaged="remove")
    emea.phone([*phone_users(40), phone_user(90, key=None, **members)])

    assert emea.plan()["changes"] == []
    emea.configure(manages="kind pr and id pr")
    assert kinds(emea.plan()) == [("license.remove", "user90@example.org")]


def test_a_bound_admin_is_not_touched_and_is_named(emea: Installation) -> None:
    emea.phone([phone_user(1, role="admin", packages=[]), *phone_users(40)[1:]])

    plan = emea.plan()

    assert plan["changes"] == []
    assert any("user1@example.org" in warning for warning in plan["warnings"])


def test_an_owner_who_leaves_the_directory_is_not_touched_and_is_named(emea: Installation) -> None:
    emea.phone([phone_user(1, role="owner"), *phone_users(40)[1:]])
    assert emea.plan()["changes"] == []
    emea.people(staff(40)[1:])

    plan = emea.plan()

    assert plan["changes"] == []
    assert any("user1@example.org" in warning for warning in plan["warnings"])
    emea.configure(manages="kind pr and id pr")
    assert kinds(emea.plan()) == [("license.remove", "user1@example.org")]


def test_manages_bounds_what_a_sync_may_take_from(emea: Installation) -> None:
    emea.mapping(unmanaged="remove")
    emea.configure(manages='site eq "Munich"')
    emea.phone(
        [*phone_users(40, site="Munich"), phone_user(90, key=None, site="Brno"),
         phone_user(91, key=None, site="Munich")]
    )  # fmt: skip

    assert kinds(emea.plan()) == [("license.remove", "user91@example.org")]
