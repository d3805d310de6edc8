"""A company on a simulated Zoom account that may go wrong in every way, and what became of it.

The simulator answers over real HTTP; the program runs in this process, and where it would wait, the
simulator's time goes on instead: faults that last so many seconds last that long for both.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests

from provisioner.simulators import zoom
from provisioner.simulators.faults import Faulty, parse
from provisioner.simulators.scim_service import serve
from tests.provisioner.apply.zoom_company import PRO, US
from tests.scenarios import installation
from tests.scenarios.installation import Hurried, Installation, Ran
from tests.scenarios.log_effects import effects_of
from tests.scenarios.zoom_staff import catalog, configure, line, row, told

THREADS = 16


@dataclass
class Time:
    """Real time, and what was waited out besides: it goes on at once."""

    passed_s: float = 0.0
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """Return the simulator's time."""
        return datetime.now(UTC) + timedelta(seconds=self.passed_s)

    def now_s(self) -> float:
        """Return the same in seconds."""
        return self.now().timestamp()

    def pass_by(self, seconds: float) -> None:
        """Let time go on."""
        self.passed_s += seconds


@dataclass
class FaultyZoom:
    """An installation, the account's address, and the faults before it."""

    here: Installation
    url: str
    faulty: Faulty
    time: Time

    def go_wrong(self, spec: str, seed: int = 1) -> None:
        """From now on these faults happen."""
        self.faulty.faults = parse(spec, seed)

    def buy(self, seats: int) -> None:
        """Have so many phone licenses and calling plans of each kind."""
        counted = dict.fromkeys(("zoom_phone", US, PRO), seats)
        requests.post(f"{self.url}/_portal/seats", json=counted, timeout=10).raise_for_status()

    def sync(self) -> Ran:
        """Run `provisioner sync` once; afterwards a while has passed."""
        ran = self.here.run("sync")
        self.time.pass_by(60)
        return ran

    def effects(self) -> Counter[tuple[str, str]]:
        """Count what every accepted write did: to whom, and which thing of theirs."""
        mails = {user["id"]: mail for mail, user in self.users().items()}
        return effects_of(installation.zoom_log(self.url), mails)

    def users(self) -> dict[str, dict[str, Any]]:
        """Return the account's users by mail."""
        return installation.zoom_users(self.url)

    def state(self) -> dict[str, dict[str, Any]]:
        """Return what everybody has."""
        return told(self.users())


@contextmanager
def faulty_zoom(
    folder: Path, there: int = 8, pool: int = 60, **options: Any
) -> Iterator[FaultyZoom]:
    """Serve an account on which `there` people are, adopted; nothing goes wrong until that is asked for."""
    time = Time()
    given: dict[str, Any] = {
        "account_id": None, "client_id": None, "client_secret": None, "sso": "provisioning", "rates": None,
    }  # fmt: skip
    app = zoom.create_app(options=zoom.Options(**(given | options)), clock=time.now)
    lines = [catalog(pool), *(line(number, pool) for number in range(1, there + 1))]
    zoom.load_snapshot(app, [json.dumps(each) for each in lines])
    faulty = Faulty(app.wsgi_app, zoom.ZoomFaults(app), sleep=time.pass_by, now=time.now_s)

    class Waiting(Hurried):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            time.pass_by(seconds)

    with serve(faulty, threads=THREADS) as url, patch.object(installation, "Hurried", Waiting):
        here = Installation(folder)
        configure(here, url, pool)
        here.people([row(number) | {"assistant": ""} for number in range(1, there + 1)])
        here.carry_out()
        yield FaultyZoom(here, url, faulty, time)
