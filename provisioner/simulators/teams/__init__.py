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

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from flask import Flask

from provisioner.simulators.common.lines import Loaded, SnapshotError
from provisioner.simulators.common.serving import running

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
