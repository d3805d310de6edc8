"""What a set of changes takes with it, counted."""

from __future__ import annotations

from provisioner.console.pages.taking import kinds_in_words, losers_of, takes
from tests.provisioner.report.plans import change


def test_what_two_changes_of_one_person_take_with_them_is_counted_once() -> None:
    gone = ("number +4989123 is released",)
    both = [
        change(1, "license.remove", "jan", consequences=gone),
        change(2, "package.remove", "jan", consequences=gone),
    ]

    assert takes(both) == ["1 direct number (+4989123)"]


def test_what_many_lose_is_counted_and_not_named() -> None:
    changes = [
        change(n, "license.remove", f"u{n}", consequences=(f"number +49891230{n} is released",))
        for n in range(10, 50)
    ]

    assert takes(changes) == ["40 direct numbers"]


def test_of_very_many_different_consequences_the_rest_is_counted() -> None:
    changes = [change(n, user=f"u{n}", consequences=(f"phone {n} rings",)) for n in range(10)]

    assert takes(changes)[-1] == "2 other things, each told at its change"


def test_a_consequence_that_nobody_should_obey_is_made_visible() -> None:
    assert takes([change(1, consequences=("\x1b[31mgone",))]) == ["\\x1b[31mgone (1 person)"]


def test_who_swaps_something_loses_nothing() -> None:
    swapped = change(1, "license.assign", "eva", before="old", after="new")
    lost = change(2, "license.remove", "jan", before="old", after=None)

    assert losers_of([swapped, lost]) == ["jan@example.org"]


def test_kinds_are_told_by_danger_and_then_by_number() -> None:
    changes = [
        change(1, "template.apply", risk="service"),
        change(2, "package.assign"),
        change(3, "site.set", risk="service"),
        change(4, "site.set", risk="service"),
        change(5, "license.remove", risk="destructive"),
    ]

    told = "1 × license.remove, 2 × site.set, 1 × template.apply, 1 × package.assign"
    assert kinds_in_words(changes) == told
