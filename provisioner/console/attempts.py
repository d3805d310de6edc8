"""Wrong tokens: who tries them has to wait, longer each time.

Nobody guesses 256 random bits; this keeps the log and the store from whoever tries, and tells a script
with an old token early. Counted by address, an IPv6 address by its /64, which is one customer's.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

FREE = 5
"""Wrong tokens that cost nobody anything."""

LONGEST_S = 60.0
_FORGOTTEN_S = 900.0
_MANY = 10_000
"""Addresses to keep in mind; more push out who tried longest ago."""


class Attempts:
    """The wrong tokens of each address. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, address: str) -> float:
        """Return for how many seconds nothing from an address is looked at, 0 if it is."""
        with self._lock:
            count, last = self._known(_customer(address))
            if count < FREE:
                return 0.0
            pause = min(2.0 ** (count - FREE), LONGEST_S)
            return max(0.0, last + pause - self._clock())

    def failed(self, address: str) -> None:
        """Count a wrong token."""
        who = _customer(address)
        with self._lock:
            count, _ = self._known(who)
            self._failed[who] = min(count + 1, FREE + 10), self._clock()
            self._failed.move_to_end(who)
            if len(self._failed) > _MANY:
                self._failed.popitem(last=False)

    def passed(self, address: str) -> None:
        """Forget what an address has tried: somebody there has the right one."""
        with self._lock:
            self._failed.pop(_customer(address), None)

    def _known(self, who: str) -> tuple[int, float]:
        count, last = self._failed.get(who, (0, 0.0))
        return (0, 0.0) if self._clock() - last > _FORGOTTEN_S else (count, last)


def _customer(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4 or found.ipv4_mapped:
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))
