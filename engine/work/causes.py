"""What is wrong, by its cause: one fault of a report type, or one gateway that is away, may hold up hundreds of cases.

Incidents have one cause if they are of the same version, at the same element, with the same words; letters that were
given up, if they were of the same kind and topic and failed with the same words. A cause is named by any one of its
incidents or letters. Trying all of them again is a row for each: incidents are left to the workers as jobs, so that
whoever asked for it may go on to something else, and what is left after a crash is done by the next worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal_column, select

from engine import queries
from engine.model import cases, definitions, incidents
from engine.model import jobs as job_table
from engine.model import outbox as letters
from engine.paging import Page, oldest_first
from engine.people import access
from engine.people.access import Account
from engine.queues import jobs, outbox
from engine.runtime import Unit

MOST = 1_000  # at one click
SHOWN = 100  # causes in a list
RETRY = "retry"  # the kind of a job that takes an incident's step again

_OPEN = incidents.c.resolved_at.is_(None)
_DEAD = letters.c.state == literal_column("'dead'")
_QUEUED = and_(job_table.c.case_id == incidents.c.case_id, job_table.c.token == -incidents.c.id,
               job_table.c.kind == RETRY)  # fmt: skip


@dataclass(frozen=True)
class Progress:
    """How far the workers are with what was asked for.

    Attributes:
        left: still to be tried.
        of: how many were asked for together; 0: none.
    """

    left: int = 0
    of: int = 0

    @property
    def done(self) -> int:
        return max(0, self.of - self.left)


# -- incidents -----------------------------------------------------------------------------------------------------


def of_incidents(unit: Unit, account: Account) -> list[Row[Any]]:
    """The causes of open incidents that this account may see, most cases first.

    Each is {incident (the oldest), definition_id, report_type, version, element, message, count, since, waiting};
    ``waiting``: how many are about to be tried again.
    """
    known = access.permits(account, "see-incident", access.JOINED_CASES)
    same = (cases.c.definition_id, cases.c.report_type, definitions.c.version, incidents.c.element, incidents.c.message)
    query = select(
        func.min(incidents.c.id).label("incident"), *same, func.count().label("count"),
        func.min(incidents.c.opened_at).label("since"), func.count(job_table.c.id).label("waiting"),
    )  # fmt: skip
    joined = _with_case().join(definitions, definitions.c.id == cases.c.definition_id)
    query = query.select_from(joined.outerjoin(job_table, _QUEUED))
    query = query.where(_OPEN, known).group_by(*same)
    return unit.all(query.order_by(func.count().desc(), func.min(incidents.c.id)).limit(SHOWN))


def same_cause(unit: Unit, account: Account, incident_id: int, after: str | None = None) -> Page:
    """The open incidents with this one's cause, oldest first, as `queries.list_incidents` shows them.

    Raises:
        NotFound: there is no such incident, or it is not this account's to see.
    """
    one = queries.show_incident(unit, account, incident_id)
    known = access.permits(account, "see-incident", access.JOINED_CASES)
    query = select(incidents, cases.c.number, cases.c.report_type).select_from(_with_case()).where(known)
    return oldest_first(unit, query.where(_OPEN, *_like(one)), incidents.c.id, 50, after)


def retry(unit: Unit, account: Account, incident_id: int) -> int:
    """Have the workers take the steps of all open incidents with this one's cause again, as far as this account may.

    Returns:
        How many there are, `MOST` at once; what already waits to be tried counts, and is not tried twice.

    Raises:
        NotFound: there is no such incident, or it is not this account's to retry.
    """
    one = queries.show_incident(unit, account, incident_id, "retry")
    known = access.permits(account, "retry", access.JOINED_CASES)
    query = select(incidents.c.id, incidents.c.case_id).select_from(_with_case()).where(known, _OPEN)
    found = unit.all(query.where(*_like(one)).order_by(incidents.c.id).limit(MOST))
    for row in found:
        payload = {"incident": row.id, "by": account.login, "of": len(found)}
        jobs.put(unit, row.case_id, -row.id, RETRY, unit.now, payload, jobs.WHENEVER)
    return len(found)


def progress(unit: Unit, account: Account, incident_id: int) -> Progress:
    """How far the retries of incidents like this one are: of its version and element, for its words may change.

    Raises:
        NotFound: there is no such incident, or it is not this account's to see.
    """
    one = queries.show_incident(unit, account, incident_id)
    known = access.permits(account, "see-incident", access.JOINED_CASES)
    where = (*_like(one)[:2], known)
    rows = unit.all(select(job_table.c.payload).select_from(_with_case().join(job_table, _QUEUED)).where(*where))
    return Progress(len(rows), max((row.payload["of"] for row in rows), default=0))


def _with_case() -> Any:
    return incidents.join(cases, cases.c.id == incidents.c.case_id)


def _like(one: Row[Any]) -> tuple[ColumnElement[bool], ...]:
    element = incidents.c.element.is_(None) if one.element is None else incidents.c.element == one.element
    return cases.c.definition_id == one.definition_id, element, incidents.c.message == one.message


# -- letters that were given up --------------------------------------------------------------------------------------


def of_letters(unit: Unit, account: Account) -> list[Row[Any]]:
    """The causes for which letters were given up, most letters first.

    Each is {letter (the oldest), kind, topic, last_error, count, since}.
    """
    same = (letters.c.kind, letters.c.topic, letters.c.last_error)
    query = select(func.min(letters.c.id).label("letter"), *same, func.count().label("count"),
                   func.min(letters.c.created_at).label("since"))  # fmt: skip
    query = _dead(query, account, "see-outbox").group_by(*same)
    return unit.all(query.order_by(func.count().desc(), func.min(letters.c.id)).limit(SHOWN))


def resend(unit: Unit, account: Account, letter_id: int) -> int:
    """Send all letters again that were given up for the same cause as this one, with the same keys.

    Returns:
        How many, `MOST` at once.

    Raises:
        NotFound: there is no such letter, or it is not this account's to send.
    """
    one = queries.show_letter(unit, account, letter_id, "resend")
    why = letters.c.last_error.is_(None) if one.last_error is None else letters.c.last_error == one.last_error
    same = (letters.c.kind == one.kind, letters.c.topic == one.topic, why)
    found = unit.all(_dead(select(letters.c.id), account, "resend").where(*same).order_by(letters.c.id).limit(MOST))
    for row in found:
        outbox.resend(unit, row.id, account.login)
    return len(found)


def _dead(query: Select[Any], account: Account, action: str) -> Select[Any]:
    known = access.permits(account, action, access.JOINED_CASES)
    return query.select_from(letters.join(cases, cases.c.id == letters.c.case_id)).where(_DEAD, known)
