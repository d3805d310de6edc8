"""What a carried-out change leaves to be remembered, because the phone system can't be asked for it.

It is kept as last applied, by folded key and entitlement, and planning takes it for what is held. Of
entitlements that are lists it is an object whose members are the names, all of them null.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from connectors.records import Abilities, Change, Value, fold
from provisioner.reminders import INVITATION, one_more

Applied = Mapping[tuple[str, str], Value]
"""Last applied values, by folded key and entitlement."""

SETTINGS = {
    "template.apply": "template",
    "site.set": "site",
    "extension.set": "extension_number",
    "emergency.set": "emergency_address",
    "softphone.authorize": "softphone",
    "softphone.deauthorize": "softphone",
    "delegation.set": "delegate_privileges",
}
"""Kinds whose `after` is an entitlement's new value."""

_DELEGATES = ("delegate.add", "delegate.remove")


def remembered(
    change: Change, unreadable: Collection[str], applied: Applied
) -> Iterator[tuple[tuple[str, str], Value]]:
    """Yield what a change did that can't be read back; `applied` is what was remembered before it."""
    key = fold(change.key)
    name = SETTINGS.get(change.kind)
    if name is not None and name in unreadable:
        yield (key, name), change.after
    if change.kind in _DELEGATES and "delegates" in unreadable:
        yield (key, "delegates"), _with(applied.get((key, "delegates")), change)
    elif change.kind == "welcome.resend":
        yield (key, INVITATION), one_more(applied.get((key, INVITATION)))
    elif change.kind == "delegate.add":
        yield (key, "delegates"), True  # from now on they are asked for their delegates
    if change.kind == "profile.update" and isinstance(change.after, dict):
        for attribute, value in change.after.items():
            if (name := f"profile.{attribute}") in unreadable:
                yield (key, name), value


def names_in(value: Value) -> tuple[str, ...] | None:
    """Return the names of a remembered list, None where none is remembered.

    >>> names_in({"jan@example.org": None}), names_in({}), names_in(True)
    (('jan@example.org',), (), None)
    """
    return tuple(sorted(value)) if isinstance(value, dict) else None


def can_be_read_back(change: Change, abilities: Abilities) -> bool:
    """Return whether the next read of the phone system shows if a change is done, all of it."""
    kind = change.kind
    if kind == "welcome.resend":
        return False  # a mail leaves no trace
    if kind == "profile.update" and isinstance(change.after, dict):
        return not any(f"profile.{name}" in abilities.unreadable for name in change.after)
    name = "delegates" if kind in _DELEGATES else SETTINGS.get(kind)
    return name not in abilities.unreadable


def _with(held: Value, change: Change) -> Value:
    names = {fold(name): name for name in names_in(held) or ()}
    if isinstance(change.before, str):
        names.pop(fold(change.before), None)
    if isinstance(change.after, str):
        names[fold(change.after)] = change.after
    return dict.fromkeys(sorted(names.values()))
