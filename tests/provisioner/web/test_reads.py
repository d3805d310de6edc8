"""GETs that don't go through the framework: what is theirs, and that nobody can tell.

That both ways give the same answers is compared for every read in tests/provisioner/scim (http_client.py).
"""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from werkzeug import Request, Response
from werkzeug.test import Client as Browser

from provisioner.scim.auth import CLIENT, READS, Client
from provisioner.scim.call import Answer
from provisioner.scim.errors import ScimError
from provisioner.web.around import Around
from provisioner.web.metrics import RequestFigures
from provisioner.web.reads import Reads
from tests.provisioner.web.test_around import SECRET, Lines, out

__all__ = ["out"]

ID = "0123456789abcdef0123456789abcdef"


class World:
    """Reads in front of an application that says so, with what they logged and counted."""

    def __init__(self) -> None:
        self.asked: list[tuple[str | None, str, str | None]] = []
        self.answer: Answer | Exception = Answer(200, '{"id":"ž"}', "http://h/Users/1", 'W/"1"')
        self.lines, self.registry = Lines(), CollectorRegistry()
        around = Around(self.lines, RequestFigures(self.registry))
        self.http = Browser(Reads(Response("the framework's"), self.read, around))

    def read(self, request: Request, sync: str | None, name: str, id: str | None) -> Answer:
        self.asked.append((sync, name, id))
        request.environ[CLIENT] = Client("entra", sync or "emea", READS, "k")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (f"/scim/v2/Users/{ID}", (None, "Users", ID)),
        (f"/scim/emea/v2/Groups/{ID}?excludedAttributes=members", ("emea", "Groups", ID)),
        ("/scim/v2/Groups?filter=x", (None, "Groups", None)),
        ("/scim/v2/v2/Users", ("v2", "Users", None)),
    ],
)
def test_a_read_of_users_or_groups_is_answered_here(
    world: World, path: str, asked: tuple[str | None, str, str | None]
) -> None:
    answer = world.http.get(path)

    assert world.asked == [asked]
    assert (answer.status, answer.text) == ("200 OK", '{"id":"ž"}')
    assert answer.headers["Content-Length"] == "11"
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", f"/scim/v2/Users/{ID}"),
        ("PUT", f"/scim/v2/Users/{ID}"),
        ("GET", "/scim/v2/Users/"),
        ("GET", "/scim/v2/users"),
        ("GET", "/scim/v2/Users/1"),
        ("GET", "/scim/v2/Users/.search"),
        ("GET", f"/scim/v2/Users/{ID}%0A"),
        ("GET", "/scim/a/b/v2/Users"),
        ("GET", "/scim/v2/Schemas"),
        ("GET", "/healthz"),
    ],
)
def test_everything_else_is_the_applications(world: World, method: str, path: str) -> None:
    answer = world.http.open(path, method=method)

    assert world.asked == []
    assert method == "HEAD" or answer.text == "the framework's"


def test_a_read_is_logged_and_counted_as_the_framework_would(world: World) -> None:
    answer = world.http.get(f"/scim/emea/v2/Users/{ID}?filter={SECRET}")
    world.http.get("/scim/v2/Users")

    first, second = world.lines
    assert (first["route"], second["route"]) == ("/scim/<sync>/v2/Users/<id>", "/scim/v2/Users")
    assert (first["method"], first["status"], first["client"]) == ("GET", 200, "entra")
    assert first["request_id"] == answer.headers["X-Request-Id"]
    assert SECRET not in json.dumps(world.lines)
    counted = generate_latest(world.registry).decode()
    for kind in ("GET Users/<id>", "GET Users"):
        line = f'requests_total{{client="entra",operation="{kind}",status="200"}} 1.0'
        assert line in counted
    assert "provisioner_http_requests_in_flight 0.0" in counted


def test_plain_json_is_for_who_takes_nothing_else(world: World) -> None:
    answer = world.http.get("/scim/v2/Users", headers={"Accept": "application/json"})

    assert answer.headers["Content-Type"] == "application/json"


def test_an_error_keeps_its_headers(world: World) -> None:
    world.answer = ScimError(429, "wait", None, {"Retry-After": "3"})

    answer = world.http.get("/scim/v2/Users")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert answer.json is not None
    assert answer.json["status"] == "429"
    assert [line["status"] for line in world.lines] == [429]


def test_a_version_that_the_client_has_is_not_sent_again(world: World) -> None:
    world.answer = Answer(304, tag='W/"7"')

    answer = world.http.get(f"/scim/v2/Users/{ID}")

    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", 'W/"7"')
    assert not {"Content-Type", "Content-Length"} & {name for name, _ in answer.headers}


def test_a_fault_of_ours_tells_the_client_its_id_and_the_log_the_rest(
    world: World, out: io.StringIO
) -> None:
    world.answer = KeyError(SECRET)

    answer: Any = world.http.get("/scim/v2/Users")

    assert (answer.status_code, SECRET in answer.text) == (500, False)
    assert answer.headers["X-Request-Id"] in answer.text
    (event,) = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (event["event"], event["error"]) == ("http.crashed", "KeyError")
