"""What is served on `admin_bind`: for operators and their machines, never for the public."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Flask, Response, jsonify
from werkzeug.exceptions import HTTPException


def create_app(routes: Iterable[Blueprint]) -> Flask:
    """Return the application; each part brings its own routes."""
    app = Flask("provisioner.admin", static_folder=None)
    for each in routes:
        app.register_blueprint(each)

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        response = jsonify({"error": error.name})
        response.status_code = error.code or 500
        return response

    return app
