"""What happened and what was said: appended, never edited."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)

from engine.model.columns import Instant, case_column, key_column, metadata

events = Table(
    "events",  # history = audit = the citizen's timeline; appended, never edited
    metadata,
    key_column(),
    case_column(),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),  # login, "citizen" or "system"
    Column("element", Text),
    Column("data", JSON, nullable=False),
    Index(None, "case_id", "id"),
)

inbox = Table(
    "inbox",  # what was answered to an Idempotency-Key
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),  # sha256 of method, path and body
    Column("status", SmallInteger, nullable=False),
    Column("answer", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index(None, "created_at"),
)

comments = Table(
    "comments",
    metadata,
    key_column(),
    case_column(),
    Column("at", Instant, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("public", Boolean, nullable=False, server_default=text("false")),  # the citizen sees it
    Index(None, "case_id"),
)

attachments = Table(
    "attachments",
    metadata,
    key_column(),
    case_column(),
    Column("at", Instant, nullable=False),
    Column("author", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),  # found from the content, not believed
    Column("size", Integer, nullable=False),
    Column("sha256", Text, nullable=False),  # also the file's name in the store
    Index(None, "case_id"),
)
