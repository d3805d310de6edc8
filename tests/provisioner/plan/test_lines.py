"""Reasons name the rules with file and line; a removal bears the rule that takes."""

from __future__ import annotations

from provisioner.plan.model import Plan
from tests.provisioner.plan.office import Office, person, user


def reasons(plan: Plan) -> list[str | None]:
    return [change.reason for change in plan.blocked]


def test_two_people_for_one_number_are_named_with_both_rules_and_their_lines() -> None:
    mapping = """rules:
  - {name: desk, when: 'userName eq "eva"', give: {license: zoom_phone, number: "+49891234"}}
  - {name: floor, when: 'userName eq "jan"', give: {license: zoom_phone, number: "+49891234"}}
"""
    people = [person("eva"), person("jan")]

    (reason,) = reasons(Office(mapping=mapping, people=people).plan())

    assert reason is not None
    assert "by rule desk (mapping.yaml:3); " in reason
    assert "rule floor (mapping.yaml:4) gives it to jan" in reason


def test_what_is_blocked_names_its_own_rule_where_its_reason_names_none() -> None:
    mapping = "rules:\n  - {name: all, when: userName pr, give: {delegates: [nobody]}}\n"
    eva = user("eva", license="zoom_phone")

    (reason,) = reasons(Office(mapping=mapping, people=[person("eva")], users=[eva]).plan())

    assert reason is not None
    assert reason.endswith("is called 'nobody' (rule all, mapping.yaml:3)")


def test_a_removal_bears_the_rule_that_takes_what_is_held() -> None:
    mapping = """rules:
  - {name: none, when: userName pr, take: [license, credits, template]}
  - {name: all, when: userName pr, give: {license: zoom_phone, credits: true, template: T}}
"""
    eva = user("eva", license="zoom_phone", credits=True, template="T")

    plan = Office(mapping=mapping, people=[person("eva")], users=[eva]).plan()

    changes = {change.kind: change.rule for change in plan.changes}
    assert changes["license.remove"] == "none"
    assert set(changes.values()) == {"none"}
