"""A mapping file is checked whole: every problem at once, each where it stands."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.errors import InputError
from connectors.records import Person
from connectors.scim_schema import USER
from mappings import Leavers, Mapping, PoolRef, load_mapping

WHOLE = """\
version: 1
join: externalId
scope: 'active eq true and groups.display eq "Phone Users"'
leavers: {do: trash, after: 7d}
unmanaged: report
defaults: {template: Office}
profile: {display_name: "{displayName}"}
personas:
  office: {license: zoom_phone, packages: [us_ca_unlimited]}
rules:
  - name: munich-sales
    when: 'groups.display eq "Sales" and addresses.locality eq "Munich"'
    persona: office
    give: {site: Munich, number: {pool: munich}, delegates: ["{manager}"]}
"""


def load(tmp_path: Path, text: str, extra: tuple[str, ...] = ()) -> Mapping:
    file = tmp_path / "m.yaml"
    file.write_text(text, encoding="utf-8")
    return load_mapping(file, USER.extended(extra))


def problems(tmp_path: Path, text: str) -> list[str]:
    """Return the problems of a mapping as `line:column: text`."""
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    return [str(p).removeprefix(f"{tmp_path}/m.yaml:") for p in caught.value.problems]


def rule(give: str, when: str = "userName pr") -> str:
    return f"version: 1\nrules:\n- name: r\n  when: '{when}'\n  give: {give}\n"


def given(tmp_path: Path, give: str) -> object:
    """Return the only single value that a rule gives to somebody."""
    entitlements = load(tmp_path, rule(give)).entitlements(Person("1", {"userName": "u"}))
    (value,) = entitlements.single.values()
    return value.value


def test_the_whole_mapping_language_can_be_read(tmp_path: Path) -> None:
    mapping = load(tmp_path, WHOLE)

    assert mapping.join is not None
    assert mapping.join.text == "externalId"
    assert mapping.leavers == Leavers("trash", timedelta(days=7))
    assert mapping.unmanaged == "report"
    assert [(r.name, r.persona) for r in mapping.rules] == [("munich-sales", "office")]
    assert mapping.rules[0].give.single["number"] == PoolRef("munich")


def test_a_version_alone_is_a_mapping_that_reports_leavers_and_manages_nothing(
    tmp_path: Path,
) -> None:
    mapping = load(tmp_path, "version: 1\n")

    assert mapping.leavers == Leavers("report", None)
    assert (mapping.join, mapping.unmanaged) == (None, "report")
    assert mapping.managed == frozenset()
    assert mapping.in_scope(Person("1", {}))


def test_managed_is_what_any_rule_persona_default_or_profile_mentions(tmp_path: Path) -> None:
    mapping = load(
        tmp_path, WHOLE + "  - {name: b, when: title pr, give: {delegate_privileges: []}}\n"
    )

    assert mapping.managed == {
        "license",
        "packages",
        "template",
        "site",
        "number",
        "delegates",
        "delegate_privileges",
        "profile.display_name",
    }


def test_uses_paths_are_those_of_scope_rules_texts_and_join(tmp_path: Path) -> None:
    mapping = load(tmp_path, WHOLE)

    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    assert {p.text for p in mapping.uses_paths} == {
        "externalId",
        "active",
        "groups.display",
        "addresses.locality",
        "displayName",
        f"{urn}:manager.value",
    }


@pytest.mark.parametrize(
    ("when", "groups"),
    [
        ("title pr", set()),
        ('groups.display eq "A" or not (groups.display eq "B")', {"A", "B"}),
        ('groups[display eq "A" and value eq "b"]', None),
        ('groups[display eq "A"]', {"A"}),
        ('groups eq "A"', {"A"}),
        ('groups.display sw "TEL-"', None),
        ('groups.display ne "A"', None),
        ("groups pr", None),
        ('groups.type eq "direct"', None),
        ('groups[type eq "direct"].display eq "A"', None),
    ],
)
def test_uses_groups_names_them_only_where_every_test_does(
    tmp_path: Path, when: str, groups: set[str] | None
) -> None:
    assert load(tmp_path, rule("{site: A}", when)).uses_groups == groups


def test_a_text_that_takes_groups_may_use_any_group(tmp_path: Path) -> None:
    assert load(tmp_path, rule('{site: "{groups.display}"}')).uses_groups is None


def test_all_problems_are_listed_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
version: 2
scop: 'active eq true'
scope: 'active eq true and groups.dispaly eq "X"'
leavers: {do: thrash, after: 7}
defaults: {licence: x}
profile: {email: "{emails.value"}
rules:
  - name: a
    when: "titel eq \\"x\\""
    persona: office
    give: {packages: UK Metered}
"""
    assert problems(tmp_path, text) == [
        "1:10: version: 2 isn't known here: this is version 1",
        "2:1: scop: isn't known here; did you mean 'scope'?",
        "3:35: scope: groups has no sub-attribute 'dispaly': did you mean display?",
        "4:15: leavers.do: 'thrash' isn't one of: trash, remove_license, deactivate, delete, report",
        "4:30: leavers.after: 7 is no time span, such as 30m, 24h or 7d",
        "5:12: defaults.licence: isn't known here; did you mean 'license'?",
        "6:19: profile.email: '{' isn't closed",
        "9:12: rules.0.when: unknown attribute 'titel': did you mean title?",
        "10:14: rules.0.persona: no persona is called 'office'; none is known here",
        "11:22: rules.0.give.packages: a list is wanted, such as [NAME]",
    ]


@pytest.mark.parametrize(
    "text", ["- a\n", "just text\n", "version: 1\nrules: {a: b}\npersonas: []\n"]
)
def test_a_file_of_another_shape_is_a_problem_and_no_crash(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def with_when(line: str) -> str:
    """Return a mapping whose fourth line is `line`, four blanks in."""
    return f"version: 1\nrules:\n  - name: r\n    {line}\n    give: {{site: A}}\n"


@pytest.mark.parametrize(
    "line",
    [
        "when: titel pr",
        'when: title eq "x" and titel pr  # as they say',
        "when: 'title eq \"it''s\" and titel pr'",
        'when: "title eq \\"x\\" and titel pr"',
        "when: '  titel pr'",
    ],
)
def test_a_filters_problem_is_placed_to_the_column(tmp_path: Path, line: str) -> None:
    (problem,) = problems(tmp_path, with_when(line))

    assert problem.startswith(
        f"4:{5 + line.index('titel')}: rules.0.when: unknown attribute 'titel'"
    )


LAID_OUT = [
    "when: titel pr or {}",
    "when: !!str &w titel pr or {}",
    'when: "title eq \\"\\x41\\u00e9\\" and titel pr or {}"',
    "when: >\n      title pr and\n      titel pr\n      or {}",
    "when: |-  # as it is\n      title pr and\n\n        titel pr or {}",
    "when: title pr and\n      titel pr\n\n      or {}",
    "when: 'title eq \"it''s\"\n\n      and titel pr or {}'",
    'when: "title pr\\\n      \\x20and \\\n      titel\\tpr\n      or {}"',
    "when: '  title eq \"a\u0301\" and titel pr or {}'",
]


@pytest.mark.parametrize("line", LAID_OUT)
def test_two_problems_of_one_filter_have_their_places_however_it_is_laid_out(
    tmp_path: Path, line: str
) -> None:
    text = with_when(line.format('departmnt eq "x"'.replace('"', '\\"' if ': "' in line else '"')))

    found = problems(tmp_path, text)

    assert [each.split("'")[1] for each in found] == ["titel", "departmnt"]
    lines = text.split("\n")
    for each, word in zip(found, ("titel", "departmnt"), strict=True):
        number, column = map(int, each.split(": ")[0].split(":"))
        assert lines[number - 1][column - 1 :].startswith(word)


def test_a_problem_in_text_that_an_alias_stands_for_is_placed_at_the_alias(tmp_path: Path) -> None:
    text = "version: 1\nrules:\n  - {name: &n titel pr, when: *n, give: {site: A}}\n"

    assert [each.split(": ")[0] for each in problems(tmp_path, text)] == ["3:31"]


def test_a_problem_in_a_file_of_the_wrong_shape_has_its_place_all_the_same(tmp_path: Path) -> None:
    found = problems(tmp_path, "version: 2\n" + with_when("when: '  titel pr'")[11:])

    assert found[1].startswith("4:14: rules.0.when: unknown attribute 'titel'")


def test_a_wrong_shape_hides_no_pool_that_config_lacks(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("version: 2\n" + rule("{number: {pool: munch}}")[11:], encoding="utf-8")

    with pytest.raises(InputError) as caught:
        load_mapping(file, pools=["munich"])

    assert "the config has no pool 'munch'; did you mean 'munich'?" in str(caught.value)
    assert len(caught.value.problems) == 2


def test_a_lookup_without_a_value_is_told_in_plain_words(tmp_path: Path) -> None:
    assert problems(tmp_path, "version: 1\nlookups: {sites: {Munich: }}\n") == [
        "2:27: lookups.sites.Munich: must have a value"
    ]


def test_tabs_hide_nothing_of_what_else_is_wrong(tmp_path: Path) -> None:
    found = problems(
        tmp_path, "version: 1\nrules:\n\t- name: r\n\t  when: titel pr\n\t  give: {site: '{x}'}\n"
    )

    assert [each.split(": ")[0] for each in found] == ["3:1", "4:1", "4:10", "5:1", "5:17"]


def test_the_slips_of_texts_in_braces_are_told_together(tmp_path: Path) -> None:
    found = problems(tmp_path, rule("{site: 'x {locaton | uper} {titel, title}'}"))

    assert [each.partition(": ")[2].partition(":")[2].partition(":")[0] for each in found] == [
        " unknown attribute 'locaton'",
        " no transform is called 'uper'; did you mean 'upper'?",
        " unknown attribute 'titel'",
    ]


@pytest.mark.parametrize(
    ("give", "says"),
    [
        ("{license: 4077}", "license: text is wanted here: 4077 without quotes"),
        ("{license: true}", "license: text is wanted here: true without quotes"),
        ("{license: ''}", "license: must not be empty"),
        ("{license: }", "license: must have a value"),
        ("{license: [a]}", "license: text is wanted here, not a list"),
        ("{site: {addresses.locality}}", 'must stand in quotes: "{addresses.locality}"'),
        ("{delegates: [{manager}]}", 'must stand in quotes: "{manager}"'),
        ("{packages: {a: b}}", "packages: a list is wanted"),
        ("{credits: 'true'}", "credits: true or false is wanted here, not 'true'"),
        ("{credits: 1}", "credits: true or false is wanted here, not 1"),
        ("{extension_number: 40x}", "'40x' is no extension number"),
        ("{extension_number: -4}", "-4 without quotes is no text"),
        ("{number: 498912}", "a number begins with +"),
        ("{number: 089 1234}", "'089 1234' is no number in E.164"),
        ("{number: {pool: m, site: x}}", "number.site: isn't known here"),
        ("{number: {pool: 7}}", "number.pool: a pool's name is wanted here"),
        ('{number: {pool: "{title}"}}', "number.pool: a pool's name can't take attributes"),
        ('{site: "{{displayName}}"}', "'{' inside braces"),
        ('{site: "a}"}', "'}' closes nothing"),
        ('{site: "{ }"}', "an attribute belongs between the braces"),
        ('{site: "{addresses}"}', "addresses has no value of its own: name a sub-attribute"),
        ("{}", "gives nothing: it needs a persona or give"),
    ],
)
def test_what_is_given_must_be_of_its_type(tmp_path: Path, give: str, says: str) -> None:
    (problem,) = problems(tmp_path, rule(give))

    assert says in problem


@pytest.mark.parametrize(
    ("give", "value"),
    [
        ("{extension_number: 4077}", "4077"),
        ("{extension_number: '0077'}", "0077"),
        ("{extension_number: 0077}", "0077"),
        ("{number: +49891234}", "+49891234"),
        ("{number: +49 (89) 12-34}", "+49891234"),
        ("{site: 1:30}", "1:30"),
        ("{site: NO}", "NO"),
        ("{license: '  Teams Phone '}", "Teams Phone"),
        ("{credits: false}", False),
    ],
)
def test_values_mean_what_they_look_like(tmp_path: Path, give: str, value: object) -> None:
    assert given(tmp_path, give) == value


@pytest.mark.parametrize(
    ("after", "span"),
    [
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("0", timedelta(0)),
    ],
)
def test_grace_is_a_number_with_a_unit(tmp_path: Path, after: str, span: timedelta) -> None:
    assert load(tmp_path, f"version: 1\nleavers: {{after: {after}}}\n").leavers.after == span


@pytest.mark.parametrize("after", ["7", "1:30", "7w", "-1d", "1.5h", "true", "9999999d"])
def test_grace_without_a_known_unit_is_a_problem(tmp_path: Path, after: str) -> None:
    (problem,) = problems(tmp_path, f"version: 1\nleavers: {{after: {after}}}\n")

    assert "is no time span, such as 30m, 24h or 7d" in problem


def test_rules_are_told_apart_by_name_whatever_its_case(tmp_path: Path) -> None:
    text = """\
version: 1
rules:
  - {name: Sales, when: title pr, give: {site: A}}
  - {name: sales, when: title pr, give: {site: B}}
  - {name: defaults, when: title pr, give: {site: C}}
  - {name: profile, when: title pr, give: {site: C}}
"""
    assert problems(tmp_path, text) == [
        "4:12: rules.1.name: there are two rules 'sales', the first in line 3",
        "5:12: rules.2.name: a rule can't be called 'defaults': what is not from a rule bears that name",
        "6:12: rules.3.name: a rule can't be called 'profile': what is not from a rule bears that name",
    ]


def test_a_rule_needs_a_name_a_filter_and_something_to_give(tmp_path: Path) -> None:
    assert problems(tmp_path, "version: 1\npersonas: {p: {}}\nrules:\n  - {}\n") == [
        "2:15: personas.p: the persona gives nothing",
        "4:5: rules.0.name: is missing",
        "4:5: rules.0.when: is missing",
        "4:5: rules.0: gives nothing: it needs a persona or give",
    ]


def test_an_attribute_that_only_a_directory_knows_must_be_announced(tmp_path: Path) -> None:
    text = rule('{site: "{badgeColour}"}', 'badgeColour eq "red"')

    mapping = load(tmp_path, text, extra=("badgeColour",))

    entitlements = mapping.entitlements(Person("1", {"userName": "u", "badgeColour": "red"}))
    assert entitlements.single["site"].value == "red"
    assert len(problems(tmp_path, text)) == 2


@pytest.mark.parametrize("join", ["externalIdd", "addresses", "{externalId}"])
def test_join_must_be_an_attribute_with_a_value(tmp_path: Path, join: str) -> None:
    (problem,) = problems(tmp_path, f"version: 1\njoin: '{join}'\n")

    assert problem.startswith(("2:7: join: ", "2:8: join: "))


def test_the_hash_is_of_the_content_not_of_how_it_is_written(tmp_path: Path) -> None:
    again = """\
# another order, other quotes, defaults spelt out
rules:
  - give: {number: {pool: munich}, delegates: ["{manager}"], site: "Munich"}
    persona: office
    when: "groups.display eq \\"Sales\\" and addresses.locality eq \\"Munich\\""
    name: munich-sales
personas: {office: {packages: [us_ca_unlimited], license: zoom_phone}}
defaults: {template: ' Office '}
profile: {display_name: "{displayName}"}
leavers: {after: 7d, do: trash}
join: externalId
scope: 'active eq true and groups.display eq "Phone Users"'
version: 1
"""
    first = load(tmp_path, WHOLE).sha256

    assert load(tmp_path, again).sha256 == first
    assert first.startswith("sha256:")
    assert load(tmp_path, WHOLE.replace("after: 7d", "after: 8d")).sha256 != first
    assert load(tmp_path, WHOLE.replace("pool: munich", "pool: berlin")).sha256 != first


def test_the_order_of_rules_is_content(tmp_path: Path) -> None:
    rules = [f"  - {{name: {n}, when: title pr, give: {{site: {n}}}}}\n" for n in ("a", "b")]
    head = "version: 1\nrules:\n"

    assert (
        load(tmp_path, head + rules[0] + rules[1]).sha256
        != load(tmp_path, head + rules[1] + rules[0]).sha256
    )


PLACES = """\
version: 1
rules: []
common_areas:
  - {name: lobbies, when: 'display_name sw "Lobby"', give: {packages: [us], template: Areas}}
rooms:
  - {name: rooms, when: "site eq 'x'", give: {licence: zoom_phone}}
  - {name: more, when: 'displayName pr', give: {delegates: [eva]}}
"""


def test_rules_for_places_are_over_phone_users_and_manage_what_they_mention(tmp_path: Path) -> None:
    mapping = load(tmp_path, PLACES.partition("rooms:")[0])

    assert set(mapping.places) == {"common_area"}
    assert mapping.places["common_area"].managed == {"packages", "template"}
    assert mapping.managed == frozenset()


def test_what_a_place_cannot_have_and_attributes_of_persons_are_named_where_they_stand(
    tmp_path: Path,
) -> None:
    found = problems(tmp_path, PLACES)

    assert [problem.partition(": ")[0].partition(":")[0] for problem in found] == [
        "6",
        "6",
        "7",
        "7",
    ]
    said = "\n".join(found)
    for words in ("rooms.0.when", "rooms.0.give.licence", "rooms.1.when", "rooms.1.give.delegates"):
        assert words in said


def test_rules_without_places_have_the_hash_that_they_always_had(tmp_path: Path) -> None:
    with_none = load(tmp_path, WHOLE)

    assert with_none.places == {}
    assert with_none.sha256 != load(tmp_path, WHOLE + "existing_account: 'title pr'\n").sha256
