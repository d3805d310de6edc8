"""A store that is older than the audit: its journal begins the chain, and nothing of it is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, inspect, text

from provisioner.audit.proof import prove
from provisioner.audit.walk import Broken
from provisioner.store import database as database_module
from provisioner.store import runs as run_store
from provisioner.store.audit import rows
from provisioner.store.database import open_database, reading
from tests.provisioner.store.made import KINDS, NOW, database

STEPS = 7_000
"""More than the migration takes over at a time."""


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with database(request.param, tmp_path) as url:
        yield url


def old_store(url: str) -> Engine:
    """Make a store as the first version made it."""
    engine = create_engine(url)
    config = Config()
    folder = Path(database_module.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    return engine


def write_journal(engine: Engine, count: int) -> None:
    journal = text(
        "INSERT INTO journal (at, run, plan, seq, event, detail)"
        " VALUES ('2026-11-01T00:00:00.000000Z', 'r1', 1, :seq, :event, :detail)"
    )
    run = text(
        "INSERT INTO runs (id, sync, plan, command, started_at)"
        " VALUES ('r1', 'emea', 1, 'apply', '2026-11-01T00:00:00.000000Z')"
    )
    plan = text(
        "INSERT INTO plans (sync, created_at, scope, mapping, sha256, head)"
        " VALUES ('emea', '2026-11-01T00:00:00.000000Z', 'full', '', '', '{}')"
    )
    said = [
        {"seq": n, "event": "failed", "detail": json.dumps({"reason": f"no Žluť {n}"})}
        for n in range(1, count + 1)
    ]
    with engine.begin() as connection:
        connection.execute(plan)
        connection.execute(run)
        connection.execute(journal, said)


def test_the_journal_becomes_the_beginning_of_the_chain(url: str) -> None:
    old = old_store(url)
    write_journal(old, STEPS)

    engine = open_database(url)

    with reading(engine) as connection:
        walked = prove(connection)
        every = [row for _, row in rows(connection)]
    assert walked.entries == STEPS + 1
    assert [row.seq for row in every[:-1]] == list(range(1, STEPS + 1))
    one = every[41]
    assert (one.sync, one.run, one.plan, one.kind) == ("emea", "r1", 1, "change.failed")
    assert json.loads(one.detail) == {"reason": "no Žluť 42"}
    assert every[-1].kind == "audit.began"
    assert json.loads(every[-1].detail) == {"journal": STEPS, "last_plan": 1, "last_run": "r1"}
    assert not inspect(engine).has_table("journal")
    for each in (old, engine):
        each.dispose()


def test_a_store_taken_over_goes_on_and_misses_what_is_newer(url: str) -> None:
    old = old_store(url)
    write_journal(old, 1)
    engine = open_database(url)
    with engine.begin() as connection:
        run_store.start(connection, "emea", "apply", "1", NOW)

    with reading(engine) as connection:
        assert prove(connection).entries == 3

    with engine.begin() as connection:
        connection.execute(text("UPDATE runs SET id = 'forged' WHERE id <> 'r1'"))
    with (
        pytest.raises(Broken, match="run forged is in the store"),
        reading(engine) as connection,
    ):
        prove(connection)
    for each in (old, engine):
        each.dispose()


def test_an_empty_store_is_taken_over_without_a_word(url: str) -> None:
    old = old_store(url)

    engine = open_database(url)

    with reading(engine) as connection:
        assert prove(connection).entries == 0
    for each in (old, engine):
        each.dispose()
