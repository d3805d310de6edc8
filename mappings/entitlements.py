"""Entitlements: what a mapping says that a person should have, each with the rule that says so.

Whatever is mentioned anywhere in a mapping is managed; what a person isn't given of it is taken away,
except for what is in `left_alone`: there an attribute was missing, and what is held stays.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

import msgspec

SINGLE = (
    "license",
    "template",
    "site",
    "extension_number",
    "number",
    "credits",
    "softphone",
    "emergency_address",
)
"""Entitlements of which a person has one: the first rule that gives one decides."""
MANY = ("packages", "delegates", "delegate_privileges")
"""Entitlements of which a person may have several: what the rules give adds up."""
ENTITLEMENTS = (*SINGLE, *MANY)
"""Everything that a rule can give or take."""
PROFILE = ("display_name", "email", "department", "job_title", "usage_location")
"""Attributes of the profile; in `managed` and `left_alone` they are called `profile.display_name` …"""

DEFAULTS_RULE = "defaults"
"""The rule's name that what comes from `defaults` bears."""
PROFILE_RULE = "profile"
"""The rule's name that what comes from `profile` bears."""

_SEPARATORS = re.compile(r"[\s().\-/]")
_E164 = re.compile(r"\+[1-9][0-9]{4,14}")


class PoolRef(msgspec.Struct, frozen=True):
    """A number to be chosen from the pool called `name` in config; whoever holds one of it keeps it.

    `keeps`: whoever holds any other number keeps that too, as a mover does who takes it along.
    """

    name: str
    keeps: bool = False


GivenValue: TypeAlias = str | bool | PoolRef


class Given(NamedTuple):
    """One single-valued entitlement: text, E.164 for a `number`, a boolean for `credits`, or a PoolRef."""

    value: GivenValue
    rule: str


class Entitlements(msgspec.Struct, frozen=True, gc=False):
    """What one person should have.

    `single`: by entitlement. `many`: by entitlement, each value with its rule, in the order of the
    rules; values that differ in case only are there once, as first written. `profile`: by the plain
    name (`display_name`). `left_alone`: entitlements, and profile attributes as `profile.email`,
    whose text lacked an attribute: never in `single` or `profile`, while values that others gave to
    a list are in `many` and are added to what is held. `missing`: (entitlement, rule, attribute's
    path) for each text that lacked one, or whose attribute held no E.164 number where one is meant; for
    warnings. Where a transform had nothing to give, the last is what it looked for, in words. `taken`:
    single-valued entitlements that a rule says there is none of, with that rule.

    People who are decided equally share the very same `single` and `many`; nobody may change them.
    """

    single: dict[str, Given]
    many: dict[str, dict[str, str]]
    profile: dict[str, Given]
    left_alone: frozenset[str] = frozenset()
    missing: tuple[tuple[str, str, str], ...] = ()
    taken: dict[str, str] = {}


def e164(text: str) -> str | None:
    """Return a phone number as E.164, without `tel:` and what only divides its digits; None if it is none.

    Source: RFC 3966 section 5.1.1 (visual separators), ITU-T E.164 section 6.

    >>> e164("tel:+49 (89) 1234-0")
    '+498912340'
    >>> e164("089 12340") is None
    True
    """
    number = _SEPARATORS.sub("", text.removeprefix("tel:"))
    return number if _E164.fullmatch(number) else None
