"""What a decision about a change is bound to: its kind, key, before, after and consequences.

A newer plan that holds the same change carries the decision over; whatever differs asks again. What an
undo took back is refused more broadly, by what was wished: the same wish comes again with another
`before`, other consequences, or another number of its pool.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Protocol

import msgspec

from connectors.records import Change, Value, fold

KINDS = frozenset(
    {
        "user.invite", "user.create", "user.activate", "user.deactivate", "user.trash", "user.delete",
        "user.restore", "profile.update", "license.assign", "license.remove", "package.assign",
        "package.remove", "template.apply", "site.set", "extension.set", "delegation.set",
        "emergency.set", "number.assign", "number.release", "delegate.add", "delegate.remove",
        "credit.assign", "credit.remove", "softphone.authorize", "softphone.deauthorize",
        "welcome.resend",
    }
)  # fmt: skip
"""Every kind of change that there is (DESIGN section 4)."""

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

SWAPS = frozenset({"license.assign", "package.assign", "number.assign"})
"""Kinds that take something too where they replace it."""


class OfKind(Protocol):
    """What is of one kind and risk: a change, or a number of them that are alike in this."""

    @property
    def kind(self) -> str: ...

    @property
    def risk(self) -> str: ...


def is_named(change: OfKind, names: Collection[str]) -> bool:
    """Return whether a list of risks and kinds, as config has them, names this change, or these.

    >>> is_named(Change(kind="number.release", user="eva", key="E1"), {"number.release", "service"})
    True
    """
    return change.risk in names or change.kind in names


def content_of(change: Change) -> str:
    """Return the hash of what an operator decides about when they decide about this change."""
    decided = (change.kind, fold(change.key), change.before, change.after, change.consequences)
    return _hash(decided)


def contents_of(change: Change) -> tuple[str, ...]:
    """Return the hash that a decision about a change is bound to; and was, while its number wasn't to be had."""
    if change.kind != "number.assign" or change.after is None:
        return (content_of(change),)
    return content_of(change), content_of(msgspec.structs.replace(change, after=None))


def wishes_of(change: Change) -> tuple[str, ...]:
    """Return the hashes of what a change wishes for a person, however it gets there from what they hold.

    One of each attribute for a `profile.update`, else one.
    """
    key, kind, after = fold(change.key), change.kind, change.after
    wishes: list[tuple[object, ...]]
    if kind == "profile.update" and isinstance(after, dict):
        wishes = [(kind, key, name, value) for name, value in sorted(after.items())]
    elif kind.startswith("user."):
        wishes = [(kind, key)]
    elif kind == "number.assign" and change.cause != "undo":
        wishes = [
            (kind, key, change.rule)
        ]  # which number of a pool it is differs from time to time
    else:
        wishes = [(kind, key, _folded(change.before if after in (None, False) else after))]
    return tuple(_hash(wish) for wish in wishes)


def _folded(value: Value) -> Value:
    return fold(value) if isinstance(value, str) else value


def _hash(content: object) -> str:
    encoded = msgspec.msgpack.encode(content, order="deterministic")
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()
