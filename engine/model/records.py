"""What happened and what was said: appended, never edited."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from engine.model.columns import Id, Instant, case_column, key_column, metadata
from engine.model.sealed import SealedJSON, SealedText

# what a line of history may say without being sealed: where the process went, and keys of ours
PLAIN = frozenset({"step", "passed", "came", "gone", "renamed", "version", "migration", "task",
                   "channel", "report_type", "status", "was", "secrecy",
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

acts = Table(
    "acts",  # what was done that belongs to no case: logging in, accounts, tokens, agencies, versions; only appended
    metadata,
    key_column(),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),  # login, "cli" or "system"; "unknown": somebody who could not log in
    Column("subject", Text),  # to what or whom it was done: a login, an agency's key, a report type's code
    Column("address", Text),  # from which network address, where that is known
    Column("data", JSON, nullable=False),
    Index(None, "at"),
)

links = Table(
    "links",  # chains the rows of `events` and `acts` together, after they were committed: see `engine.record.chain`
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=False),  # 1, 2, 3, … without a gap
    Column("source", Text, nullable=False),  # the table: "events" or "acts"
    Column("row_id", Id, nullable=False),
    Column("day", Date, nullable=False),  # the local day on which it was linked
    Column("content", LargeBinary, nullable=False),  # sha256 of the row's data
    Column("hash", LargeBinary, nullable=False),  # sha256 of the link before, this one, and the row
    UniqueConstraint("source", "row_id"),
    Index(None, "day", "seq"),
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

# files of a kind of which nobody can take out what they tell unseen (all but `engine.files.reading.BARED`)
DOUBTFUL = text(
    "media_type NOT IN ('audio/mp4', 'audio/x-m4b', 'image/avif', 'image/heic', 'image/heif', 'image/jpeg', "
    "'image/png', 'image/webp', 'video/3gpp', 'video/3gpp2', 'video/mp4', 'video/quicktime')"
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
    # who reported, or could have: then it is withheld (`engine.files.reading`), as is what an older version wrote
    Column("author_knew", Boolean, nullable=False, server_default=text("true")),
    Index(None, "case_id"),
    Index("ix_attachments_doubtful", "id", sqlite_where=DOUBTFUL, postgresql_where=DOUBTFUL),
)
