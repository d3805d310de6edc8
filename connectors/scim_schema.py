"""Which attributes exist, and how the values of each compare (RFC 7643).

The core User, the enterprise extension, the phone extensions that identity teams push, and a phone
user's own attributes. Mappings, config and the SCIM receiver read the same declarations.
"""

from __future__ import annotations

from connectors.records import ENTERPRISE
from connectors.scim_attribute import Attribute, Name, Schema, Type, closest
from connectors.scim_phone import PHONE, PHONE_ATTRIBUTES, ZOOM, ZOOM_ATTRIBUTES, ZOOM_READ

__all__ = [
    "COMMON",
    "CORE_USER",
    "ENTERPRISE_ATTRIBUTES",
    "PHONE",
    "PHONE_USER",
    "USER",
    "USER_ALIASES",
    "USER_ATTRIBUTES",
    "ZOOM",
    "Attribute",
    "Name",
    "Schema",
    "Type",
    "closest",
    "plural",
    "reference",
]

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
"""Schema URN of the core User (RFC 7643 section 4.1)."""


def reference(name: str, *to: str, read_only: bool = False) -> Attribute:
    """A reference to what `to` names: `User`, `Group`, `external` or `uri`."""
    # Section 2.3.7: "a reference is case exact", although section 8.7.1 prints false.
    mutability = "readOnly" if read_only else "readWrite"
    return Attribute(
        name,
        "reference",
        case_exact=True,
        references=to,
        mutability=mutability,  # type: ignore[arg-type]
    )


def plural(name: str, *types: str, value: Attribute | None = None) -> Attribute:
    """A multi-valued attribute with the sub-attributes of RFC 7643 section 2.4."""
    sub = (value or Attribute("value"), Attribute("display"), _type(*types), _PRIMARY)
    return Attribute(name, "complex", multi_valued=True, sub=sub)


def _type(*canonical: str) -> Attribute:
    return Attribute("type", canonical=canonical)


def _read_only(name: str, type: Type = "string", **rest: bool) -> Attribute:
    return Attribute(name, type, mutability="readOnly", **rest)  # type: ignore[arg-type]


_PRIMARY = Attribute("primary", "boolean", assumed=False)

COMMON = (
    Attribute("schemas", "reference", multi_valued=True, case_exact=True, returned="always"),
    Attribute("id", case_exact=True, mutability="readOnly", returned="always", uniqueness="server"),
    Attribute("externalId", case_exact=True),
    Attribute(
        "meta",
        "complex",
        mutability="readOnly",
        sub=(
            _read_only("resourceType", case_exact=True),
            _read_only("created", "dateTime"),
            _read_only("lastModified", "dateTime"),
            reference("location", "uri", read_only=True),
            _read_only("version", case_exact=True),
        ),
    ),
)
"""What every resource has (RFC 7643 section 3.1)."""

_NAME = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
_ADDRESS = ("formatted", "streetAddress", "locality", "region", "postalCode", "country")

USER_ATTRIBUTES = (
    Attribute("userName", required=True, uniqueness="server"),
    Attribute("name", "complex", sub=tuple(map(Attribute, _NAME))),
    Attribute("displayName"),
    Attribute("nickName"),
    reference("profileUrl", "external"),
    Attribute("title"),
    Attribute("userType"),
    Attribute("preferredLanguage"),
    Attribute("locale"),
    Attribute("timezone"),
    Attribute("active", "boolean"),
    # RFC 7613's OpaqueString, by section 4.1.1
    Attribute("password", case_exact=True, mutability="writeOnly", returned="never"),
    plural("emails", "work", "home", "other"),
    plural("phoneNumbers", "work", "home", "mobile", "fax", "pager", "other"),
    plural("ims", "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
    plural("photos", "photo", "thumbnail", value=reference("value", "external")),
    Attribute(
        "addresses",
        "complex",
        multi_valued=True,
        sub=(*map(Attribute, _ADDRESS), _type("work", "home", "other"), _PRIMARY),
    ),
    Attribute(
        "groups",
        "complex",
        multi_valued=True,
        mutability="readOnly",
        sub=(
            _read_only("value"),
            reference("$ref", "User", "Group", read_only=True),
            _read_only("display"),
            Attribute("type", mutability="readOnly", canonical=("direct", "indirect")),
        ),
    ),
    plural("entitlements"),
    plural("roles"),
    # Section 2.3.6: "a binary value is case exact", although section 8.7.1 prints false.
    plural("x509Certificates", value=Attribute("value", "binary", case_exact=True)),
)
"""The core User (RFC 7643 sections 4.1 and 8.7.1)."""

ENTERPRISE_ATTRIBUTES = (
    Attribute("employeeNumber"),
    Attribute("costCenter"),
    Attribute("organization"),
    Attribute("division"),
    Attribute("department"),
    Attribute(
        "manager",
        "complex",
        sub=(Attribute("value"), reference("$ref", "User"), _read_only("displayName")),
    ),
)
"""The enterprise extension (RFC 7643 sections 4.3 and 8.7.1)."""

USER_ALIASES = {
    "urn:scim:schemas:core:1.0": CORE_USER,
    "urn:scim:schemas:core:1.0:User": CORE_USER,
    "urn:scim:schemas:core:2.0": CORE_USER,
    "urn:scim:schemas:core:2.0:User": CORE_USER,
    # as RFC 7644 section 3.7.3 has it in an example
    "urn:ietf:params:scim:api:messages:2.0:User": CORE_USER,
    "urn:scim:schemas:extension:enterprise:1.0": ENTERPRISE,
    "urn:scim:schemas:extension:enterprise:1.0:User": ENTERPRISE,
    "urn:scim:schemas:extension:enterprise:2.0": ENTERPRISE,
    "urn:scim:schemas:extension:enterprise:2.0:User": ENTERPRISE,
    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/User": CORE_USER,
    ZOOM_READ: ZOOM,
}
"""The other URNs that services and clients write: those of SCIM 1.1 (its core schema, section 5), of
drafts, of OneLogin (goauthentik/authentik issue 11249) and of Entra's older jobs (simstudioai/sim pull
request 7567), and the second one of Zoom's service."""

USER = Schema(
    CORE_USER,
    (*COMMON, *USER_ATTRIBUTES),
    extensions={
        ENTERPRISE: ENTERPRISE_ATTRIBUTES,
        PHONE: PHONE_ATTRIBUTES,
        ZOOM: ZOOM_ATTRIBUTES,
    },
    aliases=USER_ALIASES,
    short={
        "givenName": "name.givenName",
        "familyName": "name.familyName",
        "email": 'emails[type eq "work"].value',
        "location": 'addresses[type eq "work"].locality',
        "department": f"{ENTERPRISE}:department",
        "manager": f"{ENTERPRISE}:manager.value",
        "manager.value": f"{ENTERPRISE}:manager.value",
        "manager.displayName": f"{ENTERPRISE}:manager.displayName",
    },
)
"""A person: the core User, its extensions, and the short names that people may write."""

PHONE_USER = Schema(
    None,
    (
        Attribute("id", case_exact=True),
        *map(Attribute, ("key", "kind", "email", "status", "display_name", "department")),
        *map(Attribute, ("job_title", "license")),
        Attribute("packages", multi_valued=True),
        *map(Attribute, ("template", "site", "extension_number")),
        Attribute("numbers", multi_valued=True),
        Attribute("delegates", multi_valued=True),
        Attribute("delegate_privileges", multi_valued=True),
        Attribute("credits", "boolean"),
        *map(Attribute, ("softphone", "emergency_address", "usage_location", "role")),
        Attribute("counts_as", multi_valued=True),
        Attribute("seatless", multi_valued=True),
        Attribute("settling", multi_valued=True),
        Attribute("by_hand", "complex"),
        Attribute("vendor", "complex"),
    ),
)
"""A phone user: the members of a snapshot's line. `by_hand` and `vendor` can only be tested for presence."""
