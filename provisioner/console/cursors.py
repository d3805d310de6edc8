"""Where a list goes on: what stands last on a page, as text that means nothing to whoever hands it back."""

from __future__ import annotations

import base64
import binascii
import json

from connectors.errors import RunError
from provisioner.store.database import can_be_kept

_MOST = 2**31


class BadCursor(RunError):
    """A text is no cursor that this list gave."""


def encoded(*place: str | int) -> str:
    """Return a place in a list as a cursor.

    >>> decoded(encoded("emea", 3), str, int)
    ('emea', 3)
    """
    text = json.dumps(place, ensure_ascii=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decoded(cursor: str, *types: type[str] | type[int]) -> tuple[str | int, ...]:
    """Return the place that a cursor stands for. Raises BadCursor unless it is of these types."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        place = None
    known = isinstance(place, list) and len(place) == len(types)
    if not known or not all(_is(e, t) for e, t in zip(place, types, strict=True)):
        raise BadCursor("the cursor is none that this list gave", remedy="begin without one")
    return tuple(place)


def _is(each: object, kind: type[str] | type[int]) -> bool:
    """Return whether a value is of this very type, and one that every database takes."""
    if type(each) is not kind:
        return False
    if isinstance(each, int):
        return abs(each) < _MOST
    return isinstance(each, str) and can_be_kept(each)
