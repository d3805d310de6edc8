"""Rooms and common areas: phone users who are nobody, and have what the rules of their kind give.

A place is matched by a rule's filter over the phone user itself; one that no rule names, or that
`manages` doesn't, is left alone. It has no license, delegates or profile to give or take: packages,
numbers, site, extension number and template are all there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from connectors.records import Person, PhoneUser, fold
from connectors.scim_filter import Filter
from mappings import Mapping
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.numbers import number_changes
from provisioner.plan.services import package_changes
from provisioner.plan.settings import setting_changes


def is_touchable(user: PhoneUser, manages: Filter | None) -> bool:
    """Return whether a sync may touch a phone user: persons who are members, or whom `manages` names."""
    if manages is None:
        return user.kind == "person" and user.role == "member"
    return manages.matches(msgspec.structs.asdict(user))


def place_case(mapping: Mapping, user: PhoneUser) -> Case | None:
    """Return the case of a room or common area that the mapping has a rule for, None for any other."""
    rules = mapping.places.get(user.kind)
    if rules is None:
        return None
    resource = _resource(user)
    if not any(rule.when.matches(resource) for rule in rules.rules):
        return None
    given = rules.entitlements(Person(user.id, resource))
    return Case(fold(user.key or user.id), "place", entitlements=given, actual=user)


def as_person(user: PhoneUser) -> Person:
    """Return a place as what its rules are asked about."""
    return Person(user.key or user.id, _resource(user))


def _resource(user: PhoneUser) -> dict[str, Any]:
    members = msgspec.structs.asdict(user)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in members.items()
        if value not in (None, (), {})
    }


def ground_of_place(case: Case, ground: Ground) -> Ground:
    """Return the ground on which a place stands: managed is what the rules of its kind mention."""
    assert case.actual is not None
    return replace(ground, mapping=ground.mapping.places[case.actual.kind])


def place_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield what brings a room or a common area to what its rules give."""
    own = ground_of_place(case, ground)
    yield from setting_changes(case, own)
    yield from package_changes(case, own)
    yield from number_changes(case, own)
