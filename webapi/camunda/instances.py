"""Process instances: the cases."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from sqlalchemy import Row, func, select

from engine import casefile, model, queries
from engine.errors import InvalidRequest, NotAllowed, NotFound
from engine.flow.codec import data_of, standing
from engine.model import cases
from engine.people import access
from engine.privacy import firewall
from engine.runtime import Unit
from engine.versions import modifications
from webapi import bodies
from webapi.camunda import door, drawn, values
from webapi.camunda.ids import definition_id, read_definition_id

bp = Blueprint("instances", __name__)
REASON = "Camunda: by a client of its API"
_PLACES = {"startBeforeActivity": "before", "startAfterActivity": "after"}
ROOT, ONE = "/process-instance", "/process-instance/<name:number>"
_KNOWN = ("processInstanceIds", "businessKey", "processDefinitionId", "processDefinitionKey", "processDefinitionKeyIn",
          "active", "suspended", "withIncident", "rootProcessInstances", "businessKeyLike")  # fmt: skip
_SORTED = {"instanceId": cases.c.number, "businessKey": cases.c.number, "definitionKey": cases.c.report_type,
           "definitionId": cases.c.definition_id}  # fmt: skip


@bp.route(ROOT, methods=["GET", "POST"])
@door.reads
def index(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    query = _running().where(*_conditions(wanted, by)).order_by(*door.sorted_by(wanted, _SORTED), cases.c.id.desc())
    return [instance(row) for row in unit.all(query.limit(limit).offset(offset))]


@bp.route(f"{ROOT}/count", methods=["GET", "POST"])
@door.reads
def count(unit: Unit, by: Any) -> Any:
    found = _running().where(*_conditions(door.asked(), by)).subquery()
    return {"count": unit.scalar(select(func.count()).select_from(found))}


@bp.get(ONE)
@door.reads
def show(unit: Unit, by: Any, number: str) -> Any:
    return instance(find(unit, by, number))


@bp.get(f"{ONE}/variables")
@door.reads
def variables(unit: Unit, by: Any, number: str) -> Any:
    return values.all_typed(data(unit, by, number))


@bp.get(f"{ONE}/variables/<string:name>")
@door.reads
def variable(unit: Unit, by: Any, number: str, name: str) -> Any:
    return variable_of(unit, by, number, name)


@bp.get(f"{ONE}/variables/<string:name>/data")
@door.reads
def variable_data(unit: Unit, by: Any, number: str, name: str) -> Response:
    return data_of_variable(unit, by, number, name)


@bp.get(f"{ONE}/comment")
@door.reads
def comments(unit: Unit, by: Any, number: str) -> Any:
    found = casefile.list_comments(unit, by, number, limit=queries.LIMIT_MAX)
    return [{"id": str(one.id), "userId": one.author, "time": values.instant(one.at), "taskId": None,
             "processInstanceId": number, "rootProcessInstanceId": number, "message": one.text, "removalTime": None,
             "links": []} for one in found.items]  # fmt: skip


@bp.get(f"{ONE}/activity-instances")
@door.reads
def activity_instances(unit: Unit, by: Any, number: str) -> Any:
    """Where its tokens stand, those of a subprocess inside it. Events that race are their gateway; what waits for a
    boundary event or an event subprocess is no activity of its own."""
    return _tree(unit, find(unit, by, number))


@bp.put(f"{ONE}/suspended")
@door.changes
def suspend(unit: Unit, by: Any, number: str) -> None:
    """Hold the case, or let it go on; what is so already stays so."""
    _hold(unit, by, number, door.switch(door.known(door.sent(), "suspended"), "suspended"))


@bp.put(f"{ROOT}/suspended")
@door.changes
def suspend_many(unit: Unit, by: Any) -> None:
    """All of them or, if one cannot be, none; ``suspended-async`` does as many as can be."""
    body = door.known(door.sent(), "suspended", "processInstanceIds", "processInstanceQuery", "processDefinitionId",
                      "processDefinitionKey")  # fmt: skip
    held, numbers = door.switch(body, "suspended"), door.several(body, "processInstanceIds")
    asked = body.get("processInstanceQuery") or {
        name: body[name] for name in ("processDefinitionId", "processDefinitionKey") if name in body}  # fmt: skip
    if asked:
        numbers += [row.number for row in unit.all(wanted(asked, by).limit(door.MOST + 1))]
    if len(numbers) > door.MOST or not (numbers or asked):
        raise InvalidRequest(f"Name 1 to {door.MOST} cases; more with suspended-async.", field="processInstanceIds")
    for number in dict.fromkeys(numbers):
        _hold(unit, by, number, held)


@bp.post(f"{ONE}/modification")
@door.changes
def modify(unit: Unit, by: Any, number: str) -> None:
    body = door.known(door.sent(), "instructions", "annotation", "skipCustomListeners", "skipIoMappings")
    reason = door.text(body, "annotation") or REASON
    modifications.modify(unit, number, reason, *_instructions(unit, by, number, body), by=by)


@bp.delete(ONE)
@door.changes
def delete(unit: Unit, by: Any, number: str) -> Any:
    find(unit, by, number)
    raise NotAllowed(f"The case {number} cannot be deleted: every report is handled, true or not.")


# -- particulars -----------------------------------------------------------------------------------------------------


def _hold(unit: Unit, by: Any, number: str, wanted: bool) -> None:
    held = access.find(unit, by, "modify", number).suspended_at is not None
    if wanted and not held:
        modifications.suspend(unit, number, REASON, by=by)
    elif held and not wanted:
        modifications.release(unit, number, by=by)


def _instructions(
    unit: Unit, by: Any, number: str, body: dict[str, Any]
) -> tuple[list[int], list[modifications.Start]]:
    """The tokens to take away, and those to put."""
    cancel: list[int] = []
    start: list[modifications.Start] = []
    for one in door.tables(body, "instructions", "type, activityId"):
        given = door.known(one, "type", "activityId", "activityInstanceId", "ancestorActivityInstanceId",
                           "cancelCurrentActiveActivityInstances")  # fmt: skip
        what = door.text(given, "type", required=True)
        if what == "cancel":
            cancel += _meant(unit, by, number, given)
        elif what in _PLACES:
            within = given.get("ancestorActivityInstanceId")
            token = _token(within) if within not in (None, number) else None
            element = str(door.text(given, "activityId", required=True))
            start.append(modifications.Start(element, _PLACES[what], token))
        else:
            raise InvalidRequest(f"An instruction has the type cancel, {' or '.join(_PLACES)}.", field="type")
    return cancel, start


def _meant(unit: Unit, by: Any, number: str, given: dict[str, Any]) -> list[int]:
    """The token of an activity instance, or all that stand at an activity."""
    if "activityInstanceId" in given:
        return [_token(given["activityInstanceId"])]
    element = door.text(given, "activityId", required=True)
    found = [one["token"] for one in modifications.standing(unit, number, by=by) if one["element"] == element]
    if not found:
        raise InvalidRequest(f"No token stands at {element!r}.", field="activityId")
    return found


def _token(instance_id: Any) -> int:
    return door.number({"activityInstanceId": str(instance_id).rpartition(":")[2]}, "activityInstanceId", 0)


def find(unit: Unit, by: Any, number: str) -> Row[Any]:
    """The case, with the version it runs.

    Raises:
        NotFound: there is none, or it does not exist for this account.
    """
    return known(unit, access.find(unit, by, "see", number).id)


def known(unit: Unit, case_id: int) -> Row[Any]:
    """The same, for who has just begun the case, though they may see none."""
    return unit.all(_running().where(cases.c.id == case_id))[0]


def data(unit: Unit, by: Any, number: str) -> dict[str, Any]:
    """Its variables, for who may read it.

    Raises:
        NotFound, NotAllowed: as `access.find`.
    """
    return data_of_case(unit, by, access.find(unit, by, "read", number))


def data_of_case(unit: Unit, by: Any, case: Row[Any]) -> dict[str, Any]:
    state = select(model.instances.c.state).where(model.instances.c.case_id == case.id)
    return firewall.over(unit, by, case)(data_of(unit.scalar(state)))  # type: ignore[no-any-return]


def instance(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.number, "businessKey": row.number, "caseInstanceId": None, "ended": row.finished_at is not None,
        "suspended": row.suspended_at is not None, "tenantId": None, "links": [], "definitionKey": row.report_type,
        "definitionId": definition_id(row.report_type, row.definition_version, row.definition_id),
        "processDefinitionKey": row.report_type,
    }  # fmt: skip


def variable_of(unit: Unit, by: Any, number: str, name: str) -> dict[str, Any]:
    return values.typed(_named(data(unit, by, number), name))


def data_of_variable(unit: Unit, by: Any, number: str, name: str) -> Response:
    """A text as it is, anything else as JSON; never shown by a browser."""
    found = _named(data(unit, by, number), name)
    return Response(found if isinstance(found, str) else bodies.dump(found), content_type="application/octet-stream")


def _named(found: dict[str, Any], name: str) -> Any:
    if name not in found:
        raise no_variable(name)
    return found[name]


def no_variable(name: str) -> NotFound:
    return NotFound(f"The case has no variable {name[:80]!r}.")


def _tree(unit: Unit, row: Row[Any]) -> dict[str, Any]:
    package = unit.catalogue.pinned(unit, row.definition_id)
    types, gateways, names = drawn.types(package), drawn.gateways(package), package.element_names
    root = _activity(row, row.number, row.report_type, row.report_type, "processDefinition")
    found: dict[int | None, dict[str, Any]] = {None: root | {"parentActivityInstanceId": None}}
    around = {}
    for one in standing(unit.scalar(select(model.instances.c.state).where(model.instances.c.case_id == row.id))):
        if one["beside"] is None and not one["guards"]:
            token, element = one["token"], one["element"]
            if one["race"] is not None:
                token, element = one["race"], gateways.get(element, element)
            found[token] = _activity(row, f"{row.number}:{token}", element, names.get(element), types.get(element))
            around[token] = one["within"]
    for token, within in around.items():
        found[token]["parentActivityInstanceId"] = found[within]["id"]
        found[within]["childActivityInstances"].append(found[token])
    return found[None]


def _activity(row: Row[Any], id: str, element: str, name: str | None, kind: str | None) -> dict[str, Any]:
    return {
        "id": id, "parentActivityInstanceId": row.number, "activityId": element,
        "activityType": kind, "processInstanceId": row.number, "activityName": name, "name": name,
        "processDefinitionId": definition_id(row.report_type, row.definition_version, row.definition_id),
        "childActivityInstances": [], "childTransitionInstances": [], "executionIds": [id],
        "incidentIds": [], "incidents": [],
    }  # fmt: skip


def _running() -> Any:
    joined = cases.join(model.definitions, model.definitions.c.id == cases.c.definition_id)
    joined = joined.join(model.instances, model.instances.c.case_id == cases.c.id)
    columns = (cases.c.id, cases.c.number, cases.c.report_type, cases.c.suspended_at, cases.c.definition_id,
               model.instances.c.finished_at, model.definitions.c.version.label("definition_version"))  # fmt: skip
    return select(*columns).select_from(joined)


def wanted(asked: dict[str, Any], by: Any) -> Any:
    """The running cases that a query means and the account sees."""
    return _running().where(*_conditions(asked, by))


def _conditions(wanted: dict[str, Any], by: Any) -> list[Any]:
    given = door.known(wanted, *_KNOWN)
    conditions = [access.visible(by), model.instances.c.finished_at.is_(None)]
    if "businessKey" in given:
        conditions.append(cases.c.number == str(given["businessKey"]))
    if "businessKeyLike" in given:
        conditions.append(cases.c.number.like(str(given["businessKeyLike"])))
    if numbers := door.some(wanted, "processInstanceIds"):
        conditions.append(cases.c.number.in_(numbers))
    if "processDefinitionId" in given:
        conditions.append(cases.c.definition_id == read_definition_id(str(given["processDefinitionId"])))
    if keys := door.several(given, "processDefinitionKey", "processDefinitionKeyIn"):
        conditions.append(cases.c.report_type.in_(keys))
    if door.flag(given.get("suspended")):
        conditions.append(cases.c.suspended_at.is_not(None))
    if door.flag(given.get("active")):
        conditions.append(cases.c.suspended_at.is_(None))
    if door.flag(given.get("withIncident")):
        held = select(model.incidents.c.case_id).where(model.incidents.c.resolved_at.is_(None))
        conditions.append(cases.c.id.in_(held))
    return conditions
