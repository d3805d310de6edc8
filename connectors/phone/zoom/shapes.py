"""What Zoom says of one account user and of one phone user, in its own members, made into ours."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.errors import IncompleteRead
from connectors.phone.zoom.lists import AFRESH
from connectors.records import clean, fold

KEPT = ("type", "role_id", "first_name", "last_name", "plan_united_type", "license_info_list")
"""What only Zoom has of an account user, so far as both its list and a read of one user tell it."""
ACTIVE = "activate"
"""The status of a phone user who can call."""
READY = "ready to activate"
"""The activation status of who has a phone and can't make or receive calls yet."""
_UNTOLD = {"deactivate": READY}
"""What a read of one user, which tells no activation status, means by its status."""
NO_DELEGATION = (
    "call delegation is off for them: turn the policy `Delegation` on at Phone System Management >"
    " Users & Rooms > their name > Policy, or for their site"
)
ROLES = {"0": "owner", "2": "member"}
"""Zoom's own role ids; 1 is admin, and so is everybody with a role of the company's own making."""


class Phone(msgspec.Struct, frozen=True, gc=False):
    """The phone side of one user, room or common area, as kept while the other list is read."""

    id: str
    email: str = ""
    name: str = ""
    extension_id: str | None = None
    extension_number: str | None = None
    packages: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    site: str | None = None
    status: str = ACTIVE
    activation: str | None = None
    may_delegate: bool = True


def account_identity(entry: dict[str, Any]) -> str:
    """Return what tells a user of a list from the others. Raises IncompleteRead for one without."""
    identity = entry.get("id") or entry.get("email")
    if not identity:
        raise IncompleteRead("a user of Zoom's has neither id nor email", remedy=AFRESH)
    return str(identity)


def display_name_of(account: dict[str, Any]) -> str | None:
    """Return the display name; where it is empty Zoom shows first and last name."""
    names = (account.get("first_name"), account.get("last_name"))
    return text_of(account.get("display_name")) or text_of(" ".join(n for n in names if n))


def role_of(account: dict[str, Any]) -> str:
    """Return member, admin or owner."""
    if account.get("role_id") is not None:
        return ROLES.get(str(account["role_id"]), "admin")
    name = fold(str(account.get("role_name") or "member"))
    return name if name in ("owner", "member") else "admin"


def vendor_of(
    account: dict[str, Any], phone: Phone | None, *, activates: bool = False
) -> dict[str, Any]:
    """Return what only Zoom has: the account license's type, suites, ids, whether phone is off.

    `activates`: whoever can't call because they are to be activated first is to be (`to_activate`).
    """
    found = {name: account[name] for name in KEPT if account.get(name) not in (None, "")}
    if phone is not None:
        found["extension_id"] = phone.extension_id
        if phone.status != ACTIVE:
            found["phone_status"] = phone.status
        if activates and (phone.activation or _UNTOLD.get(phone.status)) == READY:
            found["to_activate"] = READY
        if phone.activation == READY:
            found["activation_status"] = phone.activation
        if not phone.may_delegate:
            found["blocks"] = dict.fromkeys(("delegate.add", "delegation.set"), NO_DELEGATION)
    return found


def text_of(value: object) -> str | None:
    """Return a value as clean text; None for what is empty or missing (0 is neither)."""
    text = "" if value is None else clean(str(value))
    return text or None
