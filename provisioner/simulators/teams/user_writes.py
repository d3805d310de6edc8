"""What may be written of a user, and what follows: names are unique, some attributes live elsewhere."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any

from .account import Call
from .errors import malformed, refused
from .fields import fits
from .state import fold
from .user_view import FLAGS, LISTS, OBJECTS, OUTSIDE, READ_ONLY, WRITABLE

LOCATION = re.compile(r"[A-Za-z]{2}")
CLOUD = frozenset(
    {"usageLocation", "otherMails", "passwordProfile", "preferredDataLocation", "identities"}
)
"""What can be set in the cloud although the user is mastered on premises."""


def check_writable(given: dict[str, Any]) -> None:
    """Raise 400 for what can't be written, or not with such a value."""
    for name, value in given.items():
        if name.startswith("@odata."):
            continue
        if name in READ_ONLY or name in OUTSIDE or name not in WRITABLE:
            raise refused(f"Property '{name}' is read-only and cannot be set.")
        kind = (
            "flag?" if name in FLAGS
            else "texts" if name in LISTS
            else "object?" if name in OBJECTS
            else "objects" if name == "identities"
            else "text?"
        )  # fmt: skip
        if not fits(value, kind):  # type: ignore[arg-type]
            raise malformed(f"Invalid value specified for property '{name}' of resource 'User'.")
        if name == "usageLocation" and value is not None and not LOCATION.fullmatch(value):
            raise _bad(name)
        if name in ("displayName", "userPrincipalName", "mailNickname") and not value:
            raise _bad(name)
        if name == "userPrincipalName" and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
            raise _bad(name)


def _bad(name: str) -> Exception:
    return refused(f"Invalid value specified for property '{name}' of resource 'User'.")


def new_user(call: Call, given: dict[str, Any]) -> sqlite3.Row:
    """Make a user of these properties and return their row."""
    state = call.state
    _check_free(call, given["userPrincipalName"], None)
    id_ = state.fresh_id("user")
    props = {k: v for k, v in given.items() if not k.startswith("@") and k != "passwordProfile"}
    props |= {"createdDateTime": call.tenant.stamp(), "userType": props.get("userType") or "Member"}
    state.run(
        "INSERT INTO users (id, upn_key, props) VALUES (?, ?, ?)",
        id_,
        fold(given["userPrincipalName"]),
        json.dumps(props),
    )
    state.set("users", (state.setting("users") or 0) + 1)
    state.changed("user", id_, "changed", props, call.tenant.now_s())
    row = state.user(id_)
    assert row is not None
    return row


def take_in(call: Call, row: sqlite3.Row, given: dict[str, Any]) -> None:
    """Change a user's properties."""
    state, props = call.state, json.loads(row["props"])
    given = {k: v for k, v in given.items() if not k.startswith("@")}
    if props.get("onPremisesSyncEnabled") and given.keys() - CLOUD:
        raise refused(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects"
            " or objects currently undergoing migration."
        )
    if "userPrincipalName" in given:
        _check_free(call, given["userPrincipalName"], row["id"])
    given.pop("passwordProfile", None)
    changed = {name for name, value in given.items() if props.get(name) != value}
    props |= given
    state.run(
        "UPDATE users SET props = ?, upn_key = ? WHERE id = ?",
        json.dumps(props),
        fold(props["userPrincipalName"]),
        row["id"],
    )
    if changed:
        state.changed("user", row["id"], "changed", changed, call.tenant.now_s())


def _check_free(call: Call, upn: str, own: str | None) -> None:
    other = call.state.value("SELECT id FROM users WHERE upn_key = ?", fold(upn))
    if other is not None and other != own:
        raise refused(
            "Another object with the same value for property userPrincipalName already exists."
        )
