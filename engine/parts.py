"""The parts that agencies have in cases: who leads one, watches over it, has a task of it, or had."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, select

from engine.model import cases, participants
from engine.runtime import Unit

FEW = 5_000


def of(agency: str | None) -> ColumnElement[bool]:
    """On what `participants` is joined to `cases`, so that a list begins with the agency's own."""
    return and_(participants.c.case_id == cases.c.id, participants.c.agency == agency)


def are_few(unit: Unit, agency: str | None) -> bool:
    """Whether an agency's cases are sooner put in an order than found, in that order, among all of the province's."""
    some = select(participants.c.case_id).where(participants.c.agency == agency).limit(FEW + 1)
    return bool(unit.scalar(select(func.count()).select_from(some.subquery())) <= FEW)
