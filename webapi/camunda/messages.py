"""Messages and signals to cases that wait for them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from sqlalchemy import select

from engine import model
from engine.errors import InvalidRequest, NotFound, Uncorrelated
from engine.flow.codec import data_of
from engine.messages import Reached
from engine.messaging import correlation
from engine.messaging.correlation import Wanted
from engine.model import cases
from engine.people import access
from engine.privacy import firewall
from engine.runtime import Unit
from webapi import idempotency
from webapi.camunda import door, instances, values

bp = Blueprint("messages", __name__)
_OF_WHO_WAITS = ("processInstanceId", "correlationKeys", "localCorrelationKeys", "keep")


@bp.post("/message")
@door.changes
def correlate(unit: Unit, by: Any) -> Any:
    body = door.known(
        door.sent(), "messageName", "businessKey", "processInstanceId", "tenantId", "correlationKeys",
        "localCorrelationKeys", "processVariables", "resultEnabled", "variablesInResultEnabled", "all",
        "keep")  # fmt: skip
    key = request.headers.get(idempotency.HEADER) or _foreign(unit, by, body)
    if key is None:
        results = _correlated(unit, by, body)
    else:  # what is sent again, since its answer was lost, begins no second case
        again = idempotency.keep(unit, by.login, f"message-{key}", lambda: {"results": _correlated(unit, by, body)})
        results = again["results"]
    return results if door.flag(body.get("resultEnabled")) else None


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


def _correlated(unit: Unit, by: Any, body: dict[str, Any]) -> list[dict[str, Any]]:
    name, payload = str(door.text(body, "messageName", required=True)), values.plain(body.get("processVariables"))
    if door.flag(body.get("all")):
        found = correlation.correlate(unit, name, payload, _wanted(body), to_all=True, by=by)
    elif foreign := _foreign(unit, by, body):
        found = [_begun(unit, by, name, payload, door.text(body, "tenantId"), foreign)]
    else:
        one = correlation.tell(unit, name, payload, _wanted(body), keep=door.text(body, "keep"), by=by)
        found = [] if isinstance(one, int) else [one]  # nobody has got what is kept
    if not door.flag(body.get("resultEnabled")):
        return []
    unit.flush()
    return [_result(unit, by, one, door.flag(body.get("variablesInResultEnabled"))) for one in found]


def _foreign(unit: Unit, by: Any, body: dict[str, Any]) -> str | None:
    """The business key of another system: it is no number of ours, so only a case that is yet to begin can have it."""
    key = door.text(body, "businessKey")
    if key is None or any(name in body for name in _OF_WHO_WAITS) or door.flag(body.get("all")):
        return None
    try:
        access.find(unit, by, "see", key)
    except NotFound:
        return key
    return None


def _begun(unit: Unit, by: Any, name: str, payload: dict[str, Any], province: str | None, foreign: str) -> Reached:
    begun = correlation.begin(unit, name, payload, province, foreign, by=by)
    if begun is None:
        raise Uncorrelated(f"There is no case {foreign} that is yours to tell, and no report type of yours begins with "
                           f"the message {name!r}.", message=name, waiting=0)  # fmt: skip
    return begun


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
    result: dict[str, Any] = {"resultType": "Execution", "execution": execution, "processInstance": None}
    if reached.secret is not None:  # it has begun
        result |= {"resultType": "ProcessDefinition", "execution": None,
                   "processInstance": instances.instance(instances.known(unit, now.id))}  # fmt: skip
    if with_variables:
        readable = access.allows(by, "read", now, unit)
        result["variables"] = values.all_typed(firewall.over(unit, by, now)(data_of(now.state))) if readable else {}
        if reached.secret is not None:
            result["variables"]["ma_tra_cuu"] = values.typed(reached.secret)
    return result
