"""External tasks: how work leaves to programs on any host."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from flask import Blueprint, Response, current_app
from sqlalchemy import ColumnElement

from engine.errors import InvalidRequest
from engine.model import cases, outbox
from engine.runtime import Unit
from engine.work import external
from engine.work.external import Topic
from webapi import auth
from webapi.camunda import door, values
from webapi.camunda.ids import definition_id, read_definition_id

bp = Blueprint("external", __name__, url_prefix="/external-task")
_TOPIC = ("topicName", "lockDuration", "variables", "businessKey", "processDefinitionId", "processDefinitionIdIn",
          "processDefinitionKey", "processDefinitionKeyIn", "localVariables", "deserializeValues",
          "includeExtensionProperties", "tenantIdIn", "processVariables", "processDefinitionVersionTag")  # fmt: skip
_AGE = {"createTime": outbox.c.created_at}
_SORTED = _AGE | {"id": outbox.c.id, "lockExpirationTime": outbox.c.lease_until_at, "processInstanceId": cases.c.number,
                  "processDefinitionId": cases.c.definition_id, "processDefinitionKey": cases.c.report_type,
                  "taskPriority": outbox.c.priority}  # fmt: skip


@bp.post("/fetchAndLock")
def fetch_and_lock() -> Response:
    """Tasks for a worker; answered at once if there are some, else within ``asyncResponseTimeout``."""
    token, wish = door.token(), _wish(door.sent())
    by = auth.admit(auth.runtime().read, lambda _, caller: caller, token)

    def look() -> list[Any]:
        return external.fetch(auth.runtime(), wish.topics, wish.worker, wish.most, by=by, order=wish.order)

    rows = current_app.extensions["waiting-room"].wait_for(look, wish.patience)
    return door.answer([_task(row) | {"variables": values.all_typed(row.payload, wish.variables.get(row.topic))}
                        for row in rows])  # fmt: skip


@bp.post("/<key:task_id>/complete")
@door.changes
def complete(unit: Unit, by: Any, task_id: int) -> None:
    body = door.sent()
    answer = values.plain(body.get("variables")) | values.plain(body.get("localVariables"))
    external.complete(unit, task_id, _worker(body), answer, by=by)


@bp.post("/<key:task_id>/failure")
@door.changes
def fail(unit: Unit, by: Any, task_id: int) -> None:
    body = door.sent()
    retries = None if body.get("retries") is None else door.number(body, "retries", 0)
    wait = timedelta(milliseconds=door.number(body, "retryTimeout", 0))
    message, details = str(body.get("errorMessage") or ""), str(body.get("errorDetails") or "")
    external.fail(unit, task_id, _worker(body), message, retries, wait, by=by, details=details)


@bp.post("/<key:task_id>/bpmnError")
@door.changes
def throw(unit: Unit, by: Any, task_id: int) -> None:
    body = door.known(door.sent(), "workerId", "errorCode", "errorMessage", "variables")
    code, data = str(door.text(body, "errorCode", required=True)), values.plain(body.get("variables"))
    external.throw(unit, task_id, _worker(body), code, str(body.get("errorMessage") or ""), data, by=by)


@bp.post("/<key:task_id>/extendLock")
@door.changes
def extend(unit: Unit, by: Any, task_id: int) -> None:
    body = door.sent()
    external.extend(unit, task_id, _worker(body), _lock(body, "newDuration"), by=by)


@bp.post("/<key:task_id>/lock")
@door.changes
def lock(unit: Unit, by: Any, task_id: int) -> None:
    body = door.sent()
    external.lock(unit, task_id, _worker(body), _lock(body), by=by)


@bp.post("/<key:task_id>/unlock")
@door.changes
def unlock(unit: Unit, by: Any, task_id: int) -> None:
    external.unlock(unit, task_id, by=by)


@bp.put("/<key:task_id>/retries")
@door.changes
def set_retries(unit: Unit, by: Any, task_id: int) -> None:
    external.give_retries(unit, task_id, door.number(door.sent(), "retries", 0), by=by)


@bp.put("/<key:task_id>/priority")
@door.changes
def set_priority(unit: Unit, by: Any, task_id: int) -> None:
    external.prioritise(unit, task_id, door.sent().get("priority"), by=by)


@bp.put("/retries")
@door.changes
def set_many_retries(unit: Unit, by: Any) -> None:
    """Of all these, or of none: one that is not there undoes the rest."""
    body = door.known(door.sent(), "retries", "externalTaskIds", "processInstanceIds")
    retries = door.number(body, "retries", 0)
    for row in named(unit, by, body):
        external.give_retries(unit, row, retries, by=by)


@bp.get("/<key:task_id>")
@door.reads
def show(unit: Unit, by: Any, task_id: int) -> Any:
    return _task(external.find(unit, task_id, by=by))


@bp.get("/<key:task_id>/errorDetails")
@door.reads
def error_details(unit: Unit, by: Any, task_id: int) -> Any:
    row = external.find(unit, task_id, by=by)
    return Response(row.error_details or "", content_type="text/plain; charset=utf-8")


@bp.route("", methods=["GET", "POST"])
@door.reads
def index(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    order = door.sorted_by(wanted, _SORTED)
    rows = external.waiting(unit, *_conditions(unit, wanted), by=by, limit=limit, offset=offset, order=order)
    return [_task(row) for row in rows]


@bp.route("/count", methods=["GET", "POST"])
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return {"count": external.count(unit, *_conditions(unit, door.asked()), by=by)}


@bp.get("/topic-names")
@door.reads
def topic_names(unit: Unit, by: Any) -> Any:
    return sorted({row.topic for row in external.waiting(unit, by=by, limit=door.MOST)})


# -- particulars -----------------------------------------------------------------------------------------------------


class Wish(NamedTuple):
    """What a worker asks for. ``variables``: the names it wants, by topic; none: all."""

    worker: str
    topics: list[Topic]
    variables: dict[str, list[str]]
    most: int
    order: list[ColumnElement[Any]]
    patience: timedelta


def _wish(body: dict[str, Any]) -> Wish:
    given = door.known(body, "workerId", "maxTasks", "usePriority", "asyncResponseTimeout", "topics")
    asked = door.tables(given, "topics", "topicName, lockDuration")
    urgent = [outbox.c.priority.desc()] if door.flag(given.get("usePriority")) else []
    return Wish(
        _worker(given), [_topic(one) for one in asked],
        {one["topicName"]: door.several(one, "variables") for one in asked},
        door.number(given, "maxTasks", 10), urgent + door.sorted_by(given, _AGE),
        timedelta(milliseconds=door.number(given, "asyncResponseTimeout", 0)),
    )  # fmt: skip


def named(unit: Unit, by: Any, body: dict[str, Any]) -> list[int]:
    """The tasks that are named, by themselves or by their cases."""
    ids = [door.number({"externalTaskIds": one}, "externalTaskIds", 0) for one in door.several(body, "externalTaskIds")]
    if numbers := door.several(body, "processInstanceIds"):
        of_cases = external.waiting(unit, cases.c.number.in_(numbers), by=by, limit=door.MOST)
        ids += [row.id for row in of_cases if row.id not in ids]
    if not ids:
        raise InvalidRequest("Name the tasks, by externalTaskIds or processInstanceIds.", field="externalTaskIds")
    return ids


def _worker(body: dict[str, Any]) -> str:
    return str(door.text(body, "workerId", required=True))


def _lock(body: dict[str, Any], name: str = "lockDuration") -> timedelta:
    return timedelta(milliseconds=door.number(body, name, 0))


def _topic(body: dict[str, Any]) -> Topic:
    given = door.known(body, *_TOPIC)
    keys = door.several(given, "processDefinitionKey", "processDefinitionKeyIn")
    ids = door.several(given, "processDefinitionId", "processDefinitionIdIn")
    for name in ("tenantIdIn", "processVariables", "processDefinitionVersionTag"):
        if name in given:
            raise InvalidRequest(f"{name} is not understood here; leave it out.", field=name)
    return Topic(
        str(door.text(given, "topicName", required=True)), _lock(given),
        numbers=(str(given["businessKey"]),) if "businessKey" in given else None,
        report_types=tuple(keys) or None,
        versions=tuple(read_definition_id(one) for one in ids) or None,
    )  # fmt: skip


def _conditions(unit: Unit, wanted: dict[str, Any]) -> list[Any]:
    given = door.known(
        wanted, "externalTaskId", "topicName", "workerId", "locked", "notLocked", "withRetriesLeft", "noRetriesLeft",
        "processInstanceId", "processDefinitionId", "processDefinitionKey", "activityId")  # fmt: skip
    equal = {"topicName": outbox.c.topic, "workerId": outbox.c.lease_owner, "processInstanceId": cases.c.number,
             "activityId": outbox.c.element, "processDefinitionKey": cases.c.report_type}  # fmt: skip
    conditions = [column == str(given[name]) for name, column in equal.items() if name in given]
    if "externalTaskId" in given:
        conditions.append(outbox.c.id == door.number(given, "externalTaskId", 0))
    if "processDefinitionId" in given:
        conditions.append(cases.c.definition_id == read_definition_id(str(given["processDefinitionId"])))
    states = {"locked": outbox.c.state == "leased", "notLocked": outbox.c.state != "leased",
              "withRetriesLeft": outbox.c.state != "dead", "noRetriesLeft": outbox.c.state == "dead"}  # fmt: skip
    return conditions + [condition for name, condition in states.items() if door.flag(given.get(name))]


def _task(row: Any) -> dict[str, Any]:
    locked = row.state == "leased"
    return {
        "id": str(row.id), "activityId": row.element, "activityInstanceId": f"{row.number}:{row.token}",
        "executionId": f"{row.number}:{row.token}", "processInstanceId": row.number, "businessKey": row.number,
        "processDefinitionId": definition_id(row.report_type, row.definition_version, row.definition_id),
        "processDefinitionKey": row.report_type, "processDefinitionVersionTag": None, "topicName": row.topic,
        "workerId": row.lease_owner if locked else None,
        "lockExpirationTime": values.instant(row.lease_until_at) if locked else None,
        "createTime": values.instant(row.created_at), "retries": 0 if row.state == "dead" else row.retries,
        "errorMessage": row.last_error, "errorDetails": row.error_details, "priority": row.priority,
        "suspended": False, "tenantId": None, "extensionProperties": {},
    }  # fmt: skip
