"""Slashes that clients write twice."""

from __future__ import annotations

import pytest
from flask import Flask, request
from werkzeug.test import EnvironBuilder, run_wsgi_app

from provisioner.web.slashes import SingleSlashes


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["//a/b", "/a//b", "///a////b", "/a/b"])
def test_slashes_written_several_times_are_one(path: str, method: str) -> None:
    app = Flask("app", static_folder=None)
    app.wsgi_app = SingleSlashes(app.wsgi_app)  # type: ignore[method-assign]
    app.add_url_rule("/a/b", "view", lambda: request.get_data(), methods=["GET", "POST"])

    environ = EnvironBuilder(method=method, data=b"whole").get_environ() | {"PATH_INFO": path}
    body, status, _ = run_wsgi_app(app, environ)

    assert (status, b"".join(body)) == ("200 OK", b"whole")
