"""The store's tables: what was read, planned, decided and done, and the audit of it.

Times are UTC text in ISO 8601 to the microsecond, so that they sort as text on every database;
documents are JSON text. Keys are folded (connectors.records.fold) where they are compared. Plans are
counted by the database itself, so that two processes never give one id, and a higher one is newer
whatever the clock says.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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

from provisioner.store.append_only import keep_append_only

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

entry_names = Table(
    "entry_names",
    metadata,
    # who bears a name, as hashes: store/entry_names.py
    Column("sync", String, primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),  # of the name's hash
    Column("directory", String, primary_key=True),
    Column("sha256", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
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

delegation_reads = Table(
    "delegation_reads",
    metadata,
    # when each phone user's delegations were last read, where that costs a call: store/sweeps.py
    Column("sync", String, primary_key=True),
    Column("phone_id", String, primary_key=True),
    Column("read_at", String, nullable=False),
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
    # of a plan for some people only: their folded keys, as JSON, with or without a change
    Column("covers", Text),
    Column("read_after", Integer),  # the newest plan when its reads began; NULL: the one before it
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
    # who sent it: the claim of the run that did, by which the next one knows whether it lives
    Column("sent_by", String),
    Index("changes_by_content", "sync", "content"),
    Index("changes_by_state", "sync", "state", "state_at"),
    Index("changes_by_key", "sync", "key"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("sync", String, primary_key=True),
    Column("content", String, primary_key=True),
    Column("approver", String, primary_key=True),  # folded: nobody counts for two
    Column("decision", String, nullable=False),  # approved or rejected
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("plan", Integer, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    # what an undo took back, and no other plan may bring back unasked: store/refusals.py
    Column("sync", String, primary_key=True),
    Column("wish", String, primary_key=True),  # hashed: plan/content.py
    Column("plan", Integer, primary_key=True, autoincrement=False),  # of the undo
    Column("seq", Integer, nullable=False),  # of the change there that takes it back
    Column("key", String, nullable=False),  # folded
    Column("run", String, nullable=False),  # that is undone
)

reviews = Table(
    "reviews",
    metadata,
    # what somebody once decided about a plan; it stays when the decisions themselves are used up
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("plan", Integer, nullable=False),
    Column("sync", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
    Column("expires_at", String),
    Column("only", Text),  # JSON: the words after --only, null for the whole plan
    Column("changes", Integer),  # how many it was about
    Index("reviews_by_plan", "plan"),
)

parked = Table(
    "parked",
    metadata,
    # people whom runs that nobody asked for leave alone for a while: store/quarantine.py
    Column("sync", String, primary_key=True),
    Column("key", String, primary_key=True),  # folded
    Column("user", String, nullable=False),
    Column("failures", Integer, nullable=False),  # runs in a row
    Column("since", String, nullable=False),
    Column("until", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("plan", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("run", String, nullable=False),  # the last one that counted
)

quarantines = Table(
    "quarantines",
    metadata,
    # syncs whose calls mostly failed: the daemon waits before it runs them again
    Column("sync", String, primary_key=True),
    Column("failures", Integer, nullable=False),  # runs in a row
    Column("since", String, nullable=False),
    Column("until", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("run", String, nullable=False),
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

_COUNT = BigInteger().with_variant(Integer, "sqlite")

audit = Table(
    "audit",
    metadata,
    # counted by the chain, without a gap (store/audit.py); the database refuses to change a row
    # (store/append_only.py)
    Column("id", _COUNT, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("sync", String),
    Column("run", String),
    Column("plan", Integer),
    Column("seq", Integer),
    Column("kind", String, nullable=False),  # object.verb
    Column("detail", Text, nullable=False),  # a JSON object, never a payload or a secret
    Column("hash", String, nullable=False),  # of this entry and the one before (store/chain.py)
    Index("audit_by_run", "run"),
)

keep_append_only(audit)

audit_head = Table(
    "audit_head",
    metadata,
    # where the chain ends, so that a tail that was cut off is missed; who appends locks its one row
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("entries", _COUNT, nullable=False),
    Column("hash", String, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    # one holder at a time: `sync:NAME` while a run applies a full plan of that sync, `plan:ID` while
    # one applies a plan for some of its people, `scheduler` while a daemon keeps the schedule
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("until", String, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    # what a token begins with: it finds the row, and names the token where the token may not stand
    Column("prefix", String, primary_key=True),
    Column("name", String, nullable=False),
    # bearer, client (OAuth), access (a client's), console (an operator's), session (of such a one)
    Column("kind", String, nullable=False),
    Column("sha256", String, nullable=False),  # of the whole token, which is kept nowhere
    Column("sync", String, nullable=False),  # an operator's: several with commas, or *
    Column("scope", String, nullable=False),  # read, or write, which includes it
    Column("client", String),  # what was given for another token: the prefix of that
    Column("created_at", String, nullable=False),
    Column("expires_at", String),
    Column("revoked_at", String),
    Column("last_used_at", String),  # to the minute
    Index("tokens_by_name", "name"),
    Index("tokens_by_client", "client", "expires_at"),
)

mapping_versions = Table(
    "mapping_versions",
    metadata,
    # what the mappings said that plans were made with, by their hash, tables included
    Column("sha256", String, primary_key=True),
    Column("text", Text, nullable=False),  # mapping_versions.py
    Column("at", String, nullable=False),
)

warmed = Table(
    "warmed",
    metadata,
    # pushed directories that an operator has declared ready; any other is still warming
    Column("sync", String, primary_key=True),
    Column("directory", String, primary_key=True),
    Column("at", String, nullable=False),
    Column("by", String, nullable=False),
)

locks = Table(
    "locks",
    metadata,
    # a person is one run's at a time, from the read before their first write to the last one
    Column("sync", String, primary_key=True),
    Column("key", String, primary_key=True),  # folded
    Column("holder", String, nullable=False),  # the claim of the run that has or had them last
    Column("held", Boolean, nullable=False),
    # counts the holders: another turn than last time means that somebody else had the person
    Column("turn", Integer, nullable=False),
)

manual_steps = Table(
    "manual_steps",
    metadata,
    # what only a person can do, as the newest plans hold it: store/manual.py
    Column("sync", String, primary_key=True),
    Column("content", String, primary_key=True),  # of the change: what the step's id is made from
    Column("key", String, nullable=False),  # folded
    Column("plan", Integer, nullable=False),  # the newest one that holds it
    Column("seq", Integer, nullable=False),
    Column("undo", Boolean, nullable=False),  # of an undo's plan, which no other plan supersedes
    Column("since", String, nullable=False),  # when it was first planned
    Column("noted_at", String),  # somebody says that it is done, and no plan has shown it yet
    Column("noted_by", String),
    Column("note", Text),
)

credit_entries = Table(
    "credit_entries",
    metadata,
    # Communications Credits that somebody entered by hand: store/credits.py
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sync", String, nullable=False),
    Column("kind", String, nullable=False),  # purchase or usage
    Column("day", String, nullable=False),
    Column("amount", String, nullable=False),  # decimal, as it was written
    Column("note", Text),
    Column("added_by", String, nullable=False),
    Column("added_at", String, nullable=False),
    Index("credit_entries_by_sync", "sync"),
)
