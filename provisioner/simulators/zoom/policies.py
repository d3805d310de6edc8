"""The policy that has an operation of its own, emergency calls, and settings that a phone user may be given.

Every other policy is in PATCH /phone/users/{userId}.
Source: Zoom Phone's OpenAPI, /phone/users/{userId}/policies/{policyType} and …/settings.
"""

from __future__ import annotations

import json

from flask import Blueprint
from marshmallow import Schema, fields

from .account import Call
from .errors import ZoomError
from .fields import Bool, Nothing
from .phones import phone_user
from .service import Answer, operation

blueprint = Blueprint("zoom_policies", __name__)

EMERGENCY = "allow_emergency_calls"
SWITCHES = (
    "enable",
    "allow_emergency_calls_from_clients",
    "allow_emergency_calls_from_deskphones",
)


class Emergency(Schema):
    """`allow_emergency_calls` of a policy."""

    enable = Bool()
    reset = Bool()
    allow_emergency_calls_from_clients = Bool()
    allow_emergency_calls_from_deskphones = Bool()


class Policy(Schema):
    """The body of PATCH …/policies/{policyType}."""

    allow_emergency_calls = fields.Nested(Emergency)


class Settings(Schema):
    """The body of PATCH /phone/users/{userId}/settings; all of it is taken, and not looked at."""

    area_code = fields.String()
    audio_prompt_language = fields.String()
    default_transcription_language = fields.String()
    country_iso_code = fields.String()
    music_on_hold_id = fields.String()
    outbound_caller_id = fields.String()
    shared_lines_call_setting = fields.Dict()
    break_hours = fields.Dict()
    business_hours_settings = fields.Dict()
    holiday_hours = fields.Dict()


@operation(
    blueprint, "GET", "/phone/users/<user_id>/policies/<policy_type>", "MEDIUM", query=Nothing()
)
def read_policy(call: Call, user_id: str, policy_type: str) -> Answer:
    """Whether somebody may call emergency services; they may unless it was switched off."""
    phone = phone_user(call, user_id)
    _check(policy_type)
    kept = json.loads(phone["extra"]).get(EMERGENCY, {})
    shown = dict.fromkeys(SWITCHES, True) | kept
    return {EMERGENCY: {**shown, "locked": False, "modified": bool(kept)}}, 200


@operation(
    blueprint, "PATCH", "/phone/users/<user_id>/policies/<policy_type>", "LIGHT", body=Policy()
)
def update_policy(call: Call, user_id: str, policy_type: str) -> Answer:
    """Switch emergency calls on or off for somebody, or back to their site's way."""
    phone = phone_user(call, user_id)
    _check(policy_type)
    given = dict(call.body.get(EMERGENCY, {}))
    if given.pop("reset", False):
        if given:
            raise ZoomError(400, 400, "Reset cannot be combined with other operations.")
        kept = {}
    else:
        kept = json.loads(phone["extra"]).get(EMERGENCY, {}) | given
    extra = json.loads(phone["extra"]) | {EMERGENCY: kept}
    call.state.run("UPDATE phones SET extra = ? WHERE id = ?", json.dumps(extra), phone["id"])
    return None, 204


def _check(policy_type: str) -> None:
    if policy_type != EMERGENCY:
        raise ZoomError(400, 400, "Invalid value for parameter 'policyType'.")


@operation(blueprint, "PATCH", "/phone/users/<user_id>/settings", "LIGHT", body=Settings())
def update_settings(call: Call, user_id: str) -> Answer:
    """Take settings that nothing here depends on."""
    phone_user(call, user_id)
    return None, 204
