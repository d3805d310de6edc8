"""A text file as lines, decoded: whatever its encoding, and never half a file.

The encoding is decided once for the whole file. A byte-order mark says it; UTF-16 without one shows
by its NULs. Otherwise everything up to the first byte beyond ASCII reads the same in UTF-8 and in
cp1252, so the decision waits for that byte, and lines are given out meanwhile: where the text
around it is UTF-8 the file is UTF-8; where none of it could be, the file is cp1252 (Latin-1 as
Windows writes it); and a file that shows both, wherever, is refused, because half of its names would
come out wrong. No other encoding can be told by looking: config has to say it.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from connectors.errors import IncompleteRead, InputError, Problem

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 24
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16"),
)
_UTF8_LIKE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")  # many times quicker, and seldom met in cp1252
_UTF8_LETTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)


class Lines:
    """The physical lines of a file, a batch at a time, with their line ends; read once.

    `denormal` turns true when text that is not in Unicode NFC has been met, `damaged` when a NUL
    has, `unended` when the last line is given out and no line end follows it; each before the line
    in question is given out.

    Raises IncompleteRead where the file can't be opened, and InputError where `encoding` contradicts
    the byte-order mark.
    """

    def __init__(self, path: Path, shown: str, encoding: str | None) -> None:
        self._shown = shown
        self.denormal = self.damaged = self.unended = False
        self._given = 0  # lines given out so far
        self._rest = ""  # the beginning of a line whose end hasn't been read
        self._file = _open(path, shown)
        try:
            self._opened = self._state()
            self._decoder = _decoder(self._file, shown, encoding)
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the lines, many at a time.

        Raises IncompleteRead for bytes that are not in the file's encoding, a line without end, and
        where the file changed while it was read.
        """
        for text in self._texts():
            whole = self._rest + text
            self.denormal = self.denormal or not unicodedata.is_normalized("NFC", whole)
            self.damaged = self.damaged or "\0" in text
            batch = _split(whole)
            self._rest = batch.pop() if batch and not batch[-1].endswith("\n") else ""
            if len(self._rest) > _LONGEST_LINE:
                raise IncompleteRead(
                    f"{self._shown}:{self._given + len(batch) + 1}: a line of more than "
                    f"{_LONGEST_LINE} characters",
                    remedy="this is no CSV file of people: look what wrote it",
                )
            self._given += len(batch)
            yield batch
        self.check_unchanged()
        if self._rest:
            self.unended = not self._rest.endswith("\r")
            yield [self._rest]

    def check_unchanged(self) -> None:
        """Raise IncompleteRead if the file was written to since it was opened.

        A file that was renamed over this one changes nothing: what is being read is the old one, whole.
        """
        if self._state() != self._opened or self._file.tell() != self._opened[0]:
            raise IncompleteRead(
                f"{self._shown} changed while it was read: it is still being written",
                remedy="nothing was planned; write it under another name, then rename it into its place",
            )

    def _state(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns

    def _texts(self) -> Iterator[str]:
        while True:
            try:
                # To the end of a line, so that no letter is split while the encoding is undecided.
                piece = self._file.read(_CHUNK)
                piece += self._file.readline(_LONGEST_LINE)
                text = self._decoder.decode(piece, not piece)
            except OSError as error:
                raise _unreadable(self._shown, error) from error
            except UnicodeDecodeError as error:
                raise self._undecodable(error) from error
            if not piece:
                break
            yield text

    def _undecodable(self, error: UnicodeDecodeError) -> IncompleteRead:
        before = error.object[: error.start].decode(error.encoding, "replace")
        line = self._given + len(_split(f"{self._rest}{before}x"))
        return IncompleteRead(
            f"{self._shown}:{line}: byte 0x{error.object[error.start]:02X} is not in the file's "
            f"encoding, {self._decoder.encoding} ({error.reason})",
            remedy="set `encoding` to what the file is written in, or mend that line",
        )


class _Decoder(Protocol):
    encoding: str

    def decode(self, piece: bytes, final: bool, /) -> str: ...


class _Codec:
    """An encoding that is certain."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self.decode = codecs.getincrementaldecoder(encoding)().decode


class _Guess:
    """UTF-8 or cp1252, whichever the first byte beyond ASCII turns out to be; pieces are whole lines."""

    def __init__(self) -> None:
        self.encoding = "utf-8"
        self._utf8: codecs.IncrementalDecoder | None = None
        self._cp1252 = False

    def decode(self, piece: bytes, final: bool) -> str:
        if piece.isascii() and not self._utf8:
            return piece.decode("ascii")
        if not self._utf8 and not self._cp1252:
            self._decide(piece)
        if self._utf8:
            return self._utf8.decode(piece, final)
        if _UTF8_LIKE.search(piece) and (letter := _UTF8_LETTER.search(piece)):
            raise UnicodeDecodeError("cp1252", piece, *letter.span(), "here the text is UTF-8")
        return piece.decode("cp1252")

    def _decide(self, piece: bytes) -> None:
        try:
            piece.decode("utf-8")
        except UnicodeDecodeError:
            self._cp1252 = not _UTF8_LETTER.search(piece)
        if self._cp1252:
            self.encoding = "cp1252"
        else:
            self._utf8 = codecs.getincrementaldecoder("utf-8")()


def _decoder(file: BinaryIO, shown: str, encoding: str | None) -> _Decoder:
    head = file.read(64)
    file.seek(0)
    name = codecs.lookup(encoding).name if encoding else None
    for mark, codec, family in _MARKS:
        if not head.startswith(mark):
            continue
        if name and not name.startswith(family):
            text = f"begins with the byte-order mark of {family}, but config says `encoding: {encoding}`"
            raise InputError([Problem(f"{shown}:1", text)], remedy="leave `encoding` out")
        return _Codec(codec)
    if name:
        # As browsers do: Latin-1 differs from cp1252 only in control characters that no name holds.
        return _Codec("cp1252" if name == "iso8859-1" else name)
    if utf16 := _utf16_without_mark(head):
        return _Codec(utf16)
    return _Guess()


def _utf16_without_mark(head: bytes) -> str | None:
    """Tell UTF-16 by its header, which is mostly ASCII: every other byte is NUL, on one side only."""
    even, odd = head[::2], head[1::2]
    for codec, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if 2 * zeros.count(0) > len(zeros) and not others.count(0):
            return codec
    return None


def _open(path: Path, shown: str) -> BinaryIO:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer
            raise IncompleteRead(
                f"{shown} is not a file", remedy="the config has to name a CSV file"
            )
        return path.open("rb")
    except OSError as error:
        raise _unreadable(shown, error) from error


def _unreadable(shown: str, error: OSError) -> IncompleteRead:
    return IncompleteRead(
        f"{shown} can't be read: {error.strerror}",
        remedy="look at its path in the config (relative to the config's folder) and its permissions",
    )


def _split(text: str) -> list[str]:
    """Split at \\n, \\r and \\r\\n only, keeping them; str.splitlines knows many more."""
    return list(io.StringIO(text, newline=""))
