"""Every call and message, whatever became of it, and what the keys of the telephone mean."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text, UniqueConstraint, text

from engine.model.columns import Id, Instant, key_column, metadata, one_of

OUTCOMES = ("answered", "case", "missed", "refused", "duplicate", "wrong_number")

contacts = Table(
    "contacts",
    metadata,
    key_column(),
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("direction", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("branch", Text),  # the keys pressed, "5" or "5.1"
    Column("call_id", Text),  # what the exchange or the messenger calls it
    Column("started_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("put_through_at", Instant),  # by the exchange, to somebody else: told to the case; a leg: they have answered
    Column("ended_at", Instant),
    Column("outcome", Text),  # null: not known (yet)
    Column("topic", Text),  # in a few words, for the report of what people ask about; never personal data
    Column("area", Text, ForeignKey("areas.code")),
    Column("agency", Text),  # who took it
    Column("taken_by", Text),  # log-in
    Column("case_id", Id, ForeignKey("cases.id", ondelete="SET NULL")),
    Column("answered_by", Text),  # the number of ours that has it on the line, or had it: who took it, or who made it
    Column("leg_of", Id, ForeignKey("contacts.id")),  # the caller's call for which this one was made
    one_of("direction", "in", "out"),
    one_of("outcome", *OUTCOMES),
    CheckConstraint("case_id IS NULL OR outcome = 'case'", name="case"),
    Index("ix_contacts_day", "province", "started_at", "id"),
    Index("uq_contacts_call", "province", "channel", "call_id", unique=True,
          sqlite_where=text("call_id IS NOT NULL"), postgresql_where=text("call_id IS NOT NULL")),
    Index("ix_contacts_leg_of", "leg_of",
          sqlite_where=text("leg_of IS NOT NULL"), postgresql_where=text("leg_of IS NOT NULL")),
    Index("ix_contacts_case_id", "case_id",
          sqlite_where=text("case_id IS NOT NULL"), postgresql_where=text("case_id IS NOT NULL")),
)  # fmt: skip

branches = Table(
    "branches",  # a row says what a key means from an instant on, until a later row says otherwise
    metadata,
    key_column(),
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("key", Text, nullable=False),  # "5", "5.1"
    Column("name", Text, nullable=False),
    Column("report_type", Text),  # what is opened for whoever presses it; null: calls are only answered or put through
    Column("agency", Text, ForeignKey("agencies.key")),  # whose it is
    Column("transfer_to", Text),  # the number calls are put through to
    Column("closed", Boolean, nullable=False, server_default=text("false")),  # pressed in vain from then on
    Column("valid_from", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    UniqueConstraint("province", "key", "valid_from"),
)
