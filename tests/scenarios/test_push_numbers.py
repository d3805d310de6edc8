"""Pushes ask for the long list of a phone system's numbers only where somebody wishes one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.pushes import Pushes
from tests.provisioner.scim.pushing import add, operation, patch_group, patch_user, remove
from tests.scenarios.installation import Installation, kinds, rule
from tests.scenarios.teams_tenant import DOMESTIC, PHONE, Tenant, caller, seats, tenant, user
from tests.scenarios.test_pushes import GRACE, Pushed, on_record

NUMBERS = ["+49891230001", "+49891230002", "+49891230003"]
LISTED = "/v1.0/admin/teams/telephoneNumberManagement/numberAssignments"
RULES = [
    rule("all", license=PHONE, packages=[DOMESTIC]),
    rule("sales", 'title eq "Sales"', number={"pool": "munich"}),
    rule("boss", 'title eq "CEO"', number=NUMBERS[2]),
]


class Callers(Pushed):
    """Those who have a phone already, by the receiver's `ids`."""

    ids: tuple[str, ...] = ()


@pytest.fixture
def graph() -> Iterator[Tenant]:
    """Two callers, of whom the second has a number, and somebody without a phone."""
    numbered = caller(2, numbers=[NUMBERS[0]])
    with tenant([seats(NUMBERS[1:]), caller(1), numbered, user(3)], settling_s=0) as graph:
        graph.do("policy", type="TeamsCallingPolicy", name="Office")
        yield graph


@pytest.fixture
def pushed(tmp_path: Path, graph: Tenant) -> Callers:
    here = Installation(tmp_path)
    here.configure(
        phone_system=graph.system,
        pools={"munich": {"vendor": True}},
        approval={"automatic": ["safe", "service"]},
    )
    pushed = Callers(here)
    here.mapping(rules=RULES, **GRACE)
    ids = pushed.user(1), pushed.user(2, title="Sales")
    patch_group(pushed.tenant, pushed.group, add(*ids))
    here.carry_out()
    assert here.run("directory ready").status == 0
    pushed.carry_out()
    pushed.ids = ids
    return pushed


def listed(pushed: Callers) -> int:
    """Return how often a push asked for the list of numbers so far."""
    return sum(
        len(entry["detail"]["times"])
        for entry in on_record(pushed.here)
        if entry["kind"] == "call" and entry["run"] is None and entry["detail"]["path"] == LISTED
    )


def push(pushed: Callers, **members: Any) -> list[tuple[str, str]]:
    """Push the third person, and return what was planned for it."""
    patch_group(pushed.tenant, pushed.group, add(pushed.user(3, **members)))
    before = len(pushed.plans())
    pushed.carry_out()
    (plan,) = pushed.plans()[before:]
    assert plan["blocked"] == []
    return kinds(plan)


def test_a_joiner_without_a_number_costs_no_look_at_the_numbers(pushed: Callers) -> None:
    before = listed(pushed)

    planned = push(pushed)

    assert ("license.assign", "user3@example.org") in planned
    assert listed(pushed) == before


@pytest.mark.parametrize("title", ["Sales", "CEO"])
def test_a_joiner_with_a_number_is_given_one_that_is_free(
    pushed: Callers, graph: Tenant, title: str
) -> None:
    before = listed(pushed)

    planned = push(pushed, title=title)

    assert ("number.assign", "user3@example.org") in planned
    assert listed(pushed) == before + 1
    pushed.here.carry_out()
    free = {"Sales": NUMBERS[1], "CEO": NUMBERS[2]}[title]
    assert graph.users()["user3@example.org"]["numbers"] == [free]


def test_who_keeps_the_number_that_they_have_costs_no_look_at_the_others(pushed: Callers) -> None:
    before, plans = listed(pushed), len(pushed.plans())
    pushed.here.mapping(rules=[*RULES, rule("name", template="Office")], **GRACE)

    patch_user(pushed.tenant, pushed.ids[1], operation("replace", "displayName", "Eva"))
    pushed.carry_out()

    (plan,) = pushed.plans()[plans:]
    assert kinds(plan) == [("template.apply", "user2@example.org")]
    assert listed(pushed) == before


def test_who_comes_short_is_given_what_a_push_before_has_freed(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    here.phone([], packages={"basic": 1}, licenses={"zoom_phone": 9})
    pushed = Pushed(here)
    pushed.configure(approval={"automatic": ["safe", "service", "destructive"]})
    (eva,) = pushed.begin(1)
    jan = pushed.user(2)
    worker = Pushes(pushed.site, pushed.site.config.syncs["emea"])

    patch_group(pushed.tenant, pushed.group, add(jan))
    worker.look()
    assert pushed.plans()[-1]["blocked"]
    patch_group(pushed.tenant, pushed.group, remove(eva))
    worker.look()
    patch_user(pushed.tenant, jan, operation("replace", "title", "Clerk"))
    worker.look()

    assert here.phone_users()["user2@example.org"]["packages"] == ["basic"]
