"""What must happen later, what is owed, what came in, what could not be done."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from engine.model.columns import Id, Instant, case_column, key_column, metadata, one_of
from engine.model.sealed import SealedBytes, SealedJSON, SealedText

jobs = Table(
    "jobs",
    metadata,
    key_column(),
    case_column(),
    Column("token", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("priority", SmallInteger, nullable=False, server_default="1"),  # 0 emergency, 1 normal, 2 whenever
    Column("state", Text, nullable=False),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease_owner", Text),
    Column("lease_until_at", Instant),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("payload", SealedJSON("jobs.payload", frozenset({"deadline"})), nullable=False),
    Column("last_error", Text),
    one_of("state", "ready", "leased", "incident", "suspended", "held"),  # suspended: by a pause; held: the case is
    one_of("kind", "timer", "warning", "breach", "answer", "message", "retry"),
    UniqueConstraint("case_id", "token", "kind"),
    Index(
        "ix_jobs_due",
        "priority",
        "due_at",
        "id",
        sqlite_where=text("state = 'ready'"),
        postgresql_where=text("state = 'ready'"),
    ),
    Index(
        "ix_jobs_lease",
        "lease_until_at",
        sqlite_where=text("state = 'leased'"),
        postgresql_where=text("state = 'leased'"),
    ),
)

outbox = Table(
    "outbox",
    metadata,
    key_column(),
    Column("case_id", Id, ForeignKey("cases.id", ondelete="CASCADE")),  # null: about no case (`statistics.periodic`)
    Column("key", Text, nullable=False, unique=True),  # Idempotency-Key: the same at every attempt
    Column("kind", Text, nullable=False),
    Column("topic", Text, nullable=False),  # text id of a message, or topic of a service call
    Column("token", Integer, nullable=False),
    Column("person_id", Id, ForeignKey("people.id", ondelete="SET NULL")),  # addresses are looked up when sending
    Column("agency", Text),
    Column("account_id", Id, ForeignKey("accounts.id", ondelete="SET NULL")),  # to somebody of that agency, personally
    Column("payload", SealedJSON("outbox.payload"), nullable=False),  # {"text": …} or a service call's input
    Column("state", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease_owner", Text),
    Column("lease_until_at", Instant),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("last_error", Text),
    # of service calls that programs outside answer (`engine.work.external`)
    Column("element", Text),
    Column("priority", Integer, nullable=False, server_default="0"),  # the higher, the sooner
    Column("retries", SmallInteger),  # left, as the program last said
    # what it answered, or the error of the diagram: for replays
    Column("answer", SealedJSON("outbox.answer", none_as_null=True)),
    Column("error_details", SealedText("outbox.error_details")),
    Column("reference", Text),  # what the gateway called it
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    one_of("state", "ready", "leased", "sent", "dead"),
    one_of("kind", "sms", "email", "zalo", "facebook", "viber", "webhook", "service"),
    Index(
        "ix_outbox_due",
        "kind",
        "due_at",
        "id",
        sqlite_where=text("state = 'ready'"),
        postgresql_where=text("state = 'ready'"),
    ),
    Index(
        "ix_outbox_lease",
        "lease_until_at",
        sqlite_where=text("state = 'leased'"),
        postgresql_where=text("state = 'leased'"),
    ),
    Index(
        "ix_outbox_dead",
        "id",
        sqlite_where=text("state = 'dead'"),
        postgresql_where=text("state = 'dead'"),
    ),
    Index(None, "case_id"),
)

case_messages = Table(
    "case_messages",  # what cases tell each other: a message for whoever waits for it, a signal for each who does;
    # and messages from outside that are kept until a case waits for them
    metadata,
    key_column(),
    Column("source", Text, nullable=False, unique=True),  # who threw it, and where: the same is never written twice
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("key", Text),  # of a message: under which it is awaited
    Column("payload", SealedJSON("case_messages.payload"), nullable=False),
    Column("sender_id", Id, ForeignKey("cases.id", ondelete="CASCADE")),  # null: from outside
    Column("sent_by", Text),  # login of who has sent a message from outside
    Column("element", Text),  # that threw it
    Column("case_id", Id, ForeignKey("cases.id", ondelete="CASCADE")),  # who hears it; of a message: who has taken it
    Column("token", Integer),  # that has taken a message; the newest that waited for a signal
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),  # when to look (again) for who waits for it
    Column("until_at", Instant, nullable=False),  # then it is given up
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("settled_at", Instant),
    Column("last_error", Text),
    one_of("kind", "message", "signal"),
    one_of("state", "waiting", "taken", "missed", "dead"),  # missed: a signal, by who waits for it no more
    Index(
        "ix_case_messages_due",
        "due_at",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(
        "ix_case_messages_waiting",
        "name",
        "key",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(
        "ix_case_messages_outside",
        "id",
        sqlite_where=text("sent_by IS NOT NULL"),
        postgresql_where=text("sent_by IS NOT NULL"),
    ),
    Index(None, "sender_id"),
    Index(None, "case_id"),
)

arrivals = Table(
    "arrivals",  # messages that came in, as they came; acknowledged once they are here
    metadata,
    key_column(),
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("event_id", Text, nullable=False),  # what the sender's system calls it; the same when it is sent again
    Column("body", SealedBytes("arrivals.body"), nullable=False),  # emptied some time after it was dealt with
    Column("state", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),  # when to try (again), unless it has been dealt with by then
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("last_error", Text),
    Column("processed_at", Instant),
    Column("case_id", Id, ForeignKey("cases.id", ondelete="SET NULL")),  # null: there was nothing to do
    Column("contact_id", Id, ForeignKey("contacts.id", ondelete="SET NULL")),
    one_of("state", "waiting", "done", "dead"),
    UniqueConstraint("province", "channel", "event_id"),
    Index(
        "ix_arrivals_due",
        "due_at",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(
        "ix_arrivals_dead",
        "id",
        sqlite_where=text("state = 'dead'"),
        postgresql_where=text("state = 'dead'"),
    ),
)

fetches = Table(
    "fetches",  # files that people sent by chat, as links that expire: see `engine.channels.fetches`
    metadata,
    key_column(),
    case_column(),
    Column("url", SealedText("fetches.url"), nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),  # when to try (again), unless it is here by then
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("last_error", Text),
    Column("attachment_id", Id, ForeignKey("attachments.id", ondelete="SET NULL")),
    one_of("state", "waiting", "done", "dead"),
    Index(None, "case_id"),
    Index(
        "ix_fetches_due",
        "due_at",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

incidents = Table(
    "incidents",
    metadata,
    key_column(),
    case_column(),
    Column("element", Text),
    Column("message", Text, nullable=False),
    Column("detail", SealedText("incidents.detail"), nullable=False, server_default=""),
    Column("step", SealedJSON("incidents.step"), nullable=False),  # the step to take again
    Column("job_id", Id),  # the job that holds the step, where there is one
    Column("attempts", SmallInteger, nullable=False, server_default="1"),
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("resolved_by", Text),
    Column("annotation", Text),  # what people note about it
    Index(
        "ix_incidents_open",
        "opened_at",
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    Index(None, "case_id"),
)

workers = Table(
    "workers",  # processes that do what is due, as they say themselves: see `engine.queues.presence`
    metadata,
    Column("owner", Text, primary_key=True),  # as in `lease_owner`
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
