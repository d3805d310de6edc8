"""Warnings of what is missing: each is named, and of very many the most frequent."""

from __future__ import annotations

from provisioner.plan.model import Plan
from tests.provisioner.plan.office import Office, person

MAPPING = """lookups: {sites: {Brno: B}}
rules: [{name: r, when: userName pr, give: {site: "{title | lookup sites}"}}]
"""


def warned(plan: Plan) -> list[str]:
    return [text for text in plan.warnings if text.startswith("rule r gives no site")]


def test_a_value_that_a_lookup_lacks_is_named_with_how_many_people_have_it() -> None:
    people = [person(f"p{n}", title="Oslo" if n else "Rome") for n in range(3)]

    assert warned(Office(mapping=MAPPING, people=people).plan()) == [
        "rule r gives no site to 2 people: no entry for 'Oslo' in lookup sites; what they hold stays",
        "rule r gives no site to 1 person: no entry for 'Rome' in lookup sites; what they hold stays",
    ]


def test_of_very_many_values_the_most_frequent_are_named_and_the_rest_counted() -> None:
    people = [person(f"p{n}", title=f"town {n % 50}") for n in range(120)]

    said = warned(Office(mapping=MAPPING, people=people).plan())

    assert len(said) == 21
    assert all("to 3 people" in text for text in said[:20])
    assert said[20] == "rule r gives no site to 60 more, who lack 30 other values"
