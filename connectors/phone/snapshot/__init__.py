"""A phone system in a file: JSON lines as `provisioner inventory` writes them.

It is planned against and applied to like any other, and keeps Zoom's rules and limits; so a plan
can be tried, rehearsed and measured with no account and no network. All changes given together are
one call: one rewrite of the file, which a crash leaves either old or new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields, validate

from connectors.credits import CreditsConfig
from connectors.phone.snapshot.account import Account, Mark, seats
from connectors.phone.snapshot.entitlements import MAX_DELEGATES
from connectors.phone.snapshot.lines import (
    CatalogLine,
    Rewrite,
    encode,
    read_catalog,
    read_users,
    with_site,
)
from connectors.phone.snapshot.steps import KINDS, PENDING, Steps
from connectors.records import (
    Abilities,
    Call,
    Catalog,
    Change,
    Outcome,
    Outside,
    PhoneUser,
    Seats,
    fold,
)

ABILITIES = Abilities(
    kinds=KINDS,
    joiner="user.create",
    pending=PENDING,
    max_delegates=MAX_DELEGATES,
    max_delegators=MAX_DELEGATES,
    delegation_needs_package=True,
    license_takes=frozenset({"packages", "numbers", "delegates", "credits"}),
    last_package_takes=frozenset({"numbers"}),
    deactivation_takes=frozenset({"license", "packages", "numbers", "delegates", "credits"}),
    places={"room": KINDS - {"template.apply"}, "common_area": KINDS},  # no template, as at Zoom
)


class Config(Schema):
    """What config says of a snapshot: the `path` of its file, relative to the config's folder.

    `credits`: its Communications Credits, for rehearsing those of a tenant of Microsoft's.
    """

    path = fields.String(required=True, validate=validate.Length(min=1))
    credits = fields.Nested(CreditsConfig, load_default=None, allow_none=True)


def connect(config: dict[str, Any], outside: Outside) -> Snapshot:
    """Return the phone system in the file that `config` names."""
    return Snapshot(outside.base / config["path"])


class Snapshot:
    """The phone system in the file `path` (the promise `connectors.records.PhoneSystem`)."""

    abilities = ABILITIES

    def __init__(self, path: Path) -> None:
        self.path = path

    def check(self) -> None:
        """Raise a RunError unless the file can be read and its catalog, if any, makes sense."""
        read_catalog(self.path)

    def catalog(self, *, numbers: bool = True) -> Catalog:  # noqa: ARG002 - they stand on the line
        """Return what the first line tells, seats in use counted; without one, no limits."""
        told = read_catalog(self.path)
        if told == CatalogLine():
            return Catalog()
        used: Counter[Mark] = Counter()
        held: set[str] = set()
        for _, user in read_users(self.path):
            used.update(seats(user))
            if user.status != "trashed":
                held.update(user.numbers)
        return Catalog(
            licenses=_seats("licenses", told.licenses, used),
            packages=_seats("packages", told.packages, used),
            templates=None if told.templates is None else tuple(map(with_site, told.templates)),
            sites=told.sites,
            numbers=None
            if told.numbers is None
            else tuple(n for n in map(with_site, told.numbers) if n[0] not in held),
        )

    def read(self, delegators: Iterable[str] = ()) -> Iterator[PhoneUser]:  # noqa: ARG002
        """Yield every phone user in the file's order, delegates always read; see `read_users`."""
        return (user for _, user in read_users(self.path))

    def read_some(self, users: Iterable[PhoneUser]) -> Iterator[PhoneUser]:
        """Yield those of `users` that the file has, found by id, else by mail; in its order."""
        sought = [(user.id, None if user.email is None else fold(user.email)) for user in users]
        ids = {id for id, _ in sought}
        mails = {mail for _, mail in sought if mail is not None}
        found = {
            user.id: user
            for _, user in read_users(self.path)
            if user.id in ids or (user.email is not None and fold(user.email) in mails)
        }
        by_mail = {mail for id, mail in sought if id not in found and mail is not None}
        for id, user in found.items():
            if id in ids or (user.email is not None and fold(user.email) in by_mail):
                yield user

    def calls(self, changes: Iterable[Change]) -> list[Call]:
        """Return one call for everything, each change after those that it needs."""
        ordered = in_order(changes)
        return [Call(f"rewrite {self.path.name}", "", tuple(ordered))] if ordered else []

    def carry_out(self, changes: Iterable[Change]) -> Iterator[Outcome]:
        """Carry changes out in the order given, in one rewrite, then yield an Outcome for each.

        Raises TransientError if somebody else writes the file meanwhile; then nothing was changed.
        """
        given = list(changes)
        if not given:
            return
        with Rewrite(self.path) as rewrite:
            account = Account(read_catalog(self.path), read_users(self.path), given)
            steps = Steps(account)
            outcomes = [steps.carry_out(change) for change in given]
            changed = account.changed()
            if changed or account.added():
                rewrite.finish(
                    {n: None if user is None else encode(user) for n, user in changed.items()},
                    [encode(user) for user in account.added()],
                )
        yield from outcomes


def _seats(
    family: str, told: dict[str, int | None] | None, used: Counter[Mark]
) -> dict[str, Seats] | None:
    if told is None:
        return None
    return {name: Seats(total, used[family, fold(name)]) for name, total in told.items()}


def in_order(changes: Iterable[Change]) -> list[Change]:
    """Return changes by `seq`, but each after those among them that it needs.

    Changes that need each other in a circle keep their order: none can be done, and each says so.
    """
    by_place = dict(enumerate(sorted(changes, key=lambda c: c.seq)))
    places = {c.seq: place for place, c in by_place.items()}
    needs = {
        place: [places[n] for n in c.needs if n in places and places[n] != place]
        for place, c in by_place.items()
    }
    if all(need < place for place, given in needs.items() for need in given):
        return list(by_place.values())
    try:
        return [by_place[place] for place in TopologicalSorter(needs).static_order()]
    except CycleError:
        return list(by_place.values())
