"""Schemas and resource types as discovery shows them (RFC 7643 sections 6 and 7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.scim_attribute import Attribute
from provisioner.scim.schemas.descriptions import description
from provisioner.scim.schemas.discovery import RESOURCE_TYPE, SCHEMA
from provisioner.scim.schemas.types import Extension, ResourceType


def schema_document(
    schema: Extension, base_url: str, common: Iterable[Attribute] = ()
) -> dict[str, Any]:
    """Return a schema with every characteristic of each attribute, those in `common` first."""
    return {
        "schemas": [SCHEMA],
        "id": schema.uri,
        "name": schema.name,
        "description": schema.description or schema.name,
        "attributes": [attribute_document(each) for each in (*common, *schema.attributes)],
        "meta": {"resourceType": "Schema", "location": f"{base_url}/Schemas/{schema.uri}"},
    }


def resource_type_document(type: ResourceType, base_url: str) -> dict[str, Any]:
    """Return a resource type; its extensions are what a resource may have beside the core."""
    return {
        "schemas": [RESOURCE_TYPE],
        "id": type.name,
        "name": type.name,
        "endpoint": type.endpoint,
        "description": type.description,
        "schema": type.core.uri,
        "schemaExtensions": [
            {"schema": each.uri, "required": each.required} for each in type.extensions
        ],
        "meta": {
            "resourceType": "ResourceType",
            "location": f"{base_url}/ResourceTypes/{type.name}",
        },
    }


def attribute_document(attribute: Attribute, owner: str = "") -> dict[str, Any]:
    """Return an attribute's definition; what does not apply to its type is left out."""
    path = owner + attribute.name
    document: dict[str, Any] = {
        "name": attribute.name,
        "type": attribute.type,
        "multiValued": attribute.multi_valued,
        "description": attribute.description or description(path),
        "required": attribute.required,
        "caseExact": attribute.case_exact,
        "mutability": attribute.mutability,
        "returned": attribute.returned,
        "uniqueness": attribute.uniqueness,
    }
    if attribute.canonical:
        document["canonicalValues"] = list(attribute.canonical)
    if attribute.references:
        document["referenceTypes"] = list(attribute.references)
    if attribute.sub:
        document["subAttributes"] = [attribute_document(each, f"{path}.") for each in attribute.sub]
    return document
