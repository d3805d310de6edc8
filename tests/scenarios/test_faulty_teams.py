"""Whatever goes wrong at Microsoft, syncs come to the plan's end: once, and whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from provisioner.simulators import teams
from provisioner.simulators.faults import KINDS, Faults, Faulty, parse
from provisioner.simulators.scim_service import serve
from tests.scenarios import installation
from tests.scenarios.faulty_zoom import Time
from tests.scenarios.installation import Hurried, Installation, person, rule
from tests.scenarios.teams_tenant import (
    DAY_S,
    DOMESTIC,
    E5,
    INTERNATIONAL,
    PHONE,
    Tenant,
    caller,
    seats,
    user,
)

NUMBERS = [f"+4989123{n:04}" for n in range(40)]
ENOUGH = 12
"""More syncs than it may take."""


@dataclass
class Company:
    """An installation, its tenant, the faults before it and the time of both."""

    here: Installation
    tenant: Tenant
    faulty: Faulty
    time: Time

    def sync_until_done(self) -> None:
        """Sync, half a day apart, until nothing is left to do and everything has settled."""
        said = ""
        for _ in range(ENOUGH):
            ran = self.here.run("sync", at=self.time.now())
            said += ran.said
            self.time.pass_by(DAY_S / 2)
            faults, self.faulty.faults = self.faulty.faults, Faults()
            plan = self.here.plan(at=self.time.now())
            if ran.status == 0 and not plan["changes"] and not plan["waiting"]:
                return
            self.faulty.faults = faults
        raise AssertionError(f"not done after {ENOUGH} syncs: {said}")

    def state(self) -> dict[str, Any]:
        """Return what everybody has in the end; which number of the pool is who's may differ."""
        kept = ("license", "packages", "credits", "usage_location", "template")
        return {
            mail: {**{name: line[name] for name in kept}, "numbers": len(line["numbers"])}
            for mail, line in self.tenant.users().items()
        }

    def licensed(self) -> Counter[tuple[str, str, str]]:
        """Count each product that was added to or removed from somebody, over all accepted writes."""
        found: Counter[tuple[str, str, str]] = Counter()
        for each in self.tenant.log():
            if each["path"].endswith("/assignLicense"):
                who, body = each["path"].split("/")[2], each["body"]
                found.update((who, "+", added["skuId"]) for added in body["addLicenses"])
                found.update((who, "-", removed) for removed in body["removeLicenses"])
        return found


@contextmanager
def company(folder: Path) -> Iterator[Company]:
    """Serve a tenant that is adopted, and a month's movers, leavers and joiners in the directory."""
    time = Time()
    options = teams.Options(throttled=False, operation_s=0)
    app = teams.create_app(options=options, clock=time.now)
    there = [caller(n, numbers=NUMBERS[n : n + 1]) for n in range(1, 9)]
    new = [user(n) for n in range(9, 15)]
    new += [user(n, vendor={"licenses": [E5]}) for n in range(15, 17)]
    lines = [seats(NUMBERS, domestic=20), *there, *new]
    teams.load_snapshot(app, [json.dumps(line) for line in lines])
    faulty = Faulty(app.wsgi_app, teams.TeamsFaults(app), sleep=time.pass_by, now=time.now_s)

    class Waiting(Hurried):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            time.pass_by(seconds)

    with serve(faulty, threads=16) as url, patch.object(installation, "Hurried", Waiting):
        here = Installation(folder)
        system = {
            "kind": "teams",
            "tenant_id": "simulated-tenant",
            "client_id": options.client_id,
            "client_secret": options.client_secret,
            "api_url": f"{url}/v1.0",
            "token_url": f"{url}/simulated-tenant/oauth2/v2.0/token",
            "limits": "unlimited",
            "usage_location": "DE",
        }
        everything = {"changes": "100%", "removals": "100%", "people_drop": "100%"}
        here.configure(
            phone_system=system,
            pools={"munich": {"vendor": True}},
            limits=everything | {"group_drop": "100%", "column_drop": "100%"},
            approval={"automatic": ["safe", "service", "destructive"]},
        )
        here.mapping(
            rules=[
                rule("all", license=PHONE, number={"pool": "munich"}),
                rule("home", 'department eq "Sales"', packages=[DOMESTIC]),
                rule("abroad", 'department eq "Export"', packages=[INTERNATIONAL]),
                rule("credited", 'department eq "Export"', credits=True),
            ]
        )
        here.people([person(n) for n in range(1, 9)])
        here.carry_out(at=time.now())
        rows = [person(n, department="Export") for n in range(1, 5)]
        here.people([*rows, *(person(n) for n in range(6, 17))])
        yield Company(here, Tenant(url, system), faulty, time)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """What everybody has in the end, and what was licensed for it, where nothing goes wrong."""
    with company(tmp_path_factory.mktemp("undisturbed")) as quiet:
        quiet.sync_until_done()
        licensed = quiet.licensed()
        assert max(licensed.values()) == 1
        return quiet.state(), licensed


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_syncs_come_to_the_same_end_through_any_kind_of_fault(
    tmp_path: Path, undisturbed: Any, kind: str
) -> None:
    with company(tmp_path) as disturbed:
        share = "5%" if kind == "token-expiry" else "30%"
        disturbed.faulty.faults = parse(f"{kind}={share}", 2)

        disturbed.sync_until_done()

        assert {met["fault"] for met in disturbed.faulty.met} == {kind}
        assert (disturbed.state(), disturbed.licensed()) == undisturbed


def test_a_process_that_lives_on_and_reads_what_changed_comes_to_the_same_end(
    tmp_path: Path, undisturbed: Any
) -> None:
    with company(tmp_path) as disturbed, installation.one_process() as asked:
        disturbed.faulty.faults = parse("30%", 3)

        disturbed.sync_until_done()

        assert asked.count("/v1.0/users/delta") > asked.count("/v1.0/users")
        assert (disturbed.state(), disturbed.licensed()) == undisturbed


@pytest.mark.parametrize("seed", [1, 2])
def test_syncs_come_to_the_same_end_through_a_mix_of_faults(
    tmp_path: Path, undisturbed: Any, seed: int
) -> None:
    with company(tmp_path) as disturbed:
        disturbed.faulty.faults = parse("30%", seed)

        disturbed.sync_until_done()

        assert len({met["fault"] for met in disturbed.faulty.met}) > 5
        assert (disturbed.state(), disturbed.licensed()) == undisturbed
