"""How things stood when they were counted last."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Table, Text

from engine.model.columns import Instant, metadata

overviews = Table(
    "overviews",
    metadata,
    Column("scope", Text, primary_key=True),  # who sees the same cases: `engine.statistics.recounts`
    Column("counted_at", Instant, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("recounting_until_at", Instant),  # somebody counts anew; if it takes longer than that, it has died
)
