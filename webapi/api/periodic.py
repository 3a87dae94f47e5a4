"""Reports of weeks and months that were sent by the clock."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine.people.access import Account
from engine.runtime import Unit
from engine.statistics import periodic
from webapi.api.blueprint import Blueprint, Code, In, Out, instant, province_of

bp = Blueprint("periodic", "Reports of weeks and months, as they were sent by the clock.")


class SentQuery(In):
    province = Code(metadata={"description": "else the caller's own"})


class SentOut(Out):
    """A report as it was sent."""

    key = fields.String()
    name = fields.String()
    begins = fields.Date(metadata={"description": "Vietnamese day"})
    ends = fields.Date(metadata={"description": "the first day after the period"})
    text = fields.String()
    figures = fields.Dict(metadata={"description": "as said in the text: no number from 1 to 4"})
    sent_to = fields.List(fields.String())
    made_at = instant()


class AllSentOut(Out):
    items = fields.List(fields.Nested(SentOut))


@bp.read("/periodic-reports", AllSentOut, SentQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """What was sent, newest first; an overseer sees what the own agency was sent"""
    return {"items": periodic.list_reports(unit, caller, province_of(query, caller))}
