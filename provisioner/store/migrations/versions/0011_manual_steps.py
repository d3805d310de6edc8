"""Manual steps: what only a person can do, as the newest plans hold it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "manual_steps",
        sa.Column("sync", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("plan", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("undo", sa.Boolean(), nullable=False),
        sa.Column("since", sa.String(), nullable=False),
        sa.Column("noted_at", sa.String()),
        sa.Column("noted_by", sa.String()),
        sa.Column("note", sa.Text()),
        sa.PrimaryKeyConstraint("sync", "content"),
    )
