"""Changes by person: what somebody once lost is asked for when they come back."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("changes_by_key", "changes", ["sync", "key"])
