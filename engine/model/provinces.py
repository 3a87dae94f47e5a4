"""What a province decided: its areas, agencies and report types, and who works there."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from engine.model.columns import Folded, Id, Instant, key_column, metadata, one_of
from engine.model.sealed import SealedText

provinces = Table(
    "provinces",
    metadata,
    Column("code", Text, primary_key=True),  # GSO code, "74"
    Column("name", Text, nullable=False),
    Column("short", Text, nullable=False),  # "BD": the province's part of a case number
    Column("settings", JSON, nullable=False),  # province.toml as loaded
)

areas = Table(
    "areas",
    metadata,
    Column("code", Text, primary_key=True),  # GSO code, "718"; of units since July 2025 with a suffix, "25741.2025"
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("name", Text, nullable=False),
    Column("parent", Text, ForeignKey("areas.code")),  # a commune's district; null: cases are kept by this area itself
    Column("level", Text, nullable=False, server_default="district"),
    Column("valid_from", Date),  # first local day; null: since before anybody noted it
    Column("valid_to", Date),  # first local day that it is no more; null: it still is
    Column("search_name", Folded, nullable=False, server_default=""),  # `engine.places.areas.search_keys`
    Column("search_short", Folded, nullable=False, server_default=""),
    one_of("level", "district", "commune"),
    Index(None, "province", "level"),
    Index(None, "parent"),
    Index(None, "search_name"),
    Index(None, "search_short"),
)

area_successors = Table(
    "area_successors",
    metadata,
    Column("area", Text, ForeignKey("areas.code"), primary_key=True),
    Column("successor", Text, ForeignKey("areas.code"), primary_key=True),  # holds all of the area, or a part of it
    Column("since", Date, nullable=False),  # first local day
    Index(None, "successor"),
)

agencies = Table(
    "agencies",
    metadata,
    Column("key", Text, primary_key=True),  # "ubnd_74_718": also the name of the task group
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),  # desk | office | department | district | commune | service | overseer
    Column("area", Text, ForeignKey("areas.code")),
    Column("parent", Text, ForeignKey("agencies.key")),  # whose tasks it may be handed
    Column("valid_from", Date),  # of a commune's, the days of its commune
    Column("valid_to", Date),
    Column("successor", Text, ForeignKey("agencies.key")),  # where its work goes on from valid_to
    Column("email", Text),
    Column("phone", Text),  # the duty phone that internal SMS go to
    Index(None, "parent"),
    Index(None, "province"),
)

agency_changes = Table(  # what administrators decided: see `engine.places.agency_changes`
    "agency_changes",
    metadata,
    key_column(),
    Column("agency", Text, ForeignKey("agencies.key"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),  # log-in
    Column("reason", Text, nullable=False),
    Column("was", JSON, nullable=False),  # the changed columns of `agencies` before; of one that is opened, nothing
    Column("now", JSON, nullable=False),  # and after: these columns are no longer province.toml's
    Column("awaits", Date),  # of a merger: the local day from which its people and files follow; null: they have
    one_of("kind", "opened", "changed", "merged", "closed", "reopened"),
    Index(None, "agency"),
)

declared_days = Table(  # days off and make-up days announced at short notice: see `engine.declared_days`
    "declared_days",
    metadata,
    key_column(),
    Column("province", Text, ForeignKey("provinces.code"), nullable=False),
    Column("day", Date, nullable=False),  # local
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),  # log-in
    Column("reason", Text, nullable=False),
    Column("followed_at", Instant),  # when all terms that ran had followed; null: they are about to
    one_of("kind", "off", "worked", "usual"),
)

definitions = Table(
    "definitions",
    metadata,
    key_column(),
    Column("key", Text, nullable=False),  # the report type's code, "BDTT"
    Column("version", Integer, nullable=False),
    Column("checksum", Text, nullable=False),  # sha256 over all files
    Column("files", LargeBinary, nullable=False),  # zlib-compressed JSON {path: text}; never changed
    Column("processes", JSON, nullable=False, server_default="[]"),  # ids of those drawn in its files
    Column("warnings", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("suspended_at", Instant),  # since when it starts none
    Column("suspended_by", Text),
    Column("suspended_reason", Text),
    Column("wanted_from", Instant),  # of one that waits for approval: when it is to come into force; null: at once
    Column("refused_at", Instant),  # instead of being approved
    Column("refused_by", Text),
    Column("refused_reason", Text),
    UniqueConstraint("key", "version"),
)

activations = Table(  # rows are only added: see `engine.activations`
    "activations",
    metadata,
    key_column(),
    Column("definition_id", Id, ForeignKey("definitions.id"), nullable=False),
    Column("key", Text, nullable=False),  # the definition's
    Column("active_from", Instant, nullable=False),  # the latest (active_from, id) is in force
    Column("decided_at", Instant, nullable=False),
    Column("decided_by", Text, nullable=False),  # log-in
    Column("reason", Text),
    Index(None, "key", "active_from", "id"),
    Index(None, "definition_id"),
)

drafts = Table(  # report types that are being changed: see `engine.versions.drafts`
    "drafts",
    metadata,
    Column("key", Text, primary_key=True),  # the report type's code
    Column("definition_id", Id, ForeignKey("definitions.id"), nullable=False),  # the version it began with
    Column("files", LargeBinary, nullable=False),  # zlib-compressed JSON {name: text}
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Text, nullable=False),  # log-in
)

accounts = Table(
    "accounts",
    metadata,
    key_column(),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("agency", Text, ForeignKey("agencies.key")),
    Column("report_types", JSON),  # null: all of the province; else a list of codes
    Column("areas", JSON),  # null: all of the agency; else a list of area codes
    Column("head", Boolean, nullable=False, server_default=text("false")),  # of the agency: see "headed" in access.py
    Column("email", Text),
    Column("identity", Text),  # who they are to the provider of log-ins: its issuer, a space, their sub
    Column("password_hash", Text),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    one_of("role", "operator", "handler", "monitor", "office", "overseer", "analyst", "admin", "client"),
    Index(None, "identity", unique=True),
    Index(None, "agency"),
)

absences = Table(
    "absences",
    metadata,
    key_column(),
    Column("account_id", Id, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("substitute_id", Id, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("first_day", Date, nullable=False),  # local days, both of them included
    Column("last_day", Date, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),  # log-in
    Column("ended_at", Instant),  # taken back, or back sooner
    Column("ended_by", Text),
    CheckConstraint("first_day <= last_day", name="days"),
    CheckConstraint("account_id <> substitute_id", name="substitute"),
    Index(None, "account_id", "last_day"),
    Index(None, "substitute_id", "last_day"),
)

LOGIN = "login"  # the label of a token that is a log-in

tokens = Table(
    "tokens",
    metadata,
    key_column(),
    Column("account_id", Id, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("hash", Text, nullable=False, unique=True),  # sha256 of the token; the token itself is never stored
    Column("prefix", Text, nullable=False),  # first characters, to tell tokens apart in lists
    Column("label", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("scopes", JSON),  # null: whatever the account may; else a list of `engine.people.access.SCOPES`
    Column("address", Text),  # from where somebody logged in
    Column("used_at", Instant),  # last, to ten minutes
    Index(None, "account_id"),
)

second_factors = Table(
    "second_factors",  # see `engine.people.second_factors`
    metadata,
    Column("account_id", Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("secret", SealedText("second_factors.secret"), nullable=False),  # base32, shared with the person's device
    Column("created_at", Instant, nullable=False),
    Column("confirmed_at", Instant),  # null: the person has not shown a code yet, and none is asked for
    Column("last_step", Integer, nullable=False, server_default="0"),  # 30 s steps since 1970: no code works twice
    Column("recovery", JSON, nullable=False),  # sha256 of the codes that are left
)

login_failures = Table(
    "login_failures",
    metadata,
    key_column(),
    Column("subject", Text, nullable=False),  # "login:5d0c…", "address:10.0.0.7", "browser:k3Jx" or "track:81f2…"
    Column("at", Instant, nullable=False),
    Index("ix_login_failures_subject_at", "subject", "at"),
)
