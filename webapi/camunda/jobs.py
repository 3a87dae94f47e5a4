"""Jobs: timers, deadlines and what else a worker will do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from sqlalchemy import Row, Select, func, select

from engine import queries
from engine.errors import InvalidRequest, NotFound, WrongState
from engine.model import cases, definitions, jobs
from engine.model import incidents as incident_table
from engine.people import access
from engine.queues import incidents
from engine.queues.jobs import ATTEMPTS_MAX
from engine.runtime import Unit
from engine.versions import modifications
from engine.work import repairs
from webapi.camunda import door, values
from webapi.camunda.ids import definition_id, read_definition_id

bp = Blueprint("jobs", __name__, url_prefix="/job")
ONE = "/<key:job_id>"
REASON = "Camunda: job"
_KNOWN = ("jobId", "processInstanceId", "processDefinitionId", "processDefinitionKey", "withRetriesLeft",
          "noRetriesLeft", "executable", "timers", "messages", "withException", "active", "suspended", "duedateBefore",
          "duedateAfter")  # fmt: skip
_SORTED = {"jobId": jobs.c.id, "jobDueDate": jobs.c.due_at, "jobPriority": -jobs.c.priority,
           "processInstanceId": cases.c.number, "processDefinitionId": cases.c.definition_id,
           "processDefinitionKey": cases.c.report_type}  # fmt: skip
_WAITS = jobs.c.state.in_(("suspended", "held"))


@bp.route("", methods=["GET", "POST"])
@door.reads
def index(unit: Unit, by: Any) -> Any:
    asked = door.asked()
    limit, offset = door.window(asked)
    query = wanted(unit, asked, by).order_by(*door.sorted_by(asked, _SORTED), jobs.c.id)
    return [_job(row) for row in unit.all(query.limit(limit).offset(offset))]


@bp.route("/count", methods=["GET", "POST"])
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return {"count": unit.scalar(select(func.count()).select_from(wanted(unit, door.asked(), by).subquery()))}


@bp.get(ONE)
@door.reads
def show(unit: Unit, by: Any, job_id: int) -> Any:
    return _job(_find(unit, by, job_id))


@bp.get(f"{ONE}/stacktrace")
@door.reads
def stacktrace(unit: Unit, by: Any, job_id: int) -> Response:
    """Why it failed last, in as many words as are kept."""
    row = _find(unit, by, job_id)
    told = select(incident_table.c.detail).where(incident_table.c.job_id == row.id, incident_table.c.detail != "")
    detail = unit.scalar(told.order_by(incident_table.c.id.desc()).limit(1))
    return Response(detail or row.last_error or "", content_type="text/plain; charset=utf-8")


@bp.put(f"{ONE}/retries")
@door.changes
def set_retries(unit: Unit, by: Any, job_id: int) -> None:
    """Of a job that was given up: it is tried again. Others have the engine's own number of attempts."""
    body = door.known(door.sent(), "retries", "dueDate")
    if door.number(body, "retries", 0) < 1:
        raise InvalidRequest("The number of retries is 1 or more: a job is not given up by hand.", field="retries")
    row = _find(unit, by, job_id)
    if row.state == "incident":
        _retry(unit, by, row)


@bp.post(f"{ONE}/execute")
@door.changes
def execute(unit: Unit, by: Any, job_id: int) -> None:
    """What was given up is tried at once; a timer becomes due now, and a worker takes it."""
    row = _find(unit, by, job_id)
    if row.state == "incident":
        _retry(unit, by, row)
    else:
        modifications.move_timer(unit, row.number, row.token, unit.now, REASON, by=by)


@bp.put(f"{ONE}/duedate")
@door.changes
def set_due_date(unit: Unit, by: Any, job_id: int) -> None:
    body = door.known(door.sent(), "duedate")
    row = _find(unit, by, job_id)
    if row.kind != "timer":
        raise InvalidRequest("Only a timer of the diagram can be moved: a deadline is extended with its case.")
    due_at = values.read_instant(body.get("duedate"), "duedate")
    modifications.move_timer(unit, row.number, row.token, due_at, REASON, by=by)


# -- particulars -----------------------------------------------------------------------------------------------------


def _retry(unit: Unit, by: Any, row: Row[Any]) -> None:
    held = select(incident_table.c.id).where(
        incident_table.c.job_id == row.id, incident_table.c.case_id == row.case_id,
        incident_table.c.resolved_at.is_(None))  # fmt: skip
    incident_id = int(unit.scalar(held))
    queries.show_incident(unit, by, incident_id, "retry")
    if not repairs.retry(unit, incident_id, by.login):
        raise WrongState(f"It cannot be done yet: {incidents.find(unit, incident_id).message}")


def _all() -> Select[Any]:
    joined = jobs.join(cases, cases.c.id == jobs.c.case_id)
    joined = joined.join(definitions, definitions.c.id == cases.c.definition_id)
    columns = (*jobs.c, cases.c.number, cases.c.report_type, cases.c.definition_id,
               definitions.c.version.label("definition_version"))  # fmt: skip
    return select(*columns).select_from(joined)


def _find(unit: Unit, by: Any, job_id: int) -> Row[Any]:
    row = unit.first(_all().where(jobs.c.id == job_id, access.permits(by, "see-incident", access.CASES)))
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return row


def wanted(unit: Unit, asked: dict[str, Any], by: Any) -> Select[Any]:
    given = door.known(asked, *_KNOWN)
    query = _all().where(access.permits(by, "see-incident", access.CASES))
    equal = {"processInstanceId": cases.c.number, "processDefinitionKey": cases.c.report_type}
    query = query.where(*(column == str(given[name]) for name, column in equal.items() if name in given))
    if "jobId" in given:
        query = query.where(jobs.c.id == door.number(given, "jobId", 0))
    if "processDefinitionId" in given:
        query = query.where(cases.c.definition_id == read_definition_id(str(given["processDefinitionId"])))
    gone = jobs.c.state == "incident"
    states = {"withRetriesLeft": ~gone, "noRetriesLeft": gone, "withException": jobs.c.last_error.is_not(None),
              "executable": (jobs.c.state == "ready") & (jobs.c.due_at <= unit.now), "suspended": _WAITS,
              "active": ~_WAITS, "timers": jobs.c.kind.in_(("timer", "warning", "breach")),
              "messages": jobs.c.kind.in_(("answer", "message"))}  # fmt: skip
    query = query.where(*(condition for name, condition in states.items() if door.flag(given.get(name))))
    return query.where(*values.between(given, "duedate", jobs.c.due_at))


def _job(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id), "jobDefinitionId": None, "processInstanceId": row.number,
        "processDefinitionId": definition_id(row.report_type, row.definition_version, row.definition_id),
        "processDefinitionKey": row.report_type, "executionId": f"{row.number}:{row.token}", "failedActivityId": None,
        "retries": 0 if row.state == "incident" else max(1, ATTEMPTS_MAX - row.attempts),
        "exceptionMessage": row.last_error, "dueDate": values.instant(row.due_at), "priority": -row.priority,
        "suspended": row.state in ("suspended", "held"), "tenantId": None, "createTime": None, "batchId": None,
    }  # fmt: skip
