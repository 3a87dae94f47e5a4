"""What the public is told of a closed case, in words that somebody has edited."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text, text

from engine.model.columns import Id, Instant, metadata

_APPROVED = text("approved_at IS NOT NULL")

publications = Table(
    "publications",  # the latest decision on each case; earlier ones are in its history
    metadata,
    Column("case_id", Id, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("subject", Text),
    Column("words", Text),
    Column("result", Text),
    Column("withheld", Text),  # why it is not published; then there are no texts
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),  # log-in
    Column("approved_at", Instant),  # since when it is to be seen
    Column("approved_by", Text),  # null: the type asks for no second person
    Column("withdrawn_at", Instant),
    Column("withdrawn_by", Text),
    Column("withdrawn_reason", Text),
    CheckConstraint("withheld IS NULL OR approved_at IS NULL", name="withheld"),
    CheckConstraint(
        "withheld IS NOT NULL OR (subject IS NOT NULL AND words IS NOT NULL AND result IS NOT NULL)", name="texts"
    ),
    Index("ix_publications_shown", "approved_at", "case_id", sqlite_where=_APPROVED, postgresql_where=_APPROVED),
)
