"""Searches by POST (RFC 7644 section 3.4.3), and lists over users and groups together.

`/Users/.search` and `/Groups/.search` are lists whose query is in the body. At the root everything is
searched as one list: users first, then groups, unless it is sorted. What only one type has is, for the
other, an attribute without a value (section 3.4.2.1).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from provisioner.scim.call import Answer, Call, Endpoint
from provisioner.scim.errors import ScimError, invalid_syntax, invalid_value
from provisioner.scim.kinds import Kind
from provisioner.scim.lists import found, kinds_together, list_answer
from provisioner.scim.query import Page, Window
from provisioner.scim.together import sorted_together
from provisioner.store.direct import Session

REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

_TEXTS = ("filter", "sortby", "sortorder", "cursor")
_NUMBERS = ("startindex", "count")
_LISTS = ("attributes", "excludedattributes")


def asked(call: Call, body: Any) -> Call:
    """Return the call that a search's body makes of this one. Raises ScimError 400."""
    if not isinstance(body, dict):
        raise invalid_syntax("the body is not a JSON object")
    parameters = {name.lower(): value for name, value in body.items() if value is not None}
    schemas = parameters.get("schemas", [REQUEST])
    if not isinstance(schemas, list) or REQUEST not in schemas:
        raise invalid_value(f"schemas: expected {REQUEST}")
    for name, value in parameters.items():
        if name in _TEXTS and not isinstance(value, str):
            raise invalid_value(f"{name}: expected text")
        if name in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | str)):
            raise invalid_value(f"{name}: expected a whole number")
        if name in _LISTS and not _is_list(value):
            raise invalid_value(f"{name}: expected a list of attribute names")
    return replace(call, parameters=parameters)


def _is_list(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )


def search(endpoint: Endpoint, call: Call, body: Any) -> Answer:
    """Return what a search of one type finds."""
    return endpoint.list(asked(call, body))


def search_all(call: Call) -> Answer:
    """Return what a list over both types finds.

    Raises ScimError 400 if neither type knows what the filter or the sorting names.
    """
    if (call.parameters.get("sortby") or "").strip():
        return call.tenant.store.read(lambda session: sorted_together(session, call))
    return call.tenant.store.read(lambda session: _Both(session, call).answer())


class _Both:
    """A list of users, then groups. A cursor says by its first letter in which of them it goes on."""

    def __init__(self, session: Session, call: Call) -> None:
        self.session, self.call = session, call
        cursor = call.window.cursor
        self.reached = (cursor or "U")[0]
        self.inner = None if cursor is None else cursor[1:]
        if self.reached not in "UG":
            raise ScimError(400, "the cursor is none that was given here", "invalidCursor")
        self.total = 0
        self.resources: list[str] = []
        self.next_cursor: str | None = None

    def answer(self) -> Answer:
        """Return the page."""
        for kind in kinds_together(self.call.tenant.registry):
            self._add(kind)
        start = self.call.window.start if self.inner is None else None
        return list_answer(Page(self.total, [], start, self.next_cursor), self.resources)

    def _add(self, kind: Kind) -> None:
        """Add what the page has of one type; of the other's resources only the number may count."""
        letter, room = kind.name[0], self.call.window.size - len(self.resources)
        if self.inner is None:
            window = Window(room, max(1, self.call.window.start - self.total))
        elif letter == self.reached and self.next_cursor is None:
            window = Window(room, cursor=self.inner)
        else:
            window = Window(0)
        part = replace(self.call, walks=None)  # an index is one of both types together here
        part.window = window
        page, texts = found(self.session, part, kind)
        self.total += page.total
        self.resources += texts
        if page.next_cursor is not None:
            self.next_cursor = letter + page.next_cursor
        elif self.inner is not None and letter == self.reached == "U":
            self.reached, self.inner = "G", ""  # users are at their end: groups fill the page up
            if len(self.resources) == self.call.window.size:
                self.next_cursor = "G"
