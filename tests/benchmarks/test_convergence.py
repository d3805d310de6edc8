"""The benchmark of faulty answers: it measures what it says, and tells what is wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import convergence
from benchmarks.convergence import Measured, measure


def test_a_small_company_is_measured_from_its_plan_to_its_end(tmp_path: Path) -> None:
    measured = measure(tmp_path, joiners=3, faulty="20%,timeout=0%", seed=1)

    assert measured.wrong == []
    assert measured.statuses[-1] == 0
    assert 0 < sum(measured.met.values()) < measured.requests
    assert measured.shown().split()[0] == "20%,timeout=0%"
    assert measured.shown().endswith("once, and whole")


def test_what_is_wrong_is_told_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(*_: object) -> Measured:
        return Measured("30%", 10, [1, 0], 40, Counter({"429": 10}), 1.5, ["eva: twice"])

    monkeypatch.setattr(convergence, "measure", wrong)

    assert convergence.main(["--faulty", "30%"]) == 1
    line = capsys.readouterr().out.splitlines()[-1].split()
    assert line == ["30%", "10", "2", "1x0,1x1", "40", "10", "25.0%", "1.5", "eva:", "twice"]
