"""What came in by chat and by post, and what became of it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine import intake
from engine.channels import arrivals
from engine.people.access import Account
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, Out, PageQuery, instant, page_of

bp = Blueprint("arrivals", "Messages that came in: what became of them, what waits, what could not be understood.")
ARRIVAL = "/arrivals/<key:arrival_id>"


class ArrivalSummary(Out):
    """Something that came in."""

    id = fields.Integer()
    province = fields.String()
    channel = fields.String(metadata={"description": "zalo, facebook, viber or email"})
    event_id = fields.String(metadata={"description": "what the sender's system calls it"})
    state = fields.String(metadata={"description": "waiting, done, or dead: given up"})
    received_at = instant()
    due_at = instant(metadata={"description": "when it is tried again, while it waits"})
    attempts = fields.Integer()
    last_error = fields.String(allow_none=True)
    processed_at = instant(allow_none=True)
    case = fields.String(attribute="number", allow_none=True, metadata={"description": "the case it belongs to"})
    contact_id = fields.Integer(allow_none=True)


class ArrivalOut(ArrivalSummary):
    body = fields.String(allow_none=True, metadata={"description": "as it came, for those who may read it"})
    emptied = fields.Boolean(metadata={"description": "what it said is not kept any more"})


class ArrivalQuery(PageQuery):
    state = fields.String(validate=validate.OneOf(arrivals.STATES))
    channel = fields.String(validate=validate.OneOf(intake.CHANNELS))


@bp.read("/arrivals", page_of(ArrivalSummary, "arrival"), ArrivalQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """What came in, newest first; ?state=dead: what nobody could understand"""
    return arrivals.index(unit, caller, **query)


@bp.read(ARRIVAL, ArrivalOut)
def show(unit: Unit, caller: Account, arrival_id: int) -> Any:
    """One of them"""
    return arrivals.show(unit, caller, arrival_id)


@bp.change(f"{ARRIVAL}/retry", ArrivalOut)
def retry(unit: Unit, caller: Account, arrival_id: int) -> Any:
    """Try again what was given up"""
    return arrivals.retry(unit, arrival_id, by=caller)
