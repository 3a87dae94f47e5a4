"""Incidents: steps that could not be taken, kept until somebody has repaired the cause."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine import queries, repairs
from engine.access import Account
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, Flag, Out, PageQuery, instant, page_of

bp = Blueprint("incidents", "What a fault of a report type holds up. Nothing of it is lost: repair, then retry.")
INCIDENT = "/incidents/<key:incident_id>"


class IncidentSummary(Out):
    """A step that could not be taken."""

    id = fields.Integer()
    case = fields.String(attribute="number")
    report_type = fields.String()
    element = fields.String(allow_none=True)
    message = fields.String(metadata={"description": "what is wrong, in an analyst's words"})
    attempts = fields.Integer()
    opened_at = instant()
    resolved_at = instant(allow_none=True)
    resolved_by = fields.String(allow_none=True)


class IncidentOut(IncidentSummary):
    detail = fields.String()
    step = fields.Dict(metadata={"description": "what is taken again"})


class IncidentQuery(PageQuery):
    open = Flag(load_default=True)


@bp.read("/incidents", page_of(IncidentSummary, "incident"), IncidentQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Open incidents, oldest first"""
    return queries.list_incidents(unit, caller, **query)


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
