"""What happened and what was said: appended, never edited."""

from __future__ import annotations

from sqlalchemy import (
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
from engine.model.sealed import SealedJSON, SealedText

# what a line of history may say without being sealed: where the process went, and keys of ours
PLAIN = frozenset({"step", "passed", "came", "gone", "task", "channel", "report_type", "status", "was", "secrecy",
                   "outbox", "text", "stars", "outcome", "due_at", "agency", "topic", "attachment", "media_type",
                   "size", "unmasking", "message", "signal", "comment", "public", "into", "number"})  # fmt: skip
LOOKED = ("person-viewed", "person-exported", "case-viewed")  # lines that say who was shown what

events = Table(
    "events",  # history = audit = the citizen's timeline; appended, never edited
    metadata,
    key_column(),
    case_column(),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),  # login, "citizen" or "system"
    Column("element", Text),
    Column("data", SealedJSON("events.data", PLAIN), nullable=False),
    Index(None, "case_id", "id"),
)

inbox = Table(
    "inbox",  # what was answered to an Idempotency-Key
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),  # sha256 of method, path and body
    Column("status", SmallInteger, nullable=False),
    Column("answer", SealedJSON("inbox.answer"), nullable=False),
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
    Column("text", SealedText("comments.text"), nullable=False),
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
    Column("name", SealedText("attachments.name"), nullable=False),
    Column("media_type", Text, nullable=False),  # found from the content, not believed
    Column("size", Integer, nullable=False),
    Column("sha256", Text, nullable=False),  # also the file's name in the store
    Index(None, "case_id"),
)
