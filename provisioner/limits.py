"""Limits: how much one sync may take away, change, or find missing, before a person has to look.

A limit is a share of the people it is about or a plain number. A share of few people would forbid
what happens every day, so a percentage always allows at least 3; to allow none, write `0`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

LEAST = 3
"""What any percentage allows, however few the people."""

_PERCENTAGE = re.compile(r"\s*(\d{1,3}(?:\.\d{1,4})?)\s*%\s*", re.ASCII)
_NUMBER = re.compile(r"\s*(\d{1,9})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` people or members: of a hundred if it is a `percentage`, else that many.

    `also`: a second limit that holds beside it.
    """

    amount: Decimal
    percentage: bool
    also: Limit | None = None

    @classmethod
    def parse(cls, text: str | int | list[str | int]) -> Limit:
        """Read `"10%"` (0 to 100, decimals allowed), a number that isn't negative, or a list of them.

        Raises ValueError, saying what a limit looks like.

        >>> Limit.parse("10%").allows(640), Limit.parse(25).allows(640), Limit.parse(["10%", 25]).allows(640)
        (64, 25, 25)
        """
        if isinstance(text, list) and text:
            first, *rest = text
            if isinstance(first, str | int):
                return replace(cls.parse(first), also=cls.parse(rest) if rest else None)
        written = str(text)
        if not isinstance(text, bool):
            if (share := _PERCENTAGE.fullmatch(written)) and Decimal(share[1]) <= 100:
                return cls(Decimal(share[1]), percentage=True)
            if number := _NUMBER.fullmatch(written):
                return cls(Decimal(number[1]), percentage=False)
        raise ValueError(
            f"{written!r} is no limit: write a percentage (10%) or a whole number (25)"
        )

    def allows(self, population: int) -> int:
        """Return how many of `population` it allows, rounded down; a percentage at least LEAST.

        >>> [Limit.parse("10%").allows(n) for n in (0, 29, 30, 39, 40)]
        [3, 3, 3, 3, 4]
        """
        share = max(LEAST, int(population * self.amount // 100))
        own = share if self.percentage else int(self.amount)
        return own if self.also is None else min(own, self.also.allows(population))

    def __str__(self) -> str:
        """Return the limit in words: `10%`, `25`, or `10% and 25`."""
        own = f"{self.amount}%" if self.percentage else str(self.amount)
        return own if self.also is None else f"{own} and {self.also}"


_TENTH, _FIFTH, _HALF = map(Limit.parse, ("10%", "20%", "50%"))


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one sync; what isn't given is the default.

    `removals`: people who lose a license, package, number or account; `changes`: people changed;
    `kinds`: people changed by one kind of change; all of the people bound or in scope, over a rolling
    24 hours. `people_min`: fewer people read
    than this is no read. `people_drop`, `group_drop`, `column_drop`: how many fewer people,
    members of one group, or values of one column than the last believed read had.
    """

    removals: Limit = _TENTH
    changes: Limit = _HALF
    people_min: int = 1
    people_drop: Limit = _TENTH
    group_drop: Limit = _HALF
    column_drop: Limit = _FIFTH
    kinds: Mapping[str, Limit] = field(default_factory=dict)
