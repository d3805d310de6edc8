"""The tenant as snapshot lines: a catalog line, then every user, the deleted ones as trashed.

It tells everything, group assignments and delegations included; a load of it makes the same tenant.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from .holdings import NONE, Held, held_by, plans_of, products
from .skus import CALLING, CREDITS, PHONE, PLANS, SUITES
from .snapshot import LICENSE, NO_MAIL
from .state import State


def catalog_line(state: State) -> dict[str, Any]:
    """Return the first line: the products and their seats (null: not counted), policies, numbers."""
    licenses: dict[str, int | None] = {}
    packages: dict[str, int | None] = {}
    for row in state.rows("SELECT * FROM skus ORDER BY part, id"):
        plans = set(json.loads(row["plans"]))
        calling = plans & CALLING and row["role"] not in SUITES
        (packages if calling else licenses)[row["name"]] = row["enabled"]
    numbers = state.rows("SELECT number, city FROM numbers ORDER BY number")
    policies = state.rows("SELECT type, name FROM policies ORDER BY type, name")
    return {
        "catalog": {
            "licenses": licenses,
            "packages": packages,
            "templates": [
                row["name"]
                if row["type"] == "TeamsCallingPolicy"
                else f"{row['type']}:{row['name']}"
                for row in policies
            ],
            "numbers": [[row["number"], row["city"]] for row in numbers],
        }
    }


def user_lines(state: State, only: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield users in the order they came; `only` is one id."""
    where, values = ("", ()) if only is None else (" WHERE id = ?", (only,))
    users = state.rows(f"SELECT * FROM users{where} ORDER BY seq", *values)  # noqa: S608
    things = _Things(state)
    held = held_by(state, [user["id"] for user in users])
    for user in users:
        own = held[user["id"]]
        if user["deleted"] is not None:
            kept = json.loads(user["kept"])
            own = [Held(e[0], e[1], frozenset(e[2]), e[3], e[4]) for e in kept]
        yield things.line(user, own)


class _Things:
    """What users have, by user."""

    def __init__(self, state: State) -> None:
        self._products = products(state)
        self._groups = {r["id"]: r["name"] for r in state.rows("SELECT id, name FROM groups")}
        self._numbers = _grouped(
            state.rows(
                "SELECT holder, * FROM numbers WHERE holder IS NOT NULL"
                " ORDER BY category = 'primary' DESC, seq"
            )
        )
        self._policies = _grouped(
            state.rows(
                "SELECT a.user, p.type, p.name FROM policy_assignments a"
                " JOIN policies p ON p.id = a.policy ORDER BY p.type"
            )
        )
        self._delegates = _grouped(
            state.rows(
                "SELECT d.delegator, u.props, d.permissions FROM delegates d"
                " JOIN users u ON u.id = d.delegate ORDER BY d.rowid"
            )
        )

    def line(self, user: sqlite3.Row, held: list[Held]) -> dict[str, Any]:
        """Return one user's line."""
        props, extra = json.loads(user["props"]), json.loads(user["extra"])
        plans = plans_of(self._products, held)
        sure = [self._products.get(e.sku) for e in held if e.error == NONE]
        numbers = self._numbers.get(user["id"], [])
        policies = {row["type"]: row["name"] for row in self._policies.get(user["id"], [])}
        packages = [p.name for p in sure if p and CALLING & set(p.plans) and p.role not in SUITES]
        delegates = self._delegates.get(user["id"], [])
        return {
            "id": user["id"],
            "key": props.get("employeeId"),
            "kind": extra.get("kind", "person"),
            "email": None if extra.get("no_email") else props.get("mail"),
            "status": _status(user, props),
            "display_name": props.get("displayName"),
            "department": props.get("department"),
            "job_title": props.get("jobTitle"),
            "license": LICENSE if PHONE & plans else None,
            "packages": list(dict.fromkeys(packages)),
            "template": policies.get("TeamsCallingPolicy"),
            "site": extra.get("site"),
            "extension_number": extra.get("extension_number"),
            "numbers": [row["number"] for row in numbers],
            "delegates": [json.loads(row["props"]).get("mail") for row in delegates],
            "credits": any(p is not None and p.id == CREDITS for p in sure),
            "softphone": extra.get("softphone"),
            "emergency_address": extra.get("emergency_address"),
            "usage_location": props.get("usageLocation"),
            "role": extra.get("role", "member"),
            "vendor": self._vendor(props, extra, held, numbers, policies),
        }

    def _vendor(
        self,
        props: dict[str, Any],
        extra: dict[str, Any],
        held: list[Held],
        numbers: list[sqlite3.Row],
        policies: dict[str, str],
    ) -> dict[str, Any]:
        vendor: dict[str, Any] = dict(extra.get("vendor", {}))
        upn = props["userPrincipalName"]
        vendor["user_principal_name"] = None if upn.endswith(NO_MAIL) else upn
        vendor |= {
            "given_name": props.get("givenName"),
            "surname": props.get("surname"),
            "created_at": props.get("createdDateTime"),
            "on_premises": props.get("onPremisesSyncEnabled"),
            "manager": extra.get("manager"),
            "licenses": [self._license(each) for each in held],
            "policies": policies or None,
            "numbers": {
                row["number"]: {
                    "type": row["type"],
                    "source": row["source"],
                    "location": row["location"],
                }
                for row in numbers
            }
            or None,
        }
        return {name: value for name, value in vendor.items() if value is not None}

    def _license(self, each: Held) -> dict[str, Any]:
        own = self._products.get(each.sku)
        entry: dict[str, Any] = {"sku": each.sku if own is None else own.name}
        if each.disabled:
            entry["disabled_plans"] = sorted(PLANS.get(plan, plan) for plan in each.disabled)
        if each.source:
            entry["group"] = self._groups.get(each.source, each.source)
        if each.error != NONE:
            entry["error"] = each.error
        return entry


def _status(user: sqlite3.Row, props: dict[str, Any]) -> str:
    if user["deleted"] is not None:
        return "trashed"
    if props.get("externalUserState") == "PendingAcceptance":
        return "pending"
    return "active" if props.get("accountEnabled", True) else "inactive"


def _grouped(rows: Iterable[sqlite3.Row]) -> dict[str, list[sqlite3.Row]]:
    groups: dict[str, list[sqlite3.Row]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    return groups
