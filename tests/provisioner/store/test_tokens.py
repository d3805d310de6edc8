"""Tokens in the store: found by their prefix, known by their hash, ended once and for all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from provisioner.store import tokens as token_store
from provisioner.store.database import reading
from provisioner.store.tables import audit, tokens
from provisioner.store.tokens import EVERY, MAX_GIVEN, Token, prefix_of
from tests.provisioner.store.made import KINDS, NOW, store

HOUR = timedelta(hours=1)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def create(engine: Engine, name: str = "entra", **members: Any) -> str:
    given: dict[str, Any] = {"sync": "emea", "scope": "write", "now": NOW, "expires_at": None}
    with engine.begin() as connection:
        return token_store.create(connection, name, **(given | members))


def find(engine: Engine, text: str) -> Token | None:
    with reading(engine) as connection:
        return token_store.find(connection, text)


def found(engine: Engine, text: str) -> Token:
    token = find(engine, text)
    assert token is not None
    return token


def grant(engine: Engine, client: Token, *, now: Any = NOW, lasts: timedelta = HOUR) -> str:
    with engine.begin() as connection:
        return token_store.grant(connection, client, "read", now, now + lasts)


def test_a_token_is_found_with_what_it_was_made_for(engine: Engine) -> None:
    text = create(engine, scope="read", expires_at=NOW + HOUR)

    token = found(engine, text)

    assert (token.name, token.sync, token.scope, token.kind) == ("entra", "emea", "read", "bearer")
    assert text.startswith(f"{token.prefix}_")
    assert token.live(NOW)
    assert not token.live(NOW + HOUR)


def test_no_column_holds_the_token(engine: Engine) -> None:
    text = create(engine)

    with reading(engine) as connection:
        (row,) = connection.execute(select(tokens)).all()

    assert not any(text in str(value) for value in row)
    assert not any(text.rpartition("_")[2] in str(value) for value in row)
    assert row.sha256 not in repr(found(engine, text))


def test_a_right_prefix_with_a_wrong_secret_finds_nothing(engine: Engine) -> None:
    text = create(engine)
    other = text[:-1] + ("0" if text[-1] != "0" else "1")

    assert find(engine, other) is None


@pytest.mark.parametrize("text", ["", "prov_", "Prov_0123456789ab_" + "0" * 64, "x" * 10_000])
def test_what_is_no_token_has_no_prefix(engine: Engine, text: str) -> None:
    assert prefix_of(text) is None
    assert find(engine, text) is None


def test_two_tokens_of_one_name_live_side_by_side(engine: Engine) -> None:
    texts = [create(engine), create(engine)]

    with reading(engine) as connection:
        named = token_store.named(connection, "entra", NOW)

    assert len(set(texts)) == 2
    assert {token.prefix for token in named} == {prefix_of(text) for text in texts}


def test_a_prefix_names_one_token_of_a_name(engine: Engine) -> None:
    text, _ = create(engine), create(engine)

    with reading(engine) as connection:
        named = token_store.named(connection, prefix_of(text) or "", NOW)

    assert [token.prefix for token in named] == [prefix_of(text)]


def test_a_revoked_token_is_listed_only_among_the_ended(engine: Engine) -> None:
    text, other = create(engine), create(engine, "okta")
    ended = found(engine, text)
    with engine.begin() as connection:
        token_store.revoke(connection, [ended], NOW)

    with reading(engine) as connection:
        live = token_store.listed(connection, NOW)
        every = token_store.listed(connection, NOW, ended=True)

    assert not found(engine, text).live(NOW)
    assert [token.prefix for token in live] == [prefix_of(other)]
    assert [token.name for token in every] == ["entra", "okta"]


def test_an_end_that_comes_before_is_kept(engine: Engine) -> None:
    soon, never = create(engine, expires_at=NOW + HOUR), create(engine)
    both = [found(engine, text) for text in (soon, never)]
    with engine.begin() as connection:
        token_store.end_at(connection, both, NOW + 2 * HOUR, NOW)

    assert found(engine, soon).expires_at == NOW + HOUR
    assert found(engine, never).expires_at == NOW + 2 * HOUR


def test_use_is_noted_once_a_minute(engine: Engine) -> None:
    text = create(engine)
    prefix = prefix_of(text) or ""
    seconds = [0, 59, 60, 119]
    noted = []
    for second in seconds:
        with engine.begin() as connection:
            token_store.note_use(connection, prefix, NOW + timedelta(seconds=second))
        noted.append(found(engine, text).last_used_at)

    assert noted == [NOW + timedelta(seconds=s) for s in (0, 0, 60, 60)]


def test_a_clients_access_tokens_end_with_it(engine: Engine) -> None:
    client = found(engine, create(engine, kind="client", expires_at=NOW + HOUR / 2))
    access = grant(engine, client)
    assert found(engine, access).expires_at == NOW + HOUR / 2

    with engine.begin() as connection:
        token_store.revoke(connection, [client], NOW)

    assert not found(engine, access).live(NOW)


def test_access_tokens_are_never_listed(engine: Engine) -> None:
    client = found(engine, create(engine, kind="client"))
    grant(engine, client)

    with reading(engine) as connection:
        assert [t.prefix for t in token_store.listed(connection, NOW)] == [client.prefix]


def test_access_tokens_do_not_pile_up(engine: Engine) -> None:
    client = found(engine, create(engine, kind="client"))
    for number in range(MAX_GIVEN + 5):
        last = grant(engine, client, now=NOW + timedelta(seconds=number))

    def count() -> int:
        with reading(engine) as connection:
            mine = tokens.c.client == client.prefix
            return connection.execute(
                select(func.count()).select_from(tokens).where(mine)
            ).scalar_one()

    assert count() == MAX_GIVEN
    assert find(engine, last) is not None
    grant(engine, client, now=NOW + 3 * HOUR)
    assert count() == 1


def test_the_audit_has_what_becomes_of_a_token_and_never_the_token(engine: Engine) -> None:
    text = create(engine, expires_at=NOW + 3 * HOUR)
    token = found(engine, text)
    with engine.begin() as connection:
        token_store.end_at(connection, [token], NOW + HOUR, NOW)
        token_store.revoke(connection, [token], NOW)
    grant(engine, found(engine, create(engine, kind="client")))

    with reading(engine) as connection:
        rows = connection.execute(select(audit.c.kind, audit.c.sync, audit.c.detail)).all()

    assert [(row.kind, row.sync) for row in rows] == [
        ("token.created", "emea"),
        ("token.ends", "emea"),
        ("token.revoked", "emea"),
        ("token.created", "emea"),
    ]
    assert all(token.prefix in row.detail for row in rows[:3])
    assert text.rpartition("_")[2] not in str(rows)


def session(engine: Engine, operator: Token, *, lasts: timedelta = HOUR) -> str:
    with engine.begin() as connection:
        return token_store.grant(connection, operator, "read", NOW, NOW + lasts, "session")


def test_a_session_is_its_operators_and_ends_no_later_than_their_token(engine: Engine) -> None:
    operator = found(
        engine, create(engine, "eva", kind="console", sync="apac,emea", expires_at=NOW + HOUR)
    )

    given = found(engine, session(engine, operator, lasts=12 * HOUR))

    assert (given.name, given.kind, given.client) == ("eva", "session", operator.prefix)
    assert given.syncs == frozenset({"apac", "emea"})
    assert given.expires_at == NOW + HOUR


def test_an_operator_of_every_sync_has_no_list_of_them(engine: Engine) -> None:
    assert found(engine, create(engine, kind="console", sync=EVERY)).syncs is None
    assert found(engine, create(engine)).syncs == frozenset({"emea"})


def test_what_is_given_while_its_token_ends_has_ended_with_it(engine: Engine) -> None:
    operator = found(engine, create(engine, "eva", kind="console"))
    ends, revoked = found(engine, create(engine, "jan", kind="console")), operator
    with engine.begin() as connection:
        token_store.revoke(connection, [revoked], NOW)
        token_store.end_at(connection, [ends], NOW + HOUR, NOW)

    late = [found(engine, session(engine, each, lasts=12 * HOUR)) for each in (revoked, ends)]

    assert [each.live(NOW) for each in late] == [False, True]
    assert late[1].expires_at == NOW + HOUR


def test_a_session_that_is_handed_back_is_gone_and_its_token_is_not(engine: Engine) -> None:
    text = create(engine, "eva", kind="console")
    operator = found(engine, text)
    given = session(engine, operator)
    with engine.begin() as connection:
        token_store.hand_back(connection, found(engine, given))
        token_store.hand_back(connection, operator)

    assert find(engine, given) is None
    assert found(engine, text).live(NOW)


def test_sessions_are_in_no_list_and_not_on_record_each(engine: Engine) -> None:
    session(engine, found(engine, create(engine, "eva", kind="console", sync="apac,emea")))

    with reading(engine) as connection:
        listed = token_store.listed(connection, NOW, ended=True)
        entries = connection.execute(select(audit.c.kind, audit.c.sync, audit.c.detail)).all()

    assert [token.kind for token in listed] == ["console"]
    ((kind, sync, detail),) = entries
    assert (kind, sync) == ("token.created", None)
    assert '"syncs":"apac,emea"' in detail
