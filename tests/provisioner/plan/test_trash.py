"""A trash that no interface shows: who was put there is remembered, and restored when they return in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors.phone.zoom import abilities
from connectors.records import PhoneUser
from provisioner.memory import Memory
from provisioner.plan.trash import noted
from tests.provisioner.plan.grounds import NOW, ground
from tests.provisioner.plan.office import Office, only, person, user
from tests.provisioner.plan.test_settings import case as made

ABLE = abilities("ssoCreate", 15, job_titles=False)
MAPPING = """\
leavers: {do: trash}
rules: [{name: all, when: userName pr, give: {license: zoom_phone, packages: [basic]}}]
"""
AT = ("eva", "trash")


def memory(days: float | None) -> Memory:
    since = None if days is None else (NOW - timedelta(days=days)).isoformat()
    value: Any = {"since": since}
    return Memory(adopted=True, applied={AT: value})


def back(known: Memory, **members: Any) -> Office:
    users = [user("eva", **members)]
    return Office(
        mapping=MAPPING, people=[person("eva")], users=users, abilities=ABLE, memory=known
    )


def test_whoever_returns_within_the_retention_is_restored_by_hand_and_the_rest_waits() -> None:
    for days in (None, 0.5, 29.9):
        plan = back(memory(days)).plan()

        step = only(plan.changes, "user.restore")
        assert (step.state, len(plan.changes)) == ("manual", 1)
        assert "open Trash, find eva@example.org" in str(step.reason)
        assert {c.kind for c in plan.waiting} == {"license.assign", "package.assign"}


def test_after_the_retention_and_without_a_memory_they_get_a_license_anew() -> None:
    for known in (memory(30), Memory(adopted=True)):
        assert [c.kind for c in back(known).plan().changes] == ["license.assign", "package.assign"]


def test_whoever_has_a_license_again_is_not_restored_once_more() -> None:
    assert back(memory(1), license="zoom_phone", packages=("basic",)).plan().changes == ()


def learned(known: Memory, license: str | None, *, asked: bool) -> dict[Any, Any]:
    actual = PhoneUser("p-eva", license=license)
    return dict(noted(made(actual), ground("license", abilities=ABLE, memory=known), asked=asked))


def test_the_step_and_the_read_that_shows_them_gone_are_remembered() -> None:
    assert learned(Memory(), "zoom_phone", asked=True) == {AT: {"since": None}}
    assert learned(memory(None), None, asked=True) == {AT: {"since": NOW.isoformat()}}
    assert learned(memory(3), None, asked=True) == {}
    assert learned(memory(3), "zoom_phone", asked=False) == {AT: None}
    assert learned(memory(3), "zoom_phone", asked=True) == {AT: {"since": None}}
    assert learned(Memory(), None, asked=False) == {}
