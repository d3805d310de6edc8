"""Measures how long it takes from an accepted push until the phone system has carried it out.

A simulated Zoom in one process, `provisioner daemon` in others, and this one as the identity provider:
it moves people to another department at a steady rate, each by a PATCH of their own, which swaps their
calling package. The time of each runs from the PATCH's answer to the write in the simulator's log.

Usage: python benchmarks/push_to_phone.py [--rate N] [--seconds N] [--people N] [--no-rate-limits]
       [--store URL]
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

PROGRAM = shutil.which("provisioner", path=str(Path(sys.executable).parent)) or "provisioner"
DEPARTMENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SALES, SUPPORT = "US/CA Unlimited Calling Plan", "US/CA Metered Calling Plan"
COALESCE_S = 1.0
WITHIN_S = 1.0
PATIENCE_S = 120.0

CONFIG = """
version: 1
store: {store}
server: {{bind: "127.0.0.1:{port}", admin_bind: "127.0.0.1:{admin}"}}
syncs:
  emea:
    directories: [{{kind: pushed, name: entra}}]
    mapping: mapping.yaml
    limits: {{changes: 100%, removals: 100%}}
    phone_system:
      kind: zoom
      account_id: a
      client_id: c
      client_secret: s
      api_url: {zoom}/v2
      token_url: {zoom}/oauth/token
      create: {{action: ssoCreate}}
      plan: {plan}
"""
MAPPING = f"""
version: 1
join: externalId
scope: 'active eq true'
rules:
  - {{name: support, when: 'department eq "Support"', give: {{license: zoom_phone, packages: ["{SUPPORT}"]}}}}
  - {{name: sales, when: 'department eq "Sales"', give: {{license: zoom_phone, packages: ["{SALES}"]}}}}
"""


def main() -> int:
    """Measure, print, and return 1 if the 95th percentile is late."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=float, default=10.0, help="pushes a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--people", type=int, default=2000, help="in the account")
    parser.add_argument("--no-rate-limits", action="store_true", help="of the simulator")
    parser.add_argument("--store", default="sqlite:///store.db")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        took = sorted(measured(Path(folder), given))
    asked = round(given.rate * given.seconds)
    if len(took) < asked:
        print(f"only {len(took)} of {asked} pushes were carried out within {PATIENCE_S:.0f} s")
        return 1
    late = [seconds - COALESCE_S for seconds in took]
    p50, p95 = statistics.median(late), late[int(0.95 * len(late))]
    limits = "limits off" if given.no_rate_limits else "Zoom's limits"
    print("| pushes | a second | simulator | beyond coalescing: median | p95 | longest |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(f"| {asked} | {given.rate:g} | {limits} | {p50:.2f} s | {p95:.2f} s | {late[-1]:.2f} s |")
    return 0 if p95 <= WITHIN_S else 1


def measured(folder: Path, given: argparse.Namespace) -> Iterator[float]:
    """Yield the seconds that each push took."""
    zoom_port, port, admin = free_port(), free_port(), free_port()
    zoom, scim = f"http://127.0.0.1:{zoom_port}", f"http://127.0.0.1:{port}/scim/v2"
    people = range(given.people)
    plan = "unlimited" if given.no_rate_limits else "business"
    write_files(
        folder,
        CONFIG.format(store=given.store, zoom=zoom, port=port, admin=admin, plan=plan),
        people,
    )
    unlimited = ["--no-rate-limits"] if given.no_rate_limits else []
    load = ["--load", "phone.jsonl", "--port", str(zoom_port)]
    with running(folder, "simulate", "zoom", *load, *unlimited):
        wait_for(f"{zoom}/_portal/state")
        token = run(folder, "token", "create", "--name", "bench").strip()
        with running(folder, "daemon", "-c", "config.yaml"):
            wait_for(f"http://127.0.0.1:{port}/healthz")
            session = requests.Session()
            session.headers["Authorization"] = f"Bearer {token}"
            ids = pushed(session, scim, people)
            plan = json.loads(run(folder, "plan", "--format", "json"))
            run(folder, "approve", plan["id"])
            run(folder, "directory", "ready")
            settle(session, zoom)
            accepted = push_steadily(session, scim, ids, given.rate, given.seconds)
            yield from carried_out(zoom, accepted)


def write_files(folder: Path, config: str, people: range) -> None:
    """Write config, mapping and the account's users, who have what they should."""
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    with (folder / "phone.jsonl").open("w", encoding="utf-8") as out:
        for n in people:
            user = {"id": f"p{n}", "email": f"u{n}@example.org", "license": "zoom_phone"}
            out.write(json.dumps(user | {"packages": [SALES]}) + "\n")


def pushed(session: requests.Session, scim: str, people: range) -> list[str]:
    """Push everybody; return their ids."""

    def push(n: int) -> str:
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", DEPARTMENT],
            "userName": f"u{n}@example.org",
            "externalId": f"E{n}",
            "active": True,
            "emails": [{"value": f"u{n}@example.org", "type": "work"}],
            DEPARTMENT: {"department": "Sales"},
        }
        answer = session.post(f"{scim}/Users", json=body, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["id"])

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(push, people))


def settle(session: requests.Session, zoom: str) -> None:
    """Wait until the phone system has been left alone for some seconds."""
    quiet = 0
    known = -1
    while quiet < 5:
        time.sleep(1)
        count = len(session.get(f"{zoom}/_portal/log", timeout=30).text.splitlines())
        quiet, known = (quiet + 1, known) if count == known else (0, count)


def push_steadily(
    session: requests.Session, scim: str, ids: list[str], rate: float, seconds: float
) -> dict[str, float]:
    """Move people to Support at that rate; return when each move was answered, by mail address."""
    accepted: dict[str, float] = {}

    def push(n: int) -> None:
        value = {"op": "replace", "path": f"{DEPARTMENT}:department", "value": "Support"}
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [value],
        }
        answer = session.patch(f"{scim}/Users/{ids[n]}", json=body, timeout=30)
        answer.raise_for_status()
        accepted[f"u{n}@example.org"] = time.time()

    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        for n in range(round(rate * seconds)):
            time.sleep(max(0.0, began + n / rate - time.monotonic()))
            pool.submit(push, n)
    return accepted


def carried_out(zoom: str, accepted: dict[str, float]) -> Iterator[float]:
    """Yield, of each push, the seconds until its package was swapped."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        log = [
            json.loads(x) for x in requests.get(f"{zoom}/_portal/log", timeout=30).text.splitlines()
        ]
        swaps = [w for w in log if w["method"] == "PUT" and w["path"].endswith("/calling_plans")]
        if len(swaps) >= len(accepted):
            break
        time.sleep(1)
    lines = requests.get(f"{zoom}/_portal/state", timeout=30).text.splitlines()
    mails = {x["id"]: x["email"] for x in map(json.loads, lines) if "id" in x}
    for swap in swaps:
        mail = mails[swap["path"].split("/")[-2]]
        at: Any = swap["time"]
        moment = at if isinstance(at, float) else datetime.fromisoformat(str(at)).timestamp()
        yield moment - accepted[mail]


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[None]:
    """Have the program run meanwhile."""
    with (folder / f"{arguments[0]}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen([PROGRAM, *arguments], cwd=folder, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def run(folder: Path, *arguments: str) -> str:
    """Run a command on the config, and return what it printed."""
    command = [PROGRAM, *arguments, "-c", "config.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def wait_for(url: str) -> None:
    """Wait until something answers there."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing answers at {url}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
