"""Delta queries: everything first, then what changed since, with the surprises that Graph documents.

A first round shows what is there; whatever changes meanwhile is shown again afterwards. Later rounds
show an object once for every change, in the order of changes, as it is now; a deleted one is only its
id and @removed, `changed` while it can be restored, `deleted` after. What groups give and users have
anyway is no change: licenseAssignmentStates isn't tracked. Tokens hold the first request's parameters.
They expire after seven days: 400 syncStateNotFound. After a reset of the tenant all of them are gone:
410, and a Location to start anew from. Options make changes show late, or again.
Sources: Microsoft Graph, "Use delta query to track changes"; user: delta; group: delta; Microsoft 365
Developer Blog, "Duration of change tracking tokens for identity and education resources".
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint

from provisioner.simulators.common.tokens import make_token, read_token

from .account import Call
from .errors import GraphError, malformed, refused
from .groups import DEFAULT as GROUP_DEFAULT
from .groups import PROPERTIES as GROUP_PROPERTIES
from .groups import group_shown
from .odata import parse_filter, select
from .pages import MAXIMUM, link
from .service import Answer, operation
from .user_view import DEFAULT, OUTSIDE, PROPERTIES, shown

blueprint = Blueprint("teams_delta", __name__)

QUERY = frozenset({"$select", "$filter", "$deltatoken", "$skiptoken"})
PAGE = 200
MOST_IDS = 50


@dataclass(frozen=True, slots=True)
class Round:
    """Where a client is: in the first round after the row `after`, or in later ones after an event.

    `event` is the last event that it knows of; `names` what it selected; `ids` whom it filters for;
    `first` whether this is the first round; `since` when its token was given.
    """

    first: bool
    after: int
    event: int
    names: list[str] | None
    ids: list[str] | None
    since: float

    def content(self, kind: str) -> list[Any]:
        """Return what a token holds of it."""
        return [kind, self.first, self.after, self.event, self.names, self.ids, self.since]


@operation(blueprint, "GET", "/users/delta", cost=2, query=QUERY)
def users_delta(call: Call) -> Answer:
    """Users, or what changed of them."""
    return _delta(call, "user")


@operation(blueprint, "GET", "/groups/delta", cost=2, query=QUERY)
def groups_delta(call: Call) -> Answer:
    """Groups, or what changed of them; their members where $select names them."""
    return _delta(call, "group")


def _delta(call: Call, kind: str) -> Answer:
    path, state = f"/{kind}s/delta", call.state
    latest = state.value("SELECT max(seq) FROM events WHERE time <= ?", _shown(call)) or 0
    token = call.query.get("$deltatoken")
    envelope: dict[str, Any] = {"@odata.context": f"{call.base}/$metadata#{kind}s"}
    if call.query.get("$skiptoken"):
        at = _read(call, kind, call.query["$skiptoken"])
    elif token and token != "latest":  # noqa: S105 - no password
        at = _replayed(call, kind, _read(call, kind, token))
    else:
        at = Round(True, 0, latest, *_asked(call, kind), call.tenant.now_s())
        if token == "latest":  # noqa: S105 - no password
            now = Round(False, 0, latest, at.names, at.ids, call.tenant.now_s())
            return envelope | {"@odata.deltaLink": _link(call, path, kind, now), "value": []}, 200
    size = _page_size(call)
    value, following = (_present if at.first else _changes)(call, kind, at, size)
    if following is None:
        if call.options.delta_forgets:
            latest = state.value("SELECT max(seq) FROM events") or 0
        known = at.event if at.first else max(latest, at.event)
        end = Round(False, 0, known, at.names, at.ids, call.tenant.now_s())
        envelope["@odata.deltaLink"] = _link(call, path, kind, end)
    else:
        envelope["@odata.nextLink"] = _link(call, path, kind, following, skip=True)
    return envelope | {"value": value}, 200


def _asked(call: Call, kind: str) -> tuple[list[str] | None, list[str] | None]:
    """Return what a first request selects and filters for."""
    known = PROPERTIES if kind == "user" else GROUP_PROPERTIES | {"members"}
    names = select(call.query.get("$select"), known, kind)
    if set(names or ()) & OUTSIDE:
        raise GraphError(501, "NotImplemented", "This operation target is not yet supported.")
    if "$filter" not in call.query:
        return names, None
    wanted = parse_filter(call.query["$filter"], known, kind)
    if wanted.ids is None:
        raise refused("Only filters on object ids are supported for delta queries.")
    if len(wanted.ids) > MOST_IDS:
        raise refused(f"A delta query can be filtered for at most {MOST_IDS} objects.")
    return names, sorted(wanted.ids)


def _read(call: Call, kind: str, token: str) -> Round:
    content = read_token(call.options.client_secret, token)
    if content is None or len(content) != 7 or content[0] != kind:
        raise malformed("Badly formed token.")
    if "$select" in call.query and "$skiptoken" in call.query:
        raise malformed("A delta query with both $select and $skiptoken is not supported.")
    at = Round(*content[1:])
    if call.tenant.now_s() > at.since + call.options.delta_life_s:
        raise GraphError(
            400,
            "syncStateNotFound",
            "The sync state generation is not found. The delta token is expired and data must be"
            " synchronized again.",
        )
    if at.since <= (call.state.setting("delta_reset") or 0):
        raise GraphError(
            410,
            "resyncRequired",
            "Resync required. Continue with a full synchronization.",
            {"Location": link(call, f"/{kind}s/delta", [("$deltatoken", "")])},
        )
    return at


def _shown(call: Call) -> float:
    """Return up to when changes are shown, in seconds since 1970."""
    return call.tenant.now_s() - call.options.delta_late_s


def _replayed(call: Call, kind: str, at: Round) -> Round:
    """Return where a round begins that tells the last changes again."""
    before = call.state.value(
        "SELECT min(seq) - 1 FROM (SELECT seq FROM events WHERE kind = ? AND seq <= ?"
        " ORDER BY seq DESC LIMIT ?)",
        kind,
        at.event,
        call.options.delta_replays,
    )
    return at if before is None else replace(at, event=before)


def _link(call: Call, path: str, kind: str, at: Round, *, skip: bool = False) -> str:
    name = "$skiptoken" if skip else "$deltatoken"
    token = make_token(call.options.client_secret, at.content(kind))
    return link(call, path, [(name, token)])


def _page_size(call: Call) -> int:
    text = call.prefer.get("odata.maxpagesize", "")
    return min(int(text), MAXIMUM) if text.isascii() and text.isdigit() and int(text) else PAGE


def _present(
    call: Call, kind: str, at: Round, size: int
) -> tuple[list[dict[str, Any]], Round | None]:
    """Return a page of what is there, and where the next one begins."""
    table, live = ("users", "deleted IS NULL") if kind == "user" else ("groups", "1")
    rows = call.state.rows(
        f"SELECT * FROM {table} WHERE seq > ? AND {live}"  # noqa: S608 (one of two)
        " AND (? IS NULL OR id IN (SELECT value FROM json_each(?))) ORDER BY seq LIMIT ?",
        at.after,
        None if at.ids is None else 1,
        json.dumps(at.ids or []),
        size + 1,
    )
    following = None
    if len(rows) > size:
        rows = rows[:size]
        following = Round(True, rows[-1]["seq"], at.event, at.names, at.ids, at.since)
    return [_entry(call, kind, row, at.names, None, first=True) for row in rows], following


def _changes(
    call: Call, kind: str, at: Round, size: int
) -> tuple[list[dict[str, Any]], Round | None]:
    """Return a page of changes, and where the next one begins."""
    events = call.state.rows(
        "SELECT * FROM events WHERE kind = ? AND seq > ? AND time <= ?"
        " AND (? IS NULL OR object IN (SELECT value FROM json_each(?))) ORDER BY seq LIMIT ?",
        kind,
        at.event,
        _shown(call),
        None if at.ids is None else 1,
        json.dumps(at.ids or []),
        size + 1,
    )
    following = None
    if len(events) > size:
        events = events[:size]
        following = Round(False, 0, events[-1]["seq"], at.names, at.ids, at.since)
    minimal = call.prefer.get("return") == "minimal"
    tracked = set(at.names or (DEFAULT if kind == "user" else GROUP_DEFAULT))
    tracked -= set(call.options.delta_untracked)
    value = []
    for event in events:
        fields = set(json.loads(event["fields"]))
        if event["what"] != "changed":
            reason = "changed" if event["what"] == "removed" else "deleted"
            value.append({"id": event["object"], "@removed": {"reason": reason}})
            continue
        row = _row(call, kind, event["object"])
        if row is not None and fields & tracked:
            value.append(_entry(call, kind, row, at.names, fields, first=False, minimal=minimal))
    return value, following


def _row(call: Call, kind: str, id_: str) -> sqlite3.Row | None:
    if kind == "user":
        return call.state.row("SELECT * FROM users WHERE id = ? AND deleted IS NULL", id_)
    return call.state.row("SELECT * FROM groups WHERE id = ?", id_)


def _entry(
    call: Call,
    kind: str,
    row: sqlite3.Row,
    names: list[str] | None,
    fields: set[str] | None,
    *,
    first: bool,
    minimal: bool = False,
) -> dict[str, Any]:
    """Return an object with what was selected; what was never set is left out."""
    if kind == "user":
        props = json.loads(row["props"])
        entry = shown(call.tenant, [row], names)[0]
        entry = {
            k: v for k, v in entry.items() if v not in (None, []) or k in props or "icens" in k
        }
    else:
        entry = group_shown(call, row, None if names is None else [*names, "id"])
        entry = {k: v for k, v in entry.items() if v is not None}
        if "members" in (names or ()):
            members = _members(call, row["id"], fields, first=first)
            if members:
                entry["members@delta"] = members
    if minimal and fields is not None:
        entry = {k: v for k, v in entry.items() if k in fields or k == "members@delta"}
    return entry | {"id": row["id"]}


def _members(
    call: Call, group: str, fields: set[str] | None, *, first: bool
) -> list[dict[str, Any]]:
    kind = "#microsoft.graph.user"
    if first:
        rows = call.state.rows("SELECT member FROM members WHERE group_id = ?", group)
        return [{"@odata.type": kind, "id": row["member"]} for row in rows]
    found: list[dict[str, Any]] = []
    for field in sorted(fields or ()):
        if field[0] == "+":
            found.append({"@odata.type": kind, "id": field[1:]})
        elif field[0] == "-":
            gone = {"@odata.type": kind, "id": field[1:], "@removed": {"reason": "deleted"}}
            found.append(gone)
    return found
