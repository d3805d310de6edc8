"""One simulated account while it runs: its options, state, clock, tokens and limits.

Every operation is handed a `Call`, which holds the account and the checked query and body; nothing
in this package keeps state anywhere else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from flask import current_app, has_request_context, request

from .errors import busy
from .names import fold
from .rates import BUSINESS_PLUS, Limiter, Rates
from .state import State

EXTENSION = "zoom_simulator"
LATE_S = "simulator.late_s"
"""In a write's environ: what this one adds stays out of lists for so many seconds."""


def utc_now() -> datetime:
    """Return the time, aware, UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Return a time as Zoom writes it.

    >>> stamp(datetime(2026, 11, 23, 9, tzinfo=UTC))
    '2026-11-23T09:00:00Z'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What kind of account this is, and how awkward it should be. The defaults are a well-kept one.

    Who may ask: `account_id`, `client_id`, `client_secret` (None: anybody's will do); `token_life_s` how long an access token
    lives. `rates`: the limits, None for none.

    The account: `sso` ("none": ssoCreate is refused with 2002; "login": with 2032; "provisioning":
    allowed), `managed_domains` (whose users can't be disassociated: 1107), `multiple_sites`,
    `site_codes` (an extension number then begins with its site's code), `phone_enabled` (off: every
    phone call is 403), `operation_logs` (off: the app has no scope to read them), `auto_activate` (new
    phone users can call at once), `licensed_seats` and `basic_seats` (None: not counted).

    Where nobody knows what Zoom does: `partial_batches` (a batch that is partly right does what it
    can), `trash_keeps` (whoever is in the trash goes on holding plans and numbers),
    `reactivation_restores` (a reactivated user has again what is still free of what they had),
    `delegates_accept` (a delegation shows when the delegate has accepted it in the portal),
    `expired_token_status` (401, or 400 as one page documents), `documented_statuses` (200 where the
    live service was seen to answer 201), `settings_status` (of changed user settings: 204, or 200).

    Awkwardness: what is added stays invisible in lists for `visible_after_s` seconds, and for the
    next `visible_after_reads` walks through a list; `repeat_across_pages` begins each page with the
    last entry of the one before; `page_token_life_s`; `latency_s` is how long each write takes, its
    user being busy meanwhile.
    """

    account_id: str | None = "simulated-account"
    client_id: str | None = "simulated-client"
    client_secret: str | None = "simulated-secret"  # noqa: S105 - nobody's
    token_life_s: int = 3600
    rates: Rates | None = BUSINESS_PLUS
    sso: Literal["none", "login", "provisioning"] = "none"
    managed_domains: frozenset[str] = frozenset()
    multiple_sites: bool = True
    site_codes: bool = False
    phone_enabled: bool = True
    auto_activate: bool = True
    licensed_seats: int | None = None
    basic_seats: int | None = None
    partial_batches: bool = False
    trash_keeps: bool = False
    reactivation_restores: bool = False
    delegates_accept: bool = False
    expired_token_status: int = 401
    documented_statuses: bool = False
    settings_status: int = 204
    operation_logs: bool = True
    visible_after_s: float = 0
    visible_after_reads: int = 0
    repeat_across_pages: bool = False
    page_token_life_s: int = 15 * 60
    latency_s: float = 0


@dataclass
class Account:
    """The running account. `clock` tells the time (aware); `sleep` waits out `latency_s`."""

    state: State
    options: Options
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    tokens: dict[str, float] = field(default_factory=dict)
    walks: int = 0
    limiter: Limiter = field(init=False)
    _busy: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.limiter = Limiter(self.options.rates)

    def now_s(self) -> float:
        """Return the time in seconds since 1970."""
        return self.clock().timestamp()

    def visible_from(self) -> tuple[float, int]:
        """Return from when, and from which walk through a list, something added now is seen."""
        after, reads = self.options.visible_after_s, self.options.visible_after_reads
        if has_request_context():
            after = max(after, request.environ.get(LATE_S, 0))
        return (self.now_s() + after if after else 0, self.walks + reads + 1 if reads else 0)

    @contextmanager
    def writing(self, users: Iterable[str]) -> Iterator[None]:
        """Hold these users (ids or mail addresses) busy for one write; raise Zoom's 429 if one is."""
        with self.state.transaction():
            found = {u: self.state.user(u) for u in users}
        keys = {str(row["id"]) if row else fold(user) for user, row in found.items()}
        with self._lock:
            if keys & self._busy:
                raise busy()
            self._busy |= keys
        try:
            if self.options.latency_s:
                self.sleep(self.options.latency_s)
            yield
        finally:
            with self._lock:
                self._busy -= keys


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in: the account, and the query and body as their schemas read them."""

    account: Account
    query: dict[str, Any]
    body: dict[str, Any]

    @property
    def state(self) -> State:
        """The account's state."""
        return self.account.state

    @property
    def options(self) -> Options:
        """The account's options."""
        return self.account.options


def current_account() -> Account:
    """Return the account that the running Flask application simulates."""
    account: Account = current_app.extensions[EXTENSION]
    return account
