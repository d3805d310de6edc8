"""Rooms' and common areas' changes: their own calls, in the sizes that these take."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from connectors.errors import RunError
from connectors.phone.zoom.calls import group
from connectors.phone.zoom.place_calls import CAN
from connectors.phone.zoom.writing import HANDLERS
from connectors.records import Change

_seq = count(1)


def change(kind: str, after: Any, before: Any = None, of: str = "room") -> Change:
    return Change(
        seq=next(_seq), kind=kind, user="Board", key="p1", id="p1",
        before=before, after=after, user_kind=of,
    )  # fmt: skip


def calls(*changes: Change) -> list[tuple[str, int, int]]:
    return [(call.what, len(call.changes), call.requests) for call in group(changes)]


def test_a_room_takes_five_numbers_a_call_and_a_common_area_twenty() -> None:
    numbers = [f"+4989{n}" for n in range(7)]

    for kind, sizes in (("room", [5, 2]), ("common_area", [7])):
        found = calls(*(change("number.assign", number, of=kind) for number in numbers))
        assert [size for _, size, _ in found] == sizes


def test_a_swap_takes_two_requests_because_a_place_cannot_exchange_in_place() -> None:
    assert calls(change("package.assign", "Pro", "Basic"), change("number.assign", "+2", "+1")) == [
        ("POST, DELETE /phone/rooms/{roomId}/calling_plans", 1, 2),
        ("POST, DELETE /phone/rooms/{roomId}/phone_numbers", 1, 2),
    ]


def test_site_and_extension_number_share_a_patch_and_a_template_goes_alone() -> None:
    found = calls(
        change("site.set", "Brno", of="common_area"),
        change("extension.set", "7001", of="common_area"),
        change("template.apply", "Areas", of="common_area"),
    )

    assert [what for what, _, _ in found] == [
        "PATCH /phone/common_areas/{commonAreaId}",
        "POST /phone/common_areas/template_id/{templateId}",
    ]


@pytest.mark.parametrize("kind", sorted(CAN))
def test_everything_that_zoom_can_do_for_a_place_has_a_call_and_a_handler(kind: str) -> None:
    for what in sorted(CAN[kind]):
        (call,) = group([change(what, "7", of=kind)])
        assert call.what in HANDLERS, what


def test_what_no_operation_carries_out_is_a_fault_of_the_plan() -> None:
    with pytest.raises(RunError, match=r"no call for template\.apply"):
        group([change("template.apply", "Areas")])
