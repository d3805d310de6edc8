"""Whether whoever is given a phone can call at once: the account decides, or we do.

Where "Activate Zoom Phone users automatically" is off in the account, whoever is given Zoom Phone stays
`ready to activate` and can neither make nor receive calls. No operation tells that setting, so the first
user who is given a phone is looked at, and what is found holds for a few minutes.
Source: Zoom's OpenAPI, `PUT /phone/users/batch` (batch_type activate, ten users a call).
"""

from __future__ import annotations

from typing import Any

from connectors.errors import TransientError
from connectors.phone.zoom.answers import Refused
from connectors.phone.zoom.desk import LOOK_AGAIN_S, Desk
from connectors.phone.zoom.shapes import ACTIVE
from connectors.records import Change

AUTOMATIC = "activation"
"""Under which name it is kept whether the account activates by itself."""


def body(ids: list[str]) -> dict[str, Any]:
    """Return what `PUT /phone/users/batch` is sent to let these users call."""
    return {"batch_type": "activate", "user_ids": ids, "activation_status": "activate"}


def activate_new(desk: Desk, change: Change, user_id: str) -> str:
    """Let somebody call who was just given Zoom Phone; return why they can't yet, "" where they can.

    Whoever can't stays `to_activate`, so that the next plan activates them.
    """
    if not desk.options.activate:
        return ""
    try:
        if desk.lookups.kept(AUTOMATIC, lambda: _is_active(desk, change, user_id)):
            return ""
    except TransientError:
        pass  # what isn't known of the account is done ourselves
    try:
        desk.send("PUT", "/phone/users/batch", body([user_id]))
    except Refused as error:
        return f"they have Zoom Phone, but can't call before they are activated: {error.message}"
    return ""


def _is_active(desk: Desk, change: Change, user_id: str) -> bool:
    found = desk.lookups.phone_user(user_id)
    if found is None:
        raise TransientError(
            f"Zoom doesn't show {change.user} in phone yet, who was added a moment ago",
            retry_after_s=LOOK_AGAIN_S,
        )
    return found.get("status") == ACTIVE
