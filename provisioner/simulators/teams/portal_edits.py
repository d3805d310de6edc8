"""The edits behind `/_portal`: each takes the tenant and the request's object, and answers with JSON."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import msgspec

from provisioner.simulators.common.lines import Line, SnapshotError, in_words

from .account import Tenant
from .dump import user_lines
from .errors import not_found, refused
from .holdings import PLENTY, held, plans_of, products, replace
from .memberships import queue, set_member
from .skus import CALLING, CREDITS, PHONE, PLAN_IDS, PRODUCTS, SUITES, Product, product_named
from .snapshot import ONCE, Loader
from .state import State, fold, make_id
from .teams_users import make_policy, policy_type
from .user_view import PROPERTIES
from .users import soft_delete

MOST_DELEGATES = 25
PERMISSIONS = (
    "MakeCalls", "ReceiveCalls", "ManageSettings", "PickUpHeldCalls", "JoinActiveCalls",
)  # fmt: skip

Given = dict[str, Any]


def _user(tenant: Tenant, name: Any) -> sqlite3.Row:
    row = tenant.state.user(name) if isinstance(name, str) else None
    if row is None and isinstance(name, str):
        row = tenant.state.row(
            "SELECT * FROM users WHERE lower(json_extract(props, '$.mail')) = lower(?)"
            " AND deleted IS NULL",
            name,
        )
    if row is None:
        raise not_found(str(name))
    return row


def _named(given: Given) -> Any:
    return given.get("id") or given.get("email")


def change_user(tenant: Tenant, given: Given) -> Given:
    """Edit a user by hand, or make a new one; answers the snapshot line that results."""
    state, name = tenant.state, _named(given)
    if not isinstance(name, str):
        raise refused("email or id is required.")
    row = state.user(name)
    line: Given = {"id": state.fresh_id("user")}
    if row is not None:
        line = next(user_lines(state, only=row["id"]))
        line["vendor"]["licenses"] = _kept(line, given)
    line |= given
    if row is not None:
        _forget(state, row["id"])
    try:
        loader, made = Loader(tenant), msgspec.convert(line, Line)
        loader.take(made)
        loader.finish()
    except (msgspec.ValidationError, SnapshotError, sqlite3.IntegrityError) as error:
        raise refused(in_words(error, ONCE)) from None
    if row is not None:
        state.run("UPDATE users SET seq = ? WHERE id = ?", row["seq"], row["id"])
    state.changed("user", made.id, "changed", PROPERTIES, tenant.now_s())
    return next(user_lines(state, only=made.id))


def _kept(line: Given, given: Given) -> list[Given]:
    """Return the licenses that stay: not those of a kind that the edit sets anew."""

    def told_anew(entry: Given) -> bool:
        own = product_named(entry["sku"])
        if own.role in SUITES or entry.get("group"):
            return False
        return (
            ("license" in given and bool(PHONE & set(own.plans)))
            or ("packages" in given and bool(CALLING & set(own.plans)))
            or ("credits" in given and own.id == CREDITS)
        )

    return [entry for entry in line["vendor"].get("licenses", []) if not told_anew(entry)]


def _forget(state: State, user: str) -> None:
    for table, column in (("licenses", "user"), ("policy_assignments", "user"), ("users", "id")):
        state.run(f"DELETE FROM {table} WHERE {column} = ?", user)  # noqa: S608 (our own names)
    state.run("DELETE FROM delegates WHERE delegator = ?", user)
    state.run("UPDATE numbers SET holder = NULL, category = NULL WHERE holder = ?", user)


def delete_user(tenant: Tenant, given: Given) -> Given:
    """Delete a user softly, stripped of licenses unless told otherwise."""
    row = _user(tenant, _named(given))
    soft_delete(tenant, row, keep_licenses=not given.get("strip", True))
    return {"id": row["id"]}


def set_seats(tenant: Tenant, given: Given) -> Given:
    """Set what is bought of products, by name."""
    for name, seats in given.items():
        units = seats if isinstance(seats, dict) else {"enabled": seats}
        for unit, number in units.items():
            if unit not in ("enabled", "warning", "suspended", "locked"):
                raise refused(f"{name}: there are no units {unit}.")
            if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
                raise refused(f"{name}: a number of seats, or null.")
        _subscribe(tenant.state, product_named(name))
        for unit, number in units.items():
            tenant.state.run(
                f"UPDATE skus SET {unit} = ? WHERE id = ?",  # noqa: S608 (one of four)
                number,
                product_named(name).id,
            )
    return given


def _subscribe(state: State, own: Product) -> None:
    state.run(
        "INSERT OR IGNORE INTO skus (id, part, name, role, plans) VALUES (?, ?, ?, ?, ?)",
        own.id,
        own.part,
        own.name,
        own.role,
        json.dumps(own.plans),
    )


def fund_credits(tenant: Tenant, given: Given) -> Given:
    """Fund Communications Credits: the product's seats appear; with 0 they are gone."""
    seats = given.get("seats", PLENTY)
    if isinstance(seats, bool) or not isinstance(seats, int) or seats < 0:
        raise refused("seats must be a whole number.")
    state = tenant.state
    if seats:
        _subscribe(state, PRODUCTS[CREDITS])
        state.run("UPDATE skus SET enabled = ? WHERE id = ?", seats, CREDITS)
    else:
        _end_credits(tenant)
    return {"seats": seats}


def _end_credits(tenant: Tenant) -> None:
    """Let the product go, and everybody's license of it."""
    state, now = tenant.state, tenant.now_s()
    for row in state.rows("SELECT DISTINCT user FROM licenses WHERE sku = ?", CREDITS):
        rest = [each for each in held(state, row["user"]) if each.sku != CREDITS]
        replace(state, row["user"], rest, now)
    state.run("DELETE FROM skus WHERE id = ?", CREDITS)


def change_agreement(tenant: Tenant, given: Given) -> Given:
    """Switch the tenant to a Microsoft Customer Agreement (paid afterwards), or back."""
    agreement = given.get("agreement")
    if agreement == "mca":
        _end_credits(tenant)
    elif agreement == "other":
        fund_credits(tenant, {})
    else:
        raise refused("agreement must be mca or other.")
    return {"agreement": agreement}


def change_group(tenant: Tenant, given: Given) -> Given:
    """Make or change a group; its licenses are worked out in the background."""
    state, name = tenant.state, given.get("name")
    if not isinstance(name, str) or not name:
        raise refused("name is required.")
    id_, now = make_id("group", fold(name)), tenant.now_s()
    new = state.run("INSERT OR IGNORE INTO groups (id, name) VALUES (?, ?)", id_, name)
    fields = {"displayName"} if new else set()
    for inside, mails in ((True, given.get("add", ())), (False, given.get("remove", ()))):
        for mail in mails:
            set_member(tenant, id_, _user(tenant, mail)["id"], inside=inside)
    if "licenses" in given:
        products = [product_named(sku) for sku in given["licenses"]]
        for own in products:
            _subscribe(state, own)
        entries = [{"skuId": own.id, "disabledPlans": []} for own in products]
        state.run("UPDATE groups SET licenses = ? WHERE id = ?", json.dumps(entries), id_)
        fields.add("assignedLicenses")
    queue(tenant, id_)
    if fields:
        state.changed("group", id_, "changed", fields, now)
    return {"id": id_, "name": name}


def make_number(tenant: Tenant, given: Given) -> Given:
    """Acquire a number, or change what is known of one."""
    number = given.get("number")
    if not isinstance(number, str) or not number.startswith("+"):
        raise refused("number must be an E.164 number.")
    state = tenant.state
    state.run("INSERT OR IGNORE INTO numbers (number, type) VALUES (?, 'callingPlan')", number)
    columns = {"type": "type", "source": "source", "city": "city", "country": "country"}
    for name, column in columns.items():
        if name in given:
            sql = f"UPDATE numbers SET {column} = ? WHERE number = ?"  # noqa: S608 (one of four)
            state.run(sql, given[name], number)
    return {"number": number}


def make_location(tenant: Tenant, given: Given) -> Given:
    """Make an emergency location."""
    name = str(given.get("name", ""))
    id_ = make_id("location", name)
    tenant.state.run("INSERT OR IGNORE INTO locations VALUES (?, ?)", id_, name)
    return {"id": id_, "name": name}


def new_policy(tenant: Tenant, given: Given) -> Given:
    """Make a policy."""
    kind = policy_type(str(given.get("type", "")))
    if kind is None:
        raise refused(f"There is no policy type {given.get('type')}.")
    return {"id": make_policy(tenant.state, kind, str(given.get("name", "")))}


def change_delegation(tenant: Tenant, given: Given) -> Given:
    """Add or remove a delegate of a user, as the cmdlets do."""
    state, user = tenant.state, _user(tenant, _named(given))
    if "remove" in given:
        delegate = _user(tenant, given["remove"])["id"]
        gone = state.run(
            "DELETE FROM delegates WHERE delegator = ? AND delegate = ?", user["id"], delegate
        )
        if not gone:
            raise refused(f"{given['remove']} is not a delegate.")
        return {"id": user["id"]}
    delegate = _user(tenant, given.get("add"))["id"]
    permissions = given.get("permissions", ["MakeCalls", "ReceiveCalls"])
    if unknown := [each for each in permissions if each not in PERMISSIONS]:
        raise refused(f"There is no permission {', '.join(unknown)}.")
    for one in (user["id"], delegate):
        if not PHONE & plans_of(products(state), held(state, one)):
            raise refused(f"User {one} does not have a Teams Phone license.")
    others = state.value(
        "SELECT count(*) FROM delegates WHERE delegator = ? AND delegate <> ?", user["id"], delegate
    )
    if others >= MOST_DELEGATES:
        raise refused(f"A user can have at most {MOST_DELEGATES} delegates.")
    state.run(
        "INSERT OR REPLACE INTO delegates VALUES (?, ?, ?)",
        user["id"],
        delegate,
        json.dumps(permissions),
    )
    return {"id": user["id"]}


def reset_delta(tenant: Tenant, _: Given) -> Given:
    """Let all delta tokens that were given so far be gone, as after a move of the tenant."""
    tenant.state.set("delta_reset", tenant.now_s())
    return {}


def set_rules(tenant: Tenant, given: Given) -> Given:
    """Set which service plans exclude each other, and where products may not be used."""
    if "exclusive" in given:
        pairs = [[PLAN_IDS.get(plan, plan) for plan in pair] for pair in given["exclusive"]]
        tenant.state.set("exclusive", json.dumps(pairs))
    if "prohibited" in given:
        places = {product_named(name).id: where for name, where in given["prohibited"].items()}
        tenant.state.set("prohibited", json.dumps(places))
    return given
