"""What one person's license changes come to in one request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import PersonError
from connectors.phone.teams import skus
from connectors.phone.teams.licensing import order
from connectors.phone.teams.reading import Held
from connectors.phone.teams.skus import Product
from connectors.records import Change, Value, fold

PHONE = skus.product("e43b5b99-8dfb-405f-9987-dc307f34bcbd")
DOMESTIC = skus.product("0dab259f-bf13-4952-b7f8-7db8f131b28d")
INTERNATIONAL = skus.product("d3b4fe1f-9992-4930-8acb-ca6ec609365e")
CREDITS = skus.product(skus.CREDITS_SKU)
E3 = skus.product("05e9a617-0261-4cee-bb44-138d3ef5d965")
E5 = skus.product("06ebc4ee-1bb5-47dd-8120-11324bc54e06")
YAMMER = "7547a3fe-08ee-4ccb-b430-5077c5041653"


class Names:
    """A tenant that has bought all of these."""

    def license(self, name: str) -> Product:
        return PHONE if fold(name) in ("teams_phone", fold(PHONE.name)) else E5

    def package(self, name: str) -> Product:
        return next(p for p in (DOMESTIC, INTERNATIONAL) if fold(p.name) == fold(name))

    def product(self, sku_id: str) -> Product:
        return skus.product(sku_id)

    def license_name(self, product: Product) -> str:
        return "teams_phone" if product is PHONE else product.name


def change(kind: str, before: Value, after: Value, seq: int = 1) -> Change:
    return Change(seq=seq, kind=kind, user="eva@example.org", key="k", before=before, after=after)


def made(held: list[Held], *changes: Change) -> tuple[dict[str, frozenset[str]], set[str]]:
    found = order(held, changes, Names())
    return found.add, found.remove


def test_license_plan_and_credits_of_a_joiner_are_one_request() -> None:
    add, remove = made(
        [Held(E3)],
        change("license.assign", None, "teams_phone"),
        change("package.assign", None, DOMESTIC.name),
        change("credit.assign", False, True),
    )

    assert add.keys() == {PHONE.id, DOMESTIC.id, CREDITS.id}
    assert remove == set()


def test_a_swap_adds_and_removes_in_one_request() -> None:
    swap = change("package.assign", DOMESTIC.name, INTERNATIONAL.name)

    assert made([Held(PHONE), Held(DOMESTIC)], swap) == (
        {INTERNATIONAL.id: frozenset()},
        {DOMESTIC.id},
    )


def test_a_swap_of_what_is_no_longer_held_is_refused() -> None:
    with pytest.raises(PersonError, match="no longer holds"):
        made([Held(PHONE)], change("package.assign", DOMESTIC.name, INTERNATIONAL.name))


def test_a_swap_that_was_carried_out_already_needs_nothing() -> None:
    swap = change("package.assign", DOMESTIC.name, INTERNATIONAL.name)

    assert made([Held(PHONE), Held(INTERNATIONAL)], swap) == ({}, set())


def test_who_holds_a_suite_with_the_phone_is_given_nothing() -> None:
    assert made([Held(E5)], change("license.assign", None, "teams_phone")) == ({}, set())


def test_a_suite_whose_phone_is_off_gets_it_switched_on_and_keeps_what_else_is_off() -> None:
    off = frozenset({YAMMER, *skus.PHONE})

    add, remove = made([Held(E5, off)], change("license.assign", None, "teams_phone"))

    assert (add, remove) == ({E5.id: frozenset({YAMMER})}, set())


def test_a_suite_stays_when_the_phone_license_goes_and_keeps_what_else_is_off() -> None:
    add, remove = made([Held(E5, frozenset({YAMMER}))], change("license.remove", E5.name, None))

    assert remove == set()
    assert add == {E5.id: frozenset({YAMMER, *(skus.PHONE & E5.plans)})}


def test_the_license_takes_calling_plans_along_as_they_rest_on_it() -> None:
    held = [Held(E3), Held(PHONE), Held(DOMESTIC)]

    assert made(held, change("license.remove", "teams_phone", None)) == (
        {},
        {PHONE.id, DOMESTIC.id},
    )


@pytest.mark.parametrize(
    ("held", "kind", "before"),
    [
        (PHONE, "license.remove", "teams_phone"),
        (DOMESTIC, "package.remove", DOMESTIC.name),
        (CREDITS, "credit.remove", True),
    ],
)
def test_what_a_group_gives_is_not_even_asked_for(held: Product, kind: str, before: Value) -> None:
    inherited = Held(held, groups=("g1",), direct=False)
    after = False if kind == "credit.remove" else None

    with pytest.raises(PersonError, match="group"):
        made([Held(E3), inherited], change(kind, before, after))


@given(st.lists(st.sampled_from([PHONE, DOMESTIC, INTERNATIONAL, CREDITS, E3, E5]), unique=True))
def test_taking_away_what_is_not_held_asks_for_nothing(held: list[Product]) -> None:
    holding = [Held(p) for p in held if p is not DOMESTIC and p is not CREDITS]

    gone = made(
        holding, change("package.remove", DOMESTIC.name, None), change("credit.remove", True, False)
    )

    assert gone == ({}, set())


@given(st.lists(st.sampled_from([PHONE, DOMESTIC, INTERNATIONAL, CREDITS, E3, E5]), unique=True))
def test_nothing_that_is_held_is_added_again_and_nothing_else_is_removed(
    held: list[Product],
) -> None:
    add, remove = made(
        [Held(p) for p in held],
        change("license.assign", None, "teams_phone"),
        change("credit.assign", False, True),
        change("package.assign", None, DOMESTIC.name),
    )

    ids = {p.id for p in held}
    assert add.keys().isdisjoint(ids)
    assert remove == set()
    assert {DOMESTIC.id, CREDITS.id} <= ids | add.keys()
