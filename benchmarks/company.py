"""Makes up a company: its directory as CSV, its phone system as a snapshot, and what is different.

Everything comes from one seed, so the same arguments give the same files. Each difference is planted
on a person of its own, so that a right plan touches exactly the people of truth.json, by kind:

    create       entitled, without a phone user
    disable      inactive in the directory, active at the phone system
    deprovision  out of the group that gives a license, still licensed
    orphan       a phone user whom the directory doesn't know
    attribute    the display name, the mail address or the department differs
    license  package  template  credit     that one entitlement differs

Usage: python benchmarks/company.py --users 100000 --out FOLDER
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

SHARES = {
    "create": 20,
    "disable": 10,
    "deprovision": 5,
    "orphan": 5,
    "attribute": 20,
    "license": 12,
    "package": 12,
    "template": 8,
    "credit": 8,
}
"""How a hundred differences are shared out."""

COLUMNS = (
    *("employeeId", "userName", "givenName", "familyName", "displayName", "email"),
    *("department", "location", "title", "manager", "active", "groups"),
)
LICENSES = {"Phone-Executive": "desk_plus", "Phone-Office": "desk", "Phone-Shared": "shared"}
PACKAGES = {"Calls-World": "world", "Calls-Europe": "europe", "Calls-Home": "home"}
TEMPLATES = {"Tpl-Reception": "reception", "Tpl-Support": "support"}
FAX, CREDITS = "Fax-Users", "Credit-Users"
OTHERS = ("Everybody", "VPN", "Printers", "Canteen", "Parking", "Wiki", "Payroll", "Travel", "Lab")
GIVEN = (
    "Amélie",
    "Bohdan",
    "Carla",
    "Dana",
    "Émile",
    "Franz",
    "Gül",
    "Hugo",
    "Ines",
    "Jörg",
    "Kaja",
)
FAMILY = ("Novák", "Schäfer", "Okafor", "Lindgren", "Moreau", "Rossi", "Kowalska", "Íñiguez", "Tan")
OFFICES = ("Munich", "Prague", "Lyon", "Oslo", "Porto", "Gdańsk", "Leeds", "Graz", "Tallinn")
DEPARTMENTS = ("Sales", "Care", "Finance", "Legal", "Plant", "Research", "Purchasing")

MAPPING = """version: 1
join: externalId
scope: 'active eq true and ({scope})'
leavers: {{do: remove_license}}
unmanaged: remove
defaults: {{template: plain, site: "{{location}}"}}
profile: {{display_name: "{{displayName}}", email: "{{email}}", department: "{{department}}"}}
rules:
{rules}"""
CONFIG = """version: 1
store: sqlite:///store.db
syncs:
  company:
    directories:
      - {kind: csv, name: hr, path: people.csv, columns: {employeeId: externalId}}
    mapping: mapping.yaml
    phone_system: {kind: snapshot, path: snapshot.jsonl}
    limits: {removals: 100%, changes: 100%}
"""


def mapping() -> str:
    """Return the mapping: ten rules, of which the first that matches gives license and package."""
    scope = " or ".join(f'groups.display eq "{group}"' for group in LICENSES)
    gives = [(group, f"license: {name}") for group, name in LICENSES.items()]
    rules = [(f'groups.display eq "{group}"', group, give) for group, give in gives]
    above: list[str] = []  # a lower package is for whoever has none above it
    for group, name in PACKAGES.items():
        when = " and ".join([f'groups.display eq "{group}"', *above])
        above.append(f'not (groups.display eq "{group}")')
        rules.append((when, group, f"packages: [{name}]"))
    for group, name in TEMPLATES.items():
        rules.append((f'groups.display eq "{group}"', group, f"template: {name}"))
    rules.append((f'groups.display eq "{FAX}"', FAX, "packages: [fax]"))
    rules.append((f'groups.display eq "{CREDITS}"', CREDITS, "credits: true"))
    lines = [
        f"  - {{name: {name.lower()}, when: '{when}', give: {{{give}}}}}"
        for when, name, give in rules
    ]
    return MAPPING.format(scope=scope, rules="\n".join(lines) + "\n")


def person(number: int, kind: str | None, chance: Random) -> dict[str, Any]:
    """Return one row of the directory, `active` and `groups` as Python has them."""
    given, family = chance.choice(GIVEN), chance.choice(FAMILY)
    groups = [group for group in OTHERS if chance.random() < 0.4]
    licensed = kind != "deprovision" and (kind is not None or chance.random() < 0.98)
    if licensed:
        groups += chance.choices(list(LICENSES), weights=(25, 65, 10))
        groups += [
            group for group in (*PACKAGES, *TEMPLATES, FAX, CREDITS) if chance.random() < 0.3
        ]
    return {
        "employeeId": f"E{chance.randrange(16**6):06x}{number:07d}",
        "userName": f"user{number}",
        "givenName": given,
        "familyName": family,
        "displayName": f"{given} {family}",
        "email": f"user{number}@company.example",
        "department": chance.choice(DEPARTMENTS),
        "location": chance.choice(OFFICES),
        "title": f"Grade {chance.randrange(9)}",
        "manager": f"user{number // 9}",
        "active": kind != "disable" and (kind is not None or chance.random() < 0.99),
        "groups": groups,
    }


def first(names: dict[str, str], groups: list[str]) -> str | None:
    """Return what the first of these groups that somebody is in gives."""
    return next((name for group, name in names.items() if group in groups), None)


def phone_user(number: int, who: dict[str, Any]) -> dict[str, Any]:
    """Return the phone user that somebody should have."""
    groups = who["groups"]
    packages = [first(PACKAGES, groups), "fax" if FAX in groups else None]
    return {
        "id": f"z{number}",
        "key": who["employeeId"],
        "kind": "person",
        "email": who["email"],
        "status": "active",
        "display_name": who["displayName"],
        "department": who["department"],
        "license": first(LICENSES, groups),
        "packages": [package for package in packages if package],
        "template": first(TEMPLATES, groups) or "plain",
        "site": who["location"],
        "numbers": [f"+4989{number:08d}"],
        "credits": CREDITS in groups,
    }


def make_different(user: dict[str, Any], kind: str, chance: Random) -> None:
    """Change one thing of a phone user who was as they should be."""
    if kind == "attribute":
        name = chance.choice(("display_name", "email", "department"))
        user[name] = f"old.{user[name]}"
    elif kind == "license":
        user["license"] = "shared" if user["license"] != "shared" else "desk"
    elif kind == "package":
        user["packages"] = [p for p in user["packages"] if p == "fax"] + ["ancient"]
    elif kind == "template":
        user["template"] = "ancient"
    elif kind == "credit":
        user["credits"] = not user["credits"]
    elif kind in ("disable", "deprovision"):
        user["license"] = "desk"


def differing(users: int, changed: float, chance: Random) -> dict[int, str]:
    """Return the kind of difference by the person's number."""
    total = int(users * changed)
    kinds = [
        kind
        for kind, share in SHARES.items()
        if kind != "orphan"
        for _ in range(total * share // 100)
    ]
    return dict(zip(chance.sample(range(users), len(kinds)), kinds, strict=True))


def has_phone_user(who: dict[str, Any], kind: str | None) -> bool:
    """Tell whether somebody has a phone user in the snapshot."""
    if kind is not None:
        return kind != "create"
    return bool(who["active"]) and first(LICENSES, who["groups"]) is not None


def orphans(count: int) -> Iterator[dict[str, Any]]:
    """Yield phone users whom nobody in the directory is."""
    for number in range(count):
        gone = f"gone{number}"
        yield {
            "id": f"o{number}",
            "key": gone,
            "kind": "person",
            "email": f"{gone}@company.example",
            "status": "active",
            "display_name": gone,
            "license": "desk",
            "packages": ["home"],
            "template": "plain",
            "site": "Oslo",
        }


def write(folder: Path, users: int, seed: int, changed: float) -> None:
    """Write people.csv, snapshot.jsonl, mapping.yaml, config.yaml and truth.json."""
    chance = Random(seed)
    kinds = differing(users, changed, chance)
    truth: dict[str, list[str]] = {kind: [] for kind in SHARES}
    folder.mkdir(parents=True, exist_ok=True)
    phone: list[dict[str, Any]] = []
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, COLUMNS)
        out.writeheader()
        for number in range(users):
            kind = kinds.get(number)
            who = person(number, kind, chance)
            if has_phone_user(who, kind):
                phone.append(phone_user(number, who))
                if kind is not None:
                    make_different(phone[-1], kind, chance)
            if kind is not None:
                truth[kind].append(who["employeeId"])
            active = "true" if who["active"] else "false"
            out.writerow({**who, "active": active, "groups": ";".join(who["groups"])})
    lost = list(orphans(int(users * changed) * SHARES["orphan"] // 100))
    truth["orphan"] = [user["key"] for user in lost]
    phone += lost
    chance.shuffle(phone)
    with (folder / "snapshot.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(user, ensure_ascii=False) + "\n" for user in phone)
    (folder / "mapping.yaml").write_text(mapping(), encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "truth.json").write_text(json.dumps(truth), encoding="utf-8")


def main() -> None:
    """Read the command line and write the company."""
    parser = argparse.ArgumentParser(description="Make up a company to measure with.")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changed", type=float, default=0.01, help="share of people who differ")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    write(given.out, given.users, given.seed, given.changed)


if __name__ == "__main__":
    main()
