"""What people and programs read: lists that show exactly what a single look would not refuse.

Every list is one statement over indexed columns, sorted so that no two rows tie, and continued *after* the last row
seen rather than at an offset: so a page costs the same wherever it is, and a row that arrives meanwhile moves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, literal_column, or_, select

from engine import recent
from engine.errors import InvalidRequest, NotFound
from engine.language import vietnamese
from engine.model import (
    OPEN_TASK,
    VERSION,
    accounts,
    agencies,
    cases,
    incidents,
    outbox,
    participants,
    tasks,
)
from engine.paging import Page, newest_first, oldest_first, soonest_first
from engine.people import access, parts
from engine.people.access import Account
from engine.privacy import firewall, persons
from engine.runtime import Unit
from engine.sql import says

LIMIT_MAX = 200
FEW = 1_000  # cases that say what is searched for
SOON = timedelta(hours=24)  # what a province counts as due soon
LETTER_STATES = ("ready", "leased", "sent", "dead")
_NUMBER = re.compile(r"\d+\.[A-Za-z]+\.[\w.]+\Z")
# never in a list; the report itself is in `show_case`
_HIDDEN = {"secret_hash", "search_text", "search_place", "born_of", "report", "version"}

SUMMARY = (*(column for column in cases.c if column.name not in _HIDDEN), VERSION)
_FIRST_DUE = (tasks.c.due_at.asc().nulls_last(), tasks.c.id)
_TASKS = (
    select(
        *(column for column in tasks.c if column.name not in ("assignee", "token")),
        *(cases.c.number, cases.c.subject, cases.c.place, cases.c.severity, cases.c.province),
        *(accounts.c.login.label("assignee"), accounts.c.name.label("holder")),
    )
    .join(cases, cases.c.id == tasks.c.case_id)
    .outerjoin(accounts, accounts.c.id == tasks.c.assignee)
)


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases; ``None`` leaves a question open.

    Attributes:
        agency: this agency's key; the case concerns or concerned it.
        open: still open (or, ``False``, closed).
        lead: the key of the agency that leads it; "" for cases that none leads yet. (``area`` "": not known yet.)
        overdue: open, not paused, and past its due time.
        soon: open, not paused, not overdue, and due within `SOON`.
        step: the id of an element where a task of it is open; "": none is. To be asked with ``report_type``.
        q: a case number, or words of the subject with or without marks.
        sort: "newest", or "due" for open ones that fall due first; left out, "due" for overdue ones.
    """

    province: str | None = None
    report_type: str | None = None
    status: str | None = None
    agency: str | None = None
    area: str | None = None
    open: bool | None = None
    overdue: bool | None = None
    lead: str | None = None
    soon: bool | None = None
    step: str | None = None
    q: str | None = None
    sort: str | None = None
    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks.

    Attributes:
        assignee: a log-in name; "" for tasks that nobody has claimed.
        assignees: ids of accounts: only what is assigned to one of them.
        due_before: an aware instant, exclusive.
        case: the number of a case.
        q: a case number, or words of the subject with or without marks.
    """

    group: str | None = None
    assignee: str | None = None
    assignees: tuple[int, ...] | None = None
    due_before: datetime | None = None
    report_type: str | None = None
    area: str | None = None
    case: str | None = None
    q: str | None = None
    status: str = "open"
    limit: int = 50
    after: str | None = None


# -- cases ---------------------------------------------------------------------------------------------------------


def list_cases(unit: Unit, account: Account, wanted: CaseFilter) -> Page:
    """The cases this account may know of, newest first, or open ones by due time."""
    by_due = wanted.sort == "due" or (wanted.sort is None and wanted.overdue)
    ours = account.agency is not None and access.seen(account) <= {"agency", "lead"}
    agency = account.agency if ours else wanted.agency or wanted.lead or None
    if by_due:
        return _cases_by_due(unit, account, wanted, agency)
    query = _cases(unit, account, wanted, access.CASES if wanted.report_type else access.JOINED_CASES)
    if agency is None:
        return newest_first(unit, query, cases.c.id, wanted.limit, wanted.after)
    query = query.join(participants, parts.of(agency))
    return newest_first(unit, query, participants.c.case_id, wanted.limit, wanted.after)


def _cases_by_due(unit: Unit, account: Account, wanted: CaseFilter, agency: str | None) -> Page:
    """A province's list is its index of open cases. An agency's is, where that gives a page soon; else all of its own
    are put in order."""
    if agency is None:
        query = _cases(unit, account, wanted, access.CASES)
        if account.province is not None and "all" not in access.seen(account):
            query = query.where(cases.c.province == account.province)  # for the index of open cases
        query = query if wanted.open is False else query.where(cases.c.closed_at.is_(None))
        return soonest_first(unit, query, cases.c.due_at, cases.c.id, wanted)
    query = _cases(unit, account, wanted, access.JOINED_CASES)
    if wanted.open is not False:
        if not parts.are_few(unit, agency):
            near = parts.due_next(agency, wanted, unit.now)
            found = soonest_first(unit, query.join(near, near.c.id == cases.c.id), near.c.due_at, near.c.id, wanted)
            if found.after is not None:
                return found
        query = query.where(cases.c.closed_at.is_(None))
    return soonest_first(unit, query.join(participants, parts.of(agency)), cases.c.due_at, cases.c.id, wanted)


def _cases(unit: Unit, account: Account, wanted: CaseFilter, of: access.Columns) -> Select[Any]:
    readable = access.permits(account, "read").label("readable")
    known = access.permits(account, "see", of)
    return select(*SUMMARY, readable).where(known, *case_conditions(unit, account, wanted, of))


def case_conditions(
    unit: Unit, account: Account, wanted: CaseFilter, of: access.Columns = access.CASES
) -> list[ColumnElement[bool]]:
    equal = {of.province: wanted.province, cases.c.report_type: wanted.report_type,
             cases.c.status: wanted.status, cases.c.area: wanted.area, cases.c.lead_agency: wanted.lead}  # fmt: skip
    asked = {column: value for column, value in equal.items() if value is not None}
    conditions = [column == value if value else column.is_(None) for column, value in asked.items()]
    if wanted.agency is not None:
        conditions.append(access.concerns(wanted.agency))
    if wanted.open is not None:
        conditions.append(cases.c.closed_at.is_(None) if wanted.open else cases.c.closed_at.is_not(None))
    if wanted.overdue is not None:
        late = is_late(unit.now)
        conditions.append(late if wanted.overdue else or_(~late, cases.c.due_at.is_(None)))
    if wanted.soon:
        conditions.append(is_soon(unit.now))
    if wanted.step is not None:
        there = select(tasks.c.id).where(tasks.c.case_id == cases.c.id, OPEN_TASK)
        conditions.append(there.where(tasks.c.element == wanted.step).exists() if wanted.step else ~there.exists())
    if wanted.q:
        conditions.append(_sought(unit, wanted.q))
        if not is_number(wanted.q):  # who may not read a case must not learn by searching what was said in it
            conditions.append(access.permits(account, "read"))
    return conditions


def cases_of_phone(unit: Unit, account: Account, phone: str) -> list[Row[Any]]:
    """The first eight cases that somebody with this number reported or needs help in, open ones and newest first.

    Only those of whose people this account may know.

    Args:
        phone: in E.164.
    """
    theirs = persons.cases_of("phone", phone)
    query = select(*SUMMARY).where(cases.c.id.in_(theirs), access.permits(account, "person", access.JOINED_CASES))
    return unit.all(query.order_by(cases.c.closed_at.is_not(None), cases.c.id.desc()).limit(8))


def is_number(words: str) -> bool:
    """Whether these look like a case's number, such as 1022.BD.20210903.00042, rather than like words."""
    return bool(_NUMBER.match(words.strip()))


def _sought(unit: Unit, words: str, case: Any = cases.c.id) -> ColumnElement[bool]:
    """A number; or words that are all said, the last as far as it was typed.

    Few cases that say them are looked up first; if there are many, a list soon has enough of them in its own order.
    """
    if is_number(words):
        return cases.c.number == words.strip().upper()
    folded = vietnamese.words(words)
    if not folded:
        return false()
    found = unit.all(select(cases.c.id).where(says(" ".join(folded), FEW + 1)).limit(FEW + 1))
    if len(found) <= FEW:
        return case.in_([row.id for row in found]) if found else false()
    return and_(*(cases.c.search_text.contains(word) for word in folded))


def is_late(now: datetime) -> ColumnElement[bool]:
    """Open, its clock running, and past its due time."""
    return and_(cases.c.closed_at.is_(None), cases.c.paused_at.is_(None), cases.c.due_at < now)


def is_soon(now: datetime) -> ColumnElement[bool]:
    """Open, its clock running, and due within `SOON`."""
    running = and_(cases.c.closed_at.is_(None), cases.c.paused_at.is_(None))
    return and_(running, cases.c.due_at >= now, cases.c.due_at < now + SOON)


# -- tasks ---------------------------------------------------------------------------------------------------------


def list_tasks(unit: Unit, account: Account, wanted: TaskFilter) -> Page:
    """Tasks for this account to see: open ones by due time, others newest first."""
    own = wanted.assignee == account.login or wanted.assignees is not None
    kind = access.OWN_TASKS if own else access.TASKS
    query = _TASKS.where(access.permits(account, "see-task", kind), *_task_conditions(unit, account, wanted))
    if wanted.status == "open":
        return soonest_first(unit, query.where(OPEN_TASK), tasks.c.due_at, tasks.c.id, wanted)
    return newest_first(unit, query.where(tasks.c.status == wanted.status), tasks.c.id, wanted.limit, wanted.after)


def count_tasks(unit: Unit, account: Account, wanted: TaskFilter, most: int = 200) -> dict[str, int]:
    """How many open tasks there are: "mine", "unclaimed", "all"; each is counted up to ``most``, in one statement."""
    kinds = {"mine": replace(wanted, assignee=account.login, group=None), "unclaimed": replace(wanted, assignee=""),
             "all": replace(wanted, assignee=None)}  # fmt: skip
    return dict(zip(kinds, count_each(unit, account, list(kinds.values()), most), strict=True))


def count_each(unit: Unit, account: Account, wanted: list[TaskFilter], most: int = 200) -> list[int]:
    """How many open tasks each of these finds, counted up to ``most``, in one statement."""
    counts: list[Any] = []
    for one in wanted:
        kind = access.OWN_TASKS if one.assignee == account.login else access.TASKS
        some = select(tasks.c.id).join(cases).where(OPEN_TASK, access.permits(account, "see-task", kind))
        # in the order of the list, so that the list's index is gone through, however few there are
        some = some.where(*_task_conditions(unit, account, one)).order_by(*_FIRST_DUE).limit(most)
        counts.append(select(func.count()).select_from(some.subquery()).scalar_subquery().label(f"n{len(counts)}"))
    return list(unit.all(select(*counts))[0])


def show_task(unit: Unit, account: Account, task_id: int) -> Row[Any]:
    """Raises:
    NotFound: there is no such task, or it is not for this account to see.
    """
    mine = and_(tasks.c.id == task_id, access.permits(account, "see-task", access.TASKS))
    row = unit.first(_TASKS.add_columns(cases.c.report, cases.c.definition_id).where(mine))
    if row is None:
        raise NotFound(f"There is no task {task_id}, or it is not for you to see.")
    veil = firewall.over(unit, account, access.case_of(unit, row))
    return firewall.over_rows(veil, [row], "report", "answers")[0]


def open_tasks(unit: Unit, account: Account, case_id: int) -> Iterator[Any]:
    """What a case waits for at the end of the unit, as far as this account may see it; to be asked then."""
    return (task for task in recent.waiting(unit, case_id) if access.allows(account, "see-task", task))


def _task_conditions(unit: Unit, account: Account, wanted: TaskFilter) -> list[ColumnElement[bool]]:
    equal = {tasks.c.group: wanted.group, tasks.c.report_type: wanted.report_type, tasks.c.area: wanted.area,
             cases.c.number: wanted.case}  # fmt: skip
    conditions = [column == value for column, value in equal.items() if value is not None]
    if wanted.assignee == account.login:
        conditions.append(tasks.c.assignee == account.id)
    elif wanted.assignee is not None:
        conditions.append(accounts.c.login == wanted.assignee if wanted.assignee else tasks.c.assignee.is_(None))
    if wanted.assignees is not None:
        conditions.append(tasks.c.assignee.in_(wanted.assignees))
    if wanted.due_before is not None:
        conditions.append(tasks.c.due_at < wanted.due_before)
    if wanted.q:  # who sees a task reads what it is about
        sought = _sought(unit, wanted.q, tasks.c.case_id)
        if is_number(wanted.q):  # by the case, or SQLite would rather go through all tasks of the agency in order
            sought = tasks.c.case_id == select(cases.c.id).where(sought).scalar_subquery()
        conditions.append(sought)
    return conditions


# -- what is owed, what could not be done --------------------------------------------------------------------------


def list_incidents(unit: Unit, account: Account, open: bool = True, limit: int = 50, after: str | None = None) -> Page:
    """Steps that could not be taken, oldest first."""
    query = _of_cases(incidents).where(access.permits(account, "see-incident", access.JOINED_CASES))
    query = query.where(incidents.c.resolved_at.is_(None) if open else incidents.c.resolved_at.is_not(None))
    return oldest_first(unit, query, incidents.c.id, limit, after)


def show_incident(unit: Unit, account: Account, incident_id: int, action: str = "see-incident") -> Row[Any]:
    one = _one(unit, account, action, incidents, incident_id, "incident")
    return firewall.over_rows(firewall.over(unit, account, access.case_of(unit, one)), [one], "step", "detail")[0]


def list_outbox(
    unit: Unit, account: Account, state: str | None = None, case: str | None = None, limit: int = 50,
    after: str | None = None,
) -> Page:  # fmt: skip
    """What is or was owed to people and services, newest first; what is about no case (`engine.statistics.periodic`)
    has no ``number``, and is the affair of its agency's province.
    """
    query = owed(account, "see-outbox")
    if state is not None:
        if state not in LETTER_STATES:
            raise InvalidRequest(f"state={state!r} is none of {', '.join(LETTER_STATES)}.", field="state")
        query = query.where(outbox.c.state == literal_column(f"'{state}'"))
    if case is not None:
        query = query.where(cases.c.number == case)
    found = newest_first(unit, query, outbox.c.id, limit, after)
    for row in found.items:
        if row.case_id is not None:
            unit.soon(access.CASE, {"number": row.number})  # `_letter` asks for each
    return Page([_letter(unit, account, row) for row in found.items], found.after)


def _letter(unit: Unit, account: Account, row: Row[Any]) -> Any:
    """What it says to the people of its case is only for who may know them."""
    if row.case_id is None:
        return row
    veil = firewall.over_letters(unit, account, access.case_of(unit, row))
    return firewall.over_rows(veil, [row], "payload", "error_details")[0]


def lost_reports(unit: Unit, account: Account) -> list[Row[Any]]:
    """Letters about no case that were given up, newest first: nothing is stuck for them, so no case tells of them."""
    lost = (outbox.c.case_id.is_(None), outbox.c.state == literal_column("'dead'"))
    return unit.all(owed(account, "see-outbox").where(*lost).order_by(outbox.c.id.desc()).limit(LIMIT_MAX))


def show_letter(unit: Unit, account: Account, letter_id: int, action: str = "see-outbox") -> Row[Any]:
    query = owed(account, action).where(outbox.c.id == letter_id)
    return _letter(unit, account, _found(unit, query, "message in the outbox", letter_id))


def owed(account: Account, action: str) -> Select[Any]:
    """What is or was owed to people and services, as far as this account may do that to it; with ``number`` and
    ``report_type`` of its case, or ``agency_name`` where it is about none."""
    whose = and_(outbox.c.case_id.is_(None), agencies.c.key == outbox.c.agency)
    query = select(outbox, cases.c.number, cases.c.report_type, agencies.c.name.label("agency_name"))
    query = query.outerjoin(cases, cases.c.id == outbox.c.case_id).outerjoin(agencies, whose)
    of_case = and_(outbox.c.case_id.is_not(None), access.permits(account, action, access.JOINED_CASES))
    return query.where(or_(of_case, and_(outbox.c.case_id.is_(None), access.permits(account, action, access.LETTERS))))


def _of_cases(table: Any) -> Select[Any]:
    of_case = (cases.c.number, cases.c.report_type, cases.c.definition_id)
    return select(table, *of_case).join(cases, cases.c.id == table.c.case_id)


def _one(unit: Unit, account: Account, action: str, table: Any, key: int, noun: str) -> Row[Any]:
    return _found(unit, _of_cases(table).where(table.c.id == key, access.permits(account, action)), noun, key)


def _found(unit: Unit, query: Select[Any], noun: str, key: int) -> Row[Any]:
    row = unit.first(query)
    if row is None:
        raise NotFound(f"There is no {noun} {key}, or it is not yours to deal with.")
    return row
