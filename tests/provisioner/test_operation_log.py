"""Asking a phone system's log within bounds: what came before an end counts, and no end is an error."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import RunError
from connectors.operations import Operation
from connectors.records import PhoneUser
from provisioner import operation_log
from provisioner.config import load_config
from provisioner.memory import Memory
from provisioner.operation_log import Asking
from provisioner.plan.differences import Case, Differences
from provisioner.plan.model import Plan
from provisioner.wiring import Site, Stop, Stopped, open_site
from tests.provisioner.plan.office import NOW, Office, full, person

MAPPING = "rules: [{name: all, when: userName pr, give: {license: phone, packages: [basic]}}]"
MEMORY = Memory(adopted=True, planned_at=NOW - timedelta(hours=1))
EVA = full("eva", packages=(), display_name="Eva Malá")


class Log:
    """A phone system's log that yields these, raises them, or does what they do."""

    log: str | None = "Zoom"

    def __init__(self, *steps: Any) -> None:
        self.steps = steps
        self.asked: list[datetime] = []

    def operations(self, since: datetime) -> Iterator[Operation]:
        self.asked.append(since)
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Operation):
                yield step
            else:
                step()


def did(detail: str, operator: str = "it@example.org") -> Operation:
    return Operation(NOW - timedelta(minutes=5), operator, detail, frozenset({"package"}))


NAMED = did("Remove Calling Plan basic From Eva Malá(eva@example.org)")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "mapping.yaml").write_text(f"version: 1\n{MAPPING}\n")
    (tmp_path / "config.yaml").write_text(
        "version: 1\nstore: sqlite:///store.db\nsyncs: {emea: {mapping: mapping.yaml,"
        " directories: [{kind: csv, name: hr, path: people.csv}],"
        " phone_system: {kind: snapshot, path: phone.jsonl}}}\n"
    )
    return open_site(load_config(tmp_path / "config.yaml"), stop=Stop(), now=lambda: NOW)


def drifted() -> Plan:
    return Office(
        mapping=MAPPING, people=[person("eva")], users=[EVA], known=[person("eva")], memory=MEMORY
    ).plan()


def because(
    site: Site,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    memory: Memory = MEMORY,
    others: tuple[PhoneUser, ...] = (),
) -> str:
    """Return the reason of the only change, when this log was asked and these users were read."""
    monkeypatch.setattr(operation_log, "_log_of", lambda *_: log)
    asking = Asking(site, site.config.syncs["emea"])
    assert list(asking.watched([EVA, *others])) == [EVA, *others]
    differences = Differences(cases=[Case("eva", "in_scope", actual=EVA)])
    (change,) = asking.told(drifted(), memory, differences).changes
    return change.because


def test_the_log_is_asked_since_the_last_full_plan(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(NAMED)

    assert "by it@example.org" in because(site, log, monkeypatch)
    assert log.asked == [MEMORY.planned_at]


def test_what_came_before_a_failure_counts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "by it@example.org" in because(site, Log(NAMED, RunError("no")), monkeypatch)
    assert "by itself" in because(site, Log(RunError("no"), NAMED), monkeypatch)


def test_nothing_more_is_read_when_the_program_is_to_stop(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(site.stop.set, NAMED)

    assert "by itself" in because(site, log, monkeypatch)


def test_a_name_counts_where_nobody_else_in_the_account_has_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(did("Remove Calling Plan basic From Eva Malá"))
    other = PhoneUser("p9", display_name="EVA  malá")

    assert "by it@example.org" in because(site, log, monkeypatch)
    assert "by itself" in because(site, log, monkeypatch, others=(other,))


def test_a_sync_that_never_planned_asks_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(NAMED)

    assert "by itself" in because(site, log, monkeypatch, memory=Memory(adopted=True))
    assert log.asked == []


def test_a_wait_for_a_place_is_short_and_a_long_one_ends_the_asking(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    stop = operation_log._Brief(site.stop)
    monkeypatch.setattr("time.sleep", waits.append)

    stop.pause(0.1)
    with pytest.raises(Stopped, match="doesn't answer now"):
        stop.pause(5)

    assert waits == [0.1]
