"""An explanation: why one person has what they have, as one value that text and JSON are views of.

What the mapping decides is worked out by `explain.py`; what the store and the phone system know of the
person is added where it is gathered (provisioner/explaining.py).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from connectors.records import Value
from provisioner.plan.model import Conflict

FORMAT = "provisioner-explanation/1"

Plain = str | bool | None
"""A value as plans write it; `pool:NAME` for a number of a pool."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One condition and what it saw: `met` tells whether it is as it must be, `not` included.

    `values` are what the person has there, `nearest` the one that is nearly what is asked for.
    `from_`: what told it: directories, and for a group also whether it is direct or through which.
    """

    condition: str
    met: bool
    values: tuple[str, ...] = ()
    nearest: str | None = None
    from_: tuple[str, ...] = msgspec.field(default=(), name="from")


class Together(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions that decide together: `all` of them must be met, or `any`."""

    how: Literal["all", "any"]
    met: bool
    parts: tuple[Seen | Together, ...]


Reason = Seen | Together


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that matches and would have given `value`, if `winner` hadn't decided before it.

    `value` is None where the text lacks an attribute, or the rule would have `taken` the entitlement.
    `beaten`: the winner `gave` something else, `took` it, or is `exclusive`.
    """

    rule: str
    where: str
    value: Plain
    winner: str
    beaten: str = "gave"
    taken: bool = False


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What the phone system has of an entitlement: one value, or those of a list; None where unknown."""

    value: Plain | tuple[str, ...]
    known: str  # "read now", "as last applied", "plan 12 found nothing to change"
    as_of: datetime


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A change that the newest plan holds for them, in the state that it is in now; `rule` asks for it."""

    plan: str
    seq: int
    kind: str
    before: Value
    after: Value
    rule: str | None
    state: str
    because: str
    reason: str | None = None


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """The last change of a kind that reached the phone system, or was to: who approved it, and how it went."""

    kind: str
    before: Value
    after: Value
    state: str
    at: datetime
    plan: str
    seq: int
    run: str | None
    approved_by: str
    because: str
    reason: str | None = None


class Entitled(msgspec.Struct, frozen=True, kw_only=True):
    """One entitlement that the mapping manages; of a list, one value of it.

    `value` None: nothing gives it, or the `rule` says there is none (`taken`), so it is taken away.
    `rule` with `where`, and the `persona` whose it is, if any. `missing`: the attribute that the
    rule's text lacks, so that what is held stays. `takes`: attributes that the value is made of.
    `pool`: why this number, or why they wait for it.
    `needless`: why the phone system's account gives nobody any of it, and none is planned.
    """

    entitlement: str
    value: Plain
    rule: str | None = None
    where: str | None = None
    persona: str | None = None
    because: Reason | None = None
    takes: tuple[str, ...] = ()
    missing: str | None = None
    taken: bool = False
    lost: tuple[Lost, ...] = ()
    pool: str | None = None
    needless: str | None = None
    now: Held | None = None
    due: tuple[Due, ...] = ()
    last: Happened | None = None


class Said(msgspec.Struct, frozen=True):
    """What one directory says of an attribute."""

    directory: str
    values: tuple[str, ...]


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute that the mapping reads: the value that counts, the directory that gave it, what others say."""

    attribute: str
    values: tuple[str, ...]
    directory: str | None
    others: tuple[Said, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """How one directory has somebody in a group: `direct`, or `through` which, the nearest to it first.

    `through` is empty too where the directory doesn't tell; then `direct` is False.
    """

    directory: str
    direct: bool
    through: tuple[str, ...] = ()


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A group that the person is in, how each directory has them in it, and whether the mapping asks for it."""

    group: str
    paths: tuple[Step, ...]
    used: bool


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """An entitlement that would be otherwise: `rule` is the one that would then decide."""

    entitlement: str
    before: Plain
    after: Plain
    rule: str | None = None
    where: str | None = None


class Without(msgspec.Struct, frozen=True, kw_only=True):
    """What would be otherwise if the person weren't in a group; `moved` is empty if nothing would."""

    group: str
    in_scope: bool
    moved: tuple[Moved, ...] = ()


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that would give what somebody asked about, and why it doesn't, or that it does.

    `outcome`: condition (see `because`), lost (`winner` decided before: `beaten` says how), missing (its
    text lacks `missing`), scope (they are out of scope), pool (it gives any number of a pool that has
    this one), or given.
    """

    rule: str
    where: str
    persona: str | None = None
    outcome: str
    because: Reason | None = None
    winner: str | None = None
    winner_where: str | None = None
    beaten: str | None = None
    missing: str | None = None


class WhyNot(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `--why-not ENTITLEMENT=VALUE`; `nearest`: values that rules do give, where none gives it."""

    entitlement: str
    value: str
    given: bool
    rules: tuple[Candidate, ...] = ()
    nearest: tuple[str, ...] = ()


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """From when what a directory says is; `afresh`: it was read now, not taken from the store."""

    directory: str
    as_of: datetime | None
    has_them: bool
    afresh: bool = False


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What holds things back for them, each in words; empty where nothing does."""

    protected: bool = False
    pending: bool = False
    leaver: str | None = None
    parked: str | None = None
    sync_parked: str | None = None
    conflicts: tuple[Conflict, ...] = ()
    warming: tuple[str, ...] = ()


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why one person has what they have. `standing`: in_scope, out_of_scope, inactive, gone, unmanaged or
    place (a room or common area that a rule names).

    What `entitled` says of somebody out of scope is what they would have in scope. `phone`: from when
    the phone system's state is, in words; `notes` are sentences.
    """

    format: str = FORMAT
    sync: str
    user: str
    key: str
    id: str | None = None
    at: datetime
    standing: str
    scope: Reason | None = None
    mapping: str
    reads: tuple[Read, ...] = ()
    phone: str = ""
    state: Standing = Standing()
    attributes: tuple[Used, ...] = ()
    groups: tuple[Membership, ...] = ()
    entitlements: tuple[Entitled, ...] = ()
    account: tuple[Due, ...] = ()
    last: Happened | None = None
    without: tuple[Without, ...] = ()
    why_not: WhyNot | None = None
    notes: tuple[str, ...] = ()
