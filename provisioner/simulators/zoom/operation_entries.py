"""What Zoom's operation log says of a write: who did what to whom, in free text.

An entry names nobody by an id. Some texts have a name with the mail address in brackets, others the
name alone, the address alone, or the extension number, and no two writers of Zoom's agree on capitals.
What an account user is called, or where they work, is not the phone system's, and isn't in its log.
Source: the examples in Zoom's own references of GET /phone/reports/operationlogs ("Assign Phone Number
+120000123 to Sam Mendes(…)", "Unbind Phone Number +1112222 From …", "Add BYOC +86 182 5188 5564") and of
GET /report/operationlogs ("Edit User …  - Change Type: from Basic to Licensed").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from .names import display_name
from .state import State

OWNER, ADMINISTRATOR = "owner@example.com", "administrator@example.com"
"""Who an app writes for where the account has no owner, and who edits by hand where nobody is named."""

_OWNERS_ROLE = "0"
_VERBS = {"POST": ("ADD", "Add"), "PUT": ("UPDATE", "Edit"), "PATCH": ("UPDATE", "Edit"), "DELETE": ("DELETE", "Delete")}  # fmt: skip
_CATEGORIES = {
    "/phone/call_queues": "Call Queue",
    "/phone/shared_line_groups": "Shared Line Group",
    "/phone/common_areas": "User",
    "/phone/rooms": "Zoom Room",
    "/phone/sites": "Multiple Sites",
    "/phone/numbers": "Phone Number",
    "/phone/devices": "Device",
    "/phone/emergency_addresses": "Emergency Address",
    "/phone/setting_templates": "Extension Template",
    "/phone/settings": "Company Information",
    "/phone/provision_templates": "Provision Template",
    "/phone/users": "User",
}
"""By the beginning of a path: the category of a write that changes nothing that anybody holds."""
_NAMING = ("name", "display_name", "phone_numbers", "address_line1")


class Entry(NamedTuple):
    """One line of the log, but for who did it and when."""

    action: str
    category: str
    detail: str


class Holder(NamedTuple):
    """A user, room or common area, as the phone system has it: `mail` is "" for a place."""

    id: str
    name: str
    mail: str
    license: str | None = None
    status: str | None = None
    extension: str | None = None
    site: str | None = None
    template: str | None = None
    plans: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    delegates: frozenset[str] = frozenset()

    @property
    def both(self) -> str:
        """The name, with the mail address in brackets where there is one."""
        return f"{self.name}({self.mail})" if self.mail else self.name


@contextmanager
def noted(state: State, names: Iterable[str], operator: str, time: str) -> Iterator[list[Entry]]:
    """Log what the block changes about these users, rooms and common areas (ids or mail addresses).

    What is appended to the list it gives is logged too, where the block changed nothing of theirs.
    """
    called = list(names)
    before = {each.id: each for each in _looked_up(state, called)}
    others: list[Entry] = []
    yield others
    after = {each.id: each for each in _looked_up(state, [*called, *before])}
    entries = [
        entry
        for id_ in before | after
        for entry in _changed(state, before.get(id_), after.get(id_))
    ]
    state.run_many(
        "INSERT INTO operation_logs (time, action, category, detail, operator)"
        " VALUES (?, ?, ?, ?, ?)",
        [(time, *entry, operator) for entry in entries or others],
    )


def of_write(method: str, path: str, body: object) -> Entry | None:
    """Return the entry of a write through the interface; None for one outside of the phone system."""
    known = (c for prefix, c in _CATEGORIES.items() if f"{path}/".startswith(f"{prefix}/"))
    category = next(known, "Account Options")
    if not path.startswith("/phone/"):
        return None
    action, verb = _VERBS[method]
    if "/policies/" in path:
        category = "Policy"
    given = body if isinstance(body, dict) else {}
    name = next((given[n] for n in _NAMING if isinstance(given.get(n), str)), "")
    return Entry(action, category, f"{verb} {category} {name or path.rpartition('/')[2]}")


def operator_of(state: State) -> str:
    """Return for whom an app writes: the account's owner."""
    mail = state.value("SELECT email FROM users WHERE role_id = ? ORDER BY seq", _OWNERS_ROLE)
    return str(mail or OWNER)


def _looked_up(state: State, names: Iterable[str]) -> Iterator[Holder]:
    for name in dict.fromkeys(names):
        user = state.user(name)
        phone = state.phone(user["id"] if user else name)
        if phone is None or phone["status"] == "trashed":
            if user is not None:
                yield Holder(user["id"], display_name(user), user["email"], status=user["status"])
            continue
        id_, number = phone["id"], phone["extension_number"]
        yield Holder(
            id=id_,
            name=display_name(user) if user else str(phone["name"]),
            mail=user["email"] if user else "",
            license=phone["license"],
            status=user["status"] if user else "active",
            extension=None if number is None else str(number),
            site=state.value("SELECT name FROM sites WHERE id = ?", phone["site_id"]),
            template=state.value("SELECT name FROM templates WHERE id = ?", phone["template_id"]),
            plans=_values(state, "name FROM held_plans JOIN plans USING (type) WHERE holder", id_),
            numbers=_values(state, "number FROM numbers WHERE holder", id_),
            delegates=_values(state, "delegate FROM delegates WHERE delegator", id_),
        )


def _values(state: State, of: str, id_: str) -> frozenset[str]:
    return frozenset(row[0] for row in state.rows(f"SELECT {of} = ?", id_))


def _changed(state: State, old: Holder | None, new: Holder | None) -> Iterator[Entry]:
    """Yield what became otherwise of one holder."""
    if old is None and new is None:
        return
    none = Holder("", "", "")
    who = new or old or none
    was, now = old or none, new or none
    if was.license and not now.license:
        yield Entry("DELETE", "User", f"Remove Zoom Phone license From {who.both}")
        return  # what hung on it goes without a word
    if now.license and not was.license:
        yield Entry("ADD", "User", f"Add User {who.both} Ext. {now.extension}")
    elif was.extension != now.extension:
        what = f"Extension Number: from {was.extension} to {now.extension}"
        yield Entry("UPDATE", "Extension", f"Edit Extension {who.both}  - {what}")
    for plan in sorted(was.plans - now.plans):
        yield Entry("DELETE", "Calling Plan", f"Remove Calling Plan {plan} From {who.both}")
    for plan in sorted(now.plans - was.plans):
        yield Entry("ADD", "Calling Plan", f"Assign calling plan {plan} to Ext. {now.extension}")
    for number in sorted(was.numbers - now.numbers):
        yield Entry("UPDATE", "Phone Number", f"Unbind Phone Number {number} From {who.name}")
    for number in sorted(now.numbers - was.numbers):
        yield Entry(
            "UPDATE", "Phone Number", f"Assign Phone Number {_spaced(number)} to {who.both}"
        )
    if was.site and now.site and was.site != now.site:
        what = f"Site: from {was.site} to {now.site}"
        yield Entry("UPDATE", "User", f"Edit User {who.mail or who.name}  - {what}")
    if now.template and was.template != now.template:
        said = f"Apply Template {now.template} to {who.name} (Ext. {now.extension})"
        yield Entry("UPDATE", "Extension Template", said)
    for verb, action, way, ids in (
        ("Remove", "DELETE", "From", was.delegates - now.delegates),
        ("Add", "ADD", "to", now.delegates - was.delegates),
    ):
        for each in sorted(_called(state, id_) for id_ in ids):
            yield Entry(action, "Delegation", f"{verb} Assistant {each} {way} {who.both}")
    if old and new and was.status != now.status and "inactive" in (was.status, now.status):
        verb = "Deactivate" if now.status == "inactive" else "Activate"
        yield Entry("UPDATE", "User", f"{verb} User {who.mail} ")


def _called(state: State, id_: str) -> str:
    return next((each.both for each in _looked_up(state, [id_])), id_)


def _spaced(number: str) -> str:
    """Return a number in groups, as Zoom shows it.

    >>> _spaced("+8618251885564")
    '+861 825 188 5564'
    """
    head, tail = number[:-4], number[-4:]
    groups = [head[:4], *(head[n : n + 3] for n in range(4, len(head), 3)), tail]
    return " ".join(group for group in groups if group)


def named_in(path: dict[str, Any]) -> list[str]:
    """Return the users and places that are named in a request's path."""
    return [path[name] for name in ("user_id", "place_id") if name in path]
