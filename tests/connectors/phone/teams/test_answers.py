"""What Graph's refusals mean: every rule has the same code, and only the text tells which."""

from __future__ import annotations

import pytest

from connectors.phone.teams.answers import REMEDIES, Answer, Refused, Why, judge, why_of

TEXTS: list[tuple[str, Why]] = [
    ("License assignment cannot be done for user with invalid usage location.", "location"),
    ("ProhibitedInUsageLocationViolation", "location"),
    (
        "License assignment failed because service plan 4828c8ec-dc2e-4779-b502-87ac9ce28ab7 depends"
        " on the service plan(s) 57ff2da0-773e-42df-b2af-ffb7a2317929",
        "dependency",
    ),
    ("DependencyViolation", "dependency"),
    ("MutuallyExclusiveViolation", "exclusive"),
    ("License assignment failed because service plans x and y are mutually exclusive", "exclusive"),
    ("Subscription with SKU x does not have any available licenses.", "no_seat"),
    ("CountViolation", "no_seat"),
    ("User does not have a corresponding license.", "not_held"),
    ("No license changes provided", "no_change"),
    ("License x does not correspond to a valid company License.", "unknown"),
    ("UniquenessViolation", ""),
]


@pytest.mark.parametrize(("text", "why"), TEXTS)
def test_a_refusal_is_classed_by_its_text_and_says_what_to_do(text: str, why: Why) -> None:
    body = {"error": {"code": "Request_BadRequest", "message": text}}

    with pytest.raises(Refused) as refused:
        judge("POST /users/u1/assignLicense", Answer(400, body, {}))

    assert (why_of(text), refused.value.why) == (why, why)
    assert refused.value.remedy == REMEDIES.get(why, "")
