"""Personas, what is taken, and exclusive rules: one chain, read from the top."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import InputError
from connectors.records import Person
from mappings import Given, Loser, Mapping, load_mapping


def load(tmp_path: Path, text: str) -> Mapping:
    file = tmp_path / "m.yaml"
    file.write_text("version: 1\n" + text, encoding="utf-8")
    return load_mapping(file)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    return [str(p).removeprefix(f"{tmp_path}/m.yaml:") for p in caught.value.problems]


def person(*groups: str) -> Person:
    return Person("1", {"userName": "u", "groups": [{"display": g} for g in groups]})


PERSONAS = """\
personas:
  base: {license: Phone, packages: [A, B], template: Plain}
  office: {extends: base, packages: [C], template: Office}
  quiet: {extends: office, take: [template, {packages: [b]}]}
rules:
  - {name: quiet, when: 'groups.display eq "Quiet"', persona: quiet}
  - {name: all, when: userName pr, persona: office}
defaults: {template: Default}
"""


def test_a_persona_has_what_it_extends_the_nearer_value_wins_and_lists_add_up(
    tmp_path: Path,
) -> None:
    given = load(tmp_path, PERSONAS).entitlements(person())

    assert given.single == {"license": Given("Phone", "all"), "template": Given("Office", "all")}
    assert given.many == {"packages": {"C": "all", "A": "all", "B": "all"}}


def test_what_is_taken_is_given_by_nothing_below_not_by_later_rules_nor_defaults(
    tmp_path: Path,
) -> None:
    given = load(tmp_path, PERSONAS).entitlements(person("Quiet"))

    assert given.single == {"license": Given("Phone", "quiet")}
    assert given.many == {"packages": {"C": "quiet", "A": "quiet"}}
    assert given.taken == {"template": "quiet"}


def test_the_losers_say_whether_they_lost_to_what_was_given_taken_or_exclusive(
    tmp_path: Path,
) -> None:
    text = """\
rules:
  - {name: none, when: userName pr, take: [license, {packages: [X]}]}
  - {name: site, when: userName pr, give: {site: Brno}, exclusive: [delegates]}
  - {name: all, when: userName pr, give: {license: P, packages: [x, Y], site: Oslo, delegates: [d]}}
defaults: {packages: [Z]}
"""
    assert load(tmp_path, text).losers(person()) == (
        Loser("license", "all", "P", "none", "took"),
        Loser("site", "all", "Oslo", "site", "gave"),
        Loser("packages", "all", "x", "none", "took"),
        Loser("delegates", "all", "d", "site", "exclusive"),
        Loser("packages", "defaults", "Z", "all", "gave"),
    )


def test_after_an_exclusive_rule_nothing_is_given_any_more(tmp_path: Path) -> None:
    text = """\
rules:
  - {name: only, when: 'groups.display eq "Only"', give: {packages: [A]}, exclusive: true}
  - {name: all, when: userName pr, give: {license: P, packages: [B]}}
defaults: {site: HQ}
"""
    mapping = load(tmp_path, text)

    assert mapping.entitlements(person("Only")).single == {}
    assert mapping.entitlements(person("Only")).many == {"packages": {"A": "only"}}
    assert set(mapping.entitlements(person()).single) == {"license", "site"}


def test_exclusive_by_name_leaves_the_rest_to_later_rules(tmp_path: Path) -> None:
    text = """\
rules:
  - {name: only, when: userName pr, give: {packages: [A]}, exclusive: [packages]}
  - {name: all, when: userName pr, give: {license: P, packages: [B]}}
"""
    given = load(tmp_path, text).entitlements(person())

    assert given.single == {"license": Given("P", "all")}
    assert given.many == {"packages": {"A": "only"}}


def test_what_takes_an_attribute_is_struck_by_the_value_that_it_comes_to(tmp_path: Path) -> None:
    text = """\
rules:
  - {name: none, when: userName pr, take: {delegates: [U]}}
  - {name: all, when: userName pr, give: {delegates: ["{userName}", other]}}
"""
    given = load(tmp_path, text).entitlements(person())

    assert given.many == {"delegates": {"other": "all"}}
    assert given.left_alone == frozenset()


def test_whatever_is_taken_is_managed_and_exclusive_alone_manages_what_it_names(
    tmp_path: Path,
) -> None:
    rule = "rules: [{name: r, when: userName pr, %s}]\n"

    assert load(tmp_path, rule % "take: [license]").managed == {"license"}
    assert load(tmp_path, rule % "take: {packages: [A]}").managed == {"packages"}
    assert load(tmp_path, rule % "exclusive: [site]").managed == {"site"}
    assert load(tmp_path, rule % "exclusive: true").managed == frozenset()


def test_every_rule_persona_and_value_knows_where_it_stands(tmp_path: Path) -> None:
    mapping = load(tmp_path, PERSONAS)
    quiet, all_ = mapping.rules

    assert str(mapping.where("all")) == f"{tmp_path}/m.yaml:8:5"
    assert (mapping.personas["quiet"].where or all_).short == "m.yaml:5"  # type: ignore[union-attr]
    assert all_.place_of("packages", "a") == (str(tmp_path / "m.yaml"), 3, 37)
    assert all_.place_of("template") == (str(tmp_path / "m.yaml"), 4, 52)
    assert quiet.place_of("packages", "C") == (str(tmp_path / "m.yaml"), 4, 38)
    assert mapping.where("defaults") is None


def test_everything_wrong_with_personas_and_takes_is_said_at_once(tmp_path: Path) -> None:
    text = """\
personas:
  a: {extends: b, license: P}
  b: {extends: c}
  c: {extends: b}
  d: {extends: d}
  e: {extends: basee}
  base: {license: P}
rules:
  - {name: r1, when: userName pr, take: [licence, {package: [A]}]}
  - {name: r2, when: userName pr, give: {site: X, packages: [A]}, take: [site, {packages: [a]}]}
  - {name: r3, when: userName pr, take: {packages: ["{title}"]}, exclusive: [sites]}
  - {name: r4, when: userName pr, exclusive: 7}
  - {name: r5, when: userName pr, take: {license: [X]}}
"""
    found = problems(tmp_path, text)

    for expected in (
        "4:16: personas.b.extends: 'b' (line 4), 'c' (line 5) extend one another in a circle",
        "6:16: personas.d.extends: the persona extends itself",
        "7:16: personas.e.extends: no persona is called 'basee'; did you mean 'base'?",
        "10:42: rules.0.take.0: 'licence' is no entitlement; did you mean 'license'?",
        "10:52: rules.0.take.1.package: isn't known here; did you mean 'packages'?",
        "12:53: rules.2.take.packages.0: what is taken is written out, without braces",
        "12:78: rules.2.exclusive.0: 'sites' is no entitlement; did you mean 'site'?",
        "13:46: rules.3.exclusive: an entitlement's name is wanted here: 7 without quotes is no text, write quotes around it",
        "14:42: rules.4.take.license: isn't known here; known: delegate_privileges, delegates, packages",
    ):
        assert expected in found
    assert len(found) == 9


def test_what_is_given_and_taken_in_one_place_contradicts_itself(tmp_path: Path) -> None:
    text = "rules:\n  - {name: r, when: userName pr, give: {site: X, packages: [A]}, take: [site, {packages: [a]}]}\n"

    assert problems(tmp_path, text) == [
        "3:72: rules.0.take: site is given and taken by the same rule or persona",
        "3:72: rules.0.take: packages: 'a' is given and taken at the same place",
    ]
