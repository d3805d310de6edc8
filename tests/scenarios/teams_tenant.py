"""A simulated Microsoft tenant beside an installation: its lines, its writes, its admin centres."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from provisioner.simulators import teams
from tests.scenarios.installation import Installation, rule

PHONE = "teams_phone"
DOMESTIC = "Skype for Business PSTN Domestic Calling"
INTERNATIONAL = "Skype for Business PSTN Domestic and International Calling"
E3, E5 = "Microsoft 365 E3", "Microsoft 365 E5"
DAY_S = 24 * 60 * 60 + 60


@dataclass
class Tenant:
    """The simulated tenant at `url`, and what config says of it."""

    url: str
    system: dict[str, Any]

    def users(self) -> dict[str, dict[str, Any]]:
        """Return the tenant's users by mail, as snapshot lines."""
        text = requests.get(f"{self.url}/_portal/state", timeout=10).text
        return {x["email"]: x for x in map(json.loads, text.splitlines()) if x.get("email")}

    def log(self) -> list[dict[str, Any]]:
        """Return every write that was accepted."""
        text = requests.get(f"{self.url}/_portal/log", timeout=10).text
        return [json.loads(line) for line in text.splitlines()]

    def licensing(self) -> list[tuple[str, int, int]]:
        """Return each assignLicense so far: whose, and how many products it added and removed."""
        return [
            (
                each["path"].split("/")[2],
                len(each["body"]["addLicenses"]),
                len(each["body"]["removeLicenses"]),
            )
            for each in self.log()
            if each["path"].endswith("/assignLicense")
        ]

    def do(self, what: str, **given: Any) -> None:
        """Do what an administrator does in an admin centre."""
        response = requests.post(f"{self.url}/_portal/{what}", json=given, timeout=10)
        assert response.status_code == 200, response.text

    def a_day_later(self) -> None:
        """Let Teams learn of calling plans."""
        self.do("clock", advance_s=DAY_S)


@contextmanager
def tenant(
    lines: Iterable[Mapping[str, Any]],
    config: Mapping[str, Any] | None = None,
    **options: Any,
) -> Iterator[Tenant]:
    """Serve a simulated tenant; `options` are the simulator's own, `config` more of `phone_system`."""
    kept = teams.Options(**({"throttled": False, "operation_s": 0} | options))
    app = teams.create_app(options=kept)
    teams.load_snapshot(app, [json.dumps(line) for line in lines])
    with teams.running(app) as url:
        system = {
            "kind": "teams",
            "tenant_id": kept.tenant,
            "client_id": kept.client_id,
            "client_secret": kept.client_secret,
            "api_url": f"{url}/v1.0",
            "token_url": f"{url}/{kept.tenant}/oauth2/v2.0/token",
            "limits": "unlimited",
            "usage_location": "DE",
        }
        yield Tenant(url, system | dict(config or {}))


def seats(numbers: Iterable[str] = (), **packages: int) -> dict[str, Any]:
    """Return a catalog line: plenty of everything, but for what is named (phone, domestic …)."""
    return {
        "catalog": {
            "licenses": {PHONE: packages.get("phone", 1000), E3: 1000, E5: 1000},
            "packages": {
                DOMESTIC: packages.get("domestic", 1000),
                INTERNATIONAL: packages.get("international", 1000),
            },
            "numbers": list(numbers),
        }
    }


def user(number: int, **members: Any) -> dict[str, Any]:
    """Return the directory user of `person(number)`: with Microsoft 365 E3 and nothing of phone."""
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "key": f"E{number:03}",
        "email": f"user{number}@example.org",
        "display_name": f"User {number}",
        "vendor": {"licenses": [E3]},
    } | members


def caller(number: int, package: str = DOMESTIC, **members: Any) -> dict[str, Any]:
    """Return somebody who has Teams Phone and a calling plan beside Microsoft 365 E3."""
    own = {"license": PHONE, "packages": [package], "usage_location": "DE"}
    return user(number, **(own | members))


def installed(folder: Path, tenant: Tenant, *rules: dict[str, Any], **members: Any) -> Installation:
    """Return an installation that provisions the tenant by these rules, its first plan approved."""
    installation = Installation(folder)
    pools = members.pop("pools", None)
    installation.configure(
        phone_system=tenant.system, pools=pools, approval={"automatic": ["safe", "service"]}
    )
    installation.mapping(rules=list(rules) or [rule("all", license=PHONE)], **members)
    return installation
