"""The report as text: what stands first, who is shown, and that nothing in it is obeyed."""

from __future__ import annotations

import io
import re
import unicodedata

import msgspec
import pytest
from hypothesis import given, settings

from provisioner.plan.model import Cluster, Plan
from provisioner.report import FORMATS, write_report
from tests.provisioner.report.plans import (
    HELD,
    NASTY,
    a_plan,
    anything,
    change,
    nasty_plan,
    whole_plan,
    written,
)


def people_shown(text: str) -> list[str]:
    """Return the users whose lines stand under People."""
    part = text.split("\nPeople", 1)[1].split("\n\n")[0]
    return re.findall(r"^  (\S+@example\.org)", part, re.M)


def test_totals_and_limits_stand_before_causes_and_causes_before_people() -> None:
    text = written(whole_plan(), "text")

    heads = ["Plan 118", "removals", "pool ", "Adoption", "Causes", "Held", "People", "Blocked"]
    places = [text.index(head) for head in [*heads, "Waiting", "Conflicts", "Warnings"]]
    assert places == sorted(places)


def test_the_head_gives_every_figure() -> None:
    text = written(whole_plan(), "text")

    assert "people     640 (637 unchanged)" in text
    assert "1 person (0.2%) would lose" in text
    assert "1 held, 1 blocked, 1 waiting" in text
    assert "1 step for a person to do" in text
    assert "api calls  4" in text


def test_a_pool_shows_what_is_left_and_what_is_over() -> None:
    lines = written(whole_plan(), "text").splitlines()

    assert next(x for x in lines if "zoom_phone  " in x).split() == (
        ["license:zoom_phone", "10", "8", "9", "1"]
    )
    assert next(x for x in lines if "package:UK" in x).endswith("2 too many")


def test_an_adoption_says_who_met_whom_and_who_is_left_over() -> None:
    text = written(whole_plan(), "text")

    assert "230 by join, 2 by email" in text
    assert "jan@example.org = phone user p1 (join, key key-jan)" in text
    assert "1 person without a phone user: eva@example.org" in text
    assert "2 phone users of nobody: old@example.org, older@example.org" in text


def test_a_person_stands_once_with_all_changes_in_order() -> None:
    text = written(whole_plan(), "text")

    assert people_shown(text) == ["eva@example.org", "jan@example.org", "zoe@example.org"]
    eva = text.split("\n  eva@example.org")[1].split("\n  jan@")[0]
    assert [int(seq) for seq in re.findall(r"^ +(\d+)  \w+\.", eva, re.M)] == [2, 3, 4]


def test_a_change_shows_before_after_and_rule() -> None:
    plan = a_plan(change(1, before="UK Metered", after="UK Unlimited", rule="brno-sales"))

    assert "package.assign       UK Metered -> UK Unlimited  (brno-sales)" in written(plan, "text")


def test_because_is_said_only_where_it_differs_from_the_cause_of_the_cluster() -> None:
    plan = a_plan(change(1), change(2, because="title changed from a to b (hr)"))

    text = written(plan, "text")

    assert text.count("because ") == 1
    assert "because title changed from a to b (hr)" in text


def test_what_a_change_waits_for_names_the_other_person() -> None:
    assert "after 1 (jan@example.org)" in written(whole_plan(), "text")


def test_a_held_change_gives_the_exact_command_that_releases_it() -> None:
    text = written(whole_plan(), "text")

    assert "`provisioner apply 118 --allow-removals 212`" in text
    assert "apply PLAN" not in text


def test_a_reason_that_holds_many_is_said_once() -> None:
    changes = [change(n, user=f"u{n}", state="held", reason=HELD) for n in range(1, 40)]

    assert written(a_plan(*changes), "text").count("--allow-removals 212") == 1


def test_a_value_that_reads_like_our_own_word_stands_in_quotes() -> None:
    plan = a_plan(change(1, before=None, after="none"))

    assert 'none -> "none"' in written(plan, "text")


def test_of_a_big_plan_the_most_dangerous_people_are_shown_and_the_rest_is_counted() -> None:
    safe = [change(n, user=f"a{n:03}") for n in range(1, 301)]
    plan = a_plan(*safe, change(301, "license.remove", "zz", risk="destructive"))

    text = written(plan, "text")

    shown = people_shown(text)
    assert (len(shown), shown[-1]) == (200, "zz@example.org")
    assert shown == sorted(shown)
    assert "and 101 more people with 101 changes; `provisioner show 118 --format html`" in text


def test_namesakes_are_told_apart_by_their_keys() -> None:
    text = written(a_plan(change(1, key="k1"), change(2, key="k2")), "text")

    assert "key k1" in text
    assert "key k2" in text


def test_the_same_plan_gives_the_same_text_whenever_it_was_made() -> None:
    plan = whole_plan()
    later = msgspec.structs.replace(plan, created_at=plan.created_at.replace(year=2030))

    assert written(plan, "text") == written(later, "text")


def test_a_plan_without_changes_is_a_whole_report() -> None:
    assert "changes    none" in written(a_plan(), "text")


def test_a_change_of_no_known_cluster_is_shown_among_the_people() -> None:
    plan = a_plan(change(1, cluster="gone"), clusters=(Cluster("c1", "x", 1, "safe"),))

    assert people_shown(written(plan, "text")) == ["eva@example.org"]


def test_no_escape_sequence_comes_out_without_color() -> None:
    assert "\x1b" not in written(whole_plan(), "text")


def test_color_marks_what_is_destructive() -> None:
    assert "\x1b[1;31mlicense.remove" in written(whole_plan(), "text", color=True)


def test_the_text_is_the_same_with_and_without_color() -> None:
    colored = written(whole_plan(), "text", color=True)

    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == written(whole_plan(), "text")


def test_lines_fold_at_the_width_and_lose_nothing() -> None:
    wide, narrow = written(whole_plan(), "text"), written(whole_plan(), "text", width=50)

    assert max(map(len, narrow.splitlines())) <= 50
    assert "".join(wide.split()) == "".join(narrow.split())


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_command_is_never_folded_so_that_it_can_be_copied(width: int) -> None:
    text = written(whole_plan(), "text", width=width)

    assert text.count("`provisioner apply 118 --allow-removals 212`") == 2


def test_an_output_that_cannot_hold_a_letter_gets_an_escape() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    write_report(a_plan(change(1, after="Malá")), "text", out)

    out.seek(0)
    assert "Mal\\xe1" in out.read()


@pytest.mark.parametrize("text", [text for text in NASTY if text])
def test_no_nasty_text_changes_the_number_of_lines(text: str) -> None:
    assert lines_of(nasty_plan(text)) == lines_of(nasty_plan("harmless"))


def lines_of(plan: Plan) -> int:
    return written(plan, "text").count("\n")


@settings(max_examples=60, deadline=None)
@given(anything)
def test_only_what_can_be_seen_comes_out_whatever_a_text_holds(text: str) -> None:
    for character in written(nasty_plan(text), "text"):
        assert character == "\n" or character in "\u200c\u200d" or visible_one(character)


def visible_one(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ" or character in " \u3000"


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=", ".join(FORMATS)):
        written(a_plan(), "pdf")


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_ends_with_a_line_end(format: str) -> None:
    assert written(whole_plan(), format).endswith("\n")
