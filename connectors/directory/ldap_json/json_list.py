"""The values of a JSON list one after another, from text that is too long to be held.

The standard library's scanner says where a value ends; text is read on while a value is cut off by
the end of what is held, and only then, so that memory holds one block, or the longest value. It keeps half a
surrogate pair apart from a literal `?`, and takes deep nesting for an error, where a streaming
parser that names the path to each value needs memory by the square of the depth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

BLOCK = 1 << 18
FIRST, ENTRY, COMMA = "a value or ']'", "a value", "',' or ']'"
"""What may come next in a list: after its bracket, after a comma, after a value."""

_CUT = 16  # no name, escape or sign that the end of the text cuts off is longer
_NOT_BLANK = re.compile(r"[^ \t\r\n]")


class NotJson(ValueError):
    """Text that breaks JSON's rules; the message says how, with little of the text."""


def _no_number(name: str) -> NoReturn:
    raise NotJson(f"{name} is no JSON value")


# Whole numbers stay text: an attribute's value is text anyway, however long.
_DECODER = json.JSONDecoder(parse_int=str, parse_constant=_no_number)


def whole_value(text: str) -> Any:
    """Return the one value that `text` is. Raises NotJson."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg}, character {error.pos + 1}") from None
    except RecursionError:
        raise NotJson("nested too deeply") from None


def list_values(read: Callable[[int], str], wanted: str = FIRST) -> Iterator[Any]:
    """Yield the values of a list whose bracket was read already, and see that nothing follows it.

    `read(n)` gives the next n characters, fewer at the end, then "". `wanted` says what comes next
    where some of the list was read already. Raises NotJson.

    >>> import io
    >>> list(list_values(io.StringIO('{"a": "b"}, 7]').read))
    [{'a': 'b'}, '7']
    """
    text = _Text(read)
    while True:
        found = text.next()
        if found == "]" and wanted != ENTRY:
            break
        if found == "," and wanted == COMMA:
            text.at += 1
            wanted = ENTRY
        elif not found or wanted == COMMA:
            raise NotJson(
                f"{found!r} instead of {wanted}" if found else "cut off before the final ]"
            )
        else:
            yield text.value()
            wanted = COMMA
    text.at += 1
    if found := text.next():
        raise NotJson(f"{found!r} after the final ]")


class _Text:
    """What is held of the text; `at` is where the next thing stands in it."""

    def __init__(self, read: Callable[[int], str]) -> None:
        self._read = read
        self._held = ""
        self._ended = False
        self.at = 0

    def next(self) -> str:
        """Go to the next character that is not blank, and return it; "" at the end."""
        while (found := _NOT_BLANK.search(self._held, self.at)) is None:
            self.at = len(self._held)
            if self._ended:
                return ""
            self._hold_more()
        self.at = found.start()
        return found.group()

    def value(self) -> Any:
        """Return the value that stands here, and go behind it."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._held, self.at)
            except json.JSONDecodeError as error:
                self._see_that_it_is_cut_off(error)
            except RecursionError:
                raise NotJson("nested too deeply") from None
            else:
                if end < len(self._held) or self._ended:  # else a number might go on
                    self.at = end
                    return value
            self._hold_more()

    def _see_that_it_is_cut_off(self, error: json.JSONDecodeError) -> None:
        """Return if the value may be whole once more is held; else raise NotJson."""
        open_string = error.msg.startswith("Unterminated string")
        if self._ended and (open_string or error.pos >= len(self._held.rstrip())):
            raise NotJson("cut off within a value")
        if self._ended or not (open_string or error.pos > len(self._held) - _CUT):
            raise NotJson(f"{error.msg}, character {error.pos - self.at + 1} of the value")

    def _hold_more(self) -> None:
        """Hold as much again, so that a long value is scanned a few times only."""
        self._held = self._held[self.at :]
        self.at = 0
        more = self._read(max(BLOCK, len(self._held)))
        self._ended = not more
        self._held += more
