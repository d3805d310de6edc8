"""Moments, lines and addresses as pages write them."""

from __future__ import annotations

import pytest

from provisioner.console.pages.words import ended, moment, said, states
from tests.provisioner.console.pages.visited import at


@pytest.mark.parametrize(
    ("then", "words"),
    [("08:59:00", "1 minute ago"), ("10:00:00", "in 1 hour"), ("09:00:00", "now")],
)
def test_a_moment_is_told_by_how_far_off_it_is(then: str, words: str) -> None:
    assert moment(at(then), at("09:00:00")).ago == words


def test_what_is_indented_below_a_line_belongs_to_it() -> None:
    lines = said("plan 7: 2 changes approved by eva\n\n  1 waits\n    3 license.assign zoe")

    assert [line.depth for line in lines] == [0, 1, 2]


def test_states_that_somebody_should_look_at_come_first_and_none_is_left_out() -> None:
    shown = [badge.words for badge in states({"done": 3, "strange": 1, "held": 2, "stale": 0})]

    assert shown == ["2 held", "3 done", "1 strange"]


def test_a_run_without_an_end_is_at_work_or_was_cut_off() -> None:
    assert ended(None, running=True).words == "at work"
    assert ended(None).words == "cut off"
