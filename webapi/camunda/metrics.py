"""Metrics: how much was done, as Camunda counts it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy import Select, distinct, func, select

from engine import access
from engine.errors import InvalidRequest
from engine.model import cases, tasks
from engine.runtime import Unit
from webapi.camunda import door, values

bp = Blueprint("metrics", __name__, url_prefix="/metrics")
_STARTED: tuple[Any, Any] = (func.count(), cases.c.opened_at)
_WORKERS: tuple[Any, Any] = (func.count(distinct(tasks.c.finished_by)), tasks.c.finished_at)
_METRICS = {"root-process-instance-start": _STARTED, "process-instances": _STARTED, "unique-task-workers": _WORKERS,
            "task-users": _WORKERS}  # fmt: skip


@bp.get("/<string:name>/sum")
@door.reads
def total(unit: Unit, by: Any, name: str) -> Any:
    """Of the cases of which the account may know exact figures."""
    if name not in _METRICS:
        raise InvalidRequest(f"{name[:80]!r} is not counted here; ask for one of {', '.join(_METRICS)}.", field="name")
    access.require(by, "figure")
    what, when = _METRICS[name]
    return {"result": unit.scalar(_within(select(what), when, by))}


def _within(query: Select[Any], when: Any, by: Any) -> Select[Any]:
    given = door.known(door.asked(), "startDate", "endDate")
    source = cases if when.table is cases else tasks.join(cases, cases.c.id == tasks.c.case_id)
    query = query.select_from(source).where(access.permits(by, "figure", access.CASES), when.is_not(None))
    if "startDate" in given:
        query = query.where(when >= values.read_instant(given["startDate"], "startDate"))
    if "endDate" in given:
        query = query.where(when < values.read_instant(given["endDate"], "endDate"))
    return query
