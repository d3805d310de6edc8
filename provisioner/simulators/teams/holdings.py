"""Who holds which product, directly (source "") or from a group (the group's id), and what follows.

A seat is taken once however often a user has the product. What a user can do in Teams follows from
the enabled service plans: without a calling plan, calling-plan numbers go; without Teams Phone,
operators' numbers too, while a direct-routing number stays until somebody takes it.
Source: Microsoft Teams, "Licensing changes and phone numbers".
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .skus import CALLING, CONFERENCING, PHONE, TEAMS, Product
from .state import State

NONE = "None"
PLENTY = 100_000
"""Seats that a product shows whose seats are not counted."""

FEATURES = {
    "Teams": TEAMS,
    "PhoneSystem": PHONE,
    "CallingPlan": CALLING,
    "AudioConferencing": CONFERENCING,
}
LICENSE_FIELDS = (
    "assignedLicenses",
    "assignedPlans",
    "licenseAssignmentStates",
    "provisionedPlans",
)


class Held(NamedTuple):
    """One product that a user has, from one source: "" or a group's id; `error` "None" if all is well."""

    sku: str
    source: str
    disabled: frozenset[str]
    error: str
    since: float


def assigned(rows: Iterable[Held]) -> dict[str, frozenset[str]]:
    """Return the products that a user has, from wherever, with the plans that are off in each.

    A plan is off only where every source of the product has it off.
    """
    disabled: dict[str, frozenset[str]] = {}
    for each in rows:
        if each.error == NONE:
            disabled[each.sku] = disabled.get(each.sku, each.disabled) & each.disabled
    return disabled


def held(state: State, user: str) -> list[Held]:
    """Return everything that a user has, errors included."""
    rows = state.rows("SELECT * FROM licenses WHERE user = ? ORDER BY sku, source", user)
    return [_held(row) for row in rows]


def held_by(state: State, users: Iterable[str]) -> dict[str, list[Held]]:
    """Return what many users have."""
    found: dict[str, list[Held]] = {user: [] for user in users}
    rows = state.rows(
        "SELECT * FROM licenses WHERE user IN (SELECT value FROM json_each(?)) ORDER BY sku, source",
        json.dumps(list(found)),
    )
    for row in rows:
        found[row["user"]].append(_held(row))
    return found


def _held(row: sqlite3.Row) -> Held:
    disabled = frozenset(json.loads(row["disabled"])) if row["disabled"] != "[]" else frozenset()
    return Held(row["sku"], row["source"], disabled, row["error"], row["since"])


def product(state: State, sku: str) -> Product | None:
    """Return the product of that GUID that the tenant subscribes to, or None."""
    row = state.row("SELECT * FROM skus WHERE id = ?", sku.lower())
    return None if row is None else product_of(row)


def product_of(row: sqlite3.Row) -> Product:
    """Return the product of a row of `skus`."""
    return Product(
        row["id"], row["part"], row["name"], row["role"], tuple(json.loads(row["plans"]))
    )


def seats_left(state: State, sku: str) -> bool:
    """Return whether a seat of the product is free; a suspended one has none."""
    row = state.row("SELECT * FROM skus WHERE id = ?", sku)
    if row is None:
        return False
    total = PLENTY if row["enabled"] is None else row["enabled"]
    return bool(row["consumed"] < total + row["warning"])


def products(state: State) -> dict[str, Product]:
    """Return every product that the tenant subscribes to, by GUID."""
    return {row["id"]: product_of(row) for row in state.rows("SELECT * FROM skus")}


def plans_of(known: Mapping[str, Product], rows: Iterable[Held]) -> set[str]:
    """Return the enabled service plans of holdings, given the tenant's products."""
    found: set[str] = set()
    for each in rows:
        own = known.get(each.sku) if each.error == NONE else None
        if own is not None:
            found |= set(own.plans) - each.disabled
    return found


def features_of(plans: set[str]) -> set[str]:
    """Return what the service plans allow in Teams."""
    return {name for name, any_of in FEATURES.items() if any_of & plans}


def replace(state: State, user: str, rows: Iterable[Held], now: float) -> None:
    """Let a user have exactly these, whatever the seats say; see to all that follows.

    Callers check the rules before.
    """
    before, after = held(state, user), list(rows)
    if before == after:
        return
    old = {(each.sku, each.source): each for each in before}
    new = {(each.sku, each.source): each for each in after}
    for sku, source in old.keys() - new.keys():
        state.run(
            "DELETE FROM licenses WHERE user = ? AND sku = ? AND source = ?", user, sku, source
        )
    state.run_many(
        "INSERT OR REPLACE INTO licenses (user, sku, source, disabled, error, since)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (user, e.sku, e.source, json.dumps(sorted(e.disabled)), e.error, e.since)
            for key, e in new.items()
            if old.get(key) != e
        ],
    )
    _count(state, {e.sku for e in before if e.error == NONE}, -1)
    _count(state, {e.sku for e in after if e.error == NONE}, +1)
    known = products(state)
    _follow(state, user, plans_of(known, before), plans_of(known, after), now)
    told = assigned(before) != assigned(after)
    fields = LICENSE_FIELDS if told else ("licenseAssignmentStates",)
    state.changed("user", user, "changed", fields, now)


def _count(state: State, skus: set[str], by: int) -> None:
    state.run_many("UPDATE skus SET consumed = consumed + ? WHERE id = ?", [(by, s) for s in skus])


def _follow(state: State, user: str, before: set[str], after: set[str], now: float) -> None:
    had, has = features_of(before), features_of(after)
    for feature in has - had:
        state.run("INSERT OR REPLACE INTO plans_since VALUES (?, ?, ?)", user, feature, now)
    for feature in had - has:
        state.run("DELETE FROM plans_since WHERE user = ? AND plan = ?", user, feature)
    if "PhoneSystem" in had - has:
        free_numbers(state, user, ("callingPlan", "operatorConnect"))
    elif "CallingPlan" in had - has:
        free_numbers(state, user, ("callingPlan",))


def free_numbers(state: State, user: str, types: tuple[str, ...]) -> None:
    """Take a user's numbers of these types away; enterprise voice goes off with them."""
    freed = state.run(
        "UPDATE numbers SET holder = NULL, category = NULL WHERE holder = ?"
        " AND type IN (SELECT value FROM json_each(?))",
        user,
        json.dumps(types),
    )
    if freed:
        state.run("UPDATE users SET voice = 0 WHERE id = ?", user)


def settled_features(state: State, user: str, now: float, settling_s: float) -> set[str]:
    """Return what Teams knows already that the user may do: a new calling plan only after a while."""
    has = features_of(plans_of(products(state), held(state, user)))
    since = state.value(
        "SELECT since FROM plans_since WHERE user = ? AND plan = 'CallingPlan'", user
    )
    if since is not None and now < since + settling_s:
        has.discard("CallingPlan")
    return has


def prepaid(row: sqlite3.Row) -> dict[str, Any]:
    """Return the units of a product as Graph shows them."""
    enabled = max(PLENTY, row["consumed"]) if row["enabled"] is None else row["enabled"]
    return {
        "enabled": enabled,
        "suspended": row["suspended"],
        "warning": row["warning"],
        "lockedOut": row["locked"],
    }
