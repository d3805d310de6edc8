"""An outline, with a person's own values, says exactly what the entitlements say."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.columns import Columns
from connectors.records import Person
from mappings import Mapping, load_mapping
from mappings.outline import Found, Outlines

COLUMNS = (
    "userName",
    "externalId",
    "name.givenName",
    "name.familyName",
    'emails[type eq "work"].value',
    'addresses[type eq "work"].locality',
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "title",
    "active",
    "groups",
)
TESTS = (
    'groups.display eq "Sales"',
    'groups.display eq "ops"',
    'groups.display ne "Sales"',
    'groups[display eq "Sales" and value eq "Sales"]',
    'groups[display eq "Sales"].value ne "x"',
    "groups pr",
    'location eq "Brno"',
    'addresses[type eq "home"].locality ne "Brno"',
    'title eq "A"',
    "title pr",
    "active eq true",
    "not (active pr)",
    'department eq "HR"',
    'manager eq "m1"',
    'name.givenName eq "A" and name.familyName eq "B"',
    'emails co "x.org"',
    'emails.type eq "work"',
    "nickName pr",
)
TEXTS = (
    "{location}",
    "{addresses.locality}",
    "{title}",
    "{givenName}-{title}",
    "{name.givenName}",
    "{manager}",
    "{email}",
    "{emails.value}",
    '{emails[type eq "home"].value}',
    "{emails.type}",
    "{groups.display}",
    "{active}",
    "{nickName}",
)
NAMES = st.sampled_from(("A", "a", "B", *TEXTS))
gives = st.fixed_dictionaries(
    {},
    optional={
        "license": NAMES,
        "site": NAMES,
        "number": st.sampled_from(({"pool": "p"}, "+49891234", "{title}")),
        "credits": st.booleans(),
        "packages": st.lists(st.sampled_from(("A", "a", "B", "{title}")), max_size=3),
    },
)


@st.composite
def mappings(draw: st.DrawFn) -> Mapping:
    tests = st.sampled_from(TESTS)
    given = [
        {"when": draw(tests), "give": give} for give in draw(st.lists(gives, max_size=4)) if give
    ]
    content: dict[str, Any] = {
        "version": 1,
        "rules": [{"name": f"r{n}", **rule} for n, rule in enumerate(given)],
        "defaults": draw(gives),
        "profile": draw(
            st.fixed_dictionaries({}, optional={"email": NAMES, "display_name": NAMES})
        ),
    }
    if draw(st.booleans()):
        content["scope"] = draw(tests)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.yaml"
        file.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
        return load_mapping(file)


cells = st.none() | st.sampled_from(("A", "B", "Brno", "BRNO", "a@x.org", "HR", "m1", "+49891234"))
groups = st.none() | st.lists(
    st.sampled_from(("Sales", "sales", "Ops")), min_size=1, max_size=3, unique=True
)
rows = st.tuples(*([cells] * (len(COLUMNS) - 2)), st.none() | st.booleans(), groups).map(list)


def outlines(mapping: Mapping) -> Outlines:
    return Outlines(mapping.scope, mapping.rules, mapping.defaults, mapping.profile)


def told(found: Found) -> tuple[dict[str, Any], dict[str, set[str]]]:
    """What an outline and a person's own values give together."""
    outline, values = found
    assert outline is not None
    assert values is not None
    own = dict(zip(outline.own, values, strict=True))
    return dict(outline.fixed) | own, {n: set(v) for n, v in outline.lists.items() if v}


def entitled(mapping: Mapping, person: Person) -> tuple[dict[str, Any], dict[str, set[str]]]:
    """The same from their entitlements."""
    given = mapping.entitlements(person)
    single = {name: value for name, (value, _) in given.single.items()}
    single |= {f"profile.{name}": value for name, (value, _) in given.profile.items()}
    return single, {name: set(values) for name, values in given.many.items()}


@settings(max_examples=200, deadline=None)
@given(mappings(), st.lists(rows, min_size=1, max_size=15))
def test_an_outline_says_what_the_entitlements_say(
    mapping: Mapping, several: list[list[Any]]
) -> None:
    found = outlines(mapping)

    for row in several:
        person = Person("1", Columns.named(COLUMNS).resource(row))
        outline, values = found.of(person.resource)
        assert (outline is not None) == mapping.in_scope(person)
        if outline is not None and values is not None:
            assert told((outline, values)) == entitled(mapping, person)


@settings(max_examples=200, deadline=None)
@given(mappings(), st.lists(rows, min_size=1, max_size=15))
def test_a_row_of_a_table_has_the_outline_of_its_resource(
    mapping: Mapping, several: list[list[Any]]
) -> None:
    columns = Columns.named(COLUMNS)
    by_row = outlines(mapping).of_rows(columns)
    by_resource = outlines(mapping)

    for row in several:
        outline, values = by_row(row)
        expected, own = by_resource.of(columns.resource(row))
        assert (outline is None) == (expected is None)
        assert values == own
        if outline is not None and expected is not None:
            assert (outline.fixed, outline.lists, outline.own) == (
                expected.fixed,
                expected.lists,
                expected.own,
            )


def load(text: str) -> Outlines:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.yaml"
        file.write_text(f"version: 1\n{text}", encoding="utf-8")
        return outlines(load_mapping(file))


def test_people_whom_the_same_rules_match_share_one_outline() -> None:
    found = load(
        "rules: [{name: a, when: 'title eq \"A\"', give: {license: Phone, site: '{location}'}}]"
    )
    brno = {"title": "A", "addresses": [{"type": "work", "locality": "Brno"}]}
    prague = {"title": "a", "addresses": [{"type": "work", "locality": "Prague"}]}

    (one, brno_values), (other, prague_values) = found.of(brno), found.of(prague)

    assert one is other
    assert (brno_values, prague_values) == (("Brno",), ("Prague",))


def test_whoever_lacks_an_attribute_is_told_apart() -> None:
    found = load("rules: [{name: a, when: 'userName pr', give: {site: '{location}'}}]")

    outline, values = found.of({"userName": "eva"})

    assert outline is not None
    assert values is None


def test_a_value_that_should_be_text_and_is_not_is_filled_as_text() -> None:
    found = load("profile: {display_name: '{displayName}', job_title: '{title}'}\nrules: []")

    assert found.of({"displayName": 77, "title": ["CEO", "CFO"]})[1] == ("77", "CEO")


def test_the_mail_is_the_last_of_a_persons_own_values() -> None:
    found = load("profile: {email: '{emails.value}', department: '{title}'}\nrules: []")

    outline, values = found.of({"title": "HR", "emails": [{"value": "eva@x.org"}]})

    assert outline is not None
    assert outline.own == ("profile.department", "profile.email")
    assert values == ("HR", "eva@x.org")
