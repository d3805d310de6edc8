"""Protected people as the store knows them: in plans that are made, and in those that are applied.

Planning blocks what would take from them (plan/protection.py). Apply looks once more: a plan may be
older than the config that protects somebody, or than the promotion that makes them somebody to protect.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from connectors.records import Change, fold
from connectors.scim_filter import parse_filter
from provisioner.config import SyncConfig
from provisioner.joining import People
from provisioner.plan.differences import Differences
from provisioner.plan.protection import known_as, resource_named, resources, takes
from provisioner.store import entries as entry_store
from provisioner.store import people as people_store


def protected_in(
    connection: Connection, sync: SyncConfig, changes: Iterable[Change]
) -> frozenset[int]:
    """Return the seqs of the changes that would take something from protected people."""
    if sync.protected is None:
        return frozenset()
    filter = parse_filter(sync.protected, sync.people)
    taking = [c for c in changes if takes(c.kind, c.before, c.after)]
    keys = _keys_of(connection, sync.name, taking)
    known = entry_store.known_entries(connection, sync.name, set(keys.values()), gone=True)
    directories = [directory.name for directory in sync.directories]
    found: set[int] = set()
    for change in taking:
        person = known_as(known.get(keys[change.seq], []), directories)
        said = resources([person], resource_named(change.user, change.key))
        if any(filter.matches(resource) for resource in said):
            found.add(change.seq)
    return frozenset(found)


def delegators_of_leavers(
    connection: Connection, sync: str, differences: Differences, people: People
) -> dict[str, str]:
    """Return the folded keys of those who have a leaver as a delegate, by their phone user's id."""
    users = [
        user
        for case in differences.cases
        if case.standing != "in_scope" and case.actual is not None and case.actual.email
        for user in differences.delegators_of.get(fold(case.actual.email), ())
    ]
    matched = {user.id: people.key_by_mail.get(fold(user.email or "")) for user in users}
    found = {id: key for id, key in matched.items() if key is not None}
    return found | people_store.bound_to(connection, sync, matched)


def _keys_of(connection: Connection, sync: str, changes: Iterable[Change]) -> dict[int, str]:
    """Return the person's folded key of each change, by seq: a change may have the phone user's own."""
    keys = {change.seq: fold(change.key) for change in changes}
    bound = {b.key for b in people_store.bound_some(connection, sync, keys.values())}
    others = {c.id for c in changes if c.id is not None and keys[c.seq] not in bound}
    theirs = people_store.bound_to(connection, sync, others)
    return keys | {c.seq: theirs[c.id] for c in changes if c.id in theirs}
