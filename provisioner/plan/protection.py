"""Protected people: nobody whom the filter matches loses anything by a plan, of whatever origin.

They are known by what the directories say of them now, and said last: whoever is demoted and gone in
one read is still who they were. Of a phone user whom no directory ever knew, the phone system's own
attributes count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Any

from connectors.records import ENTERPRISE, Person, PhoneUser, Value
from provisioner.joining import join
from provisioner.plan.content import TAKEAWAYS
from provisioner.plan.happenings import Parts

PROTECTED = "protected: no plan takes anything from this person"

_ONE_FOR_ANOTHER = frozenset(
    {"license.assign", "package.assign", "number.assign", "extension.set", "softphone.authorize"}
)
"""Kinds that take what somebody has where they give something else for it."""

_SETTINGS = frozenset({"site.set", "template.apply", "delegation.set", "emergency.set"})
"""Kinds that take only where they give nothing for it."""


def takes(kind: str, before: Value, after: Value) -> bool:
    """Return whether a change takes something from somebody, a swap included.

    >>> takes("license.remove", "zoom_phone", None), takes("license.assign", "old", "new")
    (True, True)
    >>> takes("license.assign", None, "zoom_phone"), takes("site.set", "Brno", "Munich")
    (False, False)
    """
    if kind in TAKEAWAYS:
        return True
    if before is None:
        return False
    return kind in _ONE_FOR_ANOTHER or (kind in _SETTINGS and after is None)


def known_as(parts: Parts, directories: Sequence[str]) -> Person | None:
    """Return one person of what each directory says; `directories` in the order of their precedence."""
    order = {name: n for n, name in enumerate(directories)}
    people = [p for _, p in sorted(parts, key=lambda part: order.get(part[0], len(order)))]
    return reduce(join, people) if people else None


def resource_of(user: PhoneUser) -> dict[str, Any]:
    """Return a phone user as a SCIM resource, as far as the phone system knows them."""
    given = {
        "displayName": user.display_name,
        "title": user.job_title,
        ENTERPRISE: {"department": user.department} if user.department else None,
    }
    named = resource_named(user.user, user.key or user.id)
    return named | {name: value for name, value in given.items() if value is not None}


def resource_named(user: str, key: str) -> dict[str, Any]:
    """Return a SCIM resource of somebody of whom only the name (a mail, mostly) and the key are known."""
    mails = [{"value": user, "type": "work", "primary": True}] if "@" in user else []
    return {"userName": user, "externalId": key} | ({"emails": mails} if mails else {})


def resources(
    people: Iterable[Person | None], otherwise: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield what is known of somebody: as these people, or `otherwise` where no directory knows them."""
    known = [person.resource for person in people if person is not None]
    yield from known or [otherwise]
