"""What identity providers push reaches the phones: just those people's, once, and under the same guard."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.commands.plans import site_of
from provisioner.config import load_config
from provisioner.pushes import Pushes
from provisioner.scim import users as scim_users
from provisioner.scim.schemas import Registry
from provisioner.scim.tenant import Tenant
from provisioner.store import scim_dirty
from provisioner.store.database import StoreError, reading
from provisioner.store.direct import Direct
from provisioner.wiring import Site, Stop, Stopped, utc_now
from tests.provisioner.scim.pushing import (
    add,
    operation,
    patch_group,
    patch_user,
    push_group,
    push_user,
    put_user,
    remove,
)
from tests.scenarios.installation import (
    Installation,
    kinds,
    phone_user,
    phone_users,
    rule,
    states,
    zoom_account,
    zoom_log,
    zoom_users,
)

PUSHED = {"kind": "pushed", "name": "entra", "coalesce": "0s"}
GRACE: dict[str, Any] = {"leavers": {"do": "remove_license", "after": "0h"}}


class Pushed:
    """An installation that an identity provider pushes to; `carry_out` does what the daemon would."""

    def __init__(self, here: Installation) -> None:
        self.here = here
        here.configure(directories=[PUSHED], limits={"removals": "100%", "changes": "100%"})
        here.mapping(**GRACE)
        self.site: Site = site_of(here.folder / "config.yaml")
        self.tenant = Tenant("emea", Registry.make(), Direct(self.site.engine), utc_now)
        self.group = push_group(self.tenant, "Phone").id

    def user(self, number: int, **members: Any) -> str:
        """Push somebody, who isn't in a group yet; return the id."""
        given: dict[str, Any] = {
            "externalId": f"E{number:03}",
            "displayName": f"User {number}",
            "active": True,
            "emails": [{"value": f"user{number}@example.org", "type": "work"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales"},
        }
        return push_user(self.tenant, f"user{number}", **(given | members)).id

    def begin(self, count: int) -> list[str]:
        """Push so many people with their group, adopt the sync, and declare the directory ready."""
        ids = [self.user(number) for number in range(1, count + 1)]
        patch_group(self.tenant, self.group, add(*ids))
        self.here.carry_out()
        assert self.here.run("directory ready").status == 0
        self.carry_out()
        return ids

    def configure(self, **members: Any) -> None:
        """Change the sync's config, as the next start of the daemon has it."""
        self.here.configure(**members)
        self.site = site_of(self.here.folder / "config.yaml")

    def carry_out(self) -> None:
        """Carry out what was pushed, until nothing is left."""
        pushes = Pushes(self.site, self.site.config.syncs["emea"])
        for _ in range(5):
            if not pushes.look():
                return
        raise AssertionError("pushes are left over")

    def left(self) -> int:
        """Return how many marks are left."""
        with reading(self.site.engine) as connection:
            marks = scim_dirty.take(connection, "emea")
        return 0 if marks is None else len(marks.numbers)

    def plans(self) -> list[dict[str, Any]]:
        """Return the plans that pushes made, oldest first."""
        ran = self.here.run("runs", "--format", "json")
        listed = [p["id"] for p in ran.plan["plans"] if p["scope"] == "push"]
        return [self.here.run("show", id, "--format", "json").plan for id in reversed(listed)]


@pytest.fixture
def pushed(tmp_path: Path) -> Pushed:
    return Pushed(Installation(tmp_path))


def test_a_pushed_directory_is_planned_like_any_other(pushed: Pushed) -> None:
    patch_group(pushed.tenant, pushed.group, add(pushed.user(1), pushed.user(2)))
    pushed.user(3)

    plan = pushed.here.plan()

    assert {user for _, user in kinds(plan)} == {"user1@example.org", "user2@example.org"}
    assert plan["changes"][0]["key"] == "E001"


def test_nobody_pushed_is_no_reason_to_refuse_a_directory_that_is_warming(pushed: Pushed) -> None:
    assert kinds(pushed.here.plan()) == []

    pushed.here.run("directory ready")
    ran = pushed.here.run("plan")

    assert ran.status == 3
    assert "directory entra is empty" in ran.said


def test_a_joiner_who_is_pushed_has_a_phone_at_once_and_nobody_else_is_planned_for(
    pushed: Pushed,
) -> None:
    pushed.begin(3)
    new = pushed.user(9)
    patch_group(pushed.tenant, pushed.group, add(new))

    pushed.carry_out()

    (plan,) = pushed.plans()
    assert {c["user"] for c in plan["changes"]} == {"user9@example.org"}
    assert {c["state"] for c in plan["changes"]} == {"done"}
    held = pushed.here.phone_users()["user9@example.org"]
    assert (held["license"], held["packages"]) == ("zoom_phone", ["basic"])
    assert pushed.left() == 0
    assert pushed.here.plan()["changes"] == []


def test_a_change_that_says_nothing_to_the_phone_makes_no_plan(pushed: Pushed) -> None:
    (eva,) = pushed.begin(1)
    patch_user(pushed.tenant, eva, operation("replace", "nickName", "Eva"))

    pushed.carry_out()

    assert pushed.plans() == []
    assert pushed.left() == 0


def test_many_members_at_once_are_one_plan(pushed: Pushed) -> None:
    pushed.begin(2)
    new = [pushed.user(number) for number in range(10, 60)]
    pushed.carry_out()
    patch_group(pushed.tenant, pushed.group, add(*new))

    pushed.carry_out()

    (plan,) = pushed.plans()
    assert len({c["key"] for c in plan["changes"]}) == 50


def test_a_group_that_is_renamed_is_one_plan_for_all_its_members(pushed: Pushed) -> None:
    pushed.begin(12)
    patch_group(pushed.tenant, pushed.group, operation("replace", "displayName", "Telephony"))

    pushed.carry_out()

    (plan,) = pushed.plans()
    assert [c["kind"] for c in plan["changes"]] == ["license.remove"] * 12


@pytest.mark.parametrize("how", ["leaves the group", "is deactivated", "is deleted"])
def test_whoever_is_gone_or_out_follows_the_leaver_policy(pushed: Pushed, how: str) -> None:
    eva, _ = pushed.begin(2)
    pushed.here.configure(approval={"automatic": ["safe", "service", "destructive"]})
    pushed.site = site_of(pushed.here.folder / "config.yaml")
    if how == "leaves the group":
        patch_group(pushed.tenant, pushed.group, remove(eva))
    elif how == "is deactivated":
        patch_user(pushed.tenant, eva, operation("replace", "active", False))
    else:
        scim_users.delete(pushed.tenant, eva)

    pushed.carry_out()

    held = pushed.here.phone_users()
    assert held["user1@example.org"].get("license") is None
    assert held["user2@example.org"]["license"] == "zoom_phone"


@pytest.mark.parametrize("how", ["is deactivated", "is deleted", "is demoted and deactivated"])
def test_a_push_takes_nothing_from_protected_people(pushed: Pushed, how: str) -> None:
    eva, _ = pushed.begin(2)
    patch_user(pushed.tenant, eva, operation("add", "title", "CEO"))
    pushed.carry_out()
    pushed.configure(
        protected='title eq "CEO"', approval={"automatic": ["safe", "service", "destructive"]}
    )
    pushed.here.plan()
    if how == "is deleted":
        scim_users.delete(pushed.tenant, eva)
    else:
        away = [operation("replace", "active", False)]
        if "demoted" in how:
            away.append(operation("remove", "title"))
        patch_user(pushed.tenant, eva, *away)

    pushed.carry_out()

    held = pushed.here.phone_users()["user1@example.org"]
    assert (held["license"], held["packages"]) == ("zoom_phone", ["basic"])
    assert "protected" in pushed.plans()[-1]["blocked"][0]["reason"]


def test_a_push_in_a_freeze_waits_for_its_end(pushed: Pushed) -> None:
    pushed.begin(2)
    pushed.configure(freeze=[{"name": "for good", "from": "2020-01-01", "until": "2199-01-01"}])
    patch_group(pushed.tenant, pushed.group, add(pushed.user(9)))

    pushed.carry_out()

    assert "user9@example.org" not in pushed.here.phone_users()
    plan = pushed.plans()[-1]
    assert "freeze 'for good'" in plan["warnings"][0]
    assert pushed.here.run("apply", plan["id"]).status == 3
    pushed.configure(freeze=[])
    assert pushed.here.run("apply", plan["id"]).status == 0
    assert pushed.here.phone_users()["user9@example.org"]["license"] == "zoom_phone"


def test_one_persons_approval_is_not_enough_in_a_pushs_plan_either(pushed: Pushed) -> None:
    eva, _ = pushed.begin(2)
    pushed.configure(approval={"second": ["destructive"]})
    patch_user(pushed.tenant, eva, operation("replace", "active", False))
    pushed.carry_out()
    first = pushed.plans()[-1]
    assert pushed.here.run("approve", first["id"], "--by", "eva").status == 0
    patch_user(pushed.tenant, eva, operation("replace", "displayName", "Eva"))

    pushed.carry_out()

    again = pushed.plans()[-1]
    assert again["id"] != first["id"]
    assert states(again)["license.remove", "user1@example.org"] == "planned"
    assert pushed.here.phone_users()["user1@example.org"]["license"] == "zoom_phone"
    assert pushed.here.run("approve", again["id"], "--by", "jan").status == 0
    assert pushed.here.run("apply", again["id"]).status == 0
    assert not pushed.here.phone_users()["user1@example.org"].get("license")


def test_who_was_pushed_keeps_everything_for_a_day_where_the_mapping_says_nothing(
    pushed: Pushed,
) -> None:
    eva, _ = pushed.begin(2)
    pushed.here.mapping(leavers={"do": "remove_license"})
    patch_group(pushed.tenant, pushed.group, remove(eva))

    pushed.carry_out()

    (plan,) = pushed.plans()
    assert plan["changes"] == []
    assert "leaver in grace" in plan["waiting"][0]["reason"]


def test_while_the_directory_is_warming_nothing_is_taken_away(pushed: Pushed) -> None:
    ids = [pushed.user(number) for number in (1, 2)]
    patch_group(pushed.tenant, pushed.group, add(*ids))
    pushed.here.carry_out()
    patch_group(pushed.tenant, pushed.group, remove(ids[0]))

    pushed.carry_out()

    (plan,) = pushed.plans()
    assert plan["changes"] == []
    assert "entra is warming" in plan["waiting"][0]["reason"]


def test_before_a_full_plan_is_approved_pushes_wait_and_none_is_lost(pushed: Pushed) -> None:
    patch_group(pushed.tenant, pushed.group, add(pushed.user(1)))
    pushed.carry_out()
    assert pushed.left() > 0
    assert pushed.here.phone_users() == {}

    plan = pushed.here.plan()
    assert pushed.here.run("approve", plan["id"]).status == 0
    pushed.carry_out()

    assert pushed.here.phone_users()["user1@example.org"]["license"] == "zoom_phone"
    assert pushed.left() == 0


def test_a_mass_deactivation_that_comes_one_by_one_trips_the_guard(pushed: Pushed) -> None:
    ids = pushed.begin(20)
    pushed.here.configure(
        limits={"removals": "20%", "changes": "100%"},
        approval={"automatic": ["safe", "service", "destructive"]},
    )
    pushed.site = site_of(pushed.here.folder / "config.yaml")
    for id in ids[:10]:
        patch_user(pushed.tenant, id, operation("replace", "active", False))
        pushed.carry_out()

    gone = [u for u in pushed.here.phone_users().values() if u.get("license") is None]
    held = [c for plan in pushed.plans() for c in plan["changes"] if c["state"] == "held"]
    assert len(gone) == 4, "20 % of 20 people"
    assert len(held) == 6
    assert "--allow-removals" in held[0]["reason"]


def test_a_person_whose_change_was_pushed_back_loses_nothing_by_the_older_plan(
    pushed: Pushed,
) -> None:
    eva, _ = pushed.begin(2)
    patch_group(pushed.tenant, pushed.group, remove(eva))
    pushed.carry_out()
    patch_group(pushed.tenant, pushed.group, add(eva))
    pushed.carry_out()
    removal, nothing = pushed.plans()
    assert nothing["changes"] == []

    assert pushed.here.run("approve", removal["id"]).status == 0
    ran = pushed.here.run("apply", removal["id"])

    assert ran.status == 5
    assert "a newer plan no longer contains this change" in ran.said
    assert pushed.here.phone_users()["user1@example.org"]["license"] == "zoom_phone"


def test_a_rename_is_a_rename(pushed: Pushed) -> None:
    (eva,) = pushed.begin(1)
    pushed.here.mapping(**GRACE, profile={"display_name": "{displayName}"})
    body = {
        "userName": "eva.nova@example.org",
        "externalId": "E001",
        "displayName": "Eva Nová",
        "emails": [{"value": "eva.nova@example.org", "type": "work"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales"},
    }
    put_user(pushed.tenant, eva, body)

    pushed.carry_out()

    (plan,) = pushed.plans()
    assert [c["kind"] for c in plan["changes"]] == ["profile.update"]
    assert plan["changes"][0]["id"] is not None


def test_somebody_whose_mail_another_ones_phone_user_has_is_not_matched_to_that(
    pushed: Pushed,
) -> None:
    pushed.begin(1)
    thief = pushed.user(7, emails=[{"value": "user1@example.org", "type": "work"}])
    patch_group(pushed.tenant, pushed.group, add(thief))

    pushed.carry_out()

    (plan,) = pushed.plans()
    assert not [c for c in plan["changes"] if c["key"] == "E007"]


def test_the_other_directories_are_taken_as_they_were_read_last(pushed: Pushed) -> None:
    here = pushed.here
    hr = {"kind": "csv", "name": "hr", "path": "people.csv"}
    here.configure(directories=[hr, PUSHED])
    here.people([{"externalId": "E001", "userName": "user1", "department": "Support"}])
    here.phone([phone_user(1, packages=[])])
    pushed.site = site_of(here.folder / "config.yaml")
    (eva,) = pushed.begin(1)
    (here.folder / "people.csv").unlink()
    patch_user(pushed.tenant, eva, operation("replace", "displayName", "Eva"))
    here.mapping(
        **GRACE,
        rules=[rule("all", license="zoom_phone"), rule("support", 'department eq "Support"', packages=["gold"])],
    )  # fmt: skip

    pushed.carry_out()

    assert here.phone_users()["user1@example.org"]["packages"] == ["gold"]


def test_delegates_who_were_not_pushed_are_known_and_one_who_cannot_be_told_costs_nobody_theirs(
    pushed: Pushed,
) -> None:
    here = pushed.here
    here.mapping(
        **GRACE,
        rules=[rule("all", license="zoom_phone", packages=["basic"], delegates=["{nickName}"])],
    )
    ids = [pushed.user(1, nickName="E002"), pushed.user(2, nickName="E001")]
    patch_group(pushed.tenant, pushed.group, add(*ids))
    here.carry_out()
    here.run("directory ready")
    pushed.carry_out()
    assert here.phone_users()["user1@example.org"]["delegates"] == ["user2@example.org"]

    third = pushed.user(3, nickName="E002")
    patch_group(pushed.tenant, pushed.group, add(third))
    patch_user(pushed.tenant, ids[0], operation("replace", "nickName", "nobody-known"))
    pushed.carry_out()

    held = here.phone_users()
    assert held["user3@example.org"]["delegates"] == ["user2@example.org"]
    assert held["user1@example.org"]["delegates"] == ["user2@example.org"]


def test_a_push_takes_no_delegate_whom_the_phone_system_knows_by_another_address(
    pushed: Pushed,
) -> None:
    here = pushed.here
    here.mapping(
        **GRACE,
        rules=[rule("all", license="zoom_phone", packages=["basic"], delegates=["{nickName}"])],
    )
    ids = [pushed.user(1, nickName="E002"), pushed.user(2)]
    patch_group(pushed.tenant, pushed.group, add(*ids))
    here.carry_out()
    here.run("directory ready")
    pushed.carry_out()
    renamed = [{"value": "new@example.org", "type": "work", "primary": True}]
    patch_user(pushed.tenant, ids[1], operation("replace", "emails", renamed))
    pushed.carry_out()

    patch_user(pushed.tenant, ids[0], operation("replace", "title", "Clerk"))
    pushed.carry_out()

    assert here.phone_users()["user1@example.org"]["delegates"] == ["user2@example.org"]
    assert here.plan()["changes"] == []


def test_pushes_reach_zoom_over_http_with_few_requests(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    with zoom_account(phone_users(300)) as (url, phone):
        here.configure(phone_system=phone)
        pushed = Pushed(here)
        ids = pushed.begin(300)
        before = len(zoom_log(url))
        new = pushed.user(400)
        patch_group(pushed.tenant, pushed.group, add(new))
        patch_user(
            pushed.tenant,
            ids[3],
            operation(
                "replace",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                "Support",
            ),
        )

        pushed.carry_out()

        held = zoom_users(url)
        writes = [(w["method"], w["path"]) for w in zoom_log(url)[before:]]
    assert held["user400@example.org"]["license"] == "zoom_phone"
    assert held["user400@example.org"]["packages"] == ["basic"]
    # a package that would be taken waits for a person
    assert [method for method, _ in writes] == ["POST", "POST"]
    assert writes[0][1] == "/users"
    assert writes[1][1].endswith("/calling_plans")


def test_an_identity_provider_that_fills_up_an_empty_sync_is_seen_as_joiners_only(
    pushed: Pushed,
) -> None:
    pushed.here.phone(phone_users(2))
    ids = [pushed.user(number) for number in (1, 2, 3)]
    patch_group(pushed.tenant, pushed.group, add(*ids))

    plan = pushed.here.plan()

    assert {user for _, user in kinds(plan)} == {"user3@example.org"}
    assert set(states(plan).values()) == {"planned"}


def test_coalescing_waits_for_the_moment_that_config_names(tmp_path: Path) -> None:
    pushed = Pushed(Installation(tmp_path))
    pushed.begin(1)
    pushed.here.configure(directories=[PUSHED | {"coalesce": "1h"}])
    pushed.site = site_of(pushed.here.folder / "config.yaml")
    patch_group(pushed.tenant, pushed.group, add(pushed.user(5)))
    pushes = Pushes(pushed.site, pushed.site.config.syncs["emea"])

    assert not pushes.look()

    late = replace(pushed.site, now=lambda: utc_now() + timedelta(hours=2))
    assert Pushes(late, late.config.syncs["emea"]).look()


def test_a_config_that_is_read_again_holds_from_the_next_push_on(tmp_path: Path) -> None:
    pushed = Pushed(Installation(tmp_path))
    pushes = Pushes(pushed.site, pushed.site.config.syncs["emea"])
    pushed.begin(1)
    pushed.here.configure(directories=[PUSHED | {"coalesce": "1h"}])
    config = load_config(tmp_path / "config.yaml")

    pushed.user(2)
    pushes.follow(replace(pushed.site, config=config), config.syncs["emea"])

    assert not pushes.look()
    assert pushed.left() == 1


def test_what_a_push_asked_of_the_vendor_is_on_record_once(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    with zoom_account(phone_users(2)) as (url, phone):
        here.configure(phone_system=phone)
        pushed = Pushed(here)
        pushed.begin(2)
        before = len(on_record(here))
        patch_group(pushed.tenant, pushed.group, add(pushed.user(9)))
        pushed.carry_out()
        written = len(zoom_log(url))
    patch_group(pushed.tenant, pushed.group, add(pushed.user(10)))
    Pushes(pushed.site, pushed.site.config.syncs["emea"]).look()  # nobody answers there any more

    every = [entry["detail"] for entry in on_record(here) if entry["kind"] == "call"]
    writes = [
        each
        for call in every
        for each in call["times"]
        if call["method"] != "GET" and call["label"] != "oauth" and call["status"] is not None
    ]
    found = on_record(here)[before:]
    asked = {e["detail"]["path"] for e in found if e["kind"] == "call" and e["run"] is None}
    assert len(writes) == written
    assert "/v2/users/user9@example.org" in asked
    assert found[-1]["kind"] == "push.failed"
    assert "no connection" in found[-1]["detail"]["error"]
    assert here.run("audit verify").status == 0


def on_record(here: Installation) -> list[dict[str, Any]]:
    return [json.loads(line) for line in here.run("audit export").out.splitlines()]


class Ticking(Stop):
    """Whoever sleeps is awake at once, and it is that much later; the end comes at a time."""

    def __init__(self, clock: list[float], end: float) -> None:
        super().__init__()
        self._clock, self._end = clock, end

    def sleep(self, seconds: float) -> None:
        self._clock[0] += seconds
        if self._clock[0] > self._end:
            raise Stopped("the time is over")


def test_pushes_go_on_at_once_when_the_store_is_back_however_long_it_was_away(
    pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, back, asked, find = [0.0], 3600.0, list[float](), scim_dirty.oldest

    def oldest(*arguments: Any) -> datetime | None:
        asked.append(clock[0])
        if clock[0] < back:
            raise StoreError("the store failed: connection refused")
        return find(*arguments)

    monkeypatch.setattr(scim_dirty, "oldest", oldest)
    site = replace(pushed.site, stop=Ticking(clock, back + 60))
    with pytest.raises(Stopped):
        Pushes(site, site.config.syncs["emea"], clock=lambda: clock[0]).run()

    assert len([at for at in asked if at < back]) < 1000
    assert min(at for at in asked if at >= back) < back + 6
