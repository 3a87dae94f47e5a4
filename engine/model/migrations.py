"""Running cases on their way to another version of their report type."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text

from engine.model.columns import Id, Instant, metadata, one_of
from engine.model.sealed import SealedBytes, SealedJSON

migrations = Table(
    "migrations",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("report_type", Text, nullable=False),
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("source_id", Id, ForeignKey("definitions.id"), nullable=False),
    Column("target_id", Id, ForeignKey("definitions.id"), nullable=False),
    Column("elements", JSON, nullable=False),  # old element -> new one, or null: given up
    Column("reason", Text, nullable=False),
    Column("canary", Integer),  # how many cases are moved first, before somebody says that the others may follow
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),  # log-in
    Column("finished_at", Instant),
    one_of("state", "running", "canary", "done", "cancelled", "undoing", "undone"),
)

migration_cases = Table(
    "migration_cases",
    metadata,
    Column("migration_id", Id, ForeignKey("migrations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("case_id", Id, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("why", Text),  # it was refused, or could not go back
    Column("at", Instant),
    # to go back
    Column("revision", Integer),  # of its process, once it had moved
    Column("before", SealedBytes("migration_cases.before")),
    Column("changes", SealedJSON("migration_cases.changes")),
    # of an attempt that was begun (`engine.queues.attempts`)
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("due_at", Instant),  # when another may be made; null: at once
    one_of("state", "waiting", "moved", "refused", "gone", "undone", "kept"),
    Index(None, "migration_id", "state", "case_id"),
    Index(None, "case_id"),
)
