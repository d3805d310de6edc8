"""The audit as the database keeps it: entries are added, and never changed or taken away.

A trigger refuses it to everybody who doesn't drop the trigger first: a slip of ours, a repair by hand.
Against whoever means to, the chain helps (provisioner/audit/walk.py). Migrations have a copy of their own.
"""

from __future__ import annotations

from sqlalchemy import DDL, Table, event

REFUSAL = "the audit is append-only"

SQLITE = tuple(
    f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit"
    f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    for verb in ("UPDATE", "DELETE")
)
POSTGRESQL = (
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
    "CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)


def keep_append_only(audit: Table) -> None:
    """Have the triggers made with the table, on either database."""
    for dialect, statements in (("sqlite", SQLITE), ("postgresql", POSTGRESQL)):
        for statement in statements:
            made = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
            event.listen(audit, "after_create", made)
