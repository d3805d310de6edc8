"""What the store remembers of a sync, as the values that planning takes and gives.

A binding ties a person's key to the vendor's own id. It wins over every other way of matching: a
renamed person is a rename, never a leaver plus a joiner.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from connectors.records import Cause, Value
from provisioner.plan.name_index import NameIndex


class Binding(msgspec.Struct, frozen=True, gc=False):
    """A person and their phone user, by the person's folded key and the vendor's immutable id.

    `gone_since`: the first accepted read that showed them gone, inactive or out of scope, or None.
    """

    key: str
    phone_id: str
    gone_since: datetime | None = None


class Reason(msgspec.Struct, frozen=True):
    """Why a change was first planned: it keeps that reason for as long as the same change is due.

    `because` is about this person; `title` names the cluster of all changes with this cause.
    """

    cause: Cause
    because: str
    title: str


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a sync, but for its bindings, which are streamed.

    `adopted`: a full plan was once approved by a person. `applied`: last applied values of what
    can't be read back, by (folded key, entitlement). `reasons`: of the changes that the last full
    plan held, by content. `mapping`: that plan's mapping hash. `lost` and `changed`: folded keys of
    the people who lost something, or were changed, in the rolling 24 hours; `by_kind`: those changed
    by each kind of change. `refused`: by wish (plan/content.py), why it may not come back unasked: an
    undo took it back. `rejected`: the contents of changes that somebody rejected.
    `planned_at`: when that last full plan was made, None where there was none.
    """

    adopted: bool = False
    applied: dict[tuple[str, str], Value] = {}
    reasons: dict[str, Reason] = {}
    mapping: str | None = None
    lost: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    by_kind: dict[str, frozenset[str]] = {}
    refused: dict[str, str] = {}
    rejected: frozenset[str] = frozenset()
    planned_at: datetime | None = None


class Learned(msgspec.Struct, kw_only=True):
    """What a plan's reads taught, to be stored with the plan.

    `bound`: people matched to a phone user for the first time. `gone`: folded keys first seen gone;
    `back`: those who were gone and are not. `lost`: those who are gone, and whose phone user is
    gone too. `applied`: values of what can't be read back that count as in place, at adoption.
    `delegations`: the vendor's ids of those whose delegations were read, where that costs a call.
    `names`: what the directories call everybody, where the mapping manages delegates.
    """

    bound: list[Binding] = []
    gone: list[str] = []
    back: list[str] = []
    lost: list[str] = []
    applied: dict[tuple[str, str], Value] = {}
    delegations: list[str] = []
    names: NameIndex = msgspec.field(default_factory=NameIndex)

    def leave_out(self, keys: Collection[str]) -> None:
        """Forget of these people, by folded key, who is gone, back or lost: a later read says otherwise."""
        if keys:
            self.gone = [key for key in self.gone if key not in keys]
            self.back = [key for key in self.back if key not in keys]
            self.lost = [key for key in self.lost if key not in keys]
