"""The second file of a CSV directory: who is in which group, one membership a row.

    group,member
    Phone Users,8c1f…
    Sales,eva.mala

`group` (or `groups`) is the group's name; `member` (or `key`, `userName`, `externalId`) is the
person's key or userName, whichever; other columns are ignored. Keys and userNames compare without
case, a repeated row counts once, and the groups add to those of the people file.

A membership of nobody in the people file gives nobody anything and is passed over: exports of groups
hold service accounts and people who left. But a row that can't be read raises IncompleteRead,
because a membership that goes missing could cost somebody their phone; so do a file without any, and
one in which not a single member is known.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from connectors.directory.csv_file.row import Group, Resource, group_values
from connectors.directory.csv_file.text import CsvText
from connectors.errors import IncompleteRead, InputError, Problem, RunError
from connectors.records import clean, fold

_GROUP = frozenset({"group", "groups"})
_MEMBER = frozenset({"member", "key", "username", "externalid"})
_CACHED = 4096
_BY_KEY, _BY_USER_NAME = 1, 2


class AmbiguousMember(ValueError):
    """One member's text is the key of one person and the userName of another."""


class MembershipsText(CsvText):
    """An open file of memberships; its header is known to be usable.

    Raises InputError for a header that lacks one of the two columns or has it twice, and IncompleteRead
    as CsvText does.
    """

    def __init__(
        self, path: Path, shown: str, *, encoding: str | None = None, delimiter: str | None = None
    ) -> None:
        super().__init__(path, shown, _known, encoding=encoding, delimiter=delimiter)
        try:
            self._group, self._member = self._positions()
        except InputError:
            self.close()
            raise

    def memberships(self) -> Iterator[tuple[str, str]]:
        """Yield each row's member, folded, and its group; raises IncompleteRead for a bad row."""
        for line, fields, trouble in self.rows():
            if trouble:
                raise self._bad(line, trouble.reason, trouble.remedy)
            group, member = clean(fields[self._group]), fold(fields[self._member])
            if not group or not member:
                blank = "member" if group else "group"
                raise self._bad(line, f"names no {blank}", "fill it in, or take the row out")
            yield member, group

    def _positions(self) -> list[int]:
        found = {
            what: [index for index, name in enumerate(self.header) if fold(name) in names]
            for what, names in (("group", _GROUP), ("member", _MEMBER))
        }
        where = f"{self.shown}:{self.header_line}"
        problems = [
            Problem(where, f"{len(columns)} columns give the {what}: one has to")
            for what, columns in found.items()
            if len(columns) != 1
        ]
        if problems:
            remedy = "name one column `group` and one `member` (the person's key or userName)"
            raise InputError(problems, remedy=remedy)
        return [columns[0] for columns in found.values()]

    def _bad(self, line: int, reason: str, remedy: str) -> IncompleteRead:
        return IncompleteRead(
            f"{self.shown}:{line}: this membership can't be read: it {reason}",
            remedy=f"nothing was planned, as somebody would lose a group; {remedy}",
        )


class Memberships:
    """All memberships of a file, in a temporary database on disk: memory stays constant.

    Reads `text` to its end. Raises IncompleteRead where a row can't be read, or none is there.
    """

    def __init__(self, text: MembershipsText) -> None:
        self.shown = text.shown
        self._names: list[str] = []
        self._cache: dict[str, list[Group]] = {}
        self._db = sqlite3.connect("", isolation_level=None)
        try:
            self._claimed = bytearray(self._load(text) + 1)
        except sqlite3.Error as error:
            self._db.close()
            raise RunError(
                f"{self.shown}: the memberships can't be kept in a temporary file ({error})",
                remedy="make room in the folder for temporary files (TMPDIR)",
            ) from error
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Drop the temporary database."""
        self._db.close()

    def add(self, resource: Resource, key: str) -> None:
        """Add the person's groups to their resource; raises AmbiguousMember."""
        user_name = resource.get("userName")
        found = [resource.get("groups"), self._claim(fold(key), _BY_KEY)]
        if user_name and fold(user_name) != fold(key):
            found.append(self._claim(fold(user_name), _BY_USER_NAME))
        lists = list(filter(None, found))
        if len(lists) > 1:
            resource["groups"] = group_values(g["display"] for groups in lists for g in groups)
        elif lists:
            resource["groups"] = lists[0]

    def check_known(self) -> None:
        """Raise IncompleteRead if no member was anybody's key or userName."""
        if not any(self._claimed):
            raise IncompleteRead(
                f"{self.shown}: of its {len(self._claimed) - 1} members none is the key or the userName "
                "of a person",
                remedy="nothing was planned; write the person's key or userName in the `member` column",
            )

    def _claim(self, member: str, how: int) -> list[Group]:
        row = self._db.execute("SELECT id, ids FROM member WHERE name = ?", (member,)).fetchone()
        if row is None:
            return []
        number, ids = row
        self._claimed[number] |= how
        if self._claimed[number] == _BY_KEY | _BY_USER_NAME:
            raise AmbiguousMember(
                f"{self.shown} has a member {member!r}, which is one person's key and another's userName"
            )
        if (groups := self._cache.get(ids)) is None:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            names = (self._names[number] for number in sorted(map(int, ids.split(","))))
            groups = self._cache[ids] = group_values(names)
        return groups

    def _load(self, text: MembershipsText) -> int:
        """Fill the database; return how many members there are."""
        numbers: dict[str, int] = {}
        self._db.execute("PRAGMA cache_size = -16384")  # KiB; the rest goes to the disk
        self._db.execute("CREATE TABLE membership (member TEXT, number INTEGER)")
        self._db.execute("CREATE TABLE member (id INTEGER PRIMARY KEY, name TEXT UNIQUE, ids TEXT)")
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO membership VALUES (?, ?)",
            ((m, numbers.setdefault(group, len(numbers))) for m, group in text.memberships()),
        )
        count = self._db.execute(
            "INSERT INTO member (name, ids) SELECT member, group_concat(DISTINCT number)"
            " FROM membership GROUP BY member"
        ).rowcount
        self._db.execute("COMMIT")
        self._names = list(numbers)
        if not count:
            raise IncompleteRead(
                f"{self.shown} has a header and no membership",
                remedy="nothing was planned; write it whole, or take `memberships` out of the config",
            )
        return count


def _known(name: str) -> bool:
    return fold(name) in _GROUP | _MEMBER
