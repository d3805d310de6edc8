"""Whatever goes wrong at the phone system, syncs come to the plan's end: once, and whole."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner import http
from provisioner.simulators.faults import KINDS, Faults
from tests.scenarios.crashes import wrong_in_log
from tests.scenarios.faulty_zoom import FaultyZoom, faulty_zoom
from tests.scenarios.log_effects import twice
from tests.scenarios.zoom_staff import movers_and_more

THERE, JOINERS = 8, 8
ENOUGH = 12
"""More syncs than it may take."""


@pytest.fixture
def company(tmp_path: Path) -> Iterator[FaultyZoom]:
    with faulty_zoom(tmp_path, THERE) as zoom:
        zoom.here.people(movers_and_more(THERE, JOINERS))
        yield zoom


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Counter[Any]]:
    """What everybody has in the end, and what was done for it, where nothing goes wrong."""
    with faulty_zoom(tmp_path_factory.mktemp("undisturbed"), THERE) as zoom:
        zoom.here.people(movers_and_more(THERE, JOINERS))
        assert zoom.sync().status == 0
        return zoom.state(), zoom.effects()


def sync_until_done(zoom: FaultyZoom) -> None:
    """Sync until nothing is left to do; from then on nothing goes wrong any more."""
    said = ""
    for _ in range(ENOUGH):
        ran = zoom.sync()
        said += ran.said
        faults, zoom.faulty.faults = zoom.faulty.faults, Faults()
        if ran.status == 0 and not zoom.here.plan()["changes"]:
            return
        zoom.faulty.faults = faults
    raise AssertionError(f"not done after {ENOUGH} syncs: {said}")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_syncs_come_to_the_same_end_through_any_kind_of_fault(
    company: FaultyZoom, undisturbed: Any, kind: str
) -> None:
    # every token ends for all requests that are under way
    company.go_wrong(f"{kind}={'5%' if kind == 'token-expiry' else '30%'}", seed=2)

    sync_until_done(company)

    assert {met["fault"] for met in company.faulty.met} == {kind}
    assert twice(company.effects()) == {}
    assert (company.state(), company.effects()) == undisturbed


@pytest.mark.parametrize("seed", range(1, 5))
def test_syncs_come_to_the_same_end_through_a_mix_of_faults(
    company: FaultyZoom, undisturbed: Any, seed: int
) -> None:
    company.go_wrong("30%", seed)

    sync_until_done(company)

    assert len({met["fault"] for met in company.faulty.met}) > 5
    assert twice(company.effects()) == {}
    assert (company.state(), company.effects()) == undisturbed


def test_a_long_plan_comes_to_its_end_although_30_percent_of_all_answers_are_faulty(
    tmp_path: Path,
) -> None:
    with faulty_zoom(tmp_path, there=20, pool=200) as zoom:
        zoom.here.people(movers_and_more(20, 80))
        plan = zoom.here.plan()
        zoom.go_wrong("30%")

        sync_until_done(zoom)

        assert len(plan["changes"]) > 600
        assert len(zoom.faulty.met) > zoom.faulty.requests / 5
        assert wrong_in_log(zoom.url, plan) == []


def test_an_answer_that_comes_after_nobody_waits_any_longer_is_looked_for_instead(
    company: FaultyZoom, undisturbed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_S", 0.1)
    monkeypatch.setattr(company.faulty, "_sleep", time.sleep)
    company.go_wrong("timeout=10%:0.5s", seed=3)

    sync_until_done(company)

    assert company.faulty.met
    assert (company.state(), company.effects()) == undisturbed


def test_seats_that_vanish_fail_those_who_would_have_had_them_and_nobody_else(
    tmp_path: Path, undisturbed: Any
) -> None:
    # of 20 seats of each kind 12 and more are free, and each write takes one of them away
    with faulty_zoom(tmp_path, THERE, pool=20) as zoom:
        zoom.here.people(movers_and_more(THERE, JOINERS))
        zoom.go_wrong("seats-vanish=100%:0s")

        ran = zoom.sync()

        assert ran.status == 5, ran.said
        assert re.search("no Zoom Phone license is free|No license of the calling plan", ran.said)
        done = zoom.effects()
        assert ("user3@example.org", "department") in done, "who needs no seat has what they shall"
        assert twice(done) == {}

        zoom.go_wrong("")
        zoom.buy(60)
        zoom.here.run("quarantine release", "--all")  # nobody waits for those who were refused
        assert zoom.sync().status == 0
        assert (zoom.state(), zoom.effects()) == undisturbed
