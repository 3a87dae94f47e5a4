"""Many things of one kind that workers do one by one, and searches that people keep."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text, text

from engine.model.columns import Id, Instant, key_column, metadata, one_of
from engine.model.sealed import SealedJSON

batches = Table(
    "batches",
    metadata,
    key_column(),
    Column("kind", Text, nullable=False),  # see `engine.work.batches.KINDS`
    Column("payload", SealedJSON("batches.payload"), nullable=False),  # the same for all its lines
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),  # login; what this account may not do is refused line by line
    Column("finished_at", Instant),
    one_of("state", "running", "held", "done", "cancelled"),
    Index(
        "ix_batches_running",
        "id",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
)

batch_lines = Table(
    "batch_lines",
    metadata,
    Column("batch_id", Id, ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("subject", Text, nullable=False),  # a case's number, or the id of a job or task
    Column("state", Text, nullable=False),
    Column("why", Text),  # it was refused
    # of an attempt that was begun (`engine.queues.attempts`)
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("due_at", Instant),  # when another may be made; null: at once
    one_of("state", "waiting", "done", "refused"),
    Index(None, "batch_id", "state", "line"),
)

filters = Table(
    "filters",
    metadata,
    key_column(),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),  # login: nobody else sees it
    Column("page", Text),  # of ours that it is for; NULL: it is of a client of Camunda
    Column("query", JSON, nullable=False),  # a page's address; or as Camunda's clients write searches
    Column("properties", JSON, nullable=False),  # how the client shows it; nothing to us
    Column("created_at", Instant, nullable=False),
    Index(None, "owner", "id"),
)
