"""When each phone user's delegations were last read, where that costs a call for each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delegation_reads",
        sa.Column("sync", sa.String(), nullable=False),
        sa.Column("phone_id", sa.String(), nullable=False),
        sa.Column("read_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sync", "phone_id"),
    )
