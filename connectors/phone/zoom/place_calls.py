"""Changes of one room or common area, grouped into what its own endpoints carry.

A room takes five plans or numbers a call, a common area twenty; a swap is two requests, because
neither can exchange a plan or number in place.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.records import Change

AREAS, ROOMS = "/phone/common_areas", "/phone/rooms"
_PLACE = {"common_area": f"{AREAS}/{{commonAreaId}}", "room": f"{ROOMS}/{{roomId}}"}
_MOST = {"common_area": 20, "room": 5}
_SETTINGS = ("site.set", "extension.set")

TEMPLATE = f"POST {AREAS}/template_id/{{templateId}}"
CAN = {
    "common_area": frozenset(
        {"package.assign", "package.remove", "number.assign", "number.release"}
        | {"site.set", "extension.set", "template.apply"}
    ),
    "room": frozenset(
        {"package.assign", "package.remove", "number.assign", "number.release"}
        | {"site.set", "extension.set"}
    ),
}
"""What Zoom's interface can do for a place, by its kind."""

STEPS = {
    "set_up": "PATCH {}",
    "add_plans": "POST {}/calling_plans",
    "swap_plan": "POST, DELETE {}/calling_plans",
    "remove_plan": "DELETE {}/calling_plans/{{type}}",
    "add_numbers": "POST {}/phone_numbers",
    "swap_number": "POST, DELETE {}/phone_numbers",
    "remove_number": "DELETE {}/phone_numbers/{{phoneNumberId}}",
}


def operation(kind: str, step: str) -> str:
    """Return what reports call a step for a kind of place.

    >>> operation("room", "remove_plan")
    'DELETE /phone/rooms/{roomId}/calling_plans/{type}'
    """
    return STEPS[step].replace("{{", "{").replace("}}", "}").replace("{}", _PLACE[kind])


def place_units(own: list[Change]) -> Iterator[tuple[str, list[Change], int]]:
    """Yield (operation, changes, requests) for one place's changes, which are by seq.

    What is left over, because no operation of Zoom's carries it out, has the operation "".
    """
    kind = own[0].user_kind
    settings = [change for change in own if change.kind in _SETTINGS]
    if settings:
        yield operation(kind, "set_up"), settings, 1
    for change in own:
        if change.kind == "template.apply" and kind == "common_area":
            yield TEMPLATE, [change], 1
        elif change.kind == "package.remove":
            yield operation(kind, "remove_plan"), [change], 1
        elif change.kind == "number.release":
            yield operation(kind, "remove_number"), [change], 1
        elif change.kind not in (*_SETTINGS, "package.assign", "number.assign"):
            yield "", [change], 0
    for what, add, swap in (
        ("package.assign", "add_plans", "swap_plan"),
        ("number.assign", "add_numbers", "swap_number"),
    ):
        given = [change for change in own if change.kind == what]
        new = [change for change in given if change.before is None]
        for start in range(0, len(new), _MOST[kind]):
            yield operation(kind, add), new[start : start + _MOST[kind]], 1
        for change in given:
            if change.before is not None:
                yield operation(kind, swap), [change], 2
