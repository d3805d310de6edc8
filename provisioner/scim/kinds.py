"""The two kinds of resource that are listed: where their rows are, and what SQL knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from connectors.records import clean, fold
from connectors.scim_attribute import Schema
from connectors.scim_filter import Path
from connectors.scim_filter_compare import instant
from provisioner.scim.conditions import GROUP_COLUMNS, USER_COLUMNS, Columns
from provisioner.scim.rendering import Resource, decoded, group, user
from provisioner.scim.schemas import ResourceType
from provisioner.store import scim_groups, scim_members, scim_users
from provisioner.store.direct import Session
from provisioner.store.pipeline import Row
from provisioner.store.scim_counts import Kind as Counted
from provisioner.store.scim_groups import GroupRow
from provisioner.store.scim_users import UserRow

StoredRow: TypeAlias = UserRow | GroupRow
SortKey: TypeAlias = "str | int | float | None"

_ORDERED = {
    "id": "id",
    "externalId": "external_id",
    "displayName": "display_name_key",
    "meta.created": "created",
    "meta.lastModified": "last_modified",
}
"""Columns that both kinds have, by the attribute that a sorting is by."""

_NUMBERS = ("boolean", "integer", "decimal")
"""Types whose values compare as numbers."""


class Found(NamedTuple):
    """What a page holds: of `total` resources these, and the place of the last, if others follow.

    `before`: how many come before them, where a scan has counted that.
    """

    total: int
    rows: list[StoredRow]
    next_place: list[Any] | None = None
    before: int = 0


@dataclass(frozen=True, eq=False)
class Kind:
    """Users or groups, as SQL sees them: `FROM {table} {alias}`.

    `beside` is the other type where both are searched as one: a filter may speak of what only that has.
    """

    name: Counted
    type: ResourceType
    table: str
    alias: str
    columns: Columns
    beside: ResourceType | None = None

    @classmethod
    def users(cls, type: ResourceType) -> Kind:
        """The kind of all users."""
        return cls("User", type, "scim_users", "u", USER_COLUMNS)

    @classmethod
    def groups(cls, type: ResourceType) -> Kind:
        """The kind of all groups."""
        return cls("Group", type, "scim_groups", "g", GROUP_COLUMNS)

    def together_with(self, other: ResourceType) -> Kind:
        """Return this kind for a search of both types.

        What only the other type has counts as an attribute without a value (RFC 7644 section 3.4.2.1).
        """
        own = {fold(each.name) for each in self.type.schema.attributes}
        foreign = (each.name for each in other.schema.attributes if fold(each.name) not in own)
        absent = frozenset({*foreign, other.core.uri, *other.schema.extensions})
        columns = replace(self.columns, absent=absent)
        return replace(self, columns=columns, beside=other)

    @cached_property
    def schema(self) -> Schema:
        """What filters and sortings of this kind are read with."""
        own = self.type.schema
        if self.beside is None:
            return own
        other = self.beside.schema
        names = {fold(each.name) for each in own.attributes}
        added = (each for each in other.attributes if fold(each.name) not in names)
        return replace(
            own,
            attributes=(*own.attributes, *added),
            extensions={
                **other.extensions,
                self.beside.core.uri: self.beside.core.attributes,
                **own.extensions,
            },
            aliases={**other.aliases, **own.aliases},
            unqualified=own.unqualified or other.unqualified,
        )

    def order_column(self, path: Path) -> str | None:
        """Return the column that a sorting by `path` is by; None if there is none."""
        if path.uri is not None or path.part is not None:
            return None
        name = path.attribute if path.sub is None else f"{path.attribute}.{path.sub}"
        if name == "userName":
            return "u.user_name_key" if self.name == "User" else None
        column = _ORDERED.get(name)
        return column and f"{self.alias}.{column}"

    def selected(self, session: Session, *, related: bool) -> str:
        """Return what to select for `rows`; `related` adds the groups that users are in."""
        if self.name == "User":
            return scim_users.columns(session, groups=related)
        return scim_groups.COLUMNS

    def rows(self, session: Session, found: Sequence[Row]) -> list[StoredRow]:
        """Return the stored rows of what was selected."""
        if self.name == "User":
            return [*scim_users.users(session, found)]
        return [GroupRow(*row) for row in found]

    def resources(
        self, session: Session, rows: Sequence[StoredRow], reads: frozenset[str], base: str
    ) -> list[Resource]:
        """Return resources for a filter or a sorting that reads these top-level attributes.

        `base` is what URLs in them begin with.
        """
        members = {}
        if self.name == "Group" and "members" in reads:
            members = scim_members.listed(session, [row.seq for row in rows], base)
        if not reads & {"meta", "groups", "members"}:
            return [decoded(row.document) for row in rows]
        return [
            user(row, base) if isinstance(row, UserRow) else group(row, members.get(row.seq), base)
            for row in rows
        ]


@dataclass(frozen=True)
class Sort:
    """A sorting: by the first value at `path`, the primary one if there is one.

    Who has none comes last, or first if `descending` (RFC 7644 section 3.4.2.3).
    """

    path: Path
    descending: bool

    def key(self, resource: Resource) -> SortKey:
        """Return what a resource is sorted by, as it compares in filters; None if it has no value.

        What was stored when the attribute had another type in config is none.
        """
        found = self.path.values(resource)
        leaf = self.path.leaf
        if not found or leaf is None:
            return None
        value = found[0]
        if leaf.type in _NUMBERS:
            return value if isinstance(value, int | float) else None
        if not isinstance(value, str):
            return None
        if leaf.type == "dateTime" and (at := instant(value)) is not None:
            return f"{at[0]:020}.{at[1]}"
        return clean(value) if leaf.case_exact else fold(value)
