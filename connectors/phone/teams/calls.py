"""Changes grouped into the fewest requests, in an order in which every need is met first.

What writes to the directory rides in a `$batch` of twenty people: profiles, then licenses, all of one
person's licenses in one `assignLicense`. A batch's requests run side by side, so nothing in it may need
another of it: a claim that lives on a release goes with a later batch. Policies are assigned for many
people at once; a telephone number is an order of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from connectors.errors import RunError
from connectors.phone.teams import licensing
from connectors.records import Call, Change

CREATE = "POST /users"
ACCOUNTS = "PATCH /users/{id} (accountEnabled)"
RESTORE = "POST /directory/deletedItems/{id}/restore"
PROFILES = "PATCH /users/{id}"
UNASSIGN = "POST /admin/teams/…/unassignNumber"
LICENSES = "POST /users/{id}/assignLicense"
POLICIES = "POST /admin/teams/policy/userAssignments/assign"
ASSIGN = "POST /admin/teams/…/assignNumber"
PLACE = "POST /admin/teams/…/updateNumber"
BLOCK = "PATCH /users/{id} (accountEnabled false)"
DELETE = "DELETE /users/{id}"
PURGE = "DELETE /users/{id}, /directory/deletedItems/{id}"

STAGES = (
    RESTORE,
    CREATE,
    ACCOUNTS,
    PROFILES,
    UNASSIGN,
    LICENSES,
    POLICIES,
    ASSIGN,
    PLACE,
    BLOCK,
    DELETE,
    PURGE,
)
"""The operations in the order in which they are sent, as far as needs leave a choice: usage locations
stand in profiles, so all of those are over before the first license leaves."""

OF_KIND = {
    "user.restore": RESTORE,
    "user.create": CREATE,
    "user.activate": ACCOUNTS,
    "profile.update": PROFILES,
    "number.release": UNASSIGN,
    "template.apply": POLICIES,
    "number.assign": ASSIGN,
    "emergency.set": PLACE,
    "user.deactivate": BLOCK,
    "user.trash": DELETE,
    "user.delete": PURGE,
} | dict.fromkeys(licensing.KINDS, LICENSES)
ALONE = frozenset({UNASSIGN, ASSIGN, PLACE})
TEAMS = frozenset({UNASSIGN, ASSIGN, PLACE, POLICIES})
PEOPLE_A_CALL = 20
MANUAL = frozenset({"delegate.add", "delegate.remove", "delegation.set"})


class Unit(msgspec.Struct, frozen=True):
    """One person's changes, by seq, that one operation carries."""

    what: str
    changes: tuple[Change, ...]

    @property
    def rank(self) -> tuple[int, int]:
        """Where it stands if no need decides."""
        return STAGES.index(self.what), self.changes[0].seq


def group(changes: Iterable[Change]) -> list[Call]:
    """Return the calls that carry out the changes; manual ones take none.

    Every call stands after all calls that it needs. The same changes give the same calls; a call's own
    changes give that one call again.

    Raises RunError for a kind of change that no operation carries out.
    """
    people: dict[str, list[Change]] = defaultdict(list)
    for change in sorted(changes, key=_seq):
        if change.kind not in MANUAL:
            people[change.key].append(change)
    units = [unit for own in people.values() for unit in _units(own)]
    return [_call(some) for some in _in_order(units)]


def _seq(change: Change) -> int:
    return change.seq


def _units(own: list[Change]) -> Iterator[Unit]:
    by_operation: dict[str, list[Change]] = defaultdict(list)
    numbers = sum(change.kind == "number.assign" for change in own)
    for change in own:
        what = OF_KIND.get(change.kind)
        if what is None:
            raise RunError(
                f"Microsoft Graph has no call for {change.kind} ({change.user})",
                remedy="this is a fault of the program: a plan must not hold such a change",
            )
        if what == PLACE and numbers == 1:  # the order for a number says where it is
            what = ASSIGN
        by_operation[what].append(change)
    for what, some in by_operation.items():
        if what in ALONE and not (what == ASSIGN and numbers == 1):
            yield from (Unit(what, (change,)) for change in some)
        else:
            yield Unit(what, tuple(some))


def _in_order(units: list[Unit]) -> Iterator[list[Unit]]:
    """Yield the units packed into calls, each after all that it needs.

    Licenses of several people may need each other in a circle although their changes don't: then those
    are taken apart.
    """
    while units:
        ordering = _Order(units)
        yield from ordering.run()
        left = ordering.left()
        if left and not any(len(unit.changes) > 1 for unit in left):
            names = ", ".join(f"{u.changes[0].kind} {u.changes[0].user}" for u in left[:5])
            raise RunError(
                f"changes need each other in a circle: {names}",
                remedy="this is a fault of the program: a plan must not hold such changes",
            )
        units = [Unit(unit.what, (change,)) for unit in left for change in unit.changes]


class _Order:
    """Kahn's ordering, the earliest stage first, all of a stage that are ready together."""

    def __init__(self, units: list[Unit]) -> None:
        self._units = sorted(units, key=lambda unit: unit.rank)
        of = {c.seq: n for n, unit in enumerate(self._units) for c in unit.changes}
        self._waits: list[set[int]] = []
        last: dict[str, int] = {}
        for n, unit in enumerate(self._units):
            before = {of[seq] for c in unit.changes for seq in c.needs if seq in of} - {n}
            key = unit.changes[0].key
            if key in last:
                before.add(last[key])  # one person's operations go in their order
            last[key] = n
            self._waits.append(before)
        self._after: list[list[int]] = [[] for _ in self._units]
        for n, before in enumerate(self._waits):
            for each in before:
                self._after[each].append(n)
        self._open = set(range(len(self._units)))

    def run(self) -> Iterator[list[Unit]]:
        """Yield the calls' units as long as any is ready."""
        ready = sorted(n for n in self._open if not self._waits[n])
        while ready:
            what = self._units[ready[0]].what
            some = [n for n in ready if self._units[n].what == what]
            ready = [n for n in ready if self._units[n].what != what]
            size = 1 if what in ALONE else PEOPLE_A_CALL
            for start in range(0, len(some), size):
                yield [self._units[n] for n in some[start : start + size]]
            for n in some:
                self._open.discard(n)
                for later in self._after[n]:
                    self._waits[later].discard(n)
                    if not self._waits[later]:
                        ready.append(later)
            ready.sort()

    def left(self) -> list[Unit]:
        """Return the units that never became ready."""
        return [self._units[n] for n in sorted(self._open)]


def _call(units: list[Unit]) -> Call:
    what = units[0].what
    changes = tuple(sorted((c for unit in units for c in unit.changes), key=_seq))
    label = "teams.write" if what in TEAMS else "directory.write"
    behind = PROFILES if what == LICENSES else ""
    return Call(what, label, changes, requests=2 if what == PURGE else 1, behind=behind)
