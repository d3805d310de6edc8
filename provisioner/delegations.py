"""Reading delegations where each costs a call.

Every full plan reads those of whoever is to have delegates, or was once given some; and, so that nobody's
stay unread for ever, those of some others: never read ones first, then those read longest ago. Whoever
turns out to have delegates is asked in every plan from then on.

Whether the vendor lets somebody have delegates at all (a policy of theirs, say) may be told by a read of
that one user only. So it is asked of whoever would get a new delegate, and of nobody else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from sqlalchemy import Engine

from connectors.records import PhoneSystem, PhoneUser, fold
from provisioner.plan.called import mail_of
from provisioner.plan.compare import Comparison
from provisioner.plan.differences import Case, Differences
from provisioner.plan.document import instant
from provisioner.store.database import reading
from provisioner.store.sweeps import last_reads
from provisioner.wiring import Wired


@dataclass(slots=True)
class Sweep:
    """The delegations that one full plan reads, and the age of those that it doesn't.

    `known`: everybody who is bound, by the vendor's id, with their last read, the oldest first (never
    before all); empty where reading delegations costs nothing, or the mapping doesn't manage them.
    `most`: how many are read beyond those that matter.
    """

    known: Sequence[tuple[str, datetime | None]] = ()
    most: int = 0
    active: bool = False
    _read: set[str] = field(default_factory=set)
    _found: set[str] = field(default_factory=set)

    def due(self, matter: frozenset[str]) -> frozenset[str]:
        """Return whose delegations to ask for: those that `matter`, and the next ones in turn."""
        others = (id for id, _ in self.known if id not in matter)
        return matter | {id for id, _ in zip(others, range(self.most), strict=False)}

    def watched(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        """Yield phone users on their way by, noting whose delegations were read."""
        if not self.active:
            yield from users
            return
        for user in users:
            if user.delegates is not None and user.kind == "person":
                self._read.add(user.id)
                if user.delegates:
                    self._found.add(user.id)
            yield user

    def finish(self, comparison: Comparison, differences: Differences) -> None:
        """Note what is to be remembered of the reads, when all phone users went by."""
        differences.learned.delegations = sorted(self._read)
        comparison.remember_delegators(self._found)

    def said(self) -> Iterator[str]:
        """Yield how old the plan's knowledge of delegations is, in a sentence."""
        if not self.active:
            return
        others = [at for id, at in self.known if id not in self._read]
        never = sum(at is None for at in others)
        oldest = min((at for at in others if at is not None), default=None)
        parts = [f"delegations were read of {len(self._read)} people for this plan"]
        if oldest is not None:
            parts.append(f"the oldest other read is of {instant(oldest)}")
        if never:
            parts.append(f"those of {never} people were never read yet")
        yield "; ".join(parts)

    def digest(self, bindings: str) -> str:
        """Return the hash of the bindings and of what is remembered of reads: plans rest on both."""
        if not self.active:
            return bindings
        content = msgspec.msgpack.encode((bindings, list(self.known)))
        return hashlib.sha256(content).hexdigest()


def sweep_of(engine: Engine, wired: Wired, scope: str) -> Sweep:
    """Return what a plan of this scope reads of delegations beyond those that matter to it."""
    abilities = wired.phone.abilities
    costly = "delegates" in abilities.looks_closer and "delegates" in wired.mapping.managed
    if scope != "full" or not costly:
        return Sweep()
    with reading(engine) as connection:
        known = last_reads(connection, wired.sync.name)
    return Sweep(known, abilities.delegation_sweep, active=True)


def look_closer(phone: PhoneSystem, differences: Differences) -> None:
    """Let those who would get a delegate bear what the vendor refuses them (`vendor.blocks`)."""
    if "delegates" not in phone.abilities.looks_closer:
        return
    wishing = {
        case.actual.id: case
        for case in differences.cases
        if case.actual is not None and _gets_one(case, differences)
    }
    if not wishing:
        return
    for user in phone.read_some([case.actual for case in wishing.values() if case.actual]):
        case = wishing.get(user.id)
        if case is not None and case.actual is not None and "blocks" in user.vendor:
            vendor = {**case.actual.vendor, "blocks": user.vendor["blocks"]}
            case.actual = msgspec.structs.replace(case.actual, vendor=vendor)


def _gets_one(case: Case, differences: Differences) -> bool:
    given, actual = case.entitlements, case.actual
    if given is None or actual is None or actual.license is None or actual.delegates is None:
        return False
    wished = given.many.get("delegates", {})
    held = set(map(fold, actual.delegates))
    return any((mail_of(differences.mails, n) or fold(n)) not in held for n in wished)
