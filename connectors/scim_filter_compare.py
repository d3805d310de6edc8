"""How one value compares with a filter's literal, by the attribute's type (RFC 7644 section 3.4.2.2).

Everything that can be known when a filter is read is worked out then: `comparator` gives a small
function of one value. Text compares in Unicode NFC without surrounding blanks, and without case
unless the attribute is caseExact; dates compare as instants.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias

from connectors.records import clean, fold
from connectors.scim_schema import Attribute

Literal: TypeAlias = str | bool | int | float | None
Test: TypeAlias = Callable[[Any], bool]

_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
SUBSTRING = frozenset({"co", "sw", "ew"})
OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")

_REMEMBERED = 100  # characters: what is kept for speed stays within a few MiB
_UNORDERED = frozenset({"boolean", "binary"})
_NUMBERS = frozenset({"integer", "decimal"})
_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))?",
    re.IGNORECASE,
)


def refuse_operator(attribute: Attribute, op: str) -> None:
    """Raise ValueError, saying what may be used, if `op` makes no sense for the attribute's type."""
    if op in ("eq", "ne"):
        return
    if attribute.type in _UNORDERED:
        raise ValueError(f"{attribute.type} values have no order and no parts: expected eq or ne")
    if op in SUBSTRING and (attribute.type in _NUMBERS or attribute.type == "dateTime"):
        raise ValueError(
            f"{attribute.type} values have no parts: expected eq, ne, gt, ge, lt or le"
        )


def typed(attribute: Attribute, op: str, literal: Literal) -> Literal:
    """Return the literal as it is compared with the attribute; it says "true" for true nowhere else.

    Raises ValueError, saying what was expected, if they can't be compared at all.
    """
    if literal is None:
        if op not in ("eq", "ne"):
            raise ValueError("null can only be compared with eq or ne")
        return None
    if attribute.type == "boolean":
        # Entra writes roles[primary eq "True"].
        if isinstance(literal, str) and literal.lower() in ("true", "false"):
            return literal.lower() == "true"
        if not isinstance(literal, bool):
            raise ValueError("expected true or false")
    elif attribute.type in _NUMBERS:
        if isinstance(literal, str | bool):
            raise ValueError("expected a number, without quotes")
    elif not isinstance(literal, str):
        raise ValueError("expected text in double quotes")
    elif attribute.type == "dateTime" and instant(literal) is None:
        raise ValueError('expected a date and time like "2026-11-23T09:00:00Z"')
    return literal


def comparator(attribute: Attribute, op: str, literal: Literal) -> Test:
    """Return what tells whether one value, None where there is none, stands in `op` to the literal.

    The literal has passed `typed` and isn't null. A value of another type than the attribute's
    equals nothing.
    """
    if op == "ne":
        equal = comparator(attribute, "eq", literal)
        return lambda value: not equal(value)
    if attribute.type == "boolean":
        assumed = attribute.assumed
        return lambda value: (assumed if value is None else value) is literal
    if attribute.type in _NUMBERS:
        return _number_test(op, literal)
    assert isinstance(literal, str)
    if attribute.type == "dateTime":
        return _instant_test(op, literal)
    return _text_test(attribute.case_exact, op, literal)


def is_absent(value: Any) -> bool:
    """Whether a value is unassigned: None, blank text, or nothing but such (RFC 7643 section 2.5)."""
    if isinstance(value, str):
        return not value or value.isspace()
    if isinstance(value, dict):
        return all(map(is_absent, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_absent, value))
    return value is None


def is_present(value: Any) -> bool:
    """The `pr` operator: the opposite of `is_absent`. False and 0 are values."""
    return not is_absent(value)


def instant(text: str) -> tuple[int, str] | None:
    """Return a dateTime (RFC 7643 section 2.3.5) as something that sorts by time; None if it is none.

    Without an offset it is taken as UTC. Seconds since year 1, and the digits of the fraction: no
    precision is lost, and no offset leaves the range of years.

    >>> instant("2011-05-13T04:42:34.50Z") == instant("2011-05-13T06:42:34.5+02:00")
    True
    """
    found = _DATE_TIME.fullmatch(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction = (found[7] or "").rstrip("0")
    midnight = hour == 24 and not minute and not second and not fraction
    if minute > 59 or second > 59 or (hour > 23 and not midnight):
        return None
    try:
        days = date(year, month, day).toordinal()
    except ValueError:  # no such day
        return None
    offset = (int(found[9]) * 60 + int(found[10])) * 60 if found[8] else 0
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    return (seconds + offset if found[8] == "-" else seconds - offset), fraction


def _instant_test(op: str, literal: str) -> Test:
    wanted = instant(literal)
    holds = _HOLDS[op]

    def test(value: Any) -> bool:
        found = instant(value) if isinstance(value, str) else None
        return found is not None and holds(found, wanted)

    return test


def _number_test(op: str, literal: Literal) -> Test:
    holds = _HOLDS[op]

    def test(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and holds(value, literal)

    return test


def _remembered(prepare: Callable[[str], str]) -> Callable[[str], str]:
    """Remember what short texts are prepared to: the same cities and groups come back for thousands."""
    cached = lru_cache(maxsize=8192)(prepare)
    return lambda text: cached(text) if len(text) <= _REMEMBERED else prepare(text)


_folded = _remembered(fold)
_cleaned = _remembered(clean)


def _text_test(case_exact: bool, op: str, literal: str) -> Test:
    prepare = _cleaned if case_exact else _folded
    wanted = inside(literal, case_exact, op) if op in SUBSTRING else prepare(literal)
    if op == "eq":
        # Most values are spelt alike, and then nothing has to be prepared.
        return lambda value: (
            value == literal or (isinstance(value, str) and prepare(value) == wanted)
        )
    if op == "co":
        return lambda value: isinstance(value, str) and wanted in prepare(value)
    if op == "sw":
        return lambda value: isinstance(value, str) and prepare(value).startswith(wanted)
    if op == "ew":
        return lambda value: isinstance(value, str) and prepare(value).endswith(wanted)
    holds = _HOLDS[op]
    return lambda value: isinstance(value, str) and holds(prepare(value), wanted)


def inside(literal: str, case_exact: bool, op: str) -> str:
    """Prepare the literal of `co`, `sw` or `ew`: blanks count, but at the ends where the text has none.

    `co " van "` means the word; `sw "van "` can't begin with a blank, but may end with one.
    """
    if op == "sw":
        literal = literal.lstrip()
    elif op == "ew":
        literal = literal.rstrip()
    text = unicodedata.normalize("NFC", literal)
    return text if case_exact else unicodedata.normalize("NFC", text.casefold())
