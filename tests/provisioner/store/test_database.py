"""The database behind the store: opened safely, on SQLite and PostgreSQL, by several at once."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, func, select, text

from connectors.errors import RunError
from provisioner.store import database as database_module
from provisioner.store import rate_board, scim_walks
from provisioner.store.database import (
    HEAD,
    StoreError,
    chunked,
    insert_many,
    open_database,
    reading,
    upsert_many,
)
from provisioner.store.tables import applied, metadata, syncs
from tests.provisioner.store.made import KINDS, database

MIGRATIONS = Path(database_module.__file__).parent / "migrations"


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "own.db"


def at_once(count: int, work: Callable[[int], None]) -> None:
    """Do the work so many times at the same moment; raise what it raised."""
    start, failures = threading.Barrier(count), list[Exception]()

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=run, args=[n]) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in failures:
        raise error


def test_the_newest_migration_is_the_one_that_the_program_opens_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_the_migrations_make_just_the_tables_that_the_program_uses(engine: Engine) -> None:
    postgresql = engine.dialect.name == "postgresql"
    used = [metadata, rate_board.metadata, scim_walks.metadata] if postgresql else [metadata]
    with reading(engine) as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, used) == []  # type: ignore[arg-type]  # takes several too


def test_a_store_that_is_opened_again_keeps_what_it_holds(url: str) -> None:
    with open_database(url).begin() as connection:
        connection.execute(syncs.insert().values(sync="emea"))

    with reading(open_database(url)) as connection:
        assert connection.execute(select(syncs.c.sync)).scalars().all() == ["emea"]


def test_a_store_that_several_processes_open_first_is_made_once(url: str) -> None:
    def work(number: int) -> None:
        engine = open_database(url)
        with engine.begin() as connection:
            connection.execute(syncs.insert().values(sync=f"s{number}"))
        engine.dispose()

    at_once(8, work)

    with reading(open_database(url)) as connection:
        assert connection.execute(select(func.count()).select_from(syncs)).scalar_one() == 8


def test_a_store_of_a_newer_version_is_refused(url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(RunError, match=r"newer version of this program \(schema 9999\)"):
        open_database(url)


def test_a_database_with_somebody_elses_tables_is_left_alone(url: str) -> None:
    other = create_engine(url)
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE plans (dinner INTEGER)"))

    with pytest.raises(RunError, match="can't be this program's store") as refused:
        open_database(url)

    assert "give `store` a database of its own" in str(refused.value)
    with other.connect() as connection:
        assert connection.execute(text("SELECT dinner FROM plans")).all() == []
    other.dispose()


def test_a_new_store_is_its_owners_alone_with_all_its_files(file: Path) -> None:
    engine = open_database(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(syncs.insert().values(sync="emea"))

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == {"own.db": 0o600, "own.db-wal": 0o600, "own.db-shm": 0o600}


def test_a_store_that_its_owner_shares_stays_shared(file: Path) -> None:
    open_database(f"sqlite:///{file}").dispose()
    file.chmod(0o640)

    open_database(f"sqlite:///{file}").dispose()

    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////no/such/folder/store.db", "/no/such/folder/store.db can't be opened: .* No such file"),
        ("sqlite:////tmp", "sqlite:////tmp can't be opened: .*"),
        ("oracle9://x", "the store's URL can't be used"),
        ("nonsense", "the store's URL can't be used"),
        ("postgresql+psycopg://u:hunter2@127.0.0.1:1/x", r"u:\*\*\*@127.0.0.1:1/x can't be opened"),
    ],
)  # fmt: skip
def test_a_store_that_cannot_be_opened_is_told_in_plain_words(url: str, said: str) -> None:
    with pytest.raises(RunError, match=said) as refused:
        open_database(url)

    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_no_database_is_told_so(file: Path) -> None:
    file.write_text("this is a letter\n" * 100)

    with pytest.raises(RunError, match=r"own\.db can't be opened: file is not a database"):
        open_database(f"sqlite:///{file}")

    assert file.read_text().startswith("this is a letter")


def test_a_reader_holds_up_no_writer_and_sees_one_state(engine: Engine) -> None:
    with reading(engine) as reader:
        before = reader.execute(select(func.count()).select_from(syncs)).scalar_one()
        with engine.begin() as writer:
            writer.execute(syncs.insert().values(sync="emea"))
        after = reader.execute(select(func.count()).select_from(syncs)).scalar_one()

    assert (before, after) == (0, 0)
    with reading(engine) as reader:
        assert reader.execute(select(func.count()).select_from(syncs)).scalar_one() == 1


def test_two_who_read_and_then_write_lose_nothing(engine: Engine) -> None:
    def work(number: int) -> None:
        for n in range(5):
            with engine.begin() as connection:
                connection.execute(select(func.count()).select_from(syncs)).scalar_one()
                connection.execute(syncs.insert().values(sync=f"{number}-{n}"))

    at_once(6, work)

    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(syncs)).scalar_one() == 30


def test_a_store_that_another_process_keeps_locked_is_a_store_error(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_MS", 20)
    engine = open_database(f"sqlite:///{file}")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match="the store failed: database is locked"), engine.begin():
        pass

    with reading(engine) as connection:  # whoever only reads doesn't mind
        assert connection.execute(select(syncs.c.sync)).all() == []
    other.close()


def test_a_full_disk_is_a_store_error_and_nothing_is_half_written(file: Path) -> None:
    engine = open_database(f"sqlite:///{file}")

    @event.listens_for(engine, "begin")
    def full(connection: object) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]

    rows = [(f"s{n}", "x" * 1000, None) for n in range(100)]
    with (
        pytest.raises(StoreError, match="database or disk is full"),
        engine.begin() as connection,
    ):
        insert_many(connection, syncs, rows)

    with reading(engine) as connection:
        assert connection.execute(select(syncs.c.sync)).all() == []


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_server_that_went_away_is_a_store_error_and_comes_back(engine: Engine) -> None:
    with engine.connect() as victim:
        pid = victim.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with engine.connect() as killer:
            killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(StoreError):
            victim.execute(select(syncs.c.sync))

    with reading(engine) as connection:
        assert connection.execute(select(syncs.c.sync)).all() == []


def test_a_fault_of_our_own_is_no_store_error(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(syncs.insert().values(sync="emea"))

    with pytest.raises(Exception, match=r"(?i)unique") as failed, engine.begin() as connection:
        connection.execute(syncs.insert().values(sync="emea"))

    assert not isinstance(failed.value, RunError)


def test_many_rows_are_inserted_and_replaced_by_their_key(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_many(
            connection, applied, (("emea", f"k{n}", "template", "1") for n in range(12_000))
        )
        upsert_many(
            connection, applied, (("emea", f"k{n}", "template", "2") for n in range(1, 12_001))
        )

    with reading(engine) as connection:
        counted = select(applied.c.value, func.count()).group_by(applied.c.value)
        assert dict(connection.execute(counted).all()) == {"1": 1, "2": 12_000}


def test_long_lists_are_cut_in_a_fixed_order() -> None:
    chunks = list(chunked({f"{n:04}" for n in range(1200)}))

    assert [len(chunk) for chunk in chunks] == [500, 500, 200]
    assert [value for chunk in chunks for value in chunk] == [f"{n:04}" for n in range(1200)]
    assert list(chunked([])) == []
