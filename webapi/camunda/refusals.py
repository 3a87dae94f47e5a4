"""What Camunda's clients may ask, and will not get: each with the reason, and what to do instead.

An address that is merely unknown would leave the caller guessing whether it was mistyped.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from webapi.camunda import door

bp = Blueprint("refusals", __name__)

_STAYS = "Every report is handled, true or not: cases, their versions and their history are not deleted."
_ANSWERS = "A case's data change by forms, services and messages alone: complete the task, or send a message."
_DRAWN = "What a task is, and for which agency, the diagram says; hand it to a colleague with POST /task/{id}/delegate."
_MADE = "Tasks come from the diagram alone."
_FORMS = "Forms are form-js, which the client draws: GET …/deployed-form."
_RESTART = "A case is reopened (POST /api/v1/cases/{number}/reopen), or another is started."
_CASE_BY_CASE = "Cases are modified one by one: POST /process-instance/{id}/modification."
_HELD = "Jobs are held with their case: PUT /process-instance/{id}/suspended."
_ENGINES = "The engine orders jobs by what they are for, and works out due times itself."
_ENDS = "A person's task ends with the answers of its form: draw a choice behind it. Errors are thrown by services."
_HISTORY = "How long history is kept is no setting of a definition here."
_KEPT = "How long what is kept, and what is emptied by when, the province says (docs/privacy.md): no call begins it."
_ELSEWHERE = "Kept is what GET /history/activity-instance, /history/variable-instance and /history/user-operation tell."
_DECIDED = "What a table decided is not kept by itself: GET /history/variable-instance has what followed from it."
_ASKED = "GET /history/activity-instance tells when a service was asked and answered, /history/incident what failed."
_FIGURES = "How many tasks were done, and how long they took, GET /api/v1/statistics tells."
_NOTES = "History is only added to: comment on the case, POST /task/{id}/comment/create."
_DEPLOY = "Deploy the files you want: POST /deployment/create."
_ACCOUNTS = "Accounts are made and changed with POST /api/v1/accounts and PATCH /api/v1/accounts/{login}."
_AGENCIES = "A group is an agency: changed as docs/agencies.md says; who is in it, with the account."
_PROVINCES = "There are no tenants: a server has provinces, which come with their report types."
_RULES = "What an account may do, its role says, the same for all: GET /authorization/check asks."
_TIMERS = "Jobs are told themselves, GET /job?processDefinitionId=…, and are held with their case or version."
_LOOKED_AT = "A case looks at its conditions by itself whenever what it knows changes, and none begins by one."
_CMMN = "There is no CMMN here: a case is a process instance, GET /process-instance."
_STEPS = "A case goes on by its tasks, services, messages and signals; one that is stuck is modified."
_NOTED = "Incidents are noted by the engine, where something could not be done."
_HOUSE = "Nothing about this server is sent to anybody; how it does, GET /metrics and GET /api/v1/statistics tell."

REFUSED: dict[str, dict[str, str]] = {
    _STAYS: {
        "/process-definition/<string:text>": "DELETE", "/process-definition/key/<string:key>": "DELETE",
        "/process-definition/key/<string:key>/tenant-id/<string:tenant>": "DELETE", "/process-instance/delete": "POST",
        "/process-instance/delete-historic-query-based": "POST", "/history/process-instance/<name:number>": "DELETE",
        "/history/process-instance/delete": "POST", "/history/process-instance/set-removal-time": "POST",
        "/history/process-instance/<name:number>/variable-instances": "DELETE",
        "/history/variable-instance/<string:text>": "DELETE", "/history/batch/<string:text>": "DELETE",
        "/metrics/task-worker": "DELETE",
        "/task/<key:task_id>/attachment/<key:attachment_id>": "DELETE",
    },
    _ANSWERS: {
        "/process-instance/<name:number>/variables": "POST", "/process-instance/variables-async": "POST",
        "/process-instance/<name:number>/variables/<string:name>": "POST PUT DELETE",
        "/process-instance/<name:number>/variables/<string:name>/data": "POST",
        "/task/<key:task_id>/variables": "POST", "/task/<key:task_id>/variables/<string:name>": "POST PUT DELETE",
        "/task/<key:task_id>/variables/<string:name>/data": "POST", "/task/<key:task_id>/localVariables": "POST",
        "/task/<key:task_id>/localVariables/<string:name>": "POST PUT DELETE",
        "/task/<key:task_id>/localVariables/<string:name>/data": "POST",
        "/execution/<string:text>/localVariables": "POST",
        "/execution/<string:text>/localVariables/<string:name>": "POST PUT DELETE",
        "/execution/<string:text>/localVariables/<string:name>/data": "POST",
    },
    _DRAWN: {"/task/<key:task_id>/identity-links": "POST", "/task/<key:task_id>/identity-links/delete": "POST"},
    _MADE: {"/task/create": "POST", "/task/<key:task_id>": "DELETE"},
    _FORMS: {
        "/task/<key:task_id>/rendered-form": "GET", "/process-definition/<string:text>/rendered-form": "GET",
        "/process-definition/key/<string:key>/rendered-form": "GET",
        "/process-definition/key/<string:key>/tenant-id/<string:tenant>/rendered-form": "GET",
    },
    _RESTART: {
        "/process-definition/<string:text>/restart": "POST",
        "/process-definition/<string:text>/restart-async": "POST",
    },
    _CASE_BY_CASE: {
        "/process-instance/<name:number>/modification-async": "POST", "/process-instance/message-async": "POST",
        "/process-instance/job-retries-historic-query-based": "POST", "/modification/execute": "POST",
        "/modification/executeAsync": "POST",
    },
    _HELD: {"/job/<key:job_id>/suspended": "PUT", "/job/suspended": "PUT"},
    _TIMERS: {
        "/job-definition": "GET POST", "/job-definition/count": "GET POST", "/job-definition/suspended": "PUT",
        "/job-definition/<string:text>": "GET", "/job-definition/<string:text>/suspended": "PUT",
        "/job-definition/<string:text>/jobPriority": "PUT", "/job-definition/<string:text>/retries": "PUT",
    },
    _ENGINES: {"/job/<key:job_id>/priority": "PUT", "/job/<key:job_id>/duedate/recalculate": "POST"},
    _ENDS: {"/task/<key:task_id>/bpmnError": "POST", "/task/<key:task_id>/bpmnEscalation": "POST",
            "/task/<key:task_id>/resolve": "POST"},
    _HISTORY: {
        "/process-definition/<string:text>/history-time-to-live": "PUT",
        "/process-definition/key/<string:key>/history-time-to-live": "PUT",
        "/process-definition/key/<string:key>/tenant-id/<string:tenant>/history-time-to-live": "PUT",
        "/decision-definition/<string:text>/history-time-to-live": "PUT",
        "/decision-definition/key/<string:key>/history-time-to-live": "PUT",
        "/decision-definition/key/<string:key>/tenant-id/<string:tenant>/history-time-to-live": "PUT",
    },
    _ACCOUNTS: {
        "/user/create": "POST", "/user/<name:login>": "DELETE", "/user/<name:login>/profile": "PUT",
        "/user/<name:login>/credentials": "PUT", "/user/<name:login>/unlock": "POST",
    },
    _AGENCIES: {"/group/create": "POST", "/group/<string:text>": "PUT DELETE",
                "/group/<string:text>/members/<name:login>": "PUT DELETE"},
    _PROVINCES: {
        "/tenant/create": "POST", "/tenant/<string:text>": "PUT DELETE",
        "/tenant/<string:text>/user-members/<name:login>": "PUT DELETE",
        "/tenant/<string:text>/group-members/<string:group>": "PUT DELETE",
    },
    _RULES: {"/authorization": "GET", "/authorization/count": "GET", "/authorization/create": "POST",
             "/authorization/<string:text>": "GET PUT DELETE"},
    _LOOKED_AT: {"/condition": "POST"},
    _CMMN: {
        f"/{kind}{rest}": "GET POST" for kind in ("case-definition", "case-instance", "case-execution")
        for rest in ("", "/count", "/<string:text>")
    },
    _STEPS: {"/execution/<string:text>/signal": "POST"},
    _NOTED: {"/execution/<string:text>/create-incident": "POST"},
    _HOUSE: {"/telemetry/configuration": "GET POST", "/telemetry/data": "GET", "/schema/log": "GET POST"},
    _KEPT: {
        "/history/cleanup": "POST", "/history/cleanup/job": "GET", "/history/cleanup/jobs": "GET",
        "/history/cleanup/configuration": "GET", "/history/batch/set-removal-time": "POST",
        "/history/process-definition/cleanable-process-instance-report": "GET",
        "/history/process-definition/cleanable-process-instance-report/count": "GET",
        "/history/batch/cleanable-batch-report": "GET", "/history/batch/cleanable-batch-report/count": "GET",
    },
    _ELSEWHERE: {
        "/history/detail": "GET POST", "/history/detail/count": "GET POST", "/history/detail/<string:text>": "GET",
        "/history/detail/<string:text>/data": "GET", "/history/identity-link-log": "GET",
        "/history/identity-link-log/count": "GET",
    },
    _DECIDED: {
        "/history/decision-instance": "GET", "/history/decision-instance/count": "GET",
        "/history/decision-instance/<string:text>": "GET", "/history/decision-instance/delete": "POST",
        "/history/decision-instance/set-removal-time": "POST",
        "/history/decision-definition/cleanable-decision-instance-report": "GET",
        "/history/decision-definition/cleanable-decision-instance-report/count": "GET",
        "/history/decision-requirements-definition/<string:text>/statistics": "GET",
    },
    _ASKED: {
        "/history/external-task-log": "GET POST", "/history/external-task-log/count": "GET POST",
        "/history/external-task-log/<string:text>": "GET",
        "/history/external-task-log/<string:text>/error-details": "GET",
    },
    _FIGURES: {"/history/task/report": "GET"},
    _NOTES: {"/history/user-operation/<string:text>/set-annotation": "PUT",
             "/history/user-operation/<string:text>/clear-annotation": "PUT"},
    _DEPLOY: {"/deployment/<key:row_id>/redeploy": "POST"},
}  # fmt: skip


def _refusal(why: str) -> Any:
    def refuse(**_: Any) -> Response:
        door.token()  # who does not say who they are is told that first
        return door.refusal(403, "AuthorizationException", why)

    return refuse


for _number, (_why, _addresses) in enumerate(REFUSED.items()):
    for _rule, _methods in _addresses.items():
        bp.add_url_rule(_rule, f"{_number}{_rule}".replace(".", "_"), _refusal(_why), methods=_methods.split())
