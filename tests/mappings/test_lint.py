"""What a mapping says in vain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import Person
from mappings import load_mapping
from mappings.lint import lint
from tests.mappings.test_evaluate_properties import load as load_content
from tests.mappings.test_evaluate_properties import mappings, people


def found(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "m.yaml"
    file.write_text("version: 1\n" + text, encoding="utf-8")
    return [
        ("warning: " if each.warning else "") + str(each).removeprefix(f"{tmp_path}/m.yaml:")
        for each in lint(load_mapping(file))
    ]


def test_rules_that_can_never_match_are_found(tmp_path: Path) -> None:
    text = """\
scope: 'active eq true and groups.display eq "Phones"'
rules:
  - {name: both, when: 'title eq "A" and title eq "B"', give: {license: P}}
  - {name: inactive, when: 'active eq false', give: {license: P}}
  - {name: outside, when: 'not (groups.display eq "phones")', give: {license: P}}
  - {name: fine, when: 'title eq "A"', give: {license: P}}
"""
    both, inactive, outside = found(tmp_path, text)

    assert both == (
        "4:5: rule both: can never match: its conditions contradict each other:"
        ' title eq "A" and title eq "B"'
    )
    assert inactive.startswith("5:5: rule inactive: can never match anybody in scope (active eq")
    assert outside.startswith("6:5: rule outside: can never match anybody in scope (")


def test_without_a_scope_the_inactive_are_out_of_it_all_the_same(tmp_path: Path) -> None:
    text = "rules: [{name: r, when: active eq false, give: {license: P}}]\n"

    assert len(found(tmp_path, text)) == 1


def test_a_scope_that_nobody_can_be_in_is_found_alone(tmp_path: Path) -> None:
    text = "scope: active eq false\nrules: [{name: r, when: title pr, give: {license: P}}]\n"

    (said,) = found(tmp_path, text)
    assert said.startswith("2:8: scope: nobody can be in scope")


def test_a_rule_of_which_nothing_counts_is_found_with_those_that_decide_above(
    tmp_path: Path,
) -> None:
    text = """\
rules:
  - {name: staff, when: 'title pr or department pr', give: {license: P, packages: [A]}}
  - {name: men, when: 'nickName eq "m"', give: {site: X}}
  - {name: others, when: 'not (nickName eq "m")', give: {site: Y}}
  - {name: titled, when: 'title pr', give: {license: Q, packages: [a]}}
  - {name: sited, when: 'department pr', give: {site: Z}}
  - {name: more, when: 'title pr', give: {license: Q, packages: [B]}}
  - {name: closing, when: 'title pr', give: {license: Q}, exclusive: [packages]}
  - {name: closed, when: 'title eq "x"', give: {packages: [C]}}
"""
    assert found(tmp_path, text) == [
        "6:5: rule titled: never counts: what it gives is decided above, by staff (m.yaml:3)",
        "7:5: rule sited: never counts: what it gives is decided above, by men (m.yaml:4), others (m.yaml:5)",
        "10:5: rule closed: never counts: what it gives is decided above, by closing (m.yaml:9)",
    ]


def test_what_no_rule_and_no_text_uses_is_a_warning(tmp_path: Path) -> None:
    text = """\
personas:
  base: {license: P}
  used: {extends: base}
  idle: {license: Q}
lookups:
  sites: {Brno: X}
  towns: {Brno: X}
rules:
  - {name: r, when: title pr, persona: used, give: {site: '{location | lookup sites}'}}
"""
    assert found(tmp_path, text) == [
        "warning: 5:3: persona idle: no rule uses it",
        "warning: 8:3: lookup towns: no text uses it",
    ]


def test_what_rests_on_a_license_that_nothing_gives_is_found(tmp_path: Path) -> None:
    text = """\
rules:
  - {name: cz, when: 'department eq "CZ"', give: {license: P, packages: [A]}}
  - {name: de, when: 'department eq "DE"', give: {packages: [A], number: {pool: p}}}
  - {name: all, when: userName pr, give: {packages: [B]}}
"""
    assert found(tmp_path, text) == [
        "4:5: rule de: gives packages, number, and no rule gives a license to anybody whom it matches"
    ]


def test_where_licenses_are_not_managed_nothing_is_said_of_them(tmp_path: Path) -> None:
    assert found(tmp_path, "rules: [{name: r, when: title pr, give: {packages: [A]}}]\n") == []


def test_rules_for_places_are_linted_as_those_for_people(tmp_path: Path) -> None:
    text = """\
lookups:
  floors: {A: Lobby}
rules:
  - {name: all, when: 'userName pr', give: {license: P}}
common_areas:
  - {name: both, when: 'site eq "A" and site eq "B"', give: {packages: [X]}}
  - {name: lobby, when: 'display_name sw "Lob"', give: {template: "{site | lookup floors}"}}
  - {name: lobby-a, when: 'display_name eq "Lobby"', give: {template: T}}
"""
    both, lobby_a = found(tmp_path, text)

    assert both.startswith("7:5: rule both: can never match")
    assert lobby_a.startswith("9:5: rule lobby-a: never counts: what it gives is decided above")


def test_a_rule_below_one_for_everybody_never_counts_unless_it_is_for_the_others(
    tmp_path: Path,
) -> None:
    text = """\
rules:
  - {name: everybody, when: 'userName pr', give: {license: P}}
  - {name: bosses, when: 'title eq "CEO"', give: {license: Q}}
  - {name: nameless, when: 'not (userName pr)', give: {license: Q}}
"""
    (bosses,) = found(tmp_path, text)

    assert bosses == (
        "4:5: rule bosses: never counts for anybody who has a userName: what it gives is decided"
        " above, by everybody (m.yaml:3)"
    )


def is_real(person: Person) -> bool:
    """Tell whether a person is as directories give them: nothing in them is empty, what is single is one."""
    parts = [person.resource.get(name, [1]) for name in ("groups", "addresses", "emails", "name")]
    single = not isinstance(person.resource.get("title"), list)
    return single and all(part and all(part) for part in parts)


@settings(max_examples=400, deadline=None)
@given(mappings(), st.lists(people.filter(is_real), min_size=1, max_size=12))
def test_what_is_said_to_be_in_vain_never_matters_to_anybody(
    content: dict[str, Any], several: list[Person]
) -> None:
    mapping = load_content(content)
    rules = {f"rule {rule.name}": rule for rule in mapping.rules}
    for found in lint(mapping):
        who, _, said = found.text.partition(": ")
        rest = [rule for rule in content["rules"] if f"rule {rule['name']}" != who]
        without = load_content(content | {"rules": rest})
        for person in filter(mapping.in_scope, several):
            assert not said.startswith("nobody can be in scope")
            matches = who in rules and rules[who].when.matches(person.resource)
            if said.startswith("can never match"):
                assert not matches
            elif said.startswith("never counts"):
                if "userName" in said and "userName" not in person.resource:
                    continue
                assert mapping.entitlements(person) == without.entitlements(person)
            elif "no rule gives a license" in said and matches:
                assert "license" not in mapping.entitlements(person).single
