"""What a phone system's own log says of who changed it, for vendors that keep such a log and show it.

A phone system may be an `OperationLog` too; nobody needs it to be. What it tells makes a reason say
more, and nothing else: no log, or one that can't be read, is as good as an empty one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec


class Operation(msgspec.Struct, frozen=True):
    """One entry of the log: who did what, when.

    `at` is aware, and may be to the second only; `operator` is a mail address or a name; `detail` is the
    vendor's own text, in one line. `about`: the families of changes (first halves of kinds) that it may
    have made necessary; None where the text doesn't tell.
    """

    at: datetime
    operator: str
    detail: str
    about: frozenset[str] | None = None


@runtime_checkable
class OperationLog(Protocol):
    """A phone system that may tell who changed it.

    `log` is the vendor's name as reasons say it ("Zoom"), None where config wants none of it.
    """

    log: str | None

    def operations(self, since: datetime) -> Iterator[Operation]:
        """Yield what others than our own app did since then, of a month at most, in the vendor's order.

        Bounded: of a log that is longer than the connector cares to read the oldest is left out.
        Raises what any read raises.
        """
