"""People who are called by another key now: who was bound stays bound.

An identity provider may give somebody another externalId (Microsoft Entra's default is the mailNickname, which changes
when people marry). It is the same resource of our receiver, so it is the same person: whoever had a phone
by the old key has it by the new one, or a rename would be a leaver and a joiner.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from connectors.records import Person, fold
from provisioner.scim.pushed import Marked, Pushed
from provisioner.store import entries as entry_store
from provisioner.store import people as people_store
from provisioner.store import scim_dirty
from provisioner.store.audit import Entry, append
from provisioner.store.database import reading
from provisioner.wiring import Site, Wired


def keep_bound(site: Site, wired: Wired) -> None:
    """Bind everybody by the key that they have now, as far as their marks tell what they had before."""
    for pushed in wired.directories:
        if not isinstance(pushed, Pushed):
            continue
        with reading(site.engine) as connection:
            marked = scim_dirty.renamed(connection, wired.sync.name)
        if marked:
            there = list(pushed.read_some(marked))
            bind_anew(site, wired, pushed, keys_of(pushed, marked), there)


def keys_of(pushed: Pushed, marked: Collection[Marked]) -> dict[str, frozenset[str]]:
    """Return by what folded keys each of the marked is, or was, known, by the resource's id."""
    known_by: dict[str, set[str]] = {}
    for each in marked:
        known_by.setdefault(each[0], set()).update(map(fold, pushed.keys_of([each])))
    return {id: frozenset(keys) for id, keys in known_by.items()}


def bind_anew(
    site: Site,
    wired: Wired,
    pushed: Pushed,
    known_by: Mapping[str, Collection[str]],
    there: Collection[Person],
) -> None:
    """Bind by their present key who is bound by an earlier one; `there` are the marked, as they are now.

    Not who has a phone user by the new key too, and not by a key that is anybody's still: that of
    somebody else who was pushed, or of somebody in another directory.
    """
    present = {person.where: fold(person.key) for person in there}
    taken = set(present.values())
    moved = {
        old: present[id]
        for id, keys in known_by.items()
        if id in present
        for old in keys
        if old not in taken
    }
    if not moved:
        return
    with reading(site.engine) as connection:
        believed = _believed(connection, wired, pushed.name, moved)
    if not believed:
        return
    now, sync = site.now(), wired.sync.name
    with site.engine.begin() as connection:
        for old, (new, phone_id) in believed.items():
            people_store.rebind(connection, sync, old, new)
            said = {"before": old, "after": new, "id": phone_id}
            append(connection, [Entry(kind="person.rekeyed", sync=sync, detail=said)], now)


def _believed(
    connection: Connection, wired: Wired, pushed: str, moved: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Return of the moved whom a phone user is bound to by the old key alone: the new key, and its id."""
    sync = wired.sync.name
    bound = {b.key: b.phone_id for b in people_store.bound_some(connection, sync, moved)}
    own = {b.key for b in people_store.bound_some(connection, sync, moved.values())}
    known = entry_store.known_entries(connection, sync, bound) if len(wired.directories) > 1 else {}
    found: dict[str, tuple[str, str]] = {}
    for old in sorted(bound):
        elsewhere = any(name != pushed for name, _ in known.get(old, ()))
        if moved[old] not in own and not elsewhere:
            found[old] = moved[old], bound[old]
            own.add(moved[old])
    return found
