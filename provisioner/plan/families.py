"""Which entitlement a kind of change is about: the first half of a kind names its family."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.records import Value

FAMILIES: Mapping[str, str] = {
    "license": "license",
    "packages": "package",
    "template": "template",
    "site": "site",
    "extension_number": "extension",
    "number": "number",
    "delegates": "delegate",
    "delegate_privileges": "delegation",
    "credits": "credit",
    "softphone": "softphone",
    "emergency_address": "emergency",
}
"""The first half of the kinds of change, by entitlement; an attribute of the profile has `profile`."""

_ENTITLEMENTS = {family: entitlement for entitlement, family in FAMILIES.items()}


def entitlements_of(kind: str, after: Value) -> frozenset[str]:
    """Return the entitlements that a change is about; none for one of the account itself.

    >>> sorted(entitlements_of("profile.update", {"email": "x", "job_title": None}))
    ['profile.email', 'profile.job_title']
    >>> entitlements_of("package.assign", "basic"), entitlements_of("user.create", "eva")
    (frozenset({'packages'}), frozenset())
    """
    family = kind.partition(".")[0]
    if family == "profile":
        return (
            frozenset(f"profile.{name}" for name in after)
            if isinstance(after, dict)
            else frozenset()
        )
    found = _ENTITLEMENTS.get(family)
    return frozenset() if found is None else frozenset({found})
