"""Zoom accounts of every sort, from directory to phone: without sites, with policies, with people of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from tests.scenarios.installation import (
    Installation,
    kinds,
    only,
    person,
    phone_user,
    rule,
    staff,
    zoom_account,
    zoom_log,
    zoom_users,
)

PRO = "Zoom Phone Pro"
CATALOG = {
    "catalog": {
        "licenses": {"zoom_phone": 40},
        "packages": {PRO: 40},
        "sites": ["Munich"],
        "templates": [["Office", "Munich"]],
        "numbers": [[f"+4989123{n:02}", "Munich"] for n in range(20)],
    }
}
LICENSED = rule("all", license="zoom_phone", packages=[PRO])


@contextmanager
def company(
    folder: Path,
    users: list[dict[str, Any]],
    *rules: dict[str, Any],
    phone: Mapping[str, Any] = {},
    mapping: Mapping[str, Any] = {},
    **options: Any,
) -> Iterator[tuple[Installation, str]]:
    """Serve an account with these users, with an installation that manages it by these rules."""
    with zoom_account([CATALOG, *users], **options) as (url, system):
        here = Installation(folder)
        here.configure(
            phone_system=system | dict(phone),
            limits={"changes": "100%", "removals": "100%"},
            approval={"automatic": ["safe", "service", "destructive"]},
        )
        here.mapping(rules=list(rules), **mapping)
        yield here, url


def portal(url: str, action: str, **body: Any) -> None:
    requests.post(f"{url}/_portal/{action}", json=body, timeout=10).raise_for_status()


def had(number: int, **members: Any) -> dict[str, Any]:
    return phone_user(number, **{"packages": [PRO], "site": "Munich", **members})


def test_an_account_without_multiple_sites_gets_all_but_the_site(tmp_path: Path) -> None:
    at_a_site = rule("all", license="zoom_phone", packages=[PRO], site="Munich")
    with company(tmp_path, [had(1)], at_a_site, multiple_sites=False) as (here, url):
        here.people(staff(2))

        plan = here.carry_out()

        assert {kind for kind, _ in kinds(plan)} == {
            "user.create",
            "license.assign",
            "package.assign",
        }
        assert any("Multiple Sites is off" in warning for warning in plan["warnings"])
        assert here.plan()["changes"] == []
        assert zoom_users(url)["user2@example.org"]["packages"] == [PRO]


def test_whoever_waits_to_be_activated_is_activated_and_an_undo_leaves_it_so(
    tmp_path: Path,
) -> None:
    waits = [had(n, vendor={"phone_status": "deactivate"}) for n in (1, 2)]
    with company(tmp_path, [*waits, had(3)], LICENSED, auto_activate=False) as (here, url):
        here.people(staff(4))
        plan = here.carry_out()

        activated = [c for c in plan["changes"] if c["kind"] == "user.activate"]
        assert [(c["user"], c["before"], c["after"]) for c in activated] == [
            (f"user{n}@example.org", "ready to activate", "activated") for n in (1, 2)
        ]
        assert [c["rule"] for c in activated] == ["all", "all"]
        assert here.plan()["changes"] == [], "the joiner was activated with their license"

        undone = json.loads(here.run("undo", "1", "--format", "json").out)
        drafts = [c for part in ("changes", "blocked", "waiting") for c in undone[part]]
        assert {c["user"] for c in drafts} == {"user4@example.org"}
        assert {user["status"] for user in zoom_users(url).values()} == {"active"}


def test_nobody_is_activated_where_config_says_so(tmp_path: Path) -> None:
    waits = had(1, vendor={"phone_status": "deactivate"})
    with company(tmp_path, [waits], LICENSED, phone={"activate": False}) as (here, _):
        here.people(staff(1))

        assert here.carry_out()["changes"] == []


def test_a_delegation_policy_that_is_off_is_seen_before_anything_is_approved(
    tmp_path: Path,
) -> None:
    helped = rule("helped", 'userName eq "user1"', delegates=["user2"])
    users = [had(1, vendor={"policy": {"delegation": False}}), had(2)]
    with company(tmp_path, users, LICENSED, helped) as (here, _):
        here.people(staff(2))

        plan = here.plan()

        (blocked,) = plan["blocked"]
        assert blocked["kind"] == "delegate.add"
        assert "call delegation is off for them" in blocked["reason"]


def test_a_delegate_who_has_to_accept_it_is_added_once_and_waited_for(tmp_path: Path) -> None:
    helped = rule("helped", 'userName eq "user1"', delegates=["user2"])
    with company(tmp_path, [had(1), had(2)], LICENSED, helped, delegates_accept=True) as (
        here,
        url,
    ):
        here.people(staff(2))
        first = here.carry_out()
        again = here.carry_out()

        assert kinds(first) == kinds(again) == [("delegate.add", "user1@example.org")]
        assert [entry["path"] for entry in zoom_log(url)] == ["/phone/users/p1/settings/delegation"]

        portal(url, "delegate", email="user1@example.org", delegate="user2@example.org")
        assert here.plan()["changes"] == []
        assert here.run("sync").status == 0
        shown = json.loads(here.run("show", first["id"], "--format", "json").out)
        assert [c["state"] for c in shown["changes"]] == ["done"]


def test_whoever_was_deactivated_and_comes_back_is_given_everything_anew_in_one_run(
    tmp_path: Path,
) -> None:
    leaver = {"leavers": {"do": "deactivate"}}
    with company(tmp_path, [had(n) for n in (1, 2, 3, 4)], LICENSED, mapping=leaver) as (here, url):
        here.people(staff(4))
        here.carry_out()
        here.people(staff(3))

        gone = only(here.carry_out(), "user.deactivate")

        assert "license zoom_phone is freed" in gone["consequences"]
        assert f"calling package {PRO} is removed" in gone["consequences"]
        assert zoom_users(url)["user4@example.org"]["license"] is None

        here.people(staff(4))
        back = here.carry_out()

        assert [kind for kind, _ in kinds(back)] == [
            "user.activate",
            "license.assign",
            "package.assign",
        ]
        user = zoom_users(url)["user4@example.org"]
        assert (user["status"], user["license"], user["packages"]) == (
            "active",
            "zoom_phone",
            [PRO],
        )


def test_whoever_is_in_the_trash_is_not_sent_there_again_and_is_restored_when_they_return(
    tmp_path: Path,
) -> None:
    with company(
        tmp_path, [had(n) for n in (1, 2, 3, 4)], LICENSED, mapping={"leavers": {"do": "trash"}}
    ) as (here, url):
        here.people(staff(4))
        here.carry_out()
        here.people(staff(3))

        step = only(here.plan(), "user.trash")
        assert step["state"] == "manual"
        portal(url, "trash", email="user4@example.org")

        assert here.plan()["changes"] == []

        here.people(staff(4))
        back = here.plan()
        assert kinds(back) == [("user.restore", "user4@example.org")]
        assert [c["kind"] for c in back["waiting"]] == ["license.assign", "package.assign"]
        portal(url, "restore", email="user4@example.org")
        assert kinds(here.carry_out()) == [("package.assign", "user4@example.org")]
        assert here.plan()["changes"] == []


def test_an_invitation_to_somebody_with_an_account_of_their_own_says_so(tmp_path: Path) -> None:
    with company(
        tmp_path,
        [had(1)],
        LICENSED,
        phone={"create": {"action": "create"}},
        mapping={"existing_account": 'department eq "Partners"'},
    ) as (here, _):
        here.people([person(1), person(2, department="Partners")])

        said = only(here.plan(), "user.invite")["consequences"]

        assert any("may lose what they hold there" in sentence for sentence in said)
        assert any("tell them before" in sentence for sentence in said)


def test_an_invitation_is_sent_again_by_hand_until_it_is_accepted_or_enough(tmp_path: Path) -> None:
    invite = {"create": {"action": "create"}, "invite": {"resend_after": "7d", "resend_max": 2}}
    with company(tmp_path, [had(1)], LICENSED, phone=invite) as (here, url):
        here.people(staff(3))
        start = datetime(2026, 11, 2, 9, tzinfo=UTC)
        here.carry_out(at=start)
        assert here.plan(at=start + timedelta(hours=1))["changes"] == []
        for week in (1, 2):
            day = start + timedelta(days=7 * week + 1, hours=week)
            plan = here.plan(at=day)
            again = [c for c in plan["changes"] if c["kind"] == "welcome.resend"]
            assert len(again) == 3 - week
            assert f"reminder {week} of 2" in again[0]["consequences"][0]
            ran = here.run("manual done", plan["id"], at=day)
            assert ran.status == 0, ran.said
            if week == 1:
                portal(url, "accept", email="user2@example.org")
            assert not [c for c in here.plan(at=day)["changes"] if c["kind"] == "welcome.resend"]
        last = here.plan(at=start + timedelta(days=30))
        assert not [c for c in last["changes"] if c["kind"] == "welcome.resend"]
        assert any("never accepted: user3@example.org" in w for w in last["warnings"])
        assert ("license.assign", "user2@example.org") in kinds(last)
