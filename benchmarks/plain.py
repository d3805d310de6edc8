"""The yardstick: the same comparison as anybody would write it, with the standard library alone.

Dicts, `csv` and `json`; the rules of company.py written out as code. It keeps nothing, checks nothing
and explains nothing: what a dry run costs beyond this is what its promises cost.

Usage: python benchmarks/plain.py FOLDER PLAN.jsonl
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

LICENSES = (("Phone-Executive", "desk_plus"), ("Phone-Office", "desk"), ("Phone-Shared", "shared"))
PACKAGES = (("Calls-World", "world"), ("Calls-Europe", "europe"), ("Calls-Home", "home"))
TEMPLATES = (("Tpl-Reception", "reception"), ("Tpl-Support", "support"))


def first(names: tuple[tuple[str, str], ...], groups: set[str]) -> str | None:
    """Return what the first of these groups that somebody is in gives."""
    for group, name in names:
        if group in groups:
            return name
    return None


def desired(row: dict[str, str]) -> dict[str, Any] | None:
    """Return what somebody should have; None if they should have nothing."""
    groups = set(row["groups"].split(";"))
    license = first(LICENSES, groups)
    if row["active"] != "true" or license is None:
        return None
    package = first(PACKAGES, groups)
    packages = [package] if package else []
    if "Fax-Users" in groups:
        packages.append("fax")
    return {
        "email": row["email"],
        "status": "active",
        "display_name": row["displayName"],
        "department": row["department"],
        "license": license,
        "packages": packages,
        "template": first(TEMPLATES, groups) or "plain",
        "site": row["location"],
        "credits": "Credit-Users" in groups,
    }


def main() -> None:
    """Compare the two files and write a change a line."""
    folder, plan = Path(sys.argv[1]), Path(sys.argv[2])
    phone = {}
    with (folder / "snapshot.jsonl").open(encoding="utf-8") as file:
        for line in file:
            user = json.loads(line)
            phone[user["key"]] = user
    with (
        (folder / "people.csv").open(newline="", encoding="utf-8") as file,
        plan.open("w", encoding="utf-8") as out,
    ):
        for row in csv.DictReader(file):
            key = row["employeeId"]
            want, have = desired(row), phone.pop(key, None)
            if want is None:
                if have is not None and have["license"]:
                    out.write(json.dumps({"kind": "remove", "key": key}) + "\n")
            elif have is None:
                out.write(json.dumps({"kind": "create", "key": key, "after": want}) + "\n")
            else:
                changes = {name: [have[name], v] for name, v in want.items() if have[name] != v}
                if changes:
                    out.write(json.dumps({"kind": "update", "key": key, **changes}) + "\n")
        for key in phone:
            out.write(json.dumps({"kind": "remove", "key": key}) + "\n")


if __name__ == "__main__":
    main()
