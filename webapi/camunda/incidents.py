"""Incidents: what could not be done, and waits until its cause is repaired."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy import Row, Select, func, select

from engine import model, queries
from engine.errors import WrongState
from engine.model import cases, incidents
from engine.people import access
from engine.queues import incidents as engine_incidents
from engine.runtime import Unit
from engine.work import repairs
from webapi.camunda import door, values
from webapi.camunda.ids import definition_id, read_definition_id

bp = Blueprint("incidents", __name__, url_prefix="/incident")
ONE = "/<key:incident_id>"
_KNOWN = ("incidentId", "incidentMessage", "incidentMessageLike", "processDefinitionId", "processDefinitionKeyIn",
          "processInstanceId", "activityId", "incidentTimestampBefore", "incidentTimestampAfter")  # fmt: skip
_SORTED = {"incidentId": incidents.c.id, "incidentMessage": incidents.c.message, "activityId": incidents.c.element,
           "incidentTimestamp": incidents.c.opened_at, "processInstanceId": cases.c.number,
           "processDefinitionId": cases.c.definition_id}  # fmt: skip


@bp.get("")
@door.reads
def index(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    query = _open(wanted, by).order_by(*door.sorted_by(wanted, _SORTED), incidents.c.id)
    return [incident(row) for row in unit.all(query.limit(limit).offset(offset))]


@bp.get("/count")
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return {"count": unit.scalar(select(func.count()).select_from(_open(door.asked(), by).subquery()))}


@bp.get(ONE)
@door.reads
def show(unit: Unit, by: Any, incident_id: int) -> Any:
    queries.show_incident(unit, by, incident_id)
    return incident(unit.all(every().where(incidents.c.id == incident_id))[0])


@bp.delete(ONE)
@door.changes
def resolve(unit: Unit, by: Any, incident_id: int) -> None:
    """Its step is taken again: an incident is never closed over something that was not done.

    Raises:
        WrongState: the step failed again.
    """
    queries.show_incident(unit, by, incident_id, "retry")
    if not repairs.retry(unit, incident_id, by.login):
        raise WrongState(f"It cannot be done yet: {queries.show_incident(unit, by, incident_id).message}")


@bp.put(f"{ONE}/annotation")
@door.changes
def annotate(unit: Unit, by: Any, incident_id: int) -> None:
    text = str(door.text(door.known(door.sent(), "annotation"), "annotation", required=True))
    _annotate(unit, by, incident_id, text)


@bp.delete(f"{ONE}/annotation")
@door.changes
def forget_annotation(unit: Unit, by: Any, incident_id: int) -> None:
    _annotate(unit, by, incident_id, None)


# -- particulars -----------------------------------------------------------------------------------------------------


def _annotate(unit: Unit, by: Any, incident_id: int, text: str | None) -> None:
    queries.show_incident(unit, by, incident_id, "retry")
    engine_incidents.annotate(unit, incident_id, text)


def every() -> Select[Any]:
    """Those that are resolved, too."""
    joined = incidents.join(cases, cases.c.id == incidents.c.case_id)
    joined = joined.join(model.definitions, model.definitions.c.id == cases.c.definition_id)
    columns = (*incidents.c, cases.c.number, cases.c.report_type, cases.c.definition_id,
               model.definitions.c.version.label("definition_version"))  # fmt: skip
    return select(*columns).select_from(joined)


def _open(wanted: dict[str, Any], by: Any) -> Select[Any]:
    given = door.known(wanted, *_KNOWN)
    query = every().where(access.permits(by, "see-incident", access.CASES), incidents.c.resolved_at.is_(None))
    return narrowed(query, given).where(*values.between(given, "incidentTimestamp", incidents.c.opened_at))


def narrowed(query: Select[Any], given: dict[str, Any]) -> Select[Any]:
    """By what both ask for: those who look at open incidents, and those who look at all there have been."""
    equal = {"incidentMessage": incidents.c.message, "processInstanceId": cases.c.number,
             "activityId": incidents.c.element}  # fmt: skip
    query = query.where(*(column == str(given[name]) for name, column in equal.items() if name in given))
    if "incidentId" in given:
        query = query.where(incidents.c.id == door.number(given, "incidentId", 0))
    if "incidentMessageLike" in given:
        query = query.where(incidents.c.message.like(str(given["incidentMessageLike"])))
    if "processDefinitionId" in given:
        query = query.where(cases.c.definition_id == read_definition_id(str(given["processDefinitionId"])))
    if "processDefinitionKeyIn" in given:
        query = query.where(cases.c.report_type.in_(door.several(given, "processDefinitionKeyIn")))
    return query


def incident(row: Row[Any]) -> dict[str, Any]:
    service = row.step.get("kind") == "outbox"
    place = f"{row.number}:{row.step.get('token') or 0}"
    of = row.step.get("outbox_id") if service else row.job_id
    return {
        "id": str(row.id), "incidentType": "failedExternalTask" if service else "failedJob",
        "incidentTimestamp": values.instant(row.opened_at), "incidentMessage": row.message,
        "activityId": row.element, "failedActivityId": row.element, "executionId": place,
        "processInstanceId": row.number, "configuration": None if of is None else str(of),
        "processDefinitionId": definition_id(row.report_type, row.definition_version, row.definition_id),
        "causeIncidentId": str(row.id), "rootCauseIncidentId": str(row.id), "jobDefinitionId": None,
        "tenantId": None, "annotation": row.annotation,
    }  # fmt: skip
