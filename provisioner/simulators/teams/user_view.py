"""How Graph shows a user: a small default set of properties, the rest only when $select asks.

Licenses are worked out from the holdings. Properties that live outside the directory can't be listed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from .account import Tenant, stamp
from .holdings import NONE, Held, assigned, held_by, product
from .skus import PLANS

DEFAULT = (
    "businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone",
    "officeLocation", "preferredLanguage", "surname", "userPrincipalName",
)  # fmt: skip
OUTSIDE = frozenset(
    {
        "aboutMe", "birthday", "hireDate", "interests", "mySite", "pastProjects", "preferredName",
        "responsibilities", "schools", "skills",
    }
)  # fmt: skip
"""Kept by another service: Graph answers 501 to a list that asks for them."""

LICENSING = frozenset(
    {"assignedLicenses", "assignedPlans", "licenseAssignmentStates", "provisionedPlans"}
)
READ_ONLY = LICENSING | {
    "id", "createdDateTime", "deletedDateTime", "creationType", "externalUserState",
    "externalUserStateChangeDateTime", "imAddresses", "isManagementRestricted",
    "lastPasswordChangeDateTime", "legalAgeGroupClassification", "onPremisesDistinguishedName",
    "onPremisesDomainName", "onPremisesLastSyncDateTime", "onPremisesProvisioningErrors",
    "onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled",
    "onPremisesUserPrincipalName", "proxyAddresses", "securityIdentifier",
    "serviceProvisioningErrors", "signInActivity", "signInSessionsValidFromDateTime",
    "authorizationInfo",
}  # fmt: skip
LISTS = frozenset({"businessPhones", "otherMails", "imAddresses", "proxyAddresses"})
OBJECTS = frozenset(
    {
        "employeeOrgData", "onPremisesExtensionAttributes", "passwordProfile",
        "customSecurityAttributes", "authorizationInfo", "signInActivity",
    }
)  # fmt: skip
FLAGS = frozenset({"accountEnabled", "showInAddressList", "isResourceAccount"})
WRITABLE = frozenset(
    {
        "accountEnabled", "ageGroup", "businessPhones", "city", "companyName",
        "consentProvidedForMinor", "country", "customSecurityAttributes", "department",
        "displayName", "employeeHireDate", "employeeId", "employeeLeaveDateTime", "employeeOrgData",
        "employeeType", "faxNumber", "givenName", "identities", "isResourceAccount", "jobTitle",
        "mail", "mailNickname", "mobilePhone", "officeLocation", "onPremisesExtensionAttributes",
        "onPremisesImmutableId", "otherMails", "passwordPolicies", "passwordProfile", "postalCode",
        "preferredDataLocation", "preferredLanguage", "showInAddressList", "state",
        "streetAddress", "surname", "usageLocation", "userPrincipalName", "userType",
    }
)  # fmt: skip
PROPERTIES = WRITABLE | READ_ONLY | OUTSIDE | {"identityParentId"}


def shown(
    tenant: Tenant, rows: Sequence[sqlite3.Row], select: Iterable[str] | None
) -> list[dict[str, Any]]:
    """Return users as Graph shows them with these properties (None: the default ones)."""
    names = list(DEFAULT if select is None else select)
    held: dict[str, list[Held]] = {}
    if LICENSING & set(names):
        held = held_by(tenant.state, [row["id"] for row in rows])
    return [_one(tenant, row, names, held.get(row["id"], [])) for row in rows]


def _one(
    tenant: Tenant, row: sqlite3.Row, names: Sequence[str], held: list[Held]
) -> dict[str, Any]:
    props = json.loads(row["props"]) | {"id": row["id"]}
    if row["deleted"] is not None:
        props["deletedDateTime"] = _moment(row["deleted"])
        held = [Held(e[0], e[1], frozenset(e[2]), e[3], e[4]) for e in json.loads(row["kept"])]
    user: dict[str, Any] = {}
    for name in names:
        if name in LICENSING:
            user[name] = licensing(tenant, name, held)
        elif name in props:
            user[name] = props[name]
        elif name in LISTS:
            user[name] = []
        elif name not in OBJECTS:
            user[name] = None
    user.pop("passwordProfile", None)  # written, never read
    return user


def licensing(tenant: Tenant, name: str, held: list[Held]) -> list[dict[str, Any]]:
    """Return one of the four properties that tell a user's licenses."""
    if name == "licenseAssignmentStates":
        return [_state(each) for each in held]
    if name == "assignedLicenses":
        return [{"skuId": sku, "disabledPlans": sorted(off)} for sku, off in assigned(held).items()]
    sure = [each for each in held if each.error == NONE]
    plans: dict[str, tuple[float, str]] = {}
    for each in sure:
        own = product(tenant.state, each.sku)
        for plan in () if own is None else own.plans:
            status = "Deleted" if plan in each.disabled else "Enabled"
            if plan not in plans or status == "Enabled":
                plans[plan] = (each.since, status)
    if name == "assignedPlans":
        return [
            {
                "assignedDateTime": _moment(since),
                "capabilityStatus": status,
                "service": service(plan),
                "servicePlanId": plan,
            }
            for plan, (since, status) in sorted(plans.items())
        ]
    services = {service(plan) for plan, (_, status) in plans.items() if status == "Enabled"}
    return [
        {"capabilityStatus": "Enabled", "provisioningStatus": "Success", "service": each}
        for each in sorted(services)
    ]


def _state(each: Held) -> dict[str, Any]:
    return {
        "skuId": each.sku,
        "disabledPlans": sorted(each.disabled),
        "assignedByGroup": each.source or None,
        "state": "Active" if each.error == NONE else "Error",
        "error": each.error,
        "lastUpdatedDateTime": _moment(each.since),
    }


def service(plan: str) -> str:
    """Return the name of the service that a plan belongs to."""
    return (
        "TeamspaceAPI"
        if PLANS.get(plan) in ("TEAMS1", "TeamsEss")
        else "MicrosoftCommunicationsOnline"
    )


def _moment(seconds: float) -> str:
    return stamp(datetime.fromtimestamp(seconds, UTC))
