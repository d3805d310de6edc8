"""The receiver's application whole: who gets in, under which address, and how often."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from provisioner.config import load_config
from provisioner.store import tokens as token_store
from provisioner.store.database import open_database
from provisioner.web.receiver import CLOSING, create_app
from provisioner.wiring import utc_now
from tests.scenarios.installation import Installation

USER = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "eva",
    "externalId": "E1",
}
Make = Callable[..., "Http"]


class Http:
    """A client of the application with a token."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client, self.token = client, token

    def __call__(self, method: str, path: str, token: str | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}"} | more.pop("headers", {})
        return self.client.open(path, method=method, headers=headers, **more)


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Make:
    def make(syncs: tuple[str, ...] = ("emea",), kind: str = "bearer", **server: Any) -> Http:
        emea = Installation(tmp_path)
        pushed = emea.sync | {"directories": [{"kind": "pushed", "name": "entra"}]}
        document = {"version": 1, "store": "sqlite:///store.db", "server": server}
        emea.yaml("config.yaml", document | {"syncs": dict.fromkeys(syncs, pushed)})
        config = load_config(tmp_path / "config.yaml")
        engine = open_database(config.store)
        with engine.begin() as connection:
            token = token_store.create(
                connection, "entra", sync="emea", scope="write", now=utc_now(), expires_at=None,
                kind=kind,  # type: ignore[arg-type]
            )  # fmt: skip
        app = create_app(config, engine)
        for close in app.extensions[CLOSING]:
            request.addfinalizer(close)
        return Http(app.test_client(), token)

    return make


def test_a_token_opens_its_sync_under_both_addresses_and_nothing_else(make: Make) -> None:
    http = make(("emea", "apac"))

    found = {
        path: http("GET", f"/scim/{path}/v2/Users").status_code
        for path in ("emea", "apac", "nowhere", "EMEA")
    }

    assert found == {"emea": 200, "apac": 404, "nowhere": 404, "EMEA": 404}
    bodies = [http("GET", f"/scim/{path}/v2/Users").data for path in ("apac", "nowhere")]
    assert bodies[0] == bodies[1]
    strangers = {
        path: http("GET", f"/scim/{path}/v2/Users", token="x").status_code for path in found
    }
    assert set(strangers.values()) == {401}


def test_an_oauth_client_pushes_with_the_token_that_it_is_given(make: Make) -> None:
    http = make(kind="client")
    form = {
        "grant_type": "client_credentials",
        "client_id": "entra",
        "client_secret": http.token,
    }

    granted = http.client.post("/oauth/token", data=form).json
    assert granted is not None
    answer = http("POST", "/scim/v2/Users", token=granted["access_token"], json=USER)

    assert answer.status_code == 201
    assert http("POST", "/scim/v2/Users", json=USER).status_code == 401


@pytest.mark.parametrize(
    ("peer", "base"),
    [("10.0.0.1", "https://scim.example.org"), ("203.0.113.9", "http://localhost")],
)
def test_a_location_is_right_behind_a_proxy_that_is_trusted(
    make: Make, peer: str, base: str
) -> None:
    http = make(trusted_proxies=["10.0.0.0/8"])
    headers = {"X-Forwarded-Host": "scim.example.org", "X-Forwarded-Proto": "https"}

    answer = http(
        "POST", "/scim/v2/Users", json=USER, headers=headers, environ_base={"REMOTE_ADDR": peer}
    )

    assert answer.headers["Location"] == f"{base}/scim/v2/Users/{answer.json['id']}"


def test_a_token_that_asks_too_often_is_told_when_to_come_back(make: Make) -> None:
    http = make(limits={"rate": "3/m"})

    answers = [http("GET", "/scim/v2/Users") for _ in range(3)]

    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 40
    assert answers[-1].json["status"] == "429"


def test_a_board_of_rates_that_cant_be_opened_keeps_nobody_from_serving(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / "store-rates.db").write_text("a shopping list, long enough to be no database" * 9)

    http = make(limits={"rate": "50/s"})

    assert http("GET", "/scim/v2/Users").status_code == 200


def test_without_a_rate_in_config_nobody_is_slowed_down(make: Make) -> None:
    http = make()

    assert {http("GET", "/scim/v2/Users").status_code for _ in range(50)} == {200}


@pytest.mark.parametrize(("length", "status"), [(2000, 201), (2001, 413), (100_000, 413)])
def test_a_body_that_comes_in_chunks_has_the_same_limit(
    make: Make, length: int, status: int
) -> None:
    http = make(limits={"body": "2KB"})
    body = json.dumps(USER).encode()
    body += b" " * (length - len(body))
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    answer = http(
        "POST",
        "/scim/v2/Users",
        input_stream=io.BytesIO(body),
        content_type="application/scim+json",
        environ_overrides=environ,
    )

    assert answer.status_code == status


def test_what_is_too_large_too_deep_or_too_long_is_refused(make: Make) -> None:
    http = make(limits={"body": "2KB", "depth": 8, "filter": 64})
    deep: Any = "x"
    for _ in range(20):
        deep = {"a": deep}

    large = http("POST", "/scim/v2/Users", json=USER | {"displayName": "x" * 3000})
    nested = http("POST", "/scim/v2/Users", json=USER | {"name": deep})
    long = http("GET", "/scim/v2/Users", query_string={"filter": f'userName eq "{"x" * 99}"'})

    assert [each.status_code for each in (large, nested, long)] == [413, 400, 400]
    assert long.json["scimType"] == "invalidFilter"
