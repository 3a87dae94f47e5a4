"""What cases went through, element by element; for the heat map, and for process mining."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from engine.history import exports, histories
from engine.history import heat as heats
from engine.history.exports import Wanted
from engine.people.access import Account
from engine.runtime import Unit
from engine.terms.calendar import ZONE
from webapi import auth
from webapi.api.blueprint import Blueprint, Code, In, Out, instant

bp = Blueprint("histories", "What cases went through, element by element; for the heat map, and for process mining.")


class VisitOut(Out):
    """A stay at an element."""

    element = fields.String()
    name = fields.String()
    token = fields.Integer(metadata={"description": "0: it was passed without waiting"})
    entered_at = instant()
    left_at = instant(allow_none=True)
    seconds = fields.Float(metadata={"description": "how long it was there, or has been so far"})
    by = fields.String(allow_none=True, metadata={"description": "who made it come to an end"})
    how = fields.String(allow_none=True, metadata={"description": "completed or cancelled"})
    agency = fields.String(allow_none=True)
    due_at = instant(allow_none=True)
    breached_at = instant(allow_none=True)


class VisitsOut(Out):
    items = fields.List(fields.Nested(VisitOut))


class HeatOut(Out):
    """What an element of a version has seen."""

    element = fields.String()
    name = fields.String()
    now = fields.Integer(metadata={"description": "tokens that stand there"})
    visits = fields.Integer(metadata={"description": "stays that have ended"})
    cancelled = fields.Integer()
    breaches = fields.Integer()
    mean_seconds = fields.Float(allow_none=True)
    longest_seconds = fields.Float()


class HeatsOut(Out):
    items = fields.List(fields.Nested(HeatOut))


class HeatQuery(In):
    since = instant(metadata={"description": "only cases opened from that local day on"})


class ExportQuery(In):
    report_type = Code(required=True)
    since = instant(metadata={"description": "only cases opened from then on"})
    before = instant(metadata={"description": "only cases opened before"})


@bp.read("/cases/<name:number>/elements", VisitsOut)
def elements(unit: Unit, caller: Account, number: str) -> Any:
    """The elements it came to, when, for how long, and who moved it on"""
    return {"items": histories.of_case(unit, number, by=caller)}


@bp.read("/deployments/<key:definition_id>/heat", HeatsOut, HeatQuery)
def heat(unit: Unit, caller: Account, query: dict[str, Any], definition_id: int) -> Any:
    """Of each element of a version: tokens now, how long cases stay, deadlines that passed; as of some seconds ago"""
    since = query.get("since")
    day = since and since.astimezone(ZONE).date()
    return {"items": heats.heat(unit, definition_id, day, by=caller)}


@bp.read("/exports/xes", None, ExportQuery)
def xes(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Histories as XES, for process mining; no personal data"""
    exports.may(unit, by=caller)
    return Response(exports.xes(auth.runtime(), Wanted(**query), by=caller), mimetype="application/xml")


@bp.read("/exports/ocel", None, ExportQuery)
def ocel(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Histories as OCEL 2.0 in JSON, for process mining; no personal data"""
    exports.may(unit, by=caller)
    return Response(exports.ocel(auth.runtime(), Wanted(**query), by=caller), mimetype="application/json")
