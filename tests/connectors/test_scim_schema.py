"""What the schemas know: names in any case, URNs, short names, custom attributes."""

from __future__ import annotations

import pytest

from connectors.records import ENTERPRISE, PhoneUser
from connectors.scim_schema import CORE_USER, PHONE_USER, USER, Attribute, Schema, closest


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("username", "userName"),
        ("EXTERNALID", "externalId"),
        (" displayName ", "displayName"),
        ("Name.FamilyName", "name.familyName"),
        ("groups.$REF", "groups.$ref"),
        ("givenname", "name.givenName"),
        ("Email", 'emails[type eq "work"].value'),
        ("LOCATION", 'addresses[type eq "work"].locality'),
        ("Department", f"{ENTERPRISE}:department"),
        ("manager", f"{ENTERPRISE}:manager.value"),
        ("manager.displayname", f"{ENTERPRISE}:manager.displayName"),
        (f"{ENTERPRISE.upper()}:COSTCENTER", f"{ENTERPRISE}:costCenter"),
        (f"{CORE_USER}:userName", "userName"),
    ],
)
def test_a_name_in_any_case_resolves_to_its_canonical_path(written: str, canonical: str) -> None:
    assert USER.resolve(written) == canonical


@pytest.mark.parametrize(
    "written",
    [
        "",
        "shoeSize",
        "name.",
        "name.shoeSize",
        "name.givenName.x",
        "userName.value",
        ENTERPRISE,
        f"{ENTERPRISE}:",
        f"{ENTERPRISE}:userName",
        f"{CORE_USER}:department",
        "urn:example:userName",
    ],
)
def test_what_no_schema_defines_resolves_to_nothing(written: str) -> None:
    assert USER.resolve(written) is None


def test_the_longest_urn_that_fits_is_the_one_that_is_meant() -> None:
    schema = Schema(
        "urn:a",
        (Attribute("b"),),
        extensions={"urn:a:b": (Attribute("c"),), "urn:a:b:2.0": (Attribute("c"),)},
    )

    assert schema.resolve("urn:a:b") == "b"
    assert schema.resolve("URN:A:B:C") == "urn:a:b:c"
    assert schema.resolve("urn:a:b:2.0:c") == "urn:a:b:2.0:c"


@pytest.mark.parametrize(
    "exact",
    ["id", "externalId", "meta.resourceType", "meta.version", "profileUrl", "photos.value"],
)
def test_identifiers_and_references_are_case_exact(exact: str) -> None:
    assert _leaf(exact).case_exact


@pytest.mark.parametrize("any_case", ["userName", "emails.value", "groups.display", "title"])
def test_names_and_mail_addresses_are_not_case_exact(any_case: str) -> None:
    assert not _leaf(any_case).case_exact


def test_types_are_those_of_the_rfc() -> None:
    assert _leaf("active").type == "boolean"
    assert _leaf("emails.primary").type == "boolean"
    assert _leaf("meta.lastModified").type == "dateTime"
    assert _leaf("x509Certificates.value").type == "binary"
    assert _leaf("groups.$ref").type == "reference"


def test_multi_valued_attributes_are_those_of_the_rfc() -> None:
    many = {each.name for each in USER.attributes if each.multi_valued}

    assert many == {
        *("schemas", "emails", "phoneNumbers", "ims", "photos", "addresses", "groups"),
        *("entitlements", "roles", "x509Certificates"),
    }


def test_a_custom_attribute_is_text_at_the_top_and_found_in_any_case() -> None:
    schema = USER.extended(["costCode", "Büro"])

    assert schema.resolve("COSTCODE") == "costCode"
    assert schema.resolve("büro") == "Büro"
    assert schema.resolve(f"{CORE_USER}:costCode") == "costCode"
    assert schema.resolve("email") == USER.resolve("email")
    assert USER.resolve("costCode") is None


def test_a_custom_attribute_never_takes_the_place_of_a_known_name() -> None:
    schema = USER.extended(["TITLE", "Department", "email", "costCode", "COSTCODE"])

    assert [each.name for each in schema.attributes[len(USER.attributes) :]] == ["costCode"]
    assert schema.resolve("department") == f"{ENTERPRISE}:department"


@pytest.mark.parametrize("name", ["", "cost code", "cost.code", "urn:x", "1st", "a[b]", 'a"b'])
def test_a_custom_name_that_no_filter_could_spell_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no attribute name"):
        USER.extended([name])


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("usrName", "userName"),
        ("departement", "department"),
        ("costcenter", f"{ENTERPRISE}:costCenter"),
        ("name.givename", "name.givenName"),
        ("e-mail", "email"),
    ],
)
def test_the_nearest_name_is_the_one_that_was_probably_meant(wrong: str, right: str) -> None:
    assert USER.nearest(wrong) == right


def test_nothing_is_near_to_nonsense_however_long() -> None:
    assert USER.nearest("qqqqq") is None
    assert USER.nearest("x" * 100_000) is None
    assert closest("x" * 100_000, {"x": "x"}) is None


def test_every_listed_name_resolves() -> None:
    assert all(USER.resolve(name) for name in USER.names)
    assert all(PHONE_USER.resolve(name) for name in PHONE_USER.names)


def test_the_phone_user_has_exactly_the_members_of_a_snapshots_line() -> None:
    assert {each.name for each in PHONE_USER.attributes} == set(PhoneUser.__struct_fields__)


def _leaf(name: str) -> Attribute:
    found = USER.find(name)
    assert found is not None
    leaf = (found.sub or found.attribute).leaf
    assert leaf is not None
    return leaf
