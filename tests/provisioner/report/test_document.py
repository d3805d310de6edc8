"""The report as JSON: the plan's own documents, streamed, and safe to print."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from provisioner.plan.document import plan_document, read_plan
from provisioner.plan.model import Plan
from tests.provisioner.report.plans import a_plan, anything, change, nasty_plan, whole_plan, written


@pytest.mark.parametrize("plan", [a_plan(), a_plan(change(1)), whole_plan()])
def test_json_is_the_plans_document_in_the_order_of_the_format(plan: Plan) -> None:
    document = json.loads(written(plan, "json"))

    assert document == json.loads(json.dumps(plan_document(plan)))
    assert list(document) == list(plan_document(plan))


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_what_was_written_is_read_back_as_the_same_plan(format: str) -> None:
    assert read_plan(written(whole_plan(), format)) == whole_plan()


def test_json_lines_have_the_head_first_and_then_a_change_a_line() -> None:
    head, *lines = written(whole_plan(), "jsonl").splitlines()

    assert "changes" not in json.loads(head)
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]


def test_letters_stay_letters() -> None:
    assert "Eva Malá" in written(whole_plan(), "json")


@pytest.mark.parametrize("format", ["json", "jsonl"])
@settings(max_examples=60, deadline=None)
@given(text=anything)
def test_any_text_survives_and_none_is_obeyed_or_splits_a_line(format: str, text: str) -> None:
    plan = nasty_plan(text)
    out = written(plan, format)

    out.encode()  # no lone surrogate
    assert not set(out) & {"\x1b", "\x9b", "\u202e", "\u2028", "\x85"}
    head, *rest = out.split("\n")
    assert out.splitlines() == [head, *rest[:-1]]
    document = json.loads(out if format == "json" else head)
    assert document["warnings"] == [text]
