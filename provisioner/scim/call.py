"""One request as the endpoints see it, and what they answer: no framework's word in either.

A Bulk request makes many calls of one request, and answers with all of their answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from provisioner.scim.cursors import Cursors
from provisioner.scim.errors import ScimError, invalid_value
from provisioner.scim.preconditions import ALWAYS, Preconditions
from provisioner.scim.projection import NOTHING, Projection, Written
from provisioner.scim.query import Window
from provisioner.scim.schemas import ResourceType
from provisioner.scim.tenant import Tenant
from provisioner.scim.walks import Walks
from provisioner.server_config import Intake

DEFAULT_PAGE = 100
"""Resources on a page where a client doesn't say how many."""

_MOST = 2**31


@dataclass
class Call:
    """What is asked of a tenant. `base` is the URL before `/Users`, with nothing to escape in it.

    `parameters` have names in lower case; values are text where the query string has them, and may be
    numbers and lists where a search's body does. `client` tells whoever asks from all others, "" for
    nobody; `walks`: everybody's by index, None where they aren't remembered.
    """

    tenant: Tenant
    base: str
    limits: Intake
    cursors: Cursors
    parameters: Mapping[str, Any] = field(default_factory=dict)
    when: Preconditions = ALWAYS
    client: str = ""
    walks: Walks | None = None

    @property
    def shaped(self) -> bool:
        """Whether the client says which attributes it wants."""
        return bool(self.parameters.get("attributes") or self.parameters.get("excludedattributes"))

    def projection(self, type: ResourceType, written: Written = NOTHING) -> Projection:
        """Return which attributes the answer has; `written`: as in `Projection`. Raises ScimError 400."""
        attributes = self.parameters.get("attributes")
        excluded = self.parameters.get("excludedattributes")
        return Projection.parse(attributes, excluded, type, written)

    @property
    def filter(self) -> str | None:
        """The filter's text. Raises ScimError 400 if it is too long."""
        text: str | None = self.parameters.get("filter")
        if text is not None and len(text) > self.limits.filter:
            most = self.limits.filter
            raise ScimError(400, f"filter: more than {most} characters", "invalidFilter")
        return text

    @property
    def descending(self) -> bool:
        """Whether what is sorted comes in the other direction."""
        order = str(self.parameters.get("sortorder") or "ascending").strip().lower()
        if order not in ("ascending", "descending"):
            raise invalid_value("sortOrder: expected ascending or descending")
        return order == "descending"

    @cached_property
    def window(self) -> Window:
        """The page that is asked for, no larger than pages may be."""
        cursor = self.parameters.get("cursor")
        size = self._number("count", None if cursor is None else "invalidCount")
        size = min(DEFAULT_PAGE if size is None else max(0, size), self.limits.page)
        start = 1 if cursor is not None else self._number("startindex", None) or 1
        return Window(size, max(1, start), cursor)

    def _number(self, name: str, scim_type: str | None) -> int | None:
        text = str(self.parameters.get(name, "")).strip()
        if not text:
            return None
        digits = text.removeprefix("-").removeprefix("+")
        if not (digits.isascii() and digits.isdecimal()):
            raise ScimError(400, f"{name}: expected a whole number", scim_type or "invalidValue")
        value = int(digits[:12])
        return -value if text.startswith("-") else min(value, _MOST)


class Answer(NamedTuple):
    """What a call is answered with. `body` is JSON text; `tag` the resource's version."""

    status: int
    body: str | None = None
    location: str | None = None
    tag: str | None = None


class Endpoint(Protocol):
    """A resource type's endpoint, `/Users` or `/Groups`. Every method raises ScimError."""

    def create(self, call: Call, body: Any) -> Answer: ...

    def list(self, call: Call) -> Answer: ...

    def read(self, call: Call, id: str) -> Answer: ...

    def replace(self, call: Call, id: str, body: Any) -> Answer: ...

    def patch(self, call: Call, id: str, body: Any) -> Answer: ...

    def delete(self, call: Call, id: str) -> Answer: ...
