"""What was reported of a day, a week or a month: appended, never edited."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Date, ForeignKey, SmallInteger, Table, Text, UniqueConstraint

from engine.model.columns import Instant, key_column, metadata

reported_days = Table(
    "reported_days",
    metadata,
    key_column(),
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("day", Date, nullable=False),  # local
    Column("edition", SmallInteger, nullable=False),  # 1: as the day was closed; 2 …: corrections
    Column("figures", JSON, nullable=False),
    Column("reason", Text),  # of a correction
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),  # log-in
    UniqueConstraint("province", "day", "edition"),
)

periodic_reports = Table(
    "periodic_reports",
    metadata,
    key_column(),
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("key", Text, nullable=False),  # in province.toml
    Column("name", Text, nullable=False),
    Column("begins", Date, nullable=False),  # local, and the first day after:
    Column("ends", Date, nullable=False),
    Column("text", Text, nullable=False),  # as it was sent
    Column("figures", JSON, nullable=False),  # by word, as they were said
    Column("sent_to", JSON, nullable=False),  # keys of agencies
    Column("made_at", Instant, nullable=False),
    UniqueConstraint("province", "key", "begins"),
)
