"""The benchmark of fifty rules measures what it says, and finds a wrong decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import evaluation
from connectors.records import Person
from mappings import load_mapping
from mappings.lint import lint
from mappings.mapping import Mapping


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("BENCH_KIT", raising=False)
    evaluation.company(tmp_path, 1500, 7)
    return tmp_path


def test_there_are_fifty_rules_and_every_one_can_match(made: Path) -> None:
    mapping = load_mapping(made / "fifty.yaml")

    assert len({rule.when.text for rule in mapping.rules}) == evaluation.RULES
    assert [each for each in lint(mapping) if "can never match" in each.text] == []


def test_everybody_is_evaluated_and_decided_as_by_reading_rule_by_rule(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "SAMPLE", 1)

    told = evaluation.evaluate(made, "people.csv", {"employeeId": "externalId"})

    assert told["people"] == len((made / "people.csv").read_text().splitlines()) - 1
    assert 0 < told["in_scope"] < told["people"]
    assert told["wrong"] == []


def test_a_wrong_decision_is_found(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Mapping.entitlements
    first = right(load_mapping(made / "fifty.yaml"), _anybody())
    monkeypatch.setattr(Mapping, "entitlements", lambda mapping, person: first)

    assert evaluation.evaluate(made, "people.csv", {"employeeId": "externalId"})["wrong"]


def _anybody() -> Person:
    return Person("x", {"userName": "x", "title": "Director"})
