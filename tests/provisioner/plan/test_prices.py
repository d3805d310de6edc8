"""What a plan costs: seats taken and given back, by kind and by department, adding up."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from connectors.records import ENTERPRISE, Person, PhoneUser
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, DraftState
from provisioner.plan.model import Cost
from provisioner.plan.prices import cost_of, unpriced
from provisioner.prices import Prices

PRICES = Prices(
    "EUR",
    {
        ("license", "zoom_phone"): Decimal("10.10"),
        ("package", "basic"): Decimal("5"),
        ("package", "gold"): Decimal("12.25"),
        ("credits", "credits"): Decimal("0.3333"),
    },
    Decimal("1.5"),
)


def draft(
    kind: str,
    before: str | bool | None,
    after: str | bool | None,
    department: str | None = "Sales",
    state: DraftState = "planned",
    **held: object,
) -> Draft:
    resource: dict[str, object] = {"userName": "eva"}
    if department:
        resource[ENTERPRISE] = {"department": department}
    actual = PhoneUser("p1", **held) if held else None  # type: ignore[arg-type]
    case = Case("eva", "in_scope", Person("eva", resource), actual=actual)
    return Draft(kind, case, before, after, "all", "safe", state=state)


def test_a_claim_costs_and_a_release_saves_what_its_seat_costs() -> None:
    joins = draft("license.assign", None, "Zoom_Phone")
    leaves = draft("package.remove", "gold", None, "IT")

    assert cost_of([joins, leaves], PRICES) == Cost(
        "EUR",
        "-2.15",
        {"license.assign": "10.10", "package.remove": "-12.25"},
        {"IT": "-12.25", "Sales": "10.10"},
    )


def test_a_swap_costs_the_difference() -> None:
    assert cost_of([draft("package.assign", "basic", "gold")], PRICES).monthly == "7.25"


def test_a_license_that_goes_saves_what_goes_with_it() -> None:
    leaves = draft(
        "license.remove",
        "zoom_phone",
        None,
        license="zoom_phone",
        packages=("basic",),
        numbers=("+491",),
    )
    leaves.consequences = ["calling package basic is removed", "number +491 is released"]

    assert cost_of([leaves], PRICES).monthly == "-16.60"


def test_a_number_for_another_costs_nothing() -> None:
    assert cost_of([draft("number.assign", "+491", "+492")], PRICES).monthly == "0.00"


def test_what_is_blocked_or_waits_costs_nothing() -> None:
    drafts = [draft("license.assign", None, "zoom_phone", state=s) for s in ("blocked", "waiting")]

    assert cost_of(drafts, PRICES) == Cost("EUR", "0.00")


def test_what_has_no_price_is_named() -> None:
    drafts = [draft("license.assign", None, "other"), draft("package.assign", None, "basic")]

    assert list(unpriced(drafts, PRICES, {("license", "other"): "Other"})) == ["license Other"]


KINDS = st.sampled_from(
    [
        ("license.assign", None, "zoom_phone"),
        ("license.remove", "zoom_phone", None),
        ("package.assign", "basic", "gold"),
        ("package.assign", None, "basic"),
        ("package.remove", "gold", None),
        ("credit.assign", False, True),
        ("credit.remove", True, False),
        ("number.assign", None, "+491"),
        ("number.release", "+491", None),
        ("site.set", None, "Brno"),
    ]
)


@given(
    st.lists(
        st.tuples(
            KINDS,
            st.sampled_from(["Sales", "IT", None]),
            st.sampled_from(["planned", "manual", "blocked", "waiting"]),
        )
    )
)
def test_the_cost_is_the_sum_of_its_parts(
    listed: list[tuple[tuple[str, str | bool | None, str | bool | None], str | None, DraftState]],
) -> None:
    cost = cost_of([draft(*kind, where, state) for kind, where, state in listed], PRICES)

    for parts in (cost.kinds, cost.departments):
        assert sum(map(Decimal, parts.values()), Decimal(0)) == Decimal(cost.monthly)
