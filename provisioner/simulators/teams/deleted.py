"""Deleted users: kept for 30 days, restored with what they had, or deleted for good.

A restored user gets the licenses back even where no seat is left; numbers don't come back.
Sources: Graph's directory: list, restore and permanently delete deletedItems; Microsoft Entra,
"Restore or remove a recently deleted user".
"""

from __future__ import annotations

import json
import sqlite3

from flask import Blueprint

from .account import DAY_S, Call
from .errors import not_found, refused
from .holdings import Held, product, replace
from .service import LIST, Answer, operation
from .state import fold
from .user_view import PROPERTIES
from .users import listed

blueprint = Blueprint("teams_deleted", __name__)

KEPT_S = 30 * DAY_S


@operation(blueprint, "GET", "/directory/deletedItems/microsoft.graph.user", cost=2, query=LIST)
def list_deleted(call: Call) -> Answer:
    """Users who can be restored."""
    _forget_old(call)
    return listed(call, "/directory/deletedItems/microsoft.graph.user", "deleted IS NOT NULL")


def _forget_old(call: Call) -> None:
    old = call.state.rows(
        "SELECT id FROM users WHERE deleted IS NOT NULL AND deleted < ?",
        call.tenant.now_s() - KEPT_S,
    )
    for row in old:
        _delete(call, row["id"])


def _delete(call: Call, user: str) -> None:
    for sql in (
        "DELETE FROM users WHERE id = ?",
        "DELETE FROM members WHERE member = ?",
        "DELETE FROM policy_assignments WHERE user = ?",
        "DELETE FROM delegates WHERE ? IN (delegator, delegate)",
    ):
        call.state.run(sql, user)
    call.state.changed("user", user, "deleted", (), call.tenant.now_s())


def _deleted(call: Call, id_: str) -> sqlite3.Row:
    _forget_old(call)
    row = call.state.row("SELECT * FROM users WHERE id = ? AND deleted IS NOT NULL", id_)
    if row is None:
        raise not_found(id_)
    return row


@operation(blueprint, "POST", "/directory/deletedItems/<object_id>/restore", cost=1)
def restore(call: Call, object_id: str) -> Answer:
    """Bring a user back, with the licenses that they had when Graph deleted them."""
    row, state, now = _deleted(call, object_id), call.state, call.tenant.now_s()
    upn = json.loads(row["props"])["userPrincipalName"]
    if state.value("SELECT id FROM users WHERE upn_key = ?", fold(upn)) is not None:
        raise refused(
            "Another object with the same value for property userPrincipalName already exists."
        )
    kept = [Held(e[0], e[1], frozenset(e[2]), e[3], now) for e in json.loads(row["kept"])]
    state.run(
        "UPDATE users SET deleted = NULL, kept = '[]', upn_key = ? WHERE id = ?",
        fold(upn),
        row["id"],
    )
    replace(state, row["id"], [each for each in kept if product(state, each.sku)], now)
    state.set("users", (state.setting("users") or 0) + 1)
    if call.options.delta_tells_restored:
        state.changed("user", row["id"], "changed", PROPERTIES, now)
    context = f"{call.base}/$metadata#directoryObjects/$entity"
    return {
        "@odata.context": context,
        "@odata.type": "#microsoft.graph.user",
        "id": row["id"],
        "deletedDateTime": None,
    }, 200


@operation(blueprint, "DELETE", "/directory/deletedItems/<object_id>", cost=1)
def delete_for_good(call: Call, object_id: str) -> Answer:
    """Delete for good; nothing brings the user back."""
    _delete(call, _deleted(call, object_id)["id"])
    return None, 204
