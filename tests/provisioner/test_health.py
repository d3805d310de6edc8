"""Health: what makes a daemon dead, what makes it unready, and what is told to whoever asks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from provisioner.health import StoreProbe, create_app
from provisioner.scheduler import View
from provisioner.store.database import open_database

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RAN = View(running_since=None, ended_at=NOON, status=3, next_start=NOON, late=False)
LATE = View(running_since=NOON, ended_at=None, status=None, next_start=None, late=True)


def client(live: tuple[str, ...] = (), ready: tuple[str, ...] = (), **views: View) -> FlaskClient:
    app = create_app(lambda: list(live), lambda: list(ready), lambda: views)
    return app.test_client()


def asked(client: FlaskClient, page: str) -> tuple[int, Any]:
    answer = client.get(page)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.get_json()


def test_a_daemon_with_nothing_wrong_is_alive_and_ready() -> None:
    healthy = client(emea=RAN)

    assert asked(healthy, "/healthz") == (200, {"status": "ok", "problems": []})
    status, body = asked(healthy, "/readyz")
    assert (status, body["status"]) == (200, "ok")


def test_a_sync_that_failed_is_shown_and_makes_nothing_unready() -> None:
    _, body = asked(client(emea=RAN), "/readyz")

    moment = "2026-03-01T12:00:00Z"
    shown = {"running_since": None, "ended_at": moment, "status": 3, "next_start": moment}
    assert body["syncs"] == {"emea": shown | {"quarantined_until": None}}


def test_a_sync_in_quarantine_is_shown_and_makes_nothing_unready() -> None:
    app = create_app(list, list, lambda: {"emea": RAN, "apac": RAN}, lambda: {"emea": NOON})

    status, body = asked(app.test_client(), "/readyz")

    assert status == 200
    assert [body["syncs"][name]["quarantined_until"] for name in ("apac", "emea")] == [
        None,
        "2026-03-01T12:00:00Z",
    ]


def test_a_late_sync_makes_a_daemon_unready_and_leaves_it_alive() -> None:
    late = client(emea=LATE, apac=RAN)

    status, body = asked(late, "/readyz")
    assert status == 503
    assert [problem.split(":")[0] for problem in body["problems"]] == ["sync emea is late"]
    assert asked(late, "/healthz")[0] == 200


def test_where_others_ask_too_no_sync_is_named() -> None:
    views = {"emea": LATE, "apac": LATE}
    app = create_app(list, list, lambda: views, lambda: {"emea": NOON}, names=False)

    status, body = asked(app.test_client(), "/readyz")

    late = "a sync is late: no sign of life for three of its moments"
    assert (status, body) == (503, {"status": "failing", "problems": [late, late]})


def test_a_daemon_that_cannot_work_is_unready_and_stays_alive() -> None:
    stopping = client(ready=("it is stopping",))

    status, body = asked(stopping, "/readyz")
    assert (status, body["status"]) == (503, "failing")
    assert body["problems"] == ["it is stopping"]
    assert asked(stopping, "/healthz")[0] == 200


def test_a_dead_scheduler_is_told_by_healthz() -> None:
    status, body = asked(client(live=("the scheduler's thread has ended",)), "/healthz")

    assert status == 503
    assert body["problems"] == ["the scheduler's thread has ended"]


def test_other_pages_and_methods_are_refused_in_json() -> None:
    healthy = client()

    assert asked(healthy, "/console")[0] == 404
    answer = healthy.post("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (405, "failing")


def test_a_store_that_answers_has_no_problem(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'store.db'}")

    assert StoreProbe(engine).problems() == []


def test_a_store_that_fails_is_told_of_without_its_place(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'store.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")

    (problem,) = StoreProbe(engine).problems()

    assert "store doesn't answer" in problem
    assert str(tmp_path) not in problem


def test_a_store_that_hangs_holds_one_probe_and_no_more(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'store.db'}")
    probe = StoreProbe(engine)
    told: list[list[str]] = []
    with probe._asking:  # as while another probe waits for its answer
        asking = threading.Thread(target=lambda: told.append(probe.problems()))
        asking.start()
        asking.join(20)

    assert told == [["the store has not answered yet"]]
    assert probe.problems() == []
