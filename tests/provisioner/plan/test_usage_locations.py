"""A usage location comes before a license, where the phone system gives none without."""

from __future__ import annotations

from connectors.phone.teams import abilities
from connectors.records import Catalog, Change, Seats
from provisioner.memory import Memory
from provisioner.plan.content import content_of
from provisioner.plan.model import Plan
from tests.provisioner.plan.office import Office, person, user

MAPPING = """
join: externalId
rules:
  - name: all
    when: userName pr
    give: {license: phone, packages: [basic]}
"""
COUNTRY = "profile: {usage_location: '{title}'}\n"
BY_CONFIG = abilities({}, accounts=False, location="DE")
NONE = abilities({}, accounts=False)
OFFICE = Office(
    mapping=MAPPING,
    people=[person("eva", title="FR"), person("jan")],
    users=[user("eva"), user("jan", usage_location="CZ")],
    abilities=BY_CONFIG,
)


def located(plan: Plan) -> list[tuple[str, object]]:
    return [(c.key, c.after) for c in plan.changes if c.kind == "profile.update"]


def claims(plan: Plan, key: str) -> list[Change]:
    return [c for c in plan.changes if c.key == key and c.kind.endswith(".assign")]


def test_who_has_none_is_given_configs_before_the_license_and_the_plan_says_so() -> None:
    plan = OFFICE.plan()

    (location,) = (c for c in plan.changes if c.kind == "profile.update")
    assert (location.key, location.before) == ("eva", {"usage_location": None})
    assert (location.after, location.risk, location.rule) == (
        {"usage_location": "DE"},
        "safe",
        "all",
    )
    assert "config says which" in location.consequences[0]
    assert location.because == claims(plan, "eva")[0].because != ""
    assert [location.seq in c.needs for c in claims(plan, "eva")] == [True, True]
    assert [location.seq in c.needs for c in claims(plan, "jan")] == [False, False]


def test_what_the_mapping_says_comes_first_and_is_needed_likewise() -> None:
    plan = OFFICE.but(mapping=COUNTRY + MAPPING).plan()

    assert located(plan) == [("eva", {"usage_location": "FR"})]
    (location,) = (c for c in plan.changes if c.kind == "profile.update")
    assert all(location.seq in c.needs for c in claims(plan, "eva"))


def test_where_nothing_says_which_the_license_is_blocked_before_anything_is_sent() -> None:
    plan = OFFICE.but(abilities=NONE).plan()

    assert located(plan) == []
    assert {c.key for c in plan.changes} == {"jan"}
    assert [(c.kind, "set usage_location in config" in str(c.reason)) for c in plan.blocked] == [
        ("license.assign", True),
        ("package.assign", True),
    ]


def test_nobody_is_located_for_a_license_that_they_dont_get() -> None:
    nothing_left = Catalog(licenses={"phone": Seats(0, 0)}, packages={"basic": Seats(9, 0)})

    plan = OFFICE.but(catalog=nothing_left).plan()

    assert plan.changes == ()
    assert {c.key for c in plan.blocked} == {"eva", "jan"}


def test_nobody_is_located_for_a_license_that_was_rejected() -> None:
    first = OFFICE.plan()
    rejected = frozenset(content_of(claim) for claim in claims(first, "eva"))

    plan = OFFICE.but(memory=Memory(adopted=True, rejected=rejected)).plan()

    assert located(first) != located(plan) == []


def test_an_account_that_is_made_first_is_located_after_that() -> None:
    made = OFFICE.but(
        users=[user("jan", usage_location="CZ")],
        abilities=abilities({}, accounts=True, location="DE"),
    )

    plan = made.plan()

    kinds = [c.kind for c in plan.changes if c.key == "eva"]
    assert kinds == ["user.create", "profile.update", "license.assign", "package.assign"]
    account, location = plan.changes[0], next(c for c in plan.changes if c.kind == kinds[1])
    assert account.seq in location.needs


def test_a_location_that_the_directory_lost_stays_as_none_can_be_taken_away() -> None:
    without = OFFICE.but(
        mapping=COUNTRY + MAPPING,
        people=[person("jan")],
        users=[user("jan", usage_location="CZ")],
    )

    assert located(without.plan()) == []
