"""Messages from outside that a case waits for."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine import correlation, messages
from engine.access import Account
from engine.correlation import Wanted
from engine.errors import InvalidRequest
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, Code, In, Out

bp = Blueprint("messages", "What other systems tell a case: the diagram says which messages it waits for.")


class MessageIn(In):
    """A message by its name in the diagram, to a case by its number, or by the key under which it waits."""

    name = Code(required=True, metadata={"description": "such as msg_bo_sung"})
    case = Code(metadata={"description": "the case's number"})
    key = fields.String(metadata={"description": "instead of the number: what the diagram says with the property key"})
    payload = fields.Dict(keys=fields.String(), load_default=dict, metadata={"description": "joins the case's data"})


class DeliveredOut(Out):
    case = fields.String()
    moved = fields.Boolean(metadata={"description": "false: a fault of the report type holds it up as an incident"})


@bp.create("/messages", DeliveredOut, MessageIn)
def deliver(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """Tell a case something

    Nothing is kept: if no case waits for it, or more than one under that key, it is refused.
    """
    number, moved = _delivered(unit, caller, **body)
    return {"case": number, "moved": moved}, 201, {"Location": f"/api/v1/cases/{number}/timeline"}


def _delivered(
    unit: Unit, caller: Account, name: str, payload: dict[str, Any], case: str | None = None, key: str | None = None
) -> tuple[str, bool]:
    if (case is None) == (key is None):
        raise InvalidRequest("Say which case it is for: either its number as case, or the key under which it waits.")
    if case is not None:
        return case, messages.deliver(unit, name, payload, case, by=caller)
    [reached] = correlation.correlate(unit, name, payload, Wanted(key=key), by=caller)
    return reached.number, reached.moved
