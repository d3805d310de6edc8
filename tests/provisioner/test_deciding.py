"""Decisions about plans: what they adopt, what is refused, what they leave open."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import RunError
from connectors.records import Change
from provisioner.commands.plans import site_of
from provisioner.deciding import decide
from provisioner.plan.model import Adoption
from provisioner.store import decisions as decision_store
from provisioner.store import plans as plan_store
from provisioner.store.database import reading
from provisioner.wiring import Site
from tests.provisioner.store.made import NOW, a_plan, change
from tests.scenarios.installation import Installation


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_of(Installation(tmp_path).folder / "config.yaml")


def record(site: Site, *changes: Change, **members: Any) -> str:
    with site.engine.begin() as connection:
        return plan_store.record(connection, a_plan(*changes, **members)).id


def adopted(site: Site) -> bool:
    with reading(site.engine) as connection:
        return decision_store.is_adopted(connection, "emea")


def test_the_first_approval_of_a_full_plan_adopts_the_sync(site: Site) -> None:
    some = record(site, change(1), scope="users")
    decide(site, some, "approved", "eva")
    assert not adopted(site)
    full = record(site, change(1))
    decide(site, full, "rejected", "eva")
    assert not adopted(site)

    assert decide(site, full, "approved", "eva") == ["plan 2: 1 changes approved by eva"]
    assert adopted(site)


def test_a_first_plan_that_a_newer_one_matches_otherwise_is_not_adopted(site: Site) -> None:
    old = record(site, change(1), adoption=Adoption(matched={"join": 3}))
    record(site, change(1), adoption=Adoption(matched={"join": 2, "email": 1}))

    with pytest.raises(RunError, match=r"other matches of people .* than the newer plan 2"):
        decide(site, old, "approved", "eva")

    assert not adopted(site)


def test_a_first_plan_that_a_newer_one_agrees_with_may_be_adopted(site: Site) -> None:
    old = record(site, change(1), adoption=Adoption(matched={"join": 3}))
    record(site, change(2), adoption=Adoption(matched={"join": 3}))

    decide(site, old, "approved", "eva")

    assert adopted(site)


@pytest.mark.parametrize("decision", ["approved", "rejected"])
@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"scope": "preview"}, "only shows another mapping or another day"),
        ({"sync": "apac"}, "sync 'apac', which the config doesn't have"),
        ({"created_at": NOW + timedelta(days=36500)}, "the store knows of 2126"),
    ],
)
def test_what_cannot_be_applied_cannot_be_decided_about(
    site: Site, decision: Any, members: dict[str, Any], said: str
) -> None:
    plan = record(site, change(1), **members)

    with pytest.raises(RunError, match=said):
        decide(site, plan, decision, "eva")


def test_an_approval_says_what_stays_held(site: Site) -> None:
    plan = record(site, change(1), change(2, state="held", reason="212 people"))

    assert decide(site, plan, "approved", "eva") == [
        "plan 1: 2 changes approved by eva; 1 of them stay held by a limit, `provisioner show 1` says which"
    ]
