"""Proving the audit of a store, on either database: what was done to it is found and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, update

from provisioner.audit.proof import prove
from provisioner.audit.walk import Broken, Walked
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.audit import Entry, append, rows
from provisioner.store.chain import Row, hash_of
from provisioner.store.database import reading
from provisioner.store.tables import audit, audit_head
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture
def kept(engine: Engine) -> Engine:
    """A store with a plan, a run of it and some calls: nine entries."""
    with engine.begin() as connection:
        calls = [Entry(kind="call", detail={"path": f"/users/{n}"}) for n in range(5)]
        append(connection, calls, NOW)
    with engine.begin() as connection:
        plan = plan_store.record(connection, a_plan(change(1)))
    with engine.begin() as connection:
        run = run_store.start(connection, "emea", "apply", plan.id, NOW)
        run_store.note(connection, run, plan.id, [(1, "done", {})], NOW)
    with engine.begin() as connection:
        run_store.end(connection, run, 0, {}, NOW)
    return engine


def proven(engine: Engine, sought: str | None = None) -> Walked:
    with reading(engine) as connection:
        return prove(connection, sought)


def tamper(engine: Engine, *statements: Any) -> None:
    """Do to the audit what somebody with all rights on the database can do."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER audit_no_update")
            connection.exec_driver_sql("DROP TRIGGER audit_no_delete")
        else:
            connection.exec_driver_sql("DROP TRIGGER audit_stays ON audit")
        for statement in statements:
            connection.execute(statement)


def row_of(connection: Connection, number: int) -> Row:
    return Row(*connection.execute(select(audit).where(audit.c.id == number)).one())


def test_a_store_that_nobody_touched_is_proven(kept: Engine) -> None:
    walked = proven(kept)

    assert walked.entries == 9
    assert walked.last is not None
    assert proven(kept, walked.last.hash).found == 9


def test_an_empty_store_is_proven(engine: Engine) -> None:
    assert proven(engine).entries == 0


AFTER = audit.c.id > 3
TAMPERINGS: dict[str, tuple[list[Any], str]] = {
    "a detail altered": (
        [update(audit).where(audit.c.id == 4).values(detail="{}")],
        r"entry 4 \(.*, call\) is not as it was written after entry 3",
    ),
    "a hash altered": (
        [update(audit).where(audit.c.id == 4).values(hash="0" * 64)],
        r"entry 4 .*is not as it was written",
    ),
    "an entry removed": ([delete(audit).where(audit.c.id == 4)], "entry 4 is missing; entry 5 "),
    "the first ones removed": ([delete(audit).where(~AFTER)], "entries 1 to 3 are missing"),
    "the end cut off": (
        [delete(audit).where(AFTER)],
        "the end is cut off: entries 4 to 9 are missing",
    ),
    "all removed": ([delete(audit)], "the end is cut off: entries 1 to 9 are missing"),
    "all removed, and the record of the end": (
        [delete(audit), delete(audit_head)],
        "plan 1 is in the store, and no entry says that it was made",
    ),
    "two exchanged": (
        [
            update(audit).where(audit.c.id == 2).values(id=100),
            update(audit).where(audit.c.id == 3).values(id=2),
            update(audit).where(audit.c.id == 100).values(id=3),
        ],
        r"entry 2 .*is not as it was written",
    ),
    "one put in at the end": (
        [insert(audit).values(id=10, at="", kind="call", detail="{}", hash="0" * 64)],
        r"entry 10 .*is not as it was written",
    ),
    "the record of the end removed": (
        [delete(audit_head)],
        "the record of where the chain ends is missing",
    ),
    "the record of the end altered": (
        [update(audit_head).values(hash="0" * 64)],
        "entry 9 is not the one that was written last",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_was_done_to_the_audit_is_found_and_named(kept: Engine, what: str) -> None:
    statements, said = TAMPERINGS[what]
    tamper(kept, *statements)

    with pytest.raises(Broken, match=said):
        proven(kept)


def cut(engine: Engine, after: int) -> None:
    """Cut the end off, and have the record of the end say so."""
    with reading(engine) as connection:
        last = row_of(connection, after)
    shorter = update(audit_head).values(entries=after, hash=last.hash)
    tamper(engine, delete(audit).where(audit.c.id > after), shorter)


def test_an_end_cut_off_by_one_who_knows_the_record_of_it_is_missed_by_the_run(
    kept: Engine,
) -> None:
    cut(kept, 6)

    with pytest.raises(Broken, match=r"run .* is in the store, and no entry says that it began"):
        proven(kept)


def test_an_end_cut_off_with_all_that_it_was_about_is_missed_by_a_head_kept_elsewhere(
    kept: Engine,
) -> None:
    walked = proven(kept)
    assert walked.last is not None
    cut(kept, 8)

    assert proven(kept, walked.last.hash).found is None


def test_an_entry_put_in_with_a_right_hash_stands_after_the_end(kept: Engine) -> None:
    with reading(kept) as connection:
        last = row_of(connection, 9)
    forged = last._replace(id=10)
    forged = forged._replace(hash=hash_of(last.hash, forged))
    tamper(kept, insert(audit).values(forged._asdict()))

    with pytest.raises(Broken, match="entry 10 and what follows stand after the chain's end"):
        proven(kept)


def test_appending_goes_on_after_an_end_that_was_cut_off_and_never_hides_it(kept: Engine) -> None:
    tamper(kept, delete(audit).where(audit.c.id > 7))
    with kept.begin() as connection:
        append(connection, [Entry(kind="later")], NOW)

    with pytest.raises(Broken, match="entries 8 to 9 are missing; entry 10 "):
        proven(kept)


def test_a_chain_is_proven_as_it_was_when_the_walk_began(kept: Engine) -> None:
    with reading(kept) as connection:
        first = next(rows(connection))
        with kept.begin() as writer:
            append(writer, [Entry(kind="meanwhile")], NOW)
        walked = prove(connection)

    assert first[1].id == 1
    assert walked.entries == 9
    assert proven(kept).entries == 10


@pytest.mark.parametrize(
    "alter", [lambda row: row._replace(plan=8), lambda row: row._replace(seq=2)]
)
def test_to_whom_an_outcome_belongs_is_proven_too(
    kept: Engine, alter: Callable[[Row], Row]
) -> None:
    with reading(kept) as connection:
        altered = alter(row_of(connection, 8))
    tamper(kept, update(audit).where(audit.c.id == 8).values(altered._asdict()))

    with pytest.raises(
        Broken, match=r"entry 8 \(.*, change.done, plan .\) is not as it was written"
    ):
        proven(kept)
