"""What carried-out changes did to one person, thing by thing: from what to what.

A change may do more than it is named for: what it took along stands in its consequences. Several
changes of one thing net out, so that what is left says what an undo has to bring back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from connectors.records import ACTIVATED, Change, Value, fold
from provisioner.plan.services import what_went

ACCOUNT = {
    "user.create": ("absent", "active"),
    "user.invite": ("absent", "pending"),
    "user.activate": ("inactive", "active"),
    "user.deactivate": ("active", "inactive"),
    "user.trash": ("active", "trashed"),
    "user.restore": ("trashed", "active"),
    "user.delete": ("active", "absent"),
}
"""What becomes of an account, by the kind of change."""

SEVERAL = frozenset({"package", "number", "delegate"})
"""Families of which a phone user may hold several."""


class Done(NamedTuple):
    """A change that was carried out, the id of its plan, and the title of its cluster there."""

    plan: str
    change: Change
    title: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing of a phone user that is otherwise than it was before the changes `of`.

    `family` is the first half of a kind (`license`, `number` …), `account`, or a profile attribute
    (`profile.department`). `before` and `after` are as a change has them, an account's from ACCOUNT.
    """

    family: str
    before: Value
    after: Value
    of: tuple[Done, ...]


def effects(done: Iterable[Done]) -> list[Effect]:
    """Return what is left of one person's changes, given in the order in which they were carried out."""
    single: dict[str, Effect] = {}
    several: list[Effect] = []
    for each in (effect for one in done for effect in _effects(one)):
        if each.family in SEVERAL:
            _add(several, each)
        elif (earlier := single.get(each.family)) is not None:
            single[each.family] = replace(
                earlier, after=each.after, of=_together(earlier.of, each.of)
            )
        else:
            single[each.family] = each
    return [e for e in (*single.values(), *several) if not alike(e.before, e.after)]


def alike(one: Value, other: Value) -> bool:
    """Return whether two values mean the same thing: names are compared without case."""
    if isinstance(one, str) and isinstance(other, str):
        return fold(one) == fold(other)
    return one == other


def _effects(done: Done) -> Iterator[Effect]:
    """Yield what one change did, what it took along included; a mail that was sent is nothing of these."""
    change = done.change
    family = change.kind.partition(".")[0]
    if change.kind == "user.activate" and change.after == ACTIVATED:
        return  # a license put to use, which goes when the license goes
    if change.kind in ACCOUNT:
        yield Effect("account", *ACCOUNT[change.kind], (done,))
    elif family == "profile":
        yield from _attributes(done)
    elif family != "welcome":
        yield Effect(family, change.before, change.after, (done,))
    for sentence in change.consequences:
        if (went := what_went(sentence)) is not None:
            yield Effect(*went, False if went[0] == "credit" else None, (done,))


def _attributes(done: Done) -> Iterator[Effect]:
    """Yield one effect for each attribute, each of a change that is about that attribute alone."""
    before, after = done.change.before, done.change.after
    for name, value in after.items() if isinstance(after, dict) else ():
        was = before.get(name) if isinstance(before, dict) else None
        part = msgspec.structs.replace(done.change, before={name: was}, after={name: value})
        yield Effect(f"profile.{name}", was, value, (done._replace(change=part),))


def _add(net: list[Effect], new: Effect) -> None:
    """Take in an effect on one of several things, which goes on from earlier ones or takes them back."""

    def find(test: Callable[[Effect], bool]) -> int | None:
        return next((n for n, e in enumerate(net) if e.family == new.family and test(e)), None)

    at: int | None = None
    if new.before is not None:
        at = find(lambda e: e.after is not None and alike(e.after, new.before))
        if at is not None:
            net[at] = replace(net[at], after=new.after, of=_together(net[at].of, new.of))
        elif find(lambda e: alike(e.before, new.before)) is not None:
            new = replace(new, before=None)  # it went already, and is named once more
    if at is None:
        net.append(new)
        at = len(net) - 1
    back = find(lambda e: new.after is not None and alike(e.before, new.after))
    if back is not None and back != at:  # what went first is there again
        net[back] = replace(net[back], before=None, of=_together(net[back].of, new.of))
        net[at] = replace(net[at], after=None)


def _together(one: tuple[Done, ...], other: tuple[Done, ...]) -> tuple[Done, ...]:
    return (*one, *(done for done in other if done not in one))
