"""All that the receiver knows of resource types, as one value: made once, from code and config."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from connectors.records import ENTERPRISE
from connectors.scim_phone import PHONE_ATTRIBUTES, ZOOM_ATTRIBUTES
from connectors.scim_schema import (
    COMMON,
    CORE_USER,
    ENTERPRISE_ATTRIBUTES,
    PHONE,
    USER_ALIASES,
    USER_ATTRIBUTES,
    ZOOM,
)
from provisioner.scim.schemas.discovery import DISCOVERY
from provisioner.scim.schemas.group import CORE_GROUP, GROUP_ATTRIBUTES
from provisioner.scim.schemas.types import Extension, ResourceType
from provisioner.scim.schemas.wire import resource_type_document, schema_document

Unknown = Literal["ignore", "refuse"]

USER_TYPE = ResourceType(
    "User",
    "/Users",
    "User Account",
    Extension(CORE_USER, "User", USER_ATTRIBUTES, "User Account"),
    (
        Extension(ENTERPRISE, "EnterpriseUser", ENTERPRISE_ATTRIBUTES, "Enterprise User"),
        Extension(PHONE, "PhoneUser", PHONE_ATTRIBUTES, "Which phone a person should have"),
        Extension(
            ZOOM, "ZoomUser", ZOOM_ATTRIBUTES, "Phone attributes in the words of Zoom's SCIM"
        ),
    ),
    aliases=USER_ALIASES,
)
GROUP_TYPE = ResourceType(
    "Group",
    "/Groups",
    "Group",
    Extension(CORE_GROUP, "Group", GROUP_ATTRIBUTES, "Group"),
    aliases={
        # Microsoft, "Develop and plan provisioning for a SCIM endpoint …", Create Group
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group": CORE_GROUP,
        "urn:scim:schemas:core:1.0": CORE_GROUP,
        "urn:scim:schemas:core:1.0:Group": CORE_GROUP,
        "urn:scim:schemas:core:2.0": CORE_GROUP,
        "urn:scim:schemas:core:2.0:Group": CORE_GROUP,
        "urn:ietf:params:scim:api:messages:2.0:Group": CORE_GROUP,
    },
)

_EXTERNAL_ID = tuple(each for each in COMMON if each.name == "externalId")


@dataclass(frozen=True, eq=False)
class Registry:
    """The resource types, and whether attributes that no schema knows are ignored or refused."""

    user: ResourceType
    group: ResourceType
    unknown: Unknown = "ignore"

    @classmethod
    def make(cls, extensions: Iterable[Extension] = (), unknown: Unknown = "ignore") -> Registry:
        """Return a registry with custom extensions beside those that are built in.

        Raises ValueError if an extension has a URN that is known already.
        """
        types = {"User": USER_TYPE, "Group": GROUP_TYPE}
        for each in extensions:
            extended = types[each.of]
            if any(t.schema.known_urn(each.uri) for t in types.values()):
                raise ValueError(f"the schema {each.uri} is there already")
            types[each.of] = replace(extended, extensions=(*extended.extensions, each))
        return cls(types["User"], types["Group"], unknown)

    @property
    def types(self) -> tuple[ResourceType, ...]:
        """Both resource types."""
        return self.user, self.group

    @property
    def refuses_unknown(self) -> bool:
        """Whether what no schema knows is refused."""
        return self.unknown == "refuse"

    @cached_property
    def _schemas(self) -> tuple[Extension, ...]:
        return (*(each for t in self.types for each in (t.core, *t.extensions)), *DISCOVERY)

    def schema_documents(self, base_url: str = "") -> list[dict[str, Any]]:
        """Return every schema as `/Schemas` gives it (RFC 7643 section 7), `meta.location` under the base URL.

        Core schemas list `externalId`, as section 3.1 lets them: Entra's validation finds a mapped
        attribute nowhere else.
        """
        cores = {each.core.uri for each in self.types}
        return [
            schema_document(each, base_url, _EXTERNAL_ID if each.uri in cores else ())
            for each in self._schemas
        ]

    def resource_type_documents(self, base_url: str = "") -> list[dict[str, Any]]:
        """Return every resource type as `/ResourceTypes` gives it (RFC 7643 section 6)."""
        return [resource_type_document(each, base_url) for each in self.types]
