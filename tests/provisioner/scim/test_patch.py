"""PATCH on a person: RFC 7644 section 3.5.2, and what naive receivers get wrong."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from connectors.records import ENTERPRISE
from connectors.scim_schema import PHONE
from provisioner.scim.errors import ScimError
from provisioner.scim.operations import parse_operations
from tests.provisioner.scim.patched import STRICT, WORK, after, eva, op, person

DEPARTMENT = f"{ENTERPRISE}:department"


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("title", lambda r: r["title"]),
        ("TITLE", lambda r: r["title"]),
        ("name.givenName", lambda r: r["name"]["givenName"]),
        (WORK + ".value", lambda r: r["emails"][0]["value"]),
        ('Emails[Type EQ "work"].Value', lambda r: r["emails"][0]["value"]),
        ("urn:ietf:params:scim:schemas:core:2.0:User:title", lambda r: r["title"]),
        ("URN:ietf:params:SCIM:schemas:core:2.0:user:Title", lambda r: r["title"]),
        ("urn:scim:schemas:core:1.0:title", lambda r: r["title"]),
        (DEPARTMENT, lambda r: r[ENTERPRISE]["department"]),
        (f"{ENTERPRISE}:manager.value", lambda r: r[ENTERPRISE]["manager"]["value"]),
        (
            "urn:scim:schemas:extension:enterprise:1.0:department",
            lambda r: r[ENTERPRISE]["department"],
        ),
        (f"{PHONE}:site", lambda r: r[PHONE]["site"]),
    ],
)
@pytest.mark.parametrize("kind", ["add", "replace", "Add", "REPLACE"])
def test_every_path_form_leads_to_its_value(path: str, read: Any, kind: str) -> None:
    assert read(after(eva(), op(kind, path, "new"))) == "new"


def test_the_resource_that_was_given_stays_as_it_is() -> None:
    before = eva()
    kept = copy.deepcopy(before)

    after(
        before,
        op("replace", WORK, {"value": "new@example.org", "primary": False}),
        op("add", "emails", [{"value": "third@example.org", "primary": True}]),
        op("remove", f"{ENTERPRISE}:manager"),
        op("replace", "name.givenName", "Ewa"),
    )

    assert before == kept


@pytest.mark.parametrize(
    "operation",
    [
        op("remove", "nickName"),
        op("remove", "name.middleName"),
        op("remove", 'emails[type eq "other"]'),
        op("remove", 'emails[type eq "other"].value'),
        op("remove", f"{ENTERPRISE}:division"),
        op("remove", PHONE),
        op("remove", "emails", [{"value": "nobody@example.org"}]),
        op("remove", "emails", []),
        op("add", "title", "Clerk"),
        op("add", "emails", [{"value": "eva@example.org"}]),
        op("add", "emails", [{"value": "eva@home.example", "type": "home", "primary": False}]),
        op("replace", "emails", list(reversed(eva()["emails"]))),
        op("replace", None, {"id": "1", "schemas": ["urn:x"], "meta": {}, "active": "True"}),
        op("add", 'emails[type eq "other"].value', ""),
        op("replace", "nickName", None),
        op("replace", "password", "secret"),
    ],
)
def test_what_changes_nothing_gives_an_equal_resource(operation: Any) -> None:
    assert after(eva(), operation) == eva()


@pytest.mark.parametrize("kind", ["add", "replace"])
@pytest.mark.parametrize("unset", ["", None, []])
@pytest.mark.parametrize("path", ["title", "name", "name.givenName", DEPARTMENT])
def test_blank_and_null_unset_a_single_value(kind: str, unset: Any, path: str) -> None:
    assert after(eva(), op(kind, path, unset)) == after(eva(), op("remove", path))


@pytest.mark.parametrize("unset", ["", None, []])
def test_blank_and_null_replace_several_values_by_none_and_add_none(unset: Any) -> None:
    assert "emails" not in after(eva(), op("replace", "emails", unset))
    assert after(eva(), op("add", "emails", unset)) == eva()


def test_an_extension_that_lost_its_last_attribute_is_no_longer_listed() -> None:
    resource = after(eva(), op("remove", DEPARTMENT), op("remove", f"{ENTERPRISE}:manager"))

    assert ENTERPRISE not in resource
    assert ENTERPRISE not in resource["schemas"]


def test_a_complex_attribute_keeps_the_parts_that_an_operation_leaves_out() -> None:
    resource = after(eva(), op("replace", "name", {"givenName": "Ewa", "familyName": None}))

    assert resource["name"] == {"givenName": "Ewa"}


def test_another_manager_takes_nothing_of_the_former_ones_reference() -> None:
    manager = {"value": "jan", "$ref": "https://example.org/scim/v2/Users/jan"}
    before = person(**{ENTERPRISE: {"manager": manager}})

    assert after(before, op("add", f"{ENTERPRISE}:manager", "ota"))[ENTERPRISE] == {
        "manager": {"value": "ota"}
    }


def test_a_filter_without_a_match_makes_what_its_eq_terms_say_and_the_next_operation_finds_it() -> (
    None
):
    work = 'addresses[type eq "work"]'

    resource = after(
        person(),
        op("Add", f"{work}.streetAddress", "Veveří 1"),
        op("Add", f"{work}.locality", "Brno"),
        op("Replace", f"{work}.country", "CZ"),
    )

    assert resource["addresses"] == [
        {"type": "work", "streetAddress": "Veveří 1", "locality": "Brno", "country": "CZ"}
    ]


@pytest.mark.parametrize(
    "brackets",
    [
        'type ne "x"',
        'type co "x"',
        "type pr",
        'not (type eq "x")',
        'type eq "x" or type eq "y"',
        "type eq null",
    ],
)
def test_a_filter_that_says_more_than_what_equals_what_creates_nothing(brackets: str) -> None:
    with pytest.raises(ScimError) as refused:
        after(person(), op("replace", f"emails[{brackets}].value", "a@example.org"))

    assert (refused.value.status, refused.value.scim_type) == (400, "noTarget")


def test_a_new_primary_switches_the_old_one_off() -> None:
    added = after(eva(), op("add", "emails", {"value": "new@example.org", "primary": True}))
    moved = after(eva(), op("replace", 'emails[type eq "home"].primary', "True"))

    assert [each.get("primary") for each in added["emails"]] == [False, None, True]
    assert [each.get("primary") for each in moved["emails"]] == [False, True]


def test_of_several_that_are_chosen_the_one_that_is_primary_stays_so() -> None:
    before = person(emails=[{"value": "a"}, {"value": "b", "primary": True}])

    assert after(before, op("replace", "emails.primary", True)) == before


def test_two_primaries_at_once_are_refused() -> None:
    none = person(emails=[{"value": "a"}, {"value": "b"}])
    both = [
        {"value": "a@example.org", "primary": True},
        {"value": "b@example.org", "primary": True},
    ]

    for operation in (op("add", "emails", both), op("replace", "emails.primary", True)):
        with pytest.raises(ScimError) as refused:
            after(none, operation)
        assert refused.value.scim_type == "invalidValue"


def test_a_value_without_its_type_is_the_one_that_is_there() -> None:
    before = person(roles=[{"value": "admin", "type": "app", "display": "Admin"}])

    assert after(before, op("add", "roles", [{"value": "admin", "primary": True}]))["roles"] == [
        {"value": "admin", "type": "app", "display": "Admin", "primary": True}
    ]


def test_a_list_of_values_takes_only_these_away() -> None:
    resource = after(eva(), op("remove", "emails", [{"value": "eva@example.org", "$ref": None}]))

    assert resource["emails"] == [{"value": "eva@home.example", "type": "home"}]


def test_plain_values_can_be_chosen_by_brackets() -> None:
    packages = f"{PHONE}:packages"
    resource = after(
        person(**{PHONE: {"packages": ["UK Metered", "US Metered"]}}),
        op("remove", f'{packages}[value eq "uk metered"]'),
        op("add", packages, ["DE Metered"]),
        op("replace", f'{packages}[value sw "US"]', "US Unlimited"),
    )

    assert resource[PHONE]["packages"] == ["US Unlimited", "DE Metered"]


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        (op("move", "title", "x"), "invalidSyntax"),
        ({"path": "title", "value": "x"}, "invalidSyntax"),
        ("replace", "invalidSyntax"),
        (op("remove"), "noTarget"),
        (op("remove", ""), "noTarget"),
        (op("replace", "title"), "invalidValue"),
        (op("add", "title", {"a": 1}), "invalidValue"),
        (op("add", "active", "maybe"), "invalidValue"),
        (op("add", None, "title"), "invalidValue"),
        (op("replace", "userName", ""), "invalidValue"),
        (op("add", 7, "x"), "invalidPath"),  # type: ignore[arg-type]
        (op("add", 'emails[type eq "work"].value.x', "x"), "invalidPath"),
        (op("add", "name.givenName.x", "x"), "invalidPath"),
        (op("add", "emails[", "x"), "invalidFilter"),
        (op("add", 'emails[type eq "work"', "x"), "invalidFilter"),
        (op("add", "emails[type xx 1].value", "x"), "invalidFilter"),
        (op("add", "emails[colour eq 1].value", "x"), "invalidFilter"),
        (op("add", 'name[givenName eq "x"]', "x"), "invalidPath"),
        (op("add", "name..givenName", "x"), "invalidPath"),
        (op("add", "urn:example:unknown:2.0:User:title", "x"), "invalidPath"),
        (op("add", "urn:example:unknown:2.0:User", {"title": "x"}), "invalidPath"),
        (op("remove", f"{ENTERPRISE}x:department"), "invalidPath"),
        (op("replace", "id", "x"), "mutability"),
        (op("add", "meta.created", "2026-01-01T00:00:00Z"), "mutability"),
        (op("remove", "groups"), "mutability"),
        (op("remove", 'groups[value eq "x"]'), "mutability"),
        (op("add", f"{ENTERPRISE}:manager.displayName", "x"), "mutability"),
        (op("remove", "userName"), "mutability"),
        (op("remove", "urn:ietf:params:scim:schemas:core:2.0:User"), "mutability"),
    ],
)
def test_a_wrong_operation_is_refused_with_its_type(operation: Any, scim_type: str) -> None:
    with pytest.raises(ScimError) as refused:
        after(eva() | {"id": "8c"}, op("replace", "title", "before"), operation)

    assert (refused.value.status, refused.value.scim_type) == (400, scim_type)
    assert refused.value.body()["status"] == "400"


def test_what_only_the_service_says_may_be_said_as_it_stands() -> None:
    stored = eva() | {"id": "8c", "groups": [{"value": "g1", "display": "Sales"}]}

    standing: list[Any] = [{"id": "8c"}, {"groups": [{"value": "g1"}]}, {"groups": []}, {"meta": 1}]
    other: list[Any] = [{"id": "8d"}, {"id": 8}, {"groups": [{"value": "g2"}]}, {"groups": ["g1"]}]

    for value in standing:
        assert after(stored, op("replace", None, value)) == stored
    for value in other:
        with pytest.raises(ScimError) as refused:
            after(stored, op("replace", None, value))
        assert refused.value.scim_type == "mutability"


def test_a_required_attribute_is_replaced_and_never_unset() -> None:
    assert after(eva(), op("replace", "userName", "eva.mala"))["userName"] == "eva.mala"
    for kind, value, said in (("remove", (), "mutability"), ("replace", ("",), "invalidValue")):
        with pytest.raises(ScimError) as refused:
            after(eva(), op(kind, "userName", *value))
        assert refused.value.scim_type == said


def test_a_list_is_replaced_by_as_many_other_values() -> None:
    others = [{"value": f"{n}@example.org", "type": "work"} for n in range(2)]

    assert after(eva(), op("replace", "emails", others))["emails"] == others


def test_a_value_of_which_only_the_type_is_left_is_gone() -> None:
    stored = person(emails=[{"value": "eva@example.org", "type": "work"}])

    assert "emails" not in after(stored, op("remove", f"{WORK}.value"))


def test_what_a_filter_makes_primary_is_the_only_one() -> None:
    made = after(eva(), op("add", 'emails[type eq "other" and primary eq true].value', "e@x.org"))

    assert [each["value"] for each in made["emails"] if each.get("primary")] == ["e@x.org"]


@pytest.mark.parametrize("body", [None, [], "x", {}, {"Operations": {}}, {"Operations": []}])
def test_a_body_without_operations_is_refused(body: Any) -> None:
    with pytest.raises(ScimError) as refused:
        parse_operations(body, STRICT.user, STRICT)

    assert refused.value.scim_type == "invalidSyntax"


@pytest.mark.parametrize(
    "operation",
    [
        op("add", "shoeSize", "43"),
        op("remove", "name.nope"),
        op("replace", f"{ENTERPRISE}:nope", "x"),
        op("replace", WORK + ".nope", "x"),
        op("add", None, {"shoeSize": 43, "urn:example:unknown:2.0:User:x": 1}),
        op("add", None, {ENTERPRISE: {"nope": 1}}),
        op("add", "name", {"nope": 1}),
    ],
)
def test_what_no_schema_knows_is_ignored_or_refused_as_config_says(operation: Any) -> None:
    assert after(eva(), operation) == eva()
    with pytest.raises(ScimError):
        after(eva(), operation, registry=STRICT)
