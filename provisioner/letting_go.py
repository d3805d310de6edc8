"""Letting people and syncs go from quarantine, before their time is over."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from connectors.errors import RunError
from connectors.records import fold
from provisioner import who
from provisioner.plan.document import instant
from provisioner.report.figures import visible
from provisioner.store import quarantine as quarantine_store
from provisioner.store.audit import Entry, append
from provisioner.store.quarantine import Parked, Quarantined
from provisioner.wiring import Site


class NotParked(RunError):
    """Nobody in quarantine is called so."""


def release(
    site: Site, syncs: Sequence[str], users: Sequence[str] = (), by: str | None = None
) -> list[str]:
    """Let these people (mails or keys) of these syncs go, and return lines that tell who went.

    Without `users`: everybody, and the syncs themselves. `by` does it, the login name if None. Raises
    NotParked for a name that is nobody's there.
    """
    by = who.named(by)
    with site.engine.begin() as connection:
        people = quarantine_store.parked_people(connection, syncs, site.now())
        chosen = _named(people, users) if users else people
        for name in syncs:
            keys = [one.key for one in chosen if one.sync == name]
            quarantine_store.free(connection, name, keys)
        slowed = [] if users else quarantine_store.quarantined(connection, syncs, site.now())
        for each in slowed:
            quarantine_store.let_go(connection, each.sync)
        append(connection, _released(chosen, slowed, by), site.now())
    told = [
        f"{visible(one.user)} (sync {one.sync}) is tried again by the next run" for one in chosen
    ]
    told += [f"sync {each.sync} runs again at its next moment" for each in slowed]
    return told or ["nobody is in quarantine"]


def _released(people: Sequence[Parked], slowed: Sequence[Quarantined], by: str) -> Iterator[Entry]:
    """Yield what the audit says of a release, a sync at a time."""
    resting = {each.sync for each in slowed}
    for name in sorted(resting | {one.sync for one in people}):
        keys = [one.key for one in people if one.sync == name]
        detail = {"people": keys, "sync": name in resting, "by": by}
        yield Entry(kind="quarantine.released", sync=name, detail=detail)


def rest_document(each: Parked | Quarantined) -> dict[str, Any]:
    """Return somebody in quarantine, or a sync, as JSON."""
    return each._asdict() | {"since": instant(each.since), "until": instant(each.until)}


def _named(people: Sequence[Parked], users: Collection[str]) -> list[Parked]:
    """Return who is meant by these mails or keys. Raises NotParked for a name that is nobody's here."""
    names = {fold(name): name for one in people for name in (one.user, one.key)}
    for user in users:
        if fold(user) not in names:
            near = [names[name] for name in get_close_matches(fold(user), names, n=3)]
            raise NotParked(
                f"{user!r} is not in quarantine",
                remedy=f"did you mean {' or '.join(near)}?"
                if near
                else "`provisioner quarantine list` names everybody who is",
            )
    wanted = set(map(fold, users))
    return [one for one in people if not wanted.isdisjoint((fold(one.user), one.key))]
