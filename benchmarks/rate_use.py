"""Measures how much of a vendor's rate limits several processes use together, and how often they are refused.

A simulated Zoom that counts as Zoom does, in a process of its own; beside it, processes that ask for
as much as they can through what every connector's requests go through: carrier, limiter, and a board
in the store that they share. Ends with 1 where less than nine tenths of a limit is used, or anything is
refused.

Usage: python benchmarks/rate_use.py [--seconds N] [--processes N] [--threads N] [--label LABEL]…
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from connectors.phone.zoom.auth import RATES, Api
from provisioner.config import Config, Server
from provisioner.config_fields import SHARE
from provisioner.http import CallRecord
from provisioner.simulators import zoom
from provisioner.store.database import open_database
from provisioner.wiring import Site, Stop, utc_now

PLAN = "business"
LEAST_USE = 0.9
BEGIN_S = 4.0
"""So long after they are started all processes begin."""
ASKED = {
    "phone.light": "/phone/users/eva",
    "phone.medium": "/phone/users",
    "users.light": "/users/eva",
    "users.medium": "/users",
    "users.heavy": "/accounts/me/plans/usage",
}
"""By label, what is asked for over and over."""


def simulate() -> None:
    """Serve the account, and print its address."""
    app = zoom.create_app(options=zoom.Options(account_id=None, client_id=None, client_secret=None))
    eva = {
        "id": "eva",
        "email": "eva@example.org",
        "license": "zoom_phone",
        "extension_number": "801",
    }
    zoom.load_snapshot(app, [json.dumps(eva)])
    with zoom.running(app, threads=32) as url:
        print(url, flush=True)
        signal.sigwait({signal.SIGTERM})


def ask(url: str, store: str, label: str, threads: int, begin: float, seconds: float) -> None:
    """Ask from many threads until the time is over; print the statuses by second of the clock."""
    counted: Counter[tuple[int, int]] = Counter()
    lock = threading.Lock()

    def record(call: CallRecord) -> None:
        if call.label == label and call.status is not None:
            with lock:
                counted[int(time.time() - begin), call.status] += 1

    config = Config(Path(), store, Server("", ""), {})
    site = Site(config, open_database(store), Stop(), utc_now, record)
    api = Api(
        site.outside_with(SHARE).http("zoom a", RATES[PLAN]),
        utc_now,
        api_url=f"{url}/v2",
        token_url=f"{url}/oauth/token",
        account_id="a",
        client=("c", "s"),
    )

    def work(_: int) -> None:
        time.sleep(max(0.0, begin - time.time()))
        while time.time() < begin + seconds:
            api.get(ASKED[label], label=label)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    print(json.dumps([[second, status, n] for (second, status), n in counted.items()]))


def measure(
    url: str, store: str, label: str, given: argparse.Namespace
) -> Counter[tuple[int, int]]:
    """Return what several processes got together: requests by second and status."""
    begin = float(int(time.time() + BEGIN_S))
    arguments = [url, store, label, str(given.threads), str(begin), str(given.seconds)]
    command = [sys.executable, __file__, "ask", *arguments]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(given.processes)
    ]
    counted: Counter[tuple[int, int]] = Counter()
    for process in processes:
        printed, _ = process.communicate()
        if process.returncode:
            sys.exit(f"a process that asked for {label} ended with {process.returncode}")
        for second, status, count in json.loads(printed):
            counted[second, status] += count
    return counted


def line(
    kind: str, label: str, counted: Counter[tuple[int, int]], seconds: int
) -> tuple[str, bool]:
    """Return a line of the table, and whether it keeps what is promised; the first second is left out."""
    limit = RATES[PLAN][label].per_second or 0.0
    served = [counted[second, 200] for second in range(1, seconds)]
    used = sum(served) / len(served)
    refused = sum(n for (_, status), n in counted.items() if status == 429)
    shown = f"{kind:12}{label:14}{limit:>8.0f}{used:>8.1f}{used / limit:>8.1%}{max(served):>8}"
    return f"{shown}{refused:>6}", used >= LEAST_USE * limit and not refused


@contextmanager
def simulator() -> Iterator[str]:
    """Give the address of a simulated account that has a process to itself."""
    command = [sys.executable, __file__, "simulate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@contextmanager
def stores() -> Iterator[dict[str, str]]:
    """Give the URLs of empty stores by kind: SQLite, and PostgreSQL where TEST_POSTGRESQL names one."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = {"sqlite": f"sqlite:///{folder}/store.db"}
        server = os.environ.get("TEST_POSTGRESQL")
        if not server:
            yield found
            return
        name, engine = f"bench_{secrets.token_hex(6)}", create_engine(server)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        try:
            yield found | {"postgresql": f"{server}?options=-csearch_path%3D{name}"}
        finally:
            with engine.begin() as connection:
                connection.execute(text(f"DROP SCHEMA {name} CASCADE"))


def main(arguments: list[str]) -> int:
    """Measure each label on each store, and print the table; returns the exit status."""
    parser = argparse.ArgumentParser(description="Measure how much of the rate limits is used.")
    parser.add_argument("--seconds", type=int, default=15, help="for each line")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=8, help="of each process")
    parser.add_argument("--label", action="append", choices=ASKED, help="default: all")
    given = parser.parse_args(arguments)
    kept = True
    with stores() as urls:
        for store in urls.values():
            open_database(store)
        print(
            f"{given.processes} processes, {given.threads} threads each, {SHARE:.0%} of the limit is ours,"
            f" {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
        )
        print(
            f"{'store':12}{'label':14}{'limit/s':>8}{'used/s':>8}{'share':>8}{'most/s':>8}{'429':>6}"
        )
        for kind, store in urls.items():
            for label in given.label or ASKED:
                with simulator() as url:
                    counted = measure(url, store, label, given)
                shown, good = line(kind, label, counted, given.seconds)
                kept = kept and good
                print(shown, flush=True)
    return 0 if kept else 1


def run(arguments: list[str]) -> Any:
    """Be the simulator, one of those who ask, or the whole measurement."""
    if arguments[:1] == ["simulate"]:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        return simulate()
    if arguments[:1] == ["ask"]:
        url, store, label, threads, begin, seconds = arguments[1:]
        return ask(url, store, label, int(threads), float(begin), float(seconds))
    return main(arguments)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
