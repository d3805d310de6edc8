"""A small office: people, phone users and a mapping as values, and the plan that is made of them.

Nothing is read or stored. Everybody is looked at, as a comparison that never agrees in a hurry would
do: whose key a phone user has is theirs, `bound` says who was bound to those who are in no directory.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from connectors.phone.snapshot import ABILITIES
from connectors.records import Abilities, Catalog, Change, Person, PhoneUser, fold
from connectors.scim_filter import parse_filter
from mappings import Mapping as Rules
from mappings import load_mapping
from provisioner.config import PoolConfig
from provisioner.memory import Binding, Memory
from provisioner.plan.differences import Case, Differences
from provisioner.plan.make import Situation, make_plan
from provisioner.plan.model import Base, Plan
from provisioner.pools import NumberPool
from provisioner.reads import Uses

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ADOPTED = Memory(adopted=True)


def person(key: str, *groups: str, **attributes: Any) -> Person:
    """Return somebody with the work mail KEY@example.org who is in these groups."""
    resource = {
        "userName": key,
        "emails": [{"value": f"{key}@example.org", "type": "work"}],
        "groups": [{"value": name, "display": name} for name in groups],
        **attributes,
    }
    return Person(key, {name: value for name, value in resource.items() if value})


def user(key: str, **members: Any) -> PhoneUser:
    """Return the phone user of a person: `p-KEY`, with the person's mail."""
    return PhoneUser(**{"id": f"p-{key}", "key": key, "email": f"{key}@example.org", **members})


def full(key: str, **members: Any) -> PhoneUser:
    """Return a phone user with license and package."""
    return user(key, **{"license": "phone", "packages": ("basic",), **members})


@cache
def rules(text: str) -> Rules:
    """Return the mapping that the YAML text is (its `version` left out)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mapping.yaml"
        file.write_text(f"version: 1\n{text}", encoding="utf-8")
        return load_mapping(file)


@dataclass(frozen=True, kw_only=True)
class Office:
    """Both sides and all that a plan is made from beside them.

    `bound`: the folded keys of those who are no longer in the directory, by the vendor's id, with
    the days that they are known to be gone, None for today's first read. `earlier`: the mapping of the
    plan before, if it was another.
    """

    mapping: str
    people: Sequence[Person] = ()
    users: Sequence[PhoneUser] = ()
    bound: Mapping[str, tuple[str, float | None]] = field(default_factory=dict)
    abilities: Abilities = ABILITIES
    catalog: Catalog = field(default_factory=Catalog)
    memory: Memory = ADOPTED
    pools: Mapping[str, PoolConfig] = field(default_factory=dict)
    protected: str | None = None
    known: Sequence[Person] = ()
    keyless: Sequence[str] = ()
    cooling: frozenset[str] = frozenset()
    warming: Sequence[str] = ()
    grace_s: float = 0
    now: datetime = NOW
    as_of: datetime | None = None
    earlier: str | None = None

    def but(self, **members: Any) -> Office:
        """Return the same office with these members changed."""
        return replace(self, **members)

    def plan(self) -> Plan:
        """Return the plan."""
        known = {fold(p.key): [("hr", p)] for p in (self.known or self.people)}
        present = {fold(p.key): [("hr", p)] for p in self.people}
        mapping = rules(self.mapping)
        situation = Situation(
            sync="emea",
            mapping=mapping,
            abilities=self.abilities,
            catalog=self.catalog,
            memory=self.memory,
            pools={
                name: NumberPool(name, pool, self.catalog.numbers)
                for name, pool in self.pools.items()
            },
            protected=None if self.protected is None else parse_filter(self.protected),
            uses=Uses(tuple(sorted(mapping.uses_paths, key=lambda p: p.text)), mapping.uses_groups),
            as_of=self.as_of or self.now,
            created_at=self.now,
            base=Base("sha256:d", "sha256:p", "sha256:m", "sha256:e"),
            old=lambda key: known.get(key, []),
            new=lambda key: present.get(key, []),
            last_known=lambda key: known.get(key, []),
            keyless=self.keyless,
            cooling=dict.fromkeys(self.cooling, ""),
            warming=self.warming,
            earlier=None if self.earlier is None else rules(self.earlier),
            directories=("hr",),
            grace_s=lambda _: self.grace_s,
        )
        return make_plan(self.differences(mapping), situation)

    def differences(self, mapping: Rules) -> Differences:
        """Return both sides compared."""
        found = Differences()
        theirs = {fold(u.key): u for u in self.users if u.key is not None}
        for one in self.people:
            key = fold(one.key)
            mail = fold(one.email or one.key)
            found.mails |= {key: mail, mail: mail}
            actual = theirs.pop(key, None)
            if mapping.in_scope(one):
                given = mapping.entitlements(one)
                found.cases.append(Case(key, "in_scope", one, given, actual))
                found.people += 1
                found.missing.update(given.missing)
            elif actual is not None:
                inactive = one.resource.get("active") is False
                standing = "inactive" if inactive else "out_of_scope"
                found.cases.append(Case(key, standing, one, actual=actual))  # type: ignore[arg-type]
                found.people += 1
        met = {case.actual.id for case in found.cases if case.actual}
        for one_user in self.users:
            _count(found, one_user)
            if one_user.id not in met:
                self._nobodys(found, one_user)
        return found

    def _nobodys(self, found: Differences, user: PhoneUser) -> None:
        if user.id not in self.bound:
            found.cases.append(Case(fold(user.key or user.id), "unmanaged", actual=user))
            return
        key, days = self.bound[user.id]
        since = None if days is None else self.now - timedelta(days=days)
        binding = Binding(key, user.id, since)
        found.cases.append(Case(key, "gone", actual=user, binding=binding))
        found.people += 1


def _count(found: Differences, user: PhoneUser) -> None:
    if user.status != "trashed":
        found.licenses.update([user.license] if user.license else [])
        found.packages.update(user.packages)
        found.credits += user.credits
    found.held_numbers.update(user.numbers)
    for delegate in user.delegates or ():
        found.delegators_of.setdefault(fold(delegate), []).append(user)
    if user.email:
        found.phone_users[fold(user.email)] = user
    if user.kind == "common_area" and user.display_name:
        found.note_area(fold(user.display_name), user)


def told(changes: Iterable[Change]) -> list[tuple[str, str, Any, Any]]:
    """Return changes as (kind, key, before, after)."""
    return [(c.kind, c.key, c.before, c.after) for c in changes]


def by_kind(changes: Iterable[Change]) -> Counter[str]:
    """Return how many changes there are of each kind."""
    return Counter(c.kind for c in changes)


def only(changes: Iterable[Change], kind: str, key: str | None = None) -> Change:
    """Return the one change of a kind (and of a person)."""
    (found,) = (c for c in changes if c.kind == kind and key in (None, c.key))
    return found
