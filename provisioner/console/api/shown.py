"""What the API gives, beside the program's own documents (structs.py)."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import OneOf

from connectors.records import Change
from provisioner.console.api.asked import STATES
from provisioner.console.api.fields import Shown, Struct
from provisioner.plan.model import (
    RISKS,
    Adoption,
    Base,
    Cluster,
    Compared,
    Conflict,
    Forecast,
    Summary,
)


def _moment(description: str = "", **kwargs: object) -> fields.String:
    """Return a moment as every document writes it: UTC, to the second."""
    about = {"format": "date-time"} | ({"description": description} if description else {})
    return fields.String(required=True, metadata=about, **kwargs)  # type: ignore[arg-type]


def _shown(**kwargs: object) -> fields.String:
    return fields.String(required=True, **kwargs)  # type: ignore[arg-type]


def _day(**kwargs: object) -> fields.String:
    return _shown(metadata={"format": "date"}, **kwargs)


class Told(Shown):
    """What came of it, a line at a time, as the command line tells it."""

    told = fields.List(fields.String(), required=True)


class Started(Shown):
    """A run that has begun."""

    run = _shown(allow_none=True, metadata={"description": "Null while it waits for its turn."})


class Undone(Shown):
    """The plan that takes back what a run did."""

    plan = _shown()


class Directory(Shown):
    """One directory of a sync. `warming`: pushed to, and nobody has declared it ready."""

    name = _shown()
    kind = _shown()
    warming = fields.Boolean(required=True)
    read_at = _moment("The last read that was believed.", allow_none=True)


class _Rest(Shown):
    """What is left alone for a while, because it failed."""

    sync = _shown()
    failures = fields.Integer(required=True, metadata={"description": "Runs in a row."})
    since = _moment()
    until = _moment()
    reason = _shown()


class Resting(_Rest):
    """A sync that is slowed down, because its calls mostly failed."""

    run = _shown()


class ParkedPerson(_Rest):
    """Somebody who is left alone for a while, because the phone system refused a change of theirs."""

    key = _shown()
    user = _shown()
    plan = _shown()
    seq = fields.Integer(required=True)


class Adopted(Shown):
    """When, and by whom, a full plan of a sync was first approved."""

    at = _moment()
    by = _shown()


class Pushes(Shown):
    """What waits in the receiver to be planned."""

    people = fields.Integer(required=True)
    since = _moment()


_STATES_COUNTED = fields.Dict(
    fields.String(validate=OneOf(STATES)),
    fields.Integer(),
    required=True,
    metadata={"description": "How many changes are in which state on record."},
)


_AWAITING = fields.Integer(
    required=True, metadata={"description": "Changes that wait for somebody's approval."}
)


class NewestPlan(Shown):
    """How far a sync's newest full plan has come."""

    id = _shown()
    created_at = _moment()
    states = _STATES_COUNTED
    awaiting = _AWAITING
    second = fields.Integer(
        required=True, metadata={"description": "Those that one person has approved, and two must."}
    )


class Sync(Shown):
    """How it stands with one sync."""

    name = _shown()
    directories = fields.List(fields.Nested(Directory), required=True)
    phone_system = _shown()
    schedule = _shown(allow_none=True)
    running_since = _moment(allow_none=True)
    ended_at = _moment("When its last run ended.", allow_none=True)
    status = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "The exit status that its last run would have at the command line."
        },
    )
    next_start = _moment(allow_none=True)
    late = fields.Boolean(required=True)
    quarantine = fields.Nested(Resting, required=True, allow_none=True)
    adopted = fields.Nested(Adopted, required=True, allow_none=True)
    pushes = fields.Nested(Pushes, required=True, allow_none=True)
    plan = fields.Nested(NewestPlan, required=True, allow_none=True)
    credits = fields.Boolean(
        required=True, metadata={"description": "Config says how its credits are bought."}
    )


class Syncs(Shown):
    """Every sync that you may see."""

    syncs = fields.List(fields.Nested(Sync), required=True)


class Run(Shown):
    """One run, as `provisioner runs --format json` gives it; `status` is null while it runs."""

    id = _shown()
    sync = _shown()
    plan = _shown(allow_none=True)
    command = _shown()
    started_at = _moment()
    ended_at = _moment(allow_none=True)
    status = fields.Integer(required=True, allow_none=True)
    summary = fields.Dict(required=True)


_NEXT = _shown(
    allow_none=True, metadata={"description": "What to go on with; null at the end of the list."}
)


class Runs(Shown):
    """Runs, the newest first."""

    runs = fields.List(fields.Nested(Run), required=True)
    next = _NEXT


class Review(Shown):
    """What one person decided about a plan."""

    decision = _shown()
    by = _shown()
    at = _moment()
    until = _moment(allow_none=True)
    words = fields.List(fields.String(), data_key="only", required=True)
    changes = fields.Integer(required=True, allow_none=True)


class PlanLine(Shown):
    """One plan, as `provisioner runs --format json` gives it."""

    id = _shown()
    sync = _shown()
    created_at = _moment()
    scope = _shown()
    approved_by = _shown(allow_none=True)
    states = _STATES_COUNTED
    reviews = fields.List(fields.Nested(Review), required=True)
    lacking_second = fields.Integer(required=True)


class Plans(Shown):
    """Plans, the newest first."""

    plans = fields.List(fields.Nested(PlanLine), required=True)
    next = _NEXT


class GroupCounted(Shown):
    """Changes of one cluster, kind and risk that are in one state on record."""

    cluster = _shown()
    kind = _shown()
    risk = _shown(validate=OneOf(RISKS))
    state = _shown(validate=OneOf(STATES))
    changes = fields.Integer(required=True)
    people = fields.Integer(required=True)


class Outline(PlanLine):
    """A plan without its changes: what stands in its head, and what its changes count up to."""

    as_of = _moment()
    base = Struct(Base, required=True)
    summary = Struct(Summary, required=True)
    clusters = Struct(Cluster, many=True, required=True)
    conflicts = Struct(Conflict, many=True, required=True)
    warnings = fields.List(fields.String(), required=True)
    forecast = Struct(Forecast, many=True)
    adoption = Struct(Adoption)
    comparison = Struct(Compared)
    groups = fields.List(fields.Nested(GroupCounted), required=True)
    awaiting = _AWAITING
    adopted = fields.Boolean(
        required=True,
        metadata={"description": "A full plan of the sync has been approved; before, all waits."},
    )
    freezes = fields.List(fields.String(), required=True)
    newer = _shown(allow_none=True, metadata={"description": "The newest full plan, if another."})


class Changes(Shown):
    """Changes of a plan in its order, each as it stands now."""

    changes = Struct(Change, many=True, required=True)
    next = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "`after` of the next page; null where these are the last."},
    )


class Person(Shown):
    """Somebody in a directory, as of its last accepted read."""

    key = _shown()
    user = _shown()
    display_name = _shown()


class People(Shown):
    """Who was found."""

    people = fields.List(fields.Nested(Person), required=True)


class Noted(Shown):
    """Somebody's word that a step is done."""

    at = _moment()
    by = _shown()
    note = _shown(allow_none=True)


class ManualStep(Shown):
    """What only a person can do. `steps` says how; `verified_by` whether a read shows that it is done."""

    id = _shown()
    sync = _shown()
    plan = _shown()
    seq = fields.Integer(required=True)
    kind = _shown()
    user = _shown()
    key = _shown()
    phone_id = _shown(allow_none=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)
    rule = _shown(allow_none=True)
    because = _shown()
    risk = _shown(validate=OneOf(RISKS))
    needs = fields.List(fields.Integer(), required=True)
    consequences = fields.List(fields.String(), required=True)
    steps = _shown(allow_none=True)
    since = _moment()
    verified_by = _shown(validate=OneOf(("read", "tick")))
    noted = fields.Nested(Noted, required=True, allow_none=True)


class ManualSteps(Shown):
    """Open manual steps: by sync, the longest due first."""

    steps = fields.List(fields.Nested(ManualStep), required=True)
    next = _NEXT


class Quarantine(Shown):
    """Which syncs are slowed down, and who is parked."""

    syncs = fields.List(fields.Nested(Resting), required=True)
    people = fields.List(fields.Nested(ParkedPerson), required=True)
    next = _NEXT


class Recharge(Shown):
    """Whether credits are bought by themselves, below which balance, and how many."""

    on = fields.Boolean(required=True)
    trigger = _shown(allow_none=True)
    amount = _shown(allow_none=True)


class Purchase(Shown):
    """Credits that were bought."""

    date = _day()
    amount = _shown()
    left = _shown()
    lapses = _day()


class Lapse(Shown):
    """Credits that lapse on a day."""

    date = _day()
    amount = _shown()


class Credits(Shown):
    """The statement of a sync's Communications Credits; amounts are decimal numbers as text."""

    sync = _shown()
    as_of = _day()
    agreement = _shown()
    auto_recharge = fields.Nested(Recharge, required=True, allow_none=True)
    balance = _shown()
    purchases = fields.List(fields.Nested(Purchase), required=True)
    next_lapse = fields.Nested(Lapse, required=True, allow_none=True)
    used = _shown()
    lapsed = _shown()
    uncovered = _shown()
    rate = _shown(metadata={"description": "A day, at present."})
    runs_out = _day(allow_none=True)
    relying = fields.Integer(required=True)
    plan = _shown(allow_none=True)
    warnings = fields.List(fields.String(), required=True)


class Fault(Shown):
    """One thing wrong in what was asked. `pointer` into the body, or the `parameter` of the query."""

    detail = _shown()
    pointer = fields.String()
    parameter = fields.String()


class Problem(Shown):
    """Why nothing was done (RFC 9457)."""

    type = _shown()
    title = _shown()
    status = fields.Integer(required=True)
    detail = _shown()
    errors = fields.List(fields.Nested(Fault))
