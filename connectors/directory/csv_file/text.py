"""A CSV file as rows of text: its encoding, its delimiter, and whether all of it is there.

What the columns mean is not known here; that no row goes missing in silence is. A file that is cut
off, unreadable, or changes while it is read raises IncompleteRead; a row that can't be believed
comes with its `Trouble`, and the rows after it go on. The dialect is RFC 4180's, with any line
ending, and with blanks allowed after a delimiter.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from connectors.directory.csv_file.lines import Lines
from connectors.errors import IncompleteRead, InputError, Problem

DELIMITERS = ",;\t|"
"""What is tried where config sets no delimiter; the earlier one wins where two do equally well."""

_SAMPLE = 100
_SEP_HINT = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_QUOTE_REMEDY = 'close the quote, and write a quote inside quoted text twice ("")'


class Trouble(NamedTuple):
    """Why a row can't be used, and what to do.

    `surplus` is how many fields the row has beyond what it should have (below 0: too few), None
    where nothing in it can be believed: it may have swallowed other rows.
    """

    reason: str
    remedy: str
    surplus: int | None = None


Row = tuple[int, list[str], Trouble | None]
"""The physical line a row starts on (the first is 1), its fields, and what is wrong with it."""


class CsvText:
    """An open CSV file: its header, then its rows, once, in constant memory.

    `shown` is how messages name the file. `known` says of a header name whether the caller has a
    use for it: the delimiter under which most names are known is the file's. An Excel hint
    (`sep=;`) before the header is heeded. `header` are the names, cleaned of surrounding blanks, as
    the file spells them, `header_line` is where they stand.

    Raises IncompleteRead where the file can't be read or ends before its header, InputError where
    the header can't be made out.
    """

    def __init__(
        self,
        path: Path,
        shown: str,
        known: Callable[[str], bool],
        *,
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        self.shown = shown
        self._lines = Lines(path, shown, encoding)
        try:
            batches = iter(self._lines)
            first = next((batch for batch in batches if batch), [])
            if first and (hint := _SEP_HINT.fullmatch(first[0])):
                first[0] = "\n"
                delimiter = delimiter or hint[1]
            self._delimiter = delimiter or _delimiter(first, known)
            self._reader = _reader(chain(first, chain.from_iterable(batches)), self._delimiter)
            self.header = self._header()
            self.header_line = self._reader.line_num
            self._width = self._row_width(first)
        except BaseException:
            self._lines.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def denormal(self) -> bool:
        """Whether text that is not in Unicode NFC has been met, in a row given out or soon to be."""
        return self._lines.denormal

    def rows(self) -> Iterator[Row]:
        """Yield every row after the header in the file's order; blank lines are passed over.

        A row without a Trouble has at least as many fields as the header has names.

        Raises IncompleteRead where the file is cut off, can't be decoded, has a quote that is never
        closed, or changes before the last row is taken.
        """
        reader, lines, width = self._reader, self._lines, self._width
        careful = width > len(self.header)
        line = reader.line_num
        while True:
            try:
                for fields in reader:
                    start, line = line + 1, reader.line_num
                    if len(fields) == width and line == start and not (careful or lines.damaged):
                        yield start, fields, None
                    elif any(map(str.strip, fields)):
                        yield start, fields, self._trouble(start, line, fields)
                    elif len(fields) > 1:
                        self._check_end(start, fields)
                break
            except csv.Error as error:
                start, line = line + 1, reader.line_num
                yield start, [], self._broken(start, line, error)
        lines.check_unchanged()

    def _header(self) -> list[str]:
        try:
            for fields in self._reader:
                if any(map(str.strip, fields)):
                    return [name.strip() for name in fields]
        except csv.Error as error:
            where = f"{self.shown}:{self._reader.line_num}"
            raise InputError(
                [Problem(where, f"the header can't be read ({error})")], remedy=_QUOTE_REMEDY
            ) from error
        raise IncompleteRead(
            f"{self.shown} is empty: it has not even a header",
            remedy="write the file whole, with a header and one row for each person",
        )

    def _row_width(self, first: list[str]) -> int:
        """Return how many fields a row should have.

        As many as the header; but where no row at the file's beginning has that many, what most of
        them have: some programs write a delimiter after the last field of every row, or empty names
        at the end of the header only. A single row with a field too many is never taken for that:
        an unquoted delimiter inside a name would look the same where the last column is empty.
        """
        rows = _reader(iter(first), self._delimiter)
        counts: Counter[int] = Counter()
        with suppress(csv.Error):
            filled = (fields for fields in rows if any(map(str.strip, fields)))
            counts.update(map(len, islice(filled, 1, _SAMPLE)))
        header, named = len(self.header), max(i for i, name in enumerate(self.header, 1) if name)
        if header in counts:
            return header
        return next((count for count, _ in counts.most_common() if count >= named), header)

    def _check_end(self, start: int, fields: list[str]) -> None:
        if self._lines.unended and len(fields) < self._width:
            raise IncompleteRead(
                f"{self.shown}:{start}: the file is cut off: its last line has {len(fields)} of "
                f"{self._width} fields and no line end",
                remedy="nothing was planned; write the file whole (then rename it into its place)",
            )

    def _trouble(self, start: int, end: int, fields: list[str]) -> Trouble | None:
        """Return what is wrong with a row that isn't blank, if anything."""
        self._check_end(start, fields)
        surplus = len(fields) - self._width
        if self._lines.damaged and any("\0" in field for field in fields):
            return Trouble(
                "holds a NUL byte: the file is damaged here, and other rows may be lost with it",
                "write the file anew",
            )
        if end > start and (surplus or any(map(self._swallows, fields))):
            return Trouble(
                f"goes on to line {end}, as if a quote were never closed, and may hold other rows",
                _QUOTE_REMEDY,
            )
        if surplus or any(map(str.strip, fields[len(self.header) :])):
            many = "many" if surplus >= 0 else "few"
            return Trouble(
                f"has too {many} fields: {len(fields)} where the header has {len(self.header)}",
                f'write text that holds {self._delimiter!r} or a line break in quotes ("…")',
                surplus or len(fields) - len(self.header),
            )
        return None

    def _swallows(self, field: str) -> bool:
        """Tell whether a field of several lines looks like rows between two stray quotes.

        Then either a line inside it has as many delimiters as a row, or its first and last line
        have as many together, being the end of one row and the beginning of another.
        """
        first, *others = field.splitlines() or [""]
        if not others:
            return False
        first_count, *counts = (line.count(self._delimiter) for line in (first, *others))
        expected = self._width - 1
        return expected > 0 and (expected in counts or first_count + counts[-1] == expected)

    def _broken(self, start: int, end: int, error: csv.Error) -> Trouble:
        """Return the trouble of a row that is no CSV; raise if it swallowed what follows."""
        reason = str(error)
        too_long = reason.startswith("field larger")
        if reason == "unexpected end of data" or (too_long and end > start):
            raise IncompleteRead(
                f"{self.shown}:{start}: a quote that opens in this row is never closed: what "
                "follows can't be told from it",
                remedy=f"nothing was planned; {_QUOTE_REMEDY}",
            ) from error
        if too_long:
            limit = csv.field_size_limit()
            return Trouble(f"has a field of more than {limit} characters", "shorten it")
        if end > start:
            reason += f"; the row goes on to line {end} and may hold others"
        return Trouble(f"is not CSV ({reason})", _QUOTE_REMEDY)


class _Reader(Protocol):
    line_num: int  # how many lines have been taken

    def __iter__(self) -> Iterator[list[str]]: ...


def _reader(lines: Iterator[str], delimiter: str) -> _Reader:
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)


def _delimiter(lines: list[str], known: Callable[[str], bool]) -> str:
    """Return the delimiter under which the header has the most known names, then the most names."""

    def score(delimiter: str) -> tuple[int, float]:
        try:
            for names in _reader(iter(lines), delimiter):
                if any(map(str.strip, names)):
                    return sum(map(known, names)), len(names)
        except csv.Error:  # a stray quote: where no delimiter makes sense, that is what to tell
            return 0, math.inf
        return 0, 0

    return max(DELIMITERS, key=score)
