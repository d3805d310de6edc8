"""What a plan rests on, hashed: two plans of one base, as of one moment, are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from provisioner.memory import Binding, Memory
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


def memory_sha256(memory: Memory, bindings: str, more: object) -> str:
    """Return the hash of what the store remembers: `bindings` is theirs, `more` whatever else counts."""
    content = (
        (memory.adopted, sorted(memory.applied.items(), key=repr), memory.mapping, bindings),
        sorted(memory.reasons.items()),
        (sorted(memory.lost), sorted(memory.changed), sorted(memory.refused.items())),
        sorted(memory.rejected),
        sorted((kind, sorted(keys)) for kind, keys in memory.by_kind.items()),
        more,
    )
    return f"sha256:{hashlib.sha256(msgspec.json.encode(content)).hexdigest()}"


def _one_hash(hashes: Sequence[str]) -> str:
    if len(hashes) == 1:
        return hashes[0]
    return f"sha256:{hashlib.sha256(' '.join(hashes).encode()).hexdigest()}"
