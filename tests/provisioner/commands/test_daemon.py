"""The supervisor: what it refuses to start with, how it ends, and what a killed one leaves behind."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from connectors.phone.zoom.capabilities import SIDE_BY_SIDE
from provisioner.commands.daemon import Daemon, Deadline, run_daemon
from provisioner.commands.stopping import heard
from provisioner.config import load_config
from provisioner.lease import Lease
from provisioner.logs import configure_logs
from provisioner.plan.document import instant
from provisioner.scheduled import COMMAND, end_killed
from provisioner.simulators import zoom
from provisioner.store import quarantine
from provisioner.store import runs as run_store
from provisioner.store.database import open_database
from provisioner.store.tables import runs
from provisioner.wiring import Site, Stop, Stopped, open_site, utc_now
from tests.ports import free_port
from tests.scenarios.installation import PROGRAM, Installation, phone_users, staff

PATIENCE_S = 20.0


def scheduled(folder: Path, **members: Any) -> tuple[Installation, str]:
    """Return an installation whose sync runs each hour, and where its daemon serves."""
    emea = Installation(folder)
    emea.people(staff(3))
    emea.phone(phone_users(2))
    bind, admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
    document = {
        "version": 1,
        "store": "sqlite:///store.db",
        "server": {"bind": bind, "admin_bind": admin},
        "syncs": {"emea": emea.sync | {"schedule": {"every": "1h"}} | members},
    }
    emea.yaml("config.yaml", document)
    return emea, f"http://{bind}"


def site_of(emea: Installation) -> Site:
    configure_logs(io.StringIO())
    return open_site(load_config(emea.folder / "config.yaml"), stop=Stop())


def refused(emea: Installation, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run a daemon that must not start, and return the problems that its only event tells."""
    assert run_daemon(emea.folder / "config.yaml") == 1
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert event["event"] == "daemon.refused"
    assert not (emea.folder / "store.db").exists()
    return list(event["problems"])


def test_a_daemon_does_not_start_with_a_mapping_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emea, _ = scheduled(tmp_path)
    emea.mapping(scope="active eq tru", leavers={"do": "vanish"})

    problems = refused(emea, capsys)

    assert [p.split(": ")[1] for p in problems] == ["scope", "leavers.do"]


def test_the_problems_of_a_config_and_its_mapping_are_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emea, _ = scheduled(tmp_path, colour="blue")
    emea.mapping(leavers={"do": "vanish"})

    told = "\n".join(refused(emea, capsys))

    assert "colour" in told
    assert "vanish" in told


def test_a_stop_lets_the_calls_in_flight_end_and_sends_no_other(tmp_path: Path) -> None:
    daemons: list[subprocess.Popen[str]] = []
    writes: list[str] = []
    app = zoom.create_app(
        ":memory:",
        options=zoom.Options(
            account_id=None, client_id=None, client_secret=None, sso="provisioning", rates=None
        ),
    )
    simulated = app.wsgi_app

    def answer(environ: Any, start: Any) -> Any:
        if environ["REQUEST_METHOD"] != "GET" and environ["PATH_INFO"].startswith("/v2"):
            writes.append(environ["PATH_INFO"])
            if len(writes) == 1:
                daemons[0].send_signal(signal.SIGTERM)
            while "it is stopping" not in requests.get(f"{url}/readyz", timeout=9).text:
                pass
        return simulated(environ, start)

    app.wsgi_app = answer  # type: ignore[method-assign, assignment]
    with zoom.running(app) as vendor:
        emea, url = scheduled(
            tmp_path,
            phone_system={
                "kind": "zoom",
                "account_id": "a",
                "client_id": "c",
                "client_secret": "not-for-anyones-eyes",
                "api_url": f"{vendor}/v2",
                "token_url": f"{vendor}/oauth/token",
                "create": {"action": "ssoCreate"},
            },
        )
        zoom.load_snapshot(app, [json.dumps(line) for line in phone_users(1)])
        plan = emea.plan()
        assert emea.run("approve", plan["id"]).status == 0
        with subprocess.Popen(
            [PROGRAM, "daemon", "-c", "config.yaml"],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            daemons.append(process)
            _, log = process.communicate(timeout=PATIENCE_S)

    events = [json.loads(line) for line in log.splitlines()]
    (broken_off,) = [e for e in events if e["event"] == "sync.broken_off"]
    assert process.returncode == 0
    assert len(writes) <= SIDE_BY_SIDE
    assert broken_off["states"]["done"] >= len(writes)
    assert broken_off["calls"] == {"users.light": len(writes)}
    assert events[-1]["event"] == "daemon.stopped"
    assert "not-for-anyones-eyes" not in log
    assert "example.org" not in log


def test_a_sync_in_quarantine_is_left_out_until_then_and_shown(tmp_path: Path) -> None:
    emea, url = scheduled(tmp_path)
    log = io.StringIO()
    site = site_of(emea)
    configure_logs(log)
    with site.engine.begin() as connection:
        reason = "3 calls in a row failed"
        until = quarantine.slow_down(connection, "emea", "run-1", reason, site.now())
    daemon = Daemon(site, Deadline())
    daemon._lease.prolong()
    daemon._http.start()
    try:
        assert daemon._job("emea", lambda: None) == 5
        shown = requests.get(f"{url}/readyz", timeout=9).json()["syncs"]["emea"]
        with site.engine.begin() as connection:
            assert run_store.plans_listed(connection) == []
            quarantine.let_go(connection, "emea")
        assert daemon._job("emea", lambda: None) == 4, "it runs again, and its first plan waits"
        after = requests.get(f"{url}/readyz", timeout=9).json()["syncs"]["emea"]
    finally:
        daemon._http.stop()

    events = [json.loads(line) for line in log.getvalue().splitlines()]
    (told,) = [e for e in events if e["event"] == "sync.quarantined"]
    assert (told["sync"], told["reason"]) == ("emea", "3 calls in a row failed")
    assert shown["quarantined_until"] == told["until"] == instant(until)
    assert after["quarantined_until"] is None


def test_a_daemon_ends_with_its_schedule_given_back(tmp_path: Path) -> None:
    emea, _ = scheduled(tmp_path)
    site = site_of(emea)
    site.stop.set()

    with pytest.raises(Stopped):
        Daemon(site, Deadline()).run()

    Lease(site.engine, site.now).prolong()


def test_a_daemon_is_not_ready_before_it_has_the_schedule_nor_while_it_stops(
    tmp_path: Path,
) -> None:
    emea, _ = scheduled(tmp_path)
    site = site_of(emea)
    daemon = Daemon(site, Deadline())

    assert [problem.split(",")[0] for problem in daemon.not_ready()] == [
        "it waits for the schedule"
    ]
    site.stop.set()
    assert daemon.not_ready() == ["it is stopping"]
    assert daemon.not_alive() == []
    with pytest.raises(Stopped):
        daemon.run()


def test_what_hangs_is_left_behind_with_status_1_even_if_nobody_reads_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure_logs(io.StringIO())
    ended: list[int] = []
    gone, may_go_on = threading.Semaphore(0), threading.Event()

    def leave(status: int) -> None:
        ended.append(status)
        gone.release()

    def hang() -> list[str]:
        assert may_go_on.wait(PATIENCE_S)
        return []

    monkeypatch.setattr(os, "_exit", leave)
    for seconds in ("STOPPING_S", "_TELLING_S"):
        monkeypatch.setattr(f"provisioner.commands.daemon.{seconds}", 0.0)
    deadline = Deadline()
    deadline.running = hang
    deadline.begin()

    assert gone.acquire(timeout=PATIENCE_S)  # while `hang` hangs
    may_go_on.set()
    assert gone.acquire(timeout=PATIENCE_S)  # a real exit would have left no second way out
    assert ended == [1, 1]


def test_runs_of_a_killed_daemon_do_not_stand_as_running_for_ever(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'store.db'}")
    began = utc_now()
    with engine.begin() as connection:
        run_store.start(connection, "emea", COMMAND, None, began)
        run_store.start(connection, "emea", "plan", None, began)
        assert end_killed(connection, began + timedelta(minutes=1)) == ["emea"]
        assert end_killed(connection, began + timedelta(minutes=1)) == []
        found = connection.execute(select(runs.c.command, runs.c.status)).all()

    assert {(row.command, row.status) for row in found} == {(COMMAND, 1), ("plan", None)}


def test_signals_that_a_shell_ignores_stop_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert heard() == {signal.SIGTERM, signal.SIGINT}
    finally:
        signal.signal(signal.SIGHUP, before)
    assert heard() == {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
