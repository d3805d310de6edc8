"""The schemas of what discovery itself answers with (RFC 7643 sections 5 to 8.7.2, RFC 9865 section 4)."""

from __future__ import annotations

from connectors.scim_attribute import Attribute, Type
from provisioner.scim.schemas.types import Extension

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
RESOURCE_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SERVICE_PROVIDER_CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"


def _told(
    name: str,
    description: str,
    type: Type = "string",
    *sub: Attribute,
    several: bool = False,
    required: bool = True,
    canonical: tuple[str, ...] = (),
    to: tuple[str, ...] = (),
) -> Attribute:
    """An attribute that the service tells and nobody sets."""
    return Attribute(
        name,
        type,
        several,
        case_exact=type == "reference",
        sub=sub,
        required=required,
        mutability="readOnly",
        canonical=canonical,
        references=to,
        description=description,
    )


def _supported(name: str, what: str, *more: Attribute) -> Attribute:
    flag = _told("supported", "Whether the service does it.", "boolean")
    return _told(name, what, "complex", flag, *more)


def _number(name: str, what: str, *, required: bool = True) -> Attribute:
    return _told(name, what, "integer", required=required)


def _link(name: str, what: str) -> Attribute:
    return _told(name, what, "reference", required=False, to=("external",))


_SCHEMES = ("oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest")

_AUTHENTICATION = _told(
    "authenticationSchemes",
    "How clients may say who they are.",
    "complex",
    _told("type", "The scheme.", canonical=_SCHEMES),
    _told("name", "What the scheme is commonly called."),
    _told("description", "What the scheme is."),
    _link("specUri", "Where the scheme is specified."),
    _link("documentationUri", "Where its use is described."),
    _told("primary", "Whether this scheme is preferred.", "boolean", required=False),
    several=True,
)

_PAGINATION = _told(
    "pagination",
    "How long lists are read.",
    "complex",
    _told("cursor", "Whether pages may be asked for by cursor.", "boolean"),
    _told("index", "Whether pages may be asked for by index.", "boolean"),
    _told(
        "defaultPaginationMethod",
        "How pages come where a client doesn't say.",
        required=False,
        canonical=("cursor", "index"),
    ),
    _number("defaultPageSize", "Resources a page without a count.", required=False),
    _number("maxPageSize", "Resources a page at most.", required=False),
    _number("cursorTimeout", "Seconds that a cursor is good for, at least.", required=False),
    required=False,
)

_CONFIG = (
    _link("documentationUri", "Where the service is described for people."),
    _supported("patch", "PATCH."),
    _supported(
        "bulk",
        "Bulk operations.",
        _number("maxOperations", "Operations in one request at most."),
        _number("maxPayloadSize", "Bytes of one request at most."),
    ),
    _supported("filter", "Filters.", _number("maxResults", "Resources in one answer at most.")),
    _supported("changePassword", "Changes of passwords."),
    _supported("sort", "Sorted answers."),
    _supported("etag", "Entity tags."),
    _AUTHENTICATION,
    _PAGINATION,
)

_TYPE = (
    _told("id", "The resource type's id, the same as its name.", required=False),
    _told("name", "The resource type's name."),
    _told("description", "What resources of the type are.", required=False),
    _told("endpoint", "Where they are, below the base URL.", "reference", to=("uri",)),
    _told("schema", "The URN of the core schema.", "reference", to=("uri",)),
    _told(
        "schemaExtensions",
        "The schemas that extend the core schema.",
        "complex",
        _told("schema", "The URN of the extension.", "reference", to=("uri",)),
        _told("required", "Whether every resource has it.", "boolean"),
        several=True,
        required=False,
    ),
)

_TYPES = ("string", "complex", "boolean", "decimal", "integer", "dateTime", "reference", "binary")
_MUTABILITIES = ("readOnly", "readWrite", "immutable", "writeOnly")
_WHEN_RETURNED = ("always", "never", "default", "request")

_CHARACTERISTICS = (
    _told("name", "The attribute's name."),
    _told("type", "What its values are.", canonical=_TYPES),
    _told("multiValued", "Whether it has several values.", "boolean"),
    _told("description", "What it is.", required=False),
    _told("required", "Whether a resource must have it.", "boolean", required=False),
    _told("canonicalValues", "Values that are suggested.", several=True, required=False),
    _told("caseExact", "Whether its text compares with case.", "boolean", required=False),
    _told("mutability", "Who may set it.", required=False, canonical=_MUTABILITIES),
    _told("returned", "When it is in an answer.", required=False, canonical=_WHEN_RETURNED),
    _told(
        "uniqueness",
        "Among what it is unique.",
        required=False,
        canonical=("none", "server", "global"),
    ),
    _told("referenceTypes", "What a reference may lead to.", several=True, required=False),
)

_SCHEMA = (
    _told("id", "The schema's URN."),
    _told("name", "The schema's name."),
    _told("description", "What the schema is for.", required=False),
    _told(
        "attributes",
        "The schema's attributes.",
        "complex",
        *_CHARACTERISTICS,
        _told("subAttributes", "The parts of a complex attribute.", "complex", *_CHARACTERISTICS, several=True, required=False),
        several=True,
    ),
)  # fmt: skip

DISCOVERY = (
    Extension(SERVICE_PROVIDER_CONFIG, "ServiceProviderConfig", _CONFIG, "What the service can do"),
    Extension(RESOURCE_TYPE, "ResourceType", _TYPE, "A kind of resource"),
    Extension(SCHEMA, "Schema", _SCHEMA, "A schema and its attributes"),
)
"""The schemas of the discovery endpoints, which no resource type of clients has."""
