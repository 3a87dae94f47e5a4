"""The cases that are late, each with the steps it waits at and who should take them (F.2, 3)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, select

from engine.model import OPEN_TASK, accounts, agencies, areas, cases, tasks
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit

MOST = 10_000  # rows of one list: those that are latest


def late(unit: Unit, account: Account, province: str) -> list[dict[str, Any]]:
    """Open cases past their due time whose clock runs, the latest first; one row for each step that is open.

    A case that waits for nobody, but for a message or a moment, has one row without a step.

    Raises:
        NotAllowed: the account sees nobody's tasks: who only watches does not learn who is responsible.
    """
    access.require(account, "see-task")
    access.require(account, "see", Target(province, agency=account.agency), unit)
    waiting = and_(tasks.c.case_id == cases.c.id, OPEN_TASK)
    columns = (cases.c.number, cases.c.report_type, areas.c.name.label("area"), cases.c.lead_agency, cases.c.due_at,
               tasks.c.name.label("step"), tasks.c.due_at.label("step_due_at"), agencies.c.name.label("group"),
               accounts.c.name.label("assignee"))  # fmt: skip
    query = select(*columns).select_from(cases).outerjoin(tasks, waiting)
    query = query.outerjoin(accounts, accounts.c.id == tasks.c.assignee)
    query = query.outerjoin(agencies, agencies.c.key == tasks.c.group).outerjoin(areas, areas.c.code == cases.c.area)
    query = query.where(cases.c.province == province, access.permits(account, "see", access.JOINED_CASES))
    query = query.where(cases.c.closed_at.is_(None), cases.c.paused_at.is_(None), cases.c.due_at < unit.now)
    found = unit.all(query.order_by(cases.c.due_at, cases.c.id, tasks.c.id).limit(MOST))
    return [dict(row._mapping) | {"hours_late": round((unit.now - row.due_at).total_seconds() / 3600, 1)}
            for row in found]  # fmt: skip
