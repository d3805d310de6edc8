"""A phone user's calling plans (by type) and direct numbers.

Both additions answer 201 although the specification says 200, as the live service does. A swap is
one call and beats remove and add: there is no moment without a plan, and the numbers stay.
Source: Zoom Phone's OpenAPI, /phone/users/{userId}/calling_plans and …/phone_numbers.
"""

from __future__ import annotations

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call
from .errors import ZoomError, invalid
from .fields import Int
from .phones import give_numbers, give_plan, holds_plan, phone_user, take_plan
from .service import Answer, operation

blueprint = Blueprint("zoom_calling_plans", __name__)


MAX_DIGITS = 19


class NewPlan(Schema):
    """A calling plan to assign; subscriptions and billing accounts are taken, and not looked at."""

    type = Int(required=True)
    billing_account_id = fields.String()
    billing_subscription_id = fields.String()


class NewPlans(Schema):
    """The body of POST …/calling_plans."""

    calling_plans = fields.List(
        fields.Nested(NewPlan), required=True, validate=Length(min=1, max=150)
    )


class Swap(Schema):
    """The body of PUT …/calling_plans."""

    source_type = Int(required=True)
    target_type = Int(required=True)


class PhoneNumber(Schema):
    """A number to assign, by id or in E.164 format."""

    id = fields.String()
    number = fields.String()


class NewNumbers(Schema):
    """The body of POST …/phone_numbers."""

    phone_numbers = fields.List(
        fields.Nested(PhoneNumber), required=True, validate=Length(min=1, max=10)
    )


@operation(blueprint, "POST", "/phone/users/<user_id>/calling_plans", "LIGHT", body=NewPlans())
def assign_plans(call: Call, user_id: str) -> Answer:
    """Assign every plan named, or none. 201, no body."""
    holder = phone_user(call, user_id)["id"]
    for i, plan in enumerate(call.body["calling_plans"]):
        give_plan(call, holder, plan["type"], f"calling_plans[{i}].type")
    return None, 200 if call.options.documented_statuses else 201


@operation(blueprint, "PUT", "/phone/users/<user_id>/calling_plans", "LIGHT", body=Swap())
def swap_plans(call: Call, user_id: str) -> Answer:
    """Put the target plan in the source's place."""
    holder = phone_user(call, user_id)["id"]
    source, target = call.body["source_type"], call.body["target_type"]
    if not holds_plan(call.state, holder, source):
        raise ZoomError(400, 404, "User did not subscribe to the source plan.")
    give_plan(call, holder, target, "target_type")
    take_plan(call.state, holder, source)
    return None, 204


@operation(blueprint, "DELETE", "/phone/users/<user_id>/calling_plans/<plan_type>", "LIGHT")
def remove_plan(call: Call, user_id: str, plan_type: str) -> Answer:
    """Take a plan away; the last one takes the direct numbers along."""
    holder = phone_user(call, user_id)["id"]
    if not (plan_type.isascii() and plan_type.isdigit() and len(plan_type) < MAX_DIGITS):
        raise ZoomError(400, 400, "Invalid field.")
    if not holds_plan(call.state, holder, int(plan_type)):
        raise ZoomError(404, 404, "User did not subscribe to the plan.")
    take_plan(call.state, holder, int(plan_type))
    return None, 204


@operation(blueprint, "POST", "/phone/users/<user_id>/phone_numbers", "LIGHT", body=NewNumbers())
def assign_numbers(call: Call, user_id: str) -> Answer:
    """Assign every number named, or none. 201 with what was assigned."""
    holder = phone_user(call, user_id)["id"]
    wanted = []
    for i, number in enumerate(call.body["phone_numbers"]):
        wish = number.get("id") or number.get("number")
        if not wish:
            raise invalid(f"phone_numbers[{i}].number")
        wanted.append((wish, f"phone_numbers[{i}]"))
    given = give_numbers(call, holder, wanted)
    status = 200 if call.options.documented_statuses else 201
    return {"phone_numbers": [{"id": r["id"], "number": r["number"]} for r in given]}, status


@operation(blueprint, "DELETE", "/phone/users/<user_id>/phone_numbers/<phone_number_id>", "LIGHT")
def remove_number(call: Call, user_id: str, phone_number_id: str) -> Answer:
    """Make a number (by id, or the number itself) unassigned."""
    holder = phone_user(call, user_id)["id"]
    freed = call.state.run(
        "UPDATE numbers SET holder = NULL, place = 0 WHERE holder = ? AND (id = ? OR number = ?)",
        holder,
        phone_number_id,
        phone_number_id,
    )
    if not freed:
        raise ZoomError(404, 400, 'Invalid query parameter "phone_number".')
    return None, 204
