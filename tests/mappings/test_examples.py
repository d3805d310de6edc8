"""Examples: what a mapping should give, held against what it gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import InputError
from connectors.records import ENTERPRISE
from mappings import load_mapping
from mappings.examples import Difference, differences
from mappings.load_examples import load_examples

RULES = """\
version: 1
attributes: [badge]
scope: 'active eq true'
profile: {display_name: "{displayName}"}
rules:
  - {name: munich, when: 'location eq "Munich"', give: {license: P, site: M, packages: [A]}}
  - {name: all, when: userName pr, give: {license: Q, number: {pool: p}, softphone: "{badge}"}}
  - {name: none, when: userName pr, take: [template]}
"""


def tried(tmp_path: Path, examples: str, beside: str | None = None) -> list[Difference]:
    file = tmp_path / "m.yaml"
    file.write_text(RULES + examples, encoding="utf-8")
    if beside is not None:
        (tmp_path / "m.examples.yaml").write_text(beside, encoding="utf-8")
    mapping = load_mapping(file, None)
    return [d for each in load_examples(file, None) for d in differences(mapping, each)]


def example(given: str, expect: str) -> str:
    return f"examples:\n  - given: {{userName: eva, active: true, {given}}}\n    expect: {{{expect}}}\n"


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        ("location: Munich", "license: p, site: M, packages: [a], in_scope: true"),
        ("location: Brno", "license: Q, site: null, packages: []"),
        ("location: Brno", "number: {pool: p}, credits: false, template: null"),
        ("location: Brno", "left_alone: [softphone, profile.display_name]"),
        ("badge: b7, displayName: Eva", "softphone: B7, profile: {display_name: Eva}"),
        ("location: Munich", "packages: [A], delegates: null"),
    ],
)
def test_an_example_that_comes_out_as_expected_says_nothing(
    tmp_path: Path, given: str, expect: str
) -> None:
    assert tried(tmp_path, example(given, expect)) == []


def test_what_comes_out_otherwise_is_told_with_the_rules_and_their_lines(tmp_path: Path) -> None:
    found = tried(tmp_path, example("location: Munich", "license: Q, template: T, packages: [B]"))

    assert [(d.what, d.expected, d.actual, d.because) for d in found] == [
        (
            "license",
            "'Q'",
            "'P'",
            "by rule munich (m.yaml:6); rule all (m.yaml:7) would have given 'Q'",
        ),
        ("packages", "'B'", "'A'", "by rule munich (m.yaml:6)"),
        ("template", "'T'", "none", "by rule none (m.yaml:8)"),
    ]
    assert found[0].where.line == 11


def test_who_is_out_of_scope_gets_nothing(tmp_path: Path) -> None:
    text = example("", "license: Q, in_scope: true").replace("active: true", "active: false")

    assert [(d.what, d.because) for d in tried(tmp_path, text)] == [
        ("license", "they are not in scope"),
        ("in_scope", "the scope doesn't match, or they are inactive"),
    ]
    text = text.replace("license: Q, in_scope: true", "license: null, in_scope: false")
    assert tried(tmp_path, text) == []


def test_a_missing_attribute_is_named(tmp_path: Path) -> None:
    (found,) = tried(tmp_path, example("", "softphone: x"))

    assert found.because == "badge is missing"


def test_attributes_are_given_by_any_name_or_as_scim_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    given = (
        "givenName: Eva, emails: [eva@x.org, {value: e@y.org, type: home}], groups: [A, {display: B}],"
        f" '{ENTERPRISE}': {{department: HR, manager: {{value: m}}}}, name: {{familyName: M}},"
        " location: Brno, title: null"
    )
    file.write_text(RULES + example(given, "license: Q"), encoding="utf-8")

    (read,) = load_examples(file, None)

    assert read.given == {
        "userName": "eva",
        "active": True,
        "name": {"familyName": "M"},
        "emails": [{"value": "eva@x.org"}, {"value": "e@y.org", "type": "home"}],
        "groups": [{"value": "A", "display": "A"}, {"display": "B"}],
        ENTERPRISE: {"department": "HR", "manager": {"value": "m"}},
        "addresses": [{"type": "work", "locality": "Brno"}],
    }


def test_examples_may_stand_in_a_file_beside(tmp_path: Path) -> None:
    beside = "examples:\n  - {given: {userName: u, active: true}, expect: {license: X}}\n"

    (found,) = tried(tmp_path, "", beside)

    assert str(found.where) == f"{tmp_path}/m.examples.yaml:2:51"


def test_everything_wrong_with_examples_is_said_at_once(tmp_path: Path) -> None:
    text = """\
examples:
  - given: {usrName: eva, active: "yes", badge: 7, groups: [1]}
    expect: {license: Q}
  - given: {displayName: [a, b], name: Eva}
    expect: {license: Q}
"""
    with pytest.raises(InputError) as caught:
        tried(tmp_path, text)

    assert [str(p).removeprefix(f"{tmp_path}/m.yaml:") for p in caught.value.problems] == [
        "10:13: examples.0.given.usrName: unknown attribute 'usrName': did you mean userName?",
        "10:27: examples.0.given.active: true or false is wanted here, not 'yes'",
        "10:42: examples.0.given.badge: text is wanted here, not 7: write quotes around it",
        "10:52: examples.0.given.groups: text is wanted here, not 1: write quotes around it",
        "12:13: examples.1.given.displayName: displayName has one value, not a list",
        "12:34: examples.1.given.name: name has no value of its own: name a sub-attribute",
    ]


def test_an_expectation_of_what_there_is_not_is_refused_with_the_mapping(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        tried(tmp_path, example("", "licence: Q, number: 7"))

    assert "expect.licence: isn't known here; did you mean 'license'?" in str(caught.value)
    assert "examples.0.expect.number" in str(caught.value)


def test_examples_and_declared_attributes_do_not_change_the_mappings_hash(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("version: 1\n", encoding="utf-8")
    plain = load_mapping(file).sha256
    file.write_text("version: 1\nattributes: [x]\n" + example("", "license: Q"), encoding="utf-8")

    assert load_mapping(file).sha256 == plain


def test_a_wrong_expectation_hides_no_unknown_attribute(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(RULES + example("activ: true", "licence: P"), encoding="utf-8")

    with pytest.raises(InputError) as caught:
        load_examples(file, None)

    said = [str(problem) for problem in caught.value.problems]
    assert ["activ" in each or "licence" in each for each in said] == [True, True]


def test_a_repeated_key_hides_nothing_of_what_is_wrong_with_examples(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(
        "version: 1\nversion: 1\nexamples: [{given: {userNam: x}, expect: {credits: true}}]\n",
        "utf-8",
    )

    with pytest.raises(InputError) as caught:
        load_examples(file, None)

    assert [p.where.removeprefix(f"{file}:") for p in caught.value.problems] == ["2:1", "3:21"]
