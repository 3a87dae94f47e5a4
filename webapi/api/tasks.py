"""Tasks: work waiting for a person."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine import absences, queries, tasks
from engine.people import access
from engine.people.access import Account
from engine.queries import TaskFilter
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, Code, Flag, In, Out, PageQuery, Words, instant, page_of, tag, unchanged

bp = Blueprint("tasks", "Work waiting for a person: take it, answer its form, hand it on.")
TASK = "/tasks/<key:task_id>"


class TaskSummary(Out):
    """A task, and the case it belongs to."""

    id = fields.Integer()
    case = fields.String(attribute="number", metadata={"description": "the case's number"})
    element = fields.String(metadata={"description": "id of the user task in the diagram"})
    name = fields.String()
    form = fields.String(allow_none=True, metadata={"description": "id of its form; null: completed without answers"})
    group = fields.String(metadata={"description": "key of the agency whose people may do it"})
    handed_by = fields.String(allow_none=True, metadata={"description": "the agency above that handed it down"})
    assignee = fields.String(allow_none=True)
    report_type = fields.String()
    province = fields.String()
    area = fields.String(allow_none=True)
    subject = fields.String()
    status = fields.String()
    created_at = instant()
    due_at = instant(allow_none=True)
    warned_at = instant(allow_none=True)
    breached_at = instant(allow_none=True)
    claimed_at = instant(allow_none=True)
    finished_at = instant(allow_none=True)
    finished_by = fields.String(allow_none=True)
    version = fields.Integer()


class TaskOut(TaskSummary):
    """A task with what is needed to do it: what was reported, and the form to fill in."""

    place = fields.String()
    severity = fields.String(allow_none=True)
    report = fields.Dict(metadata={"description": "answers of the intake form"})
    answers = fields.Dict(allow_none=True)
    schema = fields.Dict(allow_none=True, metadata={"description": "the form, form-js JSON"})


class NextTaskOut(Out):
    """A task of the same case that waits now, as far as you may see it."""

    id = fields.Integer()
    element = fields.String()
    name = fields.String()
    form = fields.String(allow_none=True)
    group = fields.String()
    due_at = instant(allow_none=True)


class DoneOut(Out):
    """What came of it."""

    id = fields.Integer()
    status = fields.String(metadata={"description": "'open' after complete: a fault holds it up as an incident"})
    case = fields.String(attribute="number")
    case_status = fields.String()
    outcome = fields.String(allow_none=True)
    version = fields.Integer()
    next = fields.List(fields.Nested(NextTaskOut), metadata={"description": "what the case waits for now"})


class TaskQuery(PageQuery):
    group = Code()
    assignee = Words(64, shortest=0, metadata={"description": "a log-in name, 'me', or empty for what nobody claimed"})
    due_before = instant(metadata={"description": "overdue ones: the present"})
    report_type = Code()
    area = Code()
    case = Code(metadata={"description": "a case's number"})
    absent = Flag(metadata={"description": "true: assigned to people for whom you stand in today"})
    status = fields.String(load_default="open", validate=validate.OneOf(["open", "done", "cancelled"]))


class DelegateIn(In):
    to = Code(required=True, metadata={"description": "a colleague's log-in name"})


class HandDownIn(In):
    agency = Code(required=True, metadata={"description": "key of an agency below the task's own"})


class TakeBackIn(In):
    reason = Words(2_000, required=True, metadata={"description": "why those below do not do it"})


class CompleteIn(In):
    answers = fields.Dict(keys=fields.String(), load_default=dict, metadata={"description": "by field of the form"})


class TaskReassignIn(In):
    agency = Code(required=True, metadata={"description": "key of the agency that does it from now on"})
    reason = Words(2_000, required=True)


class ReturnIn(In):
    reason = Words(2_000, required=True, metadata={"description": "why it is not our competence"})


@bp.read("/tasks", page_of(TaskSummary, "task"), TaskQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Tasks for you to see

    Open ones by due time, others newest first.
    """
    if query.get("assignee") == "me":
        query["assignee"] = caller.login
    if query.pop("absent", False):
        query["assignees"] = tuple(one.account_id for one in absences.stood_in_for(unit, caller))
    return queries.list_tasks(unit, caller, TaskFilter(**query))


@bp.read(TASK, TaskOut)
def show(unit: Unit, caller: Account, task_id: int) -> Any:
    """One task, with its form"""
    task = queries.show_task(unit, caller, task_id)
    form = unit.catalogue.pinned(unit, task.definition_id).forms.get(task.form)
    return dict(task._mapping) | {"schema": form.schema() if form else None}, tag(task.version)


@bp.change(f"{TASK}/claim", DoneOut)
def claim(unit: Unit, caller: Account, task_id: int) -> Any:
    """Take it, so that colleagues see it is being done"""
    return _changed(unit, caller, tasks.claim(unit, task_id, by=caller))


@bp.change(f"{TASK}/release", DoneOut)
def release(unit: Unit, caller: Account, task_id: int) -> Any:
    """Give it back to the group"""
    return _changed(unit, caller, tasks.release(unit, task_id, by=caller))


@bp.change(f"{TASK}/delegate", DoneOut, DelegateIn, match=True)
def delegate(unit: Unit, caller: Account, body: dict[str, Any], task_id: int) -> Any:
    """Hand it to a colleague"""
    unchanged(access.find_task(unit, caller, task_id).version)
    return _changed(unit, caller, tasks.delegate(unit, task_id, body["to"], by=caller))


@bp.change(f"{TASK}/hand-down", DoneOut, HandDownIn, match=True)
def hand_down(unit: Unit, caller: Account, body: dict[str, Any], task_id: int) -> Any:
    """Let an agency below do it: the case stays yours"""
    unchanged(access.find_task(unit, caller, task_id).version)
    return _changed(unit, caller, tasks.hand_down(unit, task_id, body["agency"], by=caller))


@bp.change(f"{TASK}/take-back", DoneOut, TakeBackIn)
def take_back(unit: Unit, caller: Account, body: dict[str, Any], task_id: int) -> Any:
    """Do after all what you handed down"""
    return _changed(unit, caller, tasks.take_back(unit, task_id, body["reason"], by=caller))


@bp.change(f"{TASK}/complete", DoneOut, CompleteIn)
def complete(unit: Unit, caller: Account, body: dict[str, Any], task_id: int) -> Any:
    """Answer it, and let its case move on"""
    return _changed(unit, caller, tasks.complete(unit, task_id, body["answers"], by=caller))


@bp.change(f"{TASK}/return", DoneOut, ReturnIn)
def give_back(unit: Unit, caller: Account, body: dict[str, Any], task_id: int) -> Any:
    """Not our competence (không thuộc thẩm quyền)

    The case goes back to whoever assigned it; a task that the agency above handed down, to that agency.
    """
    return _changed(unit, caller, tasks.give_back(unit, task_id, body["reason"], by=caller))


@bp.change(f"{TASK}/reassign", DoneOut, TaskReassignIn)
def reassign(unit: Unit, caller: Account, body: dict[str, Any], task_id: int) -> Any:
    """Give it to another agency

    For a task of an agency that takes part beside the lead; the lead's go with the case: POST /cases/{number}/reassign.
    """
    return _changed(unit, caller, tasks.reassign(unit, task_id, body["agency"], body["reason"], by=caller))


def _changed(unit: Unit, caller: Account, task: tasks.Change) -> Any:
    waiting = queries.open_tasks(unit, caller, task.case_id)
    return vars(task) | {"next": waiting}, tag(task.version)
