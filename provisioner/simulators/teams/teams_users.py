"""Teams administration: what holds for each user, and policies by assignment.

A user configuration tells features, numbers, enterprise voice and the policies that were assigned; the
tenant's global policies hold where nothing is assigned and are not listed.
Sources: Graph's teamsUserConfiguration: list, get; teamsPolicyUserAssignment: list, assign, unassign;
teamsPolicyAssignment: getPolicyId.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint

from .account import Call, stamp
from .errors import not_found, refused
from .fields import check
from .holdings import FEATURES, features_of, held_by, plans_of, products
from .odata import parse_filter, select
from .pages import next_link, page_of, sliced
from .service import Answer, Body, operation
from .state import State, make_id

blueprint = Blueprint("teams_administration", __name__)

POLICY_TYPES = (
    "TeamsCallingPolicy", "OnlineVoiceRoutingPolicy", "TenantDialPlan", "CallingLineIdentity",
    "TeamsEmergencyCallingPolicy", "TeamsEmergencyCallRoutingPolicy", "TeamsCallHoldPolicy",
    "TeamsCallParkPolicy", "OnlineVoicemailPolicy", "TeamsVoiceApplicationsPolicy",
    "TeamsSharedCallingRoutingPolicy", "TeamsMeetingPolicy",
)  # fmt: skip
PROPERTIES = frozenset(
    {
        "accountType", "createdDateTime", "effectivePolicyAssignments", "featureTypes", "id",
        "isEnterpriseVoiceEnabled", "modifiedDateTime", "telephoneNumbers", "tenantId",
        "userPrincipalName",
    }
)  # fmt: skip
LIST = frozenset({"$top", "$filter", "$select", "$expand", "$skiptoken"})
TAG = "Tag:"


def policy_type(name: str) -> str | None:
    """Return the policy type of that name without case, or None."""
    return next((each for each in POLICY_TYPES if each.casefold() == name.casefold()), None)


def make_policy(state: State, kind: str, name: str) -> str:
    """Return the id of the policy of that type and name (without case), made if there is none."""
    found = find_policy(state, kind, name)
    if found is not None:
        return str(found["id"])
    id_ = make_id("policy", kind, name.casefold())
    state.run("INSERT INTO policies VALUES (?, ?, ?)", id_, kind, name)
    return id_


def find_policy(state: State, kind: str, name: str) -> sqlite3.Row | None:
    """Return the policy of that type and name (without case), or None."""
    rows = state.rows("SELECT * FROM policies WHERE type = ?", kind)
    wanted = name.removeprefix(TAG).casefold()
    return next((row for row in rows if row["name"].casefold() == wanted), None)


@operation(blueprint, "GET", "/admin/teams/userConfigurations", query=LIST)
def list_configurations(call: Call) -> Answer:
    """Every Teams user."""
    names = select(call.query.get("$select"), PROPERTIES, "teamsUserConfiguration")
    page = page_of(call, "/admin/teams/userConfigurations")
    cut: Sequence[dict[str, Any]]
    if "$filter" in call.query:
        wanted = parse_filter(call.query["$filter"], PROPERTIES, "teamsUserConfiguration")
        seen = _configurations(call, _in_teams(call.state, 0, -1))
        cut, more = sliced(call, page, [entry for entry in seen if wanted.test(entry)])
    else:
        rows = _in_teams(call.state, page.after, page.size + 1)
        more = {}
        if len(rows) > page.size:
            rows = rows[: page.size]
            more = {"@odata.nextLink": next_link(call, page, rows[-1]["seq"])}
        cut = _configurations(call, rows)
    value = [{k: v for k, v in each.items() if names is None or k in names} for each in cut]
    context = f"{call.base}/$metadata#admin/teams/userConfigurations"
    return {"@odata.context": context, **more, "value": value}, 200


def _in_teams(state: State, after: int, most: int) -> list[sqlite3.Row]:
    """Return users who have Teams, or a number, from behind a row on; -1 are all."""
    skus = [sku for sku, own in products(state).items() if features_of(set(own.plans))]
    return state.rows(
        "SELECT * FROM users u WHERE seq > ? AND deleted IS NULL AND ("
        " EXISTS (SELECT 1 FROM licenses l WHERE l.user = u.id AND l.error = 'None'"
        "  AND l.sku IN (SELECT value FROM json_each(?)))"
        " OR EXISTS (SELECT 1 FROM numbers n WHERE n.holder = u.id)) ORDER BY seq LIMIT ?",
        after,
        json.dumps(skus),
        most,
    )


@operation(
    blueprint,
    "GET",
    "/admin/teams/userConfigurations/<user_id>",
    query=frozenset({"$select", "$expand"}),
)
def get_configuration(call: Call, user_id: str) -> Answer:
    """One Teams user by id."""
    names = select(call.query.get("$select"), PROPERTIES, "teamsUserConfiguration")
    row = call.state.user(user_id)
    if row is None:
        raise not_found(user_id)
    found = _configurations(call, [row])[0]
    entry = {k: v for k, v in found.items() if names is None or k in names}
    context = f"{call.base}/$metadata#admin/teams/userConfigurations/$entity"
    return {"@odata.context": context, **entry}, 200


def _configurations(call: Call, rows: Iterable[sqlite3.Row]) -> list[dict[str, Any]]:
    state, users = call.state, list(rows)
    ids = [row["id"] for row in users]
    held, asked = held_by(state, ids), json.dumps(ids)
    numbers, policies = _numbers(state, asked), _policies(state, asked)
    unsettled = {
        row["user"]
        for row in state.rows(
            "SELECT user FROM plans_since WHERE plan = 'CallingPlan' AND since > ?"
            " AND user IN (SELECT value FROM json_each(?))",
            call.tenant.now_s() - call.options.settling_s,
            asked,
        )
    }
    known, found = products(state), []
    for row in users:
        props, extra = json.loads(row["props"]), json.loads(row["extra"])
        features = features_of(plans_of(known, held[row["id"]]))
        if row["id"] in unsettled:
            features.discard("CallingPlan")
        created = props.get("createdDateTime") or stamp(datetime.fromtimestamp(0, UTC))
        found.append(
            {
                "id": row["id"],
                "userPrincipalName": props["userPrincipalName"],
                "tenantId": str(state.setting("id")),
                "effectivePolicyAssignments": policies.get(row["id"], []),
                "telephoneNumbers": numbers.get(row["id"], []),
                "isEnterpriseVoiceEnabled": bool(row["voice"]),
                "featureTypes": [name for name in FEATURES if name in features],
                "accountType": "user"
                if extra.get("kind", "person") == "person"
                else "resourceAccount",
                "createdDateTime": created,
                "modifiedDateTime": created,
            }
        )
    return found


def _numbers(state: State, asked: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in state.rows(
        "SELECT holder, number, category FROM numbers"
        " WHERE holder IN (SELECT value FROM json_each(?)) ORDER BY category = 'primary' DESC, seq",
        asked,
    ):
        entry = {"telephoneNumber": row["number"], "assignmentCategory": row["category"]}
        found.setdefault(row["holder"], []).append(entry)
    return found


def _policies(state: State, asked: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in state.rows(
        "SELECT a.user, p.* FROM policy_assignments a JOIN policies p ON p.id = a.policy"
        " WHERE a.user IN (SELECT value FROM json_each(?)) ORDER BY p.type",
        asked,
    ):
        assignment = {
            "displayName": row["name"],
            "assignmentType": "direct",
            "policyId": row["id"],
            "groupId": None,
        }
        entry = {"policyType": row["type"], "policyAssignment": assignment}
        found.setdefault(row["user"], []).append(entry)
    return found


@operation(blueprint, "GET", "/admin/teams/policy/getPolicyId(type='<kind>',name='<name>')")
def get_policy_id(call: Call, kind: str, name: str) -> Answer:
    """The policy of a type and name; an empty list where there is none."""
    known = policy_type(kind)
    if known is None:
        raise refused(f"Policy type '{kind}' is not supported.")
    found = find_policy(call.state, known, name.replace("''", "'"))
    value = []
    if found is not None:
        value = [{"name": f"{TAG}{found['name']}", "policyId": found["id"]}]
    kind_ = "Collection(microsoft.graph.teamsAdministration.policyIdentifierDetail)"
    return {"@odata.context": f"{call.base}/$metadata#{kind_}", "value": value}, 200


@operation(
    blueprint,
    "GET",
    "/admin/teams/policy/userAssignments",
    query=frozenset({"$top", "$filter", "$select", "$skiptoken"}),
)
def list_assignments(call: Call) -> Answer:
    """Which user has which policy directly."""
    entries = [
        {
            "id": make_id(row["user"], row["type"]),
            "userId": row["user"],
            "policyType": row["type"],
            "policyId": row["policy"],
        }
        for row in call.state.rows("SELECT * FROM policy_assignments ORDER BY user, type")
    ]
    if "$filter" in call.query:
        known = frozenset({"userId", "policyType", "policyId"})
        wanted = parse_filter(call.query["$filter"], known, "teamsPolicyUserAssignment")
        entries = [entry for entry in entries if wanted.test(entry)]
    cut, more = sliced(call, page_of(call, "/admin/teams/policy/userAssignments"), entries)
    context = f"{call.base}/$metadata#admin/teams/policy/userAssignments"
    return {"@odata.context": context, **more, "value": list(cut)}, 200


ASSIGNMENTS = Body("userAssignments", {"value": "objects"}, ("value",))


@operation(blueprint, "POST", "/admin/teams/policy/userAssignments/assign", body=ASSIGNMENTS)
def assign_policies(call: Call) -> Answer:
    """Assign policies to users; another of the same type is replaced."""
    for user, kind, policy in _wanted(call):
        row = call.state.row("SELECT * FROM policies WHERE id = ? AND type = ?", policy, kind)
        if row is None:
            raise refused(f"Policy '{policy}' of type '{kind}' was not found.")
        call.state.run(
            "INSERT OR REPLACE INTO policy_assignments VALUES (?, ?, ?)", user, kind, policy
        )
    return None, 204


@operation(blueprint, "POST", "/admin/teams/policy/userAssignments/unassign", body=ASSIGNMENTS)
def unassign_policies(call: Call) -> Answer:
    """Take policies of these types away from users: the global one holds again."""
    for user, kind, _ in _wanted(call):
        call.state.run("DELETE FROM policy_assignments WHERE user = ? AND type = ?", user, kind)
    return None, 204


def _wanted(call: Call) -> list[tuple[str, str, str | None]]:
    found: list[tuple[str, str, str | None]] = []
    for each in call.body["value"]:
        check(
            each,
            {"id": "text", "userId": "text", "policyType": "text", "policyId": "text?"},
            ("userId", "policyType"),
            "teamsPolicyUserAssignment",
        )
        kind = policy_type(each["policyType"])
        if kind is None:
            raise refused(f"Policy type '{each['policyType']}' is not supported.")
        row = call.state.user(each["userId"])
        if row is None:
            raise not_found(each["userId"])
        found.append((row["id"], kind, each.get("policyId")))
    return found
