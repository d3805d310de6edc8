"""Zoom's interface as a local service: one account, kept in SQLite, that follows Zoom's rules.

It is written to Zoom's contract (its OpenAPI, awkward parts included), never to a client of ours:
what an operation, a field or an order of steps is worth, Zoom's own error says. Served are
/oauth/token, the operations of users, Zoom Phone and plan usage under /v2, Zoom's SCIM under /scim2,
and, for tests and demos, what only the portal can do under /_portal (portal.py).

    app = create_app(options=Options(sso="provisioning"))
    load_snapshot(app, open("inventory.jsonl"))
    with running(app) as url: ...
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from flask import Flask

from provisioner.simulators.common.lines import Loaded, SnapshotError
from provisioner.simulators.common.serving import running, serve

from . import (
    addresses,
    auth,
    batch,
    call_queues,
    calling_plans,
    catalog,
    delegation,
    devices,
    divisions,
    groups,
    numbers,
    operation_logs,
    phone_users,
    place_making,
    places,
    policies,
    portal,
    provision_templates,
    scim_groups,
    scim_users,
    shared_line_groups,
    sites,
    snapshot,
    templates,
    user_features,
    user_profile,
    users,
)
from .account import EXTENSION, Account, Options, utc_now
from .faults import ZoomFaults
from .given import OptionError, with_given
from .rates import BUSINESS_PLUS, PRO, Rates
from .service import OPERATIONS, Operation, answer_errors
from .state import State

__all__ = [
    "BUSINESS_PLUS",
    "OPERATIONS",
    "PRO",
    "Loaded",
    "Operation",
    "OptionError",
    "Options",
    "Rates",
    "SnapshotError",
    "ZoomFaults",
    "create_app",
    "load_snapshot",
    "running",
    "serve",
    "with_given",
]


V2 = (
    divisions, provision_templates, call_queues, shared_line_groups,
    user_features, user_profile, users, groups, phone_users, batch, calling_plans, delegation, catalog,
    sites, numbers, templates, devices, addresses, places, place_making, policies, operation_logs,
)  # fmt: skip
SCIM = (scim_users, scim_groups)
"""What lies beside /v2: the operations' paths begin with /scim2."""


def create_app(
    database: Path | str = ":memory:",
    *,
    options: Options | None = None,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> Flask:
    """Return the service for one account, whose state is in `database`.

    `clock` tells the time (aware) for tokens, limits and delays; `sleep` waits out the latency that
    the options ask for. Nothing is loaded yet: load_snapshot.
    """
    app = Flask("zoom_simulator", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.extensions[EXTENSION] = Account(State(database), options or Options(), clock, sleep)
    app.register_blueprint(auth.blueprint)
    app.register_blueprint(portal.blueprint)
    for module in V2:
        app.register_blueprint(module.blueprint, url_prefix="/v2")
    for module in SCIM:
        app.register_blueprint(module.blueprint)
    answer_errors(app)
    return app


def load_snapshot(app: Flask, lines: Iterable[str]) -> Loaded:
    """Load snapshot lines (an optional catalog line first) into the account, all or none.

    Raises SnapshotError, naming the line, for one that no account can hold. Delegates that are
    nobody's name are returned, not invented.
    """
    account: Account = app.extensions[EXTENSION]
    return snapshot.load(account, lines)
