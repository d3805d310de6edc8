"""A process that lives on, as the daemon does, and reads a Microsoft tenant again and again."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from provisioner.wiring import open_site
from tests.scenarios import installation
from tests.scenarios.installation import Installation, kinds, one_process, person, rule
from tests.scenarios.teams_tenant import (
    DOMESTIC,
    E5,
    PHONE,
    Tenant,
    caller,
    installed,
    seats,
    tenant,
    user,
)

OFFICE = rule("office", license=PHONE, packages=[DOMESTIC])
LISTED, CHANGED = "/v1.0/users", "/v1.0/users/delta"


def company(folder: Path, graph: Tenant, people: int) -> Installation:
    here = installed(folder, graph, OFFICE, leavers={"do": "remove_license"})
    here.configure(limits={"changes": "100%", "removals": "100%"})
    here.people([person(n) for n in range(1, people + 1)])
    return here


def test_what_changed_is_planned_as_if_everybody_had_been_read(tmp_path: Path) -> None:
    staff = [caller(n) for n in range(1, 31)]
    with tenant([seats(), *staff], settling_s=0) as graph, one_process() as asked:
        graph.do("group", name="Callers", licenses=[E5], add=["user6@example.org"])
        graph.do("clock", advance_s=60)
        here = company(tmp_path, graph, 30)
        here.carry_out()

        graph.do("user", email="user3@example.org", license=None, packages=[])
        graph.do("delete", email="user4@example.org")
        graph.do("user", **user(31))
        graph.do("group", name="Callers", add=["user5@example.org"])
        graph.do("clock", advance_s=60)
        here.people([person(n) for n in range(1, 32) if n != 7])
        asked.clear()
        caught_up = here.plan()

        assert asked.count(CHANGED) == 1
        assert LISTED not in asked
        with patch.object(installation, "open_site", open_site):
            in_full = here.plan()
        assert caught_up["base"]["phone"] == in_full["base"]["phone"]
        assert caught_up["summary"] == in_full["summary"]
        assert kinds(caught_up) == kinds(in_full)
        assert ("license.assign", "user31@example.org") in kinds(caught_up)
        assert ("license.remove", "user7@example.org") in kinds(caught_up)


def test_what_was_carried_out_is_known_to_the_next_plan_however_late_microsoft_tells_it(
    tmp_path: Path,
) -> None:
    lines = [seats(), *(user(n) for n in range(1, 6))]
    with tenant(lines, settling_s=0, delta_late_s=3_000) as graph, one_process() as asked:
        here = company(tmp_path, graph, 5)
        plan = here.carry_out()
        assert plan["summary"]["changes"]["license.assign"] == 5
        asked.clear()

        assert here.plan()["changes"] == []
        assert asked.count(CHANGED) == 1
        assert LISTED not in asked


def test_nobody_loses_anything_when_microsoft_forgets_whom_it_told_of(tmp_path: Path) -> None:
    staff = [caller(n) for n in range(1, 11)]
    with tenant([seats(), *staff], settling_s=0) as graph, one_process() as asked:
        here = company(tmp_path, graph, 10)
        here.carry_out()
        graph.do("delta")
        graph.do("clock", advance_s=1)
        asked.clear()

        assert here.plan()["changes"] == []
        assert LISTED in asked
