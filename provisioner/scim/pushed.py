"""The `pushed` directory: what identity providers sent to our receiver, read like any other directory.

People come in the order in which they were created, each with their groups, those that they inherit from
nested ones included. The key is the externalId, which identity providers keep through every rename, else
the resource's id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from marshmallow import fields, validate

from connectors.records import Person, clean, fold
from provisioner.config_fields import Read, duration
from provisioner.scim.rendering import Resource, decoded
from provisioner.scim.schemas.custom import SchemaOptions
from provisioner.scim.tombstones import as_in_life, real_name
from provisioner.store.direct import Direct
from provisioner.store.scim_people import Column, among, nesting, page, with_mails
from provisioner.store.scim_users import UserRow

_A_PAGE = 1000

Marked = tuple[str, str | None]
"""Somebody whom a change touched: the resource's id, and its externalId at the time."""


class Config(SchemaOptions):
    """What config says of a pushed directory, beside `kind` and `name`.

    `key`: externalId (the default; who has none is known by the id) or id. `coalesce`: how long pushes
    are gathered before they are carried out together. `nested_groups`: false leaves out whoever belongs
    to a group by another group only. `extensions` and `unknown`: see `SchemaOptions`.
    """

    key = fields.String(load_default="externalId", validate=validate.OneOf(["externalId", "id"]))
    coalesce = Read(duration(), load_default=timedelta(seconds=1))
    nested_groups = fields.Boolean(load_default=True)


class Pushed:
    """One sync's pushed directory; `options` is what `Config` loaded."""

    def __init__(self, name: str, sync: str, store: Direct, options: Mapping[str, Any]) -> None:
        self.name = name
        self._sync, self._store = sync, store
        self._by_id = options.get("key") == "id"
        self._nested = options.get("nested_groups", True)

    def check(self) -> None:
        """Nothing can be wrong with it: it is in our own store."""

    def read(self) -> Iterator[Person]:
        """Yield everybody once. Raises StoreError where the store can't be read."""
        last = 0
        while rows := self._store.read(partial(page, sync=self._sync, after=last, most=_A_PAGE)):
            last = rows[-1].seq
            yield from self._people(rows)

    def read_some(self, marked: Collection[Marked]) -> Iterator[Person]:
        """Yield those of the marked who are there, and whoever has one of their externalIds by now."""
        ids = sorted({id for id, _ in marked})
        external = sorted({each for _, each in marked if each is not None})
        seen: set[int] = set()
        sought: list[tuple[Column, list[str]]] = [("id", ids), ("external_id", external)]
        for column, values in sought:
            for start in range(0, len(values), _A_PAGE):
                rows = self._among(column, values[start : start + _A_PAGE])
                yield from self._people([row for row in rows if row.seq not in seen])
                seen.update(row.seq for row in rows)

    def keys_of(self, marked: Iterable[Marked]) -> set[str]:
        """Return the keys under which these people are, or were, known."""
        return {id if self._by_id or external is None else external for id, external in marked}

    def named(self, names: Collection[str]) -> Iterator[Person]:
        """Yield once whoever has one of the names as id, externalId, userName or mail address."""
        listed, seen = sorted(names), set[int]()
        folded = sorted(map(fold, names))
        sought: list[tuple[Column, list[str]]] = [
            ("id", listed),
            ("external_id", [clean(name) for name in listed]),
            ("user_name_key", folded),
        ]
        found = [self._among(column, values) for column, values in sought]
        found.append(self._store.read(partial(with_mails, sync=self._sync, mails=folded)))
        for rows in found:
            yield from self._people([row for row in rows if row.seq not in seen])
            seen.update(row.seq for row in rows)

    def with_ways(self, person: Person) -> Person:
        """Return a person whose inherited groups say through which others (`via`, `also_via`)."""
        held = person.resource.get("groups", ())
        if all(group.get("type") != "indirect" for group in held):
            return person
        # direct ones first: the first way in is the one that is told
        ids = [g["value"] for g in sorted(held, key=lambda g: g.get("type") == "indirect")]
        pairs = self._store.read(partial(nesting, sync=self._sync, ids=ids))
        ways: dict[str, list[str]] = {}
        for inner, outer in sorted(pairs, key=lambda pair: ids.index(pair[0])):
            ways.setdefault(outer, []).append(inner)
        groups = [_by_way_of(group, ways.get(group["value"], ())) for group in held]
        return Person(person.key, person.resource | {"groups": groups}, person.where)

    def _among(self, column: Column, values: Sequence[str]) -> list[UserRow]:
        return self._store.read(partial(among, sync=self._sync, column=column, values=values))

    def _people(self, rows: Sequence[UserRow]) -> Iterator[Person]:
        resources = [decoded(row.document) for row in rows]
        taken = self._taken(resources)
        for row, resource in zip(rows, resources, strict=True):
            as_in_life(resource, succeeded=real_name(resource["userName"]) in taken)
            yield self._person(row, resource)

    def _taken(self, resources: Iterable[Resource]) -> set[str | None]:
        """Return the names behind tombstones that somebody else has by now."""
        names = {name for each in resources if (name := real_name(each["userName"]))}
        if not names:
            return set()
        rows = self._among("user_name_key", sorted(map(fold, names)))
        held = {fold(decoded(row.document)["userName"]) for row in rows}
        return {name for name in names if fold(name) in held}

    def _person(self, row: UserRow, resource: Resource) -> Person:
        for name in ("id", "schemas", "meta", "password"):
            resource.pop(name, None)
        groups = [_group(*each) for each in row.groups if each[2] or self._nested]
        if groups:
            resource["groups"] = groups
        external = resource.get("externalId")
        key = row.id if self._by_id or external is None else str(external)
        return Person(key, resource, row.id)


def _by_way_of(group: dict[str, Any], ways: Sequence[str]) -> dict[str, Any]:
    if group.get("type") != "indirect" or not ways:
        return group
    via, *others = ways
    return group | {"via": via} | ({"also_via": others} if others else {})


def _group(id: str, display: str | None, direct: bool) -> dict[str, str]:
    shown = {"value": id} if display is None else {"value": id, "display": clean(display)}
    return shown if direct else shown | {"type": "indirect"}
