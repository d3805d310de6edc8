"""What is pushed while everybody is read: the push holds, whatever the plan for everybody had seen of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.apply import Allowance, Applied, apply_plan
from provisioner.plan.model import Plan
from provisioner.planning import Request, plan_sync
from provisioner.progress import Silent
from provisioner.store import people as people_store
from provisioner.store.database import reading
from tests.provisioner.scim.pushing import add, operation, patch_group, patch_user, remove
from tests.scenarios.installation import Installation
from tests.scenarios.test_pushes import GRACE, Pushed

EVERYTHING = {"automatic": ["safe", "service", "destructive"]}
DEPARTMENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"


class Meanwhile(Silent):
    """Does something when the directories are read and the phone system isn't."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work

    def stage(self, text: str, total: int | None = None) -> None:
        if text == "reading the phone system":
            self._work()


@pytest.fixture
def pushed(tmp_path: Path) -> Pushed:
    return Pushed(Installation(tmp_path))


def run(pushed: Pushed, meanwhile: Callable[[], None]) -> tuple[Plan, Applied]:
    """Plan for everybody and apply, as the schedule has it; carry out what is pushed meanwhile."""

    def work() -> None:
        meanwhile()
        pushed.carry_out()

    plan = plan_sync(pushed.site, "emea", Request(), Meanwhile(work))
    return plan, apply_plan(pushed.site, plan.id, Allowance())


def packages(pushed: Pushed) -> list[str]:
    packages: list[str] = pushed.here.phone_users()["user1@example.org"]["packages"]
    return packages


def test_a_mover_keeps_what_they_were_moved_to(pushed: Pushed) -> None:
    two = [
        {"name": n, "when": f'department eq "{n}"', "give": {"license": "zoom_phone", "packages": [p]}}
        for n, p in (("Sales", "basic"), ("Support", "gold"))
    ]  # fmt: skip
    pushed.here.mapping(**GRACE, rules=two)
    eva, _ = pushed.begin(2)

    run(
        pushed,
        lambda: (
            patch_user(pushed.tenant, eva, operation("replace", DEPARTMENT, "Support")) and None
        ),
    )

    assert packages(pushed) == ["gold"]
    assert pushed.here.plan()["changes"] == []


def test_a_leaver_gets_nothing_back(pushed: Pushed) -> None:
    eva, _ = pushed.begin(2)
    pushed.configure(approval=EVERYTHING)

    run(pushed, lambda: patch_group(pushed.tenant, pushed.group, remove(eva)) and None)

    assert not pushed.here.phone_users()["user1@example.org"].get("license")
    assert pushed.here.plan()["changes"] == []


@pytest.mark.parametrize("unmanaged", ["report", "remove"])
def test_a_joiner_keeps_their_phone(pushed: Pushed, unmanaged: str) -> None:
    pushed.here.mapping(**GRACE, unmanaged=unmanaged)
    pushed.begin(2)
    pushed.configure(approval=EVERYTHING)

    run(pushed, lambda: patch_group(pushed.tenant, pushed.group, add(pushed.user(9))) and None)

    assert pushed.here.phone_users()["user9@example.org"]["license"] == "zoom_phone"
    assert pushed.here.plan()["changes"] == []


def test_a_leavers_grace_is_counted_from_the_push(pushed: Pushed) -> None:
    eva, _ = pushed.begin(2)
    pushed.here.mapping(leavers={"do": "remove_license", "after": "24h"})

    run(pushed, lambda: patch_group(pushed.tenant, pushed.group, remove(eva)) and None)

    with reading(pushed.site.engine) as connection:
        (binding,) = people_store.bound_some(connection, "emea", ["e001"])
    assert binding.gone_since is not None


def test_what_a_push_had_left_for_approval_can_still_be_approved(pushed: Pushed) -> None:
    eva, _ = pushed.begin(2)

    run(pushed, lambda: patch_group(pushed.tenant, pushed.group, remove(eva)) and None)
    (removal,) = pushed.plans()
    assert pushed.here.run("approve", removal["id"]).status == 0
    ran = pushed.here.run("apply", removal["id"])

    assert ran.status == 0, ran.said
    assert not pushed.here.phone_users()["user1@example.org"].get("license")


def test_somebody_else_goes_ahead_by_the_plan_for_everybody(pushed: Pushed) -> None:
    ids = pushed.begin(2)
    pushed.configure(approval=EVERYTHING)
    lines = pushed.here.phone_users()
    pushed.here.phone([lines["user1@example.org"], lines["user2@example.org"] | {"packages": []}])

    plan, _ = run(pushed, lambda: patch_group(pushed.tenant, pushed.group, remove(ids[0])) and None)

    assert {change.key for change in plan.changes} == {"E001", "E002"}
    assert pushed.here.phone_users()["user2@example.org"]["packages"] == ["basic"]
    assert not pushed.here.phone_users()["user1@example.org"].get("license")
