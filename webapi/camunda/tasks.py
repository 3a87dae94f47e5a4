"""User tasks, as existing task clients ask for them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy import Row, func, select

from engine import casefile, model, queries, tasks
from engine import cases as case_verbs
from engine.errors import InvalidRequest
from engine.model import accounts, cases
from engine.people import access
from engine.runtime import Unit
from webapi.camunda import door, instances, values
from webapi.camunda.ids import definition_id, read_definition_id

bp = Blueprint("tasks", __name__, url_prefix="/task")
ONE = "/<key:task_id>"
_TASKS = model.tasks.c
_KNOWN = ("taskId", "assignee", "assigned", "unassigned", "candidateGroup", "candidateGroups", "candidateUser",
          "includeAssignedTasks", "withCandidateGroups", "processInstanceId", "processInstanceBusinessKey",
          "processDefinitionKey", "processDefinitionKeyIn", "processDefinitionId", "taskDefinitionKey",
          "taskDefinitionKeyIn", "name", "dueBefore", "dueAfter", "createdBefore", "createdAfter", "active",
          "initializeFormKeys")  # fmt: skip
_SORTED = {"created": _TASKS.created_at, "dueDate": _TASKS.due_at, "id": _TASKS.id, "name": _TASKS.name,
           "nameCaseInsensitive": _TASKS.name, "instanceId": cases.c.number, "assignee": accounts.c.login}  # fmt: skip


@bp.route("", methods=["GET", "POST"])
@door.reads
def index(unit: Unit, by: Any) -> Any:
    return listed(unit, by, door.asked())


@bp.route("/count", methods=["GET", "POST"])
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return counted(unit, by, door.asked())


@bp.get("/report/candidate-group-count")
@door.reads
def by_group(unit: Unit, by: Any) -> Any:
    found = _open().where(*_conditions({}, by)).subquery()
    rows = unit.all(select(found.c.group, func.count()).group_by(found.c.group).order_by(found.c.group))
    return [{"groupName": row[0], "taskCount": row[1]} for row in rows]


@bp.get(ONE)
@door.reads
def show(unit: Unit, by: Any, task_id: int) -> Any:
    return _task(find(unit, by, task_id))


@bp.put(ONE)
@door.changes
def change(unit: Unit, by: Any, task_id: int) -> None:
    """Who has it can change; all else of a task the diagram says, and a client that sends that back changes nothing."""
    said, is_so = door.sent(), _task(find(unit, by, task_id))
    for name in sorted(said.keys() - {"assignee", "owner", "delegationState"}):
        if said[name] not in (None, is_so.get(name)):
            raise InvalidRequest(f"{name} of a task is the diagram's to say.", field=name)
    wanted = door.text(said, "assignee")
    if wanted == is_so["assignee"]:
        return
    if wanted is None:
        tasks.release(unit, task_id, by=by)
    else:
        _give(unit, by, task_id, wanted)


@bp.post(f"{ONE}/claim")
@door.changes
def claim(unit: Unit, by: Any, task_id: int) -> None:
    _give(unit, by, task_id, door.text(door.sent(), "userId"))


@bp.post(f"{ONE}/assignee")
@door.changes
def assign(unit: Unit, by: Any, task_id: int) -> None:
    user = door.text(door.sent(), "userId")
    if user is None:
        tasks.release(unit, task_id, by=by)
    else:
        _give(unit, by, task_id, user)


@bp.post(f"{ONE}/delegate")
@door.changes
def delegate(unit: Unit, by: Any, task_id: int) -> None:
    tasks.delegate(unit, task_id, str(door.text(door.sent(), "userId", required=True)), by=by)


@bp.post(f"{ONE}/unclaim")
@door.changes
def unclaim(unit: Unit, by: Any, task_id: int) -> None:
    tasks.release(unit, task_id, by=by)


@bp.post(f"{ONE}/complete")
@bp.post(f"{ONE}/submit-form")
@door.changes
def complete(unit: Unit, by: Any, task_id: int) -> Any:
    body = door.sent()
    row = find(unit, by, task_id)
    tasks.complete(unit, task_id, values.plain(body.get("variables")), by=by)
    if not door.flag(body.get("withVariablesInReturn")):
        return None
    unit.flush()
    return values.all_typed(instances.data(unit, by, row.number))


@bp.get(f"{ONE}/variables")
@bp.get(f"{ONE}/form-variables")
@door.reads
def variables(unit: Unit, by: Any, task_id: int) -> Any:
    wanted = door.known(door.asked(), "variableNames", "deserializeValues", "deserializeValue")
    names = door.several(wanted, "variableNames")
    return values.all_typed(instances.data(unit, by, find(unit, by, task_id).number), names)


@bp.get(f"{ONE}/form")
@door.reads
def form(unit: Unit, by: Any, task_id: int) -> Any:
    row = find(unit, by, task_id)
    ref = {"key": row.form, "binding": "deployment", "version": None} if row.form else None
    return {"key": None, "camundaFormRef": ref, "contextPath": None}


@bp.get(f"{ONE}/identity-links")
@door.reads
def identity_links(unit: Unit, by: Any, task_id: int) -> Any:
    row = find(unit, by, task_id)
    links = [{"userId": None, "groupId": row.group, "type": "candidate"}]
    return links + ([{"userId": row.assignee, "groupId": None, "type": "assignee"}] if row.assignee else [])


@bp.get(f"{ONE}/comment")
@door.reads
def comments(unit: Unit, by: Any, task_id: int) -> Any:
    row = find(unit, by, task_id)
    found = casefile.list_comments(unit, by, row.number, limit=queries.LIMIT_MAX)
    return [comment_of(one, row) for one in found.items]


@bp.post(f"{ONE}/comment/create")
@door.changes
def comment(unit: Unit, by: Any, task_id: int) -> Any:
    row = find(unit, by, task_id)
    message = str(door.text(door.sent(), "message", required=True))
    made = case_verbs.comment(unit, row.number, message, public=False, by=by)
    return {"id": str(made), "userId": by.login, "time": values.instant(unit.now), "taskId": str(task_id),
            "processInstanceId": row.number, "rootProcessInstanceId": row.number, "message": message,
            "removalTime": None, "links": []}  # fmt: skip


# -- particulars -----------------------------------------------------------------------------------------------------


def listed(unit: Unit, by: Any, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    limit, offset = door.window(wanted)
    query = _open().where(*_conditions(wanted, by)).order_by(*door.sorted_by(wanted, _SORTED), _TASKS.id)
    return [_task(row) for row in unit.all(query.limit(limit).offset(offset))]


def counted(unit: Unit, by: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    door.sorted_by(wanted, _SORTED)
    found = _open().where(*_conditions(wanted, by)).subquery()
    return {"count": unit.scalar(select(func.count()).select_from(found))}


def _give(unit: Unit, by: Any, task_id: int, user: str | None) -> None:
    """To oneself, or to a colleague."""
    if user in (None, by.login):
        tasks.claim(unit, task_id, by=by)
    else:
        tasks.delegate(unit, task_id, str(user), by=by)


def find(unit: Unit, by: Any, task_id: int) -> Row[Any]:
    access.find_task(unit, by, task_id)
    found = unit.first(all_tasks().where(_TASKS.id == task_id))
    assert found is not None
    return found


def _open() -> Any:
    return all_tasks().where(queries.OPEN_TASK)


def all_tasks() -> Any:
    """Those that are done, too."""
    joined = model.tasks.join(cases, cases.c.id == _TASKS.case_id)
    joined = joined.join(model.definitions, model.definitions.c.id == cases.c.definition_id)
    joined = joined.outerjoin(accounts, accounts.c.id == _TASKS.assignee)
    columns = [column for column in _TASKS if column.name not in ("assignee", "owner", "answers")]
    of_case = (cases.c.number, cases.c.definition_id, cases.c.subject, cases.c.suspended_at)
    named = (accounts.c.login.label("assignee"), model.definitions.c.version.label("definition_version"))
    return select(*columns, *of_case, *named).select_from(joined)


def _conditions(wanted: dict[str, Any], by: Any) -> list[Any]:
    given = door.known(wanted, *_KNOWN)
    conditions = [access.permits(by, "see-task", access.TASKS)]
    equal = {"assignee": accounts.c.login, "candidateGroup": _TASKS.group, "processInstanceId": cases.c.number,
             "processInstanceBusinessKey": cases.c.number, "processDefinitionKey": _TASKS.report_type,
             "taskDefinitionKey": _TASKS.element, "name": _TASKS.name}  # fmt: skip
    conditions += [column == str(given[name]) for name, column in equal.items() if name in given]
    among = {"candidateGroups": _TASKS.group, "processDefinitionKeyIn": _TASKS.report_type,
             "taskDefinitionKeyIn": _TASKS.element}  # fmt: skip
    conditions += [column.in_(door.several(given, name)) for name, column in among.items() if name in given]
    if "taskId" in given:
        conditions.append(_TASKS.id == door.number(given, "taskId", 0))
    if "processDefinitionId" in given:
        conditions.append(cases.c.definition_id == read_definition_id(str(given["processDefinitionId"])))
    if "candidateUser" in given:
        agency = select(accounts.c.agency).where(accounts.c.login == str(given["candidateUser"])).scalar_subquery()
        conditions.append(_TASKS.group == agency)
    if any(name.startswith("candidate") for name in given) and not door.flag(given.get("includeAssignedTasks")):
        conditions.append(_TASKS.assignee.is_(None))
    if door.flag(given.get("unassigned")):
        conditions.append(_TASKS.assignee.is_(None))
    if door.flag(given.get("assigned")):
        conditions.append(_TASKS.assignee.is_not(None))
    return conditions + _times(given)


def _times(given: dict[str, Any]) -> list[Any]:
    columns = {"due": _TASKS.due_at, "created": _TASKS.created_at}
    found = []
    for what, column in columns.items():
        if (name := f"{what}Before") in given:
            found.append(column < values.read_instant(given[name], name))
        if (name := f"{what}After") in given:
            found.append(column > values.read_instant(given[name], name))
    return found


def _task(row: Row[Any]) -> dict[str, Any]:
    ref = {"key": row.form, "binding": "deployment", "version": None} if row.form else None
    return {
        "id": str(row.id), "name": row.name, "assignee": row.assignee, "created": values.instant(row.created_at),
        "due": values.instant(row.due_at), "followUp": None, "lastUpdated": values.instant(row.claimed_at),
        "delegationState": None, "description": row.subject, "executionId": f"{row.number}:{row.token}", "owner": None,
        "parentTaskId": None, "priority": 50, "processInstanceId": row.number,
        "processDefinitionId": definition_id(row.report_type, row.definition_version, row.definition_id),
        "taskDefinitionKey": row.element, "caseExecutionId": None, "caseInstanceId": None, "caseDefinitionId": None,
        "suspended": row.suspended_at is not None, "formKey": None, "camundaFormRef": ref, "tenantId": None,
        "taskState": {"open": "Created", "done": "Completed", "cancelled": "Deleted"}[row.status],
    }  # fmt: skip


def comment_of(one: Row[Any], row: Row[Any]) -> dict[str, Any]:
    return {"id": str(one.id), "userId": one.author, "time": values.instant(one.at), "taskId": str(row.id),
            "processInstanceId": row.number, "rootProcessInstanceId": row.number, "message": one.text,
            "removalTime": None, "links": []}  # fmt: skip
