"""What a mapping decides about one person, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Person, fold
from mappings import Entitlements, Mapping, load_mapping
from mappings.whereabouts import Whereabouts
from provisioner.plan.explain import Explainer, out_of
from provisioner.plan.explanation import Entitled, Seen
from provisioner.plan.why_not import why_not
from provisioner.plan.wishes import differences, wishes
from provisioner.reads import Uses

MAPPING: dict[str, Any] = {
    "version": 1,
    "scope": 'groups.display eq "Phone"',
    "defaults": {"template": "Plain"},
    "profile": {"display_name": "{displayName}"},
    "personas": {"premium": {"license": "PREMIUM", "packages": ["world"]}},
    "rules": [
        {"name": "premium", "when": 'groups.display eq "TEL-Premium"', "persona": "premium"},
        {"name": "all", "when": "userName pr", "give": {"license": "STANDARD"}},
        {
            "name": "sales",
            "when": 'department eq "Sales" and groups.display eq "Sales"',
            "give": {"site": "{location}", "packages": ["world", "basic"]},
        },
    ],
}
DEPARTMENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def groups(*names: str) -> list[dict[str, str]]:
    return [{"value": name, "display": name} for name in names]


def explainer(tmp_path: Path, *parts: tuple[str, dict[str, Any]], **members: Any) -> Explainer:
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(MAPPING | members, sort_keys=False), encoding="utf-8")
    mapping = load_mapping(path)
    paths = tuple(sorted(mapping.uses_paths, key=lambda p: p.text))
    people = [(name, Person("E1", resource)) for name, resource in parts]
    return Explainer(mapping, Whereabouts(path), Uses(paths, mapping.uses_groups), people)


def by_name(explainer: Explainer) -> dict[str, list[Entitled]]:
    found: dict[str, list[Entitled]] = {}
    for entitled in explainer.entitlements():
        found.setdefault(entitled.entitlement, []).append(entitled)
    return found


def line_of(where: str | None) -> int:
    assert where is not None
    return int(where.rsplit(":", 2)[1])


def test_the_winner_and_the_loser_are_told_with_their_lines_and_the_persona(
    tmp_path: Path,
) -> None:
    asked = explainer(
        tmp_path, ("hr", {"userName": "eva", "groups": groups("Phone", "TEL-Premium")})
    )

    (license,) = by_name(asked)["license"]

    lines = (tmp_path / "mapping.yaml").read_text().splitlines()
    assert (license.value, license.rule, license.persona) == ("PREMIUM", "premium", "premium")
    assert lines[line_of(license.where) - 1].strip() == "license: PREMIUM"
    (lost,) = license.lost
    assert (lost.rule, lost.value, lost.winner) == ("all", "STANDARD", "premium")
    assert lines[line_of(lost.where) - 1].strip() == "license: STANDARD"


def test_a_list_tells_each_value_with_its_own_rule_and_who_would_have_given_it_too(
    tmp_path: Path,
) -> None:
    held = {
        "userName": "eva",
        "groups": groups("Phone", "TEL-Premium", "Sales"),
        DEPARTMENT: {"department": "Sales"},
    }
    packages = by_name(explainer(tmp_path, ("hr", held)))["packages"]

    assert [(p.value, p.rule, [x.rule for x in p.lost]) for p in packages] == [
        ("world", "premium", ["sales"]),
        ("basic", "sales", []),
    ]


def test_what_nothing_gives_and_what_lacks_an_attribute_are_told_apart(tmp_path: Path) -> None:
    held = {"groups": groups("Phone", "Sales"), DEPARTMENT: {"department": "Sales"}}
    told = by_name(explainer(tmp_path, ("hr", held)))

    (license,), (site,) = told["license"], told["site"]
    assert (license.value, license.rule, license.missing) == (None, None, None)
    assert (site.value, site.rule) == (None, "sales")
    assert site.missing == 'addresses[type eq "work"].locality'


def test_the_directory_that_won_is_told_and_what_the_others_said(tmp_path: Path) -> None:
    asked = explainer(
        tmp_path,
        ("hr", {"userName": "eva", DEPARTMENT: {"department": "Sales"}}),
        ("ad", {"userName": "emala", "displayName": "Eva"}),
    )
    used = {u.attribute.rsplit(":", 1)[-1]: u for u in asked.attributes()}

    assert (used["userName"].values, used["userName"].directory) == (("eva",), "hr")
    assert [(o.directory, o.values) for o in used["userName"].others] == [("ad", ("emala",))]
    assert (used["displayName"].values, used["displayName"].directory) == (("Eva",), "ad")


def test_the_way_into_a_group_is_told_by_directory_and_through_every_group_between(
    tmp_path: Path,
) -> None:
    nested = [
        {"value": "g1", "display": "Brno"},
        {"value": "g2", "display": "Sales", "type": "indirect", "via": "g1"},
        {"value": "g3", "display": "Phone", "type": "indirect", "via": "g2"},
    ]
    asked = explainer(tmp_path, ("hr", {"groups": groups("Phone")}), ("ad", {"groups": nested}))

    phone = asked.groups()[0]
    assert (phone.group, phone.used) == ("Phone", True)
    assert [(s.directory, s.direct, s.through) for s in phone.paths] == [
        ("hr", True, ()),
        ("ad", False, ("Sales", "Brno")),
    ]
    scope = asked.scope()
    assert isinstance(scope, Seen)
    assert scope.from_ == ("hr: direct", "ad: through Sales, through Brno")


def test_groups_that_hold_each_other_end_the_way(tmp_path: Path) -> None:
    circle = [
        {"value": "g1", "display": "Phone", "type": "indirect", "via": "g2"},
        {"value": "g2", "display": "Sales", "type": "indirect", "via": "g1"},
    ]
    phone = explainer(tmp_path, ("ad", {"groups": circle})).groups()[0]

    assert phone.paths[0].through == ("Sales", "Phone")


def test_without_a_group_tells_what_would_be_otherwise_and_by_which_rule(tmp_path: Path) -> None:
    asked = explainer(
        tmp_path, ("hr", {"userName": "eva", "groups": groups("Phone", "TEL-Premium", "Lunch")})
    )
    without = {each.group: each for each in asked.without()}

    assert not without["Phone"].in_scope
    assert [(m.entitlement, m.before, m.after, m.rule) for m in without["TEL-Premium"].moved] == [
        ("license", "PREMIUM", "STANDARD", "all"),
        ("packages", "world", None, None),
    ]
    assert (without["Lunch"].in_scope, without["Lunch"].moved) == (True, ())


def test_why_not_names_the_condition_that_failed_and_the_nearest_of_their_groups(
    tmp_path: Path,
) -> None:
    held = {
        "userName": "eva",
        "groups": groups("Phone", "Sale"),
        DEPARTMENT: {"department": "Sales"},
    }
    answer = why_not(explainer(tmp_path, ("hr", held)), "packages", "basic")

    (rule,) = answer.rules
    assert (answer.given, rule.rule, rule.outcome) == (False, "sales", "condition")
    assert isinstance(rule.because, Seen)
    assert rule.because.condition == 'groups.display eq "Sales"'
    assert (rule.because.values, rule.because.nearest) == (("Phone", "Sale"), "Sale")


def test_why_not_names_the_rule_that_decided_before(tmp_path: Path) -> None:
    held = {"userName": "eva", "groups": groups("Phone", "TEL-Premium")}
    answer = why_not(explainer(tmp_path, ("hr", held)), "license", "standard")

    assert [(r.rule, r.outcome, r.winner) for r in answer.rules] == [("all", "lost", "premium")]


def test_why_not_tells_what_is_given_what_lacks_an_attribute_and_who_is_out_of_scope(
    tmp_path: Path,
) -> None:
    held = {
        "userName": "eva",
        "groups": groups("Phone", "Sales"),
        DEPARTMENT: {"department": "Sales"},
    }
    asked = explainer(tmp_path, ("hr", held))
    outside = explainer(tmp_path, ("hr", {"userName": "eva"}))

    assert [r.outcome for r in why_not(asked, "license", "STANDARD").rules] == ["given"]
    assert [(r.outcome, r.missing) for r in why_not(asked, "site", "Brno").rules] == [
        ("missing", 'addresses[type eq "work"].locality')
    ]
    assert [r.outcome for r in why_not(outside, "license", "STANDARD").rules] == ["scope"]


def test_what_no_rule_gives_is_answered_with_the_nearest_that_one_does(tmp_path: Path) -> None:
    answer = why_not(explainer(tmp_path, ("hr", {"userName": "eva"})), "packages", "wrold")

    assert (answer.rules, answer.nearest) == ((), ("world",))


def test_what_a_rule_takes_is_told_with_its_place_and_why_not_names_it(tmp_path: Path) -> None:
    rules = [
        {"name": "no-number", "when": "userName pr", "take": ["number", {"packages": ["world"]}]},
        {
            "name": "all",
            "when": "userName pr",
            "give": {"number": "+49891234", "packages": ["world"]},
        },
    ]
    asked = explainer(tmp_path, ("hr", {"userName": "eva", "groups": groups("Phone")}), rules=rules)
    lines = (tmp_path / "mapping.yaml").read_text().splitlines()

    (number,) = by_name(asked)["number"]

    assert (number.value, number.rule, number.taken) == (None, "no-number", True)
    assert lines[line_of(number.where) - 1].strip() == "take:"
    assert [(x.rule, x.value, x.beaten) for x in number.lost] == [("all", "+49891234", "took")]
    for entitlement, value in (("number", "+49891234"), ("packages", "world")):
        (rule,) = why_not(asked, entitlement, value).rules
        assert (rule.outcome, rule.winner, rule.beaten) == ("lost", "no-number", "took")


def test_what_an_exclusive_rule_keeps_out_is_told(tmp_path: Path) -> None:
    rules = [
        {
            "name": "lobby",
            "when": "userName pr",
            "give": {"license": "BASIC"},
            "exclusive": True,
        },
        {"name": "all", "when": "userName pr", "give": {"packages": ["world"]}},
    ]
    asked = explainer(tmp_path, ("hr", {"userName": "eva", "groups": groups("Phone")}), rules=rules)

    (rule,) = why_not(asked, "packages", "world").rules

    assert (rule.outcome, rule.winner, rule.beaten) == ("lost", "lobby", "exclusive")


def test_the_persona_that_says_so_is_told_though_another_extends_it(tmp_path: Path) -> None:
    personas = {
        "base": {"license": "BASIC", "packages": ["world"]},
        "office": {"extends": "base", "packages": ["basic"]},
    }
    rules = [{"name": "all", "when": "userName pr", "persona": "office", "give": {"site": "Brno"}}]
    asked = explainer(
        tmp_path,
        ("hr", {"userName": "eva", "groups": groups("Phone")}),
        rules=rules,
        personas=personas,
    )
    lines = (tmp_path / "mapping.yaml").read_text().splitlines()
    told = by_name(asked)

    assert [(e.value, e.persona) for e in (*told["license"], *told["site"])] == [
        ("BASIC", "base"),
        ("Brno", None),
    ]
    assert lines[line_of(told["license"][0].where) - 1].strip() == "license: BASIC"


NAMES = ("Phone", "TEL-Premium", "Sales", "phone")
people = st.fixed_dictionaries(
    {"groups": st.lists(st.sampled_from(NAMES), max_size=4).map(lambda names: groups(*names))},
    optional={
        "userName": st.just("eva"),
        "displayName": st.just("Eva"),
        DEPARTMENT: st.fixed_dictionaries({"department": st.sampled_from(("Sales", "IT"))}),
        "addresses": st.just([{"type": "work", "locality": "Brno"}]),
    },
)


def decided(mapping: Mapping, person: Person) -> Entitlements | None:
    return mapping.entitlements(person) if mapping.in_scope(person) else None


@given(people)
def test_the_counterfactual_is_what_the_person_without_that_group_is_given(
    tmp_path_factory: Any, resource: dict[str, Any]
) -> None:
    asked = explainer(tmp_path_factory.getbasetemp(), ("hr", resource))
    now = decided(asked.mapping, asked.person)

    assert {fold(w.group) for w in asked.without()} == {
        fold(g["display"]) for g in resource["groups"]
    }
    for without in asked.without():
        left = [g for g in resource["groups"] if fold(g["display"]) != fold(without.group)]
        then = decided(asked.mapping, Person("E1", resource | {"groups": left}))
        assert without.in_scope is (then is not None)
        if then is not None:
            moved = [(d.entitlement, d.before, d.after) for d in differences(now, then)]
            assert [(m.entitlement, m.before, m.after) for m in without.moved] == [
                (what, was and was.value, will and will.value) for what, was, will in moved
            ]


@given(people)
def test_what_is_told_is_what_the_evaluator_gives(
    tmp_path_factory: Any, resource: dict[str, Any]
) -> None:
    asked = explainer(tmp_path_factory.getbasetemp(), ("hr", resource))

    told = {
        (e.entitlement, e.value, e.rule)
        for e in asked.entitlements()
        if e.rule is not None and e.missing is None
    }
    given = asked.mapping.entitlements(asked.person)
    assert told == {(w.entitlement, w.value, w.rule) for w in wishes(given) if not w.stays}
    for entitled in asked.entitlements():
        assert entitled.because is None or entitled.because.met


def test_leaving_a_group_leaves_every_group_of_that_name() -> None:
    held = [{"value": "1", "display": "Sales"}, {"value": "2", "display": "SALES"}]

    assert "groups" not in out_of(Person("E1", {"groups": held}), "sales").resource
