"""The drivers' own connections: shared by threads, durable when they say so, and replaced when they die."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from connectors.errors import RunError
from provisioner.store import turns
from provisioner.store.beside import open_apart
from provisioner.store.database import BUSY_MS, StoreError, engine_on, open_database
from provisioner.store.direct import Direct, NotUnique, Session
from tests.provisioner.store.made import KINDS, database, store

INSERT = "INSERT INTO scim_keys (name, secret) VALUES (:name, :secret)"


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture
def direct(engine: Engine) -> Iterator[Direct]:
    direct = Direct(engine)
    yield direct
    direct.close()


def names(direct: Direct) -> list[str]:
    rows = direct.read(lambda session: session.rows("SELECT name FROM scim_keys ORDER BY name"))
    return [name for (name,) in rows]


def test_what_is_written_is_read_by_everybody(direct: Direct, engine: Engine) -> None:
    direct.write(lambda session: session.run(INSERT, name="a", secret="100 % :name ::x"))

    read = Direct(engine).read(lambda session: session.row("SELECT name, secret FROM scim_keys"))

    assert read == ("a", "100 % :name ::x")


@pytest.mark.parametrize("kind", KINDS)
def test_every_connection_waits_for_the_disk(kind: str, tmp_path: Path) -> None:
    asked = "PRAGMA synchronous" if kind == "sqlite" else "SHOW synchronous_commit"
    with database(kind, tmp_path) as url:
        careless = f"{url}%20-csynchronous_commit%3Doff" if kind == "postgresql" else url
        engine = open_database(careless)
        direct = Direct(engine)
        with (
            direct.snapshot() as session,
            engine.connect() as connection,
        ):  # so that there are three
            found = {
                session.rows(asked)[0][0],
                direct.write(lambda other: other.rows(asked))[0][0],
                connection.execute(text(asked)).scalar(),
            }
        direct.close()
        engine.dispose()

    assert found == {2 if kind == "sqlite" else "on"}  # 2 is FULL


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_no_connection_waits_for_ever_for_a_server_that_is_gone(engine: Engine) -> None:
    own = engine_on(engine.url.update_query_dict({"tcp_user_timeout": "5000"}).render_as_string())
    board = open_apart(engine.url, "the board")

    asked = [psycopg_parameters(each) for each in (engine, board, own)]
    own.dispose()
    board.dispose()

    assert [each["connect_timeout"] for each in asked] == ["10"] * 3
    assert [each["tcp_user_timeout"] for each in asked] == ["20000", "20000", "5000"]
    assert {each["keepalives_idle"] for each in asked} == {"10"}


def psycopg_parameters(engine: Engine) -> dict[str, str]:
    """Return with what parameters libpq has connected."""
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        found: dict[str, str] = driver.info.get_parameters()
        return found


def test_what_raises_undoes_the_whole_transaction(direct: Direct) -> None:
    def work(session: Session) -> None:
        session.run(INSERT, name="a", secret="s")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        direct.write(work)

    assert names(direct) == []


def test_a_row_that_is_there_is_told_by_name(direct: Direct) -> None:
    direct.write(lambda session: session.run(INSERT, name="a", secret="s"))

    with pytest.raises(NotUnique):
        direct.write(lambda session: session.run(INSERT, name="a", secret="t"))

    direct.write(lambda session: session.run(INSERT, name="b", secret="t"))
    assert names(direct) == ["a", "b"]


def test_a_snapshot_stays_as_it_is(direct: Direct) -> None:
    with direct.snapshot() as session:
        before = session.rows("SELECT name FROM scim_keys")
        direct.write(lambda other: other.run(INSERT, name="a", secret="s"))
        assert session.rows("SELECT name FROM scim_keys") == before == []

    assert names(direct) == ["a"]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_dead_connections_are_replaced(direct: Direct, engine: Engine) -> None:
    killer = Direct(engine)

    def own() -> int:
        row = direct.read(lambda session: session.row("SELECT pg_backend_pid()"))
        assert row is not None
        return int(row[0])

    def kill(pid: int) -> None:
        killer.read(
            lambda session: session.row(
                "SELECT pg_terminate_backend(CAST(:pid AS integer), 10000)", pid=pid
            )
        )

    with direct.snapshot():  # so that two are kept
        second = own()
    for pid in {own(), second}:
        kill(pid)
    assert names(direct) == []
    kill(own())
    direct.write(lambda session: session.run(INSERT, name="a", secret="s"))

    killer.close()
    assert names(direct) == ["a"]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_two_who_wait_for_each_other_both_get_their_way(direct: Direct) -> None:
    for name in ("a", "b"):
        direct.write(lambda session, name=name: session.run(INSERT, name=name, secret=""))  # type: ignore[misc]
    both = threading.Barrier(2)

    def crosswise(first: str, second: str) -> None:
        tries = []

        def work(session: Session) -> None:
            tries.append(1)
            session.run("UPDATE scim_keys SET secret = secret || 'x' WHERE name = :n", n=first)
            session.row("SELECT 1")  # the row is this transaction's now
            if len(tries) == 1:
                both.wait()
            session.run("UPDATE scim_keys SET secret = secret || 'x' WHERE name = :n", n=second)

        direct.write(work)

    threads = [threading.Thread(target=crosswise, args=names) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows = direct.read(lambda session: session.rows("SELECT secret FROM scim_keys"))
    assert rows == [("xx",), ("xx",)]


def test_a_child_process_has_connections_of_its_own(direct: Direct) -> None:
    assert names(direct) == []
    (kept,) = direct._idle  # held here, so that no other object can be at its address
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        shared = direct.read(lambda session: session is kept)
        os.write(writing, b"shared" if shared else b"own")
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 100) == b"own"
    assert direct.read(lambda session: session is kept)


def test_a_store_that_fails_is_a_store_error(direct: Direct) -> None:
    direct.write(lambda session: session.run("DROP TABLE scim_dirty"))

    with pytest.raises(Exception, match="scim_dirty") as failed:
        direct.read(lambda session: session.rows("SELECT * FROM scim_dirty"))

    assert isinstance(failed.value, RunError) == (not direct.postgresql)


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/store.db", "postgresql+psycopg://127.0.0.1:1/x"]
)
def test_a_store_that_is_not_there_is_a_store_error(url: str) -> None:
    direct = Direct(engine_on(url))

    for ask in (direct.read, direct.write):
        with pytest.raises(StoreError, match="the store failed"):
            ask(lambda session: session.row("SELECT 1"))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_store_that_is_locked_for_too_long_is_a_store_error(
    engine: Engine, direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner.store.database.BUSY_MS", 20)
    with engine.begin(), pytest.raises(StoreError, match="locked"):
        direct.write(lambda session: session.run(INSERT, name="a", secret="s"))


def test_many_who_write_to_a_locked_store_are_told_at_the_same_time_and_not_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.6)
    monkeypatch.setattr(turns, "SHORT_S", 0.05)
    direct = Direct(open_database(f"sqlite:///{tmp_path / 'store.db'}"))
    direct.write(lambda session: session.run(INSERT, name="before", secret="x"))
    waited: list[float] = []

    def write(number: int) -> None:
        began = time.monotonic()
        with pytest.raises(StoreError, match="locked"):
            direct.write(lambda session: session.run(INSERT, name=str(number), secret="x"))
        waited.append(time.monotonic() - began)

    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        write(9)  # and who comes later waits a moment only
        assert names(direct) == ["before"]
        other.execute("ROLLBACK")

    assert len(waited) == 9
    assert max(waited) < 3
    assert waited[-1] < 0.5
    direct.write(lambda session: session.run(INSERT, name="later", secret="x"))
    busy = direct.read(lambda session: session.row("PRAGMA busy_timeout"))
    assert (names(direct), busy) == (["before", "later"], (BUSY_MS,))
    direct.close()
