"""Requests on their way into the audit: collected while they are made, appended a batch at a time.

A transaction for each would cost more than the request. So a crash may lose the last batch of calls;
never the intent or the outcome of a change, which have transactions of their own.

Calls of one batch that share account, label, method, path and status are one entry, with the moment
and the duration of each: an inventory asks for hundreds of pages of the same list. What is on record
of a call is never its query, headers or body.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from provisioner.hiding import hider, secrets_of
from provisioner.store.audit import Entry, append
from provisioner.store.database import StoreError
from provisioner.wiring import Site

if TYPE_CHECKING:
    from provisioner.http import CallRecord

KIND = "call"

_MOST = 2_000
"""Calls that are kept in memory before they get a transaction of their own."""

_Asked = tuple[str, str, str, str, int | None]


class Calls:
    """The calls of one run, or of what has no run. Called from any thread, with a CallRecord.

    `sync`, `run` and `plan` are what their entries say. `hide` strikes secrets out of a text.
    """

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        hide: Callable[[str], str],
        *,
        sync: str | None = None,
        run: str | None = None,
        plan: str | None = None,
    ) -> None:
        self.sync, self.run, self.plan = sync, run, plan
        self._engine, self._now, self.hide = engine, now, hide
        self._lock = threading.Lock()
        self._made: dict[_Asked, list[tuple[datetime, int]]] = {}
        self._count = 0

    def __call__(self, call: CallRecord) -> None:
        """Keep a call that was just made."""
        took = timedelta(seconds=call.duration_s)
        asked = (call.account, call.label, call.method, call.path, call.status)
        with self._lock:
            times = self._made.setdefault(asked, [])
            times.append((self._now() - took, round(took / timedelta(milliseconds=1))))
            self._count += 1
            full = self._count >= _MOST and call.method == "GET"
        # after a write nothing may fail before its outcome is on record; the next one tells
        if full:
            self.flush()

    def flush(self, *entries: Entry) -> None:
        """Append what is kept, and then these entries, in a transaction of its own.

        A store that fails just then loses them: whatever else it was to take fails, too, and says so.
        """
        if not (self._count or entries):
            return
        with suppress(StoreError), self._engine.begin() as connection:
            self.append(connection)
            append(connection, entries, self._now())

    def append(self, connection: Connection) -> None:
        """Append what is kept to the audit, within the connection's transaction."""
        append(connection, self._taken(), self._now())

    def _taken(self) -> Iterable[Entry]:
        with self._lock:
            made, self._made, self._count = self._made, {}, 0
        return [self._entry(asked, times) for asked, times in made.items()]

    def _entry(self, asked: _Asked, times: list[tuple[datetime, int]]) -> Entry:
        account, label, method, path, status = asked
        first = min(at for at, _ in times)
        detail = {
            "account": account,
            "label": label,
            "method": method,
            "path": self.hide(path),
            "status": status,
            # milliseconds after `at`, and milliseconds that it took
            "times": [
                [round((at - first) / timedelta(milliseconds=1)), took] for at, took in times
            ],
        }
        return Entry(
            kind=KIND, detail=detail, sync=self.sync, run=self.run, plan=self.plan, at=first
        )


def collecting(
    site: Site, *, sync: str | None = None, run: str | None = None, plan: str | None = None
) -> tuple[Site, Calls]:
    """Return the site with its calls collected, beside whoever else is told of them, and the collector."""
    hide = hider(secrets_of(site.config))
    calls = Calls(site.engine, site.now, hide, sync=sync, run=run, plan=plan)

    def record(call: CallRecord) -> None:
        calls(call)
        if site.record is not None:
            site.record(call)

    return replace(site, record=record), calls
