"""Absences: who is away, and who stands in."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine import absences
from engine.people.access import Account
from engine.runtime import Unit
from webapi.api.blueprint import OUR_DAYS, Blueprint, Code, In, Out, instant

bp = Blueprint("absences", "Who is away, and which colleague takes and completes meanwhile what is assigned to them.")


class AbsenceOut(Out):
    id = fields.Integer()
    login = fields.String(metadata={"description": "who is away"})
    name = fields.String()
    agency = fields.String()
    substitute = fields.String(metadata={"description": "who stands in; their tasks: GET /tasks?absent=true"})
    substitute_name = fields.String()
    first_day = fields.Date()
    last_day = fields.Date(metadata={"description": "included"})
    created_at = instant()
    created_by = fields.String()


class AbsencesOut(Out):
    items = fields.List(fields.Nested(AbsenceOut))


class AbsenceIn(In):
    login = Code(load_default=None, metadata={"description": "who is away; left out: yourself"})
    substitute = Code(required=True, metadata={"description": "a colleague of the same agency"})
    first_day = fields.Date(required=True, validate=OUR_DAYS, metadata={"description": "today or later"})
    last_day = fields.Date(required=True, validate=OUR_DAYS, metadata={"description": "included"})


@bp.read("/absences", AbsencesOut)
def index(unit: Unit, caller: Account) -> Any:
    """Of today and later, of the people you may know of"""
    return {"items": absences.upcoming(unit, caller)}


@bp.create("/absences", AbsenceOut, AbsenceIn)
def create(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """You, or for who heads an agency somebody there, will be away"""
    body["login"] = body["login"] or caller.login
    row = absences.note(unit, **body, by=caller)
    return row, 201, {"Location": f"/api/v1/absences/{row.id}"}


@bp.change("/absences/<key:absence_id>", None, method="DELETE", status=204)
def end(unit: Unit, caller: Account, absence_id: int) -> Any:
    """Back, or not away after all: nobody stands in from now on"""
    absences.end(unit, absence_id, by=caller)
    return "", 204
