"""The board of rate limits: one for all processes, wherever the store is, and never in its way."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from provisioner.store.database import StoreError, open_database
from provisioner.store.rate_board import TableBoard, find_board, open_board
from tests.provisioner.store.made import KINDS, database, store


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def opened(engine: Engine) -> TableBoard:
    board = open_board(engine)
    assert board is not None
    return board


def add(written: bytes, _: float) -> tuple[bytes, int]:
    """Write one letter more, and return how many there were."""
    return written + b"x", len(written)


def test_what_one_board_writes_the_others_read(engine: Engine) -> None:
    one, other = opened(engine), opened(engine)

    assert one.read("acme") == b""
    assert [board.rewrite("acme", add) for board in (one, other, one)] == [0, 1, 2]
    assert (other.read("acme"), other.read("another")) == (b"xxx", b"")


@pytest.mark.parametrize("there", [False, True])
def test_whoever_was_overtaken_while_they_worked_reads_again(engine: Engine, there: bool) -> None:
    one, other = opened(engine), opened(engine)
    if there:
        one.rewrite("acme", add)
    seen: list[bytes] = []

    def slow(written: bytes, now: float) -> tuple[bytes, int]:
        seen.append(written)
        if len(seen) == 1:
            other.rewrite("acme", add)
        return add(written, now)

    before = b"x" * there
    assert one.rewrite("acme", slow) == len(before) + 1
    assert seen == [before, before + b"x"]
    assert other.read("acme") == before + b"xx"


def test_a_step_that_fails_writes_nothing_and_blocks_nobody(engine: Engine) -> None:
    board = opened(engine)

    def fail(_: bytes, __: float) -> tuple[bytes, None]:
        raise ValueError

    with pytest.raises(ValueError):
        board.rewrite("acme", fail)

    assert board.rewrite("acme", add) == 0


def test_postgresql_counts_by_the_servers_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store("postgresql", tmp_path) as engine:
        with engine.connect() as connection:
            server = connection.execute(text("SELECT extract(epoch FROM now())")).scalar()
        monkeypatch.setattr(time, "time", lambda: 0.0)

        now = opened(engine).rewrite("acme", lambda written, now: (written, now))

    assert server is not None
    assert 0 <= now - float(server) < 60


def test_beside_a_sqlite_store_the_machines_clock_counts(tmp_path: Path) -> None:
    with store("sqlite", tmp_path) as engine:
        before = time.time()
        now = opened(engine).rewrite("acme", lambda written, now: (written, now))

    assert before <= now <= time.time()


def test_a_sqlite_store_that_is_being_written_keeps_no_request_waiting(tmp_path: Path) -> None:
    with store("sqlite", tmp_path) as engine, engine.begin():  # a run that records a large plan
        assert opened(engine).rewrite("acme", add) == 0


def test_the_file_beside_a_sqlite_store_is_its_owners_alone(tmp_path: Path) -> None:
    with store("sqlite", tmp_path) as engine:
        opened(engine)

    mode = (tmp_path / "store-rates.db").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_file_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    with store("sqlite", tmp_path) as engine:
        board = opened(engine)
        board.rewrite("acme", add)
        board.close()
        for file in tmp_path.glob("store-rates.db*"):
            file.unlink()

        assert opened(engine).rewrite("acme", add) == 0


def test_a_store_in_memory_has_no_board() -> None:
    assert open_board(open_database("sqlite://")) is None


def test_a_file_that_is_none_of_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "store-rates.db").write_text("a shopping list, long enough to be no database" * 9)

    with store("sqlite", tmp_path) as engine, pytest.raises(StoreError, match=r"store-rates\.db"):
        opened(engine)


def test_a_connection_that_broke_is_made_anew(tmp_path: Path) -> None:
    with store("postgresql", tmp_path) as engine:
        board = opened(engine)
        board.rewrite("acme", add)
        with board._engine.connect() as connection:
            server = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": server})

        assert board.rewrite("acme", add) == 1


def test_a_server_that_is_gone_is_a_store_error() -> None:
    engine = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")

    with pytest.raises(StoreError, match="rate limits"):
        opened(engine).read("acme")


def test_a_board_is_found_only_where_one_is_in_use(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    assert find_board(url) is None
    assert list(tmp_path.iterdir()) == []
    opened(open_database(url)).rewrite("acme", add)

    found = find_board(url)

    assert found is not None
    assert found.read("acme") == b"x"


def test_a_board_on_postgresql_is_found_only_where_there_is_a_store(tmp_path: Path) -> None:
    with database("postgresql", tmp_path) as url:
        assert find_board(url) is None
        open_database(url)

        assert find_board(url) is not None


def test_no_board_is_found_on_a_server_that_does_not_answer() -> None:
    assert find_board("postgresql+psycopg://nobody@127.0.0.1:1/none") is None
