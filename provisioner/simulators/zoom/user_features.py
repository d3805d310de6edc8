"""Account users by the many: features of up to 30 in one call, and a count of all.

Zoom takes one such call in ten seconds, and answers 201 whatever became of each user: who failed,
and why, is in the body.
Source: Zoom's Users OpenAPI, /users/features and /users/summary.
"""

from __future__ import annotations

import re

from flask import Blueprint
from marshmallow import Schema, fields
from marshmallow.validate import Length

from .account import Call
from .errors import ZoomError, invalid
from .service import Answer, operation
from .users import check_type

blueprint = Blueprint("zoom_user_features", __name__)


class FeatureUser(Schema):
    """A user of POST /users/features, by id or mail address."""

    id = fields.String()
    email = fields.String()


class Features(Schema):
    """The body of POST /users/features."""

    feature_type = fields.String(required=True)
    feature_value = fields.String(required=True)
    subscription_id = fields.String()
    users = fields.List(fields.Nested(FeatureUser), required=True, validate=Length(min=1, max=30))
    license_info_list = fields.List(fields.Dict(), validate=Length(max=2))


@operation(
    blueprint,
    "POST",
    "/users/features",
    "MEDIUM",
    body=Features(),
    touches=lambda body, _: [u.get("id") or u.get("email", "") for u in body["users"]],
)
def update_features(call: Call) -> Answer:
    """Change the type or the Workplace bundle of up to 30 users; one call in 10 seconds."""
    call.account.limiter.features(call.account.clock())
    kind, value = call.body["feature_type"], call.body["feature_value"]
    if kind not in ("user_type", "zoom_one_type"):
        raise ZoomError(400, 200, "Current account does not enable this feature.")
    if not re.fullmatch(r"[0-9]{1,18}", value) or (kind == "user_type" and value not in ("1", "2")):
        raise invalid("feature_value")
    done: list[str] = []
    failed: dict[str, list[str]] = {}
    for user in call.body["users"]:
        name = user.get("id") or user.get("email", "")
        reason = _set_feature(call, name, kind, int(value))
        row = call.state.user(name)
        who = str(row["id"]) if row else name
        if reason is None:
            done.append(who)
        else:
            failed.setdefault(reason, []).append(who)
    details = [{"user_ids": ids, "reason": reason} for reason, ids in failed.items()]
    return {"success_user_ids": done, "fail_details": details}, 201


def _set_feature(call: Call, user: str, kind: str, value: int) -> str | None:
    """Set one user's feature; return Zoom's reason where that can't be done."""
    row = call.state.user(user)
    if row is None:
        return "Users not found"
    column, new = ("type", value) if kind == "user_type" else ("zoom_one_type", value or None)
    if row[column] == new:
        return "No need to update"
    if column == "type":
        try:
            check_type(call, value)
        except ZoomError:
            return "Not enough seats"
    call.state.run(f"UPDATE users SET {column} = ? WHERE id = ?", new, row["id"])  # noqa: S608
    return None


@operation(blueprint, "GET", "/users/summary", "MEDIUM")
def summarise_users(call: Call) -> Answer:
    """Count users by type."""
    rows = call.state.rows("SELECT type, status, count(*) AS n FROM users GROUP BY type, status")
    of_type = {t: sum(r["n"] for r in rows if r["type"] == t) for t in (1, 2, 4)}
    return {
        "licensed_users_count": of_type[2],
        "basic_users_count": of_type[1],
        "on_prem_users_count": 0,
        "room_users_count": call.state.value("SELECT count(*) FROM phones WHERE kind = 'room'"),
        "pending_users_count": sum(r["n"] for r in rows if r["status"] == "pending"),
        "join_only_users_count": of_type[4],
        "total_users_count": sum(of_type.values()),
    }, 200
