"""The store's tables: what was read, planned, decided and done.

Times are UTC text in ISO 8601 to the microsecond, so that they sort as text on every database;
documents are JSON text. Keys are folded (connectors.records.fold) where they are compared. Plans are
counted by the database itself, so that two processes never give one id, and a higher one is newer
whatever the clock says.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

syncs = Table(
    "syncs",
    metadata,
    Column("sync", String, primary_key=True),
    # when, and by whom, a full plan was first approved: until then every plan waits
    Column("adopted_at", String),
    Column("adopted_by", String),
)

reads = Table(
    "reads",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sync", String, nullable=False),
    Column("directory", String, nullable=False),
    Column("read_at", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("figures", Text, nullable=False),  # reads.Figures as JSON
    Column("accepted", Boolean, nullable=False),
    # an operator accepted this very read although it was implausible: the new measure
    Column("overruled", Boolean, nullable=False),
    Index("reads_by_directory", "sync", "directory", "read_at"),
)

entries = Table(
    "entries",
    metadata,
    Column("sync", String, primary_key=True),
    Column("directory", String, primary_key=True),
    Column("block", String, primary_key=True),  # hash of what it holds: store/entries.py
    # no longer in the directory, and kept because they are bound: their last known attributes
    Column("gone", Boolean, nullable=False),
    Column("columns", Text),  # what the values of a table's rows are, as JSON
    Column("people", LargeBinary, nullable=False),  # who is in it, in its order
    Column("data", LargeBinary, nullable=False),  # people as msgpack, of the last accepted read
)

bindings = Table(
    "bindings",
    metadata,
    Column("sync", String, primary_key=True),
    Column("key", String, primary_key=True),  # folded
    Column("phone_id", String, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column(
        "gone_since", String
    ),  # first accepted read that shows them gone, inactive, out of scope
)

applied = Table(
    "applied",
    metadata,
    Column("sync", String, primary_key=True),
    Column("key", String, primary_key=True),  # folded
    Column("entitlement", String, primary_key=True),
    Column("value", Text, nullable=False),  # JSON
)

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sync", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("mapping", String, nullable=False),
    Column("sha256", String, nullable=False),  # of the content that was reviewed
    Column("head", Text, nullable=False),  # the plan JSON but for its changes
    Column("approved_at", String),
    Column("approved_by", String),
    Column("rejected_at", String),
    Index("plans_by_sync", "sync", "scope", "id"),
    sqlite_autoincrement=True,  # an id is never given a second time
)

changes = Table(
    "changes",
    metadata,
    Column("plan", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("sync", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False),  # folded
    Column("content", String, nullable=False),  # what a decision is about, hashed
    Column("document", Text, nullable=False),  # the plan JSON's change
    # what was decided of it, whatever became of it since: planned, held, manual, approved, rejected
    Column("decided", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Text),
    Column("state_at", String, nullable=False),
    Column("phone_id", String),
    Index("changes_by_content", "sync", "content"),
    Index("changes_by_state", "sync", "state", "state_at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("sync", String, primary_key=True),
    Column("content", String, primary_key=True),
    Column("decision", String, nullable=False),  # approved or rejected
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("plan", Integer, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("sync", String, nullable=False),
    Column("plan", Integer),
    Column("command", String, nullable=False),
    Column("started_at", String, nullable=False),
    Column("ended_at", String),
    Column("status", Integer),  # the exit status
    Column("summary", Text),  # JSON
    Index("runs_by_sync", "sync", "started_at"),
)

journal = Table(
    "journal",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", String, nullable=False),
    Column("run", String, nullable=False),
    Column("plan", Integer),
    Column("seq", Integer),
    Column("event", String, nullable=False),  # a change's state, or "not sent"
    Column("detail", Text, nullable=False),  # JSON, never a payload or a secret
    Index("journal_by_run", "run"),
)

leases = Table(
    "leases",
    metadata,
    # one holder at a time: `sync:NAME` while one process plans or applies that sync
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("until", String, nullable=False),
)
