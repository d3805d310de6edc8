"""What the store remembers of one sync, copied into a store of the rehearsal's own.

The copy has what apply goes by: the plan and whatever newer ones there are, changes that are still
open, decisions, bindings, last applied values. There everything is approved that nobody has rejected;
what a limit holds stays held.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, Connection, Engine, Table, insert, or_, select

from provisioner.config import SyncConfig
from provisioner.plan.model import Plan
from provisioner.store import decisions as decision_store
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store import tables
from provisioner.store.database import reading

APPROVERS = ("rehearsal", "rehearsal, a second time")
"""Who approves in the copy: two, because some changes need as many."""

_FOR_AN_HOUR = timedelta(hours=1)
_AT_ONCE = 5_000
_OF_A_SYNC = (
    tables.syncs,
    tables.bindings,
    tables.applied,
    tables.decisions,
    tables.refusals,
    tables.parked,
)


def copy_sync(source: Engine, target: Engine, sync: SyncConfig, plan: str) -> None:
    """Copy what apply of a recorded plan goes by into `target`, an empty store."""
    plans, changes = tables.plans, tables.changes
    with reading(source) as old, target.begin() as new:
        for table in _OF_A_SYNC:
            _copy(old, new, table, table.c.sync == sync.name)
        if sync.protected is not None:
            _copy(old, new, tables.entries, tables.entries.c.sync == sync.name)
        unfinished = (changes.c.sync == sync.name) & changes.c.state.in_(("sent", "settling"))
        open_ones = select(changes.c.plan).where(unfinished)
        due = or_(plans.c.id >= int(plan), plans.c.id.in_(open_ones))
        _copy(old, new, plans, (plans.c.sync == sync.name) & due)
        numbers = select(plans.c.id).where((plans.c.sync == sync.name) & due)
        _copy(old, new, changes, changes.c.plan.in_(numbers))


def _copy(old: Connection, new: Connection, table: Table, where: ColumnElement[bool]) -> None:
    rows: Iterator[dict[str, object]] = (
        dict(row._mapping)
        for row in old.execute(select(table).where(where).execution_options(yield_per=_AT_ONCE))
    )
    while batch := list(islice(rows, _AT_ONCE)):
        new.execute(insert(table), batch)


def approve_all(engine: Engine, plan_id: str, sync: SyncConfig, now: datetime) -> Plan:
    """Adopt the sync in the copy, approve what nobody has rejected, and return the plan."""
    with engine.begin() as connection:
        plan = plan_store.load(connection, plan_id)
        if not decision_store.is_adopted(connection, plan.sync):
            decision_store.adopt(connection, plan.sync, APPROVERS[0], now)
            people_store.confirm(connection, plan.sync)
        second = sync.approval.second
        decided = decision_store.live_decisions(connection, plan, now, second)
        chosen = {c.seq for c in plan.changes if decided.get(c.seq) != "rejected"}
        for by in APPROVERS if chosen else ():
            decision_store.decide(
                connection, plan, "approved", by, now, _FOR_AN_HOUR, seqs=chosen, second=second
            )
        return plan_store.load(connection, plan_id)
