"""Users of the directory: list, read, create, change, delete softly.

Whatever $select doesn't name is left out, licenses above all. A deleted user frees the seats at once
and keeps, for 30 days, the memory of what they had (deleted.py).
Sources: Graph's user: list, get, create, update, delete.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint

from .account import Call, Tenant
from .errors import GraphError, not_found, refused, unsupported
from .holdings import LICENSE_FIELDS, free_numbers, held, replace
from .odata import parse_filter, search, select
from .pages import Page, next_link, page_of
from .service import LIST, ONE, Answer, Body, operation
from .state import fold
from .user_view import DEFAULT, OUTSIDE, PROPERTIES, shown
from .user_writes import check_writable, new_user, take_in

blueprint = Blueprint("teams_users", __name__)

ALL = "deleted IS NULL"
SORTABLE = ("displayName", "userPrincipalName", "createdDateTime")


@operation(blueprint, "GET", "/users", cost=2, query=LIST)
def list_users(call: Call) -> Answer:
    """Users, in the directory's order unless $orderby says otherwise."""
    return listed(call, "/users", ALL)


def listed(call: Call, path: str, where: str) -> Answer:
    """Return a page of the users for which the SQL condition holds."""
    names = select(call.query.get("$select"), PROPERTIES, "user")
    if set(names or ()) & OUTSIDE:
        raise GraphError(501, "NotImplemented", "This operation target is not yet supported.")
    page = page_of(call, path)
    envelope: dict[str, Any] = {"@odata.context": _context(call, names)}
    if "$count" in call.query:
        _need_eventual(call, "$count")
    if {"$filter", "$search", "$orderby"} & call.query.keys():
        rows = _found(call, where)
        total, cut = len(rows), rows[page.after : page.after + page.size]
        after = page.after + page.size if len(rows) > page.after + page.size else None
    else:
        cut, after = _next(call, page, where)
        total = 0
        if "$count" in call.query:
            total = call.state.value(f"SELECT count(*) FROM users WHERE {where}")  # noqa: S608
    if "$count" in call.query:
        envelope["@odata.count"] = total
    if after is not None:
        envelope["@odata.nextLink"] = next_link(call, page, after)
    return envelope | {"value": shown(call.tenant, cut, names)}, 200


def _next(call: Call, page: Page, where: str) -> tuple[list[sqlite3.Row], int | None]:
    rows = call.state.rows(
        f"SELECT * FROM users WHERE seq > ? AND {where} ORDER BY seq LIMIT ?",  # noqa: S608
        page.after,
        page.size + 1,
    )
    more = len(rows) > page.size
    return rows[: page.size], rows[page.size - 1]["seq"] if more else None


def _found(call: Call, where: str) -> list[sqlite3.Row]:
    """Return every user that the query's conditions hold for, sorted as it asks."""
    rows = call.state.rows(f"SELECT * FROM users WHERE {where} ORDER BY seq")  # noqa: S608
    if "$filter" in call.query:
        wanted = parse_filter(call.query["$filter"], PROPERTIES, "user")
        if wanted.advanced:
            _need_eventual(call, "$filter")
        if wanted.ids is not None:
            rows = [row for row in rows if row["id"] in wanted.ids]
        else:
            seen = shown(call.tenant, rows, PROPERTIES - OUTSIDE)
            rows = [row for row, user in zip(rows, seen, strict=True) if wanted.test(user)]
    if "$search" in call.query:
        _need_eventual(call, "$search")
        test = search(call.query["$search"])
        rows = [row for row in rows if test(json.loads(row["props"]))]
    if "$orderby" in call.query:
        name, _, way = call.query["$orderby"].partition(" ")
        if name not in SORTABLE or way not in ("", "asc", "desc"):
            raise unsupported("Unsupported sort property or direction in $orderby.")
        rows.sort(
            key=lambda row: fold(str(json.loads(row["props"]).get(name) or "")),
            reverse=way == "desc",
        )
    return rows


def _need_eventual(call: Call, what: str) -> None:
    if not call.eventual:
        raise unsupported(
            f"Unsupported Query: {what} is supported only with the header ConsistencyLevel: eventual"
            " and $count=true."
        )


def _context(call: Call, names: list[str] | None) -> str:
    chosen = f"({','.join(names)})" if names else ""
    return f"{call.base}/$metadata#users{chosen}"


def user_named(call: Call, user: str) -> sqlite3.Row:
    """Return the user of that id or userPrincipalName; raise 404 if there is none."""
    row = call.state.user(user)
    if row is None:
        raise not_found(user)
    return row


@operation(blueprint, "GET", "/users/<user_id>", cost=1, query=ONE)
def get_user(call: Call, user_id: str) -> Answer:
    """One user by id or userPrincipalName."""
    names = select(call.query.get("$select"), PROPERTIES, "user")
    if "$expand" in call.query:
        raise unsupported("The $expand of this property is not supported.")
    row = user_named(call, user_id)
    context = {"@odata.context": f"{_context(call, names)}/$entity"}
    return context | shown(call.tenant, [row], names)[0], 200


def whole(tenant: Tenant, row: sqlite3.Row) -> dict[str, Any]:
    """Return a user as writes answer with them: with the licenses."""
    names = (*DEFAULT, "accountEnabled", "assignedLicenses", "assignedPlans", "usageLocation")
    return shown(tenant, [row], names)[0]


USER = Body("microsoft.graph.user", dict.fromkeys(PROPERTIES, "any"))


@operation(blueprint, "POST", "/users", cost=1, body=USER)
def create_user(call: Call) -> Answer:
    """Create a user, who has no license yet."""
    check_writable(call.body)
    for name in (
        "accountEnabled",
        "displayName",
        "mailNickname",
        "passwordProfile",
        "userPrincipalName",
    ):
        if call.body.get(name) in (None, ""):
            raise refused(f"A value is required for property '{name}' of resource 'User'.")
    row = new_user(call, call.body)
    context = {"@odata.context": f"{call.base}/$metadata#users/$entity"}
    return context | shown(call.tenant, [row], None)[0], 201


@operation(blueprint, "PATCH", "/users/<user_id>", cost=1, body=USER)
def update_user(call: Call, user_id: str) -> Answer:
    """Change some properties; null empties one."""
    row = user_named(call, user_id)
    check_writable(call.body)
    take_in(call, row, call.body)
    return None, 204


@operation(blueprint, "DELETE", "/users/<user_id>", cost=1)
def delete_user(call: Call, user_id: str) -> Answer:
    """Delete softly: the licenses are free at once, the numbers too."""
    soft_delete(call.tenant, user_named(call, user_id), keep_licenses=True)
    return None, 204


def soft_delete(tenant: Tenant, row: sqlite3.Row, *, keep_licenses: bool) -> None:
    """Delete a user for 30 days; without `keep_licenses` they come back without any.

    That is how Microsoft 365's admin centre deletes.
    """
    state, now, id_ = tenant.state, tenant.now_s(), row["id"]
    kept = held(state, id_) if keep_licenses else []
    replace(state, id_, [], now)
    free_numbers(state, id_, ("callingPlan", "operatorConnect", "directRouting"))
    kept_json = [[e.sku, e.source, sorted(e.disabled), e.error, e.since] for e in kept]
    state.run(
        "UPDATE users SET deleted = ?, kept = ?, upn_key = ?, voice = 0 WHERE id = ?",
        now,
        json.dumps(kept_json),
        f"deleted:{id_}",
        id_,
    )
    state.set("users", (state.setting("users") or 1) - 1)
    state.changed("user", id_, "removed", LICENSE_FIELDS, now)


@operation(blueprint, "GET", "/users/<user_id>/manager", cost=2, query=frozenset({"$select"}))
def get_manager(call: Call, user_id: str) -> Answer:
    """The user's manager, a directory object; 404 where there is none."""
    row = user_named(call, user_id)
    manager = json.loads(row["extra"]).get("manager")
    found = call.state.user(manager) if manager else None
    if found is None:
        raise not_found("manager")
    names = select(call.query.get("$select"), PROPERTIES, "user")
    kind = {"@odata.type": "#microsoft.graph.user", "id": found["id"]}
    return kind | shown(call.tenant, [found], names)[0], 200
