"""What a mapping file says of joiners, movers and leavers: dates, leave and graces, read and judged.

Like everything in load.py it is read also where the shape is wrong, so that every problem is told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marshmallow import ValidationError

from connectors.records import fold
from connectors.scim_filter import Filter, Path
from mappings.dates import Dates, Leave
from mappings.graces import problems_of
from mappings.scalars import Duration
from mappings.yaml_nodes import Step

At = tuple[Step, ...]
Problem = Callable[[At, str], None]


def life_cycle(
    content: dict[str, Any],
    attribute: Callable[[At, Any], Path | None],
    filter: Callable[[At, Any], Filter | None],
    problem: Problem,
) -> tuple[Dates | None, Leave | None]:
    """Return the dates and the leave of a mapping's content; None where there are none, or wrong ones.

    `attribute` and `filter` read the path, or the filter, that stands at a place; they report what is
    wrong there, as `problem` does here.
    """
    _graces(content.get("leavers"), problem)
    found, leave = content.get("dates"), content.get("leave")
    return (
        _dates(found, content.get("timezones"), attribute, problem)
        if isinstance(found, dict)
        else None,
        _leave(leave, filter, problem) if isinstance(leave, dict) else None,
    )


def _dates(
    found: dict[str, Any],
    zones: Any,
    attribute: Callable[[At, Any], Path | None],
    problem: Problem,
) -> Dates | None:
    if not found.keys() & {"start", "end"}:
        problem(("dates",), "name the attribute of the start, or of the end, or of both")
    if "provision" in found and "start" not in found:
        problem(("dates", "provision"), "goes with a start only")
    start, end = (attribute(("dates", n), found.get(n)) for n in ("start", "end"))
    try:
        return Dates(
            start,
            end,
            _span(found.get("provision", timedelta(0))),
            ZoneInfo(found.get("timezone", "UTC")),
            {fold(site): ZoneInfo(zone) for site, zone in (zones or {}).items()},
        )
    except (ValidationError, ZoneInfoNotFoundError, ValueError, OSError, TypeError, AttributeError):
        return None  # the shape is wrong, and was reported


def _leave(
    found: dict[str, Any], filter: Callable[[At, Any], Filter | None], problem: Problem
) -> Leave | None:
    if "do" in found and "keep" in found:
        problem(("leave", "keep"), "write either `do` or `keep`")
    when, keep = filter(("leave", "when"), found.get("when")), found.get("keep")
    if when is None:
        return None
    kept = (
        frozenset(each for each in keep if isinstance(each, str))
        if isinstance(keep, list)
        else None
    )
    return Leave(when, found.get("do", "nothing"), kept)


def _graces(leavers: Any, problem: Problem) -> None:
    after = leavers.get("after") if isinstance(leavers, dict) else None
    if not isinstance(after, dict):
        return
    try:
        read = {thing: _span(span) for thing, span in after.items()}
    except ValidationError:
        return  # the shape is wrong, and was reported
    for thing, text in problems_of(leavers.get("do", "report"), read):
        problem(("leavers", "after") if thing is None else ("leavers", "after", thing), text)


def _span(value: Any) -> timedelta:
    """Return a time span, also one that is as it was written."""
    if isinstance(value, timedelta):
        return value
    span: timedelta | None = Duration().deserialize(value)
    if span is None:
        raise ValidationError("is no time span")
    return span
