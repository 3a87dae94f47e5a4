"""How long cases stay at the elements of a version, counted from the record by workers: see `engine.history.stays`."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Date, Double, ForeignKey, Integer, Table, Text

from engine.model.columns import Id, case_column, metadata

stays = Table(
    "stays",
    metadata,
    Column("definition_id", Id, ForeignKey("definitions.id"), primary_key=True, autoincrement=False),
    Column("element", Text, primary_key=True),
    Column("day", Date, primary_key=True),  # the local day on which the cases were opened
    Column("now", Integer, nullable=False),  # tokens that stand there
    Column("visits", Integer, nullable=False),  # stays that have ended
    Column("cancelled", Integer, nullable=False),  # those of them that were called off
    Column("seconds", Double, nullable=False),  # of all that have ended
    Column("longest", Double, nullable=False),
)

courses = Table(
    "courses",  # how far the history of a case is counted, and what goes on there
    metadata,
    case_column(primary_key=True, autoincrement=False),
    Column("line", Id, nullable=False),  # the last of `events` that is counted
    Column("definition_id", Id, nullable=False),  # the version it ran in then
    Column("here", JSON, nullable=False),  # token -> [element, when it came]
)

counted = Table(
    "counted",  # one row: how far the record is counted
    metadata,
    Column("what", Text, primary_key=True),  # "stays"
    Column("seq", Id, nullable=False),  # of the last of `links` whose case has been looked at
)
