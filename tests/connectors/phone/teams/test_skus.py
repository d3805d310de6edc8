"""Products by GUID: what they hold, whatever their part numbers are."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from connectors.phone.teams import skus
from connectors.records import fold

E5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
DOMESTIC_120, DOMESTIC_SMALL = (
    "54a152dc-90de-4996-93d2-bc47e670fc06",
    "d43177b5-475b-4880-92d4-d54c27b5efbd",
)


def test_two_products_of_one_part_number_are_two_calling_plans() -> None:
    one, other = skus.product(DOMESTIC_120), skus.product(DOMESTIC_SMALL)

    assert one.part_number == other.part_number == "MCOPSTN5"
    assert one.name != other.name
    assert one.is_calling_plan
    assert other.is_calling_plan


def test_a_suite_holds_the_phone_and_is_no_phone_product_of_its_own() -> None:
    suite = skus.product(E5)

    assert suite.is_phone
    assert suite.is_suite
    assert not suite.is_phone_alone
    assert not suite.plans.isdisjoint(skus.CONFERENCING)


def test_the_credits_product_is_no_calling_plan_and_the_usage_plan_is_none_of_credits() -> None:
    credits = skus.product(skus.CREDITS_SKU)
    usage = skus.product("06b48c5f-01d9-4b18-9015-03b52040f51a")

    assert not credits.is_calling_plan
    assert usage.is_calling_plan
    assert skus.CREDITS not in usage.plans


def test_a_room_is_no_person_with_a_phone() -> None:
    rooms = skus.product("4cde982a-ede4-4409-9ae6-b003453c8ea6")

    assert (rooms.kind, rooms.is_phone) == ("room", False)


def test_a_product_that_the_table_lacks_is_known_by_its_service_plans() -> None:
    other = skus.product(
        "aaaaaaaa-0000-4000-8000-000000000000", "MCOEV_NEW", dict.fromkeys(skus.PHONE, "MCOEV")
    )

    assert other.is_phone
    assert other.is_phone_alone
    assert other.name == "MCOEV_NEW"


def test_an_unknown_product_with_more_than_phone_service_is_a_suite() -> None:
    plans = dict.fromkeys([*skus.PHONE, "57ff2da0-773e-42df-b2af-ffb7a2317929"], "")

    assert skus.product("aaaaaaaa-0000-4000-8000-000000000001", "SUITE", plans).is_suite


def test_a_message_names_products_and_service_plans_instead_of_guids() -> None:
    text = f"Subscription with SKU {E5.upper()} does not have any available licenses."

    assert "SKU Microsoft 365 E5 does" in skus.with_names(text)


@pytest.mark.skipif("VENDOR_SPECS" not in os.environ, reason="VENDOR_SPECS isn't set")
def test_the_table_is_what_microsoft_publishes() -> None:
    told: dict[str, tuple[str, set[str]]] = {}
    path = Path(os.environ["VENDOR_SPECS"]) / "SKUS.csv"
    for row in csv.DictReader(path.read_text("utf-8").splitlines()):
        if row["vendor"] == "microsoft":
            _, plans = told.setdefault(fold(row["sku_id"]), (row["display_name"], set()))
            plans.add(fold(row["service_plan_id"]))

    assert {i: (p.name, set(p.plans)) for i, p in skus.table().items()} == told
