"""How it stands with each sync: what config says of it, the store remembers, and the scheduler is at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from provisioner.config import SyncConfig
from provisioner.console.kept import Kept
from provisioner.console.rows import (
    DirectoryRow,
    Left,
    Standing,
    SyncRow,
    awaiting,
    awaits,
    by_state,
    in_words,
)
from provisioner.credits import configured
from provisioner.scheduler import View
from provisioner.store import decisions as decision_store
from provisioner.store import figures, quarantine
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.change_pages import Group
from provisioner.store.database import reading
from provisioner.store.newer import left_by_pushes
from provisioner.store.warming import warming
from provisioner.wiring import Site

_NEVER = View(running_since=None, ended_at=None, status=None, next_start=None, late=False)


def sync_rows(
    site: Site,
    names: Sequence[str],
    views: Mapping[str, View],
    groups: Kept[tuple[Group, ...]],
) -> list[SyncRow]:
    """Return how it stands with these syncs, in their order."""
    with reading(site.engine) as connection:
        resting = quarantine.quarantined(connection, names, site.now())
        rests = {each.sync: each for each in resting}
        pushes = figures.waiting_pushes(connection)
        rows = []
        for name in names:
            sync, view = site.config.syncs[name], views.get(name, _NEVER)
            last = figures.last_run(connection, name)
            adopted = decision_store.adoption_of(connection, name)
            row = SyncRow(
                name=name,
                directories=tuple(_directories(connection, sync)),
                phone_system=sync.phone_system.kind,
                schedule=in_words(sync.schedule),
                running_since=view.running_since,
                ended_at=last and last.ended_at,
                status=last and last.status,
                next_start=view.next_start,
                late=view.late,
                quarantine=rests.get(name),
                adopted=adopted,
                pushes=pushes.get(name),
                plan=_newest(site, connection, sync, groups, adopted=adopted is not None),
                credits=configured(sync) is not None,
                left=_left(connection, sync, adopted=adopted is not None),
            )
            rows.append(row)
        return rows


def _directories(connection: Connection, sync: SyncConfig) -> list[DirectoryRow]:
    cold = warming(connection, sync.name, [] if sync.pushed is None else [sync.pushed])
    return [
        DirectoryRow(
            name=each.name,
            kind=each.kind,
            warming=each.name in cold,
            read_at=figures.last_read(connection, sync.name, each.name),
        )
        for each in sync.directories
    ]


def _left(connection: Connection, sync: SyncConfig, *, adopted: bool) -> Left | None:
    """Return what pushes have left to somebody, which no full plan shows yet."""
    left = left_by_pushes(connection, sync.name)
    waits = [(n, c) for n, c in left if awaits(c, sync.approval, adopted=adopted)]
    held = [(n, c) for n, c in left if c.state == "held"]
    numbers = sorted({number for number, _ in (*waits, *held)})
    return Left(tuple(numbers), len(waits), len(held)) if numbers else None


def _newest(
    site: Site,
    connection: Connection,
    sync: SyncConfig,
    groups: Kept[tuple[Group, ...]],
    *,
    adopted: bool,
) -> Standing | None:
    """Return how far the newest full plan of a sync has come."""
    newest = plan_store.newest_full(connection, sync.name)
    if newest is None:
        return None
    number = int(newest)
    counted = groups.of(connection, [number])[number]
    row = run_store.plan_row(
        connection,
        number,
        second={sync.name: sync.approval.second},
        now=site.now(),
        states=lambda _, numbers: {number: by_state(counted) for number in numbers},
    )
    return Standing(
        id=newest,
        created_at=row.created_at,
        states=row.states,
        awaiting=awaiting(counted, sync.approval, adopted=adopted),
        second=row.lacking,
    )
