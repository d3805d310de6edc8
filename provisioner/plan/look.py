"""How people are looked at as they go by: as persons, or as the rows of a table.

What a comparison asks of a person is the same for both; of a row it is read where it stands, so that
nobody's resource is made who isn't looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from connectors.columns import Columns, Row, Untold
from connectors.records import Person
from connectors.scim_filter import Path
from mappings import Mapping
from mappings.outline import Found, Outlines
from provisioner.plan.calendar import Calendar, Days

_Item = TypeVar("_Item")


class Names(NamedTuple):
    """What somebody may be called by; `dn`: where they were read, which is an LDAP entry's dn.

    `id`: the SCIM resource's, which a manager's entry names.
    """

    key: str
    email: str | None
    user_name: str | None
    dn: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Look(Generic[_Item]):
    """The questions that are asked of everybody.

    `outline`: what is wished of them. `joined`: what `join` matches, None where it is nothing or
    the very key; None itself where that is so of everybody. `person`: all that is known. `days`: what
    the calendar says; None itself where there is none.
    """

    outline: Callable[[_Item], Found]
    joined: Callable[[_Item], object] | None
    names: Callable[[_Item], Names]
    person: Callable[[_Item], Person]
    days: Callable[[_Item], Days | None] | None = None


def look_at_persons(mapping: Mapping, calendar: Calendar | None = None) -> Look[Person]:
    """Return the look at Persons."""
    outline_of = Outlines(mapping.scope, mapping.rules, mapping.defaults, mapping.profile).of
    return Look(
        outline=lambda person: outline_of(person.resource),
        joined=None if mapping.join is None else _joined(mapping.join),
        names=_names,
        person=lambda person: person,
        days=None if calendar is None else calendar.of_persons(),
    )


def _names(person: Person) -> Names:
    resource = person.resource
    return Names(
        person.key, person.email, resource.get("userName"), person.where, resource.get("id")
    )


def _joined(path: Path) -> Callable[[Person], object]:
    values, name = path.values, path.attribute
    plain = path.uri is None and path.sub is None and path.definition.type == "string"

    def joined(person: Person) -> object:
        resource = person.resource
        value = resource.get(name) if plain else next(iter(values(resource)), None)
        return None if value == person.key else value

    return joined


def look_at_rows(
    mapping: Mapping, columns: Columns, key: int, calendar: Calendar | None = None
) -> Look[Row]:
    """Return the look at the rows of a table; `key` is the number of the key's column."""
    outlines = Outlines(mapping.scope, mapping.rules, mapping.defaults, mapping.profile)
    user_names = columns.of_attribute(None, "userName")
    mail, user_name = _cell(columns.mail), _cell(user_names[0] if user_names else None)
    ids = columns.of_attribute(None, "id")
    id_ = _cell(ids[0] if ids else None)
    return Look(
        outline=outlines.of_rows(columns),
        joined=None if mapping.join is None else _joined_row(mapping.join, columns, key),
        names=lambda row: Names(row[key], mail(row), user_name(row), None, id_(row)),
        person=lambda row: Person(row[key], columns.resource(row)),
        days=None if calendar is None else calendar.of_rows(columns),
    )


def _cell(column: int | None) -> Callable[[Row], Any]:
    return (lambda _: None) if column is None else itemgetter(column)


def _joined_row(path: Path, columns: Columns, key: int) -> Callable[[Row], object] | None:
    try:
        place = columns.place(path)
    except Untold:
        return lambda row: next(iter(path.values(columns.resource(row))), None)
    return None if place is None or place == key else itemgetter(place)
