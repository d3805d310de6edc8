"""What each row of a CSV directory is: a person, or a flaw.

A flaw tells its key only where it is certain which field that is: a key that is wrong would make a
leaver of the person whose row it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.directory.csv_file.columns import Column
from connectors.directory.csv_file.memberships import AmbiguousMember, Memberships
from connectors.directory.csv_file.row import (
    FALSE,
    TRUE,
    BadCell,
    Resource,
    flat,
    flat_reader,
    is_boolean,
    row_reader,
)
from connectors.directory.csv_file.text import CsvText, Trouble
from connectors.records import Flaw, Person, clean
from connectors.scim_filter import Path

_TRUTH_REMEDY = (
    f"write one of {', '.join(TRUE)} for true, one of {', '.join(FALSE)} for false, or nothing"
)


class Layout:
    """How a row of one file becomes a person: its columns, and which of them is the key."""

    def __init__(self, columns: list[Column], key: Path) -> None:
        self._columns = columns
        self._key = key
        self._flat = flat(columns)
        self._key_index = next((c.index for c in columns if c.path == key), None)
        self._has_user_name = any(c.path.attribute == "userName" for c in columns)

    def people(self, text: CsvText, memberships: Memberships | None) -> Iterator[Person | Flaw]:
        """Yield what each row is."""
        resource_of = row_reader(self._columns, denormal=False)
        denormal, last_key = False, ""
        for line, cells, trouble in text.rows():
            where = f"{text.shown}:{line}"
            if trouble:
                yield self._troubled(where, cells, trouble, last_key)
                continue
            if denormal is not text.denormal:
                denormal, resource_of = True, row_reader(self._columns, denormal=True)
            try:
                resource = resource_of(cells)
            except BadCell as error:
                yield self._unreadable(where, cells, error)
                continue
            if result := self._person(where, cells, resource, memberships):
                yield result
                last_key = result.key or last_key

    @property
    def table(self) -> tuple[tuple[Path, ...], int] | None:
        """The columns' paths and the number of the key's, if `rows` can give the people; else None."""
        if self._flat is None or self._key_index is None:
            return None
        if self._key.attribute == "groups" or is_boolean(self._key):
            return None  # a key is text
        key = next(n for n, c in enumerate(self._flat) if c.index == self._key_index)
        return tuple([c.path for c in self._flat]), key

    def rows(self, text: CsvText) -> Iterator[tuple[int, list[Any]] | Flaw]:
        """Yield what each row is as `people` does, but a person as the line and the row's values."""
        assert self._flat is not None
        assert self.table is not None
        must = [self.table[1]]
        must += [n for n, c in enumerate(self._flat) if c.path.attribute == "userName"]
        key = must[0]
        values_of = flat_reader(self._flat, denormal=False)
        denormal, last_key = False, ""
        for line, cells, trouble in text.rows():
            if trouble:
                yield self._troubled(f"{text.shown}:{line}", cells, trouble, last_key)
                continue
            if denormal is not text.denormal:
                denormal, values_of = True, flat_reader(self._flat, denormal=True)
            try:
                values = values_of(cells)
            except BadCell as error:
                yield self._unreadable(f"{text.shown}:{line}", cells, error)
                continue
            for number in must:
                if values[number] is None:
                    break
            else:
                last_key = values[key]
                yield line, values
                continue
            if flaw := self._person(f"{text.shown}:{line}", cells, {}, None):
                assert isinstance(flaw, Flaw)
                last_key = flaw.key or last_key
                yield flaw

    def _troubled(self, where: str, cells: list[str], trouble: Trouble, last_key: str) -> Flaw:
        key = self._key_of_ragged(cells, trouble.surplus, last_key)
        return Flaw(where, key, trouble.reason, trouble.remedy)

    def _unreadable(self, where: str, cells: list[str], error: BadCell) -> Flaw:
        return Flaw(where, self._key_of(cells, error.resource) or None, str(error), _TRUTH_REMEDY)

    def _person(
        self, where: str, cells: list[str], resource: Resource, memberships: Memberships | None
    ) -> Person | Flaw | None:
        """Return what a row is that could be read; None for one that says nothing."""
        key = self._key_of(cells, resource)
        if not key:
            if not any(map(str.strip, cells)):
                return None
            reason = f"has no {self._key.text}, by which people are told apart"
            return Flaw(where, None, reason, "fill it in, or take the row out")
        if self._has_user_name and "userName" not in resource:
            return Flaw(where, key, "has no userName", "fill it in")
        if memberships is not None:
            try:
                memberships.add(resource, key)
            except AmbiguousMember as error:
                return Flaw(where, key, str(error), "name members by their keys only")
        return Person(key, resource, where)

    def _key_of(self, cells: list[str], resource: Resource) -> str:
        if self._key_index is not None:
            return clean(cells[self._key_index])
        values = self._key.values(resource)
        return str(values[0]) if values else ""

    def _key_of_ragged(self, cells: list[str], surplus: int | None, last_key: str) -> str | None:
        """Return the key of a row with too many or too few fields; None unless it is certain.

        A delimiter too many or too few shifts all fields after it, and nobody knows where it is. So
        the key is that one of the fields it may have been shifted to which alone looks like the key
        of the row before: made of the same kinds of characters. The first field is never shifted. A
        lost delimiter next to the key would have merged it with its neighbour, so that a key is
        shifted to the left by fewer fields than stand before it.
        """
        index = self._key_index
        if surplus is None or index is None:
            return None
        if index == 0:
            return clean(cells[0]) or None
        first = max(index + min(surplus, 0), 1)
        candidates = map(clean, cells[first : index + max(surplus, 0) + 1])
        alike = [each for each in candidates if each and _looks(each) == _looks(last_key)]
        return alike[0] if len(alike) == 1 else None


def _looks(key: str) -> frozenset[str]:
    """Return the kinds of characters in a key: digits, letters, and each other character.

    >>> _looks("eva.mala2@example.org") == _looks("jan.novak16@example.com")
    True
    """
    return frozenset("0" if c.isdigit() else "a" if c.isalpha() else c for c in key)
