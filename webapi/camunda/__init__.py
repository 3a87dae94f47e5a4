"""The REST API of Camunda 7, ``/engine-rest``, as far as its Modeler, external workers and task clients need it.

It only translates (docs/camunda.md): a process definition is a version of a report type, a process instance a case, a
task a task, an external task a service call of the outbox.
"""

from __future__ import annotations

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException

from engine.errors import EngineError
from webapi import auth, problems
from webapi.camunda import (
    authorizations,
    batches,
    cockpit,
    decisions,
    definition_forms,
    definitions,
    deployments,
    door,
    executions,
    external,
    filters,
    history,
    incidents,
    instances,
    job_log,
    jobs,
    messages,
    metrics,
    migration,
    past,
    people,
    refusals,
    subscriptions,
    taskdata,
    tasks,
    variables,
)
from webapi.camunda.waiting import WaitingRoom

VERSION = "7.24.0"  # whose protocol this is; the Modeler shows it
PARTS = (deployments, definitions, definition_forms, instances, messages, subscriptions, tasks, taskdata, external,
         migration, incidents, jobs, batches, filters, history, past, job_log,
         metrics, people, authorizations, executions, variables, decisions, refusals)  # fmt: skip


def register(app: Flask) -> None:
    open_waiting_room(app)
    app.register_blueprint(cockpit.bp, name="cockpit")
    for name, prefix in (("camunda", "/engine-rest"), ("camunda-default", "/engine-rest/engine/default")):
        app.register_blueprint(_blueprint(name), url_prefix=prefix)


def open_waiting_room(app: Flask) -> None:
    seats = max(1, app.config["THREADS"] // 2)  # the other half of the threads is for those who are in a hurry
    app.extensions["waiting-room"] = WaitingRoom(auth.runtime_of(app), seats)


def waiting_room(app: Flask) -> WaitingRoom:
    return app.extensions["waiting-room"]  # type: ignore[no-any-return]


def _blueprint(name: str) -> Blueprint:
    bp = Blueprint(name, __name__)
    bp.before_request(door.limit_body)
    bp.before_request(door.describe_options)
    bp.after_request(door.with_cors)
    bp.register_error_handler(EngineError, door.refused)
    bp.register_error_handler(HTTPException, door.http_refused)
    for cause in problems.OUTAGES:
        bp.register_error_handler(cause, door.outage_refused)
    bp.add_url_rule("/version", "version", lambda: door.answer({"version": VERSION}))
    bp.add_url_rule("/engine", "engine", lambda: door.answer([{"name": "default"}]))
    for part in PARTS:
        bp.register_blueprint(part.bp)
    return bp
