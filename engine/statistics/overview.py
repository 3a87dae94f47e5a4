"""How a province stands at this moment: its open cases, counted by agency, report type, district and step.

Four statements, whose cost grows with what is open and what is stuck, never with what is settled; `recounts` spares
them whoever looks again. Each number is that of the list that `queries.list_cases` or `stuck.list_stuck` gives for the
same account and filter: see `wanted`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, distinct, func, select

from engine import stuck
from engine.errors import InvalidRequest
from engine.model import OPEN_TASK, agencies, areas, cases, events, outbox, provinces, tasks
from engine.people import access
from engine.people.access import Account, Target
from engine.privacy import firewall
from engine.queries import CaseFilter, is_late, is_soon
from engine.runtime import Unit

STATES = ("open", "soon", "late", "stuck")
WAYS = {"agency": "lead_agency", "type": "report_type", "area": "area"}  # what is counted by: the column of `cases`
STEP = "step"  # where their tasks are open: ``BDTT:xac_minh``; ``BDTT:`` where none is. A case may stand at several
_FILTERS = {"agency": "lead", "type": "report_type", "area": "area"}


@dataclass
class Count:
    """How many cases of one agency, type or district, or at one step, there are.

    Attributes:
        key: of the agency, type, district or step; "" where the case has none yet.
        name: of the agency or district; ``None`` for types and steps, whose names are in their packages.
        stuck: also counts settled cases of which something could not be sent.
    """

    key: str
    name: str | None = None
    open: int = 0
    soon: int = 0
    late: int = 0
    stuck: int = 0


@dataclass(frozen=True)
class Overview:
    """Attributes:
    at: when they were counted; ``None``: just now.
    """

    all: Count
    by: dict[str, Sequence[Count]] = field(default_factory=dict)
    at: datetime | None = None


def show(unit: Unit, account: Account) -> Overview:
    """What this account may know of, as counts; late ones first, then the most.

    Raises:
        NotAllowed: the account may not count.
    """
    access.require(account, "count", Target(account.province), unit)
    rows = [*unit.all(_running(unit, account)), *unit.all(_stuck(unit, account))]
    at = [*unit.all(_running(unit, account, _AT)), *unit.all(_stuck(unit, account, _AT))]
    by = {way: _grouped(unit, rows, way) for way in WAYS}
    return Overview(_sum("", rows), by | {STEP: _grouped(unit, at, STEP)})


def by_version(unit: Unit, account: Account) -> dict[int, int]:
    """How many open cases that this account may see each version of a report type has; those without any left out."""
    mine = select(cases.c.definition_id, func.count().label("open")).where(access.visible(account))
    rows = unit.all(mine.where(cases.c.closed_at.is_(None)).group_by(cases.c.definition_id))
    return {row.definition_id: row.open for row in rows}


def wanted(state: str, way: str | None = None, key: str = "", after: str | None = None) -> CaseFilter:
    """The cases behind a number.

    Raises:
        InvalidRequest: there is no such number.
    """
    if state not in STATES or way not in (None, STEP, *_FILTERS):
        raise InvalidRequest(f"Cases are counted as {', '.join(STATES)} by {', '.join(WAYS)}, {STEP}.", field="state")
    one: dict[str, Any] = {_FILTERS[way]: key} if way in _FILTERS else {}
    if way == STEP:
        one["report_type"], _, one["step"] = key.partition(":")
    if state == "stuck":
        return CaseFilter(after=after, **one)
    late, soon = (True, None) if state == "late" else (None, state == "soon" or None)
    return CaseFilter(open=True, overdue=late, soon=soon, sort="due", after=after, **one)


def names(unit: Unit, way: str, keys: Sequence[str]) -> dict[str, str]:
    """The names of agencies or districts; types have theirs in their packages."""
    if way == "agency":
        query = select(agencies.c.key, agencies.c.name).where(agencies.c.key.in_(list(keys)))
        return {row.key: row.name for row in unit.all(query)}
    return area_names(unit, keys) if way == "area" else {}


def area_names(unit: Unit, codes: Iterable[str]) -> dict[str, str]:
    query = select(areas.c.code, areas.c.name).where(areas.c.code.in_(list(codes)))
    return {row.code: row.name for row in unit.all(query)}


def questions(unit: Unit, case: Row[Any], account: Account) -> list[dict[str, Any]]:
    """The questions that overseers put into a case, oldest first: {at, agency, question, answered_at, answer}.

    ``question`` and ``answer`` are ``None`` for what another agency asked. The answer is the letter that whoever asked
    was sent when it was given, behind the veil.
    """
    asked = (events.c.case_id == case.id, events.c.kind == "asked")
    rows = unit.all(select(events.c.at, events.c.data).where(*asked).order_by(events.c.id))
    return [_question(unit, case, row, account) for row in rows]


def _question(unit: Unit, case: Row[Any], row: Row[Any], account: Account) -> dict[str, Any]:
    mine = row.data.get("agency") == account.agency
    opened = unit.all(
        select(tasks.c.status, tasks.c.finished_at).where(
            tasks.c.case_id == case.id, tasks.c.token.in_(row.data.get("tokens", []))
        )
    )
    ends = [task.finished_at for task in opened if task.status != "open"]
    agency = row.data.get("agency") or ""
    answered_at = max(ends) if opened and len(ends) == len(opened) else None
    return {
        "at": row.at, "agency": names(unit, "agency", [agency]).get(agency, agency),
        "question": row.data.get("question") if mine else None,
        "answered_at": answered_at,
        "answer": _answer(unit, case, account, answered_at) if mine and answered_at else None,
    }  # fmt: skip


def _answer(unit: Unit, case: Row[Any], account: Account, at: datetime) -> str | None:
    """What the agency was told in the step that answered it; ``None``: it left no address, or it was emptied."""
    told = (outbox.c.case_id == case.id, outbox.c.agency == account.agency, outbox.c.created_at == at)
    payload = unit.scalar(select(outbox.c.payload).where(*told).order_by(outbox.c.id.desc()).limit(1))
    said = firewall.over(unit, account, case)(payload or {}).get("text")
    return said if isinstance(said, str) else None


@dataclass(frozen=True)
class _By:
    """What is counted by.

    Attributes:
        told: what each row says of it.
        group: the columns.
        of: counts a case once.
        reach: joins what those columns are of to a query of cases.
    """

    told: list[Any]
    group: list[Any]
    of: Any
    reach: Callable[[Select[Any]], Select[Any]]


def _with_open_tasks(query: Select[Any]) -> Select[Any]:
    return query.outerjoin(tasks, and_(tasks.c.case_id == cases.c.id, OPEN_TASK))


_WHOSE = _By([cases.c[column].label(way) for way, column in WAYS.items()],
             [cases.c[column] for column in WAYS.values()], func.count(), lambda query: query)  # fmt: skip
_AT = _By([cases.c.report_type.concat(":").concat(func.coalesce(tasks.c.element, "")).label(STEP)],
          [cases.c.report_type, tasks.c.element], func.count(distinct(cases.c.id)), _with_open_tasks)  # fmt: skip


def _running(unit: Unit, account: Account, by: _By = _WHOSE) -> Select[Any]:
    counts = (by.of.label("open"), by.of.filter(is_soon(unit.now)).label("soon"),
              by.of.filter(is_late(unit.now)).label("late"))  # fmt: skip
    everywhere = cases.c.province.in_(select(provinces.c.code))  # each one's part of the index of open cases
    known = (access.permits(account, "see"), everywhere, cases.c.closed_at.is_(None))
    return by.reach(select(*by.told, *counts).select_from(cases)).where(*known).group_by(*by.group)


def _stuck(unit: Unit, account: Account, by: _By = _WHOSE) -> Select[Any]:
    found = stuck.cases_of(unit.now)
    query = select(*by.told, by.of.label("stuck"))
    query = by.reach(query.select_from(found).join(cases, cases.c.id == found.c.case_id))
    return query.where(access.permits(account, "see", access.JOINED_CASES)).group_by(*by.group)


def _grouped(unit: Unit, rows: Iterable[Row[Any]], way: str) -> list[Count]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[getattr(row, way) or ""].append(row)
    named = names(unit, way, list(found))
    counts = [_sum(key, of, named.get(key)) for key, of in found.items()]
    return sorted(counts, key=lambda one: (-one.late, -one.open, one.name or one.key))


def _sum(key: str, rows: Iterable[Row[Any]], name: str | None = None) -> Count:
    count = Count(key, name)
    for row in rows:
        for state in STATES:
            setattr(count, state, getattr(count, state) + getattr(row, state, 0))
    return count
