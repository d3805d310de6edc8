"""What the faults need to know of the vendor that they are to happen to.

Any object with these methods will do; a simulator keeps its own beside its operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Protocol

Answer = tuple[int, dict[str, str], bytes]
"""HTTP status, headers, body."""


class Vendor(Protocol):
    """One simulated vendor. Paths are as they are on the wire, without the query, decoded."""

    def sort(self, method: str, path: str) -> Any:
        """Return the request's sort (spec.Sort), None for what isn't the vendor's interface."""

    def too_many(self, retry_after_s: float | None) -> Answer:
        """Return the vendor's 429."""

    def broken(self, status: int) -> Answer:
        """Return what the vendor, or a gateway before it, answers with a 5xx."""

    def another(self, path: str, dice: Random) -> str | None:
        """Return the path of the same read about another user, None where it is about none."""

    def misnamed(self, body: Any, dice: Random) -> Any:
        """Return a write's answer (parsed) with another user in it, None where it names none."""

    def touched(self, path: str, body: Any) -> Iterable[str]:
        """Return every name (ids, mail addresses) in a path by which those whom a write touches go."""

    def entries(self, body: Any) -> list[Any] | None:
        """Return the list within a page's answer (parsed; the very list), None if it has none."""

    def expire_tokens(self) -> None:
        """Make every access token that was given so far one that has expired."""

    def take_seat(self, dice: Random) -> Callable[[], None] | None:
        """Take a free seat away, and return what gives it back; None where no seat is free."""
