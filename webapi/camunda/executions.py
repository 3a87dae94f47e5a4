"""Executions: a case itself, and its tokens, ``number:17``. What they know is the case's."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy import select

from engine import model
from engine.errors import NotFound
from engine.flow.codec import standing
from engine.messaging import correlation
from engine.messaging.correlation import Wanted
from engine.runtime import Unit
from webapi.camunda import door, instances, subscriptions, values

bp = Blueprint("executions", __name__, url_prefix="/execution")
ONE = "/<string:text>"
LOCAL, WAITING = f"{ONE}/localVariables", f"{ONE}/messageSubscriptions/<string:message>"
_NAMES = {"messageEventSubscriptionName": "message", "signalEventSubscriptionName": "signal"}


@bp.route("", methods=["GET", "POST"])
@door.reads
def index(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    rows = door.sort(wanted, _some(unit, by, wanted), {"instanceId": lambda row: row["processInstanceId"]})
    return rows[offset : offset + limit]


@bp.route("/count", methods=["GET", "POST"])
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return {"count": len(_some(unit, by, door.asked()))}


@bp.get(ONE)
@door.reads
def show(unit: Unit, by: Any, text: str) -> Any:
    return _find(unit, by, text)


@bp.get(LOCAL)
@door.reads
def local_variables(unit: Unit, by: Any, text: str) -> Any:
    """Those of the case, where it is one; a token has none of its own."""
    found = _find(unit, by, text)
    return values.all_typed(instances.data(unit, by, text)) if found["id"] == found["processInstanceId"] else {}


@bp.get(f"{LOCAL}/<string:name>")
@door.reads
def local_variable(unit: Unit, by: Any, text: str, name: str) -> Any:
    return instances.variable_of(unit, by, _whole(unit, by, text), name)


@bp.get(f"{LOCAL}/<string:name>/data")
@door.reads
def local_data(unit: Unit, by: Any, text: str, name: str) -> Any:
    return instances.data_of_variable(unit, by, _whole(unit, by, text), name)


@bp.get(WAITING)
@door.reads
def waits(unit: Unit, by: Any, text: str, message: str) -> Any:
    found = subscriptions.some(unit, by, {"executionId": text, "eventName": message, "eventType": "message"})
    if not found:
        raise NotFound(f"The execution {text[:80]!r} does not wait for the message {message[:80]!r}.")
    return found[0]


@bp.post(f"{WAITING}/trigger")
@door.changes
def trigger(unit: Unit, by: Any, text: str, message: str) -> None:
    """As a message to its case."""
    body = door.known(door.sent(), "variables")
    number = _find(unit, by, text)["processInstanceId"]
    correlation.tell(unit, message, values.plain(body.get("variables")), Wanted(number=number), keep=None, by=by)


# -- particulars -----------------------------------------------------------------------------------------------------


def _some(unit: Unit, by: Any, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Of one ``processInstanceId``, or those that wait for a message or signal of some name."""
    given = door.known(wanted, "processInstanceId", "activityId", *_NAMES)
    asked = {name: given[name] for name in _NAMES if name in given}
    if not asked:
        number = str(door.text(given, "processInstanceId", required=True))
        return [one for element, one in _of(unit, by, number) if given.get("activityId", element) == element]
    name = next(iter(asked))
    door.known(given, "processInstanceId", name)
    about = {"eventType": _NAMES[name], "eventName": asked[name], "processInstanceId": given.get("processInstanceId")}
    return [_execution(one["processInstanceId"], one["executionId"]) for one in subscriptions.some(unit, by, about)]


def _of(unit: Unit, by: Any, number: str) -> list[tuple[str | None, dict[str, Any]]]:
    """A case, and where each of its tokens stands."""
    row = instances.find(unit, by, number)
    state = unit.scalar(select(model.instances.c.state).where(model.instances.c.case_id == row.id))
    whole = _execution(number, number) | {"ended": row.finished_at is not None}
    return [(None, whole)] + [(one["element"], _execution(number, f"{number}:{one['token']}"))
                              for one in standing(state)]  # fmt: skip


def _find(unit: Unit, by: Any, text: str) -> dict[str, Any]:
    number = text.partition(":")[0]
    for _, one in _of(unit, by, number):
        if one["id"] == text:
            return one
    raise NotFound(f"There is no execution {text[:80]!r}.")


def _whole(unit: Unit, by: Any, text: str) -> str:
    """The number of the case that an execution is, and no token of it."""
    found = _find(unit, by, text)
    if found["id"] != found["processInstanceId"]:
        raise NotFound(f"The execution {text[:80]!r} has no variables of its own: ask for those of its case.")
    return str(found["id"])


def _execution(number: str, text: str) -> dict[str, Any]:
    return {"id": text, "processInstanceId": number, "ended": False, "tenantId": None}
