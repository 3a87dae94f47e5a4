"""More history: incidents that were, what people did to a case, single lines of what `history` lists."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from flask import Blueprint, Response
from sqlalchemy import Row, Select, func, select

from engine.errors import NotFound
from engine.history import heat
from engine.model import cases, events, incidents
from engine.people import access
from engine.runtime import Unit
from webapi.camunda import door, instances, values
from webapi.camunda import history as history_views
from webapi.camunda import incidents as incident_views
from webapi.camunda.ids import definition_id, read_definition_id

bp = Blueprint("past", __name__, url_prefix="/history")
_SORTED = {"incidentId": incidents.c.id, "createTime": incidents.c.opened_at, "endTime": incidents.c.resolved_at,
           "incidentMessage": incidents.c.message, "activityId": incidents.c.element,
           "processInstanceId": cases.c.number}  # fmt: skip


@bp.route("/incident", methods=["GET", "POST"])
@door.reads
def list_incidents(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    query = _some_incidents(wanted, by).order_by(*door.sorted_by(wanted, _SORTED), incidents.c.id)
    return [_incident(row) for row in unit.all(query.limit(limit).offset(offset))]


@bp.route("/incident/count", methods=["GET", "POST"])
@door.reads
def count_incidents(unit: Unit, by: Any) -> Any:
    return {"count": unit.scalar(select(func.count()).select_from(_some_incidents(door.asked(), by).subquery()))}


@bp.get("/user-operation")
@door.reads
def list_operations(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    query, case = _some_operations(unit, by, wanted)
    newest = {"timestamp": events.c.id}
    order = door.sorted_by(wanted, newest) or [events.c.id]
    return [_operation(row, case) for row in unit.all(query.order_by(*order).limit(limit).offset(offset))]


@bp.get("/user-operation/count")
@door.reads
def count_operations(unit: Unit, by: Any) -> Any:
    query, _ = _some_operations(unit, by, door.asked())
    return {"count": unit.scalar(select(func.count()).select_from(query.subquery()))}


@bp.get("/activity-instance/<string:text>")
@door.reads
def show_visit(unit: Unit, by: Any, text: str) -> Any:
    """Its id is the case's number and the token's, ``number:17``."""
    number = text.partition(":")[0]
    for one in history_views.visits(unit, by, number):
        if one["id"] == text:
            return one
    raise NotFound(f"There is no activity instance {text[:100]!r}.")


@bp.get("/variable-instance/<string:text>")
@door.reads
def show_variable(unit: Unit, by: Any, text: str) -> Any:
    """Its id is the case's number and the variable's name, ``number:ket_qua``."""
    number, _, name = text.partition(":")
    instances.variable_of(unit, by, number, name)
    return history_views.variables_of(unit, by, number, name)[0]


@bp.get("/variable-instance/<string:text>/data")
@door.reads
def show_variable_data(unit: Unit, by: Any, text: str) -> Response:
    number, _, name = text.partition(":")
    return instances.data_of_variable(unit, by, number, name)


@bp.get("/process-definition/<string:text>/statistics")
@door.reads
def stays(unit: Unit, by: Any, text: str) -> Any:
    """How many tokens stand at each element of a version; with ``finished`` and ``canceled``, how many have been there
    (see `engine.history.heat`)."""
    wanted = door.asked()
    given = door.known(wanted, "finished", "canceled", "completeScope")
    finished, canceled = door.flag(given.get("finished")), door.flag(given.get("canceled"))
    found = heat.heat(unit, read_definition_id(text), by=by)
    rows = [{"id": one.element, "instances": one.now, "canceled": one.cancelled if canceled else 0,
             "finished": one.visits if finished else 0, "completeScope": 0, "openIncidents": 0, "resolvedIncidents": 0,
             "deletedIncidents": 0} for one in found]  # fmt: skip
    return [row for row in door.sort(wanted, rows, {"activityId": itemgetter("id")})
            if row["instances"] or row["canceled"] or row["finished"]]  # fmt: skip


# -- particulars -----------------------------------------------------------------------------------------------------


def _some_incidents(wanted: dict[str, Any], by: Any) -> Select[Any]:
    given = door.known(wanted, "incidentId", "incidentMessage", "incidentMessageLike", "processInstanceId",
                       "processDefinitionId", "processDefinitionKey", "processDefinitionKeyIn", "activityId", "open",
                       "resolved", "deleted", "createTimeBefore", "createTimeAfter", "endTimeBefore",
                       "endTimeAfter")  # fmt: skip
    query = incident_views.every().where(access.permits(by, "see-incident", access.CASES))
    query = incident_views.narrowed(query, given)
    if "processDefinitionKey" in given:
        query = query.where(cases.c.report_type == str(given["processDefinitionKey"]))
    if door.flag(given.get("open")):
        query = query.where(incidents.c.resolved_at.is_(None))
    if door.flag(given.get("resolved")):
        query = query.where(incidents.c.resolved_at.is_not(None))
    if door.flag(given.get("deleted")):  # none is: an incident is never closed over something that was not done
        query = query.where(incidents.c.id < 0)
    times = values.between(given, "createTime", incidents.c.opened_at)
    return query.where(*times, *values.between(given, "endTime", incidents.c.resolved_at))


def _incident(row: Row[Any]) -> dict[str, Any]:
    shown = incident_views.incident(row)
    shown["createTime"] = shown.pop("incidentTimestamp")
    return shown | {
        "processDefinitionKey": row.report_type, "rootProcessInstanceId": row.number, "historyConfiguration": None,
        "endTime": values.instant(row.resolved_at), "removalTime": None, "open": row.resolved_at is None,
        "resolved": row.resolved_at is not None, "deleted": False,
    }  # fmt: skip


def _some_operations(unit: Unit, by: Any, wanted: dict[str, Any]) -> tuple[Select[Any], Row[Any]]:
    """What people and programs did to one case, not what the engine did."""
    given = door.known(wanted, "processInstanceId", "userId", "operationType", "afterTimestamp", "beforeTimestamp")
    case = instances.find(unit, by, str(door.text(given, "processInstanceId", required=True)))
    access.find(unit, by, "read", case.number)
    query = select(events).where(events.c.case_id == case.id, events.c.actor != "system")
    if "userId" in given:
        query = query.where(events.c.actor == str(given["userId"]))
    if "operationType" in given:
        query = query.where(events.c.kind == str(given["operationType"]))
    if "afterTimestamp" in given:
        query = query.where(events.c.at > values.read_instant(given["afterTimestamp"], "afterTimestamp"))
    if "beforeTimestamp" in given:
        query = query.where(events.c.at < values.read_instant(given["beforeTimestamp"], "beforeTimestamp"))
    return query, case


def _operation(row: Row[Any], case: Row[Any]) -> dict[str, Any]:
    task = row.data.get("task")
    return {
        "id": str(row.id), "operationId": str(row.id), "operationType": row.kind, "userId": row.actor,
        "timestamp": values.instant(row.at), "entityType": "Task" if task is not None else "ProcessInstance",
        "taskId": None if task is None else str(task), "processInstanceId": case.number,
        "rootProcessInstanceId": case.number, "processDefinitionKey": case.report_type,
        "processDefinitionId": definition_id(case.report_type, case.definition_version, case.definition_id),
        "category": "TaskWorker" if task is not None else "Operator", "executionId": case.number, "annotation": None,
        "deploymentId": str(case.definition_id), "property": None, "orgValue": None, "newValue": None, "jobId": None,
        "jobDefinitionId": None, "batchId": None, "caseInstanceId": None, "caseExecutionId": None,
        "caseDefinitionId": None, "externalTaskId": None, "removalTime": None, "tenantId": None,
    }  # fmt: skip
