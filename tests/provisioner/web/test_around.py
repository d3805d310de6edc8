"""Around every request: ids, lines in the log, figures, and errors that tell no more than they should."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import Flask, abort, request
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize, NoMoreData
from prometheus_client import CollectorRegistry, generate_latest
from werkzeug.exceptions import TooManyRequests

from provisioner.logs import configure_logs
from provisioner.scim.auth import CLIENT, READS, Client
from provisioner.scim.errors import ScimError
from provisioner.store.database import StoreError
from provisioner.web import around
from provisioner.web.around import Around
from provisioner.web.metrics import RequestFigures

SECRET = "eva.mala@example.org"


class Lines(list[dict[str, Any]]):
    def write(self, event: dict[str, Any]) -> None:
        self.append(event)


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    out = io.StringIO()
    configure_logs(out)
    yield out
    structlog.reset_defaults()
    root.handlers[:], root.level = before


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def http(out: io.StringIO, lines: Lines, registry: CollectorRegistry) -> FlaskClient:
    app = Flask("around")
    around.install(app, Around(lines, RequestFigures(registry)), max_body=1000)

    @app.get("/healthz")
    def healthz() -> Any:
        return {}, int(request.args.get("status", 200))

    @app.route('/scim/<sync>/v2/<any("Users", "Groups"):kind>/<id>', methods=["GET", "POST"])
    def user(sync: str, kind: str, id: str) -> Any:
        request.environ[CLIENT] = Client("entra", sync, READS, "k")
        if request.method == "POST":
            return {"length": len(request.get_data())}
        return {}

    @app.get("/fails/<how>")
    def fails(how: str) -> Any:
        failures: dict[str, Exception] = {
            "scim": ScimError(409, "taken", "uniqueness", {"X-Thing": "1"}),
            "ours": KeyError(SECRET),
            "store": StoreError(f"the store failed: SELECT {SECRET}"),
            "late": BlockingIOError(11, "again"),
            "unreadable": InvalidChunkSize(b"ZZ"),
            "gone": NoMoreData(),
            "busy": TooManyRequests(retry_after=7),
        }
        if how == "teapot":
            abort(418)
        raise failures[how]

    return app.test_client()


def test_a_request_has_an_id_in_the_answer_and_in_the_log(http: FlaskClient, lines: Lines) -> None:
    answers = [http.get("/scim/emea/v2/Users/1") for _ in range(2)]

    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert ids == [line["request_id"] for line in lines]
    assert len(set(ids)) == 2


@pytest.mark.parametrize("given", ["abc-1.2:3", "a" * 128, "6f9619ff-8b86-d011-b42d-00cf4fc964ff"])
def test_an_id_that_is_given_is_kept(http: FlaskClient, given: str) -> None:
    assert http.get("/nowhere", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "a" * 129, "a b", 'a"b', "ž", "{}"])
def test_an_id_that_a_log_could_not_carry_is_replaced(http: FlaskClient, given: str) -> None:
    kept = http.get("/nowhere", headers={"X-Request-Id": given}).headers["X-Request-Id"]

    assert kept != given
    assert len(kept) == 32


def test_a_line_tells_the_kind_of_request_and_nothing_that_it_was_about(
    http: FlaskClient, lines: Lines
) -> None:
    http.get(
        f'/scim/emea/v2/Users/{SECRET}?filter=userName eq "{SECRET}"',
        headers={"Authorization": "Bearer s3cr3t"},
    )

    (line,) = lines
    timestamp, duration, request_id = (
        line.pop(k) for k in ("timestamp", "duration_s", "request_id")
    )
    assert timestamp.endswith("Z")
    assert 0 <= duration < 60
    assert len(request_id) == 32
    assert line == {
        "level": "info",
        "event": "http.request",
        "sync": "emea",
        "client": "entra",
        "method": "GET",
        "route": "/scim/<sync>/v2/Users/<id>",
        "status": 200,
        "remote": "127.0.0.1",
    }


def test_what_has_no_route_is_logged_without_its_path(http: FlaskClient, lines: Lines) -> None:
    http.get(f"/{SECRET}")

    (line,) = lines
    assert (line["status"], line["route"], line["method"]) == (404, None, None)
    assert SECRET not in json.dumps(line)


def test_health_is_logged_only_when_it_fails(http: FlaskClient, lines: Lines) -> None:
    http.get("/healthz")
    http.get("/healthz?status=503")

    assert [line["status"] for line in lines] == [503]


def test_requests_are_counted_by_operation_and_client(
    http: FlaskClient, registry: CollectorRegistry
) -> None:
    http.get("/scim/emea/v2/Users/1")
    http.get("/scim/apac/v2/Users/2")
    http.get(f"/{SECRET}")

    text = generate_latest(registry).decode()
    counted = [line for line in text.splitlines() if line.startswith("provisioner_http_requests_")]
    assert (
        'provisioner_http_requests_total{client="entra",operation="GET Users/<id>",status="200"} 2.0'
        in counted
    )
    assert (
        'provisioner_http_requests_total{client="-",operation="any unknown",status="404"} 1.0'
        in counted
    )
    assert "provisioner_http_requests_in_flight 0.0" in counted
    assert 'duration_seconds_count{client="entra",operation="GET Users/<id>"} 2.0' in text
    assert SECRET not in text


def test_an_error_is_a_scim_error_wherever_it_comes_from(http: FlaskClient) -> None:
    found = {}
    ours = ("scim", "teapot", "busy", "late", "unreadable", "gone")
    for path in ("/nowhere", *(f"/fails/{how}" for how in ours)):
        answer = http.get(path)
        assert answer.content_type == "application/scim+json"
        assert answer.json is not None
        assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert answer.json["status"] == str(answer.status_code)
        found[path.rpartition("/")[2]] = answer

    assert {name: answer.status_code for name, answer in found.items()} == {
        "nowhere": 404,
        "scim": 409,
        "teapot": 418,
        "busy": 429,
        "late": 408,
        "unreadable": 400,  # RFC 9112 section 7.1: chunks whose size is no number
        "gone": 400,
    }
    assert found["scim"].headers["X-Thing"] == "1"
    assert found["busy"].headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/scim+json"),
        ("*/*", "application/scim+json"),
        ("application/scim+json", "application/scim+json"),
        ("application/json, text/plain, */*", "application/scim+json"),
        ("application/json;q=0.5, application/scim+json", "application/scim+json"),
        ("text/html", "application/scim+json"),
        ("application/json", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
    ],
)
def test_plain_json_is_for_who_takes_nothing_else(
    http: FlaskClient, accept: str | None, kind: str
) -> None:
    """RFC 7644 section 3.8."""
    answer = http.get("/nowhere", headers={} if accept is None else {"Accept": accept})

    assert answer.headers["Content-Type"] == kind


def test_a_method_that_is_not_for_an_address_is_405_with_those_that_are(http: FlaskClient) -> None:
    answer = http.delete("/scim/emea/v2/Users/1")

    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))
    assert answer.json is not None


@pytest.mark.parametrize("length", [1000, 1001])
def test_a_body_is_taken_up_to_the_limit(http: FlaskClient, length: int) -> None:
    answer = http.post("/scim/emea/v2/Users/1", data=b"x" * length)

    assert answer.status_code == (200 if length == 1000 else 413)


def test_a_fault_of_ours_tells_the_client_its_id_and_the_log_the_rest(
    http: FlaskClient, out: io.StringIO
) -> None:
    answer = http.get("/fails/ours")

    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    (event,) = [json.loads(line) for line in out.getvalue().splitlines()]
    assert event["event"] == "http.crashed"
    assert event["error"] == "KeyError"
    assert event["request_id"] == answer.headers["X-Request-Id"]


def test_a_store_that_fails_is_a_matter_of_waiting_and_no_sql_is_shown(http: FlaskClient) -> None:
    answer = http.get("/fails/store")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "SELECT" not in answer.text
