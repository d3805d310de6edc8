"""Crash campaigns: a plan is carried out by processes that are killed one after the other, until it is done.

The phone system is a simulator in a process of its own, over real HTTP. A kill is aimed at a point that
the simulator holds (simulators/faults/gate.py), at a moment that only the process knows (killable.py), or
at any time at all. The simulator's own log tells what was done.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.processes import environment
from tests.scenarios.installation import PROGRAM, Installation, zoom_log, zoom_users
from tests.scenarios.killable import MOMENTS
from tests.scenarios.log_effects import effects_of
from tests.scenarios.zoom_staff import catalog, configure, line, movers_and_more, row

ROOT = Path(__file__).parents[2]
POOL = 400
ENDS_WITHIN_S = 120
FREE = ("--no-rate-limits",)

EFFECTS = {
    "user.create": "account", "profile.update": "department", "license.assign": "license",
    "license.remove": "license", "package.assign": "plan", "template.apply": "template",
    "site.set": "site", "extension.set": "extension", "number.assign": "number",
    "delegate.add": "delegate",
}  # fmt: skip
"""What a change of each kind shows as in the simulator's log."""
FIELDS = {
    "license": "license",
    "template": "template",
    "site": "site",
    "extension": "extension_number",
}
LISTS = {"package": "packages", "number": "numbers", "delegate": "delegates"}


@dataclass(frozen=True)
class Kill:
    """One kill: `where` is `arrival`, `commit` or `answer` of the simulator's, with the Nth `read` or
    `write`; a moment of killable.py with its number; or `time`, with milliseconds since the process first asked
    the simulator."""

    where: str
    number: int

    def __str__(self) -> str:
        return f"{self.where}:{self.number}"


def kills(seed: int, count: int) -> list[Kill]:
    """Return a campaign's kills: every kind once before any is met again, in an order of its own."""
    dice = random.Random(seed)
    kinds = {
        "arrival write": 25, "commit write": 25, "answer write": 25,
        "arrival read": 40, "answer read": 40,
        **dict.fromkeys(MOMENTS, 25), "time": 250,
    }  # fmt: skip
    chosen: list[Kill] = []
    while len(chosen) < count:
        chosen += [Kill(kind, dice.randint(1, most)) for kind, most in _shuffled(dice, kinds)]
    return chosen[:count]


def _shuffled(dice: random.Random, kinds: dict[str, int]) -> list[tuple[str, int]]:
    items = list(kinds.items())
    dice.shuffle(items)
    return items


@dataclass
class Ended:
    """How a campaign ended: the kills that hit, the last run's exit status and words, and what is so.

    `wrong`: what the end state, the simulator's log and the store say against the plan; [] if nothing.
    """

    hit: list[Kill] = field(default_factory=list)
    status: int = -1
    said: str = ""
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Prepared:
    """A company that was adopted, with an approved plan, to be copied for each campaign."""

    folder: Path
    plan: dict[str, Any]

    def run(self, folder: Path, kills: list[Kill], *simulator: str) -> Ended:
        """Carry the plan out in a copy of the company, killed as told, until it is done."""
        shutil.copytree(self.folder, folder)
        with simulated(folder, *FREE, *simulator) as url:
            config = folder / "config.yaml"
            text = config.read_text(encoding="utf-8")
            config.write_text(re.sub(r"http://127\.0\.0\.1:\d+", url, text), encoding="utf-8")
            ended = Ended()
            for kill in [*kills, None]:
                _apply(folder, url, self.plan["id"], kill, ended)
            ended.wrong = [*wrong_in_log(url, self.plan), *_wrong_at_end(url, self.plan)]
            ended.wrong += _wrong_in_store(folder, self.plan)
            ended.wrong += _wrong_on_record(folder, self.plan)
        return ended


def prepare(folder: Path, there: int, joiners: int) -> Prepared:
    """Adopt a company, and make and approve the plan of what a month has changed in it."""
    here = Installation(folder)
    lines = [catalog(POOL), *(line(number, POOL) for number in range(1, there + 1))]
    here.write("phone.jsonl", "".join(json.dumps(each) + "\n" for each in lines))
    with simulated(folder, *FREE) as url:
        configure(here, url, POOL)
        here.people([row(number) | {"assistant": ""} for number in range(1, there + 1)])
        here.carry_out()
        here.people(movers_and_more(there, joiners))
        plan = here.plan()
        assert here.run("approve", plan["id"]).status == 0
    return Prepared(folder, plan)


@contextmanager
def simulated(folder: Path, *options: str) -> Iterator[str]:
    """Run `provisioner simulate zoom` with the folder's phone.jsonl; gives its address."""
    process = subprocess.Popen(
        [PROGRAM, "simulate", "zoom", "--port", "0", "--load", str(folder / "phone.jsonl"), *options],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert found is not None, first
        yield found[0]
    finally:
        process.kill()
        process.communicate()


def _apply(folder: Path, url: str, plan: str, kill: Kill | None, ended: Ended) -> None:
    """Apply the plan in a process, and kill it where `kill` says, unless it ends before."""
    moment: dict[str, str] = {}
    point, _, counted = kill.where.partition(" ") if kill else ("", "", "")
    if kill is not None and counted:
        _post(url, "hold", {"at": point, f"{counted}s": kill.number})
    elif kill is not None and point == "time":
        _post(url, "hold", {"at": "arrival", "reads": 1})
    elif kill is not None:
        moment["MOMENT"] = str(kill)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.scenarios.killable", "apply", plan, "-c", str(folder / "config.yaml")],
        cwd=ROOT, env=environment(moment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        if kill is not None and counted:
            if _is_held(url, process):
                process.kill()
        elif kill is not None and point == "time":
            _kill_after(url, process, kill.number / 1000)
        ended.said, _ = process.communicate(timeout=ENDS_WITHIN_S)
    finally:
        process.kill()
        process.wait()
    ended.status = process.returncode
    if kill is not None and ended.status == -signal.SIGKILL:
        ended.hit.append(kill)
    if counted:
        _post(url, "release", {})


def _is_held(url: str, process: subprocess.Popen[str]) -> bool:
    """Return whether a request of the process comes to be held before it ends."""
    while process.poll() is None:
        if requests.get(f"{url}/_portal/held?wait_s=0.1", timeout=30).status_code == 200:
            return True
    return False


def _kill_after(url: str, process: subprocess.Popen[str], seconds: float) -> None:
    if not _is_held(url, process):
        return
    _post(url, "release", {})
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()


def _post(url: str, action: str, body: dict[str, Any]) -> None:
    requests.post(f"{url}/_portal/{action}", json=body, timeout=30).raise_for_status()


def wrong_in_log(url: str, plan: dict[str, Any]) -> list[str]:
    """Return what the simulator's log says against every change having been carried out once."""
    mails = {user["id"]: mail for mail, user in zoom_users(url).items()}
    done = effects_of(zoom_log(url), mails)
    asked = Counter((change["user"], EFFECTS[change["kind"]]) for change in plan["changes"])
    assert max(asked.values()) == 1
    both = sorted(done.keys() | asked.keys())
    return [
        f"{user} {thing}: carried out {done[user, thing]} times, planned {asked[user, thing]}"
        for user, thing in both
        if done[user, thing] != asked[user, thing]
    ]


def _wrong_at_end(url: str, plan: dict[str, Any]) -> list[str]:
    """Return where the account isn't as the plan wants it."""
    users = zoom_users(url)
    return [
        f"{change['user']} {change['kind']}: {change['after']!r} is not so"
        for change in plan["changes"]
        if not _is_so(change, users.get(change["user"]))
    ]


def _is_so(change: dict[str, Any], user: dict[str, Any] | None) -> bool:
    if user is None:
        return False
    family, before, after = change["kind"].split(".")[0], change["before"], change["after"]
    if family in LISTS:
        held = user.get(LISTS[family]) or ()
        return after in held and before not in held
    if family == "profile":
        return all(user.get(name) == value for name, value in after.items())
    return family == "user" or bool(user.get(FIELDS[family]) == after)


def _wrong_in_store(folder: Path, plan: dict[str, Any]) -> list[str]:
    shown = _again(folder).run("show", plan["id"], "--format", "json").plan
    states = Counter(change["state"] for change in shown["changes"])
    return [f"{count} changes are {state}" for state, count in states.items() if state != "done"]


def _wrong_on_record(folder: Path, plan: dict[str, Any]) -> list[str]:
    """Return where the audit is broken, or tells otherwise of a change than that it was sent and done."""
    here = _again(folder)
    proof = here.run("audit verify")
    if proof.status:
        return [proof.said]
    steps: dict[int, list[str]] = {change["seq"]: [] for change in plan["changes"]}
    for entry in map(json.loads, here.run("audit export").out.splitlines()):
        if entry["plan"] == plan["id"] and entry["seq"] is not None:
            steps[entry["seq"]].append(entry["kind"])
    return [
        f"the audit says of change {seq}: {', '.join(kinds)}"
        for seq, kinds in steps.items()
        if kinds[:1] != ["change.sent"] or kinds[-1:] != ["change.done"]
    ]


def _again(folder: Path) -> Installation:
    """Return the installation in a folder as it is: an Installation would write its files anew."""
    here = object.__new__(Installation)
    here.folder = folder
    return here
