"""The tenant itself, and what it has subscribed to.

Sources: Graph's organization: list; directory: list subscriptions.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from .account import Call
from .holdings import prepaid
from .odata import select
from .pages import page_of, sliced
from .service import Answer, operation
from .state import make_id

blueprint = Blueprint("teams_organization", __name__)

PROPERTIES = frozenset(
    {
        "assignedPlans", "businessPhones", "city", "country", "countryLetterCode",
        "createdDateTime", "defaultUsageLocation", "displayName", "id", "verifiedDomains",
    }
)  # fmt: skip
SUBSCRIPTION = frozenset(
    {
        "commerceSubscriptionId", "createdDateTime", "id", "isTrial", "nextLifecycleDateTime",
        "ownerId", "ownerTenantId", "ownerType", "serviceStatus", "skuId", "skuPartNumber",
        "status", "totalLicenses",
    }
)  # fmt: skip


@operation(blueprint, "GET", "/organization", cost=2, query=frozenset({"$select"}))
def list_organization(call: Call) -> Answer:
    """The one tenant."""
    names = select(call.query.get("$select"), PROPERTIES, "organization")
    location = call.options.tenant_location
    whole: dict[str, Any] = {
        "id": str(call.state.setting("id")),
        "displayName": "Simulated",
        "countryLetterCode": location,
        "defaultUsageLocation": location,
        "businessPhones": [],
        "assignedPlans": [],
        "verifiedDomains": [],
        "city": None,
        "country": None,
        "createdDateTime": None,
    }
    value = [{k: v for k, v in whole.items() if names is None or k in names}]
    return {"@odata.context": f"{call.base}/$metadata#organization", "value": value}, 200


@operation(
    blueprint,
    "GET",
    "/directory/subscriptions",
    cost=3,
    query=frozenset({"$select", "$filter", "$skiptoken"}),
)
def list_subscriptions(call: Call) -> Answer:
    """One subscription for each product that has seats."""
    names = select(call.query.get("$select"), SUBSCRIPTION, "companySubscription")
    entries = []
    for row in call.state.rows("SELECT * FROM skus ORDER BY part, id"):
        units = prepaid(row)
        whole: dict[str, Any] = {
            "id": make_id("subscription", row["id"]),
            "skuId": row["id"],
            "skuPartNumber": row["part"],
            "status": "Enabled" if units["enabled"] else "Suspended",
            "totalLicenses": units["enabled"],
            "isTrial": False,
            "createdDateTime": None,
            "nextLifecycleDateTime": None,
            "commerceSubscriptionId": None,
            "ownerId": None,
            "ownerTenantId": None,
            "ownerType": None,
            "serviceStatus": [],
        }
        entries.append({k: v for k, v in whole.items() if names is None or k in names})
    cut, more = sliced(call, page_of(call, "/directory/subscriptions"), entries)
    context = f"{call.base}/$metadata#directory/subscriptions"
    return {"@odata.context": context, **more, "value": list(cut)}, 200
