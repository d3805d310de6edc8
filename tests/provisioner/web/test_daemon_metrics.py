"""The daemon's own figures, as Prometheus reads them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from sqlalchemy import Engine, event

from provisioner.logs import configure_logs
from provisioner.scheduler import View
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.web import daemon_metrics
from provisioner.web.daemon_metrics import SyncFigures
from tests.provisioner.store.made import NOW, a_plan, change, store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VIEWS = {"emea": View(running_since=NOON, ended_at=None, status=None, next_start=NOON, late=True)}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with store("sqlite", tmp_path) as engine:
        yield engine


@pytest.fixture
def http(engine: Engine) -> FlaskClient:
    app = Flask("metrics")
    app.register_blueprint(daemon_metrics.blueprint(engine, lambda: VIEWS, None))
    return app.test_client()


def samples(text: str) -> dict[str, float]:
    """Return every sample by its name and its labels' values."""
    return {" ".join([s.name, *s.labels.values()]): s.value for f in plain(text) for s in f.samples}


def test_metrics_tell_of_runs_plans_and_schedules(engine: Engine, http: FlaskClient) -> None:
    with engine.begin() as connection:
        plan_store.record(connection, a_plan(change(1), change(2, who="jan", state="held")))
        run = run_store.start(connection, "emea", "daemon", None, NOW)
        run_store.end(connection, run, 3, {}, NOW)

    found = samples(http.get("/metrics").text)

    assert found["provisioner_store_up"] == 1
    assert found["provisioner_sync_running emea"] == 1
    assert found["provisioner_sync_late emea"] == 1
    assert found["provisioner_sync_next_start_timestamp_seconds emea"] == NOON.timestamp()
    assert found["provisioner_sync_last_status emea"] == 3
    assert found["provisioner_sync_last_end_timestamp_seconds emea"] == NOW.timestamp()
    assert found["provisioner_changes planned emea"] == 1
    assert found["provisioner_changes held emea"] == 1
    assert found["provisioner_changes failed emea"] == 0
    assert found["process_resident_memory_bytes"] > 0


def test_metrics_are_openmetrics_for_whoever_asks_so(http: FlaskClient) -> None:
    wanted = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    answer = http.get("/metrics", headers={"Accept": wanted})

    assert answer.content_type.startswith("application/openmetrics-text")
    assert "provisioner_store_up" in {family.name for family in openmetrics(answer.text)}  # type: ignore[no-untyped-call]


def test_a_store_that_fails_is_a_figure_and_no_failure(engine: Engine, http: FlaskClient) -> None:
    configure_logs(io.StringIO())
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE runs")

    answer = http.get("/metrics")

    assert answer.status_code == 200
    assert samples(answer.text)["provisioner_store_up"] == 0


def test_the_store_is_asked_seldom_however_many_ask(engine: Engine) -> None:
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    now = [0.0]
    figures = SyncFigures(engine, lambda: VIEWS, lambda: now[0])

    list(figures.collect())
    first = len(asked)
    for _ in range(5):
        list(figures.collect())
    assert len(asked) == first
    now[0] = 60.0
    list(figures.collect())

    assert len(asked) == 2 * first
