"""Microsoft Teams Phone from end to end in processes of their own: the simulator's and the program's."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from tests.ports import free_port
from tests.processes import environment
from tests.scenarios.installation import PROGRAM, person, rule
from tests.scenarios.teams_tenant import DOMESTIC, PHONE, Tenant, caller, installed, seats, user

READY_S = 30.0


@contextmanager
def simulated(folder: Path, lines: list[dict[str, Any]], *options: str) -> Iterator[Tenant]:
    """Run `provisioner simulate teams` with its limits on, and give what config says of it."""
    folder.mkdir(parents=True, exist_ok=True)
    load, port = folder / "tenant.jsonl", free_port()
    load.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    command = [PROGRAM, "simulate", "teams", "--port", str(port), "--load", str(load), *options]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        until = time.monotonic() + READY_S
        while time.monotonic() < until and process.poll() is None:
            with suppress(requests.ConnectionError):
                requests.get(f"{url}/_portal/log", timeout=5)
                break
            time.sleep(0.1)
        system = {
            "kind": "teams",
            "tenant_id": "t",
            "client_id": "c",
            "client_secret": {"env": "TEAMS_SECRET"},
            "api_url": f"{url}/v1.0",
            "token_url": f"{url}/t/oauth2/v2.0/token",
            "usage_location": "DE",
        }
        try:
            yield Tenant(url, system)
        finally:
            process.terminate()


def test_check_inventory_plan_apply_and_undo_work_on_a_tenant(tmp_path: Path) -> None:
    lines = [seats(["+49891"]), user(1), user(2), caller(3)]
    with simulated(tmp_path / "tenant", lines) as graph:
        office = rule("office", license=PHONE, packages=[DOMESTIC], number={"pool": "munich"})
        company = installed(tmp_path, graph, office, pools={"munich": {"vendor": True}})
        company.configure(limits={"changes": "100%", "removals": "100%"})
        company.people([person(1), person(2), person(3)])
        secret = {"TEAMS_SECRET": "not-for-anyones-eyes"}

        checked = company.shell("check", **secret)
        inventory = company.shell("inventory", **secret)
        plan = company.shell("plan", "--format", "json", **secret)
        approved = company.shell("approve", plan.plan["id"], **secret)
        applied = company.shell("apply", plan.plan["id"], **secret)
        runs = company.shell("runs", "--format", "json", **secret).plan["runs"]
        undo = company.shell("undo", runs[0]["id"], "--format", "json", **secret)
        agreed = company.shell("approve", undo.plan["id"], **secret)
        undone = company.shell("apply", undo.plan["id"], **secret)

        assert checked.status == 0, checked.said
        assert f"{PHONE} (1 of 1,000 used)" in checked.out
        assert len(inventory.out.splitlines()) == 4
        statuses = [r.status for r in (plan, approved, applied, undo, agreed, undone)]
        assert statuses == [0] * 6, (applied.said, undone.said)
        assert "settling" in applied.out
        everything = [checked, inventory, plan, approved, applied, undo, agreed, undone]
        assert all("not-for-anyones-eyes" not in ran.said for ran in everything)
        licenses = {m: u["license"] for m, u in graph.users().items()}
        assert licenses == {
            "user1@example.org": None,
            "user2@example.org": None,
            "user3@example.org": PHONE,
        }


def test_killed_again_and_again_an_apply_loses_nothing_and_does_nothing_twice(
    tmp_path: Path,
) -> None:
    people = 16
    numbers = [f"+4989100{n:02}" for n in range(people)]
    lines = [seats(numbers), *(user(n) for n in range(1, people + 1))]
    with simulated(tmp_path / "tenant", lines, "--settling", "0") as graph:
        office = rule(
            "office", license=PHONE, packages=[DOMESTIC], credits=True, number={"pool": "munich"}
        )
        company = installed(tmp_path, graph, office, pools={"munich": {"vendor": True}})
        company.configure(limits={"changes": "100%"})
        company.people([person(n) for n in range(1, people + 1)])
        secret = {"TEAMS_SECRET": "not-for-anyones-eyes"}
        plan = company.shell("plan", "--format", "json", **secret).plan["id"]
        assert company.shell("approve", plan, **secret).status == 0

        for alive_s in (0.9, 1.1, 1.3, 1.6, 2.0, 2.5):
            _killed(company.folder, plan, alive_s, secret)
        last = [company.shell("apply", plan, **secret) for _ in range(2)]

        assert [ran.status for ran in last] == [0, 0], last[0].said
        held = graph.users().values()
        assert sorted(n for u in held for n in u["numbers"]) == numbers
        assert all(u["license"] == PHONE and u["credits"] for u in held)
        licensed = [whose for whose, _, _ in graph.licensing()]
        assert len(licensed) == len(set(licensed)) == people


def _killed(folder: Path, plan: str, alive_s: float, environ: dict[str, str]) -> None:
    """Start an apply, and kill it after so many seconds."""
    command = [PROGRAM, "apply", "-c", "config.yaml", plan]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment(environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        with suppress(subprocess.TimeoutExpired):
            process.wait(alive_s)
        process.kill()
