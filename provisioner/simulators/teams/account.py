"""One simulated tenant while it runs: its options, state, clock, tokens and limits.

Every operation is handed a `Call`, which holds the tenant and the checked query and body; nothing
in this package keeps state anywhere else. The clock runs with the real one, and can be put forward
(`/_portal/clock`) so that nobody has to wait a day for a calling plan to settle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app

from .state import State
from .throttle import Throttle

EXTENSION = "teams_simulator"
DAY_S = 86_400


def utc_now() -> datetime:
    """Return the time, aware, UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Return a time as Graph writes it.

    >>> stamp(datetime(2026, 11, 23, 9, tzinfo=UTC))
    '2026-11-23T09:00:00Z'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What kind of tenant this is, and how awkward it should be.

    Who may ask: `tenant`, `client_id`, `client_secret` (None: anybody's will do); `token_life_s`.

    The tenant: `mca` (a Microsoft Customer Agreement: no product Communications Credits),
    `credits_seats` (seats of that product that the funds so far brought; 0: not funded),
    `tenant_location` (the usage location of whoever has none and is licensed by a group).

    Delays, in seconds: `settling_s` until Teams knows of a new calling plan; `operation_s` until an
    order for a number is carried out (half of it notStarted, then running); `group_delay_s` until a
    group's licenses are worked out for its members; `delta_life_s` how long a delta token is good;
    `delta_late_s` until a delta query shows a change.

    Delta queries: `delta_replays`, how many changes are told again by every later round;
    `delta_untracked`, properties whose changes are told by none;
    `delta_forgets`, whether what isn't shown yet is told only by asking the same link again;
    `delta_tells_restored`, whether a restored user is told of though nothing that was selected changed.

    `throttled`: whether limits are counted. `shuffled`: whether parallel batches are carried out and
    answered in another order. `checks_credits`: whether a credit license needs a calling plan or
    audio conferencing (no source says that Graph checks it).
    """

    tenant: str | None = "simulated-tenant"
    client_id: str | None = "simulated-client"
    client_secret: str | None = "simulated-secret"  # noqa: S105 - nobody's
    token_life_s: int = 3599
    mca: bool = False
    credits_seats: int = 10_000_000
    tenant_location: str = "DE"
    settling_s: float = DAY_S
    operation_s: float = 2
    group_delay_s: float = 5
    delta_life_s: float = 7 * DAY_S
    delta_late_s: float = 0
    delta_replays: int = 0
    delta_untracked: tuple[str, ...] = ("licenseAssignmentStates",)
    delta_forgets: bool = False
    delta_tells_restored: bool = True
    throttled: bool = True
    shuffled: bool = True
    checks_credits: bool = False


@dataclass
class Tenant:
    """The running tenant. `real_clock` tells the time (aware)."""

    state: State
    options: Options
    real_clock: Callable[[], datetime] = utc_now
    tokens: dict[str, float] = field(default_factory=dict)
    ahead_s: float = 0
    throttle: Throttle = field(init=False)

    def __post_init__(self) -> None:
        self.throttle = Throttle(self.options.throttled)

    def now(self) -> datetime:
        """Return the tenant's time."""
        return self.real_clock() + timedelta(seconds=self.ahead_s)

    def now_s(self) -> float:
        """Return the tenant's time in seconds since 1970."""
        return self.now().timestamp()

    def stamp(self) -> str:
        """Return the tenant's time as Graph writes it."""
        return stamp(self.now())


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in: the tenant, its query (text), its body as the schema reads it.

    `base` is the address of the API without a slash at its end; `prefer` the preferences of the
    header of that name; `eventual` whether ConsistencyLevel says so.
    """

    tenant: Tenant
    query: dict[str, str]
    body: dict[str, Any]
    base: str
    prefer: dict[str, str]
    eventual: bool

    @property
    def state(self) -> State:
        """The tenant's state."""
        return self.tenant.state

    @property
    def options(self) -> Options:
        """The tenant's options."""
        return self.tenant.options


def current_tenant() -> Tenant:
    """Return the tenant that the running Flask application simulates."""
    tenant: Tenant = current_app.extensions[EXTENSION]
    return tenant
