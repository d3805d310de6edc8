"""Whether a rehearsal ended where its plan wanted to: every change in place, and nobody else touched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from connectors.records import Abilities, Change, PhoneUser, fold
from provisioner.apply.doubt import begun_by
from provisioner.apply.recovery import made_by
from provisioner.apply.standing import standing_of
from provisioner.plan.model import Plan

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


@dataclass(slots=True)
class Verified:
    """What the end state says: `differences` in words, and how many changes no read can show."""

    differences: list[str] = field(default_factory=list)
    unreadable: int = 0


def digests(users: Iterable[PhoneUser]) -> dict[str, bytes]:
    """Return a hash of each user's state by id, but for what only that vendor has."""
    return {user.id: _digest(user) for user in users}


def _digest(user: PhoneUser) -> bytes:
    bare = msgspec.structs.replace(user, vendor={})
    return hashlib.blake2b(_encode(bare), digest_size=12).digest()


def verify(
    plan: Plan, before: dict[str, bytes], after: Iterable[PhoneUser], abilities: Abilities
) -> Verified:
    """Hold the end state, `after`, against a plan that was applied to the state `before`."""
    made = made_by(plan)
    done = [change for change in plan.changes if change.state == "done"]
    ids = {c.seq: c.id or made.get(fold(c.key), "") for c in plan.changes}
    concerned = {ids[c.seq] for c in plan.changes if c.state not in ("planned", "held")}
    users: dict[str, PhoneUser] = {}
    found, seen = Verified(), set[str]()
    for user in after:
        seen.add(user.id)
        if user.id in concerned:
            users[user.id] = user
        elif user.id not in before:
            found.differences.append(f"{user.user} ({user.id}) is there, and no change made them")
        elif before[user.id] != _digest(user):
            found.differences.append(f"{user.user} ({user.id}) is changed, and no change is theirs")
    for gone in sorted(before.keys() - seen - concerned):
        found.differences.append(f"{gone} is gone, and no change took them away")
    begun = set(begun_by(done))
    for change in done:
        _look(change, users.get(ids[change.seq]), abilities, begun, found)
    return found


def _look(
    change: Change, user: PhoneUser | None, abilities: Abilities, begun: set[str], found: Verified
) -> None:
    standing = standing_of(change, user, abilities, begun=fold(change.key) in begun)
    if standing == "unknown":
        found.unreadable += 1
    elif standing != "after":
        found.differences.append(
            f"{change.seq} {change.kind} {change.user} is done, and a read doesn't show it"
        )
