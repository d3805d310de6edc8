"""The token endpoint: client credentials as RFC 6749 has them, and as providers send them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event
from werkzeug import Request
from werkzeug.test import EnvironBuilder, TestResponse

from provisioner.scim import oauth
from provisioner.scim.auth import Authenticator, Client
from provisioner.store import tokens as token_store
from provisioner.store.database import reading
from provisioner.store.tokens import prefix_of
from tests.provisioner.store.made import KINDS, NOW, store

HOUR = timedelta(hours=1)
FORM = {"grant_type": "client_credentials"}


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture
def http(engine: Engine) -> FlaskClient:
    app = Flask("oauth")
    app.register_blueprint(oauth.blueprint(engine, lambda: NOW))
    return app.test_client()


def client(engine: Engine, name: str = "okta", **members: Any) -> str:
    given: dict[str, Any] = {"sync": "emea", "scope": "write", "now": NOW, "expires_at": None}
    with engine.begin() as connection:
        return token_store.create(connection, name, **(given | {"kind": "client"} | members))


def basic(name: str, secret: str) -> dict[str, str]:
    pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def in_form(secret: str, name: str = "okta", **more: str) -> dict[str, str]:
    return {**FORM, "client_id": name, "client_secret": secret, **more}


def opens(engine: Engine, token: str, method: str = "GET", at: datetime = NOW) -> Client:
    door = Authenticator(engine, lambda: at)
    headers = [("Authorization", f"Bearer {token}")]
    request = Request(EnvironBuilder("/Users", method=method, headers=headers).get_environ())
    return door.admit(request, "emea")


def error(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    assert answer.json["error_description"]
    return answer.status_code, answer.json["error"]


def test_a_client_is_given_a_token_that_opens_the_receiver_for_an_hour(
    engine: Engine, http: FlaskClient
) -> None:
    secret = client(engine)

    for answer in (
        http.post("/oauth/token", data=FORM, headers=basic("okta", secret)),
        http.post("/oauth/token", data=in_form(secret)),
    ):
        assert answer.status_code == 200
        assert answer.json is not None
        told = dict(answer.json)
        token = told.pop("access_token")
        assert told == {"token_type": "Bearer", "expires_in": 3600, "scope": "write"}
        assert answer.headers["Cache-Control"] == "no-store"
        assert opens(engine, token, "POST").name == "okta"
        with pytest.raises(Exception, match="has expired"):
            opens(engine, token, at=NOW + HOUR)


def test_a_token_is_as_old_as_its_record_however_long_the_store_kept_it_waiting(
    engine: Engine,
) -> None:
    seconds = 0

    @event.listens_for(engine, "begin")
    def wait(_: Connection) -> None:
        nonlocal seconds
        seconds += 60

    app = Flask("oauth")
    app.register_blueprint(oauth.blueprint(engine, lambda: NOW + timedelta(seconds=seconds)))
    answer = app.test_client().post("/oauth/token", data=in_form(client(engine)))
    recorded = NOW + timedelta(seconds=seconds)

    assert answer.json is not None
    with reading(engine) as connection:
        found = token_store.find(connection, answer.json["access_token"])
    assert found is not None
    assert (found.created_at, found.expires_at) == (recorded, recorded + HOUR)


def test_a_slash_after_the_token_endpoint_says_nothing(engine: Engine, http: FlaskClient) -> None:
    assert http.post("/oauth/token/", data=in_form(client(engine))).status_code == 200


def test_a_client_id_in_the_header_may_be_form_encoded(engine: Engine, http: FlaskClient) -> None:
    secret = client(engine, "Entra ID +1")

    for name in ("Entra ID +1", quote_plus("Entra ID +1")):
        answer = http.post("/oauth/token", data=FORM, headers=basic(name, secret))
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("asked", "may", "granted"),
    [
        ("", "write", "write"),
        ("read", "write", "read"),
        ("read write", "write", "write"),
        ("write", "read", "read"),
        ("api://scim/.default", "write", "write"),
        ("scim read", "write", "read"),
    ],
)
def test_a_scope_narrows_what_a_client_may_and_never_widens_it(
    engine: Engine, http: FlaskClient, asked: str, may: str, granted: str
) -> None:
    answer = http.post("/oauth/token", data=in_form(client(engine, scope=may), scope=asked))

    assert answer.json is not None
    assert answer.json["scope"] == granted
    scopes = opens(engine, answer.json["access_token"]).scopes
    assert ("write" in scopes) == (granted == "write")


def test_a_clients_end_is_its_tokens_end(engine: Engine, http: FlaskClient) -> None:
    secret = client(engine, expires_at=NOW + HOUR / 4)

    answer = http.post("/oauth/token", data=in_form(secret))

    assert answer.json is not None
    assert answer.json["expires_in"] == 900


def test_both_secrets_of_a_rotated_client_work(engine: Engine, http: FlaskClient) -> None:
    for secret in (client(engine), client(engine)):
        assert http.post("/oauth/token", data=in_form(secret)).status_code == 200


def test_who_is_no_client_is_told_so_and_nothing_more(engine: Engine, http: FlaskClient) -> None:
    secret, bearer = client(engine), client(engine, kind="bearer")
    ended = client(engine, expires_at=NOW)
    attempts = [
        {"data": in_form(secret[:-1] + "x")},
        {"data": in_form(secret, "other")},
        {"data": in_form(bearer)},
        {"data": in_form(ended)},
        {"data": FORM},
        {"data": FORM, "headers": basic("okta", "x")},
        {"data": FORM, "headers": {"Authorization": "Basic %%%"}},
        {"data": FORM, "headers": {"Authorization": "Basic \xe9"}},
        {
            "data": FORM,
            "headers": {"Authorization": "Basic " + base64.b64encode(b"\xff:x").decode()},
        },
        {"data": FORM, "headers": {"Authorization": f"Bearer {bearer}"}},
    ]

    answers = [http.post("/oauth/token", **attempt) for attempt in attempts]

    assert {error(answer) for answer in answers} == {(401, "invalid_client")}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Basic realm="SCIM"'}
    assert len({answer.get_data() for answer in answers[:4]}) == 1


@pytest.mark.parametrize(
    ("grant_type", "said"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("password", "unsupported_grant_type"),
        ("authorization_code", "unsupported_grant_type"),
    ],
)
def test_other_grants_are_refused(
    engine: Engine, http: FlaskClient, grant_type: str | None, said: str
) -> None:
    form = in_form(client(engine)) | {"grant_type": grant_type}

    assert error(http.post("/oauth/token", data=form)) == (400, said)


def test_what_is_no_form_is_refused(engine: Engine, http: FlaskClient) -> None:
    secret = client(engine)
    twice = {**in_form(secret), "grant_type": ["client_credentials"] * 2}

    for answer in (
        http.post("/oauth/token", json=in_form(secret)),
        http.post("/oauth/token", data=twice),
        http.post("/oauth/token", data=in_form(secret), headers=basic("okta", secret)),
        http.post("/oauth/token", data=in_form(secret, padding="x" * 20_000)),
    ):
        assert error(answer) == (400, "invalid_request")
    assert error(http.post("/oauth/token", data=in_form(secret, scope="a\nb"))) == (
        400,
        "invalid_scope",
    )


def test_a_form_may_come_in_chunks(engine: Engine, http: FlaskClient) -> None:
    """RFC 9112 section 7.1: a client need not know how long its body will be."""

    def sent(**form: str) -> TestResponse:
        return http.post(
            "/oauth/token",
            input_stream=BytesIO(urlencode(form).encode()),
            content_type="application/x-www-form-urlencoded",
            environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        )

    secret = client(engine)

    assert sent(**in_form(secret)).status_code == 200
    assert error(sent(**in_form(secret, padding="x" * 20_000))) == (400, "invalid_request")


def test_a_grant_is_the_clients_last_use(engine: Engine, http: FlaskClient) -> None:
    secret = client(engine)
    http.post("/oauth/token", data=in_form(secret))

    with engine.begin() as connection:
        (row,) = token_store.named(connection, prefix_of(secret) or "", NOW)

    assert row.last_used_at == NOW


def test_a_client_in_haste_must_wait(engine: Engine) -> None:
    class Busy:
        def wait(self, key: str) -> float:
            return 4.2

    app = Flask("oauth")
    app.register_blueprint(oauth.blueprint(engine, lambda: NOW, Busy()))

    answer = app.test_client().post("/oauth/token", data=in_form(client(engine)))

    assert error(answer) == (429, "temporarily_unavailable")
    assert answer.headers["Retry-After"] == "5"
