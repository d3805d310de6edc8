"""A plan for some people says for whom; a pushed directory is warming until it is declared ready."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plans", sa.Column("covers", sa.Text(), nullable=True))
    op.create_table(
        "warmed",
        sa.Column("sync", sa.String(), nullable=False),
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sync", "directory"),
    )
