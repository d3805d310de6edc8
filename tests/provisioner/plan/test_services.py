"""Licenses, packages and credits: swaps, removals, and what goes with them."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.records import Abilities, Person, PhoneUser
from mappings.entitlements import Entitlements, Given
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.services import credit_changes, license_changes, package_changes
from tests.provisioner.plan.grounds import ground

ABILITIES = Abilities(
    kinds=frozenset(),
    license_takes=frozenset({"packages", "numbers", "delegates", "credits"}),
    last_package_takes=frozenset({"numbers"}),
)


@pytest.fixture
def everything() -> Ground:
    return ground("license", "packages", "credits", abilities=ABILITIES)


def case(
    actual: PhoneUser | None, *, left_alone: frozenset[str] = frozenset(), **wishes: Any
) -> Case:
    many = {"packages": dict.fromkeys(wishes.pop("packages", ()), "rule")}
    single = {name: Given(value, "rule") for name, value in wishes.items()}
    given = Entitlements(single, many, {}, left_alone)
    return Case("eva", "in_scope", Person("eva", {}), given, actual)


def shown(drafts: Any) -> list[tuple[str, object, object, str]]:
    return [(d.kind, d.before, d.after, d.risk) for d in drafts]


def test_a_license_that_replaces_another_is_one_change(everything: Ground) -> None:
    swap = case(PhoneUser("p1", license="old"), license="new")

    assert shown(license_changes(swap, everything)) == [("license.assign", "old", "new", "service")]


def test_a_first_license_is_safe(everything: Ground) -> None:
    assert shown(license_changes(case(None, license="new"), everything)) == [
        ("license.assign", None, "new", "safe")
    ]


def test_the_same_license_in_other_letters_is_no_change(everything: Ground) -> None:
    assert not shown(
        license_changes(case(PhoneUser("p1", license="NEW"), license="new"), everything)
    )


def test_a_license_that_goes_names_everything_that_goes_with_it(everything: Ground) -> None:
    actual = PhoneUser(
        "p1",
        license="phone",
        packages=("basic",),
        numbers=("+491", "+492"),
        credits=True,
        delegates=("jan@example.org",),
    )

    (removal,) = license_changes(case(actual), everything)

    assert (removal.kind, removal.risk) == ("license.remove", "destructive")
    assert removal.consequences == [
        "calling package basic is removed",
        "number +491 is released",
        "number +492 is released",
        "the communication-credit license is removed",
        "delegation to jan@example.org ends",
    ]


def test_a_package_for_another_is_one_change_and_the_rest_are_their_own(everything: Ground) -> None:
    actual = PhoneUser("p1", license="phone", packages=("gold", "silver"))
    mover = case(actual, license="phone", packages=("basic",))

    assert shown(package_changes(mover, everything)) == [
        ("package.assign", "gold", "basic", "service"),
        ("package.remove", "silver", None, "service"),
    ]


def packages_of(drafts: Any) -> Draft:
    (draft,) = drafts
    assert isinstance(draft, Draft)
    return draft


def test_the_last_package_is_destructive_and_names_the_numbers(everything: Ground) -> None:
    actual = PhoneUser("p1", license="phone", packages=("basic",), numbers=("+491",))

    last = packages_of(package_changes(case(actual, license="phone"), everything))

    assert (last.kind, last.risk) == ("package.remove", "destructive")
    assert last.consequences == ["number +491 is released"]


def test_a_package_that_leaves_another_in_place_is_not_destructive(everything: Ground) -> None:
    actual = PhoneUser("p1", license="phone", packages=("basic", "gold"), numbers=("+491",))

    one = packages_of(
        package_changes(case(actual, license="phone", packages=("basic",)), everything)
    )

    assert (one.before, one.risk, one.consequences) == ("gold", "service", [])


def test_packages_that_go_with_the_license_are_no_changes_of_their_own(everything: Ground) -> None:
    actual = PhoneUser("p1", license="phone", packages=("basic",))

    assert not shown(package_changes(case(actual), everything))


def test_packages_are_compared_without_case(everything: Ground) -> None:
    actual = PhoneUser("p1", license="phone", packages=("BASIC",))

    assert not shown(
        package_changes(case(actual, license="phone", packages=("basic",)), everything)
    )


def test_where_an_attribute_was_missing_what_is_held_stays(everything: Ground) -> None:
    actual = PhoneUser("p1", license="phone", packages=("basic",), credits=True)
    partly = case(
        actual,
        left_alone=frozenset({"license", "packages", "credits"}),
        packages=("gold",),
    )

    assert not shown(license_changes(partly, everything))
    assert not shown(credit_changes(partly, everything))
    assert shown(package_changes(partly, everything)) == [("package.assign", None, "gold", "safe")]


def test_what_the_mapping_never_mentions_is_not_touched() -> None:
    nothing = ground(abilities=ABILITIES)
    actual = PhoneUser("p1", license="phone", packages=("basic",), credits=True)

    for family in (license_changes, package_changes, credit_changes):
        assert not shown(family(case(actual), nothing))


@pytest.mark.parametrize(
    ("held", "wished", "kinds"),
    [
        (False, True, ["credit.assign"]),
        (True, False, ["credit.remove"]),
        (True, None, ["credit.remove"]),
        (True, True, []),
        (False, None, []),
    ],
)
def test_credits_are_given_and_taken_as_wished(
    held: bool, wished: bool | None, kinds: list[str], everything: Ground
) -> None:
    wishes: dict[str, Any] = {} if wished is None else {"credits": wished}
    drafts = credit_changes(case(PhoneUser("p1", credits=held), **wishes), everything)

    assert [d.kind for d in drafts] == kinds
