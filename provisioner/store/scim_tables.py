"""The receiver's tables: users, groups, who is in which, and whose phones may have to change.

Every row belongs to one sync, whose `pushed` directory it is. `seq` counts up and is never given
twice: it is the order of lists and the other tables' reference; the `id` that clients know is opaque.
A document is the resource as JSON without `meta`, `groups` and `members`, which are made of columns and
rows. A `…_key` is folded (connectors.records.fold) and sorts by code points on every database; an
`external_id` is clean, because it is caseExact.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from provisioner.store.tables import metadata

_Seq = BigInteger().with_variant(Integer, "sqlite")
_Key = String().with_variant(String(collation="C"), "postgresql")

scim_users = Table(
    "scim_users",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("sync", String, nullable=False),
    Column("id", _Key, nullable=False),
    Column("user_name_key", _Key, nullable=False),
    Column("external_id", _Key),
    Column("display_name", String),
    Column("display_name_key", _Key),
    Column("active", Boolean),  # None: the client didn't say
    Column("created", _Key, nullable=False),
    Column("last_modified", _Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Index("scim_users_by_id", "sync", "id", unique=True),
    Index("scim_users_by_name", "sync", "user_name_key", unique=True),
    Index("scim_users_by_external_id", "sync", "external_id"),
    Index("scim_users_by_display_name", "sync", "display_name_key"),
    Index("scim_users_by_active", "sync", "active"),
    Index("scim_users_by_modified", "sync", "last_modified"),
    Index("scim_users_in_order", "sync", "seq"),
    sqlite_autoincrement=True,
)

scim_emails = Table(
    "scim_emails",
    metadata,
    Column("sync", String, primary_key=True),
    Column("value_key", _Key, primary_key=True),
    Column("user_seq", _Seq, primary_key=True, autoincrement=False),
    Index("scim_emails_of_user", "user_seq"),
)

scim_groups = Table(
    "scim_groups",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("sync", String, nullable=False),
    Column("id", _Key, nullable=False),
    Column("display_name", String),
    Column("display_name_key", _Key),
    Column("external_id", _Key),
    Column("created", _Key, nullable=False),
    Column("last_modified", _Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Index("scim_groups_by_id", "sync", "id", unique=True),
    Index("scim_groups_by_external_id", "sync", "external_id"),
    Index("scim_groups_by_display_name", "sync", "display_name_key"),
    Index("scim_groups_by_modified", "sync", "last_modified"),
    Index("scim_groups_in_order", "sync", "seq"),
    sqlite_autoincrement=True,
)

scim_members = Table(
    "scim_members",
    metadata,
    Column("group_seq", _Seq, primary_key=True, autoincrement=False),
    Column("user_seq", _Seq, primary_key=True, autoincrement=False),
    Index("scim_members_of_user", "user_seq", "group_seq"),
)
"""Which users are members of which groups, directly."""

scim_nested = Table(
    "scim_nested",
    metadata,
    Column("group_seq", _Seq, primary_key=True, autoincrement=False),
    Column("child_seq", _Seq, primary_key=True, autoincrement=False),
    Column("sync", String, nullable=False),
    Index("scim_nested_of_child", "child_seq", "group_seq"),
    Index("scim_nested_by_sync", "sync"),
)
"""Which groups (`child_seq`) are members of which groups."""

scim_counts = Table(
    "scim_counts",
    metadata,
    Column("sync", String, primary_key=True),
    Column("kind", String, primary_key=True),  # User or Group
    Column("block", _Seq, primary_key=True, autoincrement=False),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("resources", Integer, nullable=False),
)
"""How many resources a block of `seq`s holds: store/scim_counts.py."""

scim_dirty = Table(
    "scim_dirty",
    metadata,
    Column("mark", _Seq, primary_key=True, autoincrement=True),
    Column("sync", String, nullable=False),
    Column("user_id", _Key, nullable=False),
    Column("external_id", _Key),
    Column("at", _Key, nullable=False),
    Index("scim_dirty_by_sync", "sync", "mark"),
    sqlite_autoincrement=True,
)
"""People whose phones may have to change, in the order of the changes: store/scim_dirty.py."""

scim_keys = Table(
    "scim_keys",
    metadata,
    Column("name", String, primary_key=True),
    Column("secret", String, nullable=False),
)
"""What cursors are signed with, so that every process reads what any of them gave."""
