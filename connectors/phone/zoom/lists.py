"""Zoom's lists, page by page, each entry once, counted against the total that Zoom promises.

Zoom may repeat an entry on a later page, and a list may change while it is read, by a colleague's
hand or our own push. So a list that doesn't come out at its own total is read again, as is one whose
page token has run out, and only what is new in it is passed on; a list that never comes out is no read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from connectors.errors import IncompleteRead, ReadRefused, TransientError
from connectors.phone.zoom.answers import ListRefused, Refused
from connectors.phone.zoom.auth import Api

PASSES = 3
PAGE_TOKEN = (300, 400)
"""Zoom's codes for a page token that is no longer good: the account users' and the phone's."""
AFRESH = "nothing was planned; the next run starts afresh"


class TokenOver(ListRefused):
    """Zoom no longer takes the token of the next page: only the list's first page leads on."""


@contextmanager
def whole() -> Iterator[None]:
    """Turn whatever keeps a read from its end into an IncompleteRead."""
    try:
        yield
    except (Refused, TransientError) as error:
        raise IncompleteRead(
            f"the read of the Zoom account was cut off: {error.message}",
            remedy=error.remedy or AFRESH,
        ) from None


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Turn what fails on an answer of an unexpected shape into an IncompleteRead that names it."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IncompleteRead(
            f"Zoom's answer about {what} can't be read: {error!r}", remedy=AFRESH
        ) from error


def by_id(entry: dict[str, Any]) -> str:
    """Return what tells an entry of a list from the others: its id."""
    if not entry.get("id"):
        raise IncompleteRead("a list of Zoom's has an entry without an id", remedy=AFRESH)
    return str(entry["id"])


def entries(
    api: Api,
    path: str,
    items: str,
    *,
    label: str,
    size: int,
    params: Mapping[str, str] | None = None,
    identity: Callable[[dict[str, Any]], str] = by_id,
) -> Iterator[dict[str, Any]]:
    """Yield each entry of a list once, in Zoom's order.

    `items` is the page's member that holds them, `size` the most that a page may have.

    Raises ReadRefused where the list stays short of the total on its pages, IncompleteRead where a
    page can't be had or the total changes every time.
    """
    given: set[str] = set()
    for left in reversed(range(PASSES)):
        seen: set[str] = set()
        totals: list[int] = []
        try:
            for page in pages(api, path, label=label, size=size, params=params):
                if isinstance(page.get("total_records"), int):
                    totals.append(page["total_records"])
                for entry in _entries(page, items, path):
                    name = identity(entry)
                    seen.add(name)
                    if name not in given:
                        given.add(name)
                        yield entry
        except TokenOver:
            if not left:
                raise
            continue
        if not totals or totals[0] == totals[-1] <= len(seen):
            return
    if totals[0] != totals[-1]:
        raise IncompleteRead(
            f"the list {path} promised {totals[0]} entries at first and {totals[-1]} at last,"
            f" {PASSES} times over",
            remedy=AFRESH,
        )
    raise ReadRefused(f"the list {path} gave {len(seen)} of {totals[0]} entries", remedy=AFRESH)


def once(
    api: Api,
    path: str,
    items: str,
    *,
    label: str,
    size: int,
    params: Mapping[str, str] | None = None,
) -> tuple[list[dict[str, Any]], bool]:
    """Return a list as it comes in one pass, and whether it came out at its own total.

    For who looks up whom it doesn't show: an account that is written to has lists that don't add up.
    """
    found: dict[str, dict[str, Any]] = {}
    totals: set[int] = set()
    without_id = 0
    try:
        for page in pages(api, path, label=label, size=size, params=params):
            if isinstance(page.get("total_records"), int):
                totals.add(page["total_records"])
            for entry in _entries(page, items, path):
                if entry.get("id"):
                    found[str(entry["id"])] = entry
                else:
                    without_id += 1
    except TokenOver:
        return list(found.values()), False
    return list(found.values()), totals <= {len(found) + without_id}


def pages(
    api: Api, path: str, *, label: str, size: int, params: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the pages of a list, from the first to the one without a next page's token.

    A token lives for 15 minutes: TokenOver says that Zoom takes it no more. Raises ListRefused or
    another IncompleteRead where a page can't be had: the list is cut off. A TransientError goes through: a write that looks something up is tried
    again, and a read turns it into an IncompleteRead (`whole`).
    """
    token, seen = "", set[str]()
    while True:
        asked = {"page_size": str(size), **(params or {})}
        if token:
            asked["next_page_token"] = token
        try:
            page = api.get(path, label=label, params=asked)
        except Refused as error:
            over = token and error.status == 400 and error.code in PAGE_TOKEN
            raise (TokenOver if over else ListRefused)(path, error) from None
        if not isinstance(page, dict):
            raise IncompleteRead(f"the list {path} has a page that is no object", remedy=AFRESH)
        yield page
        token = str(page.get("next_page_token") or "")
        if not token:
            return
        if token in seen:
            raise IncompleteRead(f"the list {path} runs in a circle", remedy=AFRESH)
        seen.add(token)


def _entries(page: dict[str, Any], items: str, path: str) -> list[dict[str, Any]]:
    found = page.get(items)
    if found is None and page.get("total_records") == 0:
        return []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise IncompleteRead(f"the list {path} has a page without {items}", remedy=AFRESH)
    return found
