"""What the core attributes are, in words, for `/Schemas` (RFC 7643 sections 3.1, 4.1 and 4.3)."""

from __future__ import annotations

_PLURAL = {
    "value": "The value itself.",
    "display": "How the value is shown to people.",
    "type": "What the value is for.",
    "primary": "Whether this value is the preferred one; one at most.",
    "$ref": "Where the resource is.",
}
"""The sub-attributes that attributes of several values share (section 2.4)."""

_USER = {
    "externalId": "The id that the client gave the resource.",
    "userName": "The name that a person is known by here; unique, without regard to case.",
    "name": "The parts of the person's name.",
    "name.formatted": "The whole name as it is written.",
    "name.familyName": "The family name.",
    "name.givenName": "The given name.",
    "name.middleName": "Names between the given and the family name.",
    "name.honorificPrefix": "What stands before the name, such as Dr.",
    "name.honorificSuffix": "What stands after the name, such as III.",
    "displayName": "The name as it is shown to others.",
    "nickName": "What the person is casually called.",
    "profileUrl": "A page about the person.",
    "title": "The job title.",
    "userType": "How the person belongs to the organization, such as Employee.",
    "preferredLanguage": "The language that the person prefers.",
    "locale": "The place whose formats the person is used to.",
    "timezone": "The time zone, by its name in the tz database.",
    "active": "Whether the person works here now.",
    "password": "Accepted, and neither kept nor used.",
    "emails": "Mail addresses; the work address is how the person is found in the phone system.",
    "phoneNumbers": "Telephone numbers.",
    "ims": "Addresses for instant messages.",
    "photos": "Pictures of the person.",
    "addresses": "Where the person works or lives.",
    "addresses.formatted": "The whole address as it is written.",
    "addresses.streetAddress": "Street and house number.",
    "addresses.locality": "City or town.",
    "addresses.region": "State or region.",
    "addresses.postalCode": "Postal code.",
    "addresses.country": "Country, as an ISO 3166-1 alpha-2 code.",
    "groups": "The groups that the person is in; changed at the group.",
    "groups.value": "The group's id.",
    "groups.type": "Whether the person is a member or a member's member.",
    "entitlements": "What the person may have.",
    "roles": "What the person is.",
    "x509Certificates": "Certificates of the person.",
    "x509Certificates.value": "The certificate in DER, as base64.",
}

_ENTERPRISE = {
    "employeeNumber": "The number that the organization gave the person.",
    "costCenter": "The cost center.",
    "organization": "The organization's name.",
    "division": "The division's name.",
    "department": "The department's name.",
    "manager": "Who the person reports to.",
    "manager.value": "The manager's id, or what mappings find them by.",
    "manager.displayName": "The manager's name.",
}

_KNOWN = _USER | _ENTERPRISE


def description(path: str) -> str:
    """Return what an attribute or sub-attribute is; its name where nothing is written.

    >>> description("emails.primary")
    'Whether this value is the preferred one; one at most.'
    """
    last = path.rpartition(".")[2]
    return _KNOWN.get(path) or (_PLURAL.get(last) if "." in path else None) or last
