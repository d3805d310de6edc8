"""What the API takes: in a query, and in a body."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import Length, OneOf

from connectors.records import State
from provisioner.console.api.fields import (
    LONGEST_TEXT,
    Asked,
    Figures,
    Flag,
    Name,
    Text,
    Whole,
)
from provisioner.console.desk import AT_ONCE, MOST
from provisioner.manual_steps import LONGEST_NOTE
from provisioner.plan.model import RISKS

STATES: tuple[str, ...] = State.__args__  # type: ignore[attr-defined]
_SHORT = Length(1, LONGEST_TEXT)


def _text(description: str) -> Text:
    return Text(validate=_SHORT, metadata={"description": description})


class Listing(Asked):
    """How much of a list."""

    limit = Figures(1, MOST, load_default=AT_ONCE)


class SyncListing(Listing):
    """How much of a list, and of which sync."""

    sync = _text("Of this sync only.")


class PlansAsked(SyncListing):
    """Which plans."""

    before = _text("Those before this plan: `next` of the page before.")


class RunsAsked(SyncListing):
    """Which runs."""

    plan = _text("Those that made or carried out this plan.")
    before = _text("Those that began before this run: `next` of the page before.")


class PagesAsked(SyncListing):
    """Which part of a list."""

    cursor = _text("`next` of the page before.")


class ChangesAsked(Listing):
    """Which changes of a plan: all that fit every parameter."""

    cluster = _text("Of this cluster, by its id.")
    kind = _text("Of this kind, like `number.release`.")
    user = _text("Of this person: their mail address or key as the plan has it, without case.")
    state = Text(validate=OneOf(STATES), metadata={"description": "In this state now."})
    risk = Text(validate=OneOf(RISKS))
    after = Figures(
        0, 2**31 - 1, load_default=0, metadata={"description": "Those after this `seq`."}
    )


class PeopleAsked(Listing):
    """Whom to look for."""

    name = Text(
        required=True,
        validate=Length(1, 200),
        metadata={"description": "A part of a name, mail address, userName or key."},
    )


class ExplanationAsked(Asked):
    """What to explain beside what somebody has."""

    why_not = Text(
        validate=_SHORT,
        metadata={
            "description": "ENTITLEMENT=VALUE: why they don't have this.",
            "pattern": "^[^=\\u0000]+=[^\\u0000]+$",
        },
    )
    offline = Text(
        validate=OneOf(("true", "false")),
        load_default="false",
        metadata={"description": "Don't ask the phone system."},
    )


class Act(Asked):
    """Who does it."""

    by = Name()


class DecisionAsked(Act):
    """A decision about a plan, or about what `only` means in it."""

    decision = Text(required=True, validate=OneOf(("approved", "rejected")))
    words = fields.List(
        Text(validate=_SHORT),
        data_key="only",
        load_default=list,
        validate=Length(max=1_000),
        metadata={
            "description": "Kinds, risks, clusters or people; none of them means the whole plan."
        },
    )
    with_needs = Flag(load_default=False, metadata={"description": "Also what the changes need."})


class ApplyAsked(Act):
    """What to let through once although a limit or a freeze holds it."""

    allow_removals = Whole(metadata={"description": "At most so many people lose something."})
    allow_changes = Whole(metadata={"description": "At most so many people change."})
    allow = fields.Dict(
        Text(validate=_SHORT),
        Whole(),
        load_default=dict,
        metadata={"description": "By kind of change: at most so many people."},
    )
    despite_freeze = Flag(load_default=False)


class DoneAsked(Act):
    """What was done about a manual step."""

    note = Text(validate=Length(max=LONGEST_NOTE))


class ReleaseAsked(Act):
    """Whom to let go from quarantine."""

    users = fields.List(
        Text(validate=_SHORT),
        load_default=list,
        validate=Length(max=1_000),
        metadata={"description": "Mail addresses or keys; none: everybody, and the sync itself."},
    )
