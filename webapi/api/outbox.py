"""The outbox: what is or was owed to people and services."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine import queries
from engine.people.access import Account
from engine.queues import outbox
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, Code, Out, PageQuery, instant, page_of

bp = Blueprint("outbox", "Messages and service calls: what was sent, what waits, what was given up.")
LETTER = "/outbox/<key:letter_id>"


class LetterOut(Out):
    """Something owed. The address is nobody's business here: it is looked up when it is sent."""

    id = fields.Integer()
    case = fields.String(attribute="number", allow_none=True, metadata={"description": "null: about no case"})
    report_type = fields.String(allow_none=True)
    kind = fields.String(metadata={"description": "sms, email, zalo, facebook, viber, webhook or service"})
    topic = fields.String(metadata={"description": "id of the text, topic of the service call, or key of the report"})
    agency = fields.String(allow_none=True)
    to_citizen = fields.Function(lambda row: row.person_id is not None, metadata={"type": "boolean"})
    payload = fields.Dict()
    key = fields.String(metadata={"description": "the same at every attempt"})
    state = fields.String(metadata={"description": "ready, leased, sent or dead"})
    due_at = instant()
    attempts = fields.Integer()
    last_error = fields.String(allow_none=True)
    reference = fields.String(allow_none=True)
    created_at = instant()
    sent_at = instant(allow_none=True)


class OutboxQuery(PageQuery):
    state = fields.String(validate=validate.OneOf(queries.LETTER_STATES))
    case = Code(metadata={"description": "a case's number"})


@bp.read("/outbox", page_of(LetterOut, "letter"), OutboxQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """What is owed, newest first; ?state=dead: what was given up"""
    return queries.list_outbox(unit, caller, **query)


@bp.read(LETTER, LetterOut)
def show(unit: Unit, caller: Account, letter_id: int) -> Any:
    """One of them"""
    return queries.show_letter(unit, caller, letter_id)


@bp.change(f"{LETTER}/resend", LetterOut)
def resend(unit: Unit, caller: Account, letter_id: int) -> Any:
    """Try again what was given up, with the same key"""
    queries.show_letter(unit, caller, letter_id, "resend")
    outbox.resend(unit, letter_id, caller.login)
    return queries.show_letter(unit, caller, letter_id)
