"""Licenses: assigning and removing in one call, what a user has, what the tenant has bought.

Products are named by GUID. A call works as a whole or not at all; a product that is held already is
assigned anew with exactly the disabled plans that were sent.
Sources: Graph's user: assignLicense, reprocessLicenseAssignment, licenseDetails, subscribedSkus.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint

from . import errors
from .account import Call
from .background import process_member
from .fields import GUID, check
from .holdings import NONE, Held, held, prepaid, product, product_of, replace, seats_left
from .license_rules import violations
from .odata import select
from .pages import page_of, sliced
from .service import Answer, Body, operation
from .skus import PLANS, SUITES, Product
from .users import user_named, whole

blueprint = Blueprint("teams_licenses", __name__)

ASSIGN = Body(
    "assignLicense",
    {"addLicenses": "objects", "removeLicenses": "guids"},
    ("addLicenses", "removeLicenses"),
)
LIST = frozenset({"$select", "$skiptoken"})
SKU_PROPERTIES = frozenset(
    {
        "accountId", "accountName", "appliesTo", "capabilityStatus", "consumedUnits", "id",
        "prepaidUnits", "servicePlans", "skuId", "skuPartNumber", "subscriptionIds",
    }
)  # fmt: skip


@operation(blueprint, "POST", "/users/<user_id>/assignLicense", cost=1, body=ASSIGN)
def assign_license(call: Call, user_id: str) -> Answer:
    """Add and remove products of one user."""
    row = user_named(call, user_id)
    add = wanted_licenses(call, call.body["addLicenses"])
    remove = {sku.lower() for sku in call.body["removeLicenses"]}
    if not add and not remove:
        raise errors.nothing_to_do()
    if add.keys() & remove:
        raise errors.refused("The same license cannot be both added and removed.")
    location = json.loads(row["props"]).get("usageLocation")
    if add and not location:
        raise errors.no_location()
    before = held(call.state, row["id"])
    direct = {each.sku for each in before if not each.source}
    for sku in remove:
        if sku not in direct:
            raise errors.not_held()
    now = call.tenant.now_s()
    after = [e for e in before if e.source or (e.sku not in remove and e.sku not in add)]
    after += [Held(sku, "", disabled, NONE, now) for sku, disabled in add.items()]
    active = {each.sku for each in before if each.error == NONE}
    for sku in add:
        if sku not in active and not seats_left(call.state, sku):
            raise errors.no_seat(sku)
    broken = violations(call.tenant, before, location)
    for violation in violations(call.tenant, after, location):
        if violation not in broken:
            raise violation.error()
    replace(call.state, row["id"], sorted(after, key=lambda e: (e.sku, e.source)), now)
    context = {"@odata.context": f"{call.base}/$metadata#users/$entity"}
    return context | whole(call.tenant, user_named(call, row["id"])), 200


def wanted_licenses(call: Call, entries: list[dict[str, Any]]) -> dict[str, frozenset[str]]:
    """Return disabled plans by product of what `addLicenses` holds; raise 400 for what can't be."""
    wanted: dict[str, frozenset[str]] = {}
    for entry in entries:
        check(entry, {"skuId": "text", "disabledPlans": "guids"}, ("skuId",), "assignedLicense")
        if not GUID.fullmatch(entry["skuId"]):
            raise errors.malformed(
                f"Cannot convert the literal '{entry['skuId']}' to the expected type 'Edm.Guid'."
            )
        sku = entry["skuId"].lower()
        own = product(call.state, sku)
        if own is None:
            raise errors.not_subscribed(sku)
        disabled = frozenset(plan.lower() for plan in entry.get("disabledPlans", ()))
        foreign = sorted(disabled - set(own.plans))
        if own.role in SUITES:  # of a suite only the plans around phones are known here
            foreign = [plan for plan in foreign if plan in PLANS]
        if foreign and own.role != "other":
            raise errors.refused(
                f"License {sku} does not contain the service plan(s) {', '.join(foreign)}."
            )
        wanted[sku] = disabled
    return wanted


@operation(blueprint, "POST", "/users/<user_id>/reprocessLicenseAssignment", cost=1)
def reprocess(call: Call, user_id: str) -> Answer:
    """Work out anew what the user's groups give."""
    row, now = user_named(call, user_id), call.tenant.now_s()
    groups = call.state.rows(
        "SELECT g.* FROM groups g JOIN members m ON m.group_id = g.id WHERE m.member = ?"
        " ORDER BY g.seq",
        row["id"],
    )
    for group in groups:
        process_member(call.tenant, group, row["id"], now, member=True)
    context = {"@odata.context": f"{call.base}/$metadata#users/$entity"}
    return context | whole(call.tenant, row), 200


@operation(blueprint, "GET", "/users/<user_id>/licenseDetails", cost=2, query=LIST)
def license_details(call: Call, user_id: str) -> Answer:
    """Each product that the user has, with its service plans."""
    row = user_named(call, user_id)
    names = select(
        call.query.get("$select"),
        frozenset({"id", "servicePlans", "skuId", "skuPartNumber"}),
        "licenseDetails",
    )
    off: dict[str, frozenset[str]] = {}
    for each in held(call.state, row["id"]):
        if each.error == NONE:
            off[each.sku] = off.get(each.sku, each.disabled) & each.disabled
    details = []
    for sku, disabled in off.items():
        own = product(call.state, sku)
        if own is not None:
            details.append(
                {
                    "id": f"{row['id'][:8]}_{sku}",
                    "skuId": sku,
                    "skuPartNumber": own.part,
                    "servicePlans": plans_shown(own, disabled),
                }
            )
    page = page_of(call, f"/users/{user_id}/licenseDetails")
    cut, more = sliced(call, page, [_only(each, names) for each in details])
    context = f"{call.base}/$metadata#users('{row['id']}')/licenseDetails"
    return {"@odata.context": context, **more, "value": list(cut)}, 200


def plans_shown(own: Product, disabled: frozenset[str]) -> list[dict[str, Any]]:
    """Return a product's service plans as Graph lists them."""
    return [
        {
            "servicePlanId": plan,
            "servicePlanName": PLANS.get(plan, own.part),
            "provisioningStatus": "Disabled" if plan in disabled else "Success",
            "appliesTo": "User",
        }
        for plan in own.plans
    ]


def _only(each: dict[str, Any], names: list[str] | None) -> dict[str, Any]:
    return each if names is None else {name: each[name] for name in names if name in each}


@operation(blueprint, "GET", "/subscribedSkus", cost=3, query=LIST)
def list_skus(call: Call) -> Answer:
    """Every product that the tenant has bought, with its seats."""
    names = select(call.query.get("$select"), SKU_PROPERTIES, "subscribedSku")
    rows = call.state.rows("SELECT * FROM skus ORDER BY part, id")
    skus = [_only(_sku(call, row), names) for row in rows]
    cut, more = sliced(call, page_of(call, "/subscribedSkus"), skus)
    context = f"{call.base}/$metadata#subscribedSkus"
    return {"@odata.context": context, **more, "value": list(cut)}, 200


@operation(blueprint, "GET", "/subscribedSkus/<sku_id>", cost=3, query=frozenset({"$select"}))
def get_sku(call: Call, sku_id: str) -> Answer:
    """One product."""
    names = select(call.query.get("$select"), SKU_PROPERTIES, "subscribedSku")
    row = call.state.row("SELECT * FROM skus WHERE id = ?", sku_id.rpartition("_")[2])
    if row is None:
        raise errors.not_found(sku_id)
    return _only(_sku(call, row), names), 200


def _sku(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    units = prepaid(row)
    status = "Enabled" if units["enabled"] else "Warning" if units["warning"] else "Suspended"
    tenant = str(call.state.setting("id"))
    return {
        "id": f"{tenant}_{row['id']}",
        "skuId": row["id"],
        "skuPartNumber": row["part"],
        "accountId": tenant,
        "accountName": "simulated",
        "appliesTo": "User",
        "capabilityStatus": status,
        "consumedUnits": row["consumed"],
        "prepaidUnits": units,
        "servicePlans": plans_shown(product_of(row), frozenset()),
        "subscriptionIds": [],
    }
