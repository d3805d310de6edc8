"""Where a change stands, told from a fresh read of the user."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.records import Abilities, Change, PhoneUser
from provisioner.apply.standing import standing_of, swapped_by_hand, takes_what_was_said
from tests.provisioner.apply.world import ABILITIES, change, takes

EVA = PhoneUser(
    "p-eva",
    email="eva@example.org",
    display_name="Eva",
    department="Sales",
    license="zoom_phone",
    packages=("Basic", "Gold"),
    site="Brno",
    extension_number="4077",
    numbers=("+1",),
    delegates=("Jan@example.org",),
    delegate_privileges=("Place Calls", "Answer Calls"),
)
UNREADABLE = Abilities(kinds=frozenset(), unreadable=frozenset({"template", "profile.job_title"}))


def standing(
    kind: str, before: Any, after: Any, user: PhoneUser | None = EVA, **members: Any
) -> str:
    made = change(1, kind, "eva", before, after)
    return standing_of(made, user, members.pop("abilities", ABILITIES), **members)


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("license.assign", None, "ZOOM_PHONE", "after"),
        ("license.assign", "zoom_phone", "teams", "before"),
        ("license.assign", None, "teams", "neither"),
        ("license.remove", "zoom_phone", None, "before"),
        ("license.remove", "teams", None, "neither"),
        ("package.assign", None, "silver", "before"),
        ("package.assign", None, "gold", "after"),
        ("package.assign", "gold", "silver", "before"),
        ("package.assign", "silver", "gold", "after"),
        ("package.assign", "silver", "bronze", "neither"),
        ("package.assign", "basic", "gold", "neither"),
        ("package.remove", "gold", None, "before"),
        ("package.remove", "silver", None, "after"),
        ("number.assign", "+1", "+2", "before"),
        ("number.assign", "+2", "+1", "after"),
        ("number.assign", None, "+1", "after"),
        ("number.assign", "+8", "+9", "neither"),
        ("number.release", "+1", None, "before"),
        ("site.set", "brno", "Munich", "before"),
        ("site.set", "Madrid", "BRNO", "after"),
        ("site.set", None, "Munich", "neither"),
        ("extension.set", "4077", "4078", "before"),
        ("delegate.add", None, "jan@example.org", "after"),
        ("delegate.add", None, "zoe@example.org", "before"),
        ("delegate.remove", "JAN@example.org", None, "before"),
        ("delegation.set", None, "answer calls, place calls", "after"),
        ("delegation.set", "Place Calls, Answer Calls", None, "before"),
        ("delegation.set", None, "Place Calls", "neither"),
        ("credit.assign", False, True, "before"),
        ("credit.remove", True, False, "after"),
        ("user.activate", None, "eva@example.org", "after"),
        ("user.deactivate", "eva@example.org", None, "before"),
        ("user.trash", "eva@example.org", None, "before"),
        ("user.create", None, "eva@example.org", "after"),
        ("welcome.resend", None, None, "unknown"),
    ],
)
def test_a_change_stands_as_it_was_seen_as_it_is_wished_or_neither(
    kind: str, before: Any, after: Any, expected: str
) -> None:
    assert standing(kind, before, after) == expected


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("user.create", None, "eva@example.org", "before"),
        ("user.delete", "eva@example.org", None, "after"),
        ("license.remove", "zoom_phone", None, "after"),
        ("credit.remove", True, False, "after"),
        ("package.assign", None, "gold", "neither"),
        ("user.activate", None, "eva@example.org", "neither"),
    ],
)
def test_of_somebody_who_is_gone_everything_is_taken_and_nothing_given(
    kind: str, before: Any, after: Any, expected: str
) -> None:
    assert standing(kind, before, after, user=None) == expected


def test_a_swap_of_numbers_that_was_given_and_not_yet_taken_is_still_to_do() -> None:
    both = PhoneUser("p-eva", numbers=("+1", "+2"))

    assert standing("number.assign", "+1", "+2", user=both) == "before"


def test_settings_of_a_license_that_the_plan_gave_are_nobodys_choice() -> None:
    assert standing("site.set", None, "Munich", begun=True) == "before"
    assert standing("extension.set", None, "4078", begun=True) == "before"
    assert standing("site.set", "Madrid", "Munich", begun=True) == "neither"
    assert standing("license.assign", None, "teams", begun=True) == "neither"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"department": "Sales"}, {"department": "HR"}, "before"),
        ({"department": "HR"}, {"department": "Sales"}, "after"),
        ({"department": "HR"}, {"department": "IT"}, "neither"),
        ({"department": "HR", "display_name": "Eva"}, {"department": "Sales", "display_name": "E"}, "before"),
        ({"department": "HR", "display_name": "Ada"}, {"department": "Sales", "display_name": "E"}, "neither"),
        (None, {"department": "IT"}, "before"),
        (None, {"department": "Sales"}, "after"),
        ({"department": "HR", "job_title": None}, {"department": "Sales", "job_title": "CEO"}, "unknown"),
        ({"department": "Sales", "job_title": None}, {"department": "HR", "job_title": "CEO"}, "before"),
        ({"job_title": None}, {"job_title": "CEO"}, "unknown"),
    ],
)  # fmt: skip
def test_a_profile_is_judged_attribute_by_attribute(before: Any, after: Any, expected: str) -> None:
    assert standing("profile.update", before, after, abilities=UNREADABLE) == expected


def test_what_cannot_be_read_stands_nobody_knows_where() -> None:
    assert standing("template.apply", None, "Office", abilities=UNREADABLE) == "unknown"
    unasked = PhoneUser("p-eva", delegates=None)
    assert standing("delegate.add", None, "jan@example.org", user=unasked) == "unknown"


GONE = ("license zoom_phone is freed", "calling package Basic is removed",
        "calling package Gold is removed", "number +1 is released")  # fmt: skip


@pytest.mark.parametrize(
    ("made", "fine"),
    [
        (takes(1, "eva", consequences=GONE[1:]), False),
        (takes(1, "eva", consequences=GONE), True),
        (takes(1, "eva", consequences=(*GONE, "number +7 is released")), True),
        (takes(1, "eva", consequences=GONE[:3]), False),
        (change(1, "user.deactivate", "eva", "eva", None, consequences=GONE), True),
        (change(1, "user.deactivate", "eva", "eva", None, consequences=GONE[:3]), False),
        (change(1, "user.delete", "eva", "eva", None), False),
        (change(1, "package.remove", "eva", "Gold", None), True),
        (change(1, "site.set", "eva", "Brno", "Munich"), True),
    ],
)
def test_nothing_is_taken_beyond_what_was_said(made: Change, fine: bool) -> None:
    abilities = Abilities(
        kinds=frozenset(),
        license_takes=frozenset({"packages", "numbers", "license"}),
        last_package_takes=frozenset({"numbers"}),
        deactivation_takes=frozenset({"license", "packages", "numbers"}),
    )

    assert takes_what_was_said(made, EVA, abilities) is fine


def test_the_last_package_takes_no_number_that_was_not_said() -> None:
    last = PhoneUser("p-eva", packages=("Gold",), numbers=("+1",))
    removal = change(1, "package.remove", "eva", "Gold", None)
    said = change(1, "package.remove", "eva", "Gold", None, consequences=("number +1 is released",))

    assert not takes_what_was_said(removal, last, ABILITIES)
    assert takes_what_was_said(said, last, ABILITIES)
    assert takes_what_was_said(removal, None, ABILITIES), "who is gone loses nothing"


def test_a_number_that_was_swapped_by_hand_is_not_so_already() -> None:
    swapped = PhoneUser("p-eva", numbers=("+3",))
    release = change(1, "number.release", "eva", "+1", None)
    claim = change(1, "number.assign", "eva", None, "+2")

    assert swapped_by_hand([release], swapped, begun=False)
    assert swapped_by_hand([claim], swapped, begun=False)
    assert not swapped_by_hand([release], PhoneUser("p-eva"), begun=False)
    assert not swapped_by_hand([claim], PhoneUser("p-eva", numbers=("+2",)), begun=False)


def test_a_number_that_the_plan_itself_takes_or_gives_is_no_swap() -> None:
    both = [
        change(1, "number.release", "eva", "+1", None),
        change(2, "number.release", "eva", "+3", None),
    ]
    undo = [msgspec.structs.replace(change(1, "number.assign", "eva", None, "+2"), cause="undo")]

    assert not swapped_by_hand(both, PhoneUser("p-eva", numbers=("+3",)), begun=False)
    assert not swapped_by_hand(undo, PhoneUser("p-eva", numbers=("+3",)), begun=False)
