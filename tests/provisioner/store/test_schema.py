"""A new store is made at once, an old one by migrations: both have one schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from provisioner.store import database
from provisioner.store.tables import metadata


def described(engine: Engine) -> dict[str, Any]:
    """Every table's columns, keys and indexes, as the database tells them."""
    found = inspect(engine)
    return {
        name: (
            [{**column, "type": str(column["type"])} for column in found.get_columns(name)],
            found.get_pk_constraint(name),
            sorted(found.get_indexes(name), key=str),
        )
        for name in sorted(found.get_table_names())
    }


def migrated(path: Path) -> Engine:
    """Return an engine on a store that migrations alone have made."""
    engine = create_engine(f"sqlite:///{path}")
    database._prepare_sqlite(engine)
    database._migrate(engine, None)
    return engine


def test_a_new_store_has_the_schema_that_the_migrations_make(tmp_path: Path) -> None:
    made = database.open_database(f"sqlite:///{tmp_path}/new.db")

    assert described(made) == described(migrated(tmp_path / "migrated.db"))


def test_a_new_store_has_the_triggers_that_the_migrations_make(tmp_path: Path) -> None:
    asked = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")

    def triggers(engine: Engine) -> list[tuple[str, str]]:
        with engine.connect() as connection:
            return [(name, sql) for name, sql in connection.execute(asked)]

    made = triggers(database.open_database(f"sqlite:///{tmp_path}/new.db"))
    assert len(made) == 2
    assert made == triggers(migrated(tmp_path / "migrated.db"))


def test_the_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    with migrated(tmp_path / "migrated.db").begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_new_store_says_that_it_is_up_to_date(tmp_path: Path) -> None:
    engine = database.open_database(f"sqlite:///{tmp_path}/new.db")

    with engine.begin() as connection:
        versions = connection.execute(text("SELECT version_num FROM alembic_version")).scalars()
        assert list(versions) == [database.HEAD]


def test_a_new_store_can_be_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    before = described(database.open_database(url))

    assert described(database.open_database(url)) == before
