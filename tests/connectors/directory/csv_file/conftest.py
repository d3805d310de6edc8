"""Writes the files that the tests of the csv directory read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.directory.csv_file import Config, CsvDirectory, connect
from connectors.records import Http, Outside


def no_network(account: str, rates: object) -> Http:
    raise AssertionError("a file needs no network")


@pytest.fixture(scope="session")
def connected() -> Callable[..., CsvDirectory]:
    """Return the directory that reads people.csv in a folder, under some config."""

    def connect_to(base: Path, *, join: str = "", **config: Any) -> CsvDirectory:
        outside = Outside(base, no_network, lambda: datetime.now(UTC), lambda seconds: None)
        return connect("hr", Config().load({"path": "people.csv", **config}), outside, join)

    return connect_to


@pytest.fixture
def directory(
    tmp_path: Path, connected: Callable[..., CsvDirectory]
) -> Callable[..., CsvDirectory]:
    """Write people.csv (and memberships.csv) and return the directory that reads them."""

    def write(people: str | bytes, memberships: str | None = None, **config: Any) -> CsvDirectory:
        raw = people.encode() if isinstance(people, str) else people
        (tmp_path / "people.csv").write_bytes(raw)
        if memberships is not None:
            (tmp_path / "memberships.csv").write_text(memberships, encoding="utf-8")
            config["memberships"] = "memberships.csv"
        return connected(tmp_path, **config)

    return write
