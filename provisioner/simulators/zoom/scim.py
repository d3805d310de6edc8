"""What both kinds of resource of Zoom's SCIM interface share: lists, filters, addresses, refusals.

A page holds one resource unless more are asked for, and only two filters are known. Everything here
is under /scim2, beside /v2, and works only for accounts with single sign-on.
Source: Zoom's SCIM2 OpenAPI; the body of a refusal, which it doesn't tell, is RFC 7644's (section 3.12).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any

from flask import request
from marshmallow import EXCLUDE, Schema, fields
from marshmallow.validate import Range

from .account import Call
from .errors import ZoomError

ZOOM_USER = "urn:ietf:params:scim:schemas:extension:zoom:1.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
LARGEST_BODY = 100_000
_FILTER = re.compile(r'\s*(\w+)\s+eq\s+"?(.*?)"?\s*$', re.IGNORECASE)


class ListQuery(Schema):
    """The query of a list: the first entry counts as 1."""

    startIndex = fields.Integer(load_default=1)
    count = fields.Integer(load_default=1, validate=Range(min=0, max=100))
    filter = fields.String()


class Loose(Schema):
    """A body that may hold more than is simulated."""

    class Meta:
        """Whatever else is told is nobody's affair here."""

        unknown = EXCLUDE


def refuse(status: int, detail: str) -> ZoomError:
    """Return a refusal in SCIM's words; its code is its status."""
    return ZoomError(status, status, detail)


def check_account(call: Call) -> None:
    """Raise 400 where the account has no single sign-on."""
    if call.options.sso == "none":
        raise refuse(400, "Account has not enabled Single Sign-On.")


def listed(
    call: Call,
    table: str,
    filters: dict[str, str],
    unknown: str,
    show: Callable[[Call, sqlite3.Row], dict[str, Any]],
) -> dict[str, Any]:
    """Return the page of a table that is asked for.

    `filters` are conditions by the attribute's name in small letters; `unknown` is what Zoom says of others.
    """
    where, bound = "1", list[object]()
    if text := call.query.get("filter"):
        match = _FILTER.match(text)
        name = match[1].lower() if match else text
        if match is None or name not in filters:
            raise refuse(400, unknown.format(filter=match[1] if match else text))
        where, bound = filters[name], [match[2]]
    total = call.state.value(f"SELECT count(*) FROM {table} WHERE {where}", *bound)  # noqa: S608
    start = max(1, call.query["startIndex"])
    rows = call.state.rows(
        f"SELECT * FROM {table} WHERE {where} ORDER BY seq LIMIT ? OFFSET ?",  # noqa: S608
        *bound,
        call.query["count"],
        start - 1,
    )
    return {
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(rows),
        "Resources": [show(call, row) for row in rows],
    }


def meta(kind: str, id_: str, created: str | None = None) -> dict[str, Any]:
    """Return a resource's meta; when it was last changed nobody kept."""
    told = {
        "resourceType": kind,
        "location": f"{request.host_url}scim2/{kind}s/{id_}",
        "created": created,
    }
    return {name: value for name, value in told.items() if value is not None}
