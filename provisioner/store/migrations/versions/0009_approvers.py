"""Decisions by several people about one change, and a record of who reviewed which plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from connectors.records import fold

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_approvers()
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("plan", sa.Integer(), nullable=False),
        sa.Column("sync", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=True),
        sa.Column("only", sa.Text(), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reviews_by_plan", "reviews", ["plan"], unique=False)
    op.execute(
        """INSERT INTO reviews (plan, sync, decision, "by", at)
        SELECT id, sync, 'approved', approved_by, approved_at FROM plans
        WHERE approved_at IS NOT NULL ORDER BY approved_at, id"""
    )


def _add_approvers() -> None:
    """Make the table anew: SQLite can't change a primary key."""
    op.rename_table("decisions", "decisions_of_one")
    if op.get_bind().dialect.name == "postgresql":  # where a key's name stays taken
        op.execute("ALTER INDEX decisions_pkey RENAME TO decisions_of_one_pkey")
    op.create_table(
        "decisions",
        sa.Column("sync", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("approver", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("plan", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sync", "content", "approver"),
    )
    op.execute(
        """INSERT INTO decisions (sync, content, approver, decision, "by", at, expires_at, plan)
        SELECT sync, content, "by", decision, "by", at, expires_at, plan FROM decisions_of_one"""
    )
    op.drop_table("decisions_of_one")
    connection = op.get_bind()
    names = connection.execute(sa.text('SELECT DISTINCT "by" FROM decisions')).scalars().all()
    for name in names:
        connection.execute(
            sa.text('UPDATE decisions SET approver = :folded WHERE "by" = :name'),
            {"folded": fold(name), "name": name},
        )
