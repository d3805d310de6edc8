"""The product table says what Microsoft's own says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from provisioner.simulators.teams.skus import CALLING, PLANS, PRODUCTS, product_named
from tests.vendor_specs import FOLDER, WHY_SKIPPED


@pytest.mark.skipif(not FOLDER, reason=WHY_SKIPPED)
def test_every_product_is_microsofts_with_its_service_plans() -> None:
    with (Path(str(FOLDER)) / "SKUS.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["vendor"] == "microsoft"]

    theirs = {
        (r["sku_id"], r["sku_part_number"], r["display_name"], r["role"], r["service_plan_id"])
        for r in rows
    }
    ours = {
        (each.id, each.part, each.name, each.role, plan)
        for each in PRODUCTS.values()
        for plan in each.plans
    }

    assert ours == theirs
    assert {r["service_plan_id"]: r["service_plan"] for r in rows} == PLANS


def test_a_part_number_that_two_products_have_names_neither() -> None:
    made_up = product_named("MCOPSTN5")

    assert made_up.id not in PRODUCTS
    assert product_named("MCOPSTN1").name == "Skype for Business PSTN Domestic Calling"
    assert product_named("47794CD0-f0e5-45c5-9033-2eb6b5fc84e0").part == "MCOPSTNC"


def test_calling_plans_carry_a_service_plan_that_calls() -> None:
    for name in ("MCOPSTN2", "MCOPSTN_6", "MCOPSTNPP", "Teams Phone with Calling Plan"):
        assert CALLING & set(product_named(name).plans), name
    assert not CALLING & set(product_named("Communications Credits").plans)
