"""The examples of RFC 7643 (sections 8.1 to 8.4) and RFC 7644 (section 3.5.2), as they stand there."""

from __future__ import annotations

from typing import Any

from connectors.records import ENTERPRISE
from provisioner.scim.incoming import read_resource
from provisioner.scim.membership import Add, Remove, RemoveAll, Replace
from provisioner.scim.projection import Projection
from tests.provisioner.scim.patched import REGISTRY, STRICT, after, of_group, op, person

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
BASE = "https://example.com/v2"

MINIMAL: dict[str, Any] = {
    "schemas": [USER],
    "id": "2819c223-7f76-453a-919d-413861904646",
    "userName": "bjensen@example.com",
    "meta": {
        "resourceType": "User",
        "created": "2010-01-23T04:56:22Z",
        "lastModified": "2011-05-13T04:42:34Z",
        "version": 'W/"3694e05e9dff590"',
        "location": f"{BASE}/Users/2819c223-7f76-453a-919d-413861904646",
    },
}

FULL: dict[str, Any] = {
    **MINIMAL,
    "schemas": [USER, ENTERPRISE],
    "externalId": "701984",
    "name": {
        "formatted": "Ms. Barbara J Jensen, III",
        "familyName": "Jensen",
        "givenName": "Barbara",
        "middleName": "Jane",
        "honorificPrefix": "Ms.",
        "honorificSuffix": "III",
    },
    "displayName": "Babs Jensen",
    "nickName": "Babs",
    "profileUrl": "https://login.example.com/bjensen",
    "emails": [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
    ],
    "addresses": [
        {
            "streetAddress": "100 Universal City Plaza",
            "locality": "Hollywood",
            "region": "CA",
            "postalCode": "91608",
            "country": "USA",
            "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA",
            "type": "work",
            "primary": True,
        },
        {
            "streetAddress": "456 Hollywood Blvd",
            "locality": "Hollywood",
            "region": "CA",
            "postalCode": "91608",
            "country": "USA",
            "formatted": "456 Hollywood Blvd\nHollywood, CA 91608 USA",
            "type": "home",
        },
    ],
    "phoneNumbers": [
        {"value": "555-555-5555", "type": "work"},
        {"value": "555-555-4444", "type": "mobile"},
    ],
    "ims": [{"value": "someaimhandle", "type": "aim"}],
    "photos": [
        {"value": "https://photos.example.com/profilephoto/72930000000Ccne/F", "type": "photo"},
        {"value": "https://photos.example.com/profilephoto/72930000000Ccne/T", "type": "thumbnail"},
    ],
    "userType": "Employee",
    "title": "Tour Guide",
    "preferredLanguage": "en-US",
    "locale": "en-US",
    "timezone": "America/Los_Angeles",
    "active": True,
    "password": "t1meMa$heen",
    "groups": [
        {
            "value": "e9e30dba-f08f-4109-8486-d5c6a331660a",
            "$ref": f"{BASE}/Groups/e9e30dba-f08f-4109-8486-d5c6a331660a",
            "display": "Tour Guides",
        }
    ],
    "x509Certificates": [
        {"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVMx"}
    ],
    ENTERPRISE: {
        "employeeNumber": "701984",
        "costCenter": "4130",
        "organization": "Universal Studios",
        "division": "Theme Park",
        "department": "Tour Operations",
        "manager": {
            "value": "26118915-6090-4610-87e4-49d8ca9f808d",
            "$ref": "../Users/26118915-6090-4610-87e4-49d8ca9f808d",
            "displayName": "John Smith",
        },
    },
}

OURS_TO_SAY = {"id", "meta", "groups", "password"}
MEMBER = "2819c223-7f76-453a-919d-413861904646"


def jensen() -> dict[str, Any]:
    return read_resource(FULL, STRICT.user, STRICT)


def test_the_full_user_is_kept_as_it_is_but_for_what_only_the_service_says() -> None:
    expected = {name: value for name, value in FULL.items() if name not in OURS_TO_SAY}
    manager = {k: v for k, v in FULL[ENTERPRISE]["manager"].items() if k != "displayName"}

    assert jensen() == expected | {ENTERPRISE: FULL[ENTERPRISE] | {"manager": manager}}
    assert read_resource(MINIMAL, STRICT.user, STRICT) == {
        "schemas": [USER],
        "userName": "bjensen@example.com",
    }


def test_the_group_of_section_8_4_keeps_its_members() -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": "e9e30dba-f08f-4109-8486-d5c6a331660a",
        "displayName": "Tour Guides",
        "members": [
            {"value": MEMBER, "$ref": f"{BASE}/Users/{MEMBER}", "display": "Babs Jensen"},
            {"value": "902c246b-6245-4190-8e05-00816be7344a", "display": "Mandy Pepperidge"},
        ],
    }

    members = read_resource(body, STRICT.group, STRICT)["members"]

    assert [each["value"] for each in members] == [MEMBER, "902c246b-6245-4190-8e05-00816be7344a"]


def test_attributes_of_section_3_4_1_come_with_the_id() -> None:
    chosen = Projection.parse("userName", None, REGISTRY.user).apply(FULL)

    assert chosen == {name: FULL[name] for name in ("schemas", "id", "userName")}


def test_add_a_member() -> None:
    """Section 3.5.2.1, first example."""
    member = {"display": "Babs Jensen", "$ref": f"{BASE}/Users/{MEMBER}", "value": MEMBER}

    assert of_group(op("add", "members", [member])).steps == [Add((MEMBER,))]


def test_add_attributes_without_a_path() -> None:
    """Section 3.5.2.1, second example, whose `nickname` has no capital."""
    value = {"emails": [{"value": "babs@jensen.org", "type": "home"}], "nickname": "Babs"}

    resource = after(person(nickName="B"), op("add", None, value))

    assert resource["emails"] == value["emails"]
    assert resource["nickName"] == "Babs"


def test_remove_one_member_or_all() -> None:
    """Section 3.5.2.2."""
    assert of_group(op("remove", f'members[value eq "{MEMBER}"]')).steps == [Remove((MEMBER,))]
    assert of_group(op("remove", "members")).steps == [RemoveAll()]


def test_remove_the_mails_that_a_filter_chooses() -> None:
    """Section 3.5.2.2: a work address that ends with example.com."""
    path = 'emails[type eq "work" and value ew "example.com"]'

    assert after(jensen(), op("remove", path))["emails"] == [FULL["emails"][1]]


def test_remove_and_add_members_in_one_request() -> None:
    """Section 3.5.2.2, last example but one."""
    other = "08e1d05d-121c-4561-8b96-473d93df9210"

    made = of_group(
        op("remove", f'members[value eq "{MEMBER}"]'),
        op("add", "members", [{"display": "James Smith", "value": other}]),
    )

    assert made.steps == [Remove((MEMBER,)), Add((other,))]


def test_replace_all_members() -> None:
    """Section 3.5.2.3, first example, and the last of 3.5.2.2."""
    made = of_group(op("remove", "members"), op("replace", "members", [{"value": MEMBER}]))

    assert made.steps == [Replace((MEMBER,))]


def test_replace_the_work_address() -> None:
    """Section 3.5.2.3, second example."""
    value = {
        "type": "work",
        "streetAddress": "911 Universal City Plaza",
        "locality": "Hollywood",
        "region": "CA",
        "postalCode": "91608",
        "country": "US",
        "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
        "primary": True,
    }

    assert after(jensen(), op("replace", 'addresses[type eq "work"]', value))["addresses"] == [
        value,
        FULL["addresses"][1],
    ]


def test_replace_a_part_of_the_work_address() -> None:
    """Section 3.5.2.3, third example."""
    path = 'addresses[type eq "work"].streetAddress'

    addresses = after(jensen(), op("replace", path, "1010 Broadway Ave"))["addresses"]

    assert addresses[0] == FULL["addresses"][0] | {"streetAddress": "1010 Broadway Ave"}


def test_replace_attributes_without_a_path() -> None:
    """Section 3.5.2.3, fourth example."""
    value = {
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": True},
            {"value": "babs@jensen.org", "type": "home"},
        ],
        "nickname": "Babs",
    }

    resource = after(person(emails=[{"value": "old@example.com"}]), op("replace", None, value))

    assert resource["emails"] == value["emails"]
    assert resource["nickName"] == "Babs"
