"""Whoever kills the program, whenever, however often: nothing is lost, and nothing is done twice.

20 campaigns over a plan of 500 changes; `CAMPAIGNS=200` makes it 200, from the 21st on with more kills,
and every other one of those at a phone system that goes wrong besides.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.scenarios.crashes import Kill, Prepared, kills, prepare
from tests.scenarios.killable import MOMENTS

CAMPAIGNS = int(os.environ.get("CAMPAIGNS", "20"))
USUAL = 20
KILLS, MORE_KILLS = 5, 12
FAULTS = "10%,late=10%:0.3s,slow=0%,timeout=0%"
HURRY = "0.1"
"""So much of what the program would wait it does, where what was done may show late."""


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """20 people are there, one leaves, seven change departments, and 65 join."""
    return prepare(tmp_path_factory.mktemp("campaigns") / "company", there=20, joiners=65)


@pytest.mark.parametrize("seed", range(1, CAMPAIGNS + 1))
def test_a_plan_that_is_killed_again_and_again_is_done_once_and_whole(
    company: Prepared, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(company.plan["changes"]) >= 500
    usual = seed <= USUAL
    faults = () if usual or seed % 2 else ("--faults", FAULTS, "--seed", str(seed))
    if faults:
        monkeypatch.setenv("HURRY", HURRY)

    ended = company.run(tmp_path / "it", kills(seed, KILLS if usual else MORE_KILLS), *faults)

    told = f"killed at {', '.join(map(str, ended.hit))}\n{ended.said}"
    assert ended.wrong == [], told
    assert ended.status == 0, told
    assert len(ended.hit) >= KILLS - 1, "the plan was done before it could be killed often"


@pytest.mark.parametrize(
    "kill",
    [
        Kill("arrival write", 3),  # its intent is on record, and nothing has happened
        Kill("commit write", 3),  # after the vendor's commit and before its reply
        Kill("answer write", 3),  # the reply is there
        Kill("before-journal", 3),  # after the reply and before the journal
        Kill("after-journal", 3),  # between the journal and the next call
    ],
    ids=str,
)
def test_a_kill_at_a_named_point_and_again_while_that_is_recovered(
    company: Prepared, tmp_path: Path, kill: Kill
) -> None:
    recovering = [Kill("arrival read", 1), Kill("answer read", 2), Kill("before-commit", 4), Kill("after-commit", 4)]  # fmt: skip

    ended = company.run(tmp_path / "it", [kill, *recovering])

    assert ended.hit == [kill, *recovering]
    assert (ended.wrong, ended.status) == ([], 0), ended.said


def test_every_campaign_kills_in_ways_of_its_own_and_together_they_kill_in_every_way() -> None:
    campaigns = [kills(seed, KILLS) for seed in range(1, USUAL + 1)]

    kinds = {kill.where for campaign in campaigns for kill in campaign}
    assert kinds > set(MOMENTS)
    assert {"arrival write", "commit write", "answer write", "arrival read", "time"} < kinds
    assert len({tuple(campaign) for campaign in campaigns}) == USUAL
