"""The receiver's door: who is let in, and that nobody learns who else is served."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from werkzeug import Request
from werkzeug.test import EnvironBuilder

from provisioner.scim.auth import CLIENT, Authenticator
from provisioner.scim.errors import ScimError
from provisioner.store import tokens as token_store
from provisioner.store.database import reading
from provisioner.store.tokens import BELIEVED_S, prefix_of
from tests.provisioner.store.made import KINDS, NOW, store

HOUR = timedelta(hours=1)


class Clock:
    """The time, as a test says."""

    def __init__(self) -> None:
        self.now, self.seconds = NOW, 0.0

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(engine: Engine, clock: Clock) -> Iterator[Authenticator]:
    door = Authenticator(engine, clock)
    door.book._clock = lambda: clock.seconds
    yield door
    door.book.close()


def create(engine: Engine, **members: Any) -> str:
    given: dict[str, Any] = {"sync": "emea", "scope": "write", "now": NOW, "expires_at": None}
    with engine.begin() as connection:
        return token_store.create(connection, "entra", **(given | members))


def asking(
    token: str | None, method: str = "GET", path: str = "/scim/v2/Users", scheme: str = "Bearer"
) -> Request:
    headers = [] if token is None else [("Authorization", f"{scheme} {token}")]
    return Request(EnvironBuilder(path, method=method, headers=headers).get_environ())


def refused(door: Authenticator, request: Request, sync: str | None = "emea") -> ScimError:
    with pytest.raises(ScimError) as error:
        door.admit(request, sync)
    return error.value


def test_a_token_lets_its_client_read_and_write(engine: Engine, door: Authenticator) -> None:
    token = create(engine)
    request = asking(token, "POST")

    client = door.admit(request, "emea")

    assert (client.name, client.sync, sorted(client.scopes)) == ("entra", "emea", ["read", "write"])
    assert request.environ[CLIENT] == client


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_is_read_in_any_case(engine: Engine, door: Authenticator, scheme: str) -> None:
    assert door.admit(asking(create(engine), scheme=scheme), "emea").name == "entra"


@pytest.mark.parametrize("header", [None, "", "x"])
def test_who_gives_no_token_is_asked_for_one(door: Authenticator, header: str | None) -> None:
    request = asking(header, scheme="Basic")

    error = refused(door, request)

    assert (error.status, error.headers) == (401, {"WWW-Authenticate": 'Bearer realm="SCIM"'})


@pytest.mark.parametrize("token", ["x", "prov_0123456789ab_" + "0" * 64, "a.b.c", "é", "x" * 9999])
def test_an_unknown_token_is_invalid(door: Authenticator, token: str) -> None:
    error = refused(door, asking(token))

    assert error.status == 401
    assert 'error="invalid_token"' in error.headers["WWW-Authenticate"]
    assert token not in str(error.body()) or len(token) < 3


def test_a_token_opens_nothing_once_it_has_expired(
    engine: Engine, door: Authenticator, clock: Clock
) -> None:
    token = create(engine, expires_at=NOW + HOUR)
    door.admit(asking(token), "emea")
    clock.now = NOW + HOUR

    assert refused(door, asking(token)).status == 401


def test_a_revoked_token_is_believed_for_a_second_at_most(
    engine: Engine, door: Authenticator, clock: Clock
) -> None:
    token = create(engine)
    door.admit(asking(token), "emea")
    with engine.begin() as connection:
        token_store.revoke(connection, token_store.listed(connection, NOW), NOW)
    clock.seconds = BELIEVED_S

    error = refused(door, asking(token))

    assert error.status == 401
    assert error.detail == "the token was revoked"


def test_a_token_is_looked_up_once_a_second(
    engine: Engine, door: Authenticator, clock: Clock
) -> None:
    token = create(engine)
    asked: list[str] = []
    event.listen(
        engine,
        "before_cursor_execute",
        lambda *args: asked.append(args[2]) if "SELECT" in args[2] else None,
    )

    for _ in range(5):
        door.admit(asking(token), "emea")
    clock.seconds = BELIEVED_S
    door.admit(asking(token), "emea")

    assert len([statement for statement in asked if "tokens" in statement]) == 2


@pytest.mark.parametrize("kind", ["client", "console", "session"])
def test_what_is_for_another_door_is_no_bearer_token(
    engine: Engine, door: Authenticator, kind: str
) -> None:
    stranger = refused(door, asking(f"prov_{'0' * 12}_{'0' * 64}"))

    error = refused(door, asking(create(engine, kind=kind)))

    assert (error.status, error.body()) == (401, stranger.body())


def test_another_sync_and_one_that_is_not_there_are_the_same(
    engine: Engine, door: Authenticator
) -> None:
    token = create(engine)

    others = [refused(door, asking(token), sync) for sync in ("apac", None)]
    strangers = [refused(door, asking("x"), sync) for sync in ("emea", "apac", None)]

    assert [error.status for error in others] == [404, 404]
    assert [error.status for error in strangers] == [401, 401, 401]
    assert len({str((error.body(), error.headers)) for error in others}) == 1
    assert len({str((error.body(), error.headers)) for error in strangers}) == 1


@pytest.mark.parametrize(
    ("method", "path", "lets"),
    [
        ("GET", "/scim/v2/Users", True),
        ("HEAD", "/scim/v2/Users", True),
        ("POST", "/scim/v2/Users/.search", True),
        ("POST", "/scim/v2/.search", True),
        ("POST", "/scim/v2/Users/.search/", True),
        ("POST", "/scim/v2/Users", False),
        ("POST", "/scim/v2/Bulk", False),
        ("PUT", "/scim/v2/Users/.search", False),
        ("PATCH", "/scim/v2/Users/1", False),
        ("DELETE", "/scim/v2/Users/1", False),
    ],
)
def test_a_token_that_only_reads_changes_nothing(
    engine: Engine, door: Authenticator, method: str, path: str, lets: bool
) -> None:
    request = asking(create(engine, scope="read"), method, path)

    if lets:
        assert door.admit(request, "emea").scopes == {"read"}
        return
    error = refused(door, request)
    assert error.status == 403
    assert 'error="insufficient_scope"' in error.headers["WWW-Authenticate"]
    assert 'scope="write"' in error.headers["WWW-Authenticate"]


def test_a_client_in_haste_is_told_when_to_come_back(engine: Engine) -> None:
    class Busy:
        def wait(self, key: str) -> float:
            asked.append(key)
            return 2.1

    asked: list[str] = []
    token = create(engine)
    door = Authenticator(engine, lambda: NOW, limiter=Busy())

    error = refused(door, asking(token))

    assert (error.status, error.headers) == (429, {"Retry-After": "3"})
    assert asked == [prefix_of(token)]
    refused(door, asking("x"))
    assert len(asked) == 1  # strangers are not counted


def test_use_is_noted_and_a_clients_too(engine: Engine, clock: Clock) -> None:
    door = Authenticator(engine, clock)
    secret = create(engine, kind="client")
    with engine.begin() as connection:
        client = token_store.find(connection, secret)
        assert client is not None
        token = token_store.grant(connection, client, "write", NOW, NOW + 2 * HOUR)
    clock.now = NOW + HOUR

    for _ in range(3):
        assert door.admit(asking(token), "emea").key == client.prefix
    door.book.close()

    with reading(engine) as connection:
        for text in (secret, token):
            found = token_store.find(connection, text)
            assert found is not None
            assert found.last_used_at == clock.now


def test_use_is_written_once_a_minute(engine: Engine, clock: Clock) -> None:
    door = Authenticator(engine, clock)
    token = create(engine)
    written: list[str] = []
    event.listen(
        engine,
        "before_cursor_execute",
        lambda *args: written.append(args[2]) if "UPDATE" in args[2] else None,
    )

    for seconds in (0, 1, 59, 60, 61, 119):
        clock.now = NOW + timedelta(seconds=seconds)
        door.admit(asking(token), "emea")
    door.book.close()

    assert len(written) == 2
