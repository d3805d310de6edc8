"""A plan says after which other its reads began: what was pushed meanwhile is newer than it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plans", sa.Column("read_after", sa.Integer(), nullable=True))
