"""The project's snapshot lines in: an inventory becomes this tenant.

A first line may be a catalog that counts the pools; then one phone user a line. What the directory
itself doesn't have (site, extension number, softphone, unknown `vendor` members) is kept and given
back. `key` is the user's employeeId. `vendor.licenses` lists what somebody has:

    {"sku": "Microsoft 365 E3", "disabled_plans": ["MCOSTANDARD"], "group": "All Staff", "error": null}

or just a product's name; `license`, `packages` and `credits` add what it lacks. Somebody of whom no
license is told, or who has add-ons without Teams, holds Microsoft 365 E3. Loading checks nothing that
Graph would refuse to *do*, only what a tenant can't *be*: one name or one number twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from provisioner.simulators.common.lines import Catalog, Line, Loaded, SnapshotError
from provisioner.simulators.common.lines import load as load_lines

from .account import Tenant
from .fields import GUID
from .holdings import NONE
from .skus import (
    BASE,
    CALLING,
    CREDITS,
    PHONE,
    PLAN_IDS,
    PRODUCTS,
    TEAMS,
    TEAMS_PHONE,
    Product,
    product_named,
)
from .state import fold, make_id
from .teams_users import TAG, make_policy, policy_type

NO_MAIL = "no-mail.invalid"
LICENSE = "teams_phone"
COUNTRIES = {
    "+1": "US",
    "+33": "FR",
    "+34": "ES",
    "+39": "IT",
    "+43": "AT",
    "+44": "GB",
    "+49": "DE",
}
SUBSCRIBED = (
    BASE, TEAMS_PHONE, *(p.id for p in PRODUCTS.values() if p.part in ("MCOPSTN1", "MCOPSTN2")),
    product_named("MCOMEETADV").id, product_named("Microsoft 365 E5").id,
)  # fmt: skip
"""What a tenant has bought of whose products nothing is told."""


ONCE = {
    "users.upn_key": "another user has this userPrincipalName (mail address)",
    "users.id": "another line has this id",
    "numbers.number": "another user has this number",
}
"""What a tenant can hold once only, in words."""


def load(tenant: Tenant, lines: Iterable[str]) -> Loaded:
    """Load snapshot lines into the tenant, all or none; raise SnapshotError naming the line."""
    return load_lines(tenant.state, lambda: Loader(tenant), lines, ONCE)


class Loader:
    """Takes lines one by one; licenses, groups and delegations are written at the end."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant, self._state = tenant, tenant.state
        self._stamp = tenant.stamp()
        self._licenses: list[tuple[object, ...]] = []
        self._groups: dict[str, dict[str, set[str]]] = {}
        self._members: set[tuple[str, str]] = set()
        self._delegates: list[tuple[str, str]] = []
        self._users: dict[str, str] = {}
        self._skus: set[str] = set()
        self._counted = False
        self._new = not tenant.state.value("SELECT count(*) FROM skus")
        self._count = 0

    def take_catalog(self, catalog: Catalog) -> None:
        """Count the seats as the catalog does, and make what it names."""
        for totals in (catalog.licenses, catalog.packages):
            self._counted |= totals is not None
            for name, total in (totals or {}).items():
                self._subscribe(product_named(name), total)
        for template in catalog.templates or ():
            self._policy(template if isinstance(template, str) else template[0])
        for number in catalog.numbers or ():
            text, city = (number, None) if isinstance(number, str) else number
            self._number(text, "callingPlan", city=city)

    def take(self, line: Line) -> None:
        """Make the user of one line."""
        self._count += 1
        vendor = dict(line.vendor or {})
        held = self._held(line, vendor.pop("licenses", None))
        trashed = line.status == "trashed"
        upn = vendor.pop("user_principal_name", None) or line.email or f"{line.id}@{NO_MAIL}"
        kept = [[sku, source, off, error, 0] for sku, source, off, error in held]
        self._state.run(
            "INSERT INTO users (id, upn_key, props, deleted, kept, voice, extra)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            line.id,
            f"deleted:{line.id}" if trashed else fold(upn),
            json.dumps(self._props(line, vendor, upn)),
            self._tenant.now_s() if trashed else None,
            json.dumps(kept) if trashed else "[]",
            bool(line.numbers) and not trashed,
            json.dumps(_extra(line, vendor)),
        )
        self._users[fold(upn)] = line.id
        if line.email:
            self._users.setdefault(fold(line.email), line.id)
        if trashed:
            return
        self._licenses += [
            (line.id, sku, source, json.dumps(off), error) for sku, source, off, error in held
        ]
        self._phone(line, vendor, {sku for sku, _, _, error in held if error == NONE})

    def _phone(self, line: Line, vendor: dict[str, Any], skus: set[str]) -> None:
        """Make what Teams has of a user: numbers, policies, delegates."""
        calls = any(CALLING & set(self._product(sku).plans) for sku in skus)
        place = self._location(line.emergency_address) if line.emergency_address else None
        about: dict[str, Any] = vendor.get("numbers") or {}
        for at, number in enumerate(line.numbers or ()):
            own = about.get(number, {})
            self._number(
                number,
                own.get("type") or ("callingPlan" if calls else "directRouting"),
                source=own.get("source", "online"),
                holder=line.id,
                category="alternate" if at else "primary",
                location=own.get("location") or place,
            )
        policies: dict[str, str] = dict(vendor.get("policies") or {})
        if line.template and not policies:
            policies = {"TeamsCallingPolicy": line.template}
        for kind, name in policies.items():
            known = policy_type(kind)
            if known is None:
                raise SnapshotError(f"no such policy type: {kind}")
            self._state.run(
                "INSERT OR REPLACE INTO policy_assignments VALUES (?, ?, ?)",
                line.id,
                known,
                make_policy(self._state, known, name.removeprefix(TAG)),
            )
        self._delegates += [(line.id, name) for name in line.delegates or ()]
        late = {plan for name in line.settling or () for plan in product_named(name).plans}
        if late & CALLING:
            self._state.run(
                "INSERT INTO plans_since VALUES (?, 'CallingPlan', ?)",
                line.id,
                self._tenant.now_s(),
            )

    def finish(self) -> Loaded:
        """Write licenses, groups and delegations, count the seats, and say what was left over."""
        state = self._state
        state.run_many(
            "INSERT OR REPLACE INTO licenses (user, sku, source, disabled, error, since)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(*row, self._tenant.now_s()) for row in self._licenses],
        )
        for name, products in self._groups.items():
            id_ = make_id("group", fold(name))
            told = json.loads(state.value("SELECT licenses FROM groups WHERE id = ?", id_) or "[]")
            known = {entry["skuId"] for entry in told}
            told += [
                {"skuId": sku, "disabledPlans": sorted(off)}
                for sku, off in products.items()
                if sku not in known
            ]
            state.run(
                "INSERT INTO groups (id, name, licenses) VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET licenses = excluded.licenses",
                id_,
                name,
                json.dumps(told),
            )
        state.run_many("INSERT OR IGNORE INTO members VALUES (?, ?)", sorted(self._members))
        self._subscribe_rest()
        state.run(
            "UPDATE skus SET consumed = (SELECT count(DISTINCT user) FROM licenses"
            " WHERE sku = skus.id AND error = 'None')"
        )
        live = state.value("SELECT count(*) FROM users WHERE deleted IS NULL")
        state.set("users", live)
        return Loaded(self._count, self._make_delegates())

    def _make_delegates(self) -> tuple[tuple[str, str], ...]:
        unknown = []
        for delegator, name in self._delegates:
            delegate = self._users.get(fold(name))
            if delegate is None:
                unknown.append((delegator, name))
                continue
            self._state.run(
                "INSERT OR IGNORE INTO delegates VALUES (?, ?, '[]')", delegator, delegate
            )
        return tuple(unknown)

    def _subscribe_rest(self) -> None:
        """Have a new tenant subscribe to what is usual, and to Communications Credits if they are funded."""
        if not self._new:
            return
        options = self._tenant.options
        for sku in () if self._counted else SUBSCRIBED:
            self._subscribe(PRODUCTS[sku], None, keep=True)
        if not options.mca and options.credits_seats:
            self._subscribe(PRODUCTS[CREDITS], options.credits_seats, keep=True)

    def _props(self, line: Line, vendor: dict[str, Any], upn: str) -> dict[str, Any]:
        props = {
            "userPrincipalName": upn,
            "mail": line.email,
            "mailNickname": upn.partition("@")[0],
            "displayName": line.display_name or upn,
            "givenName": vendor.pop("given_name", None),
            "surname": vendor.pop("surname", None),
            "department": line.department,
            "jobTitle": line.job_title,
            "usageLocation": line.usage_location,
            "employeeId": line.key,
            "accountEnabled": line.status in ("active", "pending"),
            "externalUserState": "PendingAcceptance" if line.status == "pending" else None,
            "onPremisesSyncEnabled": vendor.pop("on_premises", None),
            "createdDateTime": vendor.pop("created_at", self._stamp),
            "userType": "Member",
        }
        if line.kind != "person":
            props["isResourceAccount"] = True
        return {name: value for name, value in props.items() if value is not None}

    def _held(self, line: Line, told: Any) -> list[tuple[str, str, list[str], str]]:
        """Return (product, source, disabled plans, error) of everything that a line gives."""
        found = [self._entry(line, entry) for entry in told or ()]
        plans = {
            plan
            for sku, _, off, error in found
            if error == NONE
            for plan in set(self._product(sku).plans) - set(off)
        }
        wanted = []
        if line.license and (line.license.casefold() != LICENSE or not PHONE & plans):
            wanted.append(product_named(line.license))
        wanted += [product_named(name) for name in line.packages or ()]
        wanted += [PRODUCTS[CREDITS]] * bool(line.credits)
        plans |= {plan for each in wanted for plan in each.plans}
        if not TEAMS & plans and (wanted or told is None):
            wanted.insert(0, PRODUCTS[BASE])
        have = {sku for sku, _, _, _ in found}
        for each in wanted:
            if each.id not in have:
                have.add(each.id)
                seats = self._tenant.options.credits_seats if each.id == CREDITS else None
                self._subscribe(each, seats, keep=True)
                found.append((each.id, "", [], NONE))
        return found

    def _entry(self, line: Line, entry: Any) -> tuple[str, str, list[str], str]:
        told = {"sku": entry} if isinstance(entry, str) else dict(entry)
        own = product_named(str(told["sku"]))
        seats = self._tenant.options.credits_seats if own.id == CREDITS else None
        self._subscribe(own, seats, keep=True)
        off = sorted(PLAN_IDS.get(plan, plan) for plan in told.get("disabled_plans") or ())
        if unknown := [plan for plan in off if not GUID.fullmatch(plan)]:
            raise SnapshotError(f"no such service plan: {', '.join(unknown)} (give its GUID)")
        source = ""
        if told.get("group"):
            source = make_id("group", fold(told["group"]))
            products = self._groups.setdefault(told["group"], {})
            products.setdefault(own.id, set(off))
            self._members.add((source, line.id))
        return own.id, source, off, told.get("error") or NONE

    def _product(self, sku: str) -> Product:
        return PRODUCTS.get(sku) or product_named(sku)

    def _subscribe(self, own: Product, total: int | None, *, keep: bool = False) -> None:
        if keep and own.id in self._skus:
            return
        self._skus.add(own.id)
        self._state.run(
            "INSERT INTO skus (id, part, name, role, plans, enabled) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET enabled = iif(?, enabled, excluded.enabled)",
            own.id,
            own.part,
            own.name,
            own.role,
            json.dumps(own.plans),
            total,
            keep,
        )

    def _policy(self, name: str) -> None:
        kind, _, rest = name.partition(":")
        known = policy_type(kind) if rest else None
        if known is None:
            make_policy(self._state, "TeamsCallingPolicy", name.removeprefix(TAG))
        else:
            make_policy(self._state, known, rest.strip())

    def _location(self, name: str) -> str:
        id_ = make_id("location", name)
        self._state.run("INSERT OR IGNORE INTO locations VALUES (?, ?)", id_, name)
        return id_

    def _number(self, number: str, kind: str, **about: Any) -> None:
        country = next((c for p, c in COUNTRIES.items() if number.startswith(p)), None)
        row = {"number": number, "type": kind, "country": country} | about
        held = self._state.row("SELECT holder FROM numbers WHERE number = ?", number)
        if held is not None and held["holder"] is None and about.get("holder"):
            row.pop("city", None)
            sets = ", ".join(f"{name} = ?" for name in row)
            self._state.run(
                f"UPDATE numbers SET {sets} WHERE number = ?",  # noqa: S608 (our own names)
                *row.values(),
                number,
            )
            return
        if held is not None and not about.get("holder"):
            return
        names = ", ".join(row)
        self._state.run(
            f"INSERT INTO numbers ({names}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608
            *row.values(),
        )


def _extra(line: Line, vendor: dict[str, Any]) -> dict[str, Any]:
    """Return what a line has that the directory has no place for."""
    vendor = {name: value for name, value in vendor.items() if name not in ("policies", "numbers")}
    extra = {
        "kind": None if line.kind == "person" else line.kind,
        "role": None if line.role == "member" else line.role,
        "site": line.site,
        "template": line.template,
        "extension_number": line.extension_number,
        "softphone": line.softphone,
        "emergency_address": line.emergency_address,
        "delegate_privileges": line.delegate_privileges,
        "manager": vendor.pop("manager", None),
        "vendor": vendor,
        "no_email": True if line.email is None else None,
    }
    return {name: value for name, value in extra.items() if value}
