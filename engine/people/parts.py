"""The parts that agencies have in cases: who leads one, watches over it, has a task of it, or had."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, func, select

from engine.model import agencies, cases, participants
from engine.paging import due_after
from engine.runtime import Unit

FEW = 5_000


def of(agency: str | None) -> ColumnElement[bool]:
    """On what `participants` is joined to `cases`, so that a list begins with the agency's own."""
    return and_(participants.c.case_id == cases.c.id, participants.c.agency == agency)


def are_few(unit: Unit, agency: str) -> bool:
    """Whether an agency's cases are sooner put in an order than looked for among those that its province has open."""
    some = select(participants.c.case_id).where(participants.c.agency == agency).limit(FEW + 1)
    return bool(unit.scalar(select(func.count()).select_from(some.subquery())) <= FEW)


def due_next(agency: str, wanted: Any, now: datetime) -> Subquery:
    """Of the `FEW` open cases of its province that fall due next, those that concern the agency, by their ids in two
    indexes.

    Args:
        wanted: an `engine.queries.CaseFilter`; after its page, of its report type, and only what is still to come, if
            that is what it asks for.
    """
    open_ = cases.alias("open_cases")
    province = select(agencies.c.province).where(agencies.c.key == agency).scalar_subquery()
    near = select(open_.c.id, open_.c.due_at).where(open_.c.province == province, open_.c.closed_at.is_(None))
    if wanted.report_type:
        near = near.where(open_.c.report_type == wanted.report_type)
    if wanted.soon:
        near = near.where(open_.c.due_at >= now)
    few = due_after(near, open_.c.due_at, open_.c.id, wanted.after).limit(FEW).subquery("few")
    mine = select(participants.c.case_id).where(participants.c.agency == agency, participants.c.case_id == few.c.id)
    return select(few).where(mine.scalar_subquery().is_not(None)).subquery("near")
