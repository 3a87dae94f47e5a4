"""Many things of one kind, which workers do one by one because somebody asked for all of them at once.

    running ⇄ held ──► cancelled (what waits stays undone)
       └── no line waits any more ──► done

Each line is a unit of its own, in which the line is settled: who dies in between has done nothing, and another does it,
until it is plain that it is the line that kills (`engine.queues.attempts`). One that is refused says why, and keeps no
other from being done. All are done as the account that asked, and as narrow as the token that it showed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update

from engine import queries
from engine.errors import EngineError, InvalidRequest, NotFound
from engine.model import batch_lines, batches
from engine.model import incidents as incident_table
from engine.people import access, accounts
from engine.people.access import Account
from engine.queues import attempts, incidents, leases
from engine.runtime import Runtime, Unit
from engine.versions import modifications
from engine.work import external, repairs

LINES_MAX = 100_000
REASONS_TOLD = 100
RUNNING = ("running", "held")


def start(unit: Unit, kind: str, subjects: Sequence[str], payload: dict[str, Any] | None = None, *, by: Account) -> int:
    """Have workers do something to each of these.

    Args:
        kind: of `KINDS`.
        payload: what is the same for all of them.

    Returns:
        The batch's id.

    Raises:
        InvalidRequest: there is nothing to do, or too much.
    """
    lines = list(dict.fromkeys(subjects))
    if not 0 < len(lines) <= LINES_MAX:
        raise InvalidRequest(f"Name 1 to {LINES_MAX} to do it to, not {len(lines)}.")
    assert kind in KINDS
    said = (payload or {}) | {"scopes": by.scopes}
    row = {"kind": kind, "payload": said, "state": "running", "created_at": unit.now, "created_by": by.login}
    made = int(unit.scalar(insert(batches).values(row).returning(batches.c.id)))
    unit.execute(insert(batch_lines), [{"batch_id": made, "line": number, "subject": subject, "state": "waiting"}
                                       for number, subject in enumerate(lines)])  # fmt: skip
    leases.wake(unit, unit.now)
    return made


def hold(unit: Unit, batch_id: int, held: bool, *, by: Account) -> None:
    """Let the rest wait, or go on; what is so already stays so.

    Raises:
        NotFound: there is none that still runs, or it is another's.
    """
    show(unit, batch_id, by=by, running=True)
    unit.execute(update(batches).where(batches.c.id == batch_id, batches.c.state.in_(RUNNING))
                 .values(state="held" if held else "running"))  # fmt: skip
    leases.wake(unit, unit.now)


def cancel(unit: Unit, batch_id: int, *, by: Account) -> None:
    """Leave the rest undone. Raises as `hold`."""
    show(unit, batch_id, by=by, running=True)
    still = (batches.c.id == batch_id, batches.c.state.in_(RUNNING))
    unit.execute(update(batches).where(*still).values(state="cancelled", finished_at=unit.now))


# -- what workers do ---------------------------------------------------------------------------------------------------


def step(runtime: Runtime) -> bool:
    """Do one line. ``False``: there is nothing to do."""
    return attempts.step(runtime, batch_lines, _running(), _begun, _settle)


def _running(*conditions: ColumnElement[bool]) -> Any:
    return select(batches).where(leases.in_state(batches, "running"), *conditions).order_by(batches.c.id)


def _begun(unit: Unit) -> tuple[Row[Any], Row[Any]] | None:
    """A batch and one of its lines, at which an attempt has begun."""
    for batch in unit.all(_running()):
        mine = (batch_lines.c.batch_id == batch.id, batch_lines.c.state == "waiting")
        line = attempts.begin(unit, batch_lines, *mine)
        if line is not None:
            return batch, line
        if unit.first(select(batch_lines.c.line).where(*mine).limit(1)) is None:  # no other worker has one in hand
            over = update(batches).where(batches.c.id == batch.id, batches.c.state == "running")
            unit.execute(over.values(state="done", finished_at=unit.now))
    return None


def _settle(unit: Unit, batch: Row[Any], line: Row[Any]) -> None:
    if unit.first(_running(batches.c.id == batch.id)) is None:  # held or cancelled since
        attempts.put_back(unit, batch_lines, line)
        return
    why = attempts.in_vain(line) or _done(unit, batch, line.subject)
    change = update(batch_lines).where(batch_lines.c.batch_id == batch.id, batch_lines.c.line == line.line)
    unit.execute(change.values(state="refused" if why else "done", why=why))


def _done(unit: Unit, batch: Row[Any], subject: str) -> str | None:
    """Why it could not be done; ``None``: it is."""
    try:
        scopes = batch.payload.get("scopes")
        by = replace(accounts.account(unit, batch.created_by), scopes=None if scopes is None else tuple(scopes))
        with unit.savepoint():
            return KINDS[batch.kind](unit, subject, batch.payload, by)
    except EngineError as refused:
        return refused.detail
    except Exception as error:  # one must not keep the others from being done
        if leases.is_conflict(error):
            raise
        return leases.reason(error)


def _suspend(unit: Unit, number: str, payload: dict[str, Any], by: Account) -> None:
    """What is so already stays so."""
    held = access.find(unit, by, "modify", number).suspended_at is not None
    if payload["suspended"] and not held:
        modifications.suspend(unit, number, payload["reason"], by=by)
    elif held and not payload["suspended"]:
        modifications.release(unit, number, by=by)


def _retry_job(unit: Unit, job: str, _: dict[str, Any], by: Account) -> str | None:
    """Of a job that was given up; another has the engine's own attempts."""
    held = (incident_table.c.job_id == int(job), incident_table.c.resolved_at.is_(None))
    incident_id = unit.scalar(select(incident_table.c.id).where(*held))
    if incident_id is None:
        return None
    queries.show_incident(unit, by, incident_id, "retry")
    if repairs.retry(unit, incident_id, by.login):
        return None
    return str(incidents.find(unit, incident_id).message)


def _give_task_retries(unit: Unit, task: str, payload: dict[str, Any], by: Account) -> None:
    external.give_retries(unit, int(task), payload["retries"], by=by)


KINDS: dict[str, Callable[[Unit, str, dict[str, Any], Account], str | None]] = {
    "suspend": _suspend, "job-retries": _retry_job, "task-retries": _give_task_retries,
}  # fmt: skip


# -- how far it is -----------------------------------------------------------------------------------------------------


def index(unit: Unit, *, by: Account) -> list[dict[str, Any]]:
    """The account's newest hundred, newest first."""
    rows = unit.all(select(batches).where(batches.c.created_by == by.login).order_by(batches.c.id.desc()).limit(100))
    return [_told(unit, row) for row in rows]


def show(unit: Unit, batch_id: int, *, by: Account, running: bool = False) -> dict[str, Any]:
    """A batch with ``counts`` of its lines by state, and what was ``refused``: {subject, why}, the first hundred.

    Raises:
        NotFound: there is none (that still runs), or it is another's.
    """
    row = unit.first(select(batches).where(batches.c.id == batch_id))
    if row is None or row.created_by != by.login or running and row.state not in RUNNING:
        raise NotFound(f"There is no batch {batch_id}.")
    refused = select(batch_lines.c.subject, batch_lines.c.why).where(
        batch_lines.c.batch_id == batch_id, batch_lines.c.state == "refused")  # fmt: skip
    found = unit.all(refused.order_by(batch_lines.c.line).limit(REASONS_TOLD))
    return _told(unit, row) | {"refused": [dict(one._mapping) for one in found]}


def _told(unit: Unit, row: Row[Any]) -> dict[str, Any]:
    counted = select(batch_lines.c.state, func.count().label("lines")).where(batch_lines.c.batch_id == row.id)
    counts = {one.state: one.lines for one in unit.all(counted.group_by(batch_lines.c.state))}
    return dict(row._mapping) | {"counts": counts}
