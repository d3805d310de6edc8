"""What only the web portal can do, for tests and demos: accept an invitation, edit by hand, trash.

None of it is Zoom's interface: it needs no token, knows no limits, and is not logged as a write. What
changes somebody's phone shows in Zoom's operation logs; every POST takes an `operator`, who is named there.

    GET  /_portal/log      every accepted write, in order, as JSON lines: seq, method, path, query,
                           body, time
    GET  /_portal/state    the account as snapshot lines, a catalog line first
    POST /_portal/accept   {"email": …}: a pending user accepts the invitation and is active
    POST /_portal/user     {"email": … or "id": …, and members of a snapshot line}: a hand edit of
                           that person (`new_email` renames), or a new person
    POST /_portal/trash    {"email": …}: soft delete; the plans and numbers become free for others
    POST /_portal/restore  {"email": …}: out of the trash, without plans and numbers
    POST /_portal/delegate {"email": …, "delegate": …}: the delegate accepts, where the options ask for it
    POST /_portal/manager  {"email": …, "queue": …}: they manage that call queue (its id) from now on
    POST /_portal/room     {"name": …}: a new Zoom Room, without a phone yet
    POST /_portal/seats    {"zoom_phone": 60, "Zoom Phone Pro": 20}: so many are bought, by name
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, request

from provisioner.simulators.common.lines import Line, SnapshotError, in_words
from provisioner.simulators.common.log import json_lines

from .account import Account, current_account, stamp
from .dump import catalog_line, user_lines
from .errors import ZoomError, no_user, refused
from .operation_entries import ADMINISTRATOR, noted
from .phones import free_holdings, seats_used, take_phone
from .service import Answer
from .snapshot import ONCE, Loader

blueprint = Blueprint("zoom_portal", __name__)

LICENSE = "zoom_phone"
PHONE_MEMBERS = (
    "license",
    "packages",
    "template",
    "site",
    "extension_number",
    "numbers",
    "delegates",
)


@contextmanager
def _by_hand(account: Account) -> Iterator[None]:
    """Hold the database for an edit of whom the request names, and log what it changes."""
    given = _given()
    operator = given.get("operator", ADMINISTRATOR)
    if not isinstance(operator, str):
        raise refused("operator must be a mail address.")
    names = [
        given[name] for name in ("id", "email", "new_email") if isinstance(given.get(name), str)
    ]
    with account.state.transaction(), noted(account.state, names, operator, stamp(account.clock())):
        yield


@blueprint.get("/_portal/log")
def show_log() -> Response:
    """Every accepted write."""
    return json_lines(current_account().state.log())


@blueprint.get("/_portal/state")
def show_state() -> Response:
    """The whole account."""
    state = current_account().state
    with state.transaction():
        lines = [catalog_line(state), *user_lines(state)]
    return json_lines(lines)


@blueprint.post("/_portal/accept")
def accept() -> Answer:
    """A pending user accepts."""
    account = current_account()
    with _by_hand(account):
        user = _user(account)
        if user["status"] != "pending":
            raise refused(f"The user {user['email']} is not pending.")
        account.state.run("UPDATE users SET status = 'active' WHERE id = ?", user["id"])
    return jsonify(id=user["id"]), 200


@blueprint.post("/_portal/trash")
def trash() -> Answer:
    """Soft-delete a phone user."""
    account = current_account()
    with _by_hand(account):
        phone = _phone(account, trashed=False)
        if not account.options.trash_keeps:
            free_holdings(account.state, phone["id"])
        account.state.run("UPDATE phones SET status = 'trashed' WHERE id = ?", phone["id"])
    return jsonify(id=phone["id"]), 200


@blueprint.post("/_portal/restore")
def restore() -> Answer:
    """Take a phone user out of the trash; they need a seat again."""
    account = current_account()
    with _by_hand(account):
        phone = _phone(account, trashed=True)
        seats = account.state.setting("seats")
        if seats is not None and seats_used(account.state) >= seats:
            raise refused("No Zoom Phone license is available.")
        account.state.run("UPDATE phones SET status = 'activate' WHERE id = ?", phone["id"])
    return jsonify(id=phone["id"]), 200


@blueprint.post("/_portal/delegate")
def accept_delegation() -> Answer:
    """A delegate accepts to answer for somebody."""
    account, given = current_account(), _given()
    with account.state.transaction():
        delegator, delegate = _user(account), account.state.user(str(given.get("delegate")))
        if delegate is None:
            raise no_user(str(given.get("delegate")))
        accepted = account.state.run(
            "UPDATE delegates SET accepted = 1 WHERE delegator = ? AND delegate = ?",
            delegator["id"],
            delegate["id"],
        )
    if not accepted:
        raise refused(f"{delegate['email']} was not asked to answer for {delegator['email']}.")
    return jsonify(id=delegate["id"]), 200


@blueprint.post("/_portal/manager")
def make_manager() -> Answer:
    """Have a phone user manage a call queue: an account user whom Zoom then refuses to change."""
    account, queue = current_account(), str(_given().get("queue"))
    with account.state.transaction():
        phone = _phone(account, trashed=False)
        known = "SELECT 1 FROM shared_extensions WHERE id = ? AND kind = 'call_queue'"
        if account.state.row(known, queue) is None:
            raise refused(f"There is no call queue {queue}.")
        account.state.run(
            "INSERT INTO shared_members (extension, member, level) VALUES (?, ?, 'manager')"
            " ON CONFLICT (extension, member) DO UPDATE SET level = 'manager'",
            queue,
            phone["id"],
        )
        account.state.run("UPDATE users SET operator = 1 WHERE id = ?", phone["id"])
    return jsonify(id=phone["id"]), 200


@blueprint.post("/_portal/room")
def add_room() -> Answer:
    """Set up a Zoom Room, which POST /phone/rooms can then give a phone."""
    account, given = current_account(), _given()
    name = given.get("name")
    if not isinstance(name, str) or not name:
        raise refused("name is required.")
    with account.state.transaction():
        id_ = account.state.fresh_id("room")
        account.state.run("INSERT INTO rooms (id, name) VALUES (?, ?)", id_, name)
    return jsonify(id=id_), 200


@blueprint.post("/_portal/seats")
def buy_seats() -> Answer:
    """Set how many phone licenses and calling plans the account has; null: as many as anybody wants."""
    state, given = current_account().state, _given()
    with state.transaction():
        given.pop("operator", None)
        for name, seats in given.items():
            if seats is not None and (isinstance(seats, bool) or not isinstance(seats, int)):
                raise refused(f"{name}: a number of seats, or null.")
            if name == LICENSE:
                state.set("seats", seats)
            elif not state.run("UPDATE plans SET subscribed = ? WHERE name = ?", seats, name):
                raise refused(f"There is no calling plan {name}.")
    return jsonify(given), 200


@blueprint.post("/_portal/user")
def edit_user() -> Answer:
    """Edit a person by hand, or make a new one; answers the snapshot line that results."""
    account, given = current_account(), dict(_given())
    name = given.get("id") or given.get("email")
    if not isinstance(name, str):
        raise refused("email or id is required.")
    given.pop("operator", None)
    with _by_hand(account):
        try:
            id_ = _replace(account, account.state.user(name), given)
        except (msgspec.ValidationError, SnapshotError, sqlite3.IntegrityError) as error:
            raise refused(in_words(error, ONCE)) from None
        line = next(user_lines(account.state, only=id_))
    return jsonify(line), 200


def _replace(account: Account, user: sqlite3.Row | None, given: dict[str, Any]) -> str:
    """Put a person made of the old line and the given members in the old one's place."""
    state = account.state
    if user is None:
        line: dict[str, Any] = {"id": state.fresh_id("user")}
    else:
        line = next(user_lines(state, only=user["id"]))
        given.pop("email", None)
    if "new_email" in given:
        given["email"] = given.pop("new_email")
    gone = given.get("license", "kept") is None or given.get("status") == "inactive"
    line |= dict.fromkeys(PHONE_MEMBERS) if gone else {}
    line |= given
    if user is None:
        return _add(account, line)
    phone = state.phone(user["id"])
    serves = state.rows("SELECT * FROM delegates WHERE delegate = ?", user["id"])
    answers = state.rows("SELECT * FROM shared_members WHERE member = ?", user["id"])
    take_phone(state, user["id"])
    state.run("DELETE FROM users WHERE id = ?", user["id"])
    id_ = _add(account, line)
    job_title = line.get("job_title")
    profile = json.loads(user["profile"]) | {"job_title": job_title}
    state.run(
        "UPDATE users SET seq = ?, settings = ?, profile = ? WHERE id = ?",
        user["seq"],
        user["settings"],
        json.dumps({k: v for k, v in profile.items() if v is not None}),
        id_,
    )
    if phone is not None and state.phone(id_) is not None:
        state.run("UPDATE phones SET seq = ? WHERE id = ?", phone["seq"], id_)
        state.run_many("INSERT INTO delegates VALUES (?, ?, ?, ?)", map(tuple, serves))
        state.run_many("INSERT INTO shared_members VALUES (?, ?, ?, ?)", map(tuple, answers))
    return id_


def _add(account: Account, line: dict[str, Any]) -> str:
    loader = Loader(account)
    made = msgspec.convert(line, Line)
    loader.take(made)
    loader.finish()
    return made.id


def _given() -> dict[str, Any]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise refused("Request Body should be a valid JSON object.")
    return given


def _user(account: Account) -> sqlite3.Row:
    email = _given().get("email")
    user = account.state.user(email) if isinstance(email, str) else None
    if user is None:
        raise no_user(str(email))
    return user


def _phone(account: Account, *, trashed: bool) -> sqlite3.Row:
    user = _user(account)
    phone = account.state.phone(user["id"])
    if phone is None or (phone["status"] == "trashed") != trashed:
        where = "in the trash" if trashed else "a phone user"
        raise ZoomError(404, 1001, f"{user['email']} is not {where}.")
    return phone
