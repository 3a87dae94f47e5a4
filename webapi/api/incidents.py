"""Incidents: steps that could not be taken, kept until somebody has repaired the cause."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine import queries
from engine.people.access import Account
from engine.runtime import Unit
from engine.work import causes, repairs
from webapi.api.blueprint import Blueprint, Flag, In, InVietnamese, Out, PageQuery, instant, page_of

bp = Blueprint("incidents", "What a fault of a report type holds up. Nothing of it is lost: repair, then retry.")
INCIDENT = "/incidents/<key:incident_id>"


class IncidentSummary(Out):
    """A step that could not be taken."""

    id = fields.Integer()
    case = fields.String(attribute="number")
    report_type = fields.String()
    element = fields.String(allow_none=True)
    message = fields.String(metadata={"description": "what is wrong, in an analyst's words"})
    message_vi = InVietnamese()
    attempts = fields.Integer()
    opened_at = instant()
    resolved_at = instant(allow_none=True)
    resolved_by = fields.String(allow_none=True)


class IncidentOut(IncidentSummary):
    detail = fields.String()
    step = fields.Dict(metadata={"description": "what is taken again"})


class CauseOut(Out):
    """One fault, however many cases it holds up."""

    incident = fields.Integer(metadata={"description": "the oldest incident; any one of them names the cause"})
    report_type = fields.String()
    version = fields.Integer(metadata={"description": "of the report type"})
    element = fields.String(allow_none=True)
    message = fields.String()
    message_vi = InVietnamese()
    count = fields.Integer(metadata={"description": "how many incidents are open"})
    waiting = fields.Integer(metadata={"description": "how many of them are about to be tried again"})
    since = instant()


class CausesOut(Out):
    items = fields.List(fields.Nested(CauseOut))


class RetriedOut(Out):
    queued = fields.Integer(metadata={"description": f"how many are tried again, {causes.MOST} at once"})


class StepValuesIn(In):
    values = fields.Dict(keys=fields.String(), required=True, metadata={"description": "all values of the step"})


class IncidentQuery(PageQuery):
    open = Flag(load_default=True)


@bp.read("/incidents", page_of(IncidentSummary, "incident"), IncidentQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Open incidents, oldest first"""
    return queries.list_incidents(unit, caller, **query)


@bp.read("/incidents/causes", CausesOut)
def by_cause(unit: Unit, caller: Account) -> Any:
    """Open incidents by their cause, most cases first"""
    return {"items": causes.of_incidents(unit, caller)}


@bp.read(INCIDENT, IncidentOut)
def show(unit: Unit, caller: Account, incident_id: int) -> Any:
    """One incident, with the step it keeps"""
    return queries.show_incident(unit, caller, incident_id)


@bp.change(f"{INCIDENT}/retry", IncidentOut)
def retry(unit: Unit, caller: Account, incident_id: int) -> Any:
    """Take the step again

    If it fails again, the incident stays open and says why.
    """
    queries.show_incident(unit, caller, incident_id, "retry")
    repairs.retry(unit, incident_id, caller.login)
    return queries.show_incident(unit, caller, incident_id)


@bp.change(f"{INCIDENT}/retry-all", RetriedOut, status=202)
def retry_all(unit: Unit, caller: Account, incident_id: int) -> Any:
    """Take the steps of all incidents with this one's cause again

    The workers do it; GET /incidents/causes says how many still wait.
    """
    return {"queued": causes.retry(unit, caller, incident_id)}, 202


@bp.change(f"{INCIDENT}/correct", IncidentOut, StepValuesIn)
def correct(unit: Unit, caller: Account, body: dict[str, Any], incident_id: int) -> Any:
    """Put other values into the step that is kept

    Answers to a task are held against its form. The step is taken when the incident is retried.
    """
    queries.show_incident(unit, caller, incident_id, "repair")
    repairs.correct(unit, incident_id, body["values"], caller.login)
    return queries.show_incident(unit, caller, incident_id)
