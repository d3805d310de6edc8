"""Microsoft Entra's tombstones: what the names of a deleted user become before the user is gone for good.

When a user is deleted, Entra keeps them for 30 days under a userPrincipalName with 32 hex digits (the object
id) before it, so that the name is free, and pushes that rename like any other
(Microsoft, "Recover from deletions in Microsoft Entra ID"). It says nothing of the person: a phone must neither be
renamed to it, nor be taken for nobody's.
"""

from __future__ import annotations

import re
from typing import Any

_TOMBSTONE = re.compile(r"[0-9a-f]{32}(?=[^@]+@)", re.IGNORECASE)


def real_name(name: str) -> str | None:
    """Return the name that stands behind a tombstone; None if it is no tombstone.

    >>> real_name("0123456789abcdef0123456789abcdefeva@example.org")
    'eva@example.org'
    >>> real_name("0123456789abcdef0123456789abcdef@example.org")
    """
    found = _TOMBSTONE.match(name)
    return name[found.end() :] if found else None


def as_in_life(resource: dict[str, Any], *, succeeded: bool) -> None:
    """Give a resource whose userName is a tombstone its own name and mail addresses back.

    `succeeded`: somebody else has the name by now; then the mail addresses are theirs too.
    """
    name = real_name(resource.get("userName", ""))
    if name is None:
        return
    resource["userName"] = name
    if succeeded:
        resource.pop("emails", None)
    for email in resource.get("emails", ()):
        email["value"] = real_name(str(email["value"])) or email["value"]
