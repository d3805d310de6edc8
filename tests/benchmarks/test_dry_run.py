"""What the benchmark measures is right: the data it makes, its yardstick, and what it takes for wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import company, dry_run, plain

USERS = 1500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with every kind of difference, and the plan of a dry run of it."""
    made = tmp_path_factory.mktemp("company")
    company.write(made, USERS, seed=7, changed=0.1)
    (first_run, _) = dry_run.dry_runs("", "plain", made, lambda: dry_run.wrong_plan(made))
    first_run.run(made / "log")
    assert first_run.runs[0].wrong is None
    return made


def truth(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads((folder / "truth.json").read_text())
    return found


def test_every_kind_of_difference_is_planted(folder: Path) -> None:
    assert {kind for kind, keys in truth(folder).items() if keys} == set(company.SHARES)


def test_each_difference_has_a_person_of_its_own(folder: Path) -> None:
    keys = [key for keys in truth(folder).values() for key in keys]

    assert len(keys) == len(set(keys))


def test_the_same_seed_makes_the_same_company(folder: Path, tmp_path: Path) -> None:
    company.write(tmp_path, USERS, seed=7, changed=0.1)

    for name in ("people.csv", "snapshot.jsonl", "mapping.yaml", "truth.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_the_yardstick_finds_exactly_the_people_of_the_truth(folder: Path) -> None:
    plan = folder / "plain.jsonl"
    subprocess.run([sys.executable, plain.__file__, str(folder), str(plan)], check=True)

    assert dry_run.wrong_plain(folder) is None


def test_a_plan_that_misses_somebody_is_wrong(folder: Path, tmp_path: Path) -> None:
    first, *others = (folder / "plan.jsonl").read_text().splitlines()
    missed = json.loads(others[0])["key"]
    (tmp_path / "truth.json").write_bytes((folder / "truth.json").read_bytes())
    kept = [first, *(line for line in others if json.loads(line)["key"] != missed)]
    (tmp_path / "plan.jsonl").write_text("\n".join(kept))

    assert f"such as {missed}" in str(dry_run.wrong_plan(tmp_path))


def test_a_plan_with_somebody_too_many_is_wrong(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_bytes((folder / "truth.json").read_bytes())
    plan = (folder / "plan.jsonl").read_text() + '{"key": "somebody", "kind": "user.create"}\n'
    (tmp_path / "plan.jsonl").write_text(plan)

    assert "such as somebody" in str(dry_run.wrong_plan(tmp_path))


def test_a_ratio_above_the_budget_is_told() -> None:
    slow = dry_run.Contestant("slow", [], "plain", runs=[dry_run.Run(4.1, 4, 100, None)])
    plain_run = dry_run.Contestant("plain", [], runs=[dry_run.Run(1, 1, 500, None)])

    _, wrong = dry_run.table([plain_run, slow])

    assert wrong == ["slow: 4.10 times the plain comparison, budget 4.0"]


def test_memory_above_the_budget_is_told_of_a_dry_run_alone() -> None:
    big = dry_run.Contestant("big", [], "plain", runs=[dry_run.Run(1, 1, 201, None)])
    plain_run = dry_run.Contestant("plain", [], runs=[dry_run.Run(1, 1, 500, None)])

    _, wrong = dry_run.table([plain_run, big])

    assert wrong == ["big: 201 MiB, budget 200"]
