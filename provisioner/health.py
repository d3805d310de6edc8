"""Health: is this process alive, and can it do its work?

`/healthz` (liveness) fails only for what a restart would mend: the scheduler's thread has ended. It asks
nothing outside of the process, so that a slow database never has healthy daemons killed.

`/readyz` (readiness) fails while the daemon can't do its work: it has no schedule yet or no more, it is
stopping, the store doesn't answer, or a sync is late (no sign of life for three of its moments, and for
an hour at least). A sync that runs and fails makes nothing unready: the cause is a directory or a
vendor, and taking this process out of service would only stop the others too. How each sync
ended, and until when one is in quarantine because its calls mostly failed, is in the body, and in the log.

Both answer 200 or 503 with JSON, whose `problems` say what is wrong. They are served where everybody
can ask, so they name syncs and nothing else: no address, no person, no message of another system. Where
identity providers push to the same address, each for a sync of its own, not even these are named.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, Response, jsonify
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from provisioner.logs import logger
from provisioner.scheduler import View
from provisioner.store.database import reading

Problems = Callable[[], list[str]]


def create_app(
    live: Problems,
    ready: Problems,
    syncs: Callable[[], Mapping[str, View]],
    resting: Callable[[], Mapping[str, datetime]] = dict,
    *,
    names: bool = True,
) -> Flask:
    """Return the WSGI application. `live` and `ready` give what is wrong, nothing if all is well.

    `resting`: until when syncs are in quarantine, by name; `names`: whether syncs may be told of.
    """
    app = Flask("provisioner", static_folder=None)
    app.register_blueprint(blueprint(live, ready, syncs, resting, names=names))

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        return _answer(error.code or 500, {"problems": [error.name]})

    return app


def blueprint(
    live: Problems,
    ready: Problems,
    syncs: Callable[[], Mapping[str, View]],
    resting: Callable[[], Mapping[str, datetime]] = dict,
    *,
    names: bool = True,
) -> Blueprint:
    """Return the two routes, for an application that has others beside them."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        problems = live()
        return _answer(503 if problems else 200, {"problems": problems})

    @routes.get("/readyz")
    def readyz() -> Response:
        views = syncs()
        late = [
            f"{f'sync {name}' if names else 'a sync'} is late: no sign of life for three of its moments"
            for name, view in sorted(views.items())
            if view.late
        ]
        problems = [*ready(), *late]
        told: dict[str, Any] = {"problems": problems}
        if names:
            rests = dict(resting())
            told["syncs"] = {name: _document(view, rests.get(name)) for name, view in views.items()}
        return _answer(503 if problems else 200, told)

    return routes


class StoreProbe:
    """Asks the store whether it answers, one question at a time.

    A database that hangs holds one thread of the server, however many probes come: the others are told
    at once that it has not answered.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asking = threading.Lock()

    def problems(self) -> list[str]:
        """Return what is wrong with the store, nothing if it answers."""
        if not self._asking.acquire(blocking=False):
            return ["the store has not answered yet"]
        try:
            with reading(self._engine) as connection:
                connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        except SQLAlchemyError as error:
            logger().error("store.failed", exc_info=error)
            return [f"the store doesn't answer ({type(error).__name__})"]
        finally:
            self._asking.release()
        return []


def _document(view: View, rests_until: datetime | None) -> dict[str, Any]:
    return {
        "running_since": _instant(view.running_since),
        "ended_at": _instant(view.ended_at),
        "status": view.status,
        "next_start": _instant(view.next_start),
        "quarantined_until": _instant(rests_until),
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _answer(status: int, body: Mapping[str, Any]) -> Response:
    response = jsonify({"status": "ok" if status == 200 else "failing", **body})
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
