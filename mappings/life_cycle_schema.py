"""The shape of what a mapping file says of joiners, movers and leavers (life_cycle.py reads it)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from mappings.dates import KEPT
from mappings.scalars import Duration, Strict, Text, Zone, one_of

LEAVERS = ("trash", "remove_license", "deactivate", "delete", "report")


class Graces(fields.Field[Any]):
    """One grace for all that a leaver loses, or one for each thing: {credits: 0d, license: 14d}."""

    def schema_of(self, data: Any) -> object:
        """Return what judges the members of `data`."""
        return GracesSchema() if isinstance(data, Mapping) else self

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, Mapping):
            return GracesSchema().load(value)
        return Duration().deserialize(value)


class LeaversSchema(Strict):
    """What becomes of leavers, and how long after; no `after` leaves the grace to the directory."""

    do = fields.Raw(load_default="report", validate=one_of(*LEAVERS))
    after = Graces(load_default=None)


class GracesSchema(Strict):
    """How long after leaving each thing is taken."""

    credits = Duration()
    license = Duration()
    packages = Duration()
    number = Duration()
    delegates = Duration()
    account = Duration()


class DatesSchema(Strict):
    """Where people's first and last days stand, and how long before the first they are provisioned."""

    start = Text()
    end = Text()
    provision = Duration()
    timezone = Zone()


class LeaveSchema(Strict):
    """Who is on leave, and what becomes of what they hold."""

    when = Text(required=True)
    do = fields.Raw(validate=one_of("nothing", "deactivate"))
    keep = fields.List(
        fields.Raw(validate=one_of(*KEPT)),
        error_messages={"invalid": "a list is wanted, such as [number, license]"},
    )
