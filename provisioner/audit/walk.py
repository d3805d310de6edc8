"""Walking the audit's chain, in the store or in an exported file, to the first place where it is broken.

What it finds: an entry that was altered, removed, put in, or moved, also by somebody who made its hash
anew; an end that was cut off the store while the record of the end stayed. What it can't: a database or
a file that was rewritten as a whole, every hash from there on. Against that helps one hash that is kept
elsewhere (`--head`): no other content leads to it. In an extract (an export by sync, user or run)
nothing tells that an entry is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from provisioner.store.chain import Row, hash_of, parted


class Link(NamedTuple):
    """One entry on the walk. `hash` is what it says, `due` what its content gives; `where` names it."""

    id: int
    prev: str
    hash: str
    due: str
    at: str
    where: str


class Broken(Exception):
    """The chain is broken, at the place that the text names."""


@dataclass(slots=True)
class Walked:
    """What a walk came by: `entries` in all, the `first` and the `last`, and where `sought` stands.

    `next_id`: what the first entry must be, None for any. `extract`: entries may be left out.
    `sought` is a hash that is looked for; `found`: the id of the entry that has it, or None.
    """

    next_id: int | None = None
    extract: bool = False
    sought: str | None = None
    entries: int = 0
    first: Link | None = None
    last: Link | None = None
    found: int | None = None

    def over(self, links: Iterable[Link]) -> None:
        """Walk the links to the end. Raises Broken at the first that doesn't hold."""
        for link in links:
            self._check(link)
            self.first = self.first or link
            self.last, self.next_id = link, link.id + 1
            self.entries += 1
            if link.hash == self.sought:
                self.found = link.id

    def _check(self, link: Link) -> None:
        before, due = self.last, link.id if self.next_id is None else self.next_id
        after = f" after entry {before.id}" if before else ""
        if link.id < due:
            raise Broken(f"{link.where} stands{after}: it was moved or put in")
        if link.id > due and not self.extract:
            raise Broken(f"{missing(due, link.id - 1)}; {link.where} comes next")
        if link.hash != link.due:
            raise Broken(f"{link.where} is not as it was written{after}: altered, moved or put in")
        if before and link.id == due and link.prev != before.hash:
            raise Broken(
                f"{link.where} doesn't follow from entry {before.id}: one was altered or put in"
            )


def missing(first: int, last: int) -> str:
    """Return in words that entries are missing.

    >>> missing(5, 5), missing(5, 9)
    ('entry 5 is missing', 'entries 5 to 9 are missing')
    """
    return (
        f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
    )


def stored(rows: Iterable[tuple[str, Row]]) -> Iterator[Link]:
    """Yield the links of entries as the store gives them (store/audit.py `rows`)."""
    for prev, row in rows:
        plan = "" if row.plan is None else f", plan {row.plan}"
        where = f"entry {row.id} ({row.at}, {row.kind}{plan})"
        yield Link(row.id, prev, row.hash, hash_of(prev, row), row.at, where)


class _Line(msgspec.Struct):
    prev: str
    id: int
    at: str
    kind: str


_decode = msgspec.json.Decoder(_Line).decode


def exported(lines: Iterable[bytes]) -> Iterator[Link]:
    """Yield the links of an exported file's lines. Raises Broken for a line that is no entry."""
    for number, line in enumerate(lines, 1):
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        hashes = parted(text)
        try:
            said = _decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            hashes = None
        if hashes is None:
            raise Broken(f"line {number} is no entry of an audit, or is cut off")
        where = f"line {number}: entry {said.id} ({said.at}, {said.kind})"
        yield Link(said.id, said.prev, hashes[1], hashes[0], said.at, where)
