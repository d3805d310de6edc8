"""Why a filter matches, or doesn't."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.scim_filter import And, Node, Not, Or, parse_filter
from mappings.why import Condition, Several, conditions, why

EVA: dict[str, Any] = {
    "userName": "eva",
    "active": True,
    "title": "Clerk",
    "groups": [{"value": "g1", "display": "Sale"}, {"value": "g2", "display": "Phone Users"}],
    "addresses": [{"type": "work", "locality": "Brno"}],
}


def failing(text: str) -> list[str]:
    finding = why(parse_filter(text), EVA)
    assert not finding.met
    return [condition.text for condition in conditions(finding)]


def test_all_the_parts_of_an_and_that_fail_are_named_and_none_that_holds() -> None:
    assert failing('active eq true and groups.display eq "Sales" and location eq "Munich"') == [
        'groups.display eq "Sales"',
        'addresses[type eq "work"].locality eq "Munich"',
    ]


def test_of_an_or_that_fails_any_part_would_do() -> None:
    finding = why(parse_filter('title eq "CEO" or title eq "CFO"'), EVA)

    assert isinstance(finding, Several)
    assert (finding.how, finding.met) == ("any", False)
    assert [c.text for c in conditions(finding)] == ['title eq "CEO"', 'title eq "CFO"']


def test_of_an_or_that_holds_only_what_holds_is_the_reason() -> None:
    finding = why(parse_filter('title eq "CEO" or title eq "Clerk"'), EVA)

    assert [(c.text, c.met) for c in conditions(finding)] == [('title eq "Clerk"', True)]


def test_what_a_not_forbids_is_told_with_the_not() -> None:
    assert failing('not (groups.display eq "Phone Users" or title eq "CEO")') == [
        'not (groups.display eq "Phone Users")'
    ]


def test_a_failing_condition_names_what_the_person_has_and_the_nearest_of_it() -> None:
    (condition,) = conditions(why(parse_filter('groups.display eq "Sales"'), EVA))

    assert condition.values == ("Sale", "Phone Users")
    assert condition.nearest == "Sale"


def test_a_value_that_is_nothing_like_it_is_not_called_near() -> None:
    (condition,) = conditions(why(parse_filter('title eq "Board of directors"'), EVA))

    assert (condition.values, condition.nearest) == (("Clerk",), None)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('groups[display eq "Sales" and value eq "g9"]', ("Sale", "Phone Users")),
        ("addresses eq null", ("type work, locality Brno",)),
        ("active eq false", ("true",)),
        ("nickName pr", ()),
    ],
)
def test_what_the_person_has_is_told_of_every_kind_of_condition(
    text: str, values: tuple[str, ...]
) -> None:
    (condition,) = conditions(why(parse_filter(text), EVA))

    assert not condition.met
    assert condition.values == values


TESTS = (
    'groups.display eq "Sales"',
    'groups.display ne "Ops"',
    'groups[display eq "Sales" and value eq "g1"]',
    "groups pr",
    'location eq "Brno"',
    'title eq "CEO"',
    "title pr",
    "active eq true",
    'manager eq "m1"',
)
filters = st.recursive(
    st.sampled_from(TESTS),
    lambda inner: st.one_of(
        inner.map(lambda f: f"not ({f})"),
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
    ),
    max_leaves=8,
)
groups = st.lists(
    st.fixed_dictionaries(
        {"display": st.sampled_from(("Sales", "Ops")), "value": st.sampled_from(("g1", "g2"))}
    ),
    max_size=2,
)
people = st.fixed_dictionaries(
    {},
    optional={
        "groups": groups,
        "title": st.sampled_from(("CEO", "Clerk")),
        "active": st.booleans(),
        "addresses": st.just([{"type": "work", "locality": "Brno"}]),
    },
)


def evaluated(node: Node, holds: Callable[[Node], bool]) -> bool:
    """Return what a tree says if its conditions hold as told, read the plain way."""
    if isinstance(node, And):
        return all(evaluated(part, holds) for part in node.parts)
    if isinstance(node, Or):
        return any(evaluated(part, holds) for part in node.parts)
    return not evaluated(node.part, holds) if isinstance(node, Not) else holds(node)


def turned(tree: Node, person: dict[str, Any], places: Collection[int]) -> bool:
    """Return what the filter says if the conditions at these places were the other way round."""
    return evaluated(tree, lambda test: test.compiled()(person) is not (id(test) in places))


@given(filters, people)
def test_why_says_what_the_evaluator_says(text: str, person: dict[str, Any]) -> None:
    filter = parse_filter(text)

    assert why(filter, person).met is filter.matches(person)


@given(filters, people)
def test_if_the_named_conditions_were_otherwise_so_were_the_answer(
    text: str, person: dict[str, Any]
) -> None:
    filter = parse_filter(text)
    finding = why(filter, person)
    named = [id(condition.test) for condition in conditions(finding)]

    assert named
    assert turned(filter.tree, person, named) is not finding.met


@given(filters, people)
def test_every_named_condition_matters(text: str, person: dict[str, Any]) -> None:
    """Each decides alone once the others that stand with it are chosen well."""
    filter = parse_filter(text)
    finding = why(filter, person)

    for condition in conditions(finding):
        others = {id(each.test) for each in needed_with(finding, condition)}
        without = turned(filter.tree, person, others)
        with_it = turned(filter.tree, person, {*others, id(condition.test)})
        assert without is not with_it


def needed_with(finding: Several | Condition, chosen: Condition) -> list[Condition]:
    """Return which other named conditions must turn for the chosen one to be what decides."""
    if isinstance(finding, Condition):
        return []
    turned_together = (finding.how == "all") is not finding.met
    found: list[Condition] = []
    for part in finding.parts:
        if any(each.test is chosen.test for each in conditions(part)):
            found += needed_with(part, chosen)
        elif turned_together:
            found += conditions(part)
    return found
