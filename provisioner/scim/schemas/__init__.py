"""The resource types of the receiver, their attributes, and what discovery tells of them."""

from provisioner.scim.schemas.registry import Registry
from provisioner.scim.schemas.types import Extension, ResourceType

__all__ = ["Extension", "Registry", "ResourceType"]
