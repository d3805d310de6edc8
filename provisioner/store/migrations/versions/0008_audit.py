"""The audit takes the journal's place: its rows begin the chain."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from provisioner.store.chain import NOTHING, Row, detail_text, hash_of
from provisioner.store.moments import written

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_AT_ONCE = 5_000
_COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REFUSAL = "the audit is append-only"
_SQLITE = (
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
    f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
    f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
)
_POSTGRESQL = (
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
    "CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)


def upgrade() -> None:
    audit = op.create_table(
        "audit",
        sa.Column("id", _COUNT, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("sync", sa.String(), nullable=True),
        sa.Column("run", sa.String(), nullable=True),
        sa.Column("plan", sa.Integer(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_by_run", "audit", ["run"], unique=False)
    head = op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", _COUNT, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    connection = op.get_bind()
    entries, last = _take_over(connection, audit)
    connection.execute(head.insert().values(one=1, entries=entries, hash=last))
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
    op.drop_index("journal_by_run", "journal")
    op.drop_table("journal")


def _take_over(connection: sa.Connection, audit: sa.Table) -> tuple[int, str]:
    """Chain the journal's rows, a few thousand at a time; return their number and the last hash."""
    asked = sa.text(
        "SELECT j.id, j.at, r.sync, j.run, j.plan, j.seq, j.event, j.detail"
        " FROM journal j LEFT JOIN runs r ON r.id = j.run"
        " WHERE j.id > :after ORDER BY j.id LIMIT :most"
    )
    after, prev = 0, NOTHING
    number = 0
    while some := connection.execute(asked, {"after": after, "most": _AT_ONCE}).all():
        rows = []
        for _, at, sync, run, plan, seq, event, detail in some:
            number += 1
            row = Row(number, at, sync, run, plan, seq, f"change.{event}", detail, "")
            prev = hash_of(prev, row)
            rows.append(row._replace(hash=prev)._asdict())
        connection.execute(audit.insert(), rows)
        after = some[-1].id
    began = _beginning(connection, number + 1)
    if began is None:
        return number, prev
    prev = hash_of(prev, began)
    connection.execute(audit.insert().values(began._replace(hash=prev)._asdict()))
    return number + 1, prev


def _beginning(connection: sa.Connection, number: int) -> Row | None:
    """Return the entry that says which plan and run are older than the audit; None in a new store."""
    plan = connection.execute(sa.text("SELECT max(id) FROM plans")).scalar()
    newest = sa.text("SELECT id FROM runs ORDER BY started_at DESC LIMIT 1")
    run = connection.execute(newest).scalar()
    if plan is None and run is None:
        return None
    detail = detail_text({"journal": number - 1, "last_plan": plan, "last_run": run})
    at = written(datetime.now(UTC))
    return Row(number, at, None, None, None, None, "audit.began", detail, "")
