"""The audit in the store: chained as it commits, by several at once, and never changed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from provisioner.audit.proof import prove
from provisioner.store.audit import HEAD_LOST, Entry, Head, append, head, of_run, rows
from provisioner.store.chain import NOTHING, Row, hash_of
from provisioner.store.database import open_database, reading
from provisioner.store.tables import audit, audit_head, syncs
from tests.provisioner.store.made import KINDS, NOW, database

PROCESSES, EACH = 4, 25


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    yield engine
    engine.dispose()


def add(engine: Engine, *kinds: str, **members: Any) -> None:
    with engine.begin() as connection:
        append(connection, [Entry(kind=kind, **members) for kind in kinds], NOW)


def all_of(engine: Engine, **chosen: Any) -> list[Row]:
    with reading(engine) as connection:
        return [row for _, row in rows(connection, **chosen)]


def test_entries_are_numbered_and_chained_in_the_order_of_their_commits(engine: Engine) -> None:
    add(engine, "a", "b", sync="emea", run="r", plan="7", seq=3, detail={"why": "Žluť"})
    add(engine, "c")

    found = all_of(engine)

    at = "2026-11-23T09:00:00.000000Z"
    assert found[0][:-1] == (1, at, "emea", "r", 7, 3, "a", '{"why":"Žluť"}')
    assert [(row.id, row.kind) for row in found] == [(1, "a"), (2, "b"), (3, "c")]
    prev = NOTHING
    for row in found:
        assert row.hash == hash_of(prev, row)
        prev = row.hash
    with reading(engine) as connection:
        assert head(connection) == Head(3, prev)


def test_an_entry_is_there_only_with_what_it_records(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(syncs).values(sync="emea"))
        append(connection, [Entry(kind="lost")], NOW)
        connection.rollback()

    add(engine, "kept")

    assert [(row.id, row.kind) for row in all_of(engine)] == [(1, "kept")]


def test_what_is_recorded_is_there_only_with_its_entry(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE audit"))

    def work() -> None:
        with engine.begin() as connection:
            connection.execute(insert(syncs).values(sync="emea"))
            append(connection, [Entry(kind="unwritable")], NOW)

    with pytest.raises(SQLAlchemyError):
        work()

    with reading(engine) as connection:
        assert connection.execute(select(syncs)).all() == []


def test_entries_that_name_no_run_are_of_the_transactions(engine: Engine) -> None:
    with engine.begin() as connection:
        append(connection, [Entry(kind="before"), Entry(kind="own", run="other")], NOW)
        of_run(connection, "r1")
        append(connection, [Entry(kind="after")], NOW)
    add(engine, "next")

    found = {row.kind: row.run for row in all_of(engine)}

    assert found == {"before": "r1", "own": "other", "after": "r1", "next": None}


def test_a_transaction_without_entries_leaves_the_chain_alone(engine: Engine) -> None:
    add(engine, "a")
    with engine.begin() as connection:
        append(connection, [], NOW)
        of_run(connection, "r1")

    with reading(engine) as connection:
        assert head(connection) == Head(1, all_of(engine)[0].hash)


@pytest.mark.parametrize("how", [update(audit).values(kind="x"), delete(audit)])
def test_the_database_refuses_to_change_an_entry_or_take_it_away(engine: Engine, how: Any) -> None:
    add(engine, "a")

    with pytest.raises(DBAPIError, match="the audit is append-only"), engine.begin() as connection:
        connection.execute(how)

    assert [row.kind for row in all_of(engine)] == ["a"]


def test_a_lost_record_of_the_end_is_made_anew_and_told(engine: Engine) -> None:
    add(engine, "a", "b")
    with engine.begin() as connection:
        connection.execute(delete(audit_head))

    add(engine, "c")

    assert [row.kind for row in all_of(engine)] == ["a", "b", HEAD_LOST, "c"]
    with reading(engine) as connection:
        assert prove(connection).entries == 4


def test_entries_are_picked_by_moment_sync_and_run(engine: Engine) -> None:
    hour = timedelta(hours=1)
    for number, sync in enumerate(("emea", "apac", "emea")):
        add(engine, f"k{number}", sync=sync, run=f"r{number}", at=NOW + number * hour)

    def picked(**chosen: Any) -> list[str]:
        return [row.kind for row in all_of(engine, **chosen)]

    assert picked(since=NOW + hour) == ["k1", "k2"]
    assert picked(until=NOW + hour) == ["k0"]
    assert picked(sync="emea") == ["k0", "k2"]
    assert picked(run="r1") == ["k1"]
    assert picked(since=NOW + hour, sync="emea") == ["k2"]


def test_a_picked_entry_comes_with_the_hash_of_the_one_before_it(engine: Engine) -> None:
    add(engine, "a", "b")
    add(engine, "c", run="r1")
    first, second, third = all_of(engine)

    with reading(engine) as connection:
        assert list(rows(connection, run="r1")) == [(second.hash, third)]
        assert next(rows(connection)) == (NOTHING, first)


def test_threads_that_lock_the_same_rows_in_any_order_never_block_each_other(
    engine: Engine,
) -> None:
    """Whoever appends first and then writes a row could wait for one who does it the other way."""
    start, failures = threading.Barrier(2), list[Exception]()

    def work(first: bool) -> None:
        start.wait()
        try:
            for _ in range(20):
                with engine.begin() as connection:
                    if first:
                        append(connection, [Entry(kind="a")], NOW)
                    connection.execute(text("UPDATE syncs SET adopted_by = 'x'"))
                    if not first:
                        append(connection, [Entry(kind="b")], NOW)
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    with engine.begin() as connection:
        connection.execute(insert(syncs).values(sync="emea"))
    threads = [threading.Thread(target=work, args=[first]) for first in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(all_of(engine)) == 40


WRITER = """
import sys
from datetime import UTC, datetime
from provisioner.store.audit import Entry, append
from provisioner.store.database import open_database
url, name, each = sys.argv[1], sys.argv[2], int(sys.argv[3])
engine = open_database(url)
print("ready", flush=True)
sys.stdin.readline()
for n in range(each):
    with engine.begin() as connection:
        entries = [Entry(kind=f"{name}.{n}.{k}") for k in range(1 + n % 3)]
        append(connection, entries, datetime.now(UTC))
        if n % 5 == 4:
            connection.rollback()
"""


def test_several_processes_leave_one_unbroken_chain(url: str) -> None:
    engine = open_database(url)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, f"p{number}", str(EACH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.communicate("go\n")

    assert [writer.returncode for writer in writers] == [0] * PROCESSES
    with reading(engine) as connection:
        walked = prove(connection)
    kept = [n for n in range(EACH) if n % 5 != 4]
    assert walked.entries == PROCESSES * sum(1 + n % 3 for n in kept)
    for number in range(PROCESSES):
        own = [row.kind for row in all_of(engine) if row.kind.startswith(f"p{number}.")]
        assert own == [f"p{number}.{n}.{k}" for n in kept for k in range(1 + n % 3)]
    engine.dispose()
