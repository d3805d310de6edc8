"""Whom a run leaves alone because they failed before, and when a whole sync counts as failing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.apply.sending import IN_A_ROW, TRIES
from provisioner.store import quarantine
from provisioner.store.database import reading
from provisioner.store.quarantine import Parked, Quarantined
from tests.provisioner.apply.world import Phone, Trouble, World, gives, phone_with

MINUTE = timedelta(minutes=1)
NAMES = [f"u{n:02}" for n in range(12)]


Make = Callable[[Phone], World]
FAILED: Trouble = "failed"
BUSY: Trouble = "busy"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda phone: World(tmp_path, monkeypatch, phone)


def parked(here: World) -> list[Parked]:
    with reading(here.engine) as connection:
        return quarantine.parked_people(connection, ["emea"], here.clock)


def quarantined(here: World) -> list[Quarantined]:
    with reading(here.engine) as connection:
        return quarantine.quarantined(connection, ["emea"], here.clock)


def test_who_was_refused_is_left_alone_by_runs_that_nobody_asked_for(world: Make) -> None:
    here = world(phone_with("eva", "jan"))
    plan = here.record(gives(1, "eva"), gives(2, "jan"))
    here.apply(plan, "failed")
    here.phone.done.clear()
    again = here.record(gives(1, "eva"), gives(2, "jan", "gold"))

    result = here.apply(again, parked=False)

    assert [who for _, who, _ in here.phone.done] == ["JAN"]
    assert result.status == 5
    ((change, state, reason),) = result.left
    assert (change.seq, state) == (1, "approved")
    assert reason.startswith(
        "parked until 2026-11-23T09:05:00Z, after failing once: scripted: failed;"
    )
    assert f"`provisioner apply {again}` tries again at once" in reason
    assert here.states(again) == ["approved", "done"]


def test_an_operators_apply_tries_them_at_once(world: Make) -> None:
    here = world(phone_with("eva"))
    here.apply(here.record(gives(1, "eva")), "failed")

    result = here.apply(here.record(gives(1, "eva")))

    assert result.status == 0
    assert parked(here) == [], "a success ends it"


def test_who_rested_is_tried_again_and_rests_longer(world: Make) -> None:
    here = world(phone_with("eva"))
    here.apply(here.record(gives(1, "eva")), "failed")
    here.clock += 5 * MINUTE

    result = here.apply(here.record(gives(1, "eva")), "failed", parked=False)

    assert result.states["failed"] == 1
    (eva,) = parked(here)
    assert eva.until - here.clock == 10 * MINUTE


def test_what_needs_a_change_of_somebody_who_is_parked_waits_with_it(world: Make) -> None:
    here = world(phone_with("eva", "jan"))
    here.apply(here.record(gives(1, "eva")), "failed")
    plan = here.record(gives(1, "eva"), gives(2, "jan", needs=(1,)))

    result = here.apply(plan, parked=False)

    assert [(c.seq, state) for c, state, _ in result.left] == [(1, "approved"), (2, "approved")]
    assert "needs a change of somebody who is parked" in result.left[1][2]


@pytest.mark.parametrize(
    "script",
    [["busy"] * TRIES, ["lost before"] * TRIES, ["stale"]],
    ids=lambda script: script[0],
)
def test_only_a_refusal_parks_anybody(world: Make, script: list[Trouble]) -> None:
    here = world(phone_with("eva"))

    result = here.apply(here.record(gives(1, "eva")), *script)

    assert result.status == 5
    assert parked(here) == []


def test_a_run_whose_calls_mostly_fail_slows_its_sync_down(world: Make) -> None:
    here = world(phone_with(*NAMES))
    changes = [gives(n, name) for n, name in enumerate(NAMES[:11], start=1)]

    result = here.apply(here.record(*changes), *[FAILED] * 6)

    (rests,) = quarantined(here)
    assert result.quarantined_until == rests.until == here.clock + 5 * MINUTE
    assert rests.reason == "6 of 11 calls failed"
    assert rests.run == result.run


@pytest.mark.parametrize(("count", "failing"), [(9, 9), (10, 5), (12, 6)])
def test_few_calls_or_half_of_them_say_nothing_of_the_whole(
    world: Make, count: int, failing: int
) -> None:
    here = world(phone_with(*NAMES))
    changes = [gives(n, name) for n, name in enumerate(NAMES[:count], start=1)]

    result = here.apply(here.record(*changes), *[FAILED] * failing)

    assert result.quarantined_until is None
    assert quarantined(here) == []


def test_a_phone_system_that_is_down_slows_the_sync_down_and_parks_nobody(world: Make) -> None:
    here = world(phone_with(*NAMES))
    changes = [gives(n, name) for n, name in enumerate(NAMES, start=1)]

    result = here.apply(here.record(*changes), *[BUSY] * TRIES * IN_A_ROW)

    assert result.status == 1
    (rests,) = quarantined(here)
    assert "calls in a row failed" in rests.reason
    assert parked(here) == []


def test_a_run_that_goes_well_takes_its_sync_out_of_quarantine(world: Make) -> None:
    here = world(phone_with(*NAMES))
    changes = [gives(n, name) for n, name in enumerate(NAMES[:10], start=1)]
    plan = here.record(*changes)
    here.apply(plan, *[FAILED] * 10)
    assert quarantined(here)

    here.apply(plan)

    assert quarantined(here) == []


def test_a_run_that_sends_nothing_says_nothing_of_its_sync(world: Make) -> None:
    here = world(phone_with(*NAMES))
    changes = [gives(n, name) for n, name in enumerate(NAMES[:10], start=1)]
    here.apply(here.record(*changes), *[FAILED] * 10)

    here.apply(here.record(*changes), parked=False)

    assert quarantined(here)


def test_a_batch_in_which_anything_took_effect_did_not_fail(world: Make) -> None:
    phone = phone_with(*NAMES)
    phone.a_call = 2
    here = world(phone)
    changes = [gives(n, name) for n, name in enumerate(NAMES, start=1)]
    script: list[Any] = ["failed", "ok"] * 6

    result = here.apply(here.record(*changes), *script)

    assert (result.sent, result.failing) == (6, 0)
    assert len(parked(here)) == 6
