"""What a mapping means, seen in the plan: which rule decides, what adds up, what is taken and what stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.installation import (
    Installation,
    kinds,
    only,
    person,
    phone_user,
    rule,
    shell,
    staff,
)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_the_first_rule_that_gives_a_single_value_decides_and_is_named(
    emea: Installation,
) -> None:
    emea.mapping(
        rules=[
            rule("boss", 'title eq "Boss"', site="Top"),
            rule("first", site="A"),
            rule("second", site="B", license="zoom_phone"),
        ]
    )
    emea.people([person(1, title="")])

    plan = emea.plan()

    assert (only(plan, "site.set")["after"], only(plan, "site.set")["rule"]) == ("A", "first")
    assert only(plan, "license.assign")["rule"] == "second"


def test_lists_add_up_and_each_value_remembers_the_rule_that_gave_it(emea: Installation) -> None:
    emea.mapping(
        rules=[
            rule("one", license="zoom_phone", packages=["basic"]),
            rule("two", packages=["basic", "gold"]),
        ]
    )
    emea.people([person(1)])

    plan = emea.plan()

    given = {c["after"]: c["rule"] for c in plan["changes"] if c["kind"] == "package.assign"}
    assert given == {"basic": "one", "gold": "two"}


def test_a_persona_is_given_whole_and_a_rule_may_say_more(emea: Installation) -> None:
    emea.mapping(
        personas={"office": {"license": "zoom_phone", "packages": ["basic"], "site": "A"}},
        rules=[{"name": "r", "when": "userName pr", "persona": "office", "give": {"site": "B"}}],
    )
    emea.people([person(1)])

    plan = emea.plan()

    assert only(plan, "license.assign")["after"] == "zoom_phone"
    assert only(plan, "package.assign")["after"] == "basic"
    assert only(plan, "site.set")["after"] in ("A", "B")
    assert only(plan, "site.set")["rule"] == "r"


def test_defaults_serve_where_no_rule_decides(emea: Installation) -> None:
    emea.mapping(
        defaults={"site": "Everywhere"},
        rules=[
            rule("all", license="zoom_phone"),
            rule("brno", 'location eq "Brno"', site="Brno"),
        ],
    )
    emea.people([person(1, location="Brno"), person(2, location="")])

    plan = emea.plan()

    sites = {c["user"]: c["after"] for c in plan["changes"] if c["kind"] == "site.set"}
    assert sites == {"user1@example.org": "Brno", "user2@example.org": "Everywhere"}


def test_what_is_mentioned_anywhere_is_taken_where_nothing_gives_it(emea: Installation) -> None:
    emea.people([person(1, department="IT")])
    emea.phone([phone_user(1, packages=["basic", "gold"], site="Munich", numbers=["+49891"])])

    plan = emea.plan()

    assert kinds(plan) == [("package.remove", "user1@example.org")] * 2
    assert {c["before"] for c in plan["changes"]} == {"basic", "gold"}


def test_the_last_package_is_destructive_and_names_the_numbers_that_go_with_it(
    emea: Installation,
) -> None:
    emea.people([person(1, department="IT")])
    emea.phone([phone_user(1, numbers=["+49891234"])])

    change = only(emea.plan(), "package.remove")

    assert change["risk"] == "destructive"
    assert any("+49891234" in said for said in change["consequences"])


def test_what_the_mapping_never_mentions_is_never_touched(emea: Installation) -> None:
    emea.people([person(1)])
    emea.phone(
        [phone_user(1, site="X", template="T", numbers=["+49891"], delegates=["a@x"],
                    extension_number="77", credits=True, department="D")]
    )  # fmt: skip

    assert emea.plan()["changes"] == []


@pytest.mark.parametrize(
    ("given", "held", "row"),
    [
        ({"site": "{location}"}, {"site": "Munich"}, {"location": ""}),
        ({"extension_number": "{ext}"}, {"extension_number": "77"}, {"ext": ""}),
        ({"template": "{title}-{location}"}, {"template": "T"}, {"title": "A", "location": ""}),
    ],
)
def test_a_missing_attribute_leaves_what_is_held_and_warns(
    emea: Installation, given: dict[str, str], held: dict[str, str], row: dict[str, str]
) -> None:
    emea.configure(
        directories=[{"kind": "csv", "name": "hr", "path": "people.csv", "columns": {"ext": "ext"}}]
    )
    emea.mapping(rules=[rule("all", license="zoom_phone", packages=["basic"]), rule("x", **given)])
    emea.people([person(1, **({"ext": "1"} | row)), person(2, location="B", title="C", ext="2")])
    emea.phone([phone_user(1, **held)])

    plan = emea.plan()

    assert not any(user == "user1@example.org" for _, user in kinds(plan))
    assert any("rule x" in warning and "1 person" in warning for warning in plan["warnings"])


def test_of_several_values_the_primary_one_is_taken_else_the_first(emea: Installation) -> None:
    emea.mapping(
        rules=[rule("all", license="zoom_phone", template='{emails[type eq "work"].value}')]
    )
    emea.people([person(1)])

    assert only(emea.plan(), "template.apply")["after"] == "user1@example.org"


def test_text_around_braces_stays_and_doubled_ones_are_not_code(emea: Installation) -> None:
    emea.mapping(rules=[rule("all", license="zoom_phone", template="{department} of {userName}!")])
    emea.people([person(1)])

    assert only(emea.plan(), "template.apply")["after"] == "Sales of user1!"


def test_profile_attributes_that_are_left_out_are_not_managed(emea: Installation) -> None:
    emea.mapping(profile={"department": "{department}"})
    emea.people([person(1, displayName="New Name")])
    emea.phone([phone_user(1, department="Old")])

    change = only(emea.plan(), "profile.update")

    assert change["before"] == {"department": "Old"}
    assert change["after"] == {"department": "Sales"}


def test_names_are_compared_in_nfc_and_without_surrounding_blanks(emea: Installation) -> None:
    emea.mapping(profile={"display_name": "{displayName}"})
    emea.people([person(1, displayName="  Eva Mala\u0301 ")])
    emea.phone([phone_user(1, display_name="Eva Malá")])

    assert emea.plan()["changes"] == []


def test_vendors_names_are_met_without_case(emea: Installation) -> None:
    emea.mapping(rules=[rule("all", license="Zoom_Phone", packages=["BASIC"], site="münchen")])
    emea.people(staff(2))
    emea.phone(
        [phone_user(1, site="München"), phone_user(2, site="MÜNCHEN")],
        licenses={"zoom_phone": 5}, packages={"basic": 5}, sites=["München"],
    )  # fmt: skip

    assert emea.plan()["changes"] == []


def test_an_alias_is_what_plans_show_and_what_mappings_may_say(emea: Installation) -> None:
    emea.configure(aliases={"packages": {"basic": "US/CA Unlimited Calling Plan"}})
    emea.people([person(1), person(2)])
    emea.phone(
        [phone_user(1, packages=["US/CA Unlimited Calling Plan"])],
        licenses={"zoom_phone": 5},
        packages={"US/CA Unlimited Calling Plan": 5},
    )

    plan = emea.carry_out()

    assert only(plan, "package.assign")["after"] == "basic"
    assert "package:basic" in plan["summary"]["pools"]
    held = emea.phone_users()["user2@example.org"]["packages"]
    assert held == ["US/CA Unlimited Calling Plan"], "the vendor is told its own name"


@pytest.mark.parametrize(
    ("scope", "users"),
    [
        ("userName pr", {1, 2, 3}),
        ('department eq "sales"', {1, 2}),
        ('not (department eq "Sales")', {3}),
        ('email ew "2@EXAMPLE.org"', {2}),
        ('emails[type eq "work" and value sw "user3"]', {3}),
        ('emails.value co "user1@"', {1}),
        ('title pr or externalId eq "E003"', {2, 3}),
        ('externalId eq "e003"', set()),
        ('groups[display eq "Phone"] and (title pr or location pr)', {1, 2}),
        (
            'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "IT"',
            {3},
        ),
        ('addresses.locality eq "München"', {1}),
    ],
)
def test_a_scope_is_a_scim_filter_with_its_rules_of_case(
    emea: Installation, scope: str, users: set[int]
) -> None:
    emea.mapping(scope=scope)
    emea.people(
        [
            person(1, location="Mu\u0308nchen"),
            person(2, title="Boss"),
            person(3, department="IT"),
        ]
    )

    plan = emea.plan()

    assert {user for _, user in kinds(plan)} == {f"user{n}@example.org" for n in users}


def test_another_mapping_can_be_looked_at_but_not_applied(emea: Installation) -> None:
    emea.people([person(1)])
    emea.phone([phone_user(1)])
    emea.carry_out()
    emea.mapping("other.yaml", rules=[rule("other", license="zoom_phone", site="X")])

    shown = emea.plan("--mapping", str(emea.folder / "other.yaml"))

    assert ("site.set", "user1@example.org") in kinds(shown)
    assert emea.run("approve", shown["id"]).status == 1
    assert emea.run("apply", shown["id"]).status == 1
    assert emea.plan()["changes"] == []


# config and mapping as an operator writes them, comments and all


CONFIG = """\
version: 1
store: sqlite:///provisioner.db            # or postgresql+psycopg://…
server: {bind: 127.0.0.1:8080, admin_bind: 127.0.0.1:8081, base_url: https://scim.example.org, trusted_proxies: []}
syncs:
  emea:
    directories:
      - {kind: csv, name: hr, path: people.csv, columns: {Mail: 'emails[type eq "work"].value'}}
    mapping: ../mappings/emea.yaml
    phone_system: {kind: snapshot, path: phone.jsonl}
    schedule: {every: 15m}                 # or {cron: "*/15 * * * *"}
    approval: {automatic: [safe, service]} # risks applied without a person
    limits: {removals: 10%, changes: 50%, people_min: 1, people_drop: 10%, group_drop: 50%, column_drop: 20%}
    protected: 'title eq "CEO"'            # people from whom no plan takes anything
    pools: {munich: {ranges: ["+4989123400-+4989123499"], reserved: ["+4989123400"], cooling: 30d}}
"""
EXAMPLE = """\
version: 1
join: externalId                           # person ↔ phone user's key, the first time
scope: 'active eq true and groups.display eq "Phone Users"'
leavers: {do: trash, after: 7d}            # or remove_license, deactivate, delete, report
unmanaged: report                          # or remove: those within `manages`
defaults: {template: Office}               # for everyone in scope where no rule decides
profile: {display_name: "{displayName}"}   # attributes left out are not managed
personas:
  office: {license: zoom_phone, packages: [us_ca_unlimited]}
rules:
  - name: munich-sales
    when: 'groups.display eq "Sales" and addresses.locality eq "Munich"'
    persona: office
    give: {site: Munich, number: {pool: munich}, delegates: ["{manager}"]}
"""
PEOPLE = """\
externalId;userName;Mail;displayName;active;groups;location;manager;Cost Centre
8c1f;eva;eva@example.org;Eva Malá;true;"Phone Users;Sales";Munich;jan;17
9d2a;jan;jan@example.org;Jan Novák;true;Phone Users;Munich;;17
"""
EVA = """\
{"id": "p1", "key": "8c1f", "kind": "person", "email": "eva@example.org", "status": "active",\
 "display_name": "Eva Malá", "department": "Sales", "job_title": null, "license": "zoom_phone",\
 "packages": ["us_ca_unlimited"], "template": "Office", "site": "Munich", "extension_number": "4077",\
 "numbers": ["+49891234"], "delegates": ["jan@example.org"], "credits": false, "softphone": null,\
 "role": "member", "vendor": {}}
"""


def test_files_as_an_operator_writes_them_work_from_any_folder(tmp_path: Path) -> None:
    files = {
        "config/emea.yaml": CONFIG,
        "mappings/emea.yaml": EXAMPLE,
        "config/people.csv": PEOPLE,
        "config/phone.jsonl": EVA,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    ran = shell(["plan", "-c", "config/emea.yaml", "--format", "json"], tmp_path)

    assert ran.status == 0, ran.said
    jan, eva = "jan@example.org", "eva@example.org"
    assert [(c["kind"], c["user"], c["after"], c["rule"]) for c in ran.plan["changes"]] == [
        ("user.create", jan, jan, None),
        ("profile.update", jan, {"display_name": "Jan Novák"}, "profile"),
        ("template.apply", jan, "Office", "defaults"),
        ("number.assign", eva, "+4989123401", "munich-sales"),
    ]
    assert shell(["check", "-c", "emea.yaml"], tmp_path / "config").status == 0
