"""What apply goes by when it sorts a plan's changes: decisions, limits, and what has happened since."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from provisioner.apply.chosen import Grounds
from provisioner.freeze import freezes
from provisioner.plan.document import instant
from provisioner.plan.model import UNDO, Plan
from provisioner.protecting import protected_in
from provisioner.store import changes as change_store
from provisioner.store import decisions as decision_store
from provisioner.store import quarantine
from provisioner.store.newer import Newer, newer_than, owners_of
from provisioner.wiring import Site


def grounds_of(
    connection: Connection, site: Site, plan: Plan, settling: Collection[str] = ()
) -> Grounds:
    """Return what is known about a recorded plan now; `settling` as in `Grounds`."""
    holds = change_store.held_for(connection, plan)
    if not decision_store.is_adopted(connection, plan.sync):
        return Grounds(adopted=False, holds=holds)
    sync = site.config.syncs[plan.sync]
    approval = sync.approval
    return Grounds(
        decisions=decision_store.live_decisions(connection, plan, site.now(), approval.second),
        automatic=approval.automatic,
        second=approval.second,
        named=approval.approvers is not None,
        holds=holds,
        newer=_newer(connection, plan),
        settling=frozenset(settling),
        freezes=freezes(sync.freeze, site.now()),
        protected=protected_in(connection, sync, plan.changes),
        parked=_parked(connection, plan, site.now()),
    )


def _newer(connection: Connection, plan: Plan) -> Newer:
    newer = newer_than(connection, plan)
    return newer if plan.scope == UNDO else replace(newer, owners=owners_of(connection, plan))


def _parked(connection: Connection, plan: Plan, now: datetime) -> dict[str, str]:
    """Return why people are left alone for a while, by folded key."""
    return {
        one.key: f"parked until {instant(one.until)}, after failing {_times(one.failures)}:"
        f" {one.reason}; `provisioner apply {plan.id}` tries again at once"
        for one in quarantine.parked_people(connection, [plan.sync], now)
    }


def _times(failures: int) -> str:
    return "once" if failures == 1 else f"{failures} times in a row"
