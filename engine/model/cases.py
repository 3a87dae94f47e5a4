"""Cases, and what a running process projects onto tables."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    select,
    text,
)

from engine.model.columns import Id, Instant, case_column, key_column, metadata, one_of
from engine.model.sealed import Found, SealedBytes, SealedJSON, SealedText

# what a line of a deadline's story says beside the reason that somebody gave
UNSAID = frozenset({"what", "seconds", "words", "from", "due_at", "warn_at", "at", "rule", "term", "calendar",
                    "severity", "days"})  # fmt: skip

numbers = Table(
    "numbers",
    metadata,
    Column("series", Text, primary_key=True),  # "BD.20210903"
    Column("last", Integer, nullable=False),
    CheckConstraint("last > 0", name="last"),
)

cases = Table(
    "cases",
    metadata,
    key_column(),
    Column("number", Text, nullable=False, unique=True),  # 1022.BD.20210903.00042
    Column("definition_id", Id, ForeignKey("definitions.id"), nullable=False),
    Column("report_type", Text, nullable=False),
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("area", Text, ForeignKey("areas.code")),  # district; null: not known yet
    Column("commune", Text, ForeignKey("areas.code")),  # in that district, if the report named one
    Column("place", SealedText("cases.place"), nullable=False, server_default=""),
    Column("channel", Text, nullable=False),
    Column("secrecy", Text, nullable=False),  # C0 … C4
    Column("subject", SealedText("cases.subject"), nullable=False, server_default=""),
    Column("report", SealedJSON("cases.report"), nullable=False),  # the checked answers of the intake form
    Column("status", Text, nullable=False),  # internal status, a key of the type's [statuses]
    Column("outcome", Text),
    Column("severity", Text),
    Column("lead_agency", Text),
    Column("monitor_agency", Text),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("warned_at", Instant),
    Column("breached_at", Instant),
    Column("paused_at", Instant),
    Column("closed_at", Instant),
    Column("emptied_at", Instant),  # nothing personal is kept any more (`engine.erasure.emptying`)
    Column("suspended_at", Instant),  # its process stands still: nothing is taken, no timer fires
    Column("opened_by", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),  # sha256 of the citizen's tracking secret
    Column("duplicate_of", Id, ForeignKey("cases.id")),
    Column("born_of", Id, ForeignKey("cases.id")),  # whose process started it
    Column("extensions", SmallInteger, nullable=False, server_default="0"),
    Column("returns", SmallInteger, nullable=False, server_default="0"),
    Column("reopenings", SmallInteger, nullable=False, server_default="0"),
    Column("rating", SmallInteger),
    # Folded, each word once, in alphabetical order; no name, no number (`language.masks`).
    Column("search_text", Text, nullable=False, server_default=""),
    Column("search_place", Found("cases.search_place"), nullable=False, server_default=""),  # folded, to find it again
    Column("version", Integer, nullable=False, server_default="1"),  # changes beside the steps of its process
    one_of("secrecy", "C0", "C1", "C2", "C3", "C4"),
    CheckConstraint("rating BETWEEN 0 AND 5", name="rating"),
    Index(
        "ix_cases_open",  # in the order of the list; then what never changes and it is narrowed by
        *("province", "due_at", "id", "report_type"),
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index(
        "ix_cases_unled",  # few, among very many: nobody has taken them on yet; a planner prefers it for the agency
        *("province", "lead_agency", "due_at", "id"),
        sqlite_where=text("closed_at IS NULL AND lead_agency IS NULL"),
        postgresql_where=text("closed_at IS NULL AND lead_agency IS NULL"),
    ),
    Index(
        "ix_cases_place",
        "province",
        "search_place",
        "opened_at",
        sqlite_where=text("search_place <> ''"),
        postgresql_where=text("search_place <> ''"),
    ),
    Index(
        "ix_cases_kept",  # what retention has to empty one day
        "report_type",
        "closed_at",
        sqlite_where=text("closed_at IS NOT NULL AND emptied_at IS NULL"),
        postgresql_where=text("closed_at IS NOT NULL AND emptied_at IS NULL"),
    ),
    Index("ix_cases_list", "province", "report_type", "id"),
    Index("ix_cases_day", "province", "opened_at", "id"),  # what was received in a period
    Index(
        "ix_cases_public",  # what anybody may list
        "opened_at",
        "id",
        sqlite_where=text("secrecy = 'C0'"),
        postgresql_where=text("secrecy = 'C0'"),
    ),
    Index(
        "ix_cases_duplicate_of",
        "duplicate_of",
        sqlite_where=text("duplicate_of IS NOT NULL"),
        postgresql_where=text("duplicate_of IS NOT NULL"),
    ),
    Index(
        "ix_cases_suspended",
        "suspended_at",
        sqlite_where=text("suspended_at IS NOT NULL"),
        postgresql_where=text("suspended_at IS NOT NULL"),
    ),
    Index(
        "ix_cases_born_of",
        "born_of",
        sqlite_where=text("born_of IS NOT NULL"),
        postgresql_where=text("born_of IS NOT NULL"),
    ),
)

participants = Table(
    "participants",  # the agencies a case has concerned, so that "my agency's cases" is one indexed look
    metadata,
    Column("agency", Text, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("part", Text, nullable=False),  # lead | monitor | task | handed (by the agency above)
    Index(None, "case_id"),
)

holds = Table(
    "holds",  # a case whose personal data stays for a court or an inspection, whatever retention says
    metadata,
    case_column(primary_key=True, autoincrement=False),
    Column("reason", SealedText("holds.reason"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),  # log-in
)

unmaskings = Table(
    "unmaskings",  # somebody asked to know who reported a case, and may for a while if another person agreed
    metadata,
    key_column(),
    case_column(),
    Column("login", Text, nullable=False),
    Column("reason", SealedText("unmaskings.reason"), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", Text),
    Column("until_at", Instant),  # null: not yet, or refused
    Index(None, "case_id", "login"),
)

people = Table(
    "people",
    metadata,
    key_column(),
    case_column(),
    Column("part", Text, nullable=False),
    Column("name", SealedText("people.name")),
    Column("phone", Found("people.phone")),  # E.164
    Column("email", Found("people.email")),
    Column("address", SealedText("people.address")),
    Column("zalo", Found("people.zalo")),  # what each messenger calls them; nobody else can write to them by it
    Column("facebook", Found("people.facebook")),
    Column("viber", Found("people.viber")),
    Column("kind", Text, nullable=False, server_default="ca_nhan"),
    Column("anonymous", Boolean, nullable=False, server_default=text("false")),
    one_of("part", "reporter", "beneficiary"),
    Index(None, "case_id"),
    Index(None, "phone"),
    *(
        Index(
            f"ix_people_{way}",
            way,
            sqlite_where=text(f"{way} IS NOT NULL"),
            postgresql_where=text(f"{way} IS NOT NULL"),
        )
        for way in ("email", "zalo", "facebook", "viber")
    ),
)

instances = Table(
    "instances",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("definition_id", Id, ForeignKey("definitions.id"), nullable=False),
    Column("state", SealedBytes("instances.state"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("finished_at", Instant),
)

# What has happened to a case so far, as one number that only grows: its ETag.
VERSION = (
    cases.c.version
    + func.coalesce(
        select(instances.c.revision).where(instances.c.case_id == cases.c.id).correlate(cases).scalar_subquery(), 0
    )
).label("version")

tasks = Table(
    "tasks",
    metadata,
    key_column(),
    case_column(),
    Column("token", Integer, nullable=False),  # the token waiting at the element
    Column("element", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("form", Text),
    Column("group", Text, nullable=False),  # agency key
    Column("handed_by", Text),  # the agency above that handed it to this group
    Column("assignee", Id, ForeignKey("accounts.id")),
    Column("owner", Id, ForeignKey("accounts.id")),  # who delegated it
    Column("report_type", Text, nullable=False),
    Column("area", Text),
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("warned_at", Instant),
    Column("breached_at", Instant),
    Column("breached_in", Id),  # the version in which that counts: see `engine.history.heat`
    Column("claimed_at", Instant),
    Column("finished_at", Instant),
    Column("finished_by", Text),
    Column("answers", SealedJSON("tasks.answers")),
    Column("call_result", Text),  # of a call that the type plans ([calls]): what its answer says of it, for figures
    Column("version", Integer, nullable=False, server_default="1"),
    one_of("status", "open", "done", "cancelled"),
    UniqueConstraint("case_id", "token"),
    # every open task has a due_at for sorting: one without a deadline sorts last
    Index(
        "ix_tasks_inbox",  # in the order of the list; then what it is narrowed by, so that no other row is looked at
        *("group", "due_at", "id", "case_id", "report_type", "area", "assignee"),
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
    Index(
        "ix_tasks_due",
        "due_at",
        "id",
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
    Index(
        "ix_tasks_late",  # where deadlines passed, by version
        "breached_in",
        "element",
        "case_id",
        sqlite_where=text("breached_at IS NOT NULL"),
        postgresql_where=text("breached_at IS NOT NULL"),
    ),
    Index(
        "ix_tasks_assignee",
        "assignee",
        "due_at",
        "id",
        sqlite_where=text("status = 'open' AND assignee IS NOT NULL"),
        postgresql_where=text("status = 'open' AND assignee IS NOT NULL"),
    ),
)

OPEN_TASK = tasks.c.status == literal_column("'open'")  # a literal: a bound value would miss the partial index

deadlines = Table(
    "deadlines",
    metadata,
    key_column(),
    case_column(),
    Column("name", Text, nullable=False),  # "case" or a task's element
    Column("token", Integer, nullable=False),  # 0 for the case's own
    Column("calendar", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("warn_at", Instant),
    Column("settled_at", Instant),  # met or no longer awaited
    # how the due time came about: [{what, …, due_at}]
    Column("story", SealedJSON("deadlines.story", UNSAID), nullable=False),
    UniqueConstraint("case_id", "name", "token"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    case_column(),
    Column("token", Integer, nullable=False),
    Column("message", Text, nullable=False),  # its name, or the signal's
    Column("aside", Boolean, nullable=False, server_default=text("false")),  # beside the work, which goes on without it
    Column("kind", Text, nullable=False, server_default="message"),
    Column("key", Text),  # under which a message is awaited; null: the case's number
    one_of("kind", "message", "signal"),  # only signals of the whole province
    UniqueConstraint("case_id", "token", "message"),
    Index(None, "message", "key"),
)
