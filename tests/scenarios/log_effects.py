"""What the writes in a simulated Zoom account's log did: to whom, and which thing of theirs.

A plan touches each thing of a person once, so an effect that is counted twice was carried out twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Effect = tuple[str, str]

THINGS = {
    "site_name": "site", "site_id": "site", "template_name": "template", "template_id": "template",
    "source_type": "plan", "calling_plans": "plan", "phone_numbers": "number", "feature": "license",
    "dept": "department", "extension_number": "extension",
    "delegation_assistant_extension_id": "delegate",
}  # fmt: skip


def effects_of(log: Iterable[Mapping[str, Any]], mails: Mapping[str, str]) -> Counter[Effect]:
    """Count the effects of a log; `mails` are mail addresses by id."""
    return Counter(effect for entry in log for effect in _effects(entry, mails))


def twice(effects: Counter[Effect]) -> dict[Effect, int]:
    """Return what was carried out more than once, and how often."""
    return {effect: times for effect, times in effects.items() if times > 1}


def _effects(entry: Mapping[str, Any], mails: Mapping[str, str]) -> Iterator[Effect]:
    method, path, body = entry["method"], entry["path"], entry["body"] or {}
    if path == "/phone/users/batch" and "user_ids" in body:
        yield from ((mails.get(user, user), "site") for user in body["user_ids"])
    elif path == "/phone/users/batch":
        for user in body["users"]:
            yield user["email"], "license"
            given = (THINGS[name] for name, value in user.items() if name in THINGS and value != [])
            yield from ((user["email"], thing) for thing in given)
    elif path == "/users":
        info = body["user_info"]
        yield info["email"], "account"
        if "feature" in info:
            yield info["email"], "license"
    else:
        parts = [mails.get(part, part) for part in path.split("/")]
        who = next(part for part in parts if "@" in part)
        named = [THINGS[name] for name in body if name in THINGS]
        yield from ((who, name) for name in named or [f"{method} {parts[-1]}"])
