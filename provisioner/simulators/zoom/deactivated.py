"""What a deactivated user had, for accounts whose reactivation gives it back as far as it is free.

Zoom says only that reactivating gives back the login; the option `reactivation_restores` chooses.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress

from .account import Call
from .errors import ZoomError
from .phones import give_numbers, give_phone, give_plan


def keep(call: Call, user: sqlite3.Row) -> None:
    """Remember what somebody has who is about to be deactivated."""
    phone = call.state.phone(user["id"])
    if phone is None or phone["status"] == "trashed" or not call.options.reactivation_restores:
        return
    plans = call.state.rows("SELECT type FROM held_plans WHERE holder = ?", user["id"])
    numbers = call.state.rows("SELECT id FROM numbers WHERE holder = ? ORDER BY place", user["id"])
    held = {
        "type": user["type"],
        "site_id": phone["site_id"],
        "extension": phone["extension_number"],
        "plans": [row["type"] for row in plans],
        "numbers": [row["id"] for row in numbers],
    }
    call.state.set(_name(user), json.dumps(held))


def give_back(call: Call, user: sqlite3.Row) -> None:
    """Give somebody who is active again what they had, but for what others have taken meanwhile."""
    text = call.state.setting(_name(user))
    if text is None:
        return
    held = json.loads(text)
    call.state.run("DELETE FROM settings WHERE name = ?", _name(user))
    call.state.run("UPDATE users SET type = ? WHERE id = ?", held["type"], user["id"])
    taken = call.state.value("SELECT 1 FROM phones WHERE extension_number = ?", held["extension"])
    extension = None if taken else held["extension"]
    with suppress(ZoomError):  # no seat is left: the login alone
        give_phone(call, user, site_id=held["site_id"], extension=extension)
        for type_ in held["plans"]:
            with suppress(ZoomError):
                give_plan(call, user["id"], type_, "plan")
        for number in held["numbers"]:
            with suppress(ZoomError):
                give_numbers(call, user["id"], [(number, "number")])


def _name(user: sqlite3.Row) -> str:
    return f"deactivated {user['id']}"
