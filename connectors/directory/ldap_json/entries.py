"""A directory's export as a stream of entries: a JSON list of them, or one on each line (JSON lines).

A line of a list that is a whole JSON object where an entry may begin is that entry, whatever
follows, since JSON says itself where an object ends. So lines are decoded as they are, by msgspec,
and from the first that is no entry the rest is walked value by value (json_list). Memory holds a
block of the file, or one entry where that is longer.

Whatever breaks JSON's rules is IncompleteRead: an entry that can't be read might be a group, and
whoever was in it would look like a leaver.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import msgspec

from connectors.directory.ldap_json.json_list import (
    BLOCK,
    COMMA,
    ENTRY,
    FIRST,
    NotJson,
    list_values,
    whole_value,
)
from connectors.errors import IncompleteRead, RunError

_LONGEST_LINE = 1 << 22  # one that is longer may be the whole list
_REMEDY = "nothing was planned; export to another name, and rename that when it is whole"
_SHAPE = 'write [{"dn": …, "attributes": {name: [values]}}, …], or one such object on each line'


class Entry(msgspec.Struct, gc=False):
    """One entry as it stands in the file; its members are whatever the file gives, None if absent."""

    dn: Any = None
    attributes: Any = None


_decode = msgspec.json.Decoder(Entry).decode
_NO_ENTRY = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Export:
    """An open export, which can be read several times and says if it changed meanwhile.

    `shown` is how messages name the file. Raises RunError if it can't be opened or is no regular
    file, IncompleteRead if it doesn't begin like an export.
    """

    def __init__(self, path: Path, shown: str) -> None:
        self._shown = shown
        self._file = _opened(path, shown)
        try:
            self._was = self._state()
            self._encoding, self._start = _encoding(self._file.read(4))
            self._one_a_line = self._first_character() == "{"
        except OSError as error:
            self._file.close()
            raise self._failed(error) from error
        except IncompleteRead:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def place(self, number: int) -> str:
        """Return how messages name an entry: `people.json: entry 17`, or `people.jsonl:17` by line."""
        return f"{self._shown}:{number}" if self._one_a_line else f"{self._shown}: entry {number}"

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Yield every entry in order, with its number in the list or its line (the first is 1).

        Raises IncompleteRead for a file that is cut off, is no JSON, or changed since it was opened.
        """
        number = 0
        self._file.seek(self._start)
        try:
            if self._one_a_line:
                for number, entry in self._lines():
                    yield number, entry
            else:
                for number, entry in enumerate(self._list(), 1):
                    yield number, entry
        except OSError as error:
            raise self._failed(error) from error
        except UnicodeDecodeError as error:
            self._undecodable(error, f"{self.place(number + 1)} or soon after it")
        except NotJson as error:
            self._broken(number + 1, error)
        self.check_unchanged()

    def blocks(self) -> Iterator[str | bytes]:
        """Yield the text in pieces, bytes where it is UTF-8 (whether it is isn't checked)."""
        self._file.seek(self._start)
        try:
            if self._encoding == "utf-8":
                while piece := self._file.read(BLOCK):
                    yield piece
            else:
                with self._text() as text:
                    while letters := text.read(BLOCK):
                        yield letters
        except OSError as error:
            raise self._failed(error) from error
        except UnicodeDecodeError as error:
            self._undecodable(error, self._shown)

    def check_unchanged(self) -> None:
        """Raise IncompleteRead if the file was written to since it was opened.

        A file renamed over this one changes nothing: what is being read is the old one, whole.
        """
        if self._state() != self._was:
            raise IncompleteRead(
                f"{self._shown} changed while it was read: it is still being written",
                remedy=_REMEDY,
            )

    def _state(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns

    def _first_character(self) -> str:
        first = ""
        self._file.seek(self._start)
        with self._text(errors="replace") as text:
            while not first and (piece := text.read(1024)):
                first = piece.lstrip(" \t\r\n")[:1]
        if first not in ("[", "{"):
            begins = f"begins with {first!r}" if first else "is empty"
            raise IncompleteRead(f"{self._shown} {begins}: it is no export", remedy=_SHAPE)
        return first

    @contextmanager
    def _text(self, errors: str = "strict") -> Iterator[io.TextIOWrapper]:
        """Give the file from where it stands as text, and leave it open."""
        text = io.TextIOWrapper(self._file, self._encoding, errors, newline="")
        try:
            yield text
        finally:
            text.detach()

    def _lines(self) -> Iterator[tuple[int, Entry]]:
        if self._encoding == "utf-8":
            yield from self._entry_a_line(self._file)
        else:
            with self._text() as text:
                yield from self._entry_a_line(text)

    def _entry_a_line(self, lines: Iterable[str | bytes]) -> Iterator[tuple[int, Entry]]:
        for number, line in enumerate(lines, 1):
            try:
                yield number, _decode(line)
            except _NO_ENTRY:
                if line.strip():
                    yield number, self._odd_line(line, number)

    def _odd_line(self, line: str | bytes, number: int) -> Entry:
        """Decode what msgspec won't, such as half a surrogate pair in a value of no interest."""
        try:
            return _entry(whole_value(line if isinstance(line, str) else line.decode()))
        except UnicodeDecodeError as error:
            self._undecodable(error, self.place(number))
        except NotJson as error:
            self._broken(number, error)

    def _list(self) -> Iterator[Entry]:
        wanted = FIRST
        if self._encoding == "utf-8":
            offset = self._behind_bracket()
            for line in iter(lambda: self._file.readline(_LONGEST_LINE), b""):
                if body := line.strip():
                    comma = body.endswith(b",")
                    if wanted == COMMA:
                        break
                    try:
                        entry = _decode(body[:-1] if comma else body)
                    except _NO_ENTRY:
                        break
                    yield entry
                    wanted = ENTRY if comma else COMMA
                offset += len(line)
            self._file.seek(offset)
        with self._text() as text:
            if self._encoding != "utf-8":
                _skip_bracket(text)
            for value in list_values(text.read, wanted):
                yield _entry(value)

    def _behind_bracket(self) -> int:
        """Go behind the list's first bracket, and return where that is."""
        offset = self._start
        while block := self._file.read(BLOCK):
            if b"[" in block:
                return self._file.seek(offset + block.index(b"[") + 1)
            offset += len(block)
        raise NotJson("the list's first [ is gone")  # it was there when the file was opened

    def _broken(self, number: int, error: NotJson) -> NoReturn:
        self.check_unchanged()
        raise IncompleteRead(
            f"{self.place(number)} can't be read: {error}", remedy=_REMEDY
        ) from error

    def _failed(self, error: OSError) -> IncompleteRead:
        return IncompleteRead(f"{self._shown} can't be read: {error.strerror}", remedy=_REMEDY)

    def _undecodable(self, error: UnicodeDecodeError, place: str) -> NoReturn:
        byte = error.object[error.start]
        raise IncompleteRead(
            f"{place}: byte 0x{byte:02X} is no {error.encoding} ({error.reason})",
            remedy="export the file as UTF-8, which JSON is in (RFC 8259 section 8.1)",
        ) from error


def _entry(value: Any) -> Entry:
    """Return a decoded value as an entry; one that is no object has neither dn nor attributes."""
    if not isinstance(value, dict):
        return Entry()
    return Entry(value.get("dn"), value.get("attributes"))


def _opened(path: Path, shown: str) -> BinaryIO:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for whoever writes it
            raise RunError(f"{shown} is no regular file", remedy="export to a file, and name that")
        return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise RunError(
            f"{shown} can't be opened: {reason}", remedy="check `path` and who may read it"
        ) from error


def _encoding(head: bytes) -> tuple[str, int]:
    """Return the Unicode encoding that the first four bytes show, and where the text begins."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", len(codecs.BOM_UTF8)
    return json.detect_encoding(head) if head else "utf-8", 0


def _skip_bracket(text: io.TextIOWrapper) -> None:
    while text.read(1) not in ("[", ""):  # known to be the first character that is not blank
        pass
