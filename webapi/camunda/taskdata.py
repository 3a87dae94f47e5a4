"""What belongs to a task besides itself: its case's variables and files, its form."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, request
from sqlalchemy import Row
from werkzeug.exceptions import BadRequest

from engine import casefile, queries
from engine.errors import InvalidRequest, NotFound
from engine.files import attachments, reading
from engine.people import access
from engine.runtime import Unit
from webapi import attached, auth
from webapi.camunda import door, instances, tasks, values

bp = Blueprint("taskdata", __name__, url_prefix="/task")
ONE = "/<key:task_id>"
FILES, FILE = f"{ONE}/attachment", f"{ONE}/attachment/<key:attachment_id>"


@bp.get(f"{ONE}/variables/<string:name>")
@door.reads
def variable(unit: Unit, by: Any, task_id: int, name: str) -> Any:
    return instances.variable_of(unit, by, tasks.find(unit, by, task_id).number, name)


@bp.get(f"{ONE}/variables/<string:name>/data")
@door.reads
def variable_data(unit: Unit, by: Any, task_id: int, name: str) -> Response:
    return instances.data_of_variable(unit, by, tasks.find(unit, by, task_id).number, name)


@bp.get(f"{ONE}/localVariables")
@door.reads
def local_variables(unit: Unit, by: Any, task_id: int) -> Any:
    """None: what a task knows is the case's."""
    tasks.find(unit, by, task_id)
    return {}


@bp.get(f"{ONE}/localVariables/<string:name>")
@bp.get(f"{ONE}/localVariables/<string:name>/data", endpoint="local_data")
@door.reads
def local_variable(unit: Unit, by: Any, task_id: int, name: str) -> Any:
    tasks.find(unit, by, task_id)
    raise NotFound(f"The task {task_id} has no variable {name[:80]!r} of its own: ask for those of its case.")


@bp.get(f"{ONE}/deployed-form")
@door.reads
def form(unit: Unit, by: Any, task_id: int) -> Response:
    """The form as it was deployed: JSON of form-js."""
    row = tasks.find(unit, by, task_id)
    source = unit.catalogue.pinned(unit, row.definition_id).files.get(f"{row.form}.form")
    if source is None:
        raise InvalidRequest(f"The task {row.name!r} has no form.")
    return Response(source, content_type="application/json")


@bp.get(f"{ONE}/comment/<key:comment_id>")
@door.reads
def comment(unit: Unit, by: Any, task_id: int, comment_id: int) -> Any:
    row = tasks.find(unit, by, task_id)
    found = casefile.list_comments(unit, by, row.number, limit=queries.LIMIT_MAX)
    for one in found.items:
        if one.id == comment_id:
            return tasks.comment_of(one, row)
    raise NotFound(f"The task {task_id} has no comment {comment_id}.")


# -- files -----------------------------------------------------------------------------------------------------------


@bp.get(FILES)
@door.reads
def files(unit: Unit, by: Any, task_id: int) -> Any:
    row = tasks.find(unit, by, task_id)
    found = reading.of_case(unit, by, row.number, limit=queries.LIMIT_MAX)
    return [_file(one, row) for one in found.items]


@bp.get(FILE)
@door.reads
def file(unit: Unit, by: Any, task_id: int, attachment_id: int) -> Any:
    row = tasks.find(unit, by, task_id)
    return _file(reading.open_one(unit, by, row.number, attachment_id)[0], row)


@bp.get(f"{FILE}/data")
@door.reads
def file_data(unit: Unit, by: Any, task_id: int, attachment_id: int) -> Response:
    """For saving, never for showing: who knows what is in it."""
    number = tasks.find(unit, by, task_id).number
    return attached.saved(*reading.open_one(unit, by, number, attachment_id))


@bp.post(f"{FILES}/create")
def add_file(task_id: int) -> Response:
    """multipart/form-data with the part ``content``, and perhaps ``attachment-name``."""
    request.max_content_length = current_app.config["BODY_MAX"]
    auth.admit(auth.runtime().read, lambda unit, by: _may_attach(unit, by, task_id), door.token())
    part = request.files.get("content")
    if part is None:
        raise BadRequest("Send multipart/form-data with the file as the part 'content'; a link is no file.")
    # before any unit begins: it may take a while
    stored = attached.store().put(part.stream, current_app.config["BODY_MAX"])
    return _describe(task_id, stored, request.form.get("attachment-name") or part.filename or "")


# -- particulars -----------------------------------------------------------------------------------------------------


@door.changes
def _describe(unit: Unit, by: Any, task_id: int, stored: attachments.Stored, name: str) -> Any:
    row = _may_attach(unit, by, task_id)
    return _file(attachments.add(unit, row.number, stored, name, by=by), row)


def _may_attach(unit: Unit, by: Any, task_id: int) -> Row[Any]:
    row = tasks.find(unit, by, task_id)
    access.find(unit, by, "attach", row.number)
    return row


def _file(one: Row[Any], row: Row[Any]) -> dict[str, Any]:
    return {"id": str(one.id), "name": one.name, "description": None, "type": one.media_type, "taskId": str(row.id),
            "url": None, "createTime": values.instant(one.at), "removalTime": None, "links": [],
            "processInstanceId": row.number, "rootProcessInstanceId": row.number}  # fmt: skip


