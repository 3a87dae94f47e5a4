"""With which keys personal data has been sealed; never the keys themselves."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from engine.model.columns import Instant, metadata

data_keys = Table(
    "data_keys",
    metadata,
    Column("id", Text, primary_key=True),  # follows from the key (`engine.storage.sealing.Key`)
    Column("since_at", Instant, nullable=False),
)
