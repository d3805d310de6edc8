"""What a decision about a change is bound to: its kind, key, before, after and consequences.

A newer plan that holds the same change carries the decision over; whatever differs asks again.
"""

from __future__ import annotations

import hashlib

import msgspec

from connectors.records import Change, fold

REMOVALS = frozenset(
    {
        "license.remove",
        "package.remove",
        "number.release",
        "user.deactivate",
        "user.trash",
        "user.delete",
    }
)
"""Kinds by which somebody loses a license, package, number or account (a swap is none of them)."""

TAKEAWAYS = REMOVALS | {
    "delegate.remove",
    "credit.remove",
    "softphone.deauthorize",
}
"""Kinds that take anything at all from somebody."""


def content_of(change: Change) -> str:
    """Return the hash of what an operator decides about when they decide about this change."""
    decided = (change.kind, fold(change.key), change.before, change.after, change.consequences)
    return hashlib.blake2b(
        msgspec.msgpack.encode(decided, order="deterministic"), digest_size=16
    ).hexdigest()
