"""Metrics: how much was done, as Camunda counts it, from the cases and tasks there are.

What only a counter could tell (activities, jobs, decisions by the minute) is not counted, and refused by name.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint
from sqlalchemy import Select, distinct, func, literal, select

from engine.errors import InvalidRequest
from engine.model import cases, tasks
from engine.model.columns import Instant
from engine.people import access
from engine.runtime import Unit
from engine.sql import seconds
from webapi.camunda import door, values

bp = Blueprint("metrics", __name__, url_prefix="/metrics")
_STARTED: tuple[Any, Any] = (func.count(), cases.c.opened_at)
_WORKERS: tuple[Any, Any] = (func.count(distinct(tasks.c.finished_by)), tasks.c.finished_at)
_METRICS = {"root-process-instance-start": _STARTED, "process-instances": _STARTED, "unique-task-workers": _WORKERS,
            "task-users": _WORKERS}  # fmt: skip
_BY_INTERVAL = {name: when for name, (_, when) in _METRICS.items() if when is cases.c.opened_at}
INTERVAL, INTERVALS_MAX = 900, 200  # seconds; at once: as Camunda has them
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@bp.get("")
@door.reads
def by_interval(unit: Unit, by: Any) -> Any:
    """How much was begun in each ``interval`` (seconds) in which anything was, the latest first.

    Who worked is not told by intervals: the same person counts once, however many of them they worked in.
    """
    access.require(by, "figure")
    asked = door.known(door.asked(), "name", "startDate", "endDate", "interval", "aggregateByReporter")
    name, length, most = _intervals(asked)
    interval = (seconds(literal(_EPOCH, Instant()), _BY_INTERVAL[name]) // length).label("interval")
    query = _within(select(interval, func.count().label("value")), _BY_INTERVAL[name], asked, by).group_by(interval)
    found = query.order_by(interval.desc()).limit(most).offset(door.number(asked, "firstResult", 0))
    return [{"timestamp": values.instant(_EPOCH + timedelta(seconds=row.interval * length)), "name": name,
             "reporter": None, "value": row.value} for row in unit.all(found)]  # fmt: skip


@bp.get("/<string:name>/sum")
@door.reads
def total(unit: Unit, by: Any, name: str) -> Any:
    """Of the cases of which the account may know exact figures."""
    if name not in _METRICS:
        raise InvalidRequest(f"{name[:80]!r} is not counted here; ask for one of {', '.join(_METRICS)}.", field="name")
    access.require(by, "figure")
    what, when = _METRICS[name]
    given = door.known(door.asked(), "startDate", "endDate")
    return {"result": unit.scalar(_within(select(what), when, given, by))}


def _intervals(asked: dict[str, Any]) -> tuple[str, int, int]:
    """What is counted, by how many seconds, and how many intervals of it."""
    name = str(asked.get("name", "root-process-instance-start"))
    if name not in _BY_INTERVAL:
        ours = ", ".join(_BY_INTERVAL)
        raise InvalidRequest(f"{name[:80]!r} is not counted by intervals; ask for {ours}.", field="name")
    length, most = door.number(asked, "interval", INTERVAL), door.number(asked, "maxResults", INTERVALS_MAX)
    if not 0 < length < 10**9:
        raise InvalidRequest("An interval lasts a second or more, and less than thirty years.", field="interval")
    if most > INTERVALS_MAX:
        raise InvalidRequest(f"At most {INTERVALS_MAX} intervals are told at once.", field="maxResults")
    return name, length, most


def _within(query: Select[Any], when: Any, given: dict[str, Any], by: Any) -> Select[Any]:
    source = cases if when.table is cases else tasks.join(cases, cases.c.id == tasks.c.case_id)
    query = query.select_from(source).where(access.permits(by, "figure", access.CASES), when.is_not(None))
    if "startDate" in given:
        query = query.where(when >= values.read_instant(given["startDate"], "startDate"))
    if "endDate" in given:
        query = query.where(when < values.read_instant(given["endDate"], "endDate"))
    return query
