"""Rules from the top: the first that gives a single value decides, lists add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.records import ENTERPRISE, Person
from mappings import Entitlements, Given, Loser, Mapping, PoolRef, load_mapping


def load(tmp_path: Path, text: str) -> Mapping:
    file = tmp_path / "m.yaml"
    file.write_text(f"version: 1\n{text}", encoding="utf-8")
    return load_mapping(file)


def person(
    *groups: str,
    key: str = "1",
    town: str | None = None,
    manager: str | None = None,
    **attributes: Any,
) -> Person:
    resource = {"userName": f"u{key}", **attributes}
    if manager:
        resource[ENTERPRISE] = {"manager": {"value": manager}}
    if groups:
        resource["groups"] = [{"value": name.lower(), "display": name} for name in groups]
    if town:
        resource["addresses"] = [{"type": "work", "locality": town}]
    return Person(key, resource)


def values(entitlements: Entitlements) -> dict[str, Any]:
    return {name: given.value for name, given in entitlements.single.items()}


RULES = """
defaults: {template: Office, packages: [Basic]}
personas:
  seller: {license: Phone, packages: [US, EU], site: Home}
rules:
  - {name: munich, when: 'groups.display eq "Sales" and location eq "Munich"', persona: seller, give: {site: Munich, packages: [DE]}}
  - {name: sales, when: 'groups.display eq "Sales"', give: {site: Prague, template: Sales, packages: [eu, UK]}}
  - {name: credits, when: 'groups.display eq "Credits"', give: {credits: true, number: {pool: munich}}}
"""


def test_the_first_rule_that_gives_a_single_value_decides(tmp_path: Path) -> None:
    given = load(tmp_path, RULES).entitlements(person("Sales", town="Munich"))

    assert given.single == {
        "license": Given("Phone", "munich"),
        "site": Given("Munich", "munich"),
        "template": Given("Sales", "sales"),
    }


def test_lists_add_up_and_the_first_rule_that_gives_a_value_is_its_rule(tmp_path: Path) -> None:
    given = load(tmp_path, RULES).entitlements(person("Sales", town="Munich"))

    assert given.many == {
        "packages": {"DE": "munich", "US": "munich", "EU": "munich", "UK": "sales"}
    }


def test_defaults_are_for_whom_no_rule_decides_lists_included(tmp_path: Path) -> None:
    given = load(tmp_path, RULES).entitlements(person("Credits"))

    assert given.single == {
        "credits": Given(True, "credits"),
        "number": Given(PoolRef("munich"), "credits"),
        "template": Given("Office", "defaults"),
    }
    assert given.many == {"packages": {"Basic": "defaults"}}


def test_an_empty_list_decides_that_there_is_nothing(tmp_path: Path) -> None:
    text = "defaults: {packages: [Basic]}\nrules: [{name: none, when: title pr, give: {packages: []}}]\n"
    mapping = load(tmp_path, text)

    assert mapping.entitlements(person(title="x")).many == {}
    assert mapping.entitlements(person()).many == {"packages": {"Basic": "defaults"}}


def test_false_is_a_decision_too(tmp_path: Path) -> None:
    text = """rules:
  - {name: never, when: 'title eq "Trainee"', give: {credits: false}}
  - {name: all, when: userName pr, give: {credits: true}}
"""
    given = load(tmp_path, text).entitlements(person(title="Trainee"))

    assert given.single == {"credits": Given(False, "never")}


TEXTS = """
profile: {display_name: "{givenName} {familyName}", email: "{emails.value}", usage_location: DE}
defaults: {site: HQ, delegates: [reception]}
rules:
  - {name: local, when: userName pr, give: {site: "{location}", delegates: ["{manager}", Desk]}}
  - {name: later, when: userName pr, give: {site: Elsewhere, delegates: [desk, Pool]}}
"""


def test_text_in_braces_takes_the_attributes_value_as_it_is_spelt(tmp_path: Path) -> None:
    eva = person(
        town="Brno",
        name={"givenName": "Eva", "familyName": "Malá"},
        emails=[{"value": "a@x.org"}, {"value": "Eva.Mala@X.org", "primary": True}],
        manager="u7",
    )
    given = load(tmp_path, TEXTS).entitlements(eva)

    assert given.single == {"site": Given("Brno", "local")}
    assert given.many == {"delegates": {"u7": "local", "Desk": "local", "Pool": "later"}}
    assert given.profile == {
        "display_name": Given("Eva Malá", "profile"),
        "email": Given("Eva.Mala@X.org", "profile"),
        "usage_location": Given("DE", "profile"),
    }
    assert (given.left_alone, given.missing) == (frozenset(), ())


def test_where_an_attribute_is_missing_what_is_held_stays_and_no_later_rule_steps_in(
    tmp_path: Path,
) -> None:
    given = load(tmp_path, TEXTS).entitlements(person(name={"givenName": "Eva"}))

    assert given.single == {}
    assert given.many == {"delegates": {"Desk": "local", "Pool": "later"}}
    assert given.profile == {"usage_location": Given("DE", "profile")}
    assert given.left_alone == {"site", "delegates", "profile.display_name", "profile.email"}
    assert given.missing == (
        ("site", "local", 'addresses[type eq "work"].locality'),
        ("delegates", "local", f"{ENTERPRISE}:manager.value"),
        ("profile.display_name", "profile", "name.familyName"),
        ("profile.email", "profile", "emails.value"),
    )


def test_people_who_lack_different_attributes_are_told_apart(tmp_path: Path) -> None:
    text = 'rules: [{name: a, when: userName pr, give: {site: "{title} {nickName}"}}]\n'
    mapping = load(tmp_path, text)

    lacking = [mapping.entitlements(p).missing for p in (person(title="x"), person(nickName="y"))]

    assert lacking == [(("site", "a", "nickName"),), (("site", "a", "title"),)]


def test_a_rule_above_that_asks_for_the_absence_gives_another_value(tmp_path: Path) -> None:
    text = """rules:
  - {name: nowhere, when: not (location pr), give: {site: HQ}}
  - {name: local, when: userName pr, give: {site: "{location}"}}
"""
    mapping = load(tmp_path, text)

    assert values(mapping.entitlements(person())) == {"site": "HQ"}
    assert values(mapping.entitlements(person(town="Brno"))) == {"site": "Brno"}


@pytest.mark.parametrize(
    ("held", "number"),
    [("tel:+49-89-1234", "+49891234"), ("+49 89 1234", "+49891234"), ("089 1234", None)],
)
def test_a_number_from_an_attribute_is_e164_or_missing(
    tmp_path: Path, held: str, number: str | None
) -> None:
    text = 'rules: [{name: a, when: userName pr, give: {number: "{phoneNumbers.value}"}}]\n'
    given = load(tmp_path, text).entitlements(person(phoneNumbers=[{"value": held}]))

    assert values(given) == ({"number": number} if number else {})
    assert given.left_alone == (frozenset() if number else {"number"})


def test_a_boolean_in_braces_is_written_as_in_a_filter(tmp_path: Path) -> None:
    text = 'rules: [{name: a, when: userName pr, give: {site: "active-{active}"}}]\n'

    assert values(load(tmp_path, text).entitlements(person(active=True))) == {"site": "active-true"}


def test_scope_decides_who_is_in_but_never_for_the_inactive(tmp_path: Path) -> None:
    mapping = load(tmp_path, "scope: 'groups.display eq \"Phone Users\"'\n")

    assert mapping.in_scope(person("Phone Users"))
    assert mapping.in_scope(person("phone users", active=True))
    assert not mapping.in_scope(person("Phone Users", active=False))
    assert not mapping.in_scope(person("Others"))
    assert not load(tmp_path, "").in_scope(person(active=False))


def test_people_who_are_decided_equally_share_the_very_same_values(tmp_path: Path) -> None:
    mapping = load(tmp_path, RULES + 'profile: {display_name: "{userName}"}\n')

    first = mapping.entitlements(person("Sales", "Skiing", key="1"))
    second = mapping.entitlements(person("Chess", "SALES", key="2"))

    assert first.single is second.single
    assert first.many is second.many
    assert first.profile != second.profile


def test_people_with_the_same_text_in_braces_share_values_too(tmp_path: Path) -> None:
    text = """rules:
  - {name: a, when: userName pr, give: {site: "{location}", delegates: ["{manager}"], packages: [US]}}
"""
    mapping = load(tmp_path, text)
    given = [
        mapping.entitlements(person(town=town, manager=manager))
        for town, manager in [("Brno", "a"), ("Brno", "b"), ("Prague", "a")]
    ]

    assert given[0].single is given[1].single
    assert given[0].single is not given[2].single
    assert [list(g.many["delegates"]) for g in given] == [["a"], ["b"], ["a"]]


def test_a_home_address_is_no_answer_to_what_is_asked_of_the_work_address(tmp_path: Path) -> None:
    text = """rules:
  - {name: elsewhere, when: 'location ne "Brno"', give: {site: Elsewhere}}
"""
    mapping = load(tmp_path, text)
    home, work = {"type": "home", "locality": "Prague"}, {"type": "work", "locality": "Brno"}

    given = [
        mapping.entitlements(person(addresses=held)) for held in ([home], [home, work], [work])
    ]

    assert [values(g) for g in given] == [{"site": "Elsewhere"}, {}, {}]


def test_one_is_not_true(tmp_path: Path) -> None:
    mapping = load(tmp_path, "scope: active eq true\n")

    assert [mapping.in_scope(person(active=active)) for active in (1, True, 1.0, "true")] == [
        False,
        True,
        False,
        False,
    ]


def test_groups_that_no_rule_asks_for_make_no_difference_to_what_is_remembered(
    tmp_path: Path,
) -> None:
    mapping = load(tmp_path, RULES)
    given = [mapping.entitlements(person("Sales", f"Club {n}", key=str(n))) for n in range(20_000)]

    assert len({id(g.single) for g in given}) == 1


def test_more_different_people_than_can_be_remembered_are_decided_all_the_same(
    tmp_path: Path,
) -> None:
    text = """rules:
  - {name: a, when: 'userName ew "7"', give: {site: "{userName}"}}
"""
    mapping = load(tmp_path, text)

    for n in range(20_000):
        expected = {"site": f"u{n}"} if n % 10 == 7 else {}
        assert values(mapping.entitlements(person(key=str(n)))) == expected


def test_values_that_are_no_scalars_match_nothing_and_break_nothing(tmp_path: Path) -> None:
    mapping = load(tmp_path, RULES)
    odd: list[Any] = [
        {"display": ["Sales"]},
        {"display": None},
        "Sales",
        None,
        {"display": "Credits"},
    ]

    given = mapping.entitlements(Person("1", {"groups": odd}))

    assert given.single["credits"] == Given(True, "credits")
    assert "site" not in given.single


def test_losers_are_the_rules_that_matched_and_came_too_late(tmp_path: Path) -> None:
    assert load(tmp_path, RULES).losers(person("Sales", town="Munich")) == (
        Loser("site", "sales", "Prague", "munich"),
        Loser("packages", "sales", "eu", "munich"),
        Loser("template", "defaults", "Office", "sales"),
        Loser("packages", "defaults", "Basic", "munich"),
    )


def test_a_loser_without_its_attribute_has_no_value(tmp_path: Path) -> None:
    text = """rules:
  - {name: a, when: userName pr, give: {site: Brno}}
  - {name: b, when: userName pr, give: {site: "{location}", delegates: ["{manager}"]}}
"""
    assert load(tmp_path, text).losers(person()) == (Loser("site", "b", None, "a"),)
