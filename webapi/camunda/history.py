"""History: cases that run or have ended, where they have been, their tasks and their variables.

Where a case has been, and its variables, are told case by case (``processInstanceId``).
"""

from __future__ import annotations

from datetime import datetime
from operator import itemgetter
from typing import Any

from flask import Blueprint
from sqlalchemy import Row, Select, func, select

from engine import model
from engine.errors import NotFound
from engine.history import histories
from engine.model import cases
from engine.people import access
from engine.runtime import Unit
from webapi.camunda import door, drawn, instances, tasks, values
from webapi.camunda.ids import definition_id, read_definition_id

bp = Blueprint("history", __name__, url_prefix="/history")
CASES, VISITS, TASKS, VARIABLES = "/process-instance", "/activity-instance", "/task", "/variable-instance"
_ENDED = model.instances.c.finished_at
_CASES = {"instanceId": cases.c.number, "businessKey": cases.c.number, "definitionKey": cases.c.report_type,
          "definitionId": cases.c.definition_id, "startTime": cases.c.opened_at, "endTime": _ENDED}  # fmt: skip
_TASKS = {"taskId": model.tasks.c.id, "startTime": model.tasks.c.created_at, "endTime": model.tasks.c.finished_at,
          "dueDate": model.tasks.c.due_at, "taskDefinitionKey": model.tasks.c.element,
          "processInstanceId": cases.c.number}  # fmt: skip
_VISITS = {"startTime": itemgetter("entered_at"), "activityId": itemgetter("element"),
           "activityName": itemgetter("name"),
           "endTime": lambda one: (one["left_at"] is None, one["left_at"] or one["entered_at"])}  # fmt: skip


@bp.route(CASES, methods=["GET", "POST"])
@door.reads
def list_cases(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    query = _some_cases(wanted, by).order_by(*door.sorted_by(wanted, _CASES), cases.c.id)
    return [_case(row) for row in unit.all(query.limit(limit).offset(offset))]


@bp.route(f"{CASES}/count", methods=["GET", "POST"])
@door.reads
def count_cases(unit: Unit, by: Any) -> Any:
    return _counted(unit, _some_cases(door.asked(), by))


@bp.get(f"{CASES}/<name:number>")
@door.reads
def show_case(unit: Unit, by: Any, number: str) -> Any:
    row = unit.first(_all_cases().where(access.visible(by), cases.c.number == number))
    if row is None:
        raise NotFound(f"There is no case {number}.")
    return _case(row)


@bp.route(VISITS, methods=["GET", "POST"])
@door.reads
def list_visits(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    rows = door.sort(wanted, _some_visits(unit, by, wanted), _VISITS)
    return [_visit(row) for row in rows[offset : offset + limit]]


@bp.route(f"{VISITS}/count", methods=["GET", "POST"])
@door.reads
def count_visits(unit: Unit, by: Any) -> Any:
    return {"count": len(_some_visits(unit, by, door.asked()))}


@bp.route(TASKS, methods=["GET", "POST"])
@door.reads
def list_tasks(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    query = _some_tasks(wanted, by).order_by(*door.sorted_by(wanted, _TASKS), model.tasks.c.id)
    return [_task(row) for row in unit.all(query.limit(limit).offset(offset))]


@bp.route(f"{TASKS}/count", methods=["GET", "POST"])
@door.reads
def count_tasks(unit: Unit, by: Any) -> Any:
    return _counted(unit, _some_tasks(door.asked(), by))


@bp.route(VARIABLES, methods=["GET", "POST"])
@door.reads
def list_variables(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    rows = door.sort(wanted, _some_variables(unit, by, wanted), {"variableName": itemgetter("name")})
    return rows[offset : offset + limit]


@bp.route(f"{VARIABLES}/count", methods=["GET", "POST"])
@door.reads
def count_variables(unit: Unit, by: Any) -> Any:
    return {"count": len(_some_variables(unit, by, door.asked()))}


# -- cases -----------------------------------------------------------------------------------------------------------


def _all_cases() -> Select[Any]:
    joined = cases.join(model.definitions, model.definitions.c.id == cases.c.definition_id)
    joined = joined.join(model.instances, model.instances.c.case_id == cases.c.id)
    columns = (cases.c.number, cases.c.report_type, cases.c.definition_id, cases.c.opened_at, cases.c.suspended_at,
               _ENDED, model.definitions.c.version.label("definition_version"))  # fmt: skip
    return select(*columns).select_from(joined)


def _some_cases(wanted: dict[str, Any], by: Any) -> Select[Any]:
    given = door.known(wanted, "processInstanceId", "processInstanceIds", "processInstanceBusinessKey", "finished",
                       "processDefinitionId", "processDefinitionKey", "processDefinitionKeyIn", "unfinished",
                       "startedBefore", "startedAfter", "finishedBefore", "finishedAfter")  # fmt: skip
    query = _all_cases().where(access.visible(by))
    among = {"processInstanceId": cases.c.number, "processInstanceIds": cases.c.number,
             "processInstanceBusinessKey": cases.c.number, "processDefinitionKey": cases.c.report_type,
             "processDefinitionKeyIn": cases.c.report_type}  # fmt: skip
    query = query.where(*(column.in_(door.several(given, name)) for name, column in among.items() if name in given))
    if "processDefinitionId" in given:
        query = query.where(cases.c.definition_id == read_definition_id(str(given["processDefinitionId"])))
    query = query.where(*_ends(given, _ENDED), *values.between(given, "finished", _ENDED))
    return query.where(*values.between(given, "started", cases.c.opened_at))


def _case(row: Row[Any]) -> dict[str, Any]:
    ended = row.finished_at is not None
    return {
        "id": row.number, "businessKey": row.number, "rootProcessInstanceId": row.number, **_definition(row),
        "processDefinitionName": row.report_type, "processDefinitionVersion": row.definition_version,
        **_span(row.opened_at, row.finished_at), "startUserId": None, "startActivityId": None, "deleteReason": None,
        "removalTime": None, "superProcessInstanceId": None, "superCaseInstanceId": None, "caseInstanceId": None,
        "tenantId": None, "restartedProcessInstanceId": None,
        "state": "COMPLETED" if ended else "SUSPENDED" if row.suspended_at else "ACTIVE",
    }  # fmt: skip


# -- where a case has been -------------------------------------------------------------------------------------------


def _some_visits(unit: Unit, by: Any, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    given = door.known(wanted, "processInstanceId", "activityId", "activityName", "activityType", "finished",
                       "unfinished", "canceled")  # fmt: skip
    number = str(door.text(given, "processInstanceId", required=True))
    case = instances.find(unit, by, number)
    types = drawn.types(unit.catalogue.pinned(unit, case.definition_id))
    rows = [one | {"case": case, "type": types.get(one["element"])} for one in histories.of_case(unit, number, by=by)]
    for name, key in (("activityId", "element"), ("activityName", "name"), ("activityType", "type")):
        rows = [row for row in rows if given.get(name, row[key]) == row[key]]
    rows = [row for row in rows if row["left_at"] is not None] if door.flag(given.get("finished")) else rows
    rows = [row for row in rows if row["left_at"] is None] if door.flag(given.get("unfinished")) else rows
    return [row for row in rows if row["how"] == "cancelled"] if door.flag(given.get("canceled")) else rows


def visits(unit: Unit, by: Any, number: str) -> list[dict[str, Any]]:
    """Where one case has been, as Camunda tells it."""
    return [_visit(row) for row in _some_visits(unit, by, {"processInstanceId": number})]


def _visit(row: dict[str, Any]) -> dict[str, Any]:
    case = row["case"]
    return {
        "id": f"{case.number}:{row['token']}", "parentActivityInstanceId": case.number, "activityId": row["element"],
        "activityName": row["name"], "activityType": row["type"], "processInstanceId": case.number,
        "rootProcessInstanceId": case.number, "executionId": f"{case.number}:{row['token']}", "taskId": None,
        **_definition(case), **_span(row["entered_at"], row["left_at"]), "assignee": None,
        "calledProcessInstanceId": None, "calledCaseInstanceId": None, "canceled": row["how"] == "cancelled",
        "completeScope": False, "tenantId": None, "removalTime": None,
    }  # fmt: skip


# -- tasks -----------------------------------------------------------------------------------------------------------


def _some_tasks(wanted: dict[str, Any], by: Any) -> Select[Any]:
    given = door.known(wanted, "taskId", "processInstanceId", "processInstanceBusinessKey", "processDefinitionKey",
                       "taskDefinitionKey", "taskName", "taskAssignee", "finished", "unfinished", "startedBefore",
                       "startedAfter", "finishedBefore", "finishedAfter", "taskHadCandidateGroup")  # fmt: skip
    columns, login = model.tasks.c, model.accounts.c.login
    query = tasks.all_tasks().where(access.permits(by, "see-task", access.TASKS))
    equal = {"processInstanceId": cases.c.number, "processInstanceBusinessKey": cases.c.number, "taskAssignee": login,
             "processDefinitionKey": columns.report_type, "taskDefinitionKey": columns.element,
             "taskName": columns.name, "taskHadCandidateGroup": columns.group}  # fmt: skip
    query = query.where(*(column == str(given[name]) for name, column in equal.items() if name in given))
    if "taskId" in given:
        query = query.where(columns.id == door.number(given, "taskId", 0))
    query = query.where(*_ends(given, columns.finished_at), *values.between(given, "finished", columns.finished_at))
    return query.where(*values.between(given, "started", columns.created_at))


def _task(row: Row[Any]) -> dict[str, Any]:
    place = f"{row.number}:{row.token}"
    return {
        "id": str(row.id), "taskDefinitionKey": row.element, "name": row.name, "description": row.subject,
        "processInstanceId": row.number, "rootProcessInstanceId": row.number, "executionId": place,
        "activityInstanceId": place, **_definition(row), **_span(row.created_at, row.finished_at),
        "assignee": row.assignee, "owner": None, "priority": 50, "due": values.instant(row.due_at), "followUp": None,
        "deleteReason": {"open": None, "done": "completed", "cancelled": "deleted"}[row.status], "parentTaskId": None,
        "caseDefinitionKey": None, "caseDefinitionId": None, "caseInstanceId": None, "caseExecutionId": None,
        "taskState": {"open": "Created", "done": "Completed", "cancelled": "Deleted"}[row.status], "tenantId": None,
        "removalTime": None,
    }  # fmt: skip


# -- variables -------------------------------------------------------------------------------------------------------


def _some_variables(unit: Unit, by: Any, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """As they are now, or were when the case ended."""
    given = door.known(wanted, "processInstanceId", "variableName", "deserializeValues")
    number = str(door.text(given, "processInstanceId", required=True))
    case = instances.find(unit, by, number)
    names = [given["variableName"]] if "variableName" in given else None
    shown = values.all_typed(instances.data(unit, by, number), names)
    about = {"processInstanceId": number, "rootProcessInstanceId": number, "executionId": number,
             "activityInstanceId": number, **_definition(case), "state": "CREATED", "taskId": None, "tenantId": None,
             "caseInstanceId": None, "caseExecutionId": None, "caseDefinitionKey": None, "caseDefinitionId": None,
             "errorMessage": None, "createTime": None, "removalTime": None}  # fmt: skip
    return [{"id": f"{number}:{name}", "name": name, **value, **about} for name, value in shown.items()]


def variables_of(unit: Unit, by: Any, number: str, name: str) -> list[dict[str, Any]]:
    return _some_variables(unit, by, {"processInstanceId": number, "variableName": name})


# -- particulars -----------------------------------------------------------------------------------------------------


def _counted(unit: Unit, query: Select[Any]) -> dict[str, Any]:
    return {"count": unit.scalar(select(func.count()).select_from(query.subquery()))}


def _ends(given: dict[str, Any], column: Any) -> list[Any]:
    ended = [column.is_not(None)] if door.flag(given.get("finished")) else []
    return ended + ([column.is_(None)] if door.flag(given.get("unfinished")) else [])


def _definition(row: Any) -> dict[str, Any]:
    whole = definition_id(row.report_type, row.definition_version, row.definition_id)
    return {"processDefinitionKey": row.report_type, "processDefinitionId": whole}


def _span(start: datetime, end: datetime | None) -> dict[str, Any]:
    lasted = None if end is None else int((end - start).total_seconds() * 1000)
    return {"startTime": values.instant(start), "endTime": values.instant(end), "durationInMillis": lasted}
