"""A connector against a mock server that Stoplight's Prism makes of a vendor's own file.

It knows nothing of our simulators. `PRISM` names its program (tests/prism/ says which version),
`VENDOR_SPECS` the files. What examples and made-up values can't know, each vendor's tests put right.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from connectors.records import Http, Outside, Rate
from provisioner.http import make_http
from provisioner.rates import Limiter
from tests.ports import free_port
from tests.vendor_specs import FOLDER, load

PRISM = os.environ.get("PRISM")
READY_S = 30.0

needs_prism = pytest.mark.skipif(
    not (PRISM and FOLDER),
    reason="PRISM names no mock server, or VENDOR_SPECS no folder: the connector meets nobody else's service",
)


@contextmanager
def mock(vendor: str) -> Iterator[str]:
    """Run the mock server of a vendor's file, and give its address when it is ready."""
    port = free_port()
    command = [str(PRISM), "mock", "-h", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        [*command, str(Path(str(FOLDER)) / f"{vendor}.openapi.json")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        address, until = f"http://127.0.0.1:{port}", time.monotonic() + READY_S
        while time.monotonic() < until and process.poll() is None:
            with suppress(requests.ConnectionError):
                requests.get(address, timeout=5)
                break
            time.sleep(0.1)
        try:
            yield address
        finally:
            process.terminate()  # else a test that fails waits for it for ever


class Called(NamedTuple):
    """One request: operation (`GET /users/{userId}`), status, and what the mock had against it."""

    operation: str
    status: int
    against: list[str]


class Calls:
    """Every request that was sent to a vendor's mock."""

    def __init__(self, vendor: str) -> None:
        self.calls: list[Called] = []
        self._vendor = vendor

    def note(self, method: str, path: str, response: requests.Response) -> str:
        """Note a request, and return the file's template of its path."""
        spec = load(self._vendor)
        assert spec is not None
        template, _operation = spec.operation(method, path)
        # an example of the file's may break its own rules: that is nobody's request
        found = json.loads(response.headers.get("sl-violations", "[]"))
        against = [str(each) for each in found if each["location"][0] == "request"]
        self.calls.append(Called(f"{method} {template}", response.status_code, against))
        return template

    def operations(self) -> set[str]:
        """Return the operations that were called."""
        return {call.operation for call in self.calls}

    def refused(self) -> list[Called]:
        """Return the requests that the mock had something against."""
        return [c for c in self.calls if c.against or c.status >= 400]


def outside(session: requests.Session) -> Outside:
    """Return what a connector is handed from above: this session, real time, and no waiting."""
    seconds = count(0, 10)  # nobody waits for a place

    def carrier(account: str, rates: Mapping[str, Rate]) -> Http:
        limiter = Limiter(clock=lambda: float(next(seconds)))
        return make_http(
            None, limiter, lambda _: None, account=account, rates=rates, session=session
        )

    return Outside(base=Path(), http=carrier, now=lambda: datetime.now(UTC), sleep=lambda _: None)
