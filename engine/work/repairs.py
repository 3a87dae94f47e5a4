"""After the repair: taking the step that an incident has kept, with other values if it was those that were wrong.

Apart from `incidents` because it stands above the corridor: `instances` opens incidents, and this goes through
`instances`.
"""

from __future__ import annotations

import json
import traceback
from typing import Any

from sqlalchemy import Row, select, update

from engine import correspondence, instances
from engine.errors import InvalidRequest, ProcessFault, Suspended, WrongState
from engine.flow import steps
from engine.flow.codec import data_at
from engine.flow.scripts import ScriptError, check_value
from engine.model import incidents as table
from engine.model import instances as instance_table
from engine.model import tasks
from engine.queues import incidents, jobs, leases, outbox
from engine.runtime import Unit

VALUES = {"Start": "data", "Complete": "answers", "Deliver": "payload", "Answer": "result", "Fail": "data",
          "Amend": "data"}  # what kinds of steps bring values along, and as what  # fmt: skip
VALUES_MAX = 100_000  # characters, as JSON


def values(step: dict[str, Any]) -> dict[str, Any] | None:
    """What a kept step brings into the process, by name; ``None`` if it brings nothing that could be wrong."""
    found = step.get(VALUES.get(str(step.get("kind")), ""))
    return found if isinstance(found, dict) else None


def correct(unit: Unit, incident_id: int, right: dict[str, Any], by: str) -> None:
    """Put other values into the step that an incident keeps; it is taken when it is retried.

    The case's history says which values were changed, not what they were.

    Args:
        right: all values of the step; answers to a task are held against its form.
        by: login.

    Raises:
        NotFound: there is no such incident.
        WrongState: it is already resolved, or its step brings no values.
        InvalidAnswers: the task's form does not take them.
        InvalidRequest: they are too much, or nothing that a case's data can hold.
    """
    incident = _lock(unit, incidents.find(unit, incident_id))
    if incident.resolved_at is not None:
        raise WrongState(f"Incident {incident_id} is already resolved.")
    was = values(incident.step)
    if was is None or incident.job_id is not None:
        raise WrongState(f"The step of incident {incident_id} brings no values: repair the report type, and retry it.")
    if len(json.dumps(right)) > VALUES_MAX:
        raise InvalidRequest(f"The values of a step have up to {VALUES_MAX} characters.", field="values")
    try:
        right = check_value(right, "the step")
    except ScriptError as error:
        raise InvalidRequest(str(error), field="values") from None
    if incident.step["kind"] == "Complete":
        right = _held_against_form(unit, incident, right)
    step = incident.step | {VALUES[incident.step["kind"]]: right}
    unit.execute(update(table).where(table.c.id == incident_id).values(step=step))
    changed = sorted(name for name in was.keys() | right.keys() if was.get(name) != right.get(name))
    unit.record(incident.case_id, "incident-repaired", by, incident.element, incident=incident_id, values=changed)


def _held_against_form(unit: Unit, incident: Row[Any], answers: dict[str, Any]) -> dict[str, Any]:
    case = instances.load(unit, incident.case_id)
    token = incident.step["token"]
    task = unit.first(select(tasks.c.form).where(tasks.c.case_id == case.id, tasks.c.token == token))
    form = unit.catalogue.pinned(unit, case.definition_id).forms.get(task.form) if task else None
    if form is None:
        return answers
    today = unit.today
    return form.check(answers, data=data_at(case.state, token), today=today)


def retry(unit: Unit, incident_id: int, by: str) -> bool:
    """Take an incident's step again, in this unit.

    Args:
        by: the login of whoever repaired the cause.

    Returns:
        ``True``: the incident is resolved, because the step was taken, or the process has since moved on without it.
        ``False``: the step failed again; the incident says why, and counts one more attempt.

    Raises:
        NotFound: there is no such incident.
        WrongState: it is already resolved, or its case is suspended.
    """
    incident = _lock(unit, incidents.find(unit, incident_id))
    if incident.resolved_at is not None:
        raise WrongState(f"Incident {incident_id} is already resolved.")
    try:
        with unit.savepoint():
            how = _again(unit, incident, by)
    except Suspended:  # its step is to be taken once it is released
        raise
    except WrongState:
        how = "moved-on"
        _drop_job(unit, incident)
    except Exception as error:
        if leases.is_conflict(error):
            raise
        trace = "".join(traceback.format_tb(error.__traceback__))
        said = ProcessFault(f"This could not be done: {leases.reason(error)}", incident.element)
        fault = error if isinstance(error, ProcessFault) else said
        incidents.open(unit, incident.case_id, fault, incident.step, incident.job_id, trace)
        return False
    if how is None:
        return False
    if how == "resent":  # which has resolved it
        return True
    incidents.resolve(unit, incident_id, by, how)
    return True


def retry_queued(unit: Unit, incident: int, by: str, of: int) -> None:
    """What a worker does for `causes.retry`. If the step fails again, the incident says so; if somebody has resolved it
    meanwhile, there is nothing to do.

    Args:
        of: how many were asked for together; for whoever looks on.
    """
    if incidents.find(unit, incident).resolved_at is None:
        retry(unit, incident, by)


def _again(unit: Unit, incident: Row[Any], by: str) -> str | None:
    """How the incident came to be resolved, or ``None`` if the step failed again."""
    kind = incident.step.get("kind")
    if kind == "outbox":
        outbox.resend(unit, incident.step["outbox_id"], by)
        return "resent"
    if kind == "case-message":
        correspondence.send_again(unit, incident.step["message_id"])
    elif kind in ("warning", "breach"):
        jobs.revive(unit, incident.job_id)
    else:
        _drop_job(unit, incident)  # before the step: it may arm the same timer again
        step = steps.from_json(incident.step)
        instances.advance(unit, incident.case_id, step, by=by)
        if incidents.find(unit, incident.id).attempts > incident.attempts:  # the corridor has caught the fault
            return None
        if isinstance(step, steps.Complete):
            _close_task(unit, incident.case_id, step, by)
    return "retried"


def _drop_job(unit: Unit, incident: Row[Any]) -> None:
    if incident.job_id is not None:
        jobs.drop(unit, incident.job_id, incident.case_id)


def _close_task(unit: Unit, case_id: int, step: steps.Complete, by: str) -> None:
    """The answers that were kept have been taken."""
    waiting = (tasks.c.case_id == case_id, tasks.c.token == step.token, tasks.c.status == "open")
    done = {"status": "done", "answers": step.answers, "finished_at": unit.now, "finished_by": by}
    unit.execute(update(tasks).where(*waiting).values(done | {"version": tasks.c.version + 1}))


def _lock(unit: Unit, incident: Row[Any]) -> Row[Any]:
    """The incident as it is once nobody else can touch its case. The order is always: instance, then the rest."""
    if unit.locks_rows:
        held = select(instance_table.c.case_id).where(instance_table.c.case_id == incident.case_id)
        unit.first(held.with_for_update())
    return incidents.find(unit, incident.id)
