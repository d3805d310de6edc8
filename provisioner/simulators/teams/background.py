"""What goes on by itself: groups' licenses for their members, and orders for numbers.

It is caught up with before every request, by the tenant's clock: so nothing happens while nobody
looks, and a test that moves the clock sees it all done.
"""

from __future__ import annotations

import json
import sqlite3

from . import orders
from .account import Tenant
from .holdings import NONE, Held, held, replace, seats_left
from .license_rules import violations


def catch_up(tenant: Tenant) -> None:
    """Do everything that has become due."""
    state, now = tenant.state, tenant.now_s()
    with state.transaction():
        due = state.rows("SELECT * FROM groups WHERE due <= ? ORDER BY due, seq", now)
        for group in due:
            process_group(tenant, group, now)
        orders.carry_out_due(tenant, now)


def process_group(tenant: Tenant, group: sqlite3.Row, now: float) -> None:
    """Work out the group's licenses for everybody who is or was in it."""
    state = tenant.state
    members = state.rows(
        "SELECT m.member FROM members m JOIN users u ON u.id = m.member"
        " WHERE m.group_id = ? AND u.deleted IS NULL ORDER BY u.seq",
        group["id"],
    )
    inside = {row["member"] for row in members}
    former = state.rows("SELECT DISTINCT user FROM licenses WHERE source = ?", group["id"])
    for row in former:
        if row["user"] not in inside:
            process_member(tenant, group, row["user"], now, member=False)
    for row in members:
        process_member(tenant, group, row["member"], now, member=True)
    state.run("UPDATE groups SET due = NULL WHERE id = ?", group["id"])


def process_member(
    tenant: Tenant, group: sqlite3.Row, user: str, now: float, *, member: bool
) -> None:
    """Give one member all of the group's products, or none of them, with the reason on each."""
    state = tenant.state
    rows = held(state, user)
    others = [each for each in rows if each.source != group["id"]]
    own = {each.sku: each for each in rows if each.source == group["id"]}
    wanted = [
        Held(
            entry["skuId"],
            group["id"],
            frozenset(entry["disabledPlans"]),
            NONE,
            own[entry["skuId"]].since if entry["skuId"] in own else now,
        )
        for entry in (json.loads(group["licenses"]) if member else ())
    ]
    errors = _errors(tenant, user, wanted, rows)
    if errors:
        wanted = [each._replace(error=errors.get(each.sku, "Other")) for each in wanted]
    replace(state, user, sorted([*others, *wanted], key=lambda e: (e.sku, e.source)), now)


def _errors(tenant: Tenant, user: str, wanted: list[Held], rows: list[Held]) -> dict[str, str]:
    """Return why products of a group can't be given, by product; empty where all can.

    An add-on's prerequisite must be in the same group; whoever has no usage location gets the tenant's.
    """
    state = tenant.state
    active = {each.sku for each in rows if each.error == NONE}
    props = json.loads(state.value("SELECT props FROM users WHERE id = ?", user))
    location = props.get("usageLocation") or tenant.options.tenant_location
    errors: dict[str, str] = {
        broken.sku: broken.kind for broken in violations(tenant, wanted, location)
    }
    conflicts = (
        broken
        for broken in violations(tenant, [*rows, *wanted], location)
        if broken.kind == "MutuallyExclusiveViolation"
    )
    for broken in conflicts:
        errors.setdefault(broken.sku, broken.kind)
    for each in wanted:
        if each.sku not in active and not seats_left(state, each.sku):
            errors[each.sku] = "CountViolation"
    return errors
