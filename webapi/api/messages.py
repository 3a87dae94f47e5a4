"""Messages from outside that a case waits for."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine import messages
from engine.access import Account
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, Code, In, Out

bp = Blueprint("messages", "What other systems tell a case: the diagram says which messages it waits for.")


class MessageIn(In):
    """A message by its name in the diagram."""

    name = Code(required=True, metadata={"description": "such as msg_bo_sung"})
    case = Code(required=True, metadata={"description": "the case's number"})
    payload = fields.Dict(keys=fields.String(), load_default=dict, metadata={"description": "joins the case's data"})


class DeliveredOut(Out):
    case = fields.String()
    moved = fields.Boolean(metadata={"description": "false: a fault of the report type holds it up as an incident"})


@bp.create("/messages", DeliveredOut, MessageIn)
def deliver(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """Tell a case something"""
    moved = messages.deliver(unit, body["name"], body["payload"], body["case"], by=caller)
    return {"case": body["case"], "moved": moved}, 201, {"Location": f"/api/v1/cases/{body['case']}/timeline"}
