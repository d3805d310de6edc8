"""Setting templates: made, renamed, read. What a template sets is kept nowhere here.

Source: Zoom Phone's OpenAPI, /phone/setting_templates.
"""

from __future__ import annotations

import sqlite3

from flask import Blueprint
from marshmallow import Schema, fields

from .account import Call
from .errors import ZoomError, invalid
from .fields import text
from .names import fold
from .phones import check_site
from .service import Answer, operation

blueprint = Blueprint("zoom_templates", __name__)

TYPES = ("user", "group", "autoReceptionist", "commonArea", "zr", "interop")


class New(Schema):
    """The body of POST /phone/setting_templates."""

    name = text(required=True, minimum=1)
    description = fields.String()
    site_id = fields.String()
    type = fields.String(required=True)


class Update(Schema):
    """The body of PATCH /phone/setting_templates/{templateId}."""

    name = text(minimum=1)
    description = fields.String()
    policy = fields.Dict()
    profile = fields.Dict()
    user_settings = fields.Dict()


class ReadQuery(Schema):
    """The query of GET /phone/setting_templates/{templateId}."""

    custom_query_fields = fields.String()


@operation(
    blueprint, "POST", "/phone/setting_templates", "LIGHT", body=New(), touches=lambda *_: ()
)
def add_template(call: Call) -> Answer:
    """Make a template of a site, or of the account where there is one site only."""
    body = call.body
    if body["type"] not in TYPES:
        raise invalid("type")
    site = check_site(call, body["site_id"]) if "site_id" in body else None
    if site is None and call.options.multiple_sites:
        raise invalid("site_id")
    id_ = call.state.fresh_id("template")
    call.state.run(
        "INSERT INTO templates (id, name, name_key, site_id, type, description)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        *(id_, body["name"], fold(body["name"]), site, body["type"]),
        body.get("description", ""),
    )
    shown = {name: body[name] for name in ("name", "description", "type") if name in body}
    return {"id": id_, **shown}, 201


@operation(blueprint, "GET", "/phone/setting_templates/<template_id>", "LIGHT", query=ReadQuery())
def read_template(call: Call, template_id: str) -> Answer:
    """One template's names."""
    row = _found(call, template_id)
    return {name: row[name] for name in ("id", "name", "description", "type")}, 200


@operation(
    blueprint,
    "PATCH",
    "/phone/setting_templates/<template_id>",
    "LIGHT",
    body=Update(),
    touches=lambda *_: (),
)
def update_template(call: Call, template_id: str) -> Answer:
    """Rename a template; what it sets is taken, and not looked at."""
    row = _found(call, template_id)
    name = call.body.get("name", row["name"])
    call.state.run(
        "UPDATE templates SET name = ?, name_key = ?, description = ? WHERE id = ?",
        name,
        fold(name),
        call.body.get("description", row["description"]),
        template_id,
    )
    return None, 204


def _found(call: Call, template_id: str) -> sqlite3.Row:
    row = call.state.row("SELECT * FROM templates WHERE id = ?", template_id)
    if row is None:
        raise ZoomError(404, 15001, f"Settings template does not exist: {template_id}.")
    return row
