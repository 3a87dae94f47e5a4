"""What was reported of a day: appended, never edited."""

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
