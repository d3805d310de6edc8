"""Addresses that clients write in their own way."""

from __future__ import annotations

import pytest
from flask import Flask, request
from werkzeug.test import EnvironBuilder, run_wsgi_app

from provisioner.web.addresses import PlainAddresses


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["//a/b", "/a//b", "///a////b", "/a/b"])
def test_slashes_written_several_times_are_one(path: str, method: str) -> None:
    app = Flask("app", static_folder=None)
    app.wsgi_app = PlainAddresses(app.wsgi_app)  # type: ignore[method-assign]
    app.add_url_rule("/a/b", "view", lambda: request.get_data(), methods=["GET", "POST"])

    environ = EnvironBuilder(method=method, data=b"whole").get_environ() | {"PATH_INFO": path}
    body, status, _ = run_wsgi_app(app, environ)

    assert (status, b"".join(body)) == ("200 OK", b"whole")


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/scim/v2/users", "/scim/v2/Users"),
        ("/scim/v2/groups/8c", "/scim/v2/Groups/8c"),
        ("/scim/emea/v2/users/.search", "/scim/emea/v2/Users/.search"),
        ("//scim//v2//users/", "/scim/v2/Users/"),
        ("/scim/users/v2/groups", "/scim/users/v2/Groups"),
        ("/scim/v2/usersx", "/scim/v2/usersx"),
        ("/scim/v2/Users/users", "/scim/v2/Users/users"),
        ("/scim/v2/x/users", "/scim/v2/x/users"),
        ("/users", "/users"),
    ],
)
def test_endpoints_in_small_letters_are_those_with_their_names(path: str, seen: str) -> None:
    app = Flask("app", static_folder=None)
    app.wsgi_app = PlainAddresses(app.wsgi_app)  # type: ignore[method-assign]
    app.add_url_rule("/<path:path>", "view", lambda path: f"/{path}")

    body, status, _ = run_wsgi_app(app, EnvironBuilder().get_environ() | {"PATH_INFO": path})

    assert (status, b"".join(body).decode()) == ("200 OK", seen)
