"""Authorizations: what the table of rules (`engine.people.access`) says of an account, asked in Camunda's words."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from engine.errors import InvalidRequest, NotAllowed, NotFound
from engine.people import access, accounts
from engine.runtime import Unit
from webapi.camunda import door, people

bp = Blueprint("authorizations", __name__, url_prefix="/authorization")
ALWAYS = ""  # to be had by whoever has logged in
USER, PROCESS_DEFINITION, TASK, PROCESS_INSTANCE, DEPLOYMENT, DECISION = 1, 6, 7, 8, 9, 10
# Camunda's number of a kind of thing -> permission -> our action; what is not here, nobody may.
MEANT: dict[int, dict[str, str]] = {
    USER: {"READ": "see-account", "CREATE": "manage", "UPDATE": "manage"},
    2: {"READ": ALWAYS, "CREATE": "arrange", "UPDATE": "arrange"},
    5: {"READ": ALWAYS, "CREATE": ALWAYS, "UPDATE": ALWAYS, "DELETE": ALWAYS},
    PROCESS_DEFINITION: {
        "READ": ALWAYS, "CREATE_INSTANCE": "report", "READ_INSTANCE": "see", "UPDATE_INSTANCE": "modify",
        "MIGRATE_INSTANCE": "migrate", "SUSPEND": "deploy", "SUSPEND_INSTANCE": "modify", "READ_HISTORY": "see",
        "READ_TASK": "see-task", "UPDATE_TASK": "work", "TASK_WORK": "work", "TASK_ASSIGN": "delegate",
        "RETRY_JOB": "retry", "READ_INSTANCE_VARIABLE": "read"},
    TASK: {"READ": "see-task", "UPDATE": "work", "TASK_WORK": "work", "TASK_ASSIGN": "delegate"},
    PROCESS_INSTANCE: {"CREATE": "report", "READ": "see", "UPDATE": "modify", "SUSPEND": "modify",
                       "RETRY_JOB": "retry"},
    DEPLOYMENT: {"READ": ALWAYS, "CREATE": "deploy"},
    DECISION: {"READ": ALWAYS, "CREATE_INSTANCE": ALWAYS},
}  # fmt: skip


@bp.get("/check")
@door.reads
def check(unit: Unit, by: Any) -> Any:
    """Whether the caller, or a ``userId`` that the caller may know of, may do that: to the task or case of the
    ``resourceId``, or, without one, to any at all."""
    given = door.known(door.asked(), "permissionName", "permissionValue", "resourceName", "resourceType", "resourceId",
                       "userId")  # fmt: skip
    if "resourceType" not in given:
        raise InvalidRequest("resourceType is the number of a kind of thing: 7 is a task.", field="resourceType")
    name, kind = str(door.text(given, "permissionName", required=True)), door.number(given, "resourceType", 0)
    who = by
    if given.get("userId", by.login) != by.login:
        who = accounts.account(unit, people.known_to(unit, by, str(given["userId"])).login)
    what = given.get("resourceId")
    return {"permissionName": name, "resourceName": given.get("resourceName"), "resourceId": what,
            "isAuthorized": _may(unit, who, kind, name, None if what in (None, "*") else str(what))}  # fmt: skip


def _may(unit: Unit, who: Any, kind: int, name: str, what: str | None) -> bool:
    action = MEANT.get(kind, {}).get(name)
    if action is None:
        return False
    try:
        if what is None or action == ALWAYS or kind not in (USER, TASK, PROCESS_INSTANCE):
            return action == ALWAYS or access.allows(who, action)
        if kind == USER:
            return access.allows(who, action, accounts.account(unit, what), unit)
        if kind == TASK:
            access.find_task(unit, who, door.number({"resourceId": what}, "resourceId", 0), action)
        else:
            access.find(unit, who, action, what)
    except (NotFound, NotAllowed):
        return False
    return True
