"""The tables.

One state blob per case (`instances.state`); everything people and machines look at is a projection of it, written by
difference in the same transaction. Every instant is aware UTC and its column ends in ``_at``. What a
citizen is or said lies sealed (`engine.model.sealed`); what came in as it came (`arrivals`) is emptied after a while.
Rules live in the schema as constraints and partial unique indexes where they can.
"""

from __future__ import annotations

from engine.model.batches import batch_lines, batches, filters
from engine.model.cases import (
    OPEN_TASK,
    VERSION,
    cases,
    deadlines,
    holds,
    instances,
    numbers,
    participants,
    people,
    subscriptions,
    tasks,
    unmaskings,
)
from engine.model.columns import Id, Instant, metadata
from engine.model.contacts import branches, contacts
from engine.model.data_keys import data_keys
from engine.model.days import periodic_reports, reported_days
from engine.model.imports import import_rows, imports
from engine.model.migrations import migration_cases, migrations
from engine.model.overviews import overviews
from engine.model.provinces import (
    LOGIN,
    absences,
    accounts,
    activations,
    agencies,
    agency_changes,
    area_successors,
    areas,
    declared_days,
    definitions,
    drafts,
    login_failures,
    provinces,
    second_factors,
    tokens,
)
from engine.model.publications import publications
from engine.model.queues import arrivals, case_messages, fetches, incidents, jobs, outbox, workers
from engine.model.records import acts, attachments, comments, events, inbox, links
from engine.model.seals import SEALS
from engine.model.stays import counted, courses, stays
from engine.model.words import WORDS

__all__ = [
    "LOGIN",
    "OPEN_TASK",
    "SEALS",
    "VERSION",
    "WORDS",
    "Id",
    "Instant",
    "absences",
    "accounts",
    "activations",
    "acts",
    "agencies",
    "agency_changes",
    "area_successors",
    "areas",
    "arrivals",
    "attachments",
    "batch_lines",
    "batches",
    "branches",
    "case_messages",
    "cases",
    "comments",
    "deadlines",
    "contacts",
    "counted",
    "courses",
    "data_keys",
    "declared_days",
    "definitions",
    "drafts",
    "events",
    "fetches",
    "filters",
    "holds",
    "import_rows",
    "imports",
    "inbox",
    "incidents",
    "instances",
    "jobs",
    "links",
    "login_failures",
    "metadata",
    "migration_cases",
    "migrations",
    "numbers",
    "outbox",
    "overviews",
    "participants",
    "people",
    "periodic_reports",
    "provinces",
    "publications",
    "reported_days",
    "second_factors",
    "stays",
    "subscriptions",
    "tasks",
    "tokens",
    "workers",
    "unmaskings",
]
