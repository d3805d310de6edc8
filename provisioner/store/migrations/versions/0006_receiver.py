"""The SCIM receiver's tables: users, groups, membership, marks and keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _seq(name: str, *, counted: bool = False) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, autoincrement=counted, nullable=False)


def _key(name: str, *, nullable: bool = False) -> sa.Column[str]:
    kind = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), autoincrement=False, nullable=False)


def _document() -> sa.Column[str]:
    return sa.Column("document", sa.Text(), nullable=False)


def _index(table: str, name: str, *columns: str, unique: bool = False) -> None:
    op.create_index(f"{table}_{name}", table, list(columns), unique=unique)


def upgrade() -> None:
    _resources()
    op.create_table(
        "scim_emails",
        _text("sync"),
        _key("value_key"),
        _seq("user_seq"),
        sa.PrimaryKeyConstraint("sync", "value_key", "user_seq"),
    )
    _index("scim_emails", "of_user", "user_seq")
    op.create_table(
        "scim_members",
        _seq("group_seq"),
        _seq("user_seq"),
        sa.PrimaryKeyConstraint("group_seq", "user_seq"),
    )
    _index("scim_members", "of_user", "user_seq", "group_seq")
    op.create_table(
        "scim_nested",
        _seq("group_seq"),
        _seq("child_seq"),
        _text("sync"),
        sa.PrimaryKeyConstraint("group_seq", "child_seq"),
    )
    _index("scim_nested", "of_child", "child_seq", "group_seq")
    _index("scim_nested", "by_sync", "sync")
    op.create_table(
        "scim_counts",
        _text("sync"),
        _text("kind"),
        _seq("block"),
        _number("slot"),
        _number("resources"),
        sa.PrimaryKeyConstraint("sync", "kind", "block", "slot"),
    )
    op.create_table(
        "scim_dirty",
        _seq("mark", counted=True),
        _text("sync"),
        _key("user_id"),
        _key("external_id", nullable=True),
        _key("at"),
        sa.PrimaryKeyConstraint("mark"),
        sqlite_autoincrement=True,
    )
    _index("scim_dirty", "by_sync", "sync", "mark")
    op.create_table("scim_keys", _text("name"), _text("secret"), sa.PrimaryKeyConstraint("name"))


def _resources() -> None:
    op.create_table(
        "scim_users",
        _seq("seq", counted=True),
        _text("sync"),
        _key("id"),
        _key("user_name_key"),
        _key("external_id", nullable=True),
        _text("display_name", nullable=True),
        _key("display_name_key", nullable=True),
        sa.Column("active", sa.Boolean(), nullable=True),
        _key("created"),
        _key("last_modified"),
        _number("version"),
        _document(),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    _index("scim_users", "by_name", "sync", "user_name_key", unique=True)
    _index("scim_users", "by_active", "sync", "active")
    op.create_table(
        "scim_groups",
        _seq("seq", counted=True),
        _text("sync"),
        _key("id"),
        _text("display_name", nullable=True),
        _key("display_name_key", nullable=True),
        _key("external_id", nullable=True),
        _key("created"),
        _key("last_modified"),
        _number("version"),
        _document(),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    for table in ("scim_users", "scim_groups"):
        _index(table, "by_id", "sync", "id", unique=True)
        _index(table, "by_external_id", "sync", "external_id")
        _index(table, "by_display_name", "sync", "display_name_key")
        _index(table, "by_modified", "sync", "last_modified")
        _index(table, "in_order", "sync", "seq")
