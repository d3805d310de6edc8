"""Can the store be opened? Looked at without making it, and without bringing it up to date."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from provisioner.checks import Finding, problem
from provisioner.store.database import HEAD


def unusable_store(where: str, url: str) -> Iterator[Finding]:
    """Yield why the store at an SQLAlchemy URL can't be used; `where` is its place in the config."""
    try:
        parsed = make_url(url)
        file = parsed.database if parsed.get_backend_name() == "sqlite" else None
        if file and file != ":memory:" and (said := _file_problem(Path(file))):
            yield problem(where, f"store: {said}")
        elif not file or Path(file).exists():
            version = _version(url)
            if version is not None and version > HEAD:
                yield problem(where, f"store: it is of a newer version of this program ({version})")
    except (SQLAlchemyError, ImportError) as error:
        yield problem(where, f"store: it can't be opened: {_why(error)}")


def _file_problem(file: Path) -> str | None:
    folder = file.parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"the folder {folder} isn't writable"
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        return f"{file} isn't writable"
    return None


def _version(url: str) -> str | None:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            if not connection.dialect.has_table(connection, "alembic_version"):
                return None
            asked = text("SELECT version_num FROM alembic_version")
            return connection.execute(asked).scalar()
    finally:
        engine.dispose()


def _why(error: Exception) -> str:
    """Return the cause alone: what a library adds to it may repeat the URL, with its password."""
    if isinstance(error, DBAPIError):
        return str(error.orig).partition("\n")[0]
    return "its URL can't be used" if isinstance(error, ArgumentError) else type(error).__name__
