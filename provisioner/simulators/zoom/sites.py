"""Sites and the switches of the whole account: made, renamed, given a length and ranges, deleted.

A site's users, numbers and templates go to another one when it is deleted. Multiple Sites can be
switched off only when one site is left.
Source: Zoom Phone's OpenAPI, /phone/sites and /phone/settings.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import Any

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from .account import Call
from .errors import ZoomError, invalid
from .fields import Bool, Int, Nothing, text
from .names import fold
from .phones import check_site
from .service import Answer, operation

blueprint = Blueprint("zoom_sites", __name__)


class Address(Schema):
    """A site's default emergency address; it is taken, and not looked at."""

    address_line1 = fields.String(required=True)
    address_line2 = fields.String()
    city = fields.String(required=True)
    country = fields.String(required=True)
    state_code = fields.String(required=True)
    zip = fields.String(required=True)


class ShortLength(Schema):
    """`short_extension` of a new site."""

    length = Int(validate=Range(min=1, max=10))


class NumberRange(Schema):
    """One of the ranges that a site's extension numbers come from."""

    range_from = fields.String(required=True)
    range_to = fields.String(required=True)


class Short(ShortLength):
    """`short_extension` of a site."""

    ranges = fields.List(fields.Nested(NumberRange), validate=Length(max=10))


class NewSite(Schema):
    """The body of POST /phone/sites."""

    name = text(required=True, minimum=1)
    auto_receptionist_name = fields.String(required=True)
    source_auto_receptionist_id = fields.String()
    default_emergency_address = fields.Nested(Address, required=True)
    short_extension = fields.Nested(ShortLength)
    site_code = Int()
    sip_zone = fields.Dict()
    force_off_net = fields.Dict()
    india_state_code = fields.String()
    india_city = fields.String()
    india_sdca_npa = fields.String()
    india_entity_name = fields.String()


class Site(Schema):
    """The body of PATCH /phone/sites/{siteId}; policies are taken, and not looked at."""

    name = text(minimum=1)
    site_code = Int()
    short_extension = fields.Nested(Short)
    default_emergency_address = fields.Nested(Address)
    sip_zone = fields.Dict()
    caller_id_name = fields.String()
    policy = fields.Dict()


class DeleteQuery(Schema):
    """The query of DELETE /phone/sites/{siteId}."""

    transfer_site_id = fields.String(required=True)


class Switch(Schema):
    """Something that is on or off."""

    enable = Bool()


class SiteCode(Switch):
    """Site codes in front of extension numbers."""

    short_extension_length = Int()


class MultipleSites(Schema):
    """`multiple_sites` of the account's settings."""

    enabled = Bool()
    site_code = fields.Nested(SiteCode)


class Settings(Schema):
    """The body of PATCH /phone/settings."""

    byoc = fields.Nested(Switch)
    multiple_sites = fields.Nested(MultipleSites)
    show_device_ip_for_call_log = fields.Nested(Switch)
    billing_account = fields.Dict()


@operation(blueprint, "GET", "/phone/sites/<site_id>", "LIGHT", query=Nothing())
def read_site(call: Call, site_id: str) -> Answer:
    """One site; the ranges of its extension numbers can be set and not read."""
    return _described(call, _found(call, site_id)), 200


def _found(call: Call, site_id: str) -> sqlite3.Row:
    site = call.state.row("SELECT * FROM sites WHERE id = ?", check_site(call, site_id))
    assert site is not None  # check_site would have raised
    return site


def _described(call: Call, site: sqlite3.Row) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": site["id"], "name": site["name"]}
    if call.options.site_codes:
        entry["site_code"] = site["seq"]
    if site["length"] is not None:
        entry["short_extension"] = {"length": site["length"]}
    return entry


@operation(blueprint, "POST", "/phone/sites", "LIGHT", body=NewSite(), touches=lambda *_: ())
def add_site(call: Call) -> Answer:
    """Make a site; its code is given by the account."""
    if not call.options.multiple_sites:
        check_site(call, "")
    if call.state.site_named(call.body["name"]):
        raise invalid(("name", "The site name already exists."))
    id_ = call.state.make_site(call.body["name"])
    length = call.body.get("short_extension", {}).get("length")
    call.state.run("UPDATE sites SET length = ? WHERE id = ?", length, id_)
    return {"id": id_, "name": call.body["name"]}, 201


@operation(
    blueprint, "PATCH", "/phone/sites/<site_id>", "LIGHT", body=Site(), touches=lambda *_: ()
)
def update_site(call: Call, site_id: str) -> Answer:
    """Rename a site, or say which extension numbers it may have."""
    site, body = _found(call, site_id), call.body
    other = call.state.site_named(body.get("name", site["name"]))
    if other is not None and other["id"] != site_id:
        raise invalid(("name", "The site name already exists."))
    short = body.get("short_extension", {})
    length = short.get("length", site["length"])
    ranges = json.loads(site["ranges"])
    if "ranges" in short:
        ranges = [_range(each, length) for each in short["ranges"]]
    name = body.get("name", site["name"])
    call.state.run(
        "UPDATE sites SET name = ?, name_key = ?, length = ?, ranges = ? WHERE id = ?",
        name,
        fold(name),
        length,
        json.dumps(ranges),
        site_id,
    )
    return None, 204


def _range(given: dict[str, str], length: int | None) -> tuple[str, str]:
    low, high = given["range_from"], given["range_to"]
    if not all(end.isascii() and end.isdigit() for end in (low, high)):
        raise invalid("short_extension.ranges")
    if length is not None and {len(low), len(high)} != {length}:
        message = "Align the range with the number of digits entered in `length`"
        raise invalid(("short_extension.ranges", message))
    if int(low) >= int(high):
        message = "`range_from` value must be smaller than `range_to` value."
        raise invalid(("short_extension.ranges", message))
    return low, high


@operation(
    blueprint,
    "DELETE",
    "/phone/sites/<site_id>",
    "LIGHT",
    query=DeleteQuery(),
    touches=lambda *_: (),
)
def delete_site(call: Call, site_id: str) -> Answer:
    """Delete a site; whoever and whatever is there goes to another one."""
    site, other = _found(call, site_id), call.query["transfer_site_id"]
    if other == site_id:
        raise ZoomError(400, 400, "Unable to transfer to the same site.")
    _found(call, other)
    if site_id == call.state.default_site():
        raise ZoomError(400, 400, "Main company number can not change.")
    for table in ("phones", "numbers", "templates", "devices", "addresses"):
        call.state.run(f"UPDATE {table} SET site_id = ? WHERE site_id = ?", other, site_id)  # noqa: S608
    call.state.run("DELETE FROM sites WHERE id = ?", site["id"])
    return None, 204


@operation(blueprint, "PATCH", "/phone/settings", "LIGHT", body=Settings(), touches=lambda *_: ())
def update_account(call: Call) -> Answer:
    """Switch Multiple Sites and site codes; everything else is taken, and not looked at."""
    sites = call.body.get("multiple_sites", {})
    on = sites.get("enabled", call.options.multiple_sites)
    if (
        not on
        and call.options.multiple_sites
        and call.state.value("SELECT count(*) FROM sites") > 1
    ):
        raise ZoomError(412, 412, "Disable multiple sites after deleting other sites.")
    codes = sites.get("site_code", {}).get("enable", call.options.site_codes)
    call.account.options = replace(call.options, multiple_sites=on, site_codes=codes)
    return None, 204
