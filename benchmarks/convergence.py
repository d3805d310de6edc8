"""Measures how a plan comes to its end although a share of all answers is faulty (see README.md).

Real processes and real time: `provisioner simulate zoom --faults` with Zoom's own rate limits, and
`provisioner sync` again and again until one succeeds and leaves nothing to do. Ends with 1 where that
takes too many syncs, or the simulator's log shows anything carried out twice or not at all.

Usage: python benchmarks/convergence.py [--joiners N] [--faulty SHARE]… [--seed N]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.scenarios.crashes import simulated, wrong_in_log
from tests.scenarios.installation import Installation
from tests.scenarios.zoom_staff import catalog, configure, line, movers_and_more, row

THERE = 40
MOST_SYNCS = 20
PROVISIONER = (sys.executable, "-c", "from provisioner.cli import main; main()")
HEADER = f"{'faulty':>7}{'changes':>9}{'syncs':>7}{'statuses':>12}{'requests':>10}{'met':>7}{'share':>8}{'wall s':>8}  end"


@dataclass
class Measured:
    """One line of the table. `wrong`: what the log says against the plan, and what was left to do."""

    faulty: str
    changes: int
    statuses: list[int] = field(default_factory=list)
    requests: int = 0
    met: Counter[str] = field(default_factory=Counter)
    wall_s: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def shown(self) -> str:
        """Return the line."""
        met = sum(self.met.values())
        counted = Counter(self.statuses)
        statuses = ",".join(f"{n}x{status}" for status, n in sorted(counted.items()))
        return (
            f"{self.faulty:>7}{self.changes:>9}{len(self.statuses):>7}{statuses:>12}{self.requests:>10}"
            f"{met:>7}{met / max(1, self.requests):>8.1%}{self.wall_s:>8.1f}"
            f"  {self.wrong[0] if self.wrong else 'once, and whole'}"
        )


def measure(folder: Path, joiners: int, faulty: str, seed: int) -> Measured:
    """Adopt a company, let so many join it, and sync until nothing is left to do."""
    here = Installation(folder)
    pool = joiners + 4 * THERE
    lines = [catalog(pool), *(line(number, pool) for number in range(1, THERE + 1))]
    here.write("phone.jsonl", "".join(json.dumps(each) + "\n" for each in lines))
    with simulated(folder) as url:
        configure(here, url, pool)
        here.people([row(number) | {"assistant": ""} for number in range(1, THERE + 1)])
        adopted = _plan(folder)
        _provisioner(folder, "approve", adopted["id"])
        here.people(movers_and_more(THERE, joiners))
        plan = _plan(folder)
        measured = Measured(faulty, len(plan["changes"]))
        before = _faults(url)[0]
        begun = time.perf_counter()
        while len(measured.statuses) < MOST_SYNCS:
            _let_fail(url, faulty, seed)
            measured.statuses.append(_provisioner(folder, "sync").returncode)
            if measured.statuses[-1] == 0:
                break
        measured.wall_s = time.perf_counter() - begun
        count, measured.met = _faults(url)
        measured.requests = count - before
        _let_fail(url, "", seed)
        measured.wrong = wrong_in_log(url, plan)
        measured.wrong += [f"{c['kind']} {c['user']} is left" for c in _plan(folder)["changes"]]
    return measured


def _provisioner(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*PROVISIONER, *arguments, "-c", str(folder / "config.yaml")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _plan(folder: Path) -> dict[str, Any]:
    ran = _provisioner(folder, "plan", "--format", "json")
    if ran.returncode:
        sys.exit(f"the plan failed: {ran.stderr}")
    plan: dict[str, Any] = json.loads(ran.stdout)
    return plan


def _let_fail(url: str, faulty: str, seed: int) -> None:
    wanted: dict[str, Any] = {"faults": "" if faulty == "0%" else faulty, "seed": seed}
    requests.post(f"{url}/_portal/faults", json=wanted, timeout=30).raise_for_status()


def _faults(url: str) -> tuple[int, Counter[str]]:
    """Return how many requests there were, and the faults that met them."""
    answer = requests.get(f"{url}/_portal/faults", timeout=30)
    kinds = Counter(json.loads(met)["fault"] for met in answer.text.splitlines())
    return int(answer.headers["Requests"]), kinds


def main(arguments: list[str]) -> int:
    """Measure each share, and print the table; returns the exit status."""
    parser = argparse.ArgumentParser(description="Measure how a plan survives faulty answers.")
    parser.add_argument("--joiners", type=int, default=264, help="eight changes each, or five")
    parser.add_argument(
        "--faulty", action="append", metavar="SHARE", help="default: 0%%, 10%%, 30%%"
    )
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    shares = given.faulty or ["0%", "10%", "30%"]
    if not all(re.fullmatch(r"[0-9.]+%.*", share) for share in shares):
        parser.error("a share is written as a percentage, such as 30%")
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, seed {given.seed}")
    print(HEADER)
    good = True
    for share in shares:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            measured = measure(Path(folder), given.joiners, share, given.seed)
        print(measured.shown(), flush=True)
        good = good and not measured.wrong and measured.statuses[-1:] == [0]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
