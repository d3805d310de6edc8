"""Lists by pages: opaque tokens that live 15 minutes, and what makes Zoom's lists awkward.

A token remembers which list with which filters it belongs to, the last entry given, and which walk
through the list it continues; it is signed, not stored. Entries that were added during a walk stay
out of it where the account's options delay visibility.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from provisioner.simulators.common.tokens import make_token, read_token

from .account import Call
from .errors import bad_page_token

UNPAGED = ("page_size", "next_page_token", "page_number")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: at most `size` entries whose `seq` is above `after`."""

    list: str
    filters: str
    after: int
    size: int
    walk: int


def page_of(call: Call, name: str) -> Page:
    """Return the page that a request asks for; raise Zoom's 400 for a token that isn't valid (any more).

    `name` is the list's path; its filters are the rest of the query, and must not change on the way.
    """
    filters = json.dumps(
        {k: v for k, v in sorted(call.query.items()) if k not in UNPAGED}, default=str
    )
    token = call.query.get("next_page_token")
    if not token:
        call.account.walks += 1
        return Page(name, filters, 0, call.query["page_size"], call.account.walks)
    read = read_token(call.options.client_secret, token)
    if read is None or [name, filters] != read[:2] or read[4] <= call.account.now_s():
        raise bad_page_token(phone=name.startswith("/phone"))
    return Page(name, filters, int(read[2]), call.query["page_size"], int(read[3]))


def visible(call: Call, page: Page, table: str) -> tuple[str, tuple[float, int]]:
    """Return the SQL condition (and its values) by which a list sees a row of `table` already."""
    condition = f"{table}.visible_at <= ? AND {table}.visible_walk <= ?"
    return condition, (call.account.now_s(), page.walk)


def cut(
    call: Call, page: Page, rows: list[sqlite3.Row], by: str = "seq"
) -> tuple[list[sqlite3.Row], str]:
    """Return the page's rows and the token of the next page ("" at the end).

    `rows` holds one more than the page's size where the list goes on; `by` is the column that grows
    from one to the next.
    """
    if len(rows) <= page.size:
        return rows, ""
    rows = rows[: page.size]
    repeat = call.options.repeat_across_pages and len(rows) > 1
    expires = call.account.now_s() + call.options.page_token_life_s
    after = rows[-2 if repeat else -1][by]
    content = [page.list, page.filters, after, page.walk, expires]
    return rows, make_token(call.options.client_secret, content)
