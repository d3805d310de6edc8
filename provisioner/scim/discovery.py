"""What the receiver tells of itself (RFC 7644 section 4, RFC 9865 section 4): the truth, and all of it."""

from __future__ import annotations

from typing import Any

from provisioner.scim.call import DEFAULT_PAGE, Answer
from provisioner.scim.errors import ScimError
from provisioner.scim.lists import MESSAGE
from provisioner.scim.rendering import Resource, encoded
from provisioner.scim.schemas.discovery import SERVICE_PROVIDER_CONFIG
from provisioner.server_config import Intake

_SCHEMES = [
    {
        "type": "oauthbearertoken",
        "name": "OAuth bearer token",
        "description": "A token made by `provisioner token create`, or by an issuer that is trusted.",
        "specUri": "https://www.rfc-editor.org/info/rfc6750",
        "primary": True,
    },
    {
        "type": "oauth2",
        "name": "OAuth 2.0 client credentials",
        "description": "Client id and secret, made by `provisioner token create --oauth`,"
        " for an access token at /oauth/token.",
        "specUri": "https://www.rfc-editor.org/info/rfc6749",
        "primary": False,
    },
]


def service_provider_config(base: str, limits: Intake) -> Answer:
    """Return what this service can do. It needs no token, so it is the same for every sync."""
    document = {
        "schemas": [SERVICE_PROVIDER_CONFIG],
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": limits.bulk_operations,
            "maxPayloadSize": limits.body,
        },
        "filter": {"supported": True, "maxResults": limits.page},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": min(DEFAULT_PAGE, limits.page),
            "maxPageSize": limits.page,
        },
        "authenticationSchemes": _SCHEMES,
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }
    return Answer(200, encoded(document))


def documents(found: list[Resource], filter: Any) -> Answer:
    """Return all schemas or resource types as a list; they can't be filtered (RFC 7644 section 4)."""
    if filter:
        raise ScimError(403, "schemas and resource types can't be filtered")
    listed = {
        "schemas": [MESSAGE],
        "totalResults": len(found),
        "startIndex": 1,
        "itemsPerPage": len(found),
        "Resources": found,
    }
    return Answer(200, encoded(listed))


def document(found: list[Resource], id: str) -> Answer:
    """Return the schema or resource type of that id, in any case. Raises ScimError 404."""
    for each in found:
        if each["id"].lower() == id.lower():
            return Answer(200, encoded(each), each["meta"]["location"])
    raise ScimError(404, f"{id[:200]!r} not found")
