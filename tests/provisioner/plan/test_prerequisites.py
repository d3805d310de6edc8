"""What rests on a license that no rule gives is held back, and nothing else is."""

from __future__ import annotations

import msgspec

from connectors.phone.snapshot import ABILITIES
from connectors.records import PhoneUser
from provisioner.plan.model import Plan
from tests.provisioner.plan.office import Office, full, only, person, user

MAPPING = """
rules:
  - name: bosses
    when: 'title eq "CEO"'
    give: {license: phone}
  - name: all
    when: userName pr
    give: {packages: [basic], number: "+4989123401", site: Brno}
"""


def test_packages_and_numbers_without_a_license_are_blocked_with_the_rule_and_its_line() -> None:
    office = Office(mapping=MAPPING, people=[person("eva")], users=[user("eva")])

    plan = office.plan()

    assert [c.kind for c in plan.changes] == ["site.set"]
    assert {c.kind for c in plan.blocked} == {"package.assign", "number.assign"}
    for change in plan.blocked:
        assert "no rule gives eva@example.org a license" in (change.reason or "")
        assert "(rule all, mapping.yaml:7)" in (change.reason or "")


def test_with_the_license_or_where_licenses_are_not_managed_they_go_ahead() -> None:
    boss = Office(mapping=MAPPING, people=[person("eva", title="CEO")], users=[user("eva")])
    elsewhere = boss.but(mapping=MAPPING.replace("license: phone", "template: T"))

    assert boss.plan().blocked == elsewhere.plan().blocked == ()


def test_a_license_that_is_part_of_something_else_they_hold_will_do() -> None:
    suite = user("eva", counts_as=("suite",))
    office = Office(mapping=MAPPING, people=[person("eva")], users=[suite])

    assert office.plan().blocked == ()


NUMBERED = """
rules:
  - {name: all, when: userName pr, give: {license: phone, number: "+4989123401"}}
  - {name: calls, when: 'title eq "CEO"', give: {packages: [basic]}}
"""


def numbered(*users: PhoneUser, title: str | None = None, mapping: str = NUMBERED) -> Plan:
    able = msgspec.structs.replace(ABILITIES, number_needs_package=True)
    people = [person("eva", title=title)]
    return Office(mapping=mapping, people=people, users=users, abilities=able).plan()


def test_a_number_without_a_calling_package_is_blocked_where_the_vendor_gives_none() -> None:
    for held in ((), ("basic",)):  # the last one goes in this plan
        plan = numbered(full("eva", packages=held))

        reason = only(plan.blocked, "number.assign").reason
        assert "no rule gives eva@example.org a calling package" in str(reason)


def test_a_number_goes_with_its_package_or_where_nobody_says_who_has_which() -> None:
    silent = NUMBERED.replace("packages: [basic]", "template: T")

    assert only(numbered(user("eva"), title="CEO").changes, "number.assign").needs
    assert numbered(full("eva", packages=("suite",)), mapping=silent).blocked == ()
    assert numbered(user("eva"), mapping=silent).blocked == ()
    plan = Office(mapping=NUMBERED, people=[person("eva")], users=[user("eva")]).plan()
    assert plan.blocked == (), "a vendor who gives numbers without"
