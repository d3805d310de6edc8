"""An account user's profile and settings: what may be set, and what of it can be read back.

`feature.zoom_phone` switches the phone on and off here as well as in PATCH /users/{userId}; every
other setting is kept as it was given.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from .account import Call
from .errors import no_user
from .fields import Bool, Int, number_of, one_of, text
from .phones import switch_phone
from .service import Answer, operation

blueprint = Blueprint("zoom_user_profile", __name__)

UNREADABLE = frozenset({"group_id", "host_key", "vanity_name", "about_me", "linkedin_url"})
"""What can be set but is in no answer of Zoom's."""


class Feature(Schema):
    """`feature` of a user: whether they have a phone."""

    zoom_phone = Bool()


class ProfileNumber(Schema):
    """A telephone number on a user's profile, unrelated to Zoom Phone."""

    code = fields.String()
    country = fields.String()
    label = one_of("Mobile", "Office", "Home", "Fax")
    number = fields.String()


class CustomAttribute(Schema):
    """A custom attribute of a user."""

    key = fields.String()
    name = fields.String()
    value = fields.String()


class Update(Schema):
    """The body of PATCH /users/{userId}."""

    about_me = text(150)
    cms_user_id = fields.String()
    company = text(255)
    cost_center = fields.String()
    custom_attributes = fields.List(fields.Nested(CustomAttribute), validate=Length(max=5))
    dept = fields.String()
    display_name = text(128)
    division_ids = fields.List(fields.String())
    feature = fields.Nested(Feature)
    first_name = text(64)
    group_id = fields.String()
    host_key = text(10, minimum=6)
    job_title = text(128)
    language = fields.String()
    last_name = text(64)
    license_info_list = fields.List(fields.Dict(), validate=Length(max=2))
    linkedin_url = fields.String()
    location = text(256)
    manager = fields.String()
    phone_country = fields.String()
    phone_number = fields.String()
    phone_numbers = fields.List(fields.Nested(ProfileNumber), validate=Length(max=3))
    plan_united_type = fields.String()
    pmi = Int(validate=Range(min=1_000_000_000, max=9_999_999_999))
    pronouns = fields.String()
    pronouns_option = number_of(1, 2, 3)
    timezone = fields.String()
    type = number_of(1, 2, 4, 99)
    use_pmi = Bool()
    vanity_name = fields.String()
    zoom_one_type = Int()


def profile_members(given: dict[str, Any]) -> dict[str, Any]:
    """Return what of a profile change shows in GET /users/{userId}."""
    return {name: value for name, value in given.items() if name not in UNREADABLE}


class SettingsQuery(Schema):
    """The query of GET and PATCH /users/{userId}/settings."""

    login_type = fields.Integer()
    option = one_of("meeting_authentication", "recording_authentication", "meeting_security")
    custom_query_fields = fields.String()


class FeatureSettings(Schema):
    """`feature` of PATCH /users/{userId}/settings; the phone is the one that does something here."""

    concurrent_meeting = one_of("Basic", "Plus", "None")
    large_meeting = Bool()
    large_meeting_capacity = Int()
    license_info_list = fields.List(fields.Dict())
    meeting_capacity = Int()
    webinar = Bool()
    webinar_capacity = Int()
    zoom_clips_plus = Bool()
    zoom_compliance_management = Bool()
    zoom_customer_managed_key = Bool()
    zoom_docs = Bool()
    zoom_events = Bool()
    zoom_events_capacity = Int()
    zoom_events_pay_per_attendee = Bool()
    zoom_events_unlimited = Bool()
    zoom_events_unlimited_capacities = fields.List(Int())
    zoom_huddles = Bool()
    zoom_iq_for_sales = Bool()
    zoom_mail_calendar = Bool()
    zoom_phone = Bool()
    zoom_quality_management = Bool()
    zoom_revenue_accelerator = Bool()
    zoom_scheduler = Bool()
    zoom_sessions_pay_per_attendee = Bool()
    zoom_sessions_unlimited = Bool()
    zoom_sessions_unlimited_capacities = fields.List(Int())
    zoom_translated_captions = Bool()
    zoom_whiteboard = Bool()
    zoom_whiteboard_plus = Bool()
    zoom_workforce_management = Bool()


class Settings(Schema):
    """The body of PATCH /users/{userId}/settings; meeting settings are kept unread."""

    audio_conferencing = fields.Dict()
    email_notification = fields.Dict()
    feature = fields.Nested(FeatureSettings)
    in_meeting = fields.Dict()
    meeting_security = fields.Dict()
    profile = fields.Dict()
    recording = fields.Dict()
    schedule_meeting = fields.Dict()
    telephony = fields.Dict()
    tsp = fields.Dict()


@operation(blueprint, "GET", "/users/<user_id>/settings", "MEDIUM", query=SettingsQuery())
def read_settings(call: Call, user_id: str) -> Answer:
    """The settings that were made, and whether the phone is on."""
    row = call.state.user(user_id)
    if row is None:
        raise no_user(user_id)
    settings = json.loads(row["settings"])
    if "option" in call.query:
        return {k: v for k, v in settings.items() if k == call.query["option"]}, 200
    phone = call.state.phone(row["id"])
    on = phone is not None and phone["status"] != "trashed"
    settings["feature"] = settings.get("feature", {}) | {"zoom_phone": on}
    return settings, 200


@operation(
    blueprint,
    "PATCH",
    "/users/<user_id>/settings",
    "MEDIUM",
    query=SettingsQuery(),
    body=Settings(),
)
def update_settings(call: Call, user_id: str) -> Answer:
    """Change settings, member by member within each group of them."""
    row = call.state.user(user_id)
    if row is None:
        raise no_user(user_id)
    settings = json.loads(row["settings"])
    for group, given in call.body.items():
        changed = {k: v for k, v in given.items() if (group, k) != ("feature", "zoom_phone")}
        settings[group] = settings.get(group, {}) | changed
    call.state.run("UPDATE users SET settings = ? WHERE id = ?", json.dumps(settings), row["id"])
    on = call.body.get("feature", {}).get("zoom_phone")
    if on is not None:
        switch_phone(call, row, on)
    return None, call.options.settings_status


class EmailQuery(Schema):
    """The query of GET /users/email."""

    email = fields.String(required=True)


@operation(blueprint, "GET", "/users/email", "LIGHT", query=EmailQuery())
def check_email(call: Call) -> Answer:
    """Whether a mail address is known."""
    return {"existed_email": call.state.user(call.query["email"]) is not None}, 200
