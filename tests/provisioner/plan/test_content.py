"""What a decision is bound to: whatever an operator looked at, and nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.records import Change
from provisioner.plan.content import KINDS, REMOVALS, TAKEAWAYS, content_of
from provisioner.plan.ordering import PHASE

CHANGE = Change(
    seq=1,
    kind="license.remove",
    user="eva@example.org",
    key="E1",
    before="zoom_phone",
    consequences=("number +491 is released",),
)


@pytest.mark.parametrize(
    "members",
    [
        {"kind": "package.remove"},
        {"key": "E2"},
        {"before": "other"},
        {"after": "zoom_phone"},
        {"consequences": ()},
        {"consequences": ("number +492 is released",)},
    ],
)
def test_whatever_differs_asks_again(members: dict[str, Any]) -> None:
    assert content_of(msgspec.structs.replace(CHANGE, **members)) != content_of(CHANGE)


@pytest.mark.parametrize(
    "members",
    [
        {"seq": 9, "needs": (1, 2)},
        {"key": "e1"},
        {"user": "eva.nova@example.org"},
        {"cluster": "c7", "because": "left group Sales", "cause": "drift"},
        {"state": "held", "reason": "limit"},
    ],
)
def test_a_decision_is_carried_over_whatever_else_a_newer_plan_says(
    members: dict[str, Any],
) -> None:
    assert content_of(msgspec.structs.replace(CHANGE, **members)) == content_of(CHANGE)


def test_every_removal_takes_something() -> None:
    assert REMOVALS < TAKEAWAYS


def test_every_kind_that_has_a_place_in_a_plan_can_be_named_in_config() -> None:
    assert PHASE.keys() == KINDS
    assert KINDS > TAKEAWAYS
