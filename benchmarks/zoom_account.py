"""Measures what a large Zoom account costs in requests: a whole inventory, and thousands of joiners.

The inventory is read at Zoom's own rate limits, from a simulator in a process of its own: as few pages as
Zoom allows, at nine tenths of the Medium rate at least. The joiners are planned and applied without limits,
and what the simulator has logged is held against the batch sizes. Ends with 1 where either is missed.

Usage: python benchmarks/zoom_account.py [--users N] [--joiners N] [--only inventory|joiners]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import requests

sys.path.insert(0, str(Path(__file__).parent.parent))

from connectors.phone.zoom.auth import RATES
from provisioner.config import load_config
from provisioner.http import CallRecord
from provisioner.plan.document import read_plan
from provisioner.wiring import open_site, wire_phone
from tests.ports import free_port
from tests.scenarios.installation import Installation, person, rule

PLAN = "US/CA Unlimited Calling Plan"
LEAST_USE = 0.9
MEDIUM = "phone.medium"
PAGE, LISTS = 100, ("users", "rooms", "common_areas")
"""The most that a page of Zoom's holds of each of these lists under /phone."""
BATCH = 10
RIDE_ALONG = ("license.assign", "package.assign", "site.set", "template.apply", "extension.set", "number.assign")  # fmt: skip
"""What POST /phone/users/batch takes of ten people in one call."""
PROVISIONER = (sys.executable, "-c", "from provisioner.cli import main; main()")
READY_S = 120.0
MOST_LATE = 0.02
"""Pages follow one another, so an answer that is slower than the limit's pace costs the next one's place."""


class Line(NamedTuple):
    """One line of the joiners' table: how many calls carry a kind's changes, and the fewest that could."""

    kind: str
    changes: int
    calls: int
    fewest: int


def phone_user(number: int) -> dict[str, Any]:
    """Return one of the account's phone users."""
    return {
        "id": f"u{number}", "key": f"E{number}", "kind": "person", "email": f"user{number}@example.org",
        "display_name": f"User {number}", "department": "Sales", "license": "zoom_phone",
        "packages": [PLAN], "site": "Munich", "extension_number": str(100_000 + number),
        "numbers": [f"+4989{number:07}"],
    }  # fmt: skip


def fewest_pages(users: int) -> int:
    """Return how few pages hold everybody: one at least of rooms and of common areas each."""
    return ceil(users / PAGE) + 2


@contextmanager
def simulator(folder: Path, lines: Sequence[dict[str, Any]], *flags: str) -> Iterator[str]:
    """Give the address of `provisioner simulate zoom` with these lines, and print how long it took to start."""
    load, port = folder / "load.jsonl", free_port()
    load.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
    begun = time.perf_counter()
    command = [*PROVISIONER, "simulate", "zoom", "--port", str(port), "--load", str(load), *flags]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        while time.perf_counter() - begun < READY_S and process.poll() is None:
            try:
                requests.get(f"{url}/_portal/log", timeout=30)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        took_s = time.perf_counter() - begun
        print(f"simulator with {len(lines) - 1:,} users: ready in {took_s:.1f} s", flush=True)
        yield url
        process.terminate()


def configure(here: Installation, url: str, **account: Any) -> None:
    """Write the config of a sync on the account at this address."""
    here.configure(
        directories=[{"kind": "csv", "name": "hr", "path": "people.csv", "columns": {"ext": "ext"}}],
        phone_system={
            "kind": "zoom", "account_id": "a", "client_id": "c", "client_secret": "s",
            "api_url": f"{url}/v2", "token_url": f"{url}/oauth/token", **account,
        },
        limits={"changes": "100%", "removals": "100%"},
        approval={"automatic": ["safe", "service", "destructive"]},
        pools={"munich": {"ranges": ["+49300000000-+49300999999"]}},
    )  # fmt: skip


def inventory(folder: Path, users: int) -> bool:
    """Read everybody at Zoom's limits; print pages and rate, and return whether both are kept."""
    here = Installation(folder)
    lines = [{"catalog": {"sites": ["Munich"]}}, *map(phone_user, range(users))]
    calls: list[tuple[float, CallRecord]] = []
    with simulator(folder, lines) as url:
        configure(here, url)
        site = open_site(
            load_config(folder / "config.yaml"),
            record=lambda call: calls.append((time.perf_counter(), call)),
        )
        begun = time.perf_counter()
        read = sum(1 for _ in wire_phone(site, site.config.syncs["emea"]).read())
        took_s = time.perf_counter() - begun
    # account users come first, under another limit; then page after page of phone users
    medium = [at for at, call in calls if call.label == MEDIUM and call.path.endswith("/users")]
    refused = sum(call.status == 429 for _, call in calls)
    lists = Counter(call.path.rpartition("/phone/")[2] for _, call in calls if call.label == MEDIUM)
    pages, fewest = sum(lists[name] for name in LISTS), fewest_pages(users)
    per_second = (len(medium) - 1) / (medium[-1] - medium[0])
    limit = RATES["business"][MEDIUM].per_second or 0.0
    slow = [
        call
        for _, call in calls
        if call.path.endswith("/phone/users") and call.duration_s * limit > 1
    ]
    late = len(slow) / len(medium)
    by_label = ", ".join(f"{n} {label}" for label, n in Counter(c.label for _, c in calls).items())
    print(f"inventory of {read:,} users in {took_s:.1f} s: {by_label}; {refused} refused")
    print(
        f"  pages of people, rooms and common areas: {pages}, fewest {fewest};"
        f" {per_second:.1f} a second, {per_second / limit:.1%} of the Medium rate"
    )
    good = read == users and pages == fewest and not refused
    print(f"  answers that took longer than the pace: {late:.1%}", end="")
    if late > MOST_LATE:
        print(": the simulator was the bottleneck, not the limit; try again on a machine at rest")
        return good
    print()
    return good and per_second >= LEAST_USE * limit


def joiners(folder: Path, count: int) -> bool:
    """Plan and apply so many joiners; print the table, and return whether no call was too many."""
    here = Installation(folder)
    numbers = [[f"+49300{number:06}", "Munich"] for number in range(count)]
    catalog = {"sites": ["Munich"], "templates": [["Office", "Munich"]], "numbers": numbers}
    give: dict[str, Any] = {
        "license": "zoom_phone", "packages": [PLAN], "site": "Munich", "template": "Office",
        "extension_number": "{ext}", "number": {"pool": "munich"},
    }  # fmt: skip
    here.mapping(rules=[rule("all", **give)], scope="active eq true")
    here.people(person(n, ext=str(200_000 + n)) for n in range(count))
    with simulator(folder, [{"catalog": catalog}, phone_user(count)], "--no-rate-limits") as url:
        configure(here, url, plan="unlimited", create={"action": "ssoCreate"})
        plan = read_plan(_run(folder, "plan", "--format", "json"))
        _run(folder, "approve", plan.id)
        begun = time.perf_counter()
        print(_run(folder, "apply", plan.id).strip())
        took_s = time.perf_counter() - begun
        log = requests.get(f"{url}/_portal/log", timeout=120).text.splitlines()
    site = open_site(load_config(folder / "config.yaml"))
    grouped = wire_phone(site, site.config.syncs["emea"]).calls(plan.changes)
    kinds = Counter(change.kind for change in plan.changes)
    table = [
        Line(
            kind,
            changes,
            sum(any(change.kind == kind for change in call.changes) for call in grouped),
            ceil(changes / BATCH) if kind in RIDE_ALONG else changes,
        )
        for kind, changes in kinds.items()
    ]
    fewest = count + ceil(count / BATCH)
    print(f"{'kind':<18}{'changes':>9}{'calls':>8}{'fewest':>8}")
    for line in table:
        print(f"{line.kind:<18}{line.changes:>9,}{line.calls:>8,}{line.fewest:>8,}")
    print(f"writes logged: {len(log):,}, fewest {fewest:,}; applied in {took_s:.1f} s")
    return len(log) == fewest and all(line.calls == line.fewest for line in table)


def _run(folder: Path, *arguments: str) -> str:
    command = [*PROVISIONER, *arguments, "-c", str(folder / "config.yaml")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{arguments[0]} ended with {ran.returncode}: {ran.stdout[-2000:]}{ran.stderr}")
    return ran.stdout


def main(arguments: Sequence[str]) -> int:
    """Measure both, or one of them; returns the exit status."""
    parser = argparse.ArgumentParser(description="Measure what a large Zoom account costs.")
    parser.add_argument("--users", type=int, default=50_000, help="of the inventory")
    parser.add_argument("--joiners", type=int, default=5_000)
    parser.add_argument("--only", choices=["inventory", "joiners"])
    given = parser.parse_args(arguments)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    good = True
    if given.only != "joiners":
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            good = inventory(Path(folder), given.users)
    if given.only != "inventory":
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            good = joiners(Path(folder), given.joiners) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
