"""The project's snapshot lines in and out: an inventory becomes this account, and the account one.

A first line may be a catalog that counts the pools; then one phone user a line: person, room or
common area. What Zoom itself doesn't have (credits, softphone, a foreign license's name, `vendor`)
is kept and given back. `key` is a user's employee unique id.

Loading checks nothing that Zoom would refuse to *do*, only what an account can't *be*: the same
mail address, extension number or number twice. Calling plans that Zoom doesn't know are made up
(names.plan_named); sites and templates that only a user names are made; a phone user without an
extension number gets the next free one, and without a site the main one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from provisioner.simulators.common.lines import Catalog, Line, Loaded, SnapshotError
from provisioner.simulators.common.lines import load as load_lines

from .account import Account, stamp
from .names import DEFAULT_PRIVILEGES, Plan, fold, plan_named, privilege_named
from .state import make_id

NO_MAIL = "no-mail.invalid"
"""The domain of the address made up for a person who has none; an account user must."""

ROLES = {"owner": "0", "admin": "1", "member": "2"}
ROLE_NAMES = {number: name for name, number in ROLES.items()}


TYPES = {"person": "user", "room": "zr", "common_area": "commonArea"}
"""The type of template that each kind of phone user takes."""


ONCE = {
    "users.email_key": "another user has this mail address",
    "users.id": "another line has this id",
    "phones.id": "another line has this id",
    "phones.extension_number": "another phone has this extension number",
    "phones.extension_id": "another phone has this extension id",
}
"""What an account can hold once only, in words."""


def load(account: Account, lines: Iterable[str]) -> Loaded:
    """Load snapshot lines into the account, all or none; raise SnapshotError naming the line."""
    return load_lines(account.state, lambda: Loader(account), lines, ONCE)


class Loader:
    """Takes lines one by one; delegations and missing extension numbers come at the end."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._state = account.state
        self._now = stamp(account.clock())
        self._sites: dict[str, str] = {}
        self._templates: dict[tuple[str, str, str], str] = {}
        self._plans: dict[str, int] = {}
        self._delegates: list[tuple[str, str]] = []
        self._unnumbered: list[str] = []
        self._counted = False
        self._count = 0

    def take_catalog(self, catalog: Catalog) -> None:
        """Count the pools as the catalog does, and make what it names."""
        state = self._state
        if catalog.licenses:
            state.set("seats", next(iter(catalog.licenses.values())))
        if catalog.packages is not None:
            self._counted = True
            state.run("DELETE FROM plans WHERE type NOT IN (SELECT type FROM held_plans)")
            for name, total in catalog.packages.items():
                self._make_plan(plan_named(name), total)
        for site in catalog.sites or ():
            self._site(site)
        for template in catalog.templates or ():
            name, where = (template, None) if isinstance(template, str) else template
            self._make_template(name, None if where is None else self._site(where))
        for number in catalog.numbers or ():
            text, where = (number, None) if isinstance(number, str) else number
            self._make_number(text, None if where is None else self._site(where), None)

    def take(self, line: Line) -> None:
        """Make the user and the phone of one line."""
        self._count += 1
        if line.kind == "person":
            self._make_user(line)
        if self._has_phone(line):
            self._make_phone(line)

    def finish(self) -> Loaded:
        """Number the phones that need it, make the delegations, and say what was left over."""
        state = self._state
        extension = state.next_extension()
        rows = [(extension + i, holder) for i, holder in enumerate(self._unnumbered)]
        state.run_many("UPDATE phones SET extension_number = ? WHERE id = ?", rows)
        unknown = []
        for delegator, name in self._delegates:
            delegate = self._holder_named(name)
            if delegate is None:
                unknown.append((delegator, name))
                continue
            state.run(
                "INSERT OR IGNORE INTO delegates (delegator, delegate) VALUES (?, ?)",
                delegator,
                delegate,
            )
        return Loaded(self._count, tuple(unknown))

    def _has_phone(self, line: Line) -> bool:
        held = line.license or line.packages or line.numbers or line.extension_number
        return bool(line.kind != "person" or held or line.status == "trashed")

    def _make_user(self, line: Line) -> None:
        vendor = line.vendor or {}
        first, last = vendor.get("first_name"), vendor.get("last_name")
        if first is None and last is None:
            first, _, last = (line.display_name or "").strip().rpartition(" ")
            first, last = first or last, last if first else ""
        email = line.email or f"{line.id}@{NO_MAIL}"
        profile = {"job_title": line.job_title} if line.job_title else {}
        self._state.run(
            "INSERT INTO users (id, email, email_key, first_name, last_name, display_name, dept,"
            " cost_center, type, status, role_id, unique_id, zoom_one_type, operator, created_at,"
            " profile, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            line.id,
            email,
            fold(email),
            first or "",
            last or "",
            line.display_name,
            line.department,
            vendor.get("cost_center"),
            vendor.get("type", 1),
            "active" if line.status == "trashed" else line.status,
            ROLES[line.role],
            line.key,
            vendor.get("zoom_one_type"),
            bool(vendor.get("call_queue_manager")),
            vendor.get("created_at", self._now),
            json.dumps(profile),
            json.dumps(_extra(line)),
        )

    def _make_phone(self, line: Line) -> None:
        state, vendor = self._state, line.vendor or {}
        site = self._site(line.site) if line.site else state.default_site()
        privileges = _privileges(line.delegate_privileges)
        status = "trashed" if line.status == "trashed" else vendor.get("phone_status", "activate")
        # a common area's id and its extension id are one and the same in Zoom's lists
        made = line.id if line.kind == "common_area" else make_id("extension", line.id)
        state.run(
            "INSERT INTO phones (id, kind, name, license, phone_user_id, extension_id,"
            " extension_number, site_id, template_id, status, policy, privacy, privileges, extra)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            line.id,
            line.kind,
            None if line.kind == "person" else line.display_name or line.id,
            line.license or ("zoom_phone" if line.kind == "person" else None),
            vendor.get("phone_user_id") or make_id("phone_user", line.id),
            vendor.get("extension_id") or made,
            _extension(line.extension_number),
            site,
            self._template(line.template, site, TYPES[line.kind]) if line.template else None,
            status,
            json.dumps(vendor.get("policy", {})),
            bool(vendor.get("delegation_privacy")),
            json.dumps(privileges),
            "{}" if line.kind == "person" else json.dumps(_extra(line) | {"key": line.key}),
        )
        if line.extension_number is None:
            self._unnumbered.append(line.id)
        types = dict.fromkeys(self._plan(name) for name in line.packages or ())
        state.run_many(
            "INSERT INTO held_plans (holder, type) VALUES (?, ?)", [(line.id, t) for t in types]
        )
        for place, number in enumerate(line.numbers or (), start=1):
            self._make_number(number, site, line.id, place)
        self._delegates += [(line.id, name) for name in line.delegates or ()]

    def _site(self, name: str) -> str:
        site = self._sites.get(name)
        if site is None:
            site = self._sites[name] = self._state.make_site(name)
        return site

    def _template(self, name: str, site: str, type_: str = "user") -> str:
        found = self._templates.get((name, site, type_))
        if found is None:
            row = self._state.template_at(name, site, type_)
            found = str(row["id"]) if row else self._make_template(name, site, type_)
            self._templates[name, site, type_] = found
        return found

    def _make_template(self, name: str, site: str | None, type_: str = "user") -> str:
        sort = () if type_ == "user" else (type_,)
        id_ = make_id("template", fold(name), site, *sort)
        self._state.run(
            "INSERT OR IGNORE INTO templates (id, name, name_key, site_id, type)"
            " VALUES (?, ?, ?, ?, ?)",
            id_,
            name,
            fold(name),
            site,
            type_,
        )
        return id_

    def _plan(self, name: str) -> int:
        type_ = self._plans.get(name)
        if type_ is None:
            plan = plan_named(name)
            self._make_plan(plan, 0 if self._counted else None, keep=True)
            type_ = self._plans[name] = plan.type
        return type_

    def _make_plan(self, plan: Plan, total: int | None, *, keep: bool = False) -> None:
        if not (keep and self._state.row("SELECT 1 FROM plans WHERE type = ?", plan.type)):
            self._state.run("INSERT OR REPLACE INTO plans VALUES (?, ?, ?, ?)", *plan, total)

    def _make_number(
        self, number: str, site: str | None, holder: str | None, place: int = 0
    ) -> None:
        taken = self._state.row("SELECT holder FROM numbers WHERE number = ?", number)
        if taken is None:
            self._state.run(
                "INSERT INTO numbers (id, number, site_id, holder, place) VALUES (?, ?, ?, ?, ?)",
                make_id("number", number),
                number,
                site,
                holder,
                place,
            )
        elif taken["holder"] is not None:
            raise SnapshotError(f"another phone has the number {number}")
        elif holder is not None:
            self._state.run(
                "UPDATE numbers SET holder = ?, place = ? WHERE number = ?", holder, place, number
            )

    def _holder_named(self, name: str) -> str | None:
        user = self._state.user(name)
        if user is not None and self._state.phone(user["id"]):
            return str(user["id"])
        area: str | None = self._state.value(
            "SELECT id FROM phones WHERE kind = 'common_area' AND name = ?", name
        )
        return area


def _extra(line: Line) -> dict[str, Any]:
    """Return what a line has that Zoom has no place for."""
    extra = {
        "credits": line.credits,
        "softphone": line.softphone,
        "emergency_address": line.emergency_address,
        "usage_location": line.usage_location,
        "vendor": line.vendor,
        "no_email": True if line.kind == "person" and line.email is None else None,
    }
    return {name: value for name, value in extra.items() if value}


def _privileges(names: list[str] | None) -> list[int]:
    if not names:
        return list(DEFAULT_PRIVILEGES)
    numbers = {name: privilege_named(name) for name in names}
    unknown = [name for name, number in numbers.items() if number is None]
    if unknown:
        raise SnapshotError(f"no such delegate privilege: {', '.join(unknown)}")
    return sorted(number for number in numbers.values() if number is not None)


def _extension(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise SnapshotError(f"the extension number {text!r} is not a number")
    return int(text)
