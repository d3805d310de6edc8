"""Finding one person among all who are remembered, by whatever name a directory gives them.

Names are indexed (entry_names.py) only where the mapping manages delegates: elsewhere nobody looks for a name
but people who ask about somebody. So the blocks of entries are gone through, and only those in which
the name stands at all are taken apart.
"""

from __future__ import annotations

import difflib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from heapq import nlargest
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, select

from connectors.columns import Columns
from connectors.records import Person, fold
from provisioner.spool import decode_person
from provisioner.store.entries import unpacked
from provisioner.store.tables import bindings, entries

_COMPARED = 200
"""Names that are compared letter by letter with one that is nobody's."""
_NEAR = 3

Names: TypeAlias = Callable[[Person], Iterator[str]]
"""What gives the names by which somebody may be asked for."""


def names_of(person: Person) -> Iterator[str]:
    """Yield every name by which somebody may be asked for: key, userName, and mail addresses."""
    yield person.key
    if user_name := person.resource.get("userName"):
        yield str(user_name)
    for email in person.resource.get("emails", ()):
        if value := email.get("value"):
            yield str(value)


def display_names_of(person: Person) -> Iterator[str]:
    """Yield by what people call somebody, who may share that with others."""
    if shown := person.resource.get("displayName"):
        yield str(shown)
    name = person.resource.get("name") or {}
    if shown := name.get("formatted"):
        yield str(shown)
    if (given := name.get("givenName")) and (family := name.get("familyName")):
        yield f"{given} {family}"


def is_called(person: Person, folded: str, names: Names = names_of) -> bool:
    """Return whether one of the person's names is this one."""
    return any(fold(name) == folded for name in names(person))


def called(connection: Connection, sync: str, name: str, names: Names = names_of) -> dict[str, str]:
    """Return who is called so in any directory, at its last accepted read: how reports name them, by folded key.

    Of those who are gone, whoever is bound is still known. `names` are those that count.
    """
    folded = fold(name)
    # a display name may stand there in two parts, its given and its family name
    part = max(folded.split() or [""], key=len) if names is display_names_of else folded
    needle = part.encode() if part.isascii() else None
    return {
        fold(person.key): person.user
        for person in _everybody(connection, sync, needle)
        if is_called(person, folded, names)
    }


class Found(NamedTuple):
    """Somebody in a directory: how reports name them, and by what people call them, "" if nothing is known."""

    key: str
    user: str
    shown: str


def like(connection: Connection, sync: str, text: str, most: int) -> list[Found]:
    """Return people, `most` at most, of whom some name holds the text, in the order of the store.

    Everybody is looked at whom a directory had at its last accepted read, and of the gone who is bound.
    """
    folded = fold(text)
    needle = folded.encode() if folded.isascii() and " " not in folded else None
    found: dict[str, Found] = {}
    for person in _everybody(connection, sync, needle):
        names = (*names_of(person), *display_names_of(person))
        if any(folded in fold(name) for name in names):
            shown = next(display_names_of(person), "")
            found.setdefault(fold(person.key), Found(person.key, person.user, shown))
            if len(found) >= most:
                break
    return list(found.values())


def bound_as(connection: Connection, sync: str, phone_id: str) -> str | None:
    """Return the folded key of whoever is bound to the phone user of that id."""
    asked = select(bindings.c.key).where(bindings.c.sync == sync, bindings.c.phone_id == phone_id)
    return connection.execute(asked).scalar()


def known_names(connection: Connection, sync: str) -> Iterator[str]:
    """Yield the names of everybody who is remembered."""
    for person in _everybody(connection, sync, None):
        yield from names_of(person)
        yield from display_names_of(person)


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Return the few names that are most like one that is nobody's.

    >>> nearest("eva.mala@exampel.org", ["jan@example.org", "eva.mala@example.org"])
    ['eva.mala@example.org']
    """
    folded = fold(name)
    pairs = _pairs(folded)
    found = nlargest(
        _COMPARED,
        ((len(pairs & _pairs(fold(each))), each) for each in names),
        key=lambda each: each[0],
    )
    likely = {fold(each): each for common, each in found if 2 * common >= len(pairs)}
    return [likely[n] for n in difflib.get_close_matches(folded, likely, n=_NEAR, cutoff=0.7)]


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _everybody(connection: Connection, sync: str, needle: bytes | None) -> Iterator[Person]:
    """Yield everybody in the blocks in which the needle stands, as lower ASCII; None: in all blocks."""
    tables: dict[str, Columns] = {}
    rows = connection.execute(
        select(entries.c.columns, entries.c.people, entries.c.data)
        .where(entries.c.sync == sync)
        .order_by(entries.c.directory, entries.c.gone, entries.c.block)
        .execution_options(yield_per=50)
    )
    for texts, people, data in rows:
        if needle is not None and needle not in zlib.decompress(data).lower():
            continue
        if texts is not None and texts not in tables:
            tables[texts] = Columns.named(json.loads(texts))
        for _, one in unpacked(people, data):
            yield decode_person(one, "", None if texts is None else tables[texts])
