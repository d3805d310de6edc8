"""What is said to be impossible is so, whoever comes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import Person
from connectors.scim_filter import USER, parse_filter
from mappings.logic import impossible
from tests.mappings.test_evaluate_properties import filters, people


def possible(*texts: str) -> bool:
    return not impossible(*(parse_filter(text, USER).tree for text in texts))


@pytest.mark.parametrize(
    "texts",
    [
        ('title eq "A" and title eq "B"',),
        ('title eq "A"', 'not (title eq "a")'),
        ('title eq "A"', 'title ne "a"'),
        ('title eq "A"', "not (title pr)"),
        ('title eq "Analyst"', 'title sw "B"'),
        ('title gt "A"', "not (title pr)"),
        ("active eq true", "active eq false"),
        ("active eq true", "not (active pr)"),
        ('groups.display eq "A"', 'not (groups.display eq "a")'),
        ('groups.display eq "A"', "not (groups pr)"),
        ('groups.display eq "A"', 'not (groups.display ne "B")'),
        ('location eq "Brno"', 'not (location eq "brno")'),
        ('department eq "HR"', 'department eq "IT"'),
        ('externalId eq "a" and externalId eq "A"',),
        ('(title eq "A" or title eq "B") and (title eq "C" or title eq "D")',),
    ],
)
def test_demands_that_contradict_each_other_are_met_by_nobody(texts: tuple[str, ...]) -> None:
    assert not possible(*texts)


@pytest.mark.parametrize(
    "texts",
    [
        ('groups.display eq "A"', 'groups.display eq "B"'),
        ('groups.display eq "A"', 'groups.display ne "A"'),
        ('title eq "A" or title eq "B"', 'not (title eq "A")'),
        ('emails.value eq "a@x.org"', 'emails.value eq "b@x.org"'),
        ('groups.display eq "A"', 'not (groups.value eq "A")'),
        ('emails[type eq "work"].value eq "a"', 'not (emails[type eq "home"].value eq "a")'),
        ("not (title pr)", 'title ne "A"'),
        ("active ne true", "not (active eq false)"),
    ],
)
def test_what_somebody_could_meet_is_possible(texts: tuple[str, ...]) -> None:
    assert possible(*texts)


@settings(max_examples=400, deadline=None)
@given(st.lists(filters, min_size=1, max_size=4), st.lists(people, min_size=1, max_size=12))
def test_nobody_meets_what_is_said_to_be_impossible(
    texts: list[str], several: list[Person]
) -> None:
    read = [parse_filter(text, USER) for text in texts]
    if impossible(*(each.tree for each in read)):
        for person in several:
            if isinstance(person.resource.get("title"), list):
                continue  # an attribute of one value has one
            assert not all(each.matches(person.resource) for each in read)


def test_a_filter_with_too_many_ways_is_not_judged() -> None:
    pairs = [f'(groups.display eq "{n}" or emails.value eq "{n}")' for n in range(12)]

    assert possible(" and ".join(pairs))
