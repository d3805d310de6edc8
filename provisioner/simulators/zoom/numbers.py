"""The account's numbers, one by one: read, renamed, given back to Zoom.

Source: Zoom Phone's OpenAPI, /phone/numbers/{phoneNumberId} and DELETE /phone/numbers.
"""

from __future__ import annotations

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call
from .catalog import number_entry
from .errors import ZoomError, refused
from .fields import Int, Nothing
from .service import Answer, operation

blueprint = Blueprint("zoom_numbers", __name__)

MOST = 20
NOW = (float("inf"), 2**62)
"""What one number is asked for by itself is never late."""


class Update(Schema):
    """The body of PATCH /phone/numbers/{phoneNumberId}; no number here is of a carrier of one's own."""

    capability = fields.List(fields.String(), validate=Length(max=2))
    display_name = fields.String()
    emergency_address_status = Int()
    sip_group_id = fields.String()


class DeleteQuery(Schema):
    """The query of DELETE /phone/numbers: numbers, separated by commas."""

    phone_numbers = fields.String(required=True)


@operation(blueprint, "GET", "/phone/numbers/<phone_number_id>", "LIGHT", query=Nothing())
def read_number(call: Call, phone_number_id: str) -> Answer:
    """One number, by its id or in E.164 format."""
    row = call.state.row("SELECT * FROM numbers WHERE id = ?1 OR number = ?1", phone_number_id)
    if row is None:
        message = f"Phone number does not exist, phonenumberId:{phone_number_id}"
        raise ZoomError(400, 400, message)
    entry = number_entry(call, row, NOW)
    assignee = entry.get("assignee", {})
    if assignee.get("type") == "sharedLineGroup":  # only the list knows this type
        del assignee["type"]
    return entry, 200


@operation(
    blueprint,
    "PATCH",
    "/phone/numbers/<phone_number_id>",
    "LIGHT",
    body=Update(),
    touches=lambda *_: (),
)
def update_number(call: Call, phone_number_id: str) -> Answer:
    """Name a number; its capability and SIP group are those of a carrier of one's own."""
    row = call.state.row("SELECT * FROM numbers WHERE id = ?1 OR number = ?1", phone_number_id)
    if row is None:
        raise ZoomError(404, 404, f"Phone number does not exist. ID: {phone_number_id}.")
    if {"capability", "sip_group_id"} & call.body.keys():
        raise refused("The phone number is not BYOC phone number.")
    return None, 204


@operation(
    blueprint,
    "DELETE",
    "/phone/numbers",
    "MEDIUM",
    query=DeleteQuery(),
    touches=lambda *_: (),
)
def delete_numbers(call: Call) -> Answer:
    """Give up to 20 numbers back that nobody holds; all of them or none."""
    numbers = [number for number in call.query["phone_numbers"].split(",") if number]
    if not 1 <= len(numbers) <= MOST:
        raise refused(
            "The number of items for the query parameter `phone_numbers` must be between 1 and"
            f" {MOST} inclusive."
        )
    for number in numbers:
        free = "DELETE FROM numbers WHERE number = ? AND holder IS NULL"
        if not call.state.run(free, number):
            raise refused(f"The phone number {number} is not an unassigned number of this account.")
    return None, 204
