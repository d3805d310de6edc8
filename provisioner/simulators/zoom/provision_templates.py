"""Provision templates: the firmware settings of desk phones, by name.

What is in one isn't simulated, only which device uses which. A name is one template's alone, as the
batch that adds phone users finds templates by it.
Source: Zoom Phone's OpenAPI, /phone/provision_templates.
"""

from __future__ import annotations

from flask import Blueprint
from marshmallow import Schema, fields

from .account import Call
from .errors import invalid
from .fields import pages, text
from .names import fold
from .pages import cut, page_of
from .service import Answer, operation

blueprint = Blueprint("zoom_provision_templates", __name__)

ListQuery = Schema.from_dict(pages(300), name="ListQuery")


class New(Schema):
    """The body of POST."""

    name = text(128, required=True, minimum=1)
    description = text(255)
    content = fields.String()


@operation(blueprint, "GET", "/phone/provision_templates", "MEDIUM", query=ListQuery())
def list_templates(call: Call) -> Answer:
    """The account's provision templates, and how many devices use each."""
    page = page_of(call, "/phone/provision_templates")
    rows = call.state.rows(
        "SELECT t.*, (SELECT count(*) FROM devices WHERE template_id = t.id) AS devices"
        " FROM provision_templates t WHERE seq > ? ORDER BY seq LIMIT ?",
        page.after,
        page.size + 1,
    )
    shown, token = cut(call, page, rows)
    return {
        "provision_templates": [
            {
                "id": row["id"],
                "name": row["name"],
                "description": row["description"],
                "bound_device_count": row["devices"],
            }
            for row in shown
        ],
        "next_page_token": token,
        "page_size": page.size,
        "total_records": call.state.value("SELECT count(*) FROM provision_templates"),
    }, 200


@operation(
    blueprint, "POST", "/phone/provision_templates", "LIGHT", body=New(), touches=lambda *_: ()
)
def add_template(call: Call) -> Answer:
    """Make a provision template."""
    name = call.body["name"]
    if call.state.row("SELECT 1 FROM provision_templates WHERE name_key = ?", fold(name)):
        raise invalid(("name", "The name is already in use."))
    id_ = call.state.fresh_id("provision_template")
    call.state.run(
        "INSERT INTO provision_templates (id, name, name_key, description) VALUES (?, ?, ?, ?)",
        id_,
        name,
        fold(name),
        call.body.get("description", ""),
    )
    return {"id": id_, "name": name}, 201
