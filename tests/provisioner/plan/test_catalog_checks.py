"""What the phone system hasn't got, or has given to somebody else, is blocked before anything is sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from connectors.records import Catalog, Person, PhoneUser
from provisioner.plan.catalog_checks import check_catalog
from provisioner.plan.differences import Case, Differences
from provisioner.plan.draft import Draft

CATALOG = Catalog(
    sites=("Munich", "Brno"),
    templates=(("Office", None), ("Desk", "Munich")),
    numbers=(("+491", "Munich"),),
)


def draft(
    kind: str,
    after: str | None,
    key: str = "eva",
    *,
    before: str | None = None,
    actual: PhoneUser | None = None,
    of: Draft | None = None,
) -> Draft:
    resource = {"userName": key, "emails": [{"value": f"{key}@example.org"}]}
    case = of.case if of else Case(key, "in_scope", Person(key, resource), actual=actual)
    return Draft(kind, case, before, after, "all", "service")


def check(
    *drafts: Draft,
    catalog: Catalog = CATALOG,
    extensions: Mapping[str, str] | None = None,
    held: Collection[str] = (),
) -> list[str]:
    found = Differences(held_numbers=set(held), extensions=dict(extensions or {}))
    check_catalog(drafts, catalog, found, {"all": 0})
    return [d.state for d in drafts]


def test_an_unknown_site_is_blocked_and_those_there_are_named() -> None:
    atlantis = draft("site.set", "Atlantis")

    check(atlantis)

    assert atlantis.reason == "the phone system has no site 'Atlantis'; it has: Brno, Munich"


def test_an_unknown_template_is_blocked_and_those_there_are_named() -> None:
    nope = draft("template.apply", "Nope")

    check(nope)

    assert nope.reason == "the phone system has no template 'Nope'; it has: Desk, Office"


def test_names_are_compared_without_case() -> None:
    assert check(draft("site.set", "MUNICH"), draft("template.apply", "office")) == ["planned"] * 2


@pytest.mark.parametrize("kind", ["site.set", "template.apply", "number.assign"])
def test_a_catalog_that_tells_nothing_allows_everything(kind: str) -> None:
    assert check(draft(kind, "anything"), catalog=Catalog()) == ["planned"]


@pytest.mark.parametrize("kind", ["site.set", "template.apply"])
def test_an_account_without_any_has_none(kind: str) -> None:
    change = draft(kind, "Munich")

    check(change, catalog=Catalog(sites=(), templates=()))

    assert str(change.reason).endswith("it has: none")


def test_a_template_of_another_site_is_blocked() -> None:
    template = draft("template.apply", "Desk", actual=PhoneUser("p1", site="Brno"))

    check(template)

    assert template.reason == "template 'Desk' serves Munich, not site 'Brno'"


def test_a_template_is_judged_by_the_site_that_its_person_moves_to() -> None:
    template = draft("template.apply", "Desk", actual=PhoneUser("p1", site="Brno"))
    move = draft("site.set", "munich", of=template)

    assert check(template, move) == ["planned", "planned"]


def test_a_template_of_somebody_whose_site_nobody_knows_is_not_judged_by_it() -> None:
    assert check(draft("template.apply", "Desk")) == ["planned"]


def test_a_number_that_the_account_has_not_got_is_blocked() -> None:
    number = draft("number.assign", "+4999")

    check(number)

    assert "no number +4999" in str(number.reason)


def test_numbers_that_are_free_held_or_of_a_pool_are_not_judged_here() -> None:
    drafts = [draft("number.assign", after) for after in ("+491", "+492", "pool:munich")]

    assert check(*drafts, held={"+492"}) == ["planned"] * 3


def test_an_extension_number_that_somebody_holds_is_blocked_by_name() -> None:
    holder = draft("profile.update", None, "jan", actual=PhoneUser("p1"))
    wish = draft("extension.set", "77", "eva")

    check(holder, wish, extensions={"77": "p1"})

    assert wish.reason == (
        "extension number 77 is held by jan@example.org; rule all gives it to eva@example.org:"
        " give each their own"
    )


def test_an_extension_number_that_two_people_ask_for_goes_to_one() -> None:
    second, first = draft("extension.set", "77", "eva"), draft("extension.set", "77", "ada")

    check(second, first)

    assert first.state == "planned"
    assert second.reason == (
        "extension number 77 goes to ada@example.org in this plan, by rule all; rule all gives it to"
        " eva@example.org: give each their own"
    )


def test_an_extension_number_is_handed_on_by_whoever_changes_theirs() -> None:
    wish = draft("extension.set", "77", "eva")
    move = draft("extension.set", "78", "jan", before="77", actual=PhoneUser("p1"))

    assert check(wish, move, extensions={"77": "p1"}) == ["planned", "planned"]
    assert wish.needs == [move]


def test_two_who_want_each_others_extension_number_are_blocked() -> None:
    one = draft("extension.set", "77", "eva", before="78", actual=PhoneUser("p2"))
    other = draft("extension.set", "78", "jan", before="77", actual=PhoneUser("p1"))

    assert check(one, other, extensions={"77": "p1", "78": "p2"}) == ["blocked", "blocked"]


def test_what_waits_already_is_left_as_it_is() -> None:
    wish = draft("site.set", "Atlantis")
    wish.wait("until the invitation is accepted")

    assert check(wish) == ["waiting"]
