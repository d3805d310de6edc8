"""Orders for numbers: accepted at once, carried out later, and what came of them.

Why an order fails is told in the operation's statusDetail alone; the texts are the simulator's own,
since Microsoft documents none.
Sources: Graph's numberAssignment: assignNumber, unassignNumber; Set-CsPhoneNumberAssignment,
Remove-CsPhoneNumberAssignment.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from .account import Tenant
from .holdings import settled_features


class Failed(Exception):
    """An order that can't be carried out; the text is its statusDetail."""


def digits(number: str) -> str:
    """Return a number as it is kept: with a plus, whether it was given with one or not.

    >>> digits("12061234567"), digits("+49891234")
    ('+12061234567', '+49891234')
    """
    return number if number.startswith("+") else f"+{number}"


def order(tenant: Tenant, kind: str, body: dict[str, Any]) -> str:
    """Take an order in and return its id."""
    state, now = tenant.state, tenant.now_s()
    id_ = state.fresh_id("operation").replace("-", "")
    due = now + tenant.options.operation_s
    state.run(
        "INSERT INTO operations (id, created, kind, body, due) VALUES (?, ?, ?, ?, ?)",
        id_,
        now,
        kind,
        json.dumps(body),
        due,
    )
    return id_


def carry_out_due(tenant: Tenant, now: float) -> None:
    """Carry out every order whose time has come, in the order they came; others are running."""
    state = tenant.state
    rows = state.rows(
        "SELECT * FROM operations WHERE status NOT IN ('succeeded', 'failed') ORDER BY due, rowid"
    )
    for row in rows:
        if row["due"] > now:
            half = row["due"] - tenant.options.operation_s / 2
            if now >= half and row["status"] == "notStarted":
                state.run("UPDATE operations SET status = 'running' WHERE id = ?", row["id"])
            continue
        body = json.loads(row["body"])
        status, detail = "succeeded", None
        try:
            if row["kind"] == "assign":
                _assign(tenant, body, now)
            else:
                _unassign(tenant, body)
        except Failed as failure:
            status, detail = "failed", str(failure)
        state.run(
            "UPDATE operations SET status = ?, detail = ? WHERE id = ?", status, detail, row["id"]
        )


def _assign(tenant: Tenant, body: dict[str, Any], now: float) -> None:
    state, number = tenant.state, digits(body["telephoneNumber"])
    user = state.user(body["assignmentTargetId"])
    if user is None:
        raise Failed(f"User {body['assignmentTargetId']} was not found.")
    row = state.row("SELECT * FROM numbers WHERE number = ?", number)
    if row is None:
        if body["numberType"] != "directRouting":
            raise Failed(f"Telephone number {number} was not found in the tenant.")
    else:
        _check_number(row, body, user["id"])
    _check_user(tenant, user, body["numberType"], now)
    location = body.get("locationId")
    known = state.value("SELECT count(*) FROM locations")
    if location and known and not state.row("SELECT 1 FROM locations WHERE id = ?", location):
        raise Failed(f"Emergency location {location} was not found.")
    _place(tenant, user["id"], row, number, body)


def _check_number(row: sqlite3.Row, body: dict[str, Any], user: str) -> None:
    number = row["number"]
    if row["source"] == "onPremises":
        raise Failed(
            f"Telephone number {number} is synchronized from the on-premises directory and can't be"
            " set in the cloud."
        )
    if row["type"] != body["numberType"]:
        raise Failed(f"Telephone number {number} is of type {row['type']}.")
    if "userAssignment" not in json.loads(row["capabilities"]):
        raise Failed(f"Telephone number {number} can't be assigned to a user.")
    if row["holder"] not in (None, user):
        raise Failed(f"Telephone number {number} is already assigned to {row['holder']}.")


def _check_user(tenant: Tenant, user: sqlite3.Row, kind: str, now: float) -> None:
    features = settled_features(tenant.state, user["id"], now, tenant.options.settling_s)
    upn = json.loads(user["props"])["userPrincipalName"]
    if "PhoneSystem" not in features:
        raise Failed(f"User {upn} does not have a Teams Phone license.")
    if kind == "callingPlan" and "CallingPlan" not in features:
        raise Failed(f"User {upn} does not have a Calling Plan license.")
    on_premises = tenant.state.value(
        "SELECT number FROM numbers WHERE holder = ? AND source = 'onPremises'", user["id"]
    )
    if on_premises is not None:
        raise Failed(f"User {upn} has {on_premises} from the on-premises directory.")


def _place(
    tenant: Tenant, user: str, row: sqlite3.Row | None, number: str, body: dict[str, Any]
) -> None:
    """Give the user the number; another primary one goes back."""
    state, category = tenant.state, body.get("assignmentCategory") or "primary"
    state.run(
        "UPDATE numbers SET holder = NULL, category = NULL"
        " WHERE holder = ? AND category = ? AND number <> ?",
        user,
        category,
        number,
    )
    if row is None:
        state.run("INSERT INTO numbers (number, type) VALUES (?, ?)", number, body["numberType"])
    state.run(
        "UPDATE numbers SET holder = ?, category = ?, location = coalesce(?, location)"
        " WHERE number = ?",
        user,
        category,
        body.get("locationId"),
        number,
    )
    state.run("UPDATE users SET voice = 1 WHERE id = ?", user)


def _unassign(tenant: Tenant, body: dict[str, Any]) -> None:
    state, number = tenant.state, digits(body["telephoneNumber"])
    row = state.row("SELECT * FROM numbers WHERE number = ?", number)
    if row is None or row["holder"] is None:
        raise Failed(f"Telephone number {number} is not assigned.")
    if row["type"] != body["numberType"]:
        raise Failed(f"Telephone number {number} is of type {row['type']}.")
    if row["source"] == "onPremises":
        raise Failed(
            f"Telephone number {number} is synchronized from the on-premises directory and can't be"
            " removed in the cloud."
        )
    state.run("UPDATE numbers SET holder = NULL, category = NULL WHERE number = ?", number)
    if not state.row("SELECT 1 FROM numbers WHERE holder = ?", row["holder"]):
        state.run("UPDATE users SET voice = 0 WHERE id = ?", row["holder"])
