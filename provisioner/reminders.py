"""What is remembered of an invitation that nobody has accepted yet: how often, and since when."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from connectors.records import Value

INVITATION = "invitation"
"""Under this name it is kept as last applied: `{"sent": how many reminders, "since": the last one}`."""


class Invited(NamedTuple):
    """How many reminders were sent, and since when the last mail is known to be out (None: unseen)."""

    sent: int
    since: datetime | None


def invited(value: Value) -> Invited:
    """Read what is remembered of an invitation.

    >>> invited({"sent": "2", "since": None}), invited(None)
    (Invited(sent=2, since=None), Invited(sent=0, since=None))
    """
    if not isinstance(value, dict):
        return Invited(0, None)
    since = value.get("since")
    return Invited(int(value.get("sent") or 0), datetime.fromisoformat(since) if since else None)


def one_more(value: Value) -> Value:
    """Return what is to be remembered after one reminder more; the next plan notes when it sees it."""
    return {"sent": str(invited(value).sent + 1), "since": None}
