"""Aliases: an operator's shorter names for the vendor's licenses, packages, templates and sites.

A phone system wrapped in its aliases speaks them both ways, so that plans, reports and snapshots
show the short names, and the vendor gets its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

from connectors.records import (
    Call,
    Catalog,
    Change,
    Outcome,
    PhoneSystem,
    PhoneUser,
    Seats,
    Value,
    fold,
)

_FAMILY = {
    "license": "licenses",
    "package": "packages",
    "template": "templates",
    "site": "sites",
}
"""The family of names that a change's before and after are of, by the object of its kind."""
Aliases = Mapping[str, Mapping[str, str]]
"""By family (licenses, packages, templates, sites) short name → vendor's name."""


def with_aliases(phone: PhoneSystem, aliases: Aliases) -> PhoneSystem:
    """Return the phone system under the aliases (by family, short name → vendor's name)."""
    return Aliased(phone, aliases) if any(aliases.values()) else phone


class Aliased:
    """A phone system that gives and takes an operator's names for the vendor's."""

    def __init__(self, phone: PhoneSystem, aliases: Aliases) -> None:
        self._phone = phone
        self.abilities = phone.abilities
        self._vendors = {
            family: {fold(short): vendor for short, vendor in names.items()}
            for family, names in aliases.items()
        }
        self._short = {
            family: {fold(vendor): short for short, vendor in names.items()}
            for family, names in aliases.items()
        }

    def catalog(self, *, numbers: bool = True) -> Catalog:
        """Return the vendor's catalog under the short names."""
        catalog = self._phone.catalog(numbers=numbers)
        templates, sites = catalog.templates, catalog.sites
        return msgspec.structs.replace(
            catalog,
            licenses=self._seats("licenses", catalog.licenses),
            packages=self._seats("packages", catalog.packages),
            templates=templates
            and tuple(
                (self._name("templates", name), site and self._name("sites", site))
                for name, site in templates
            ),
            sites=sites and tuple(self._name("sites", site) for site in sites),
            numbers=catalog.numbers
            and tuple((n, site and self._name("sites", site)) for n, site in catalog.numbers),
            extensions={self._name("sites", site): e for site, e in catalog.extensions.items()},
        )

    def read(self, delegators: Iterable[str] = ()) -> Iterator[PhoneUser]:
        """Yield every phone user under the short names."""
        return map(self._user, self._phone.read(delegators))

    def read_some(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        """Yield fresh reads under the short names."""
        return map(self._user, self._phone.read_some(users))

    def calls(self, changes: Iterable[Change]) -> list[Call]:
        """Group changes into calls; the calls' changes bear the short names, as they came."""
        given = {change.seq: change for change in changes}
        calls = self._phone.calls(self._vendors_change(change) for change in given.values())
        return [
            msgspec.structs.replace(call, changes=tuple(given[c.seq] for c in call.changes))
            for call in calls
        ]

    def carry_out(self, changes: Iterable[Change]) -> Iterator[Outcome]:
        """Carry the changes out under the vendor's names."""
        return self._phone.carry_out([self._vendors_change(change) for change in changes])

    def check(self) -> None:
        """Raise a RunError unless the phone system can be used."""
        self._phone.check()

    def _name(self, family: str, name: str) -> str:
        return self._short.get(family, {}).get(fold(name), name)

    def _seats(self, family: str, names: dict[str, Seats] | None) -> dict[str, Seats] | None:
        return names and {
            self._name(family, name): msgspec.structs.replace(
                seats, counted_with=seats.counted_with and self._name(family, seats.counted_with)
            )
            for name, seats in names.items()
        }

    def _any(self, name: str) -> str:
        """Return the short name of a license or a package."""
        short = self._name("licenses", name)
        return self._name("packages", name) if short == name else short

    def _user(self, user: PhoneUser) -> PhoneUser:
        return msgspec.structs.replace(
            user,
            license=user.license and self._name("licenses", user.license),
            packages=tuple(sorted(self._name("packages", p) for p in user.packages)),
            template=user.template and self._name("templates", user.template),
            site=user.site and self._name("sites", user.site),
            counts_as=tuple(map(self._any, user.counts_as)),
            seatless=tuple(map(self._any, user.seatless)),
            settling=tuple(map(self._any, user.settling)),
            by_hand={self._any(name): step for name, step in user.by_hand.items()},
            vendor=self._vendor(user.vendor),
        )

    def _vendor(self, vendor: dict[str, Any]) -> dict[str, Any]:
        """Return what only the vendor has, the changes that it names there under the short names."""
        told = {what: vendor[what] for what in ("blocks", "failed") if what in vendor}
        short = {
            what: {self._named_change(change): why for change, why in said.items()}
            for what, said in told.items()
        }
        return vendor | short if short else vendor

    def _named_change(self, change: str) -> str:
        kind, equals, name = change.partition("=")
        family = _FAMILY.get(kind.partition(".")[0], "")
        return f"{kind}={fold(self._name(family, name))}" if equals else kind

    def _vendors_change(self, change: Change) -> Change:
        family = _FAMILY.get(change.kind.split(".")[0])
        names = self._vendors.get(family or "")
        if not names:
            return change
        vendors: Callable[[Value], Value] = lambda value: (  # noqa: E731
            names.get(fold(value), value) if isinstance(value, str) else value
        )
        return msgspec.structs.replace(
            change, before=vendors(change.before), after=vendors(change.after)
        )


def in_vendors_words(lines: Iterable[str], aliases: Aliases | None = None) -> Iterator[str]:
    """Yield an inventory's lines under the vendor's own names, the catalog's `aliases` taken out.

    `aliases`: what the names stand for where the catalog doesn't say. A line that can't be read stays
    as it is, for whoever loads it to say so.
    """
    rest = iter(lines)
    first = next(rest, None)
    if first is None:
        return
    document = _read(first)
    catalog = document.get("catalog")
    if not isinstance(catalog, dict):
        yield from map(_Words(aliases or {}).line, chain((first,), rest))
        return
    if not _are_aliases(catalog.get("aliases")):
        yield from chain((first,), rest)
        return
    words = _Words(catalog.pop("aliases", None) or aliases or {})
    yield json.dumps({"catalog": words.catalog(catalog)})
    yield from map(words.line, rest)


class _Words:
    """An operator's names in snapshot lines, turned into the vendor's."""

    def __init__(self, aliases: Aliases) -> None:
        self._vendors = {
            family: {fold(short): vendor for short, vendor in names.items()}
            for family, names in aliases.items()
            if names
        }
        self._both = self._vendors.get("licenses", {}) | self._vendors.get("packages", {})

    def catalog(self, catalog: dict[str, Any]) -> dict[str, Any]:
        """Return a catalog; a template or a number may stand with its site."""
        turned = dict(catalog)
        for family in ("licenses", "packages"):
            if isinstance(seats := turned.get(family), dict):
                turned[family] = {self._name(family, name): n for name, n in seats.items()}
        for family in ("templates", "sites", "numbers"):
            if isinstance(names := turned.get(family), list):
                turned[family] = [self._sited(family, name) for name in names]
        return turned

    def line(self, text: str) -> str:
        """Return a phone user's line."""
        user = _read(text) if self._vendors else {}
        if not user:
            return text
        for member, family in _FAMILY.items():
            if member in user:
                user[member] = self._name(family, user[member])
        if isinstance(packages := user.get("packages"), list):
            user["packages"] = [self._name("packages", each) for each in packages]
        for member in ("counts_as", "seatless", "settling"):
            if isinstance(names := user.get(member), list):
                user[member] = [self._any(name) for name in names]
        if isinstance(steps := user.get("by_hand"), dict):
            user["by_hand"] = {self._any(name): step for name, step in steps.items()}
        return json.dumps(user)

    def _name(self, family: str, name: Any) -> Any:
        names = self._vendors.get(family)
        return names.get(fold(name), name) if names and isinstance(name, str) else name

    def _any(self, name: Any) -> Any:
        return self._both.get(fold(name), name) if isinstance(name, str) else name

    def _sited(self, family: str, entry: Any) -> Any:
        if isinstance(entry, list) and len(entry) == 2:
            return [self._name(family, entry[0]), self._name("sites", entry[1])]
        return self._name(family, entry)


def _are_aliases(told: object) -> bool:
    try:
        msgspec.convert(told, dict[str, dict[str, str]] | None)
    except msgspec.ValidationError:
        return False
    return True


def _read(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
