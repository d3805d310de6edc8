"""Groups, their members, and the licenses that they give; nested members get none.

Sources: Graph's group: list, get, assignLicense, list members, add and remove member;
user: list memberOf.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint

from .account import Call
from .errors import not_found, nothing_to_do, refused
from .licenses import ASSIGN, wanted_licenses
from .memberships import queue, set_member
from .odata import parse_filter, search, select
from .pages import page_of, sliced
from .service import LIST, ONE, Answer, Body, operation
from .user_view import DEFAULT as USER_DEFAULT
from .user_view import OUTSIDE
from .user_view import PROPERTIES as USER_PROPERTIES
from .user_view import shown as users_shown
from .users import user_named

blueprint = Blueprint("teams_groups", __name__)

DEFAULT = (
    "id", "deletedDateTime", "classification", "createdDateTime", "description", "displayName",
    "groupTypes", "mail", "mailEnabled", "mailNickname", "membershipRule", "onPremisesSyncEnabled",
    "proxyAddresses", "securityEnabled", "visibility",
)  # fmt: skip
PROPERTIES = frozenset(DEFAULT) | {
    "assignedLicenses", "hasMembersWithLicenseErrors", "licenseProcessingState",
}  # fmt: skip
ERRORS = frozenset({"$select", "$skiptoken"})


def group_shown(call: Call, row: sqlite3.Row, names: list[str] | None) -> dict[str, Any]:
    """Return a group with these properties (None: the default ones)."""
    wanted = set(DEFAULT if names is None else names)
    whole: dict[str, Any] = dict.fromkeys(DEFAULT) | {
        "id": row["id"],
        "displayName": row["name"],
        "groupTypes": [],
        "proxyAddresses": [],
        "mailEnabled": False,
        "securityEnabled": True,
        "mailNickname": row["id"][:8],
        "assignedLicenses": json.loads(row["licenses"]),
        "licenseProcessingState": {
            "state": "ProcessingComplete" if row["due"] is None else "QueuedForProcessing"
        },
    }
    if "hasMembersWithLicenseErrors" in wanted:
        whole["hasMembersWithLicenseErrors"] = bool(_failed(call, row["id"]))
    return {name: whole[name] for name in whole if name in wanted}


def _failed(call: Call, group: str) -> list[sqlite3.Row]:
    return call.state.rows(
        "SELECT * FROM users WHERE id IN"
        " (SELECT user FROM licenses WHERE source = ? AND error <> 'None') ORDER BY seq",
        group,
    )


def group_named(call: Call, group: str) -> sqlite3.Row:
    """Return the group of that id; raise 404 if there is none."""
    row = call.state.row("SELECT * FROM groups WHERE id = ?", group)
    if row is None:
        raise not_found(group)
    return row


def _list(
    call: Call,
    path: str,
    entries: list[dict[str, Any]],
    known: frozenset[str],
    default: tuple[str, ...],
    kind: str,
) -> Answer:
    """Return a page of entries (every property of each), filtered and cut down as the query asks."""
    if "$filter" in call.query:
        wanted = parse_filter(call.query["$filter"], known, kind)
        entries = [entry for entry in entries if wanted.test(entry)]
    if "$search" in call.query:
        test = search(call.query["$search"])
        entries = [entry for entry in entries if test(entry)]
    names = select(call.query.get("$select"), known, kind) or default
    cut, more = sliced(call, page_of(call, path), entries)
    if "$count" in call.query:
        more["@odata.count"] = len(entries)
    value = [{k: v for k, v in e.items() if k in names or "@" in k} for e in cut]
    return {"@odata.context": f"{call.base}/$metadata#{path[1:]}", **more, "value": value}, 200


@operation(blueprint, "GET", "/groups", cost=2, query=LIST)
def list_groups(call: Call) -> Answer:
    """Every group."""
    rows = call.state.rows("SELECT * FROM groups ORDER BY seq")
    entries = [group_shown(call, row, sorted(PROPERTIES)) for row in rows]
    return _list(call, "/groups", entries, PROPERTIES, DEFAULT, "group")


@operation(blueprint, "GET", "/groups/<group_id>", cost=1, query=ONE)
def get_group(call: Call, group_id: str) -> Answer:
    """One group."""
    names = select(call.query.get("$select"), PROPERTIES, "group")
    context = {"@odata.context": f"{call.base}/$metadata#groups/$entity"}
    return context | group_shown(call, group_named(call, group_id), names), 200


@operation(blueprint, "POST", "/groups/<group_id>/assignLicense", cost=1, body=ASSIGN)
def assign_license(call: Call, group_id: str) -> Answer:
    """Change what the group gives; members are worked out in the background."""
    row = group_named(call, group_id)
    add = wanted_licenses(call, call.body["addLicenses"])
    remove = {sku.lower() for sku in call.body["removeLicenses"]}
    if not add and not remove:
        raise nothing_to_do()
    licenses = {e["skuId"]: e["disabledPlans"] for e in json.loads(row["licenses"])}
    for sku in remove:
        if licenses.pop(sku, None) is None:
            raise refused("Group does not have a corresponding license.")
    licenses |= {sku: sorted(disabled) for sku, disabled in add.items()}
    entries = [{"skuId": sku, "disabledPlans": off} for sku, off in licenses.items()]
    call.state.run("UPDATE groups SET licenses = ? WHERE id = ?", json.dumps(entries), row["id"])
    queue(call.tenant, row["id"])
    now = call.tenant.now_s()
    call.state.changed("group", row["id"], "changed", ("assignedLicenses",), now)
    context = {"@odata.context": f"{call.base}/$metadata#groups/$entity"}
    return context | group_shown(call, group_named(call, group_id), sorted(PROPERTIES)), 202


def _members(call: Call, path: str, rows: list[sqlite3.Row]) -> Answer:
    kind = {"@odata.type": "#microsoft.graph.user"}
    every = sorted(USER_PROPERTIES - OUTSIDE)
    entries = [kind | each for each in users_shown(call.tenant, rows, every)]
    return _list(call, path, entries, USER_PROPERTIES, USER_DEFAULT, "user")


def _member_rows(call: Call, group_id: str) -> list[sqlite3.Row]:
    return call.state.rows(
        "SELECT u.* FROM users u JOIN members m ON m.member = u.id"
        " WHERE m.group_id = ? AND u.deleted IS NULL ORDER BY u.seq",
        group_named(call, group_id)["id"],
    )


@operation(blueprint, "GET", "/groups/<group_id>/members", cost=3, query=LIST)
def list_members(call: Call, group_id: str) -> Answer:
    """The group's direct members."""
    return _members(call, f"/groups/{group_id}/members", _member_rows(call, group_id))


@operation(blueprint, "GET", "/groups/<group_id>/transitiveMembers", cost=5, query=LIST)
def list_transitive_members(call: Call, group_id: str) -> Answer:
    """The same: groups here have no groups in them."""
    return _members(call, f"/groups/{group_id}/transitiveMembers", _member_rows(call, group_id))


@operation(blueprint, "GET", "/groups/<group_id>/membersWithLicenseErrors", cost=3, query=ERRORS)
def list_failed(call: Call, group_id: str) -> Answer:
    """Members whom the group's licenses could not be given."""
    group = group_named(call, group_id)
    return _members(
        call, f"/groups/{group_id}/membersWithLicenseErrors", _failed(call, group["id"])
    )


REFERENCE = Body("reference", {}, ("@odata.id",))


@operation(blueprint, "POST", "/groups/<group_id>/members/$ref", cost=1, body=REFERENCE)
def add_member(call: Call, group_id: str) -> Answer:
    """Put a user into the group."""
    group, named = group_named(call, group_id), str(call.body["@odata.id"])
    user = user_named(call, named.rstrip("/").rpartition("/")[2])
    if not set_member(call.tenant, group["id"], user["id"], inside=True):
        raise refused(
            "One or more added object references already exist for the following modified"
            " properties: 'members'."
        )
    return None, 204


@operation(blueprint, "DELETE", "/groups/<group_id>/members/<member_id>/$ref", cost=1)
def remove_member(call: Call, group_id: str, member_id: str) -> Answer:
    """Take a user out of the group."""
    group = group_named(call, group_id)
    if not set_member(call.tenant, group["id"], member_id, inside=False):
        raise not_found(member_id)
    return None, 204


def _groups_of(call: Call, user_id: str, path: str) -> Answer:
    user = user_named(call, user_id)
    rows = call.state.rows(
        "SELECT g.* FROM groups g JOIN members m ON m.group_id = g.id WHERE m.member = ?"
        " ORDER BY g.seq",
        user["id"],
    )
    kind = {"@odata.type": "#microsoft.graph.group"}
    entries = [kind | group_shown(call, row, sorted(PROPERTIES)) for row in rows]
    return _list(call, path, entries, PROPERTIES, DEFAULT, "group")


@operation(blueprint, "GET", "/users/<user_id>/memberOf", cost=2, query=LIST)
def member_of(call: Call, user_id: str) -> Answer:
    """The groups that the user is in."""
    return _groups_of(call, user_id, f"/users/{user_id}/memberOf")


@operation(blueprint, "GET", "/users/<user_id>/transitiveMemberOf", cost=2, query=LIST)
def transitive_member_of(call: Call, user_id: str) -> Answer:
    """The same: groups here have no groups in them."""
    return _groups_of(call, user_id, f"/users/{user_id}/transitiveMemberOf")
