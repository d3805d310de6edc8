"""What is served on `admin_bind`: for operators and their machines, never for the public."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import Blueprint, Flask

from provisioner.console import api, door, pages
from provisioner.console.desk import Desk
from provisioner.wiring import Site


def create_app(routes: Iterable[Blueprint], site: Callable[[], Site], desk: Desk) -> Flask:
    """Return the application, behind the console's door; each part brings its own routes.

    `site` gives the installation as it is now: config may be read again while we serve. The console's
    pages and its API stand on the `desk`.
    """
    app = Flask("provisioner.admin", static_folder=None)
    entrance = door.install(app, site)
    shown = pages.routes(desk, lambda: site().now(), entrance)
    for each in (*routes, api.blueprint(desk), shown):
        app.register_blueprint(each)
    return app
