"""What the formats share: characters that can't be seen, words for values, people and reasons."""

from __future__ import annotations

import re
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.report import figures
from tests.provisioner.report.plans import HELD, a_plan, change, whole_plan, written


@given(st.text(st.characters()))
def test_what_is_visible_has_no_control_and_stays_as_it_is_when_made_visible_again(
    text: str,
) -> None:
    seen = figures.visible(text)

    categories = {unicodedata.category(c) for c in seen if c not in "\u200c\u200d\u3000"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert figures.visible(seen) == seen


@pytest.mark.parametrize("name", ["Eva Malá", "山田　太郎", "علی‌رضا", "नमस्‍ते", "👩‍💻", "O'Brien"])
def test_names_stay_as_they_are_spelled(name: str) -> None:
    assert figures.visible(name) == name


def test_a_joiner_between_plain_letters_is_shown_because_it_hides_a_difference() -> None:
    assert figures.visible("eva\u200dm@example.org") == "eva\\u200dm@example.org"


def test_people_stand_by_user_without_case() -> None:
    people = figures.people_of([change(1, user="b"), change(2, user="A"), change(3, user="b")])

    assert [(p.user, [c.seq for c in p.changes]) for p in people] == [
        ("A@example.org", [2]),
        ("b@example.org", [1, 3]),
    ]


@pytest.mark.parametrize(
    ("kind", "standing"), [("user.create", "joiner"), ("user.trash", "leaver"), ("site.set", "")]
)
def test_who_comes_is_a_joiner_and_who_goes_a_leaver(kind: str, standing: str) -> None:
    assert figures.people_of([change(1, kind)])[0].standing == standing


def test_changes_of_a_cluster_that_the_plan_does_not_name_are_not_lost() -> None:
    clusters = figures.changes_by_cluster(a_plan(change(1), change(2, cluster="c9")))

    assert [(c.title, [x.seq for x in changes]) for c, changes in clusters] == [
        ("joined group Sales (hr)", [1]),
        ("of no cluster", [2]),
    ]


def test_only_the_commands_plan_is_replaced_by_the_id() -> None:
    held = change(1, state="held", reason=f"PLAN of {HELD}")

    reason = figures.reason_of(held, a_plan(held))

    assert reason.startswith("PLAN of 212")
    assert "`provisioner apply 118 --allow-removals 212`" in reason


def test_an_id_that_a_shell_would_obey_is_quoted() -> None:
    held = change(1, state="held", reason=HELD)
    plan = msgspec.structs.replace(a_plan(held), id="1; reboot")

    assert "apply '1; reboot' --allow" in figures.reason_of(held, plan)


def test_an_order_within_one_person_is_not_said() -> None:
    one, two, three = change(1), change(2, needs=(1,)), change(3, user="jan", needs=(1, 2))
    users = figures.users_by_seq(a_plan(one, two, three))

    assert figures.needs_of(two, users) == ""
    assert figures.needs_of(three, users) == "after 1 (eva@example.org), 2 (eva@example.org)"


@pytest.mark.parametrize("command", ["apply PLAN --allow-removals 3", "approve PLAN", "apply PLAN"])
def test_a_reasons_command_names_the_plan(command: str) -> None:
    said = figures.with_plan(f"if that is right: `provisioner {command}`", a_plan())

    assert said == f"if that is right: `provisioner {command.replace('PLAN', a_plan().id)}`"


def test_an_undos_conflicts_are_what_changed_since() -> None:
    assert figures.title_of_conflicts(a_plan()) == "these people are left alone"
    assert figures.title_of_conflicts(a_plan(scope="undo")).startswith("this changed since")


DECIDED = [
    "approved by Eva Malá, until 2026-12-07 09:00 UTC; waiting for a second approver:"
    " `provisioner approve 118`",
    "approved by Eva Malá and jan, until 2026-12-07 09:00 UTC",
    "rejected by jan, until 2026-12-07 09:00 UTC",
    "approved by zoe until 2026-12-07 09:00 UTC, which is over; once more: `provisioner approve 118`",
]


def test_decisions_say_who_until_when_and_what_is_missing_yet() -> None:
    assert [text for text, _ in figures.decided_reasons(whole_plan())] == DECIDED


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_every_report_shows_the_decisions(form: str) -> None:
    text = re.sub("</?code>|`", "", written(whole_plan(), form))

    for said in DECIDED:
        assert said.replace("`", "") in text
    assert "approved by one" in text
    assert "approval expired" in text


def test_a_reason_that_many_changes_share_is_told_once() -> None:
    many = [change(n, f"u{n}", reason="approved by eva; waits") for n in range(1, 5)]

    assert figures.shared_reasons(a_plan(*many)) == {"approved by eva; waits"}
    assert figures.shared_reasons(a_plan(*many[:3])) == set()
