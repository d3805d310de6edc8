"""Calling plans by type and by name: Zoom spells one plan in two ways.

A plan's type is a number. Lists show its long name ("US/CA Metered Calling Plan"), the batch call
that adds phone users takes a short one ("US/CA Metered"). Records and plans hold the long name as
`GET /phone/calling_plans` shows it; the short one never leaves this folder. A plan whose short name
Zoom doesn't document is assigned by its type, in a call of its own.
Source: Zoom, "Batch add users" (calling_plans); "Zoom Phone calling plans" (types).
"""

from __future__ import annotations

from connectors.records import fold

_PLANS: tuple[tuple[int | None, str, str, str], ...] = (
    # type, as lists show it, as the batch call's documentation calls it, as the batch call takes it
    (100, "US/CA Metered Calling Plan", "United States/Canada Metered Calling Plan", "US/CA Metered"),
    (101, "AU/NZ Metered Calling Plan", "Australia/New Zealand Metered Calling Plan", "AU/NZ Metered"),
    (102, "UK/Ireland Metered Calling Plan", "United Kingdom/Ireland Metered Calling Plan", "UK/Ireland Metered"),
    (103, "Europe Zone A Metered Calling Plan", "", "Europe Zone A Metered"),
    (104, "Europe Zone B Metered Calling Plan", "", "Europe Zone B Metered"),
    (107, "JP Metered Calling Plan", "Japan Metered Calling Plan", "JP Metered"),
    (200, "US/CA Unlimited Calling Plan", "United States/Canada Unlimited Calling Plan", "US/CA Unlimited"),
    (201, "AU/NZ Unlimited Calling Plan", "Australia/New Zealand Unlimited Calling Plan", "AU/NZ Unlimited"),
    (202, "UK/Ireland Unlimited Calling Plan", "United Kingdom/Ireland Unlimited Calling Plan", "UK/Ireland Unlimited"),
    (203, "Europe Zone A Unlimited Calling Plan", "", "Europe Zone A Unlimited"),
    (204, "Europe Zone B Unlimited Calling Plan", "", "Europe Zone B Unlimited"),
    (207, "JP Unlimited Calling Plan", "Japan Unlimited Calling Plan", "JP Unlimited"),
    (600, "Beta Calling Plan", "", "Beta"),
    (1000, "Global Select Calling Plan", "", "Global Select"),
    (1001, "Global Select Metered Calling Plan", "", "Global Select Metered"),
    (3000, "Zoom Phone Pro", "", "Pro"),
    (4000, "International Calling Add-On", "", "International Calling Add-On"),
    (4010, "Zoom Phone Power Pack", "", "Power Pack"),
    (None, "IN Metered Calling Plan", "India Metered Calling Plan", "IN Metered"),
    (None, "IN Unlimited Calling Plan", "India Unlimited Calling Plan", "IN Unlimited"),
    (None, "IN Pro", "Zoom Phone India Pro", "IN Pro"),
    (None, "IN International Calling Add-On", "India International Calling Add-On", "IN International Calling Add-On"),
)  # fmt: skip

_LONG = {kind: shown for kind, shown, _, _ in _PLANS if kind is not None}
_SPELLINGS = {
    fold(spelling): (kind, short)
    for kind, shown, documented, short in _PLANS
    for spelling in (shown, documented, short)
    if spelling
}


def batch_name(package: str) -> str | None:
    """Return how the batch call spells a plan, None where Zoom doesn't document it.

    >>> batch_name("US/CA Unlimited Calling Plan"), batch_name("Zoom Phone Pro")
    ('US/CA Unlimited', 'Pro')
    >>> batch_name("Something new")
    """
    found = _SPELLINGS.get(fold(package))
    return found[1] if found else None


def known_type(package: str) -> int | None:
    """Return the type of a plan by any of its spellings, None where it isn't known.

    >>> known_type("united states/canada metered calling plan")
    100
    """
    found = _SPELLINGS.get(fold(package))
    return found[0] if found else None


def known_name(kind: int) -> str | None:
    """Return a plan's long name by its type, None where it isn't known.

    >>> known_name(100), known_name(31000)
    ('US/CA Metered Calling Plan', None)
    """
    return _LONG.get(kind)
