"""The vendor's file judges what really goes over the wire; silence would prove nothing, so it is counted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify

from provisioner.simulators import zoom
from tests.oracle import Oracle, judged
from tests.scenarios import zoom_staff
from tests.scenarios.installation import Installation
from tests.vendor_specs import WHY_SKIPPED, load

needs_file = pytest.mark.skipif(load("zoom") is None, reason=WHY_SKIPPED)

EXPECTED = {
    "GET /users",
    "GET /users/{userId}",
    "GET /phone/users",
    "GET /phone/users/{userId}",
    "GET /phone/users/{userId}/settings",
    "GET /phone/calling_plans",
    "GET /phone/sites",
    "GET /phone/setting_templates",
    "GET /phone/numbers",
    "POST /users",
    "PUT /phone/users/{userId}/calling_plans",
    "POST /phone/users/{userId}/settings/{settingType}",
}
"""Operations that a company of joiners, movers and leavers takes."""


@needs_file
def test_a_whole_month_of_a_company_is_as_zooms_file_says(tmp_path: Path) -> None:
    app = zoom.create_app(
        options=zoom.Options(
            account_id=None, client_id=None, client_secret=None, sso="provisioning", rates=None
        )
    )
    lines = [zoom_staff.catalog(40), *(zoom_staff.line(n, 40) for n in range(1, 11))]
    zoom.load_snapshot(app, map(json.dumps, lines))
    with judged(app) as oracle, zoom.running(app) as url:
        here = Installation(tmp_path)
        zoom_staff.configure(here, url, 40)
        here.people(zoom_staff.movers_and_more(10, 6))
        here.carry_out()

    assert oracle.checked.keys() >= EXPECTED
    assert sum(oracle.checked.values()) > 60


def answering(body: object, status: int = 200) -> Flask:
    """A service that answers everything alike."""
    app = Flask(__name__)

    @app.route("/<path:_>", methods=["GET", "POST"])
    def everything(_: str) -> tuple[Any, int]:
        return jsonify(body), status

    return app


@needs_file
@pytest.mark.parametrize(
    ("path", "given", "body"),
    [
        ("/v2/users", {}, {"users": [{"email": 7}]}),
        ("/v2/users?colour=red", {}, {"users": []}),
        ("/v2/telepathy", {}, {}),
        ("/v2/users", {"method": "POST", "json": {"action": "conjure"}}, {}),
    ],
)
def test_what_is_not_as_the_file_says_fails_whoever_asked(
    path: str, given: dict[str, Any], body: object
) -> None:
    app = answering(body)

    with pytest.raises(AssertionError, match="aren't as the file says"), judged(app):
        assert app.test_client().open(path, **given).status_code == 200


@needs_file
@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_every_service_may_answer_is_not_judged(status: int) -> None:
    app = answering({"anything": 1}, status)

    with judged(app) as oracle:
        app.test_client().get("/v2/users")

    assert oracle.checked == {}


def test_what_is_no_operation_of_the_vendors_passes_untouched() -> None:
    def portal(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    oracle = Oracle(portal)

    assert list(oracle({"PATH_INFO": "/_portal/log"}, lambda *_: None)) == [b"/_portal/log"]
    assert not oracle.checked
