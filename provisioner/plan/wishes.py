"""What two decisions about one person differ in: entitlement by entitlement, with the rules that decide.

The two may come from two mappings, or from one mapping with one thing about the person changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from connectors.records import fold
from mappings import Entitlements, PoolRef
from mappings.entitlements import MANY, GivenValue

STAYS = "what they hold stays"
"""Stands for a value where a text lacks an attribute."""


class Wish(NamedTuple):
    """One thing that is given: `value` as plans write it (`pool:munich`), and the rule that decides.

    `entitlement` is `profile.display_name` for an attribute of the profile. `value` is STAYS, and
    `stays` true, where a text lacks an attribute.
    """

    entitlement: str
    value: str | bool
    rule: str
    stays: bool = False


class Difference(NamedTuple):
    """One entitlement that differs: None stands for nothing. Of a list, one value that comes or goes."""

    entitlement: str
    before: Wish | None
    after: Wish | None


def plain(value: GivenValue) -> str | bool:
    """Return a given value as plans write it.

    >>> plain(PoolRef("munich")), plain("Office"), plain(True)
    ('pool:munich', 'Office', True)
    """
    return f"pool:{value.name}" if isinstance(value, PoolRef) else value


def wishes(given: Entitlements | None) -> Iterator[Wish]:
    """Yield all that somebody is given; nothing for None, who is out of scope."""
    if given is None:
        return
    for name, (value, rule) in given.single.items():
        yield Wish(name, plain(value), rule)
    for name, values in given.many.items():
        for value, rule in values.items():
            yield Wish(name, plain(value), rule)
    for name, (value, rule) in given.profile.items():
        yield Wish(f"profile.{name}", plain(value), rule)
    for name, rule, _ in given.missing:
        yield Wish(name, STAYS, rule, stays=True)


def differences(before: Entitlements | None, after: Entitlements | None) -> Iterator[Difference]:
    """Yield what two decisions differ in, in the order of the entitlements; a rule alone is no difference."""
    old, new = _by_place(before), _by_place(after)
    for place in sorted(old.keys() | new.keys()):
        was, will = old.get(place), new.get(place)
        if was is None or will is None or _folded(was) != _folded(will):
            yield Difference(place[0], was, will)


def _by_place(given: Entitlements | None) -> dict[tuple[str, str], Wish]:
    """Return wishes by entitlement and, of a list, by folded value."""
    return {
        (wish.entitlement, fold(str(wish.value)) if wish.entitlement in MANY else ""): wish
        for wish in wishes(given)
    }


def _folded(wish: Wish) -> str | bool:
    return fold(wish.value) if isinstance(wish.value, str) else wish.value
