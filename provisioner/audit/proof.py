"""Proving the audit of a store: the chain, the record of its end, and what else the store knows of.

All of it is read in one consistent state, an entry at a time, while others go on writing.
"""

from __future__ import annotations

import json

from sqlalchemy import Connection, func, select

from provisioner.audit.walk import Broken, Walked, missing, stored
from provisioner.store import audit as audit_store
from provisioner.store.tables import audit, plans, runs

BEGAN = "audit.began"
"""The entry in a store that is older than its audit: which plan and run came before."""


def prove(connection: Connection, sought: str | None = None) -> Walked:
    """Walk the whole chain and return what it came by. Raises Broken for the first thing amiss."""
    walked = Walked(next_id=1, sought=sought)
    walked.over(stored(audit_store.rows(connection)))
    _end(connection, walked)
    _newest(connection)
    return walked


def _end(connection: Connection, walked: Walked) -> None:
    """Hold the last entry against the record of the chain's end."""
    head = audit_store.head(connection)
    last = walked.last.id if walked.last else 0
    if head is None:
        if walked.last:
            raise Broken("the record of where the chain ends is missing")
        return
    if head.entries > last:
        raise Broken(f"the end is cut off: {missing(last + 1, head.entries)}")
    if head.entries < last:
        raise Broken(f"entry {head.entries + 1} and what follows stand after the chain's end")
    if walked.last and head.hash != walked.last.hash:
        raise Broken(f"entry {last} is not the one that was written last")


def _newest(connection: Connection) -> None:
    """Look for the newest plan and run of the store in the audit: an end cut off takes them along."""
    plan = connection.execute(select(func.max(plans.c.id))).scalar()
    newest = select(runs.c.id).order_by(runs.c.started_at.desc()).limit(1)
    run = connection.execute(newest).scalar()
    began = connection.execute(select(audit.c.detail).where(audit.c.kind == BEGAN)).scalar()
    before = json.loads(began) if began else {}
    made = select(audit.c.id).where(audit.c.kind == "plan.made", audit.c.plan == plan)
    if plan != before.get("last_plan") and not connection.execute(made.limit(1)).first():
        raise Broken(f"plan {plan} is in the store, and no entry says that it was made")
    started = select(audit.c.id).where(audit.c.run == run).limit(1)
    if run != before.get("last_run") and not connection.execute(started).first():
        raise Broken(f"run {run} is in the store, and no entry says that it began")
