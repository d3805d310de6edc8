"""The `csv` directory: a file with one row a person.

Header names are SCIM attribute names or short ones (userName, externalId, givenName, familyName,
displayName, email, location, title, department, manager, active, groups), in any case and order;
`columns` maps others; the rest is passed over. Groups stand in one cell, separated by `;`, or in a
second file (memberships.py).

A read is complete or it is no read: a file that is cut off, can't be decoded or is still being
written raises IncompleteRead. A bad row is a Flaw and the rest goes on.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates, validates_schema

from connectors.directory.csv_file.columns import (
    Names,
    custom_attributes,
    gives,
    read_path,
    read_target,
)
from connectors.directory.csv_file.memberships import Memberships, MembershipsText
from connectors.directory.csv_file.people import Layout
from connectors.directory.csv_file.text import CsvText
from connectors.errors import InputError, Problem, RunError
from connectors.records import Flaw, Outside, Person, fold
from connectors.scim_filter import USER, parse_path

WORK_EMAIL = 'emails[type eq "work"].value'
_NAMED_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


class Config(Schema):
    """What config says of a `csv` directory beside `kind` and `name`.

    `path` and `memberships` are relative to the config's folder. `columns` maps header names to
    attribute paths. `encoding` and `delimiter` (a character, or `tab`, `comma`, `semicolon`, `pipe`)
    hold for both files. `key` is the path of the attribute by which people are told apart.
    """

    path = fields.String(required=True)
    columns = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    memberships = fields.String(load_default=None)
    encoding = fields.String(load_default=None)
    delimiter = fields.String(load_default=None)
    key = fields.String(load_default=None)

    @validates("path", "memberships")
    def _names_a_file(self, path: str | None, **_: str) -> None:
        if path is not None and not path.strip():
            raise ValidationError("names no file")

    @validates("columns")
    def _maps_to_attributes(self, columns: dict[str, str], **_: str) -> None:
        problems: dict[str, dict[str, list[str]]] = {}
        seen: set[str] = set()
        for name, target in columns.items():
            try:
                read_target(target)
            except ValueError as error:
                problems[name] = {"value": [str(error)]}
            if fold(name) in seen:
                problems[name] = {"key": ["is mapped twice: case makes no difference in a header"]}
            seen.add(fold(name))
        if problems:
            raise ValidationError(problems)

    @validates("encoding")
    def _is_an_encoding(self, encoding: str | None, **_: str) -> None:
        if encoding is None:
            return
        try:
            "".encode(encoding)  # refuses what codecs.lookup finds but is no text encoding
            codecs.getincrementaldecoder(encoding)
        except (LookupError, ValueError) as error:
            raise ValidationError(
                f"{encoding!r} is no text encoding; try utf-8, utf-16, cp1252 or cp1250"
            ) from error

    @validates("delimiter")
    def _is_a_delimiter(self, delimiter: str | None, **_: str) -> None:
        one = _NAMED_DELIMITERS.get(delimiter or ",", delimiter or ",")
        if len(one) != 1 or one.isalnum() or one in '"\r\n\0 ' or delimiter == "":
            raise ValidationError(f"is one character, or {', '.join(_NAMED_DELIMITERS)}")

    @validates_schema
    def _check_key(self, data: dict[str, Any], **_: object) -> None:
        if data["key"] is None:
            return
        try:
            parse_path(data["key"], USER.extended(custom_attributes(data["columns"])))
        except ValueError as error:
            raise ValidationError({"key": [str(error)]}) from error


def connect(
    name: str, config: Mapping[str, Any], outside: Outside, join: str | None
) -> CsvDirectory:
    """Return the directory that a loaded `Config` describes; nothing is opened yet.

    `join` is the mapping's, a path (none: work email): the key where neither `key` nor an externalId
    column gives one.
    """
    return CsvDirectory(name, config, outside, join)


class CsvDirectory:
    """A CSV file of people, with its file of memberships where config names one."""

    def __init__(
        self, name: str, config: Mapping[str, Any], outside: Outside, join: str | None
    ) -> None:
        self.name = name
        self._path, self._shown = outside.base / config["path"], config["path"]
        self._memberships: str | None = config.get("memberships")
        self._base = outside.base
        self._encoding = config.get("encoding")
        delimiter: str | None = config.get("delimiter")
        self._delimiter = _NAMED_DELIMITERS.get(delimiter or "", delimiter)
        self._names = Names(config.get("columns") or {})
        self._key = read_path(config["key"]) if config.get("key") else None
        self._join = read_path(join or WORK_EMAIL)

    def read(self) -> Iterator[Person | Flaw]:
        """Yield each row as a Person or a Flaw, in the file's order and in constant memory.

        Raises IncompleteRead for a file that isn't there, is cut off, can't be decoded or changes
        while it is read, and InputError for an unusable header.
        """
        with self._open_people() as text:
            layout = self._layout(text)
            if self._memberships is None:
                yield from layout.people(text, None)
                return
            with self._open_memberships(self._memberships) as other:
                memberships = Memberships(other)
            with closing(memberships):
                yield from layout.people(text, memberships)
                memberships.check_known()

    def table(self) -> CsvTable | None:
        """Return the file as a table, opened; None where its people can only be read as resources.

        Raises IncompleteRead and InputError as `read` does.
        """
        if self._memberships is not None:
            return None
        text = self._open_people()
        try:
            layout = self._layout(text)
        except BaseException:
            text.close()
            raise
        if layout.table is None:
            text.close()
            return None
        return CsvTable(text, layout)

    def check(self) -> None:
        """Raise a RunError with every problem of the files and their headers; rows aren't read."""
        errors: list[RunError] = []
        for check in (self._check_people, self._check_memberships):
            try:
                check()
            except RunError as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise RunError("\n".join(map(str, errors)))

    def _check_people(self) -> None:
        with self._open_people() as text:
            self._layout(text)

    def _check_memberships(self) -> None:
        if self._memberships is not None:
            self._open_memberships(self._memberships).close()

    def _open_people(self) -> CsvText:
        return CsvText(
            self._path,
            self._shown,
            self._names.known,
            encoding=self._encoding,
            delimiter=self._delimiter,
        )

    def _open_memberships(self, shown: str) -> MembershipsText:
        return MembershipsText(
            self._base / shown,
            shown,
            encoding=self._encoding,
            delimiter=self._delimiter,
        )

    def _layout(self, text: CsvText) -> Layout:
        """Read the header; raises InputError with all that is wrong with it."""
        columns, problems = self._names.columns(text.header)
        external_id = parse_path("externalId")
        key = self._key or (external_id if gives(columns, external_id) else self._join)
        if columns and not gives(columns, key):
            problems.append(
                f"no column gives {key.text}, by which people are told apart: name it in the header, "
                "or say with `key:` which attribute never changes"
            )
        if problems:
            raise InputError(
                [Problem(f"{self._shown}:{text.header_line}", problem) for problem in problems],
                remedy="rename the columns, or map them with `columns: {HEADER: ATTRIBUTE}`",
            )
        return Layout(columns, key)


class CsvTable:
    """A CSV file's people as rows, which are read once, to the end.

    `paths` says what a row's values are, `key` which of them is the key. Iterating yields (line,
    row) or a Flaw, in the file's order, and raises what `CsvDirectory.read` raises; `where` names
    a line.
    """

    def __init__(self, text: CsvText, layout: Layout) -> None:
        self._text, self._layout = text, layout
        assert layout.table is not None
        self.paths, self.key = layout.table

    def __iter__(self) -> Iterator[tuple[int, list[Any]] | Flaw]:
        with self._text:
            yield from self._layout.rows(self._text)

    def where(self, line: int) -> str:
        """Return what messages call a line."""
        return f"{self._text.shown}:{line}"
