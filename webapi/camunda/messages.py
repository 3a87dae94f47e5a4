"""Messages and signals to cases that wait for them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy import select

from engine import access, correlation, firewall, model
from engine.correlation import Reached, Wanted
from engine.errors import InvalidRequest
from engine.flow.codec import data_of
from engine.model import cases
from engine.runtime import Unit
from webapi.camunda import door, values

bp = Blueprint("messages", __name__)


@bp.post("/message")
@door.changes
def correlate(unit: Unit, by: Any) -> Any:
    body = door.known(
        door.sent(), "messageName", "businessKey", "processInstanceId", "tenantId", "correlationKeys",
        "localCorrelationKeys", "processVariables", "resultEnabled", "variablesInResultEnabled", "all")  # fmt: skip
    name = str(door.text(body, "messageName", required=True))
    payload = values.plain(body.get("processVariables"))
    found = correlation.correlate(unit, name, payload, _wanted(body), to_all=door.flag(body.get("all")), by=by)
    if not door.flag(body.get("resultEnabled")):
        return None
    return [_result(unit, by, one, door.flag(body.get("variablesInResultEnabled"))) for one in found]


@bp.post("/signal")
@door.changes
def throw(unit: Unit, by: Any) -> None:
    body = door.known(door.sent(), "name", "executionId", "variables", "tenantId")
    signal, payload = str(door.text(body, "name", required=True)), values.plain(body.get("variables"))
    if "executionId" not in body:
        correlation.throw(unit, signal, payload, door.text(body, "tenantId"), by=by)
        return
    if "tenantId" in body:
        raise InvalidRequest("Leave out tenantId where executionId says which case is meant.", field="tenantId")
    number = str(door.text(body, "executionId")).partition(":")[0]
    correlation.throw_into(unit, signal, payload, number, by=by)


# -- particulars -------------------------------------------------------------------------------------------------------


def _wanted(body: dict[str, Any]) -> Wanted:
    """A case is its own process instance, and its number its business key."""
    numbers = {door.text(body, name) for name in ("businessKey", "processInstanceId") if name in body}
    if len(numbers) > 1:
        raise InvalidRequest("businessKey and processInstanceId name two cases; leave one out.", field="businessKey")
    if "tenantId" in body and "processInstanceId" in body:
        raise InvalidRequest("Leave out tenantId where processInstanceId says which case is meant.", field="tenantId")
    return Wanted(
        number=next(iter(numbers), None), province=door.text(body, "tenantId"),
        knows=values.plain(body.get("correlationKeys")), knows_alone=values.plain(body.get("localCorrelationKeys")),
    )  # fmt: skip


def _result(unit: Unit, by: Any, reached: Reached, with_variables: bool) -> dict[str, Any]:
    """What a case has come to; its variables for who may read it."""
    query = select(*cases.c, model.instances.c.state, model.instances.c.finished_at)
    now = unit.all(query.join(model.instances, model.instances.c.case_id == cases.c.id)
                   .where(cases.c.id == reached.case_id))[0]  # fmt: skip
    execution = {"id": now.number, "processInstanceId": now.number, "ended": now.finished_at is not None,
                 "tenantId": None}  # fmt: skip
    result = {"resultType": "Execution", "execution": execution, "processInstance": None}
    if with_variables:
        readable = access.allows(by, "read", now, unit)
        result["variables"] = values.all_typed(firewall.over(unit, by, now)(data_of(now.state))) if readable else {}
    return result
