"""Pools of direct numbers: which numbers are in one, and which of them are free to give."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from functools import cached_property
from itertools import chain

from connectors.records import fold
from provisioner.config import PoolConfig


class NumberPool:
    """The numbers of one pool, in order. `offered`: the account's unassigned numbers, None if unknown.

    A pool has its config's ranges and list, or (`vendor: true`) the account's unassigned numbers at a site.
    Reserved numbers are in the pool, so that whoever holds one keeps it, but are never given.
    """

    def __init__(
        self, name: str, config: PoolConfig, offered: Collection[tuple[str, str | None]] | None
    ) -> None:
        self.name = name
        self._config = config
        self._offered = None if offered is None else dict(offered)
        self._ranges = [(int(low[1:]), int(high[1:]), len(low)) for low, high in config.ranges]

    def has(self, number: str) -> bool:
        """Return whether the number belongs to the pool; a vendor's pool has whatever it gave."""
        if not number.startswith("+") or not number[1:].isdigit():
            return False
        value = int(number[1:])
        if self._config.vendor and not self._ranges:
            return True
        return number in self._config.numbers or any(
            low <= value <= high and len(number) == n for low, high, n in self._ranges
        )

    def free(self, held: Collection[str], cooling: Collection[str]) -> Iterator[str]:
        """Yield the numbers that can be given, lowest first: not held, reserved or cooling off."""
        for number in self._numbers():
            if number in held or number in cooling or number in self._config.reserved:
                continue
            if self._offered is None or number in self._offered:
                yield number

    def gives(self, number: str, held: Collection[str], cooling: Collection[str]) -> bool:
        """Return whether this very number can be given."""
        if number in held or number in cooling or number in self._config.reserved:
            return False
        if self._config.vendor:
            return number in self._unassigned
        return self.has(number) and (self._offered is None or number in self._offered)

    def takes_back(self, number: str) -> bool:
        """Return whether a number that somebody loses now can be given to another at once.

        It is the pool's, isn't reserved and need not rest. Of a vendor's pool at one site nobody
        knows whether a number that is held belongs there.
        """
        config = self._config
        unknown_site = config.vendor and config.site is not None
        return (
            self.has(number)
            and number not in config.reserved
            and not config.cooling
            and not unknown_site
        )

    def _numbers(self) -> Iterable[str]:
        if self._config.vendor:
            return self._unassigned
        ranges = (f"+{n}" for low, high, _ in self._ranges for n in range(low, high + 1))
        return chain(ranges, sorted(self._config.numbers, key=lambda n: (len(n), n)))

    @cached_property
    def _unassigned(self) -> dict[str, None]:
        """What the vendor has unassigned (at the pool's site), in order."""
        site = self._config.site
        return dict.fromkeys(
            sorted(
                number
                for number, at in (self._offered or {}).items()
                if site is None or (at is not None and fold(at) == fold(site))
            )
        )

    @property
    def size(self) -> int | None:
        """How many numbers it can give at most, reserved ones not counted; None for a vendor's pool."""
        if self._config.vendor:
            return None
        listed = sum(high - low + 1 for low, high, _ in self._ranges) + len(self._config.numbers)
        return listed - len(self._config.reserved)

    @property
    def rest(self) -> timedelta:
        """How long a released number cools off."""
        return self._config.cooling

    def counted(self, held: Collection[str]) -> tuple[int, int]:
        """Return the pool's total and how many of it are held, reserved ones not counted.

        A vendor's pool at one site is what is unassigned there: none of it is held. `held` is a set, or
        whatever tells as quickly what is in it.
        """
        if self._config.vendor:
            offered = len(self._unassigned)
            return (offered, 0) if self._config.site else (offered + len(held), len(held))
        size = self.size or 0
        if size < len(held):
            used = sum(n in held and n not in self._config.reserved for n in self._numbers())
        else:
            used = sum(n not in self._config.reserved for n in held if self.has(n))
        return size, used

    def counts(self, number: str) -> bool:
        """Return whether a number is one of those that `counted` counts."""
        if self._config.vendor and self._config.site:
            return number in self._unassigned
        return self.has(number) and number not in self._config.reserved
