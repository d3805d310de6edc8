"""A plan: every change that would bring the phone system to what the mappings wish, and why.

A plan is a value. It is made once from one reading of the directories and the phone system,
recorded, reviewed, and carried out as recorded; nothing in it is worked out anew later.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from connectors.records import Change, Risk

FORMAT = "provisioner-plan/1"
UNDO = "undo"
"""The scope of a plan that takes back what a run did: no plan made by mapping supersedes it, nor it one."""

PARTLY_READ = frozenset({UNDO, "push"})
"""Scopes of plans for which not every phone user is looked at, so that their numbers aren't counted."""

RISKS: tuple[Risk, ...] = ("destructive", "service", "safe")
"""The most dangerous first: the order in which reports show clusters."""


class Base(msgspec.Struct, frozen=True):
    """Hashes (`sha256:…`) of what a plan was made from; the same base and as_of give the same plan.

    `memory` stands for what the store remembers (bindings, last applied values, rolling windows,
    decisions), and for the sync's settings; `phone` for its users, its catalog and its abilities.
    """

    directory: str
    phone: str
    mapping: str
    memory: str


class PoolUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """Seats of one pool: `total` (None: not counted), `used` now, `after` this plan.

    `after` is `used`, and what the plan has `claimed`, less what it has `freed`; `short` counts the
    claims that found no seat. `resting`: numbers of the pool that cool off, which nobody can be given.
    They are None in plans of versions that didn't count them.
    """

    total: int | None
    used: int
    after: int
    claimed: int | None = None
    freed: int | None = None
    short: int | None = None
    resting: int | None = None


class Cost(msgspec.Struct, frozen=True):
    """What a plan changes of each month's bill, if all that it has planned is carried out.

    Amounts are decimal numbers as text ("-12.50"), in `currency`. `kinds` and `departments` ("" where
    somebody has none) each add up to `monthly`; what changes nothing is in neither.
    """

    currency: str
    monthly: str
    kinds: dict[str, str] = {}
    departments: dict[str, str] = {}


class Forecast(msgspec.Struct, frozen=True):
    """One pool on one day to come on which something is `claimed` or `freed`.

    `date` is an ISO date. `after`: the seats that are held or wanted by the end of that day, those of
    claims that find none included; `short`: how many more that is than there are.
    """

    pool: str
    date: str
    after: int
    short: int
    claimed: int
    freed: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a plan. `changes` counts by kind; `removals` distinct people who lose something.

    `people`: in scope or bound. `unchanged`: of those, without a change. `api_calls`: the requests
    that the planned writes take, fresh reads not counted. `pools`: by `family:name`. `cost`: None
    where config has no prices.
    """

    people: int
    unchanged: int
    changes: dict[str, int]
    removals: int = 0
    held: int = 0
    blocked: int = 0
    waiting: int = 0
    manual: int = 0
    api_calls: int = 0
    pools: dict[str, PoolUse] = {}
    cost: Cost | None = None


class Cluster(msgspec.Struct, frozen=True):
    """Changes with one cause: `title` says it in words, `people` counts whom it concerns.

    `risk` is the highest among its changes.
    """

    id: str
    title: str
    people: int
    risk: Risk


class Conflict(msgspec.Struct, frozen=True):
    """People who can't be told apart or contradict each other; all of `keys` are left alone.

    In an undo's plan: what changed since, and so isn't taken back.
    `where` are the places in the directories; `reason` says what to mend.
    """

    keys: tuple[str, ...]
    users: tuple[str, ...]
    where: tuple[str, ...]
    reason: str


class Match(msgspec.Struct, frozen=True):
    """How one person met one phone user at adoption: `how` is join, email or binding."""

    user: str
    key: str
    id: str
    how: str


class Adoption(msgspec.Struct, frozen=True, kw_only=True):
    """What the first plans of a sync show first: who was matched to whom, and who is left over.

    `matched` counts by how (`{"join": 230}`), `examples` are the first few of each;
    `people_unmatched` and `phone_users_unmatched` name those on either side (users, sorted).
    """

    matched: dict[str, int] = {}
    examples: tuple[Match, ...] = ()
    people_unmatched: tuple[str, ...] = ()
    phone_users_unmatched: tuple[str, ...] = ()


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What people have decided about the changes `seqs`, all of them alike.

    `decision`: approved, rejected, or expired (it was approved once); `by`: whoever decided, the
    first first; `until`: when the decision ends, or ended. `lacks`: what an approval waits for yet.
    """

    decision: str
    by: tuple[str, ...]
    until: datetime
    lacks: str | None = None
    seqs: tuple[int, ...]


class Swing(msgspec.Struct, frozen=True):
    """What another mapping would give otherwise: None stands for nothing; of a list, one value of it.

    `entitlement` may be `scope`: True for whoever is in it. `old_rule` decides now, `new_rule` would.
    `users` names the first few of the `people`.
    """

    entitlement: str
    before: str | bool | None
    after: str | bool | None
    old_rule: str | None
    new_rule: str | None
    people: int
    users: tuple[str, ...] = ()


class RuleCompared(msgspec.Struct, frozen=True):
    """By one rule: the people to whom it gives something, changes something, or no longer gives something."""

    rule: str
    gives: int
    changes: int
    loses: int


class PoolCompared(msgspec.Struct, frozen=True):
    """Seats of one pool: `total` (None: not counted), `used` now, and how many `more` and `less` are wished."""

    pool: str
    total: int | None
    used: int
    more: int
    less: int


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Another mapping (`new`) against the one that counts (`old`), for all `people` of the directories.

    `differ` of them would be given something else; of these some `gain` what they don't have, and some
    `lose`. `monthly`: what it would cost more, as text, in `currency`; None without prices.
    """

    old: str
    new: str
    old_sha256: str
    new_sha256: str
    people: int
    differ: int
    gain: int
    lose: int
    swings: tuple[Swing, ...] = ()
    rules: tuple[RuleCompared, ...] = ()
    pools: tuple[PoolCompared, ...] = ()
    currency: str | None = None
    monthly: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One plan of one sync. `blocked` and `waiting` are changes with a `reason`, not also in `changes`.

    `scope` is "full", "users" (a plan for named users only), "push", or "undo". `changes` are in the order of
    their `seq`, which is an order in which they can be carried out. `warnings` are sentences.
    `decisions` say how it stands by now; they are no part of what is reviewed. `forecast`: by date,
    then pool; empty where nothing is known of days to come. `comparison`: of a plan by another mapping,
    with the one that counts.
    """

    id: str
    sync: str
    created_at: datetime
    as_of: datetime
    base: Base
    summary: Summary
    clusters: tuple[Cluster, ...] = ()
    changes: tuple[Change, ...] = ()
    blocked: tuple[Change, ...] = ()
    waiting: tuple[Change, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    warnings: tuple[str, ...] = ()
    adoption: Adoption | None = None
    scope: str = "full"
    decisions: tuple[Decided, ...] = ()
    forecast: tuple[Forecast, ...] = ()
    comparison: Compared | None = None


def highest(risks: Iterable[Risk]) -> Risk:
    """Return the most dangerous of the risks; safe if there are none.

    >>> highest(["safe", "destructive", "service"])
    'destructive'
    """
    return min(risks, key=RISKS.index, default="safe")
