"""Plans as JSON: what is written is read back the same, and what is no plan is refused in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import RunError
from connectors.records import Change, Risk
from provisioner.plan.document import (
    change_document,
    json_lines,
    plan_document,
    read_plan,
)
from provisioner.plan.model import (
    RISKS,
    Adoption,
    Base,
    Cluster,
    Conflict,
    Match,
    Plan,
    PoolUse,
    Summary,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.one_of(
    st.none(), st.booleans(), text, st.dictionaries(text, st.none() | text, max_size=2)
)
risks: st.SearchStrategy[Risk] = st.sampled_from(RISKS)
changes = st.builds(
    Change,
    seq=st.integers(1, 9),
    kind=st.sampled_from(["license.assign", "profile.update"]),
    user=text,
    key=text,
    id=st.none() | text,
    before=values,
    after=values,
    rule=st.none() | text,
    cluster=st.just("c1"),
    because=text,
    risk=risks,
    needs=st.lists(st.integers(1, 9), max_size=2).map(tuple),
    consequences=st.lists(text, max_size=2).map(tuple),
    reason=st.none() | text,
)
several = st.lists(changes, max_size=3).map(tuple)
plans = st.builds(
    Plan,
    id=text,
    sync=text,
    created_at=st.just(NOW),
    as_of=st.just(NOW),
    base=st.builds(Base, text, text, text, text),
    summary=st.just(
        Summary(
            people=3, unchanged=1, changes={"license.assign": 2}, pools={"x:y": PoolUse(None, 1, 2)}
        )
    ),
    clusters=st.just((Cluster("c1", "joined", 1, "safe"),)),
    changes=several,
    blocked=several,
    waiting=several,
    conflicts=st.just((Conflict(("a", "b"), ("a", "b"), ("people.csv:1",), "two rows"),)),
    warnings=st.lists(text, max_size=2).map(tuple),
    adoption=st.none()
    | st.just(Adoption(matched={"join": 1}, examples=(Match("a", "b", "c", "join"),))),
)


@given(plans)
def test_a_plan_is_read_back_from_one_object_as_it_was(plan: Plan) -> None:
    assert read_plan(json.dumps(plan_document(plan), indent=1)) == plan


@given(plans)
def test_a_plan_is_read_back_from_json_lines_as_it_was(plan: Plan) -> None:
    assert read_plan("\n".join(json_lines(plan)) + "\n") == plan


def small(*made: Change) -> Plan:
    return Plan(
        id="7",
        sync="emea",
        created_at=NOW,
        as_of=NOW,
        base=Base("", "", "", ""),
        summary=Summary(people=1, unchanged=1, changes={}),
        changes=made,
    )


def test_a_reason_is_written_only_where_there_is_one() -> None:
    change = Change(kind="license.assign", user="eva", key="E1")

    assert "reason" not in change_document(change)
    assert change_document(msgspec.structs.replace(change, reason="held"))["reason"] == "held"


def test_json_lines_are_one_head_and_a_line_for_each_change() -> None:
    change = Change(kind="license.assign", user="eva", key="E1", after="two\nlines")

    lines = list(json_lines(small(change, change)))

    assert len(lines) == 3
    assert "changes" not in json.loads(lines[0])
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize(
    "content", ["", " \n", "{", "[]", "17", '{"format": "other/1"}', "null\n{}"]
)
def test_what_is_no_plan_is_refused(content: str) -> None:
    with pytest.raises(RunError):
        read_plan(content)


def test_a_plan_that_is_cut_off_is_refused() -> None:
    change = Change(kind="license.assign", user="eva", key="E1")
    written = "\n".join(json_lines(small(change)))

    with pytest.raises(RunError):
        read_plan(written[:-5])
