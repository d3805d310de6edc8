"""Counts add up to what is there, and lead to the n-th resource, whoever comes and goes at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.store.direct import Direct, Session
from provisioner.store.scim_counts import count, total_and_place
from tests.provisioner.store.made import KINDS, store


@pytest.fixture(params=KINDS)
def direct(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Direct]:
    with store(request.param, tmp_path) as engine:
        direct = Direct(engine)
        yield direct
        direct.close()


def test_every_place_is_found_among_gaps(direct: Direct) -> None:
    there = sorted(random.Random(7).sample(range(1, 9000), 300))

    def fill(session: Session) -> None:
        for seq in there:
            count(session, "emea", "User", seq, 1)
        count(session, "emea", "Group", 5, 1)
        count(session, "apac", "User", 5, 1)

    direct.write(fill)

    for skip in (0, 1, 17, 150, 299):
        total, start, rest = direct.read(
            lambda session, skip=skip: total_and_place(session, "emea", "User", skip)  # type: ignore[misc]
        )
        assert total == 300
        assert rest < 1024
        assert [seq for seq in there if seq >= start][rest] == there[skip]
    total, start, rest = direct.read(lambda s: total_and_place(s, "emea", "User", 300))
    assert [seq for seq in there if seq >= start][rest:] == []


def test_nobody_is_counted_who_left(direct: Direct) -> None:
    for change in (1, 1, -1, 1, -1, -1):
        direct.write(lambda session, change=change: count(session, "emea", "User", 9, change))  # type: ignore[misc]

    assert direct.read(lambda session: total_and_place(session, "emea", "User", 0))[0] == 0
    assert direct.read(lambda session: total_and_place(session, "none", "User", 0))[0] == 0
