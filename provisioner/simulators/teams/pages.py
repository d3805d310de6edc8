"""Lists by pages: opaque tokens that @odata.nextLink carries.

A token remembers which list with which query it belongs to and what was given last; it is signed,
not stored. The query must not change on the way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from provisioner.simulators.common.tokens import make_token, read_token

from .account import Call
from .errors import GraphError, malformed

MAXIMUM = 999
DEFAULT = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: at most `size` entries after the position `after`."""

    list: str
    after: int
    size: int


def page_of(call: Call, name: str, *, default: int = DEFAULT, maximum: int = MAXIMUM) -> Page:
    """Return the page that a request asks for; raise 400 for a token or $top that can't be."""
    size = default
    if "$top" in call.query:
        text = call.query["$top"]
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= maximum):
            raise malformed(
                f"Invalid page size specified: '{text}'. Must be between 1 and {maximum} inclusive."
            )
        size = int(text)
    token = call.query.get("$skiptoken")
    if token is None:
        return Page(name, 0, size)
    content = read_token(call.options.client_secret, token)
    if content is None or content[:2] != [name, _rest(call)]:
        raise GraphError(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be used.",
        )
    return Page(name, int(content[2]), size)


def next_link(call: Call, page: Page, after: int) -> str:
    """Return the address of the page after this one."""
    token = make_token(call.options.client_secret, [page.list, _rest(call), after])
    query = [(k, v) for k, v in call.query.items() if k != "$skiptoken"]
    return link(call, page.list, [*query, ("$skiptoken", token)])


def link(call: Call, path: str, query: Sequence[tuple[str, str]]) -> str:
    """Return an address under the API's base; dollar signs stay as they are."""
    return f"{call.base}{quote(path)}?{urlencode(query, safe='$,', quote_via=quote)}"


def sliced(call: Call, page: Page, entries: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """Return the entries of the page out of all of them, and the envelope's members about paging."""
    end = page.after + page.size
    more = {"@odata.nextLink": next_link(call, page, end)} if end < len(entries) else {}
    return entries[page.after : end], more


def _rest(call: Call) -> str:
    return json.dumps({k: v for k, v in sorted(call.query.items()) if k != "$skiptoken"})
