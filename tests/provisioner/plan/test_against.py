"""Two mappings against each other, over everybody."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import Columns
from connectors.records import ENTERPRISE, Person
from mappings import Mapping
from provisioner.plan.against import EXAMPLES, VARIOUS, Against
from provisioner.plan.model import Compared
from provisioner.plan.wishes import differences
from provisioner.prices import Prices
from tests.provisioner.plan.office import NOW, person, rules

OLD = """
scope: 'groups.display eq "Phone"'
rules:
  - {name: premium, when: 'groups.display eq "Premium"', give: {license: PREMIUM}}
  - {name: all, when: userName pr, give: {license: STANDARD, packages: [basic]}}
"""
NEW = """
scope: 'groups.display eq "Phone"'
rules:
  - {name: bosses, when: 'title eq "CEO"', give: {license: PREMIUM}}
  - {name: everybody, when: userName pr, give: {license: STANDARD, packages: [basic, world]}}
"""


def nothing_used(_: str) -> tuple[int | None, int]:
    return None, 0


def compared(
    old: str, new: str, people: list[Person], prices: Prices | None = None, **how: Any
) -> Compared:
    against = Against(rules(old), rules(new), **how)
    for each in people:
        against.see(each)
    return against.result(prices, nothing_used)


def swings(found: Compared) -> dict[tuple[Any, ...], int]:
    return {
        (s.entitlement, s.before, s.after, s.old_rule, s.new_rule): s.people for s in found.swings
    }


def test_who_gains_and_who_loses_is_counted_with_the_rules_that_decide() -> None:
    found = compared(
        OLD, NEW, [person("eva", "Phone", "Premium"), person("jan", "Phone"), person("zoe")]
    )

    assert (found.people, found.differ, found.gain, found.lose) == (3, 2, 2, 0)
    assert swings(found) == {
        ("license", "PREMIUM", "STANDARD", "premium", "everybody"): 1,
        ("packages", None, "world", None, "everybody"): 2,
    }
    assert {s.users for s in found.swings} == {
        ("eva@example.org",),
        ("eva@example.org", "jan@example.org"),
    }
    assert [(r.rule, r.gives, r.changes, r.loses) for r in found.rules] == [("everybody", 2, 1, 0)]
    assert [(p.pool, p.more, p.less) for p in found.pools] == [
        ("license:PREMIUM", 0, 1),
        ("license:STANDARD", 1, 0),
        ("package:world", 2, 0),
    ]


def test_another_name_of_a_rule_alone_is_no_difference() -> None:
    assert (
        compared(OLD, OLD.replace("name: all", "name: other"), [person("eva", "Phone")]).differ == 0
    )


def test_whoever_the_other_scope_lets_in_or_leaves_out_is_told_so() -> None:
    other = NEW.replace('"Phone"', '"Telephone"')
    found = compared(OLD, other, [person("eva", "Phone"), person("jan", "Telephone")])

    scopes = {(s.before, s.after): s.users for s in found.swings if s.entitlement == "scope"}
    assert scopes == {(True, None): ("eva@example.org",), (None, True): ("jan@example.org",)}
    assert (found.gain, found.lose) == (1, 1)


def test_whoever_is_inactive_counts_and_differs_in_nothing() -> None:
    found = compared(OLD, NEW, [Person("E1", {"active": False, "userName": "eva"})])

    assert (found.people, found.differ) == (1, 0)


def test_only_those_who_are_meant_are_compared() -> None:
    people = [person("eva", "Phone"), person("jan", "Phone")]

    assert compared(OLD, NEW, people, only=["EVA@example.org"]).people == 1


def test_what_the_other_mapping_costs_more_is_told_where_prices_are_known() -> None:
    prices = Prices(
        "EUR", {("license", "premium"): Decimal(12), ("package", "world"): Decimal("2.5")}
    )
    found = compared(OLD, NEW, [person("eva", "Phone", "Premium"), person("jan", "Phone")], prices)

    assert (found.monthly, found.currency) == ("-7.00", "EUR")


def test_values_that_are_everybodys_own_are_told_together() -> None:
    old = "profile: {display_name: '{userName}'}"
    new = "profile: {display_name: 'x{userName}'}"
    found = compared(old, new, [person(f"u{n}") for n in range(200)])

    assert sum(s.people for s in found.swings) == 200
    assert found.swings[0].before == found.swings[0].after == VARIOUS
    assert len(found.swings) < 60


def test_of_many_people_the_first_are_named() -> None:
    (swing, *_) = compared(OLD, NEW, [person(f"u{n}", "Phone") for n in range(50)]).swings

    assert swing.people == 50
    assert swing.users == tuple(f"u{n}@example.org" for n in range(EXAMPLES))


def test_a_lookup_with_another_table_is_a_difference_and_with_the_same_is_none() -> None:
    def mapping(table: str) -> str:
        return (
            f"lookups: {{sites: {table}}}\n"
            "rules: [{name: all, when: userName pr, give: {site: '{title | lookup sites}'}}]"
        )

    people = [person("eva", title="A"), person("jan", title="B")]
    old = mapping("{A: Brno, B: Munich}")

    assert compared(old, mapping("{B: Munich, A: Brno}"), people).differ == 0
    assert swings(compared(old, mapping("{A: Brno, B: Madrid}"), people)) == {
        ("site", "Munich", "Madrid", "all", "all"): 1
    }


GIVES = (
    "license: A",
    "license: B",
    "site: '{title}'",
    "packages: [x, y]",
    "packages: ['{title}', x]",
    "number: {pool: p}",
)
WHENS = ('title eq "CEO"', 'groups.display eq "Sales"', "userName pr", "not (title pr)")
mappings = st.builds(
    lambda scope, listed, profile: (
        f"scope: '{scope}'\nprofile: {{display_name: '{profile}'}}\nrules:\n"
        + "".join(
            f"  - {{name: r{n}, when: '{when}', give: {{{give}}}}}\n"
            for n, (when, give) in enumerate(listed)
        )
    ),
    st.sampled_from(WHENS[1:]),
    st.lists(st.tuples(st.sampled_from(WHENS), st.sampled_from(GIVES)), min_size=1, max_size=3),
    st.sampled_from(("{userName}", "{title}")),
)
everybody = st.lists(
    st.builds(
        lambda name, title, groups: person(name, *groups, title=title),
        st.sampled_from(("eva", "jan", "zoe")),
        st.sampled_from(("CEO", "Clerk", "")),
        st.sets(st.sampled_from(("Sales", "Ops")), max_size=2),
    ),
    max_size=8,
)


def asked_one_by_one(old: Mapping, new: Mapping, people: list[Person]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for each in people:
        given = [m.entitlements(each) if m.in_scope(each) else None for m in (old, new)]
        if (given[0] is None) is not (given[1] is None):
            found["scope", given[0] and True, given[1] and True] += 1
        for what, was, will in differences(given[0], given[1]):
            found[what, was and was.value, will and will.value] += 1
    return found


@given(mappings, mappings, everybody)
def test_deciding_equal_people_once_says_what_asking_everybody_says(
    old: str, new: str, people: list[Person]
) -> None:
    found: Counter[tuple[Any, ...]] = Counter()
    for swing in compared(old, new, people).swings:
        before = None if swing.before is None else swing.before
        found[swing.entitlement, before, swing.after] += swing.people

    asked = asked_one_by_one(rules(old), rules(new), people)
    assert {k: n for k, n in found.items() if k[0] != "scope"} == {
        k: n for k, n in asked.items() if k[0] != "scope"
    }
    assert sum(n for k, n in found.items() if k[0] == "scope") == sum(
        n for k, n in asked.items() if k[0] == "scope"
    )


@given(mappings, mappings, everybody)
def test_rows_are_compared_as_people_are(old: str, new: str, people: list[Person]) -> None:
    columns = Columns.named(["userName", "title", 'emails[type eq "work"].value'])
    plain = [Person(p.key, {n: v for n, v in p.resource.items() if n != "groups"}) for p in people]
    rows = [
        (p.resource["userName"], p.resource.get("title"), p.resource["emails"][0]["value"])
        for p in plain
    ]
    by_rows = Against(rules(old), rules(new))
    by_rows.take_rows(columns, 0)
    for row in rows:
        by_rows.see_row(row)

    assert by_rows.result(None, nothing_used) == compared(old, new, plain)


def test_the_department_column_stands_in_for_the_whole_extension() -> None:
    mapping = "rules: [{name: all, when: 'department eq \"Sales\"', give: {license: A}}]"
    found = compared(
        mapping,
        mapping.replace("A}", "B}"),
        [Person("E1", {"userName": "eva", ENTERPRISE: {"department": "Sales"}})],
    )

    assert [(s.before, s.after, s.users) for s in found.swings] == [("A", "B", ("eva",))]


def test_who_isnt_here_by_the_days_of_a_mapping_is_given_nothing_by_it() -> None:
    days = "dates: {start: nickName, end: locale}\nleave: {when: 'userType eq \"leave\"'}\n"
    rule = "rules: [{name: all, when: userName pr, give: {packages: [%s]}}]\n"
    people = [
        person("here", nickName="2020-01-01"),
        person("early", nickName="2030-01-01"),
        person("ended", locale="2026-01-01"),
        person("away", userType="leave"),
        person("unclear", nickName="soon"),
    ]
    old, new = days + rule % "basic", days + rule % "world"

    by_days = compared(old, new, people, as_of=NOW)
    moved = compared(old, new.replace("end: locale", "end: profileUrl"), people, as_of=NOW)
    later = compared(old, new, people, as_of=NOW.replace(year=2031))

    assert (by_days.people, by_days.differ) == (5, 1)
    assert {s.users for s in by_days.swings} == {("here@example.org",)}
    assert moved.differ == 2
    assert {s.entitlement: set(s.users) for s in moved.swings if s.after in (True, "world")} == {
        "scope": {"ended@example.org"},
        "packages": {"here@example.org", "ended@example.org"},
    }
    assert {s.users for s in later.swings} == {("here@example.org", "early@example.org")}
