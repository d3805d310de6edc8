"""What goes wrong and how often: the text of `--faults`, and the roll of the dice for each request.

    30%                          of all answers are faulty, of every kind in the usual mix
    429=5%,reset-after=3%        only these
    30%,timeout=0%,slow=5%:0.2s  the mix, but for what is named; slow answers take 0.2 seconds

A share counts of those requests that a fault of the kind can meet at all (only a list repeats an
entry). The same seed gives the same fault to a request of the same number and sort.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from random import Random
from typing import Literal

Sort = Literal["token", "read", "list", "write"]
"""A request for a token; a read of one thing; a page of a list; a write."""

EVERY: frozenset[Sort] = frozenset({"token", "read", "list", "write"})
CALLS: frozenset[Sort] = EVERY - {"token"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: what it does, which sorts of requests it meets, its part of the mix.

    `seconds`: how long where nothing is said; None where time has no part in it.
    """

    does: str
    meets: frozenset[Sort]
    part: int
    seconds: float | None = None


_WRITE: frozenset[Sort] = frozenset({"write"})
KINDS: dict[str, Kind] = {
    "429": Kind("too many requests, without Retry-After", EVERY, 4),
    "429-retry-after": Kind("too many requests, with Retry-After", EVERY, 3, 1),
    "500": Kind("an error at their end; a write has taken effect or not", EVERY, 1),
    "502": Kind("a bad gateway; a write has taken effect or not", EVERY, 1),
    "503": Kind("not available; a write has taken effect or not", EVERY, 3),
    "504": Kind("a gateway's timeout; a write has taken effect or not", EVERY, 1),
    "reset-before": Kind("the connection is reset, and nothing has happened", EVERY, 3),
    "reset-after": Kind("the connection is reset once a write has taken effect", EVERY, 3),
    "timeout": Kind("no answer for so long; a write has taken effect or not", EVERY, 1, 35),
    "slow": Kind("the answer takes so long", EVERY, 3, 1),
    "truncated": Kind("half an answer: cut JSON, or a connection that breaks off", EVERY, 3),
    "late": Kind("what a write did shows in reads only after so long", _WRITE, 4, 2),
    "duplicate-page": Kind("a page repeats an entry", frozenset({"list"}), 2),
    "wrong-user": Kind("an answer about another user", frozenset({"read", "write"}), 2),
    "token-expiry": Kind("every access token is no longer good", CALLS, 2),
    "seats-vanish": Kind("a free seat is gone, for so long (0s: for good)", _WRITE, 1, 30),
}

_ENTRY = re.compile(r"(?:(?P<kind>[^=%]*)=)?(?P<share>[0-9.]+)%(?::(?P<seconds>[0-9.]+)s)?")


class SpecError(ValueError):
    """A text of `--faults` that can't be used; tells everything that is wrong with it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that meets a request. `dice` decide whatever else there is to decide about it."""

    kind: str
    seconds: float
    dice: Random = field(compare=False)


@dataclass(frozen=True, slots=True)
class Faults:
    """How often what goes wrong. Shares are between 0 and 1.

    `total`: the share of faulty answers where the mix is wanted, else None. `shares` and `seconds`: by
    kind, what is named.
    """

    seed: int = 0
    total: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def roll(self, number: int, sort: Sort) -> Fault | None:
        """Return what meets the request of this number (from 1), None if nothing does.

        >>> Faults(shares={"429": 1.0}).roll(1, "read").kind
        '429'
        >>> Faults(shares={"late": 1.0}).roll(1, "read")
        """
        dice = Random(f"{self.seed}/{number}/{sort}")  # noqa: S311 (to be guessed again, by design)
        point = dice.random()
        for kind, share in self.chances(sort).items():
            point -= share
            if point < 0:
                seconds = self.seconds.get(kind, KINDS[kind].seconds or 0)
                return Fault(kind, seconds, dice)
        return None

    def chances(self, sort: Sort) -> dict[str, float]:
        """Return the chance of each kind of fault for a request of this sort."""
        named = {k: share for k, share in self.shares.items() if sort in KINDS[k].meets}
        if self.total is None:
            return named
        others = {
            kind: each.part
            for kind, each in KINDS.items()
            if kind not in self.shares and sort in each.meets
        }
        parts, rest = sum(others.values()), max(0.0, self.total - sum(named.values()))
        return named | {kind: rest * part / parts for kind, part in others.items()}


def parse(text: str, seed: int = 0) -> Faults:
    """Return the faults that a text of `--faults` asks for; none for an empty one.

    Raises SpecError, naming everything that is wrong and what was probably meant.

    >>> parse("30%, slow=5%:0.2s").seconds
    {'slow': 0.2}
    """
    total: float | None = None
    shares: dict[str, float] = {}
    seconds: dict[str, float] = {}
    problems: list[str] = []
    for entry in filter(None, re.split(r"[,\s]+", text.strip())):
        try:
            kind, share, lasts = _entry(entry)
        except SpecError as error:
            problems.append(str(error))
            continue
        if (total is not None) if kind is None else (kind in shares):
            problems.append(f"{entry!r}: {kind or 'the share of the mix'} is given twice")
        elif kind is None:
            total = share
        else:
            shares[kind] = share
            seconds |= {} if lasts is None else {kind: lasts}
    faults = Faults(seed, total, shares, seconds)
    problems += [] if problems else _too_much(faults)
    if problems:
        raise SpecError("; ".join(problems))
    return faults


def _entry(entry: str) -> tuple[str | None, float, float | None]:
    """Return one entry's kind (None: the mix), share and seconds."""
    found = _ENTRY.fullmatch(entry)
    named = entry.partition("=")[0] if "=" in entry else None
    if named is not None and named not in KINDS:
        raise SpecError(f"{entry!r}: there is no fault called {named!r}{_meant(named)}")
    if found is None:
        raise SpecError(
            f"{entry!r}: write KIND=SHARE%, KIND=SHARE%:SECONDSs, or SHARE% for the mix,"
            " such as 429=5%, slow=5%:0.2s or 30%" + ("" if named else _meant(entry))
        )
    share, lasts = _number(entry, found["share"]), found["seconds"]
    if share > 100:
        raise SpecError(f"{entry!r}: a share is between 0% and 100%")
    if lasts is not None and (named is None or KINDS[named].seconds is None):
        raise SpecError(
            f"{entry!r}: only {_listed(k for k in KINDS if KINDS[k].seconds)} take time"
        )
    return named, share / 100, None if lasts is None else _number(entry, lasts)


def _number(entry: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SpecError(f"{entry!r}: {text!r} is no number") from None


def _meant(name: str) -> str:
    near = get_close_matches(name.casefold(), KINDS, n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else f"; there are {_listed(KINDS)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _too_much(faults: Faults) -> list[str]:
    """Return what is wrong where a request would meet a fault more often than always."""
    over = {
        sort: share
        for sort in sorted(EVERY)
        if (share := sum(s for k, s in faults.shares.items() if sort in KINDS[k].meets)) > 1 + 1e-9
    }
    return [f"together {share:.0%} of every {sort} would be faulty" for sort, share in over.items()]
