"""What waits for the workers of this installation: how much, and which rows.

The numbers are of all provinces, for all share the workers; the rows are those of the cases that an account sees.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, func, null, select, union_all

from engine import queries
from engine.model import cases
from engine.model import jobs as job_table
from engine.model import outbox as letters
from engine.paging import Page, due_after, page, write_cursor
from engine.people import access
from engine.people.access import Account
from engine.queues import jobs, leases, outbox
from engine.runtime import Unit

SHOWN = 50  # rows of a page
_JOB = (job_table.c.id, job_table.c.kind, null().label("topic"), null().label("agency"), job_table.c.due_at,
        job_table.c.attempts, job_table.c.last_error)  # fmt: skip
_LETTER = (letters.c.id, letters.c.kind, letters.c.topic, letters.c.agency, letters.c.due_at, letters.c.attempts,
           letters.c.last_error)  # fmt: skip


def depth(unit: Unit) -> dict[str, dict[str, float]]:
    """How much waits: {jobs, outbox}, as `jobs.depth` and `outbox.depth` say it."""
    return {"jobs": jobs.depth(unit), "outbox": outbox.depth(unit)}


def due(unit: Unit, account: Account, what: str, after: str | None = None) -> Page:
    """What is to be done or sent by now, longest due first: {number, report_type, kind, topic, agency, due_at,
    attempts, last_error}; ``topic`` and ``agency`` of letters only, and without an agency they go to a citizen.

    Args:
        what: jobs (timers and warnings) or outbox.
    """
    table, query = _due(unit, account, what)
    rows = unit.all(due_after(query, table.c.due_at, table.c.id, after).limit(SHOWN + 1))
    return page(rows, SHOWN, lambda row: write_cursor(row.due_at, row.id))


def in_hand(unit: Unit, account: Account) -> list[Row[Any]]:
    """What workers hold at this moment, of both kinds, as above; ``topic``: of letters only."""
    held = union_all(_jobs(account, leases.in_state(job_table, "leased")),
                     _letters(account, leases.in_state(letters, "leased"))).subquery()  # fmt: skip
    return unit.all(select(held).order_by(held.c.due_at).limit(SHOWN))


def of_others(unit: Unit, account: Account, what: str, found: int) -> int:
    """How many of ``found`` rows that are due this account does not see, for they are another province's."""
    _table, query = _due(unit, account, what)
    return max(0, found - int(unit.scalar(select(func.count()).select_from(query.subquery())) or 0))


def _due(unit: Unit, account: Account, what: str) -> tuple[Table, Select[Any]]:
    table, rows = {"jobs": (job_table, _jobs), "outbox": (letters, _letters)}[what]
    return table, rows(account, leases.is_due(table, unit.now))


def _jobs(account: Account, wanted: ColumnElement[bool]) -> Select[Any]:
    known = access.permits(account, "see-incident", access.JOINED_CASES)
    query = select(*_JOB, cases.c.number, cases.c.report_type).join_from(job_table, cases)
    return query.where(wanted, job_table.c.priority.in_(jobs.PRIORITIES), known)


def _letters(account: Account, wanted: ColumnElement[bool]) -> Select[Any]:
    query = queries.owed(account, "see-outbox").where(wanted)
    return query.with_only_columns(*_LETTER, cases.c.number, cases.c.report_type, maintain_column_froms=True)
