"""What is left of changes: they go on from each other, cancel each other, and take things along."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Change, PhoneUser
from provisioner.plan.effects import Done, effects
from provisioner.plan.services import taken, what_went


def done(kind: str, before: Any, after: Any, seq: int = 1, **members: Any) -> Done:
    """Return a change of eva's that was carried out in plan 7."""
    given: dict[str, Any] = {
        "user": "eva@example.org",
        "key": "EVA",
        "id": "p-eva",
        "state": "done",
    }
    change = Change(seq=seq, kind=kind, before=before, after=after, **given | members)
    return Done("7", change)


def net(*of: Done) -> list[tuple[str, Any, Any]]:
    """Return what is left of changes, as (family, before, after)."""
    return [(e.family, e.before, e.after) for e in effects(of)]


def test_a_change_leaves_what_it_is_named_for() -> None:
    assert net(done("license.assign", None, "phone")) == [("license", None, "phone")]
    assert net(done("user.deactivate", "eva@example.org", None)) == [
        ("account", "active", "inactive")
    ]


def test_a_move_in_two_changes_is_one_effect() -> None:
    moved = net(
        done("softphone.deauthorize", "PC-1", None, 1), done("softphone.authorize", None, "PC-2", 2)
    )

    assert moved == [("softphone", "PC-1", "PC-2")]


def test_what_is_given_and_taken_again_leaves_nothing() -> None:
    assert net(done("site.set", "Brno", "Madrid", 1), done("site.set", "Madrid", "Brno", 2)) == []
    assert net(done("package.assign", None, "a", 1), done("package.remove", "a", None, 2)) == []
    assert net(done("delegate.remove", "jan", None, 1), done("delegate.add", None, "JAN", 2)) == []


def test_a_swap_that_goes_on_from_a_swap_is_one() -> None:
    assert net(done("package.assign", "a", "b", 1), done("package.assign", "b", "c", 2)) == [
        ("package", "a", "c")
    ]


def test_what_a_license_took_along_is_an_effect_each() -> None:
    took = (
        "calling package basic is removed",
        "number +4989123 is released",
        "the communication-credit license is removed",
        "delegation to jan@example.org ends",
    )

    assert net(done("license.remove", "phone", None, consequences=took)) == [
        ("license", "phone", None),
        ("credit", True, False),
        ("package", "basic", None),
        ("number", "+4989123", None),
        ("delegate", "jan@example.org", None),
    ]


def test_what_went_by_itself_and_is_named_as_a_consequence_counts_once() -> None:
    number = "number +4989123 is released"

    left = net(
        done("number.release", "+4989123", None, 1),
        done("license.remove", "phone", None, 2, consequences=(number,)),
    )

    assert left == [("license", "phone", None), ("number", "+4989123", None)]


def test_profile_attributes_are_an_effect_each() -> None:
    change = done(
        "profile.update",
        {"department": "Sales", "job_title": None},
        {"department": "IT", "job_title": "Clerk"},
    )

    found = effects([change])

    assert [(e.family, e.before, e.after) for e in found] == [
        ("profile.department", "Sales", "IT"),
        ("profile.job_title", None, "Clerk"),
    ]
    assert [e.of[0].change.after for e in found] == [{"department": "IT"}, {"job_title": "Clerk"}]


def test_a_mail_that_was_sent_is_no_effect() -> None:
    assert net(done("welcome.resend", None, None)) == []


_PACKAGES = st.sampled_from("abcde")


@given(st.sets(_PACKAGES), st.lists(st.tuples(st.booleans(), _PACKAGES, _PACKAGES), max_size=12))
def test_taking_back_what_is_left_gives_what_was_there_before(
    start: set[str], steps: list[tuple[bool, str, str]]
) -> None:
    held: set[Any] = set(start)
    made: list[Done] = []
    for takes, one, other in steps:
        before = one if takes and one in held else None
        after = other if other not in held else None
        if before is None and after is None:
            continue
        kind = "package.remove" if after is None else "package.assign"
        made.append(done(kind, before, after, len(made) + 1))
        held = held - {before} | {after} - {None}

    for effect in effects(made):
        assert effect.after is None or effect.after in held
        assert effect.before is None or effect.before not in held
        held = held - {effect.after} | {effect.before} - {None}

    assert held == start


_NAMES = st.text(min_size=1)


@given(_NAMES, st.lists(_NAMES), st.lists(_NAMES), st.lists(_NAMES))
def test_every_sentence_about_what_goes_can_be_read_back(
    license: str, packages: list[str], numbers: list[str], delegates: list[str]
) -> None:
    user = PhoneUser(
        "p",
        license=license,
        packages=tuple(packages),
        numbers=tuple(numbers),
        delegates=tuple(delegates),
        credits=True,
    )

    sentences = taken(user, {"license", "packages", "numbers", "delegates", "credits"})

    assert list(map(what_went, sentences)) == [
        ("license", license),
        *(("package", name) for name in packages),
        *(("number", name) for name in numbers),
        ("credit", True),
        *(("delegate", name) for name in delegates),
    ]
