"""What Zoom can do, what only its web portal can, and what each thing takes with it.

The trash, 30 days in which a phone user can be restored, and sending an invitation again exist in
the portal only: no operation of Zoom's interface does either (nor lists the trash). The portal's
steps are written out for whoever does them.
Source: Zoom's OpenAPI documents for Zoom Phone and Users; Zoom support, "Changing Zoom Phone soft
deletion settings", "Managing users".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from connectors.phone.zoom.catalog import LICENSED
from connectors.phone.zoom.place_calls import CAN
from connectors.records import Abilities, fold

MAX_DELEGATES = 15
SIDE_BY_SIDE = 16
"""Calls under way at once: Zoom answers in a few tenths of a second, and lets forty a second begin."""
RETENTION_DAYS = 30

PORTAL = "In the Zoom web portal (zoom.us, as an administrator): "
TO_USERS = PORTAL + "Phone System Management > Users & Rooms > Users; "
MANUAL = {
    "user.trash": (
        TO_USERS + "find {user}, open the menu (…) in their row, choose Move to Trash and confirm."
        " They stay in the trash for 30 days (done today, until {until}), then they are deleted for"
        " good. Where the menu has no such choice, turn on Account Management > Account Settings >"
        " Zoom Phone > Soft Delete Users first. Zoom's interface can't list the trash: that they"
        " are gone from Zoom Phone is what the next read verifies."
    ),
    "user.restore": (
        TO_USERS + "open Trash, find {user}, choose Restore and confirm. This works for 30 days"
        " after they were moved there. Check their package and numbers afterwards: both were free"
        " for others meanwhile. Where the Trash doesn't have them, choose Add Users for them instead."
    ),
    "welcome.resend": (
        PORTAL + "User Management > Users > Pending; find {user}, choose Resend in their row."
    ),
}
"""What only a person can do, step by step; user names and dates are filled in by the plan."""

NO_LEAVE = (
    "config doesn't say what deleting somebody means at Zoom: set `leave: disassociate` (they keep a"
    " free account of their own) or `leave: delete` (the account and its data go for good)"
)
LEAVE = {
    "disassociate": "they keep a free Zoom account of their own, outside of this one (leave: disassociate)",
    "delete": "their Zoom account and its data are deleted for good (leave: delete)",
}
STRIPPED = (
    "Zoom strips every license from a deactivated user, their Zoom Workplace license too, and"
    " reactivation gives none back"
)
LICENSED_AGAIN = "they are given a Zoom Workplace license again (create.type: 2)"
DEVICES = "desk phones assigned to them are unassigned"


def joining(account_type: int) -> tuple[str, ...]:
    """Return what an invitation means to somebody who has a paid Zoom account of their own."""
    given = (
        "a Zoom Workplace license comes with this invitation (create.type: 2)"
        if account_type == LICENSED
        else "this invitation comes without a Zoom Workplace license: `create: {type: 2}` would give"
        " one in the same run"
    )
    return (
        "they have a paid Zoom account of their own: if they join this one without a license, they"
        " may lose what they hold there",
        "Zoom refunds them the rest of what they paid for their own account",
        given,
        "tell them before the invitation is sent",
    )


def abilities(
    action: str,
    delegators_max: int,
    job_titles: bool,
    *,
    account_type: int = 1,
    leave: str | None = None,
    domains: Iterable[str] | None = None,
    existing: Iterable[str] = (),
    sweep: int = 0,
    resend: tuple[timedelta, int] | None = None,
) -> Abilities:
    """Return what Zoom can do for an account whose users come about by this `action`.

    The others are as config has them (config.py); `resend`: after which time, and how many times.
    """
    joiner = "user.invite" if action == "create" else "user.create"
    known = domains is not None and action == "autoCreate"
    return Abilities(
        kinds=frozenset(
            {
                joiner,
                "user.activate",
                "user.deactivate",
                "user.delete",
                "profile.update",
                "license.assign",
                "license.remove",
                "package.assign",
                "package.remove",
                "template.apply",
                "site.set",
                "extension.set",
                "number.assign",
                "number.release",
                "delegate.add",
                "delegate.remove",
                "delegation.set",
            }
        ),
        manual=MANUAL,
        refuses={} if leave else {"user.delete": NO_LEAVE},
        says={"user.deactivate": STRIPPED, "license.remove": DEVICES}
        | ({"user.delete": LEAVE[leave]} if leave else {})
        | ({"user.activate": LICENSED_AGAIN} if account_type == LICENSED else {}),
        joiner=joiner,
        unreadable=frozenset({"template"} if job_titles else {"template", "profile.job_title"}),
        pending=frozenset({"profile.update", "user.delete", "welcome.resend"}),
        max_delegates=MAX_DELEGATES,
        max_delegators=delegators_max,
        needs_email=True,
        domains=frozenset(map(fold, domains or ())) if known else None,
        existing=frozenset(map(fold, existing)),
        joining=joining(account_type),
        keeps=frozenset({"template", "site", "extension_number"}),
        profile=frozenset({"display_name", "email", "department", "job_title"}),
        license_takes=frozenset({"packages", "numbers", "delegates"}),
        last_package_takes=frozenset({"numbers"}),
        deactivation_takes=frozenset({"license", "packages", "numbers", "delegates"}),
        retention_days=RETENTION_DAYS,
        trash_takes=frozenset({"license"}),
        side_by_side=SIDE_BY_SIDE,
        resend_after=None if resend is None else resend[0],
        resend_max=0 if resend is None else resend[1],
        delegation_sweep=sweep,
        delegation_needs_package=True,
        number_needs_package=True,
        looks_closer=frozenset({"delegates"}),
        places=CAN,
    )
