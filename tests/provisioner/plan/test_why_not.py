"""Whatever the mapping and the person: `--why-not` says what the evaluator does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import Person, fold
from mappings import load_mapping
from mappings.whereabouts import Whereabouts
from provisioner.plan.explain import Explainer
from provisioner.plan.why_not import why_not
from provisioner.plan.wishes import plain
from provisioner.reads import Uses
from tests.mappings.test_evaluate_properties import mappings, people

NAMES = ("license", "site", "number", "credits", "packages", "delegates", "profile.display_name")
VALUES = ("A", "a", "B", "C", "Brno", "CEO", "pool:p", "+49891234", "true", "false", "P1", "P2")


def given_values(explainer: Explainer, entitlement: str) -> set[str]:
    """Return what somebody is given of an entitlement, folded; nothing out of scope."""
    if not explainer.mapping.in_scope(explainer.person):
        return set()
    given = explainer.mapping.entitlements(explainer.person)
    if entitlement in given.many:
        return {fold(value) for value in given.many[entitlement]}
    source = given.profile if entitlement.startswith("profile.") else given.single
    found = source.get(entitlement.removeprefix("profile."))
    return set() if found is None else {fold(str(plain(found.value)))}


@settings(max_examples=300, deadline=None)
@given(mappings(), people, st.sampled_from(NAMES), st.sampled_from(VALUES))
def test_it_is_given_exactly_where_the_evaluator_gives_it(
    tmp_path_factory: pytest.TempPathFactory,
    content: dict[str, Any],
    person: Person,
    entitlement: str,
    value: str,
) -> None:
    file: Path = tmp_path_factory.getbasetemp() / "m.yaml"
    file.write_text(json.dumps(content), encoding="utf-8")
    mapping = load_mapping(file)
    uses = Uses(tuple(mapping.uses_paths), None)
    explainer = Explainer(mapping, Whereabouts(file), uses, [("hr", person)])

    told = why_not(explainer, entitlement, value)

    has = fold(value) in given_values(explainer, entitlement)
    assert told.given is has
    assert ("given" in {each.outcome for each in told.rules}) is has
    for each in told.rules:
        if each.outcome in ("condition", "scope"):
            assert each.because is not None
            assert not each.because.met
        assert (each.outcome == "lost") is (each.winner is not None)
