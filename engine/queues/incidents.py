"""What could not be done, kept until somebody has repaired the cause.

An incident holds the step itself, so that nothing a citizen or a handler said is lost: the process stays where it was,
the analyst repairs the report type, and `repairs.retry` takes the same step again. There is one open incident for one
step of one case, however often it is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update

from engine.errors import InvalidRequest, NotFound, ProcessFault, WrongState
from engine.flow import steps
from engine.language.masks import known, masked
from engine.model import cases, incidents, people
from engine.runtime import Unit

DETAIL_MAX = 4_000  # characters


def open(
    unit: Unit,
    case_id: int,
    fault: ProcessFault,
    step: steps.Step | dict[str, Any],
    job_id: int | None = None,
    detail: str = "",
) -> int:
    """Keep a step that could not be taken; the same step again only counts one more attempt.

    Args:
        step: what to take again; for what is no step of the process, a table that says what it was.
        job_id: the job that holds the step and waits with it.
        detail: for whoever looks for the cause in our code; never data of a person.

    Returns:
        The incident's id.
    """
    step = step if isinstance(step, dict) else steps.to_json(step)
    same = find_open(unit, case_id, step)
    what = {"message": unnamed(unit, case_id, fault.message), "element": fault.element, "detail": detail[-DETAIL_MAX:]}
    if same is not None:
        change = update(incidents).where(incidents.c.id == same.id)
        unit.execute(change.values(what | {"attempts": same.attempts + 1, "job_id": job_id}))
        return int(same.id)
    row = what | {"case_id": case_id, "step": step, "job_id": job_id, "opened_at": unit.now}
    incident_id = unit.scalar(insert(incidents).values(row).returning(incidents.c.id))
    unit.record(case_id, "incident-opened", "system", fault.element, incident=incident_id, message=what["message"])
    return int(incident_id)


def resolve(unit: Unit, incident_id: int, by: str, how: str = "retried") -> None:
    """Close an incident.

    Args:
        by: login, or "system".
        how: "retried", "moved-on" (the process no longer waits for this step) or "dropped" (a person gave it up).

    Raises:
        NotFound: there is no such incident.
        WrongState: it is already resolved.
    """
    row = find(unit, incident_id)
    still_open = update(incidents).where(incidents.c.id == incident_id, incidents.c.resolved_at.is_(None))
    if not unit.claims(still_open.values(resolved_at=unit.now, resolved_by=by)):
        raise WrongState(f"Incident {incident_id} is already resolved.")
    unit.record(row.case_id, "incident-resolved", by, row.element, incident=incident_id, how=how)


def settle(
    unit: Unit, case_id: int, step: steps.Step | dict[str, Any], by: str, how: str = "retried"
) -> None:
    """Resolve the open incident that waits for this very step, if there is one: it has been taken after all, or
    nobody waits for it any more."""
    waits = find_open(unit, case_id, step if isinstance(step, dict) else steps.to_json(step))
    if waits is not None:
        resolve(unit, waits.id, by, how)


def unnamed(unit: Unit, case_id: int | None, why: str) -> str:
    """What went wrong as it may lie unsealed: without numbers, addresses and the names of the case's people. Gateways,
    programs and expressions repeat what they were given."""
    return masked(why, known(unit.all(select(people).where(people.c.case_id == case_id))))


def annotate(unit: Unit, incident_id: int, text: str | None) -> None:
    """Note something about an incident, for colleagues; ``None`` takes the note away.

    Raises:
        InvalidRequest: it is too long.
    """
    if text is not None and len(text) > DETAIL_MAX:
        raise InvalidRequest(f"An annotation has up to {DETAIL_MAX} characters.", field="annotation")
    unit.execute(update(incidents).where(incidents.c.id == incident_id).values(annotation=text))


def find(unit: Unit, incident_id: int) -> Row[Any]:
    """Raises:
    NotFound: there is no such incident.
    """
    row = unit.first(select(incidents).where(incidents.c.id == incident_id))
    if row is None:
        raise NotFound(f"There is no incident {incident_id}.")
    return row


def find_open(unit: Unit, case_id: int, step: dict[str, Any]) -> Row[Any] | None:
    """The open incident of this very step. JSON is compared here: the databases do not agree on how."""
    waiting = select(incidents).where(incidents.c.case_id == case_id, incidents.c.resolved_at.is_(None))
    return next((row for row in unit.all(waiting.order_by(incidents.c.id)) if row.step == step), None)


def list(unit: Unit, *, province: str | None = None, after: int = 0, limit: int = 50) -> Sequence[Row[Any]]:
    """Open incidents with their case's number and report type, oldest first.

    Args:
        province: only of this province; ``None``: of all.
        after: the id of the last one already seen.
    """
    query = (
        select(incidents, cases.c.number, cases.c.report_type, cases.c.province)
        .join(cases)
        .where(incidents.c.resolved_at.is_(None), incidents.c.id > after)
    )
    if province is not None:
        query = query.where(cases.c.province == province)
    return unit.all(query.order_by(incidents.c.id).limit(limit))
