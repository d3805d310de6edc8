"""Calling plans and delegation privileges: the numbers, and the spellings that Zoom uses for them.

A calling plan has three: its type (what assigning takes), the name that GET /phone/calling_plans
shows (what a snapshot's `packages` hold), and the short one that the batch call wants ("US/CA
Unlimited" for "US/CA Unlimited Calling Plan", "Pro" for "Zoom Phone Pro"). A name outside the table
becomes a plan of its own, always with the same type, so that any inventory can be loaded.

Sources: Zoom's calling plan table (SKUS), the description of POST /phone/users/batch.
"""

from __future__ import annotations

import sqlite3
import unicodedata
import zlib
from typing import NamedTuple

SUFFIX = " Calling Plan"
MADE_UP = 1_000_000
"""Types from here on are made up: MADE_UP plus the CRC-32 of the folded name."""


class Plan(NamedTuple):
    """A calling plan: `type` is Zoom's number, `name` the catalog's, `short` the batch call's."""

    type: int
    name: str
    short: str


def fold(text: str) -> str:
    """Return what names and mail addresses are compared by: NFC, no surrounding blanks, no case."""
    return unicodedata.normalize("NFC", text.strip().casefold())


_AREAS = ("US/CA", "AU/NZ", "UK/Ireland", "Europe Zone A", "Europe Zone B")
_SHORT = {
    **{100 + n: f"{area} Metered" for n, area in enumerate(_AREAS)},
    107: "JP Metered",
    **{200 + n: f"{area} Unlimited" for n, area in enumerate(_AREAS)},
    207: "JP Unlimited",
    600: "Beta",
    1000: "Global Select",
    1001: "Global Select Metered",
}
PLANS = (
    *(Plan(type_, short + SUFFIX, short) for type_, short in _SHORT.items()),
    Plan(3000, "Zoom Phone Pro", "Pro"),
    Plan(3040, "Zoom Phone Common Area", "Common Area"),
    Plan(4000, "International Calling Add-On", "International Calling Add-On"),
    Plan(4010, "Zoom Phone Power Pack", "Power Pack"),
)
"""The plans that an account without a catalog offers."""

_BY_NAME = {fold(name): plan for plan in PLANS for name in (plan.short, plan.name)}


def plan_named(name: str) -> Plan:
    """Return the plan of that name (either spelling, without case), else one made up for it.

    >>> plan_named("us/ca unlimited calling plan")
    Plan(type=200, name='US/CA Unlimited Calling Plan', short='US/CA Unlimited')
    >>> plan_named("Brno Calling Plan")
    Plan(type=1940076179, name='Brno Calling Plan', short='Brno')
    """
    known = _BY_NAME.get(fold(name))
    if known:
        return known
    name = unicodedata.normalize("NFC", name.strip())
    return Plan(MADE_UP + zlib.crc32(fold(name).encode()), name, name.removesuffix(SUFFIX))


PRIVILEGES = {
    1: "Place Calls",
    2: "Answer Calls",
    3: "Pick Up Hold Calls",
    4: "Manage VIP Contacts",
    5: "Opt In/Out",
    6: "Join and Merge Calls",
    7: "Set Business Hours",
    8: "Reply to SMS",
}
"""What a delegator lets every delegate do, as the delegation setting's description names it."""

DEFAULT_PRIVILEGES = (1, 2, 3)


def privilege_named(name: str) -> int | None:
    """Return a privilege's number by its name, how that begins, or the number as text; None if there is none.

    >>> privilege_named("Answer Calls"), privilege_named("pick up"), privilege_named("8")
    (2, 3, 8)
    >>> privilege_named("9"), privilege_named("")
    (None, None)
    """
    wanted = fold(name)
    for number, full in PRIVILEGES.items():
        if wanted == str(number) or (wanted and fold(full).startswith(wanted)):
            return number
    return None


def display_name(row: sqlite3.Row) -> str:
    """Return a user's display name: their own, else first and last name, else what the mail begins with."""
    derived = f"{row['first_name']} {row['last_name']}".strip()
    return str(row["display_name"] or derived or row["email"].partition("@")[0])
