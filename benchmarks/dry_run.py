"""Measures a dry run beside the plain comparison of the same files (see README.md).

Whole processes, one after the other in turn, so that whatever else the machine does meets all of
them: the plain comparison, a dry run on a new store, and one on a store that knows the data. Ends
with 1 if a plan is wrong or a budget is exceeded.

Usage: python benchmarks/dry_run.py [--users N] [--repeat N] [--changed SHARE] [--seed N]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
MAX_RATIO = 4.0
"""Budget: wall time of a dry run, in times of the plain comparison's."""
MAX_MIB = 200.0
"""Budget: peak resident memory of a dry run."""

PROVISIONER = (sys.executable, "-c", "from provisioner.cli import main; main()")
RIGHT_KINDS = {
    "create": {"user.create"},
    "disable": {"license.remove"},
    "deprovision": {"license.remove"},
    "orphan": {"license.remove"},
    "attribute": {"profile.update"},
    "license": {"license.assign"},
    "package": {"package.assign", "package.remove"},
    "template": {"template.apply"},
    "credit": {"credit.assign", "credit.remove"},
}
"""By kind of difference: kinds of change of which a right plan has one for that person."""


@dataclass(frozen=True)
class Run:
    """One finished process: wall and CPU seconds, peak resident memory in MiB, what was wrong."""

    wall_s: float
    cpu_s: float
    rss_mib: float
    wrong: str | None


@dataclass
class Contestant:
    """Something that is run over and over: its command, what goes before, and what checks its plan.

    `plain`: the name of the contestant that it is measured against; None for a yardstick.
    """

    name: str
    command: list[str]
    plain: str | None = None
    before: Callable[[], None] = lambda: None
    wrong: Callable[[], str | None] = lambda: None
    runs: list[Run] = field(default_factory=list)

    def run(self, log: Path) -> None:
        """Run it once, as a process of its own."""
        self.before()
        environ = {**os.environ, "YARD_NOCHECK": "1", "PYTHONPATH": str(HERE.parent)}
        output = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        started = time.perf_counter()
        pid = os.posix_spawn(
            self.command[0],
            self.command,
            environ,
            file_actions=[output, (os.POSIX_SPAWN_DUP2, 1, 2)],
        )
        _, status, used = os.wait4(pid, 0)
        wall = time.perf_counter() - started
        code = os.waitstatus_to_exitcode(status)
        wrong = f"exit status {code}: {log.read_text()[-500:]}" if code else self.wrong()
        self.runs.append(Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, wrong))

    @property
    def wall_s(self) -> float:
        """The median of its wall times."""
        return statistics.median(run.wall_s for run in self.runs)

    @property
    def rss_mib(self) -> float:
        """The highest peak of its runs."""
        return max(run.rss_mib for run in self.runs)


def dry_runs(
    name: str, plain: str, folder: Path, wrong: Callable[[], str | None]
) -> list[Contestant]:
    """Return the dry run of the config in `folder`, on a new store and on one that knows the data."""
    options = ["--format", "jsonl", "--output", str(folder / "plan.jsonl")]
    command = [*PROVISIONER, "plan", "-c", str(folder / "config.yaml"), *options]

    def forget() -> None:
        for store in folder.glob("*.db*"):
            store.unlink()

    return [
        Contestant(f"{name}dry run, new store", command, plain, forget, wrong),
        Contestant(f"{name}dry run, known data", command, plain, lambda: None, wrong),
    ]


def wrong_plan(folder: Path) -> str | None:
    """Return what is wrong with the plan of a company of company.py; None if it is right."""
    kinds: dict[str, set[str]] = {}
    with (folder / "plan.jsonl").open(encoding="utf-8") as plan:
        next(plan)  # everything but the changes
        for line in plan:
            change = json.loads(line)
            kinds.setdefault(change["key"], set()).add(change["kind"])
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    expected = {key for keys in truth.values() for key in keys}
    if missing := expected - kinds.keys():
        return f"{len(missing)} people are missing from the plan, such as {min(missing)}"
    if false := kinds.keys() - expected:
        return f"{len(false)} people should not be in the plan, such as {min(false)}"
    for kind, keys in truth.items():
        for key in keys:
            if not kinds[key] & RIGHT_KINDS[kind]:
                return f"{key} was to have a change of {kind}, and has {sorted(kinds[key])}"
    return None


def wrong_plain(folder: Path) -> str | None:
    """The same for the plan of plain.py: a yardstick that is wrong measures nothing."""
    lines = (folder / "plain.jsonl").read_text(encoding="utf-8").splitlines()
    found = {json.loads(line)["key"] for line in lines}
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return None if found == {k for keys in truth.values() for k in keys} else "other people"


def company(folder: Path, given: argparse.Namespace) -> list[Contestant]:
    """Make our own company, and return what is run on it."""
    script = [sys.executable, str(HERE / "company.py"), "--out", str(folder)]
    arguments = [f"--users={given.users}", f"--seed={given.seed}", f"--changed={given.changed}"]
    subprocess.run([*script, *arguments], check=True)
    plain = [sys.executable, str(HERE / "plain.py"), str(folder), str(folder / "plain.jsonl")]
    return [
        Contestant("plain comparison", plain, wrong=lambda: wrong_plain(folder)),
        *dry_runs("", "plain comparison", folder, lambda: wrong_plan(folder)),
    ]


def outside(kit: Path, folder: Path, given: argparse.Namespace) -> list[Contestant]:
    """Make the outside kit's data, and return what is run on that."""
    arguments = [f"--users={given.users}", f"--seed={given.seed}", f"--changed={given.changed}"]
    make = [sys.executable, str(kit / "gen_directory.py"), "--out", str(folder), *arguments]
    convert = [sys.executable, str(kit / "convert.py"), str(folder)]
    for command in (make, convert):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    yardstick = str(kit / "yardstick_python.py")
    plain = [sys.executable, "-B", yardstick, str(folder), str(folder / "plain.jsonl")]

    def wrong() -> str | None:
        check = [*convert, "--check", str(folder / "plan.jsonl")]
        result = subprocess.run(check, check=False, capture_output=True, text=True)
        return None if result.returncode == 0 else result.stdout.strip()

    return [
        Contestant("kit: yardstick", plain),
        *dry_runs("kit: ", "kit: yardstick", folder, wrong),
    ]


def table(contestants: Sequence[Contestant]) -> tuple[list[str], list[str]]:
    """Return the table's lines, and what is wrong or too much."""
    by_name = {each.name: each for each in contestants}
    lines = [f"{'':26}{'wall s':>8}{'min':>8}{'max':>8}{'CPU s':>8}{'MiB':>7}{'ratio':>7}  plan"]
    wrong: list[str] = []
    for each in contestants:
        walls = [run.wall_s for run in each.runs]
        cpu = statistics.median(run.cpu_s for run in each.runs)
        faults = [run.wrong for run in each.runs if run.wrong]
        ratio = None if each.plain is None else each.wall_s / by_name[each.plain].wall_s
        lines.append(
            f"{each.name:26}{each.wall_s:>8.3f}{min(walls):>8.3f}{max(walls):>8.3f}{cpu:>8.3f}"
            f"{each.rss_mib:>7.0f}{'' if ratio is None else f'{ratio:.2f}':>7}"
            f"  {'wrong' if faults else 'right'}"
        )
        wrong += [f"{each.name}: {fault}" for fault in faults[:1]]
        if ratio is not None and ratio > MAX_RATIO:
            wrong.append(f"{each.name}: {ratio:.2f} times the plain comparison, budget {MAX_RATIO}")
        if each.plain is not None and each.rss_mib > MAX_MIB:
            wrong.append(f"{each.name}: {each.rss_mib:.0f} MiB, budget {MAX_MIB:.0f}")
    return lines, wrong


def main() -> None:
    """Make the data, run everything in turn, print the table."""
    parser = argparse.ArgumentParser(description="Measure a dry run beside the plain comparison.")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changed", type=float, default=0.01, help="share of people who differ")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary)
        contestants = company(folder / "company", given)
        if kit := os.environ.get("BENCH_KIT"):
            contestants += outside(Path(kit).resolve(), folder / "kit", given)
        for _ in range(given.repeat):
            for each in contestants:
                each.run(folder / "log")
    lines, wrong = table(contestants)
    processors, load = os.cpu_count(), os.getloadavg()[0]
    print(
        f"{given.users:,} people, {given.changed:.0%} changed, median of {given.repeat},", end=" "
    )
    print(f"{processors} processors, load {load:.1f}", *lines, sep="\n")
    print(*wrong, sep="\n", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
