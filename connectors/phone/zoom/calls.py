"""Changes grouped into the fewest of Zoom's calls, in an order in which every need is met first.

Three of Zoom's operations carry several things at once, and what can ride along does: `POST
/phone/users/batch` gives ten people license, extension number, packages, template, site and numbers;
`PUT /phone/users/batch` moves ten people to a site, or activates ten; the PATCHes of a user carry whatever of theirs
changes. Everything else is one call a person, or one a change.

A change belongs to a *unit*, the smallest thing that is sent; units of one shareable kind are
packed into a call: a full one goes at once, the rest is held back until nothing else can go, so that
as much as possible shares. One person's units stand as near each other as that allows, so that
requests of every rate label are under way all the time, and nobody is half done for long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush

import msgspec

from connectors.errors import RunError
from connectors.phone.zoom.capabilities import LICENSED_AGAIN
from connectors.phone.zoom.names import batch_name
from connectors.phone.zoom.place_calls import place_units
from connectors.records import ACTIVATED, Call, Change, fold

ADD_PEOPLE = "POST /phone/users/batch"
CHANGE_PEOPLE = "PUT /phone/users/batch"
CREATE = "POST /users"
UPDATE = "PATCH /users/{userId}"
EMAIL = "PUT /users/{userId}/email"
STATUS = "PUT /users/{userId}/status"
DELETE = "DELETE /users/{userId}"
PHONE = "PATCH /phone/users/{userId}"
ADD_PLANS = "POST /phone/users/{userId}/calling_plans"
SWAP_PLAN = "PUT /phone/users/{userId}/calling_plans"
REMOVE_PLAN = "DELETE /phone/users/{userId}/calling_plans/{planType}"
ADD_NUMBERS = "POST /phone/users/{userId}/phone_numbers"
REMOVE_NUMBER = "DELETE /phone/users/{userId}/phone_numbers/{phoneNumberId}"
ADD_DELEGATE = "POST /phone/users/{userId}/settings/delegation"
SET_PRIVILEGES = "PATCH /phone/users/{userId}/settings/delegation"
REMOVE_DELEGATE = "DELETE /phone/users/{userId}/settings/delegation"

LABELS = {
    ADD_PEOPLE: "phone.medium",
    CREATE: "users.light",
    UPDATE: "users.light",
    EMAIL: "users.light",
    STATUS: "users.light",
    DELETE: "users.light",
}
"""The rate label of each operation; those that aren't here are phone.light."""

SHARED = frozenset({ADD_PEOPLE, CHANGE_PEOPLE})
PEOPLE_A_CALL, NUMBERS_A_CALL, PLANS_A_CALL = 10, 10, 150
MANUAL = frozenset({"user.trash", "user.restore", "welcome.resend"})
"""What only a person can do, in the web portal: no call carries it."""

ALONE = {
    "user.activate": STATUS,
    "user.deactivate": STATUS,
    "user.delete": DELETE,
    "license.remove": UPDATE,
    "package.remove": REMOVE_PLAN,
    "number.release": REMOVE_NUMBER,
    "delegate.add": ADD_DELEGATE,
    "delegate.remove": REMOVE_DELEGATE,
    "delegation.set": SET_PRIVILEGES,
}
"""Kinds of change that are one call each."""

DELEGATIONS = frozenset({"delegate.add", "delegation.set"})
"""What is changed of a delegator together: their phones restart each time."""

JOINER = frozenset({"user.invite", "user.create"})


class Unit(msgspec.Struct, frozen=True):
    """The smallest thing to send: one person's changes, by seq, that one operation carries.

    `shares`: units with the same value (not "") may go in one call. `requests`: how many it takes, 0
    where that follows from the changes.
    """

    what: str
    changes: tuple[Change, ...]
    shares: str = ""
    requests: int = 0

    @property
    def seq(self) -> int:
        return self.changes[0].seq


def group(changes: Iterable[Change]) -> list[Call]:
    """Return the calls that carry out the changes; manual ones take none.

    Every call stands after all calls that it needs, and after those of the same people's earlier
    changes. The same changes give the same calls; a call's own changes give that one call again.

    Raises RunError for a kind of change that no operation of Zoom's carries out.
    """
    people: dict[str, list[Change]] = defaultdict(list)
    for change in sorted(changes, key=_seq):
        if change.kind not in MANUAL:
            people[change.key].append(change)
    units = [unit for own in people.values() for unit in _units(own)]
    return [_call(batch) for batch in _in_order(units)]


def profile(changes: Iterable[Change]) -> dict[str, str | None]:
    """Return the attributes that the `profile.update`s among the changes set."""
    wished: dict[str, str | None] = {}
    for change in changes:
        if change.kind == "profile.update" and isinstance(change.after, dict):
            wished.update(change.after)
    return wished


def _seq(change: Change) -> int:
    return change.seq


def _units(own: list[Change]) -> Iterator[Unit]:
    """Yield one person's changes (by seq) as units."""
    if own[0].user_kind != "person":
        for what, some, requests in place_units(own):
            if not what:
                raise _no_call(some[0])
            yield Unit(what, tuple(some), requests=requests)
        return
    left = list(own)
    yield from _account_units(left)
    yield from _add_units(left)
    yield from _patch_units(left)
    yield from _plan_and_number_units(left)
    for change in left:
        if change.kind not in ALONE:
            raise _no_call(change)
        if (
            change.kind == "user.activate" and change.after == ACTIVATED
        ):  # the phone, not the account
            yield Unit(CHANGE_PEOPLE, (change,), shares=f"{CHANGE_PEOPLE} activate")
        else:
            yield Unit(ALONE[change.kind], (change,))


def _no_call(change: Change) -> RunError:
    return RunError(
        f"Zoom has no call for {change.kind} ({change.user})",
        remedy="this is a fault of the program: a plan must not hold such a change",
    )


def _take(left: list[Change], *kinds: str) -> list[Change]:
    """Move the changes of these kinds from `left` into a list."""
    taken = [change for change in left if change.kind in kinds]
    left[:] = [change for change in left if change.kind not in kinds]
    return taken


def _account_units(left: list[Change]) -> Iterator[Unit]:
    """A new account with its profile, and its license where no extension number must be given.

    An invited user is pending, and gets the license in the plan after they accept.
    """
    created = _take(left, *JOINER)
    if not created:
        return
    with_license = created[0].kind == "user.create" and not _has(left, "extension.set")
    riders = ("profile.update", "license.assign") if with_license else ("profile.update",)
    yield _unit(CREATE, created + _take(left, *riders))


def _add_units(left: list[Change]) -> Iterator[Unit]:
    """A license with an extension number: the batch call, and with it all that may ride along.

    A number needs a package, so it rides only where one does, and none that it waits for comes later.
    """
    if not (_has(left, "license.assign") and _has(left, "extension.set")):
        return
    first = _take(left, "license.assign", "extension.set", "template.apply", "site.set")
    packages = [
        c for c in left if c.kind == "package.assign" and _new(c) and batch_name(str(c.after))
    ]
    riders = packages[:PLANS_A_CALL]
    later = {change.seq for change in left} - {change.seq for change in riders}
    if riders:
        numbers = [c for c in left if c.kind == "number.assign" and _new(c)]
        riders += [c for c in numbers if not later.intersection(c.needs)][:NUMBERS_A_CALL]
    riding = {change.seq for change in riders}
    left[:] = [change for change in left if change.seq not in riding]
    yield _unit(ADD_PEOPLE, first + riders, shares=ADD_PEOPLE)


def _patch_units(left: list[Change]) -> Iterator[Unit]:
    """What the two PATCHes of a user carry; who is only moved to a site shares a call."""
    account = _take(left, "profile.update", "license.assign")
    if account:
        yield _unit(UPDATE, account)
    settings = _take(left, "site.set", "template.apply", "extension.set")
    if [change.kind for change in settings] == ["site.set"]:
        yield _unit(
            CHANGE_PEOPLE, settings, shares=f"{CHANGE_PEOPLE} {fold(str(settings[0].after))}"
        )
    elif settings:
        yield _unit(PHONE, settings)


def _plan_and_number_units(left: list[Change]) -> Iterator[Unit]:
    """New plans and new numbers share one call a person; a swap is a call of its own."""
    for kind, add, swap, most in (
        ("package.assign", ADD_PLANS, SWAP_PLAN, PLANS_A_CALL),
        ("number.assign", ADD_NUMBERS, ADD_NUMBERS, NUMBERS_A_CALL),
    ):
        given = _take(left, kind)
        new = [change for change in given if _new(change)]
        for start in range(0, len(new), most):
            yield _unit(add, new[start : start + most])
        for change in given:
            if not _new(change):
                yield Unit(swap, (change,))


def _unit(what: str, changes: list[Change], shares: str = "") -> Unit:
    return Unit(what, tuple(sorted(changes, key=_seq)), shares)


def _has(changes: list[Change], kind: str) -> bool:
    return any(change.kind == kind for change in changes)


def _new(change: Change) -> bool:
    """Return whether the change gives something in addition, not in exchange."""
    return change.before is None


def _in_order(units: list[Unit]) -> Iterator[list[Unit]]:
    """Yield the units packed into calls, each after all that it needs.

    Units that were made of several changes may need each other in a circle although their changes
    don't (a rider waits for somebody who waits for the unit): those are taken apart again.
    """
    together = True
    while units:
        order = _Order(units, together=together)
        yield from order.run()
        stuck, core = order.stuck(), order.circles()
        if together:  # what waits for another one's delegation can't keep its own together
            units, together = stuck, False
            continue
        if stuck and not any(len(unit.changes) > 1 for unit in core):
            names = ", ".join(f"{unit.changes[0].kind} {unit.changes[0].user}" for unit in core[:5])
            raise RunError(
                f"changes need each other in a circle: {names}",
                remedy="this is a fault of the program: a plan must not hold such changes",
            )
        apart = [single for unit in core for c in unit.changes for single in _units([c])]
        in_core = set(map(id, core))
        units = [unit for unit in stuck if id(unit) not in in_core] + apart


def _needs_of_delegations(units: Iterable[Unit]) -> dict[str, set[int]]:
    """Return, by delegator's key, what any of their new delegations needs: all of them wait for it.

    Desk phones restart on each of them, so they go one right after the other.
    """
    needs: dict[str, set[int]] = defaultdict(set)
    for unit in units:
        for change in unit.changes:
            if change.kind in DELEGATIONS:
                needs[change.key].update(change.needs)
    return needs


class _Order:
    """Kahn's ordering of units, in which shareable ones wait until nothing else can go."""

    def __init__(self, units: list[Unit], *, together: bool) -> None:
        self._together_with = _needs_of_delegations(units) if together else {}
        self.units = sorted(units, key=lambda unit: unit.seq)
        self.after: dict[int, set[int]] = {n: set() for n in range(len(self.units))}
        self.waits_for = [0] * len(self.units)
        self._done: set[int] = set()
        self._left = defaultdict[str, int](int)  # units not yet sent, by what they share
        first: dict[str, int] = {}
        for unit in self.units:
            first.setdefault(unit.changes[0].key, unit.seq)
        self._rank = [first[unit.changes[0].key] for unit in self.units]  # whoever came first
        self._connect()

    def _connect(self) -> None:
        unit_of = {c.seq: n for n, unit in enumerate(self.units) for c in unit.changes}
        last: dict[str, int] = {}
        for n, unit in enumerate(self.units):
            self._left[unit.shares] += 1
            key = unit.changes[0].key
            needs = {seq for c in unit.changes for seq in c.needs}
            if unit.changes[0].kind in DELEGATIONS:
                needs |= self._together_with.get(key, set())
            before = {unit_of[seq] for seq in needs if seq in unit_of}
            if key in last:
                before.add(last[key])  # one person's units go in their order
            last[key] = n
            for earlier in before - {n}:
                self.after[earlier].add(n)
                self.waits_for[n] += 1

    def run(self) -> Iterator[list[Unit]]:
        """Yield the calls' units as long as any is ready."""
        ready = [(self._rank[n], n) for n, count in enumerate(self.waits_for) if count == 0]
        heapify(ready)
        shared: dict[str, list[int]] = defaultdict(list)
        while ready or shared:
            while ready:
                _, n = heappop(ready)
                if kind := self.units[n].shares:
                    shared[kind].append(n)
                    if len(shared[kind]) == PEOPLE_A_CALL:
                        yield self._together(shared.pop(kind), ready)
                else:
                    yield [self.units[n]]
                    self._finish(n, ready)
            if shared:
                yield from self._send_shared(shared, ready)

    def _send_shared(
        self, shared: dict[str, list[int]], ready: list[tuple[int, int]]
    ) -> Iterator[list[Unit]]:
        """Send one kind that is not a full call: one of which no more will come, if there is any."""
        kind = min(shared, key=lambda k: (len(shared[k]) < self._left[k], shared[k][0]))
        yield self._together(shared.pop(kind), ready)

    def _together(self, some: list[int], ready: list[tuple[int, int]]) -> list[Unit]:
        for n in some:
            self._finish(n, ready)
        return [self.units[n] for n in sorted(some)]

    def _finish(self, n: int, ready: list[tuple[int, int]]) -> None:
        self._done.add(n)
        self._left[self.units[n].shares] -= 1
        for later in self.after[n]:
            self.waits_for[later] -= 1
            if self.waits_for[later] == 0:
                heappush(ready, (self._rank[later], later))

    def stuck(self) -> list[Unit]:
        """Return the units that never became ready."""
        return [unit for n, unit in enumerate(self.units) if n not in self._done]

    def circles(self) -> list[Unit]:
        """Return the stuck units without those that only wait for a circle."""
        core = {n for n in range(len(self.units)) if n not in self._done}
        while loose := {n for n in core if not self.after[n] & core}:
            core -= loose
        return [self.units[n] for n in sorted(core)]


def _call(units: list[Unit]) -> Call:
    changes = tuple(sorted((c for unit in units for c in unit.changes), key=_seq))
    what, requests = units[0].what, units[0].requests or 1
    wished = profile(changes)
    if what == CREATE:
        requests += bool(wished.keys() - {"display_name", "email"})
    elif what == UPDATE and "email" in wished:
        alone = len(changes) == 1 and len(wished) == 1
        what, requests = (EMAIL, 1) if alone else (UPDATE, 2)
    elif what == STATUS:
        requests += sum(LICENSED_AGAIN in change.consequences for change in changes)
    elif what == ADD_NUMBERS:
        requests += sum(not _new(change) for change in changes)
    label = LABELS.get(what, "phone.light")
    if changes[0].kind == "user.invite":
        label = "users.create"
    return Call(what, label, changes, requests)
