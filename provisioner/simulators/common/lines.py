"""The project's snapshot lines, which an inventory writes and a simulator begins with.

A first line may be a catalog that counts the pools; then one phone user a line: person, room or
common area.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from .database import Database


class SnapshotError(ValueError):
    """A line that no account can hold, or that is no snapshot line; says which and why."""


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a snapshot; absent and null members mean none.

    What an inventory concludes from the rest (`counts_as`, `seatless`, `by_hand`) follows in a simulator by itself.
    """

    id: str
    key: str | None = None
    kind: Literal["person", "room", "common_area"] = "person"
    email: str | None = None
    status: Literal["active", "inactive", "pending", "trashed"] = "active"
    display_name: str | None = None
    department: str | None = None
    job_title: str | None = None
    license: str | None = None
    packages: list[str] | None = None
    template: str | None = None
    site: str | None = None
    extension_number: str | None = None
    numbers: list[str] | None = None
    delegates: list[str] | None = None
    delegate_privileges: list[str] | None = None
    credits: bool | None = None
    softphone: str | None = None
    emergency_address: str | None = None
    usage_location: str | None = None
    role: Literal["member", "admin", "owner"] = "member"
    vendor: dict[str, Any] | None = None
    counts_as: list[str] | None = None
    seatless: list[str] | None = None
    settling: list[str] | None = None
    by_hand: dict[str, str] | None = None


class Catalog(msgspec.Struct, forbid_unknown_fields=True):
    """The first line's `catalog`; templates and numbers are names, or [name, site] pairs."""

    licenses: dict[str, int | None] | None = None
    packages: dict[str, int | None] | None = None
    templates: list[str | tuple[str, str | None]] | None = None
    sites: list[str] | None = None
    numbers: list[str | tuple[str, str | None]] | None = None


class First(msgspec.Struct, forbid_unknown_fields=True):
    """The optional first line."""

    catalog: Catalog


class Loaded(NamedTuple):
    """What a load did: how many lines, and the delegates (delegator's id, name) that nobody is."""

    users: int
    unknown_delegates: tuple[tuple[str, str], ...]


class Loader(Protocol):
    """Takes lines one by one, in a transaction."""

    def take_catalog(self, catalog: Catalog) -> None: ...

    def take(self, line: Line) -> None: ...

    def finish(self) -> Loaded:
        """Do what waits for the last line."""


_line = msgspec.json.Decoder(Line)
_first = msgspec.json.Decoder(First)


def load(
    state: Database,
    make_loader: Callable[[], Loader],
    lines: Iterable[str],
    once: Mapping[str, str],
) -> Loaded:
    """Load snapshot lines, all or none; `once` says in words what a unique column holds.

    Raises SnapshotError naming the line.
    """
    with state.transaction():
        loader = make_loader()
        for number, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            try:
                if number == 1 and '"catalog"' in text[:40]:
                    loader.take_catalog(_first.decode(text).catalog)
                else:
                    loader.take(_line.decode(text))
            except (msgspec.MsgspecError, SnapshotError, sqlite3.IntegrityError) as error:
                raise SnapshotError(f"line {number}: {in_words(error, once)}") from error
        return loader.finish()


def in_words(error: Exception, once: Mapping[str, str]) -> str:
    """Return what is wrong with a line; `once` says in words what a unique column holds."""
    return next((once[column] for column in once if column in str(error)), str(error))
