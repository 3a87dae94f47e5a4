"""Lists of people that become cases, row by row."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text, text

from engine.model.columns import Id, Instant, key_column, metadata, one_of
from engine.model.sealed import SealedJSON, SealedText

_ALIVE = text("state = 'waiting'")
_TAKEN = text("state IN ('waiting', 'done') AND NOT dry_run")

imports = Table(
    "imports",
    metadata,
    key_column(),
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("report_type", Text, nullable=False),
    Column("name", SealedText("imports.name"), nullable=False),  # what the sender calls the file
    Column("sha256", Text, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    # position, created and running: what `import_rows` tells is added when the import ends
    Column("position", Integer, nullable=False, server_default="0"),  # how many rows have been taken up
    Column("total", Integer, nullable=False),
    Column("creatable", Integer, nullable=False),  # as it looked when the file came
    Column("created", Integer, nullable=False, server_default="0"),
    Column("running", Integer, nullable=False),  # had an open case already
    Column("duplicates", Integer, nullable=False),
    Column("refusals", SealedJSON("imports.refusals"), nullable=False),
    # headers of columns that mean nothing to us
    Column("unread", SealedJSON("imports.unread"), nullable=False, server_default="[]"),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("finished_at", Instant),
    one_of("state", "ready", "waiting", "done", "cancelled"),  # ready: looked at, and not started
    Index("ix_imports_waiting", "id", sqlite_where=_ALIVE, postgresql_where=_ALIVE),
    # the same list is imported once, whoever sends it how often
    Index("uq_imports_file", "province", "report_type", "sha256", unique=True, sqlite_where=_TAKEN,
          postgresql_where=_TAKEN),
)  # fmt: skip

import_rows = Table(
    "import_rows",
    metadata,
    Column("import_id", Id, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),  # the row, as a spreadsheet numbers it
    Column("state", Text, nullable=False),
    Column("person", SealedJSON("import_rows.person")),  # until the row has been taken up, like the answers
    Column("answers", SealedJSON("import_rows.answers")),
    Column("place", SealedJSON("import_rows.place")),  # area and place, as far as the list tells
    # of an attempt that was begun (`engine.queues.attempts`)
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("due_at", Instant),  # when another may be made; null: at once
    one_of("state", "ready", "waiting", "created", "running", "refused"),
    Index("ix_import_rows_waiting", "import_id", "position", sqlite_where=_ALIVE, postgresql_where=_ALIVE),
)
