"""Resource types: a core schema and its extensions (RFC 7643 sections 3.3, 6 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from connectors.records import ENTERPRISE
from connectors.scim_attribute import Attribute, Name, Schema
from connectors.scim_schema import COMMON


@dataclass(frozen=True)
class Extension:
    """A schema: its URN, what people call it, and its attributes; `of` names the resource type it extends.

    `required` says that every resource of the type must have it.
    """

    uri: str
    name: str
    attributes: tuple[Attribute, ...]
    description: str = ""
    of: str = "User"
    required: bool = False


@dataclass(frozen=True, eq=False)
class ResourceType:
    """A kind of resource: `name` ("User"), its `endpoint` ("/Users"), core schema and extensions.

    `aliases` gives the URN for each other one that clients write. `schema` is what filters and paths
    are read with; it has no short names, because the wire knows none. Attributes of the enterprise extension
    may stand there without its URN: clients only SHOULD write it (RFC 7644 section 3.10), and `manager`
    comes alone (Microsoft, "Develop and plan provisioning for a SCIM endpoint").
    """

    name: str
    endpoint: str
    description: str
    core: Extension
    extensions: tuple[Extension, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def schema(self) -> Schema:
        """Every attribute that a resource of this type may have."""
        extensions = {each.uri: each.attributes for each in self.extensions}
        return Schema(
            self.core.uri,
            (*COMMON, *self.core.attributes),
            extensions=extensions,
            aliases=self.aliases,
            unqualified=ENTERPRISE if ENTERPRISE in extensions else None,
        )

    @cached_property
    def on_request(self) -> tuple[Name, ...]:
        """The attributes and sub-attributes that are `returned` on request only."""
        names = (
            Name(uri, each, part)
            for uri in (None, *self.schema.extensions)
            for each in self.schema.tops(uri)
            for part in (None, *each.sub)
        )
        return tuple(each for each in names if (each.sub or each.attribute).returned == "request")
