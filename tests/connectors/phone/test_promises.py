"""Every phone system keeps the promises of connectors.records.PhoneSystem: one entry for each."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.phone import teams, zoom
from connectors.phone.snapshot import Snapshot
from connectors.records import Outside, PhoneSystem
from provisioner.http import make_http
from provisioner.rates import Limiter
from provisioner.simulators import teams as teams_simulator
from provisioner.simulators.zoom import Options, create_app, load_snapshot, running
from tests.connectors.phone.company import House, Names
from tests.connectors.phone.promises import Promises

CALLING_PLANS = Names(
    license="teams_phone",
    package="Skype for Business PSTN Domestic Calling",
    other="Skype for Business PSTN Domestic and International Calling",
)


@contextmanager
def snapshot(folder: Path, lines: list[str]) -> Iterator[PhoneSystem]:
    path = folder / "snapshot.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    yield Snapshot(path)


@contextmanager
def zoom_phone(folder: Path, lines: list[str]) -> Iterator[PhoneSystem]:
    options = Options(rates=None, sso="provisioning")
    app = create_app(options=options)
    load_snapshot(app, lines)
    with running(app) as url:
        config = {
            "account_id": options.account_id,
            "client_id": options.client_id,
            "client_secret": options.client_secret,
            "api_url": f"{url}/v2",
            "token_url": f"{url}/oauth/token",
            "create": {"action": "ssoCreate"},
        }
        yield zoom.connect(zoom.Config().load(config), outside(folder))


@contextmanager
def teams_phone(folder: Path, lines: list[str]) -> Iterator[PhoneSystem]:
    options = teams_simulator.Options(throttled=False, operation_s=0, settling_s=0)
    app = teams_simulator.create_app(options=options)
    teams_simulator.load_snapshot(app, map(_located, lines))
    with teams_simulator.running(app) as url:
        config = {
            "tenant_id": options.tenant,
            "client_id": options.client_id,
            "client_secret": options.client_secret,
            "api_url": f"{url}/v1.0",
            "token_url": f"{url}/{options.tenant}/oauth2/v2.0/token",
            "usage_location": "US",
            "accounts": True,
            "limits": "unlimited",
        }
        yield teams.connect(teams.Config().load(config), outside(folder))


def _located(line: str) -> str:
    """Give a phone user the usage location that a plan sets before any license."""
    user = json.loads(line)
    return line if "catalog" in user else json.dumps({"usage_location": "US"} | user)


def outside(folder: Path) -> Outside:
    """What a connector is handed from above, with real HTTP and no waiting."""

    def nap(seconds: float) -> None:
        pass

    return Outside(
        folder,
        lambda account, rates: make_http(None, Limiter(), nap, account=account, rates=rates),
        functools.partial(datetime.now, UTC),
        nap,
    )


HOUSES = {
    "snapshot": House(snapshot),
    "zoom": House(zoom_phone),
    "teams": House(teams_phone, CALLING_PLANS, frozenset({"package.assign"})),
}


class TestEveryPhoneSystem(Promises):
    @pytest.fixture(params=HOUSES)
    def house(self, request: pytest.FixtureRequest) -> House:
        return HOUSES[request.param]
