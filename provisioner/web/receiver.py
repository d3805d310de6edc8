"""The receiver's application: SCIM, the token endpoint and health, behind one door.

One process makes one of it, with an engine of its own; nothing here starts a schedule.
"""

from __future__ import annotations

from flask import Blueprint, Flask
from sqlalchemy import Engine

from provisioner import health
from provisioner.config import Config
from provisioner.logs import logger
from provisioner.scim import app as scim
from provisioner.scim import oauth
from provisioner.scim.auth import Authenticator
from provisioner.scim.client_rate import ClientRate
from provisioner.scim.jwts import Issuers
from provisioner.scim.walks import open_walks
from provisioner.store.database import StoreError
from provisioner.store.direct import Direct
from provisioner.store.rate_board import open_board
from provisioner.web import around, status
from provisioner.web.addresses import PlainAddresses
from provisioner.web.around import Around, Figures, Log
from provisioner.web.proxies import TrustedProxies
from provisioner.web.reads import Reads
from provisioner.wiring import utc_now

CLOSING = "provisioner.closing"
"""Where an application's extensions keep what is to be called when it has answered its last request."""


def create_app(
    config: Config,
    engine: Engine,
    *,
    log: Log | None = None,
    figures: Figures | None = None,
    daemon: str | None = None,
) -> Flask:
    """Return the application on an engine of its own.

    `daemon`: the path at which the daemon tells of its health; None where there is none to ask.
    """
    server = config.server
    app = Flask("provisioner.receiver", static_folder=None)
    surrounding = Around(log, figures)
    around.install(app, surrounding, server.limits.body)
    limiter = _limiter(config, engine)
    jwts = Issuers(server.jwt, config.pushed[0]) if server.jwt else None
    door = Authenticator(engine, utc_now, jwts=jwts, limiter=limiter)
    store, walks = Direct(engine), open_walks(engine)
    closing = () if walks is None else (walks.close,)
    app.extensions[CLOSING] = (door.book.close, *closing, store.close, engine.dispose)
    routes = scim.Routes(scim.receiver_of(config, store, utc_now, walks), door.admit)
    app.register_blueprint(routes.blueprint())
    app.register_blueprint(oauth.blueprint(engine, utc_now, limiter))
    app.register_blueprint(status.blueprint(daemon) if daemon else _own_health(engine))
    app.wsgi_app = Reads(app.wsgi_app, routes.got, surrounding)  # type: ignore[method-assign]
    app.wsgi_app = PlainAddresses(app.wsgi_app)  # type: ignore[method-assign]
    if server.trusted_proxies:
        app.wsgi_app = TrustedProxies(app.wsgi_app, server.trusted_proxies)  # type: ignore[method-assign]
    return app


def _limiter(config: Config, engine: Engine) -> ClientRate | None:
    rate = config.server.limits.rate
    if rate is None:
        return None
    try:
        board = open_board(engine)
    except StoreError as error:  # as while it serves: a board that fails holds nobody up
        logger().warning("http.rate_not_counted", exc_info=error)
        return None
    return None if board is None else ClientRate(board, rate)


def _own_health(engine: Engine) -> Blueprint:
    return health.blueprint(list, health.StoreProbe(engine).problems, dict, names=False)
