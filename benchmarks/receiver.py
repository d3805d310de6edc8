"""Measures the SCIM receiver beside django-scim2, scim2-server and a bare Flask app on our own workers.

The load, and the check of every answer, is scim_load.py's in the folder that BENCH_KIT names. Each server
starts on an empty store, in turn, as often as asked; medians are compared. Ends with 1 where a row falls
short of its reach, or one acknowledged create is lost by `kill -9`.

Usage: BENCH_KIT=DIR TEST_POSTGRESQL=URL python -m benchmarks.receiver [--users N]… [--repeat N]
       [--requests N] [--peers DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import requests

from benchmarks.peers import servers
from benchmarks.peers.servers import Served
from benchmarks.rate_use import stores

Figures = dict[str, list[float | None]]
"""By workload the requests a second of each repetition; None where an answer was wrong."""

CORE = ("create", "get", "filter", "filter_ext", "put", "patch_active")
GROUP = ("group_get_excl", "group_filter", "patch_member", "unpatch_member")
OF_TEN = ("patch_member", "unpatch_member")
ROWS = (*CORE, "list", *GROUP, *(f"{name} of 10" for name in OF_TEN))
WRITES = {"create", "put", "patch_active", "patch_member", "unpatch_member"}
OURS = ("ours, postgresql", "ours, sqlite")
DJANGO, SCIM2, CEILING = "django-scim2", "scim2-server", "ceiling"

LONG_S, SHORT_S = 180, 20
"""Most seconds of a workload that must be whole, and of one whose rate is known sooner."""
MEMBERS = 10_000
SQLITE_WRITES = 0.8
"""On SQLite a write needs so much of its reach: every one of them waits for the disk alone."""
GROWN = 0.85
"""What a row keeps of its rate when there are ten times as many users."""
NOISE = 0.9
"""What is as fast as something else has at least so much of its rate."""
KILLED_AFTER = 500
DISK = "the disk's own syncs"
"""A row of how often the disk syncs a page just before each server's run: what durable writes wait for."""
_PROBE_S = 0.25


class Reach(NamedTuple):
    """A row is to have `times` the rate of `row` (None: the same) at `subject` (None: at ours)."""

    row: str
    times: float
    subject: str | None = DJANGO
    other: str | None = None


def reaches(users: int) -> Iterator[Reach]:
    """Yield what the rows are to reach with so many users."""
    yield Reach("get", 1.5)
    yield Reach("get", 0.5, CEILING)
    for row in ("create", "put", "patch_active"):
        yield Reach(row, 1.25)
    for row in ("filter", "filter_ext"):
        yield Reach(row, 3 if users >= 20_000 else 1.5)
    yield Reach("list", 5)
    for row in ("group_get_excl", "group_filter"):
        yield Reach(row, NOISE, None, "get")
    for row in OF_TEN:
        yield Reach(row, 60)
        yield Reach(row, 0.8, None, f"{row} of 10")


def load(kit: Path, served: Served, workloads: tuple[str, ...], *more: str) -> Figures:
    """Return the rates of some workloads: one figure each, None where an answer was wrong."""
    tool = [sys.executable, str(kit / "scim_load.py"), "--base-url", served.url]
    tool += ["--token", served.token, "--concurrency", "8", "--workloads", ",".join(workloads)]
    done = subprocess.run([*tool, *more], capture_output=True, text=True, check=False)
    found: Figures = {name: [None] for name in workloads if name != "group_setup"}
    for line in done.stdout.splitlines():
        told = json.loads(line)
        if told.get("errors"):
            print(f"  {told['workload']}: {told['errors']} wrong, {told.get('first_error')}"[:300])
        elif told["workload"] in found:
            found[told["workload"]] = [told["rps"]]
    return found


def measure(kit: Path, subject: str, served: Served, users: int, requests: int) -> Figures:
    """Return one repetition's figures of a server that has nobody yet."""
    asked = ("--users", str(users), "--requests", str(requests))
    if subject == CEILING:
        return load(kit, served, ("create", "get"), *asked)
    patience = SHORT_S if subject == SCIM2 else LONG_S
    found = load(kit, served, CORE, *asked, "-d", str(patience))
    found |= load(kit, served, ("list",), "--users", "1", "-d", str(SHORT_S))
    if subject == SCIM2:
        return found
    # Entra's way to remove a member is the one that django-scim2 knows
    adds = 200 if subject == DJANGO else requests // 2
    style = ("--patch-style", "entra", "--member-adds", str(adds))
    short = (*style, "--users", "1", "--requests", str(requests), "-d", str(SHORT_S))
    work = ("group_setup", *(OF_TEN if subject == DJANGO else GROUP))
    if subject != DJANGO or users < 20_000:
        found |= load(kit, served, work, *short, "--members", str(MEMBERS))
    if subject != DJANGO:
        ten = load(kit, served, ("group_setup", *OF_TEN), *short, "--members", "10")
        found |= {f"{name} of 10": rates for name, rates in ten.items()}
    return found


def middle(rates: list[float | None] | None) -> float | None:
    """Return the median; None where something was wrong, or nothing measured."""
    right = [rate for rate in rates or () if rate is not None]
    return median(right) if right and len(right) == len(rates or ()) else None


def judged(
    by: dict[str, Figures], subject: str, users: int, smaller: Figures | None
) -> Iterator[tuple[str, float | None, float]]:
    """Yield each claim about one of ours with how many times it is, and how many times it must be."""
    for reach in reaches(users):
        row, other = reach.row, reach.other or reach.row
        times = reach.times
        if subject.endswith("sqlite") and row in WRITES and reach.subject == DJANGO:
            times *= SQLITE_WRITES
        yardstick = by.get(reach.subject or subject, {}).get(other)
        if yardstick is not None:
            than = f"{reach.subject or 'our'} {other}"
            rates = middle(by[subject].get(row)), middle(yardstick)
            yield f"{row} / {than}", _ratio(*rates), times
    for row in ROWS if smaller else ():
        rates = middle(by[subject].get(row)), middle((smaller or {}).get(row))
        yield f"{row} / with fewer users", _ratio(*rates), GROWN


def _ratio(rate: float | None, yardstick: float | None) -> float | None:
    return rate / yardstick if rate is not None and yardstick else None


def syncs() -> float:
    """Return how many pages a second the disk of the temporary folder takes and syncs, one by one.

    Virtual disks grant some seconds of far more than they sustain: rates of writes are compared
    between servers that found the disk in the same state.
    """
    with tempfile.TemporaryFile(prefix="bench-", buffering=0) as file:
        done, start = 0, time.perf_counter()
        while time.perf_counter() < start + _PROBE_S:
            os.pwrite(file.fileno(), bytes(8192), 8192 * (done % 512))
            os.fdatasync(file.fileno())
            done += 1
        return done / (time.perf_counter() - start)


def survivors(kind: str) -> tuple[int, int]:
    """Kill the receiver in full flow; return how many creates were acknowledged, and are there after."""
    with stores() as urls, tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        port, token = servers.installed(folder, urls[kind])
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {token}"
        users = f"http://127.0.0.1:{port}/scim/v2/Users"
        with servers.receiver(folder, port) as group:
            known = created_until_killed(session, users, group)
        with servers.receiver(folder, port):
            there = [session.get(f"{users}/{id}", timeout=30).status_code for id in known]
    return len(known), there.count(200)


def created_until_killed(session: requests.Session, users: str, group: int) -> list[str]:
    """Create users from eight threads; kill -9 the process group after 500; return who was acknowledged."""
    known: list[str] = []
    enough = threading.Event()

    def create(thread: int) -> None:
        for n in range(100_000):
            body = {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": f"u{thread}-{n}@example.org",
            }
            try:
                answer = session.post(users, json=body, timeout=30)
            except requests.RequestException:
                return
            if answer.status_code == 201:
                known.append(answer.json()["id"])
            if len(known) >= KILLED_AFTER:
                enough.set()

    with ThreadPoolExecutor(8) as pool:
        for thread in range(8):
            pool.submit(create, thread)
        enough.wait(120)
        os.killpg(group, signal.SIGKILL)
    return known


def shown(rates: list[float | None] | None) -> str:
    """Return a cell of the table."""
    found = middle(rates)
    return "-" if rates is None else "wrong" if found is None else f"{found:.0f}"


def table(users: int, by: dict[str, Figures]) -> None:
    """Print the rates of all, by workload."""
    print(f"\n| {users} users, requests/s | {' | '.join(by)} |")
    print("| --- |" + " --- |" * len(by))
    for row in (*ROWS, DISK):
        print(f"| {row} | {' | '.join(shown(rows.get(row)) for rows in by.values())} |")


def verdict(by: dict[str, Figures], users: int, smaller: dict[str, Figures]) -> bool:
    """Print what ours reach and what they fail; return whether nothing failed."""
    good = True
    print(f"\n| {users} users | at least | {' | '.join(OURS)} |\n| --- | --- | --- | --- |")
    found: dict[str, dict[str, tuple[float | None, float]]] = defaultdict(dict)
    for subject in OURS:
        if subject in by:
            for claim, ratio, times in judged(by, subject, users, smaller.get(subject)):
                found[claim][subject] = ratio, times
    for claim, each in found.items():
        cells = []
        for subject in OURS:
            ratio, times = each.get(subject, (None, 0.0))
            reached = ratio is not None and ratio >= times
            good = good and (reached or subject not in each)
            word = "reached" if reached else "failed"
            known = "" if ratio is None else f"{ratio:.2f} "
            cells.append(f"{known}{word}" if subject in each else "-")
        least = " / ".join(dict.fromkeys(f"{times:g}" for _, times in each.values()))
        print(f"| {claim} | {least} | {' | '.join(cells)} |")
    return good


def subjects(
    peers: Path, postgresql: bool
) -> dict[str, Callable[[], AbstractContextManager[Served]]]:
    """Return who is measured, in the order of the table."""
    programs = servers.peers_in(peers)
    found: dict[str, Callable[[], AbstractContextManager[Served]]] = {}
    if postgresql:
        found[OURS[0]] = partial(servers.ours, "postgresql")
    found[OURS[1]] = partial(servers.ours, "sqlite")
    if postgresql:
        found[DJANGO] = partial(servers.django_scim2, programs)
    return found | {SCIM2: partial(servers.scim2_server, programs), CEILING: servers.ceiling}


def main(arguments: list[str]) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description="Measure the SCIM receiver beside its peers.")
    parser.add_argument("--users", type=int, action="append", help="default: 2000 and 20000")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--requests", type=int, default=2000, help="for each row")
    peers = Path(tempfile.gettempdir()) / "provisioner-peers"
    parser.add_argument("--peers", type=Path, default=peers, help="their virtual environment")
    given = parser.parse_args(arguments)
    kit = Path(os.environ.get("BENCH_KIT", ""))
    if not os.environ.get("BENCH_KIT") or not (kit / "scim_load.py").is_file():
        print("nothing is measured: BENCH_KIT names no folder with scim_load.py, the load tool")
        return 1
    postgresql = bool(os.environ.get("TEST_POSTGRESQL"))
    if not postgresql:
        print("TEST_POSTGRESQL names no server: only SQLite is measured, and no django-scim2")
    measured = subjects(given.peers, postgresql)
    good, smaller = True, dict[str, Figures]()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for users in sorted(given.users or (2000, 20_000)):
        by: dict[str, Figures] = {
            name: defaultdict(list)
            for name in measured
            if name != SCIM2 or users < 20_000  # minutes for figures that no reach speaks of
        }
        for _ in range(given.repeat):
            for name, rows in by.items():
                rows[DISK].append(syncs())
                with measured[name]() as served:
                    one = measure(kit, name, served, users, given.requests)
                for row, rates in one.items():
                    rows[row].extend(rates)
        table(users, by)
        good = verdict(by, users, smaller) and good
        smaller = by
    for kind in ("postgresql", "sqlite") if postgresql else ("sqlite",):
        known, there = survivors(kind)
        print(f"\nkill -9, {kind}: {there} of {known} acknowledged creates are there", end="")
        good = good and known >= KILLED_AFTER and there == known
    print()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
