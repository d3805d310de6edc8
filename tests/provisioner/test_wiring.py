"""One installation's pieces put together: what they share, and how much of it is theirs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import responses

from connectors.records import Outside, Rate
from provisioner.config import Config, Server
from provisioner.http import EARLY_S
from provisioner.store.database import open_database
from provisioner.wiring import Site, Stop

URL = "https://vendor.example/users"
RATES = {"x": Rate(10)}


class Patient(Stop):
    """Notes how long somebody would have waited, and doesn't."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)


def site(folder: Path) -> tuple[Site, Patient]:
    """Return a site as a process of its own would have it, on the store in the folder."""
    url, stop = f"sqlite:///{folder / 'store.db'}", Patient()
    config = Config(folder / "c.yaml", url, Server("", ""), {})
    now = datetime(2026, 11, 23, 9, tzinfo=UTC)
    return Site(config, open_database(url), stop, lambda: now), stop


def ask(outside: Outside, times: int = 1) -> None:
    http = outside.http("acme", RATES)
    with responses.RequestsMock() as vendor:
        vendor.get(URL)
        for _ in range(times):
            http("GET", URL, label="x", check=requests.Response.raise_for_status)


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_000_000.0)


def test_processes_on_one_store_share_the_places_of_an_account(tmp_path: Path) -> None:
    (one, _), (other, stop) = site(tmp_path), site(tmp_path)

    ask(one.outside, 5)
    ask(other.outside)

    # five places were taken, a tenth of a second each
    assert stop.waits[0] > 0.49 - EARLY_S


@pytest.mark.parametrize(("share", "apart_s"), [(1.0, 0.1), (0.5, 0.2)])
def test_a_sync_uses_its_share_of_the_vendors_rate(
    tmp_path: Path, share: float, apart_s: float
) -> None:
    here, stop = site(tmp_path)

    ask(here.outside_with(share), 2)

    assert stop.waits[0] == pytest.approx(apart_s - EARLY_S)
