"""The log of a case's jobs, as far as its history keeps it: what was done, what came too late and was dropped, and what
was given up after all attempts, with why.

When a job was made, and attempts that were followed by another one, leave no line: `creationLog` is refused.
"""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from flask import Blueprint, Response
from sqlalchemy import Row, select

from engine.errors import InvalidRequest, NotFound
from engine.model import events, incidents
from engine.people import access
from engine.runtime import Unit
from webapi.camunda import door, instances, values
from webapi.camunda.ids import definition_id

bp = Blueprint("job-log", __name__, url_prefix="/history/job-log")
DONE, FAILED, DROPPED = "successLog", "failureLog", "deletionLog"
_MARKS = {"deadline-near": "warning", "deadline-passed": "breach"}  # lines of history -> the job that left them
_STEPS = {"Fire": "timer", "Answer": "answer"}
_WHOLE = "case"  # the deadline of the case, which is no activity's


class Line(NamedTuple):
    """What is told of one job."""

    id: str
    at: datetime
    log: str
    kind: str
    element: str | None
    job_id: int | None = None
    message: str | None = None
    detail: str = ""


@bp.route("", methods=["GET", "POST"])
@door.reads
def index(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    case, lines = _some(unit, by, wanted)
    keys = {"timestamp": attrgetter("at"), "occurrence": attrgetter("at"), "activityId": lambda one: one.element or "",
            "jobId": lambda one: one.job_id or 0}  # fmt: skip
    return [_entry(case, line) for line in door.sort(wanted, lines, keys)[offset : offset + limit]]


@bp.route("/count", methods=["GET", "POST"])
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return {"count": len(_some(unit, by, door.asked())[1])}


@bp.get("/<string:text>")
@door.reads
def show(unit: Unit, by: Any, text: str) -> Any:
    return _entry(*_find(unit, by, text))


@bp.get("/<string:text>/stacktrace")
@door.reads
def stacktrace(unit: Unit, by: Any, text: str) -> Response:
    """Where in our code it failed; where that is not kept, why."""
    line = _find(unit, by, text)[1]
    if line.log != FAILED:
        raise NotFound(f"The job of {text[:100]!r} did not fail.")
    return Response(line.detail or line.message, content_type="text/plain; charset=utf-8")


# -- particulars -----------------------------------------------------------------------------------------------------


def _find(unit: Unit, by: Any, text: str) -> tuple[Row[Any], Line]:
    """A line's id is its case's number, and the line's or incident's, ``number:event-17``."""
    case = instances.find(unit, by, text.partition(":")[0])
    for line in _lines(unit, by, case):
        if line.id == text:
            return case, line
    raise NotFound(f"There is no line {text[:100]!r} in the log of jobs.")


def _some(unit: Unit, by: Any, wanted: dict[str, Any]) -> tuple[Row[Any], list[Line]]:
    given = door.known(wanted, "processInstanceId", "logId", "jobId", "jobExceptionMessage", "activityIdIn",
                       "failedActivityIdIn", DONE, FAILED, DROPPED, "creationLog")  # fmt: skip
    if door.flag(given.get("creationLog")):
        raise InvalidRequest("When a job was made is not kept: ask for what was done, failed or dropped.",
                             field="creationLog")  # fmt: skip
    case = instances.find(unit, by, str(door.text(given, "processInstanceId", required=True)))
    logs = [log for log in (DONE, FAILED, DROPPED) if door.flag(given.get(log))] or [DONE, FAILED, DROPPED]
    lines = [line for line in _lines(unit, by, case) if line.log in logs]
    equal = {"logId": "id", "jobExceptionMessage": "message", "jobId": "job_id"}
    for name, field in equal.items():
        if name in given:
            lines = [line for line in lines if str(getattr(line, field)) == str(given[name])]
    if "activityIdIn" in given:
        lines = [line for line in lines if line.element in door.several(given, "activityIdIn")]
    if "failedActivityIdIn" in given:
        lines = [line for line in lines if line.element in door.several(given, "failedActivityIdIn")
                 and line.log == FAILED]  # fmt: skip
    return case, lines


def _lines(unit: Unit, by: Any, case: Row[Any]) -> list[Line]:
    """The oldest first. Raises NotAllowed: the account may not look at what failed there."""
    access.find(unit, by, "see-incident", case.number)
    told = unit.all(select(events).where(events.c.case_id == case.id, events.c.actor == "system").order_by(events.c.id))
    failed = unit.all(select(incidents).where(incidents.c.case_id == case.id))
    lines = [line for row in told if (line := _told(case, row))]
    lines += [_failed(case, row) for row in failed if row.job_id is not None or row.step.get("kind") == "Fire"]
    return sorted(lines, key=attrgetter("at"))


def _failed(case: Row[Any], row: Row[Any]) -> Line:
    kind = str(row.step.get("kind") or "job")
    key = f"{case.number}:incident-{row.id}"
    return Line(key, row.opened_at, FAILED, _STEPS.get(kind, kind), row.element, row.job_id, row.message, row.detail)


def _told(case: Row[Any], row: Row[Any]) -> Line | None:
    """What a line of history says about a job, if a job left it."""
    key = f"{case.number}:event-{row.id}"
    if row.kind == "came-too-late" and row.data.get("what") in {*_MARKS.values(), *_STEPS.values(), "message"}:
        return Line(key, row.at, DROPPED, row.data["what"], None)
    if row.kind in _MARKS:
        return Line(key, row.at, DONE, _MARKS[row.kind], None if row.element == _WHOLE else row.element)
    if row.kind == "moved" and row.data.get("step") in _STEPS:
        return Line(key, row.at, DONE, _STEPS[row.data["step"]], next(iter(row.data.get("passed") or ()), row.element))
    return None


def _entry(case: Row[Any], line: Line) -> dict[str, Any]:
    failed = line.log == FAILED
    return {
        "id": line.id, "timestamp": values.instant(line.at), "removalTime": None,
        "jobId": None if line.job_id is None else str(line.job_id), "jobDueDate": None,
        "jobRetries": 0 if failed else None, "jobPriority": 0, "jobExceptionMessage": line.message,
        "failedActivityId": line.element if failed else None, "jobDefinitionId": None, "jobDefinitionType": line.kind,
        "jobDefinitionConfiguration": None, "activityId": line.element, "executionId": case.number,
        "processInstanceId": case.number, "processDefinitionKey": case.report_type,
        "processDefinitionId": definition_id(case.report_type, case.definition_version, case.definition_id),
        "deploymentId": str(case.definition_id), "rootProcessInstanceId": case.number, "tenantId": None,
        "hostname": None, "creationLog": False, **{log: line.log == log for log in (FAILED, DONE, DROPPED)},
    }  # fmt: skip
