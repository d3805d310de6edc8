"""Statements that go to PostgreSQL together: in their order, all or none, and answered as they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.store.pipeline import Pipeline
from tests.provisioner.store.made import store

INSERT = "INSERT INTO things (name) VALUES (:name)"
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[Any]]:
    with store("postgresql", tmp_path_factory.mktemp("store")) as engine:
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
            yield connection


@pytest.fixture
def pipeline(connection: psycopg.Connection[Any]) -> Pipeline:
    connection.execute("DEALLOCATE ALL")  # a connection has one pipeline
    connection.execute("DROP TABLE IF EXISTS things")
    connection.execute("CREATE TABLE things (seq SERIAL, name TEXT PRIMARY KEY)")
    return Pipeline(connection.pgconn)


def names(connection: psycopg.Connection[Any]) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM things ORDER BY seq")]


def test_what_waits_is_carried_out_before_what_is_asked_for(pipeline: Pipeline) -> None:
    for name in ("a", "b", "c"):
        pipeline.later(INSERT, {"name": name})

    assert pipeline.rows("SELECT name FROM things ORDER BY seq", {}) == [("a",), ("b",), ("c",)]


def test_what_waited_tells_its_rows_once_it_is_carried_out(pipeline: Pipeline) -> None:
    first: list[Any] = []
    second: list[Any] = []
    pipeline.later(f"{INSERT} RETURNING name", {"name": "a"}, first)
    pipeline.later(f"{INSERT} RETURNING name", {"name": "b"}, second)
    pipeline.later("SELECT 1", {})
    assert first == []

    pipeline.finish()

    assert (first, second) == ([("a",)], [("b",)])


def test_the_last_that_waited_tells_its_rows_too(pipeline: Pipeline) -> None:
    for count in (1, 2):
        rows: list[Any] = []
        for name in "ab"[:count]:
            pipeline.later(f"{INSERT} RETURNING name", {"name": f"{name}{count}"})
        pipeline.later("SELECT count(*) FROM things", {}, rows)
        pipeline.finish()
        assert rows == [(1 if count == 1 else 3,)]


def known(connection: psycopg.Connection[Any]) -> set[str]:
    """Return what the server has prepared of ours."""
    return {name for (name,) in connection.execute("SELECT name FROM pg_prepared_statements")}


@pytest.mark.parametrize("together", [False, True])
def test_a_statement_is_planned_anew_after_a_second_then_two_then_four(
    pipeline: Pipeline,
    connection: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    *,
    together: bool,
) -> None:
    now = 0.0
    monkeypatch.setattr("provisioner.store.pipeline.time.monotonic", lambda: now)
    names = []
    for now in (0.0, 0.9, 1.0, 2.9, 3.0, 6.9, 7.0):  # noqa: B007 - the clock reads it
        if together:
            pipeline.later("SELECT 1", {})
        assert pipeline.rows("SELECT count(*) FROM things", {}) == [(0,)]
        names.append(max(known(connection), key=lambda name: int(name[1:])))

    assert names[0] == names[1] != names[2] == names[3] != names[4] == names[5] != names[6]
    pipeline.rows("SELECT count(*) FROM things", {})
    assert len(known(connection)) == (2 if together else 1), "what was outlived is forgotten"


def test_what_was_outlived_in_a_transaction_that_failed_is_forgotten_later(
    pipeline: Pipeline, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("provisioner.store.pipeline.time.monotonic", lambda: now)
    pipeline.rows("SELECT 1", {})
    pipeline.rows("BEGIN", {})
    now = 5.0
    pipeline.rows("SELECT 1", {})
    with pytest.raises(psycopg.errors.DivisionByZero):
        pipeline.rows("SELECT 1 / :zero", {"zero": 0})
    assert len(known_after_rollback(pipeline, connection)) == 4  # SELECT 1, BEGIN, 1 / 0, ROLLBACK


def known_after_rollback(pipeline: Pipeline, connection: psycopg.Connection[Any]) -> set[str]:
    pipeline.rows("ROLLBACK", {})
    pipeline.rows("ROLLBACK", {})
    return known(connection)


def test_nothing_is_carried_out_before_it_is_asked_for(
    pipeline: Pipeline, connection: psycopg.Connection[Any]
) -> None:
    pipeline.later(INSERT, {"name": "a"})
    assert names(connection) == []

    pipeline.finish()
    assert names(connection) == ["a"]


def test_what_is_dropped_never_is(pipeline: Pipeline, connection: psycopg.Connection[Any]) -> None:
    pipeline.later(INSERT, {"name": "a"})
    pipeline.drop()
    pipeline.finish()

    assert names(connection) == []


def test_a_statement_that_fails_takes_those_after_it_along(
    pipeline: Pipeline, connection: psycopg.Connection[Any]
) -> None:
    for sql, name in (("BEGIN", ""), (INSERT, "a"), (INSERT, "a"), (INSERT, "b"), ("COMMIT", "")):
        pipeline.later(sql, {"name": name})

    with pytest.raises(psycopg.errors.UniqueViolation, match="things_pkey"):
        pipeline.finish()

    pipeline.rows("ROLLBACK", {})
    assert names(connection) == []
    for name in ("a", "c"):
        pipeline.later(INSERT, {"name": name})
    assert pipeline.rows("SELECT count(*) FROM things", {}) == [(2,)]


def test_a_statement_that_was_never_prepared_is_prepared_when_it_comes_again(
    pipeline: Pipeline,
) -> None:
    for sql in ("SELECT nothing FROM nowhere", "SELECT 1"):
        pipeline.later(sql, {})
    with pytest.raises(psycopg.errors.UndefinedTable):
        pipeline.finish()

    assert pipeline.rows("SELECT 1", {}) == [(1,)]
    pipeline.later("SELECT 2", {})
    assert pipeline.rows("SELECT 1", {}) == [(1,)]


def test_what_was_prepared_before_a_statement_that_failed_is_used_when_it_comes_again(
    pipeline: Pipeline, connection: psycopg.Connection[Any]
) -> None:
    for _ in range(2):
        for sql in ("SELECT 1", "SELECT 1 / :zero"):
            pipeline.later(sql, {"zero": 0})
        with pytest.raises(psycopg.errors.DivisionByZero):
            pipeline.finish()

    assert len(known(connection)) == 2


def long(number: int) -> str:
    """Return a statement of its own that is as long as a client's filter can make one."""
    return f"SELECT {number}" + " + 0" * 1_000


def test_a_long_statement_is_not_kept(
    pipeline: Pipeline, connection: psycopg.Connection[Any]
) -> None:
    assert [pipeline.rows(long(number), {}) for number in (1, 2, 1)] == [[(1,)], [(2,)], [(1,)]]
    found: list[list[Any]] = [[], [], []]
    for number, rows in zip((1, 2, 1), found, strict=True):
        pipeline.later(long(number), {}, rows)
    pipeline.rows("SELECT 3", {})

    assert found == [[(1,)], [(2,)], [(1,)]]
    assert len(known(connection) - {""}) == 1


def test_of_very_many_statements_those_are_kept_that_come_again(
    pipeline: Pipeline, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("provisioner.store.pipeline.time.monotonic", lambda: now)
    again = "SELECT max(name) FROM pg_prepared_statements WHERE statement LIKE '%max(name)%'"
    prepared_as = set()
    for number in range(1_000):
        now += 0.01
        prepared_as |= set(pipeline.rows(again, {}))
        assert pipeline.rows(f"SELECT {number}", {}) == [(number,)]

    assert len(known(connection)) <= 201
    assert len(prepared_as) == 4, "after one second, after two more, and after four more"


@pytest.mark.parametrize("value", [{}, "\ud800"])
def test_a_value_that_cant_be_sent_spoils_nothing(pipeline: Pipeline, value: Any) -> None:
    pipeline.later("SELECT 1", {})
    pipeline.later("SELECT :value", {"value": value})
    with pytest.raises((psycopg.ProgrammingError, UnicodeEncodeError)):
        pipeline.finish()

    assert pipeline.rows("SELECT 2", {}) == [(2,)]


def test_every_kind_of_value_comes_back_as_what_it_was(pipeline: Pipeline) -> None:
    sql = (
        "SELECT CAST(:text AS text), CAST(:none AS text), :yes, :no, :small, :large, :half,"
        " CAST(1.50 AS numeric), :small"
    )
    values = {"text": "Žluť", "none": None, "yes": True, "no": False, "small": -7}

    (row,) = pipeline.rows(sql, values | {"large": 1 << 60, "half": 0.5})

    assert row == ("Žluť", None, True, False, -7, 1 << 60, 0.5, Decimal("1.50"), -7)
    assert [type(value) for value in row[2:7]] == [bool, bool, int, int, float]


def test_a_colon_pair_is_a_cast_and_a_percent_sign_itself(pipeline: Pipeline) -> None:
    assert pipeline.rows("SELECT '5 %'::text || :a", {"a": " :a"}) == [("5 % :a",)]


def test_a_text_that_postgresql_cant_hold_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(psycopg.DataError, match="NUL"):
        pipeline.rows(INSERT, {"name": "a\0b"})


def test_what_cant_be_sent_is_named(pipeline: Pipeline) -> None:
    with pytest.raises(psycopg.ProgrammingError, match="name: a dict can't be sent"):
        pipeline.rows(INSERT, {"name": {}})


def test_more_than_the_wire_holds_at_once_goes_through(pipeline: Pipeline) -> None:
    large = "x" * 3_000_000
    for number in range(5):
        pipeline.later(INSERT, {"name": f"{number}"})
        pipeline.later("UPDATE things SET name = name || length(:large)", {"large": large})

    assert (
        len(pipeline.rows("SELECT name, CAST(:large AS text) FROM things", {"large": large})) == 5
    )


class EndedByTheServer:
    """A connection that the server ends when it has answered everything."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def exit_pipeline_mode(self) -> None:
        self._connection.exit_pipeline_mode()
        raise psycopg.OperationalError("terminating connection due to administrator command")


def test_what_the_server_said_it_carried_out_is_so_although_the_connection_ends_then(
    pipeline: Pipeline, connection: psycopg.Connection[Any]
) -> None:
    ending = Pipeline(EndedByTheServer(connection.pgconn))  # type: ignore[arg-type]
    for sql, values in (("BEGIN", {}), (INSERT, {"name": "a"}), ("COMMIT", {})):
        ending.later(sql, values)

    ending.finish()

    assert names(connection) == ["a"]
    assert ending.broken
    assert not pipeline.broken


@pytest.mark.usefixtures("pipeline")
def test_what_failed_has_failed_although_the_connection_ends_then(
    connection: psycopg.Connection[Any],
) -> None:
    connection.execute("INSERT INTO things (name) VALUES ('a')")
    ending = Pipeline(EndedByTheServer(connection.pgconn))  # type: ignore[arg-type]
    for sql, values in (("BEGIN", {}), (INSERT, {"name": "a"}), ("COMMIT", {})):
        ending.later(sql, values)

    with pytest.raises(psycopg.errors.UniqueViolation):
        ending.finish()
    connection.pgconn.exec_(b"ROLLBACK")

    assert ending.broken


def test_a_connection_that_the_server_ended_is_seen_before_it_is_used(
    connection: psycopg.Connection[Any],
) -> None:
    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        pipeline = Pipeline(other.pgconn)
        (pid,) = pipeline.rows("SELECT pg_backend_pid()", {})[0]
        assert not pipeline.broken
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert pipeline.broken
        pipeline.later("SELECT 1", {})
        with pytest.raises(psycopg.OperationalError):
            pipeline.rows("SELECT 2", {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS), numbers=st.lists(st.integers(-(1 << 63), (1 << 63) - 1)))
def test_lists_arrive_as_they_are(pipeline: Pipeline, texts: list[str], numbers: list[int]) -> None:
    for kind, values in (("text", texts), ("bigint", numbers)):
        sql = f"SELECT value FROM unnest(CAST(:each AS {kind}[])) WITH ORDINALITY AS e (value, n) ORDER BY n"
        assert pipeline.rows(sql, {"each": values}) == [(value,) for value in values]
