"""What only people do, in admin centres or by PowerShell, for tests and demos.

None of it is Graph's interface: it needs no token, knows no limits, and is not logged as a write.

    GET  /_portal/log         every accepted write, in order, as JSON lines: seq, method, path, query,
                              body, time; a batch's requests one by one
    GET  /_portal/state       the tenant as snapshot lines, a catalog line first
    POST /_portal/clock       {"advance_s": 86400}: time goes by; answers the tenant's time
    POST /_portal/user        {"email": … or "id": …, and members of a snapshot line}: a hand edit, or a
                              new user
    POST /_portal/delete      {"email": …, "strip": true}: soft delete as the Microsoft 365 admin centre
                              does it, licenses first ("strip": false: as Graph does it)
    POST /_portal/seats       {"Microsoft 365 E3": 500, "Calling …": {"enabled": 1, "warning": 0,
                              "suspended": 0}}: what is bought; null: not counted
    POST /_portal/credits     {"seats": 500}: Communications Credits are funded, and seats appear; 0: not
    POST /_portal/agreement   {"agreement": "mca" or "other"}: with a Microsoft Customer Agreement the
                              product Communications Credits is gone
    POST /_portal/group       {"name": …, "add": [mail…], "remove": [mail…], "licenses": [product…]}
    POST /_portal/number      {"number": "+49…", "type": …, "source": …, "city": …, "country": …}
    POST /_portal/location    {"name": …}: an emergency location; answers its id
    POST /_portal/policy      {"type": …, "name": …}: answers its id
    POST /_portal/delegation  {"email": …, "add": mail, "permissions": […]} or "remove": New- and
                              Remove-CsUserCallingDelegate
    POST /_portal/delta       {}: the tenant is moved, and all delta tokens given so far are gone
    POST /_portal/rules       {"exclusive": [["MCOPSTN1", "MCOPSTN2"]], "prohibited": {product: ["FR"]}}
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from provisioner.simulators.common.log import json_lines

from . import background
from .account import Tenant, current_tenant
from .dump import catalog_line, user_lines
from .errors import refused
from .portal_edits import (
    change_agreement,
    change_delegation,
    change_group,
    change_user,
    delete_user,
    fund_credits,
    make_location,
    make_number,
    new_policy,
    reset_delta,
    set_rules,
    set_seats,
)

blueprint = Blueprint("teams_portal", __name__)


@blueprint.get("/_portal/log")
def show_log() -> Response:
    """Every accepted write."""
    return json_lines(current_tenant().state.log())


@blueprint.get("/_portal/state")
def show_state() -> Response:
    """The whole tenant, with everything done that is due."""
    tenant = current_tenant()
    background.catch_up(tenant)
    with tenant.state.transaction():
        lines = [catalog_line(tenant.state), *user_lines(tenant.state)]
    return json_lines(lines)


@blueprint.post("/_portal/clock")
def advance_clock() -> Response:
    """Put the tenant's clock forward."""
    tenant, given = current_tenant(), _given()
    by = given.get("advance_s", 0)
    if isinstance(by, bool) or not isinstance(by, int | float) or by < 0:
        raise refused("advance_s must be seconds, not below 0.")
    tenant.ahead_s += by
    background.catch_up(tenant)
    return jsonify(now=tenant.stamp())


EDITS = {
    "user": change_user,
    "delete": delete_user,
    "seats": set_seats,
    "credits": fund_credits,
    "agreement": change_agreement,
    "group": change_group,
    "number": make_number,
    "location": make_location,
    "policy": new_policy,
    "delegation": change_delegation,
    "delta": reset_delta,
    "rules": set_rules,
}


@blueprint.post(f"/_portal/<any({','.join(EDITS)}):what>")
def edit(what: str) -> Response:
    """Do what an administrator does."""
    tenant: Tenant = current_tenant()
    background.catch_up(tenant)
    with tenant.state.transaction():
        answer = EDITS[what](tenant, _given())
    return jsonify(answer)


def _given() -> dict[str, Any]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise refused("The request body should be a JSON object.")
    return given
