"""The people of a company on a simulated Zoom account: who they are, what they have, what they should.

Every third is in HR; every fourth has no extension number of their own, and sits in Brno; every fifth
has the one before them as an assistant. What each should have follows from that.
"""

from __future__ import annotations

from typing import Any

from tests.provisioner.apply.zoom_company import CATALOG, MAPPING, PRO, US
from tests.scenarios.installation import Installation, person, phone_user, rule

RULES = [
    rule("all", "ext pr", license="zoom_phone", site="Munich", template="Office", extension_number="{ext}", number={"pool": "munich"}),
    rule("some", "not (ext pr)", license="zoom_phone", site="Brno"),
    rule("pro", 'department eq "HR"', packages=[PRO]),
    rule("us", 'department eq "Sales"', packages=[US]),
    rule("helped", "assistant pr", delegates=["{assistant}"]),
]  # fmt: skip


def _number(mail: str) -> int:
    return int("".join(c for c in mail.partition("@")[0] if c.isdigit()))


def _has_own(mail: str) -> bool:
    return _number(mail) % 4 != 0


def _pool_number(number: int) -> str:
    return f"+49891234{number:04}"


def row(number: int, **members: str) -> dict[str, str]:
    """Return a directory's row."""
    assistant = f"user{number - 1}@example.org" if number % 5 == 0 else ""
    return person(
        number,
        ext="" if number % 4 == 0 else str(4000 + number),
        department="HR" if number % 3 == 0 else "Sales",
        assistant=assistant,
        **members,
    )


def line(number: int, pool: int) -> dict[str, Any]:
    """Return the phone user whom `row` should have become some time ago, without an assistant."""
    own = _has_own(f"user{number}@")
    package, department = (PRO, "HR") if number % 3 == 0 else (US, "Sales")
    return phone_user(
        number, license="zoom_phone", template="Office" if own else None, site="Munich" if own else "Brno",
        packages=[package], extension_number=str(4000 + number), department=department,
        numbers=[_pool_number(pool - number)] if own else [],
    )  # fmt: skip


def movers_and_more(there: int, joiners: int) -> list[dict[str, str]]:
    """Return the directory of a month later: the first has left, some have moved, others join."""
    rows = [row(number) for number in range(2, there + joiners + 1)]
    for moved in rows[1 : there - 1 : 3]:
        moved["department"] = "Sales" if moved["department"] == "HR" else "HR"
    return rows


def catalog(pool: int) -> dict[str, Any]:
    numbers = [[_pool_number(number), "Munich"] for number in range(pool)]
    seats = {"licenses": {"zoom_phone": pool}, "packages": {US: pool, PRO: pool}}
    return {"catalog": CATALOG["catalog"] | seats | {"numbers": numbers}}


def configure(here: Installation, url: str, pool: int) -> None:
    """Write the config and the mapping of the company: everything goes without a person."""
    columns = {"ext": "ext", "assistant": "assistant"}
    here.configure(
        directories=[{"kind": "csv", "name": "hr", "path": "people.csv", "columns": columns}],
        phone_system={
            "kind": "zoom", "account_id": "a", "client_id": "c", "client_secret": "not-for-anyone",
            "api_url": f"{url}/v2", "token_url": f"{url}/oauth/token", "create": {"action": "ssoCreate"},
        },
        pools={"munich": {"ranges": [f"{_pool_number(0)}-{_pool_number(pool - 1)}"]}},
        limits={"changes": "100%", "removals": "100%", "people_drop": "100%", "group_drop": "100%", "column_drop": "100%"},
        approval={"automatic": ["safe", "service", "destructive"]},
    )  # fmt: skip
    here.mapping(**(MAPPING | {"rules": RULES}))


def told(users: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what users (by mail) have, but for what chance decides: ids, which number of the pool."""
    names = ("status", "license", "packages", "template", "site", "department", "delegates")
    return {
        mail: {name: user.get(name) for name in names}
        | {"numbers": len(user.get("numbers") or ())}
        | {"extension": user.get("extension_number") if _has_own(mail) else None}
        for mail, user in users.items()
    }
