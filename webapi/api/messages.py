"""Messages from outside: to a case that waits, to one that comes to wait, or to begin one."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine import messages
from engine.errors import InvalidRequest
from engine.messaging import correlation, kept
from engine.messaging.correlation import Wanted
from engine.people.access import Account
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, Code, In, Out, PageQuery, instant, page_of

bp = Blueprint("messages", "What other systems tell a case: the diagram says which messages it waits for.")
MESSAGE = "/messages/<key:message_id>"


class MessageIn(In):
    """A message by its name in the diagram, to a case by its number, or by the key under which it waits; without
    either it begins a case of the type whose start event names it."""

    name = Code(required=True, metadata={"description": "such as msg_bo_sung"})
    case = Code(metadata={"description": "the case's number"})
    key = fields.String(metadata={"description": "instead of the number: what the diagram says with the property key"})
    province = Code(metadata={"description": "its code; only with a key, or to begin a case"})
    keep = fields.String(metadata={"description": "if nobody waits for it: for how long to keep it; P7D, at most P90D"})
    payload = fields.Dict(keys=fields.String(), load_default=dict, metadata={
        "description": "joins the case's data; of a case that begins: the answers of its intake form, and area, place, "
        "channel, severity"})  # fmt: skip


class DeliveredOut(Out):
    """What became of it: a case has got it, has begun with it, or it is kept."""

    state = fields.String(metadata={"description": "taken, begun or kept"})
    case = fields.String(allow_none=True)
    moved = fields.Boolean(metadata={"description": "false: it is kept, or a fault of the report type holds it up"})
    secret = fields.String(allow_none=True, metadata={"description": "of a case that it has begun, for its reporter"})
    message = fields.Integer(allow_none=True, metadata={"description": "of one that is kept: its id"})


class KeptSummary(Out):
    """A message from outside that was to be kept."""

    id = fields.Integer()
    name = fields.String()
    province = fields.String()
    key = fields.String(metadata={"description": "under which it is to be awaited: a key, or a case's number"})
    sent_by = fields.String()
    state = fields.String(metadata={"description": "waiting, taken, or dead: nobody came to wait for it in time"})
    created_at = instant()
    until_at = instant(metadata={"description": "then it is given up"})
    settled_at = instant(allow_none=True)
    last_error = fields.String(allow_none=True)
    case = fields.String(attribute="number", allow_none=True, metadata={"description": "which has taken it"})


class KeptOut(KeptSummary):
    payload = fields.Dict(allow_none=True, metadata={"description": "for its sender, and who may read what comes in"})


class KeptQuery(PageQuery):
    state = fields.String(validate=validate.OneOf(kept.STATES))


@bp.create("/messages", DeliveredOut, MessageIn)
def deliver(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """Tell a case something, or begin one

    If no case waits for it, it is refused, or kept if `keep` says for how long; if more than one waits, it is refused.
    """
    found = _told(unit, caller, **body)
    if isinstance(found, int):
        return {"state": "kept", "case": None, "moved": False, "message": found}, 201, {
            "Location": f"/api/v1/messages/{found}"}  # fmt: skip
    told = {"case": found.number, "moved": found.moved, "secret": found.secret}
    state = "taken" if found.secret is None else "begun"
    return told | {"state": state}, 201, {"Location": f"/api/v1/cases/{found.number}/timeline"}


@bp.read("/messages", page_of(KeptSummary, "message"), KeptQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Messages that were to be kept, newest first; ?state=dead: for which nobody came to wait"""
    return kept.index(unit, caller, **query)


@bp.read(MESSAGE, KeptOut)
def show(unit: Unit, caller: Account, message_id: int) -> Any:
    """One of them"""
    return kept.show(unit, caller, message_id)


@bp.change(f"{MESSAGE}/retry", KeptOut)
def retry(unit: Unit, caller: Account, message_id: int) -> Any:
    """Let one that was given up wait once more, for as long as before"""
    return kept.retry(unit, message_id, by=caller)


def _told(
    unit: Unit, caller: Account, name: str, payload: dict[str, Any], case: str | None = None, key: str | None = None,
    province: str | None = None, keep: str | None = None,
) -> messages.Reached | int:  # fmt: skip
    if case is not None and (key is not None or province is not None):
        raise InvalidRequest("Say which case it is for: its number as case, or the key under which it waits, not both.")
    if case is not None and keep is None:
        return messages.deliver(unit, name, payload, case, by=caller)
    if case is not None or key is not None:
        return correlation.tell(unit, name, payload, Wanted(case, key, province), keep=keep, by=caller)
    messages.permission(name)  # some have doors of their own
    if keep is not None:
        raise InvalidRequest("A message is kept under a key, or for the case of a number: say one of the two.")
    begun = correlation.begin(unit, name, payload, province, by=caller)
    if begun is None:
        raise InvalidRequest(f"No report type of yours begins with the message {name!r}: say which case it is for, by "
                             "its number as case, or the key under which it waits.")  # fmt: skip
    return begun
