"""What a plan rests on, hashed: two plans of one base, as of one moment, are the same.

`directory`: what the directories gave. `phone`: what the phone system has, what it has to give, and what
can be done there. `mapping`: what the mapping says. `memory`: what the store remembers, and all else that
shapes a plan: the sync's settings, what was decided before, and what was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from connectors.records import Abilities, Catalog
from provisioner.config import SyncConfig
from provisioner.memory import Binding, Memory
from provisioner.plan.happenings import Parts
from provisioner.plan.model import Base
from provisioner.reads import Reading


class Digested:
    """Bindings on their way by, hashed: what a plan rests on is part of its base."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        self._bindings = bindings
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[Binding]:
        encode = msgspec.msgpack.Encoder().encode
        for binding in self._bindings:
            self._hash.update(encode(binding))
            yield binding

    @property
    def sha256(self) -> str:
        """The hash of all that went by."""
        return self._hash.hexdigest()


def base_of(readings: Sequence[Reading], phone: str, mapping: str, memory: str) -> Base:
    """Return the base of finished reads, and of the hashes of what else a plan is made from."""
    directory = _one_hash([reading.sha256 for reading in readings])
    return Base(directory=directory, phone=phone, mapping=mapping, memory=memory)


def phone_sha256(users: str, catalog: Catalog, abilities: Abilities) -> str:
    """Return the hash of a phone system: `users` is that of its users."""
    given = {name: getattr(catalog, name) for name in Catalog.__struct_fields__}
    listed = {n: sorted(v, key=repr) if isinstance(v, tuple) else v for n, v in given.items()}
    return digest([users, listed, abilities])


def memory_sha256(memory: Memory, bindings: str, more: object) -> str:
    """Return the hash of what the store remembers: `bindings` is theirs, `more` whatever else counts."""
    content = (
        (memory.adopted, sorted(memory.applied.items(), key=repr), memory.mapping, bindings),
        sorted(memory.reasons.items()),
        (sorted(memory.lost), sorted(memory.changed), sorted(memory.refused.items())),
        sorted(memory.rejected),
        sorted((kind, sorted(keys)) for kind, keys in memory.by_kind.items()),
        plain(more),
    )
    return f"sha256:{hashlib.sha256(msgspec.json.encode(content)).hexdigest()}"


def settings_of(sync: SyncConfig, mapping: str) -> object:
    """Return what of a sync's config shapes its plans, and `mapping`, the file that reasons name.

    What its directories and its phone system are given there shows in what they give and can do.
    """
    named = [(each.name, each.kind) for each in sync.directories]
    shaping = (
        *(sync.name, sync.approval, sync.limits, sync.freeze, sync.protected, sync.pools),
        *(sync.aliases, sync.manages, sync.forecast, sync.prices),
    )
    return plain([shaping, named, sync.phone_system.kind, PurePath(mapping).name])


def said_sha256(keys: Iterable[str], *sources: Callable[[str], Parts]) -> str:
    """Return the hash of what was said of these people before."""
    found = hashlib.sha256()
    encode = msgspec.json.Encoder(order="sorted").encode
    for key in sorted(keys):
        for said in sources:
            parts = [(name, person.key, person.resource) for name, person in said(key)]
            found.update(encode((key, parts)))
    return found.hexdigest()


def digest(value: object) -> str:
    """Return the hash of any value, the same whatever order its sets and mappings are in."""
    return f"sha256:{hashlib.sha256(msgspec.json.encode(plain(value))).hexdigest()}"


def plain(value: Any) -> Any:
    """Return a value as lists and scalars, in an order of its own; a function is nothing.

    >>> plain({"b": frozenset({2, 1}), "a": timedelta(hours=1)})
    [['a', 3600.0], ['b', [1, 2]]]
    """
    if isinstance(value, Mapping):
        return sorted(([plain(k), plain(v)] for k, v in value.items()), key=repr)
    if isinstance(value, AbstractSet):
        return sorted(map(plain, value), key=repr)
    if isinstance(value, (list, tuple)):
        return list(map(plain, value))
    if isinstance(value, msgspec.Struct):
        return [[name, plain(getattr(value, name))] for name in value.__struct_fields__]
    if is_dataclass(value):
        return [[field.name, plain(getattr(value, field.name))] for field in fields(value)]
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (datetime, date, Decimal, ZoneInfo)):
        return str(value)
    return None if callable(value) else value


def _one_hash(hashes: Sequence[str]) -> str:
    if len(hashes) == 1:
        return hashes[0]
    return f"sha256:{hashlib.sha256(' '.join(hashes).encode()).hexdigest()}"
