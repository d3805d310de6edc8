"""Microsoft Graph's part about licenses and Teams Phone as a local service: one tenant, in SQLite.

It is written to Graph's contract (the vendor's schemas and pages, awkward parts included), never to a
client of ours. Served are the token endpoint, the operations of users, groups, licenses, numbers and
Teams administration under /v1.0, and, for tests and demos, what only people can do in admin centres
under /_portal (portal.py).

    app = create_app(options=Options(mca=True))
    load_snapshot(app, open("inventory.jsonl"))
    with running(app) as url: ...
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask
from waitress.server import create_server

from . import (
    auth,
    batch,
    deleted,
    delta,
    groups,
    licenses,
    numbers,
    organization,
    portal,
    snapshot,
    teams_users,
    users,
)
from .account import EXTENSION, Options, Tenant, utc_now
from .faults import TeamsFaults
from .service import OPERATIONS, PREFIX, Operation, answer_errors
from .snapshot import Loaded, SnapshotError
from .state import State, make_id

__all__ = [
    "OPERATIONS",
    "Loaded",
    "Operation",
    "Options",
    "SnapshotError",
    "TeamsFaults",
    "create_app",
    "load_snapshot",
    "running",
]

STOPPING_S = 5.0
MODULES = (users, delta, licenses, groups, deleted, numbers, teams_users, organization, batch)


def create_app(
    database: Path | str = ":memory:",
    *,
    options: Options | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Flask:
    """Return the service for one tenant, whose state is in `database`.

    `clock` tells the time (aware) for everything that takes time. Nothing is loaded yet:
    load_snapshot, without lines for a tenant that has nobody.
    """
    app = Flask("teams_simulator", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    tenant = Tenant(State(database), options or Options(), clock)
    with tenant.state.transaction():
        if tenant.state.setting("id") is None:
            tenant.state.set("id", make_id("tenant", tenant.options.tenant))
    app.extensions[EXTENSION] = tenant
    app.register_blueprint(auth.blueprint)
    app.register_blueprint(portal.blueprint)
    for module in MODULES:
        app.register_blueprint(module.blueprint, url_prefix=PREFIX)
    answer_errors(app)
    return app


def load_snapshot(app: Flask, lines: Iterable[str]) -> Loaded:
    """Load snapshot lines (an optional catalog line first) into the tenant, all or none.

    Raises SnapshotError, naming the line, for one that no tenant can hold. Delegates that are
    nobody's name are returned, not invented.
    """
    tenant: Tenant = app.extensions[EXTENSION]
    return snapshot.load(tenant, lines)


@contextmanager
def running(app: Flask, host: str = "127.0.0.1", threads: int = 8) -> Iterator[str]:
    """Serve in a thread on a free port meanwhile; gives the base URL without a slash at its end."""
    server = create_server(app, host=host, port=0, threads=threads)
    thread = threading.Thread(target=server.run, name="teams-simulator", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown(cancel_pending=False)
        _stop(server)
        thread.join(timeout=STOPPING_S)


def _stop(server: Any) -> None:
    """Have the server's own thread close everything; its loop ends when nothing is left to wait for.

    The thread may be awake already, so it waits until the trigger that wakes it was pulled: closing
    the trigger under the puller's hand would break it.
    """
    pulled = threading.Event()

    def close() -> None:
        pulled.wait(STOPPING_S)
        for channel in list(server.active_channels.values()):
            channel.close()
        server.close()

    server.trigger.pull_trigger(close)
    pulled.set()
