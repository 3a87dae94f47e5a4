"""What must happen later: the row is the timer, the transaction is the transition.

    ready ──claim──► leased ──done──► (deleted, in the transaction that did it)
      ▲                │ │
      │   lease ended  │ └──failed three times──► incident ──repairs.retry──► …
      └────────────────┘ or failed, or busy

A job is claimed and committed at once, done in a unit (`doing`), and deleted in that very unit: so it is
done once, or not at all. `claim`, `fail` and their like each begin a unit; `put`, `cancel` and `move` belong to the
unit of whoever calls them, who has locked the case (the order is always: instance, then job).
"""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import bindparam, delete, exists, literal_column, or_, select, update

from engine.errors import ProcessFault
from engine.flow import steps
from engine.model import cases, jobs
from engine.queues import incidents, leases
from engine.queues.leases import LEASE
from engine.runtime import Runtime, Unit
from engine.sql import among
from engine.storage import outages
from engine.storage.prepared import Prepared, Upsert

EMERGENCY, NORMAL, WHENEVER = 0, 1, 2
PRIORITIES = (EMERGENCY, NORMAL, WHENEVER)
BACK_OFF = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5))
ATTEMPTS_MAX = 3
DEATHS_MAX = 5  # attempts in which the worker died; more than ATTEMPTS_MAX, since it is seldom the job's fault
BUSY = timedelta(milliseconds=50)
_NOW, _MOST = bindparam("now"), bindparam("most")
SOONEST = [
    leases.soonest(jobs, leases.in_state(jobs, "ready"), jobs.c.priority == literal_column(str(priority)))
    for priority in PRIORITIES
]
LOST = exists(select(jobs.c.id).where(leases.is_lost(jobs, _NOW)))
_ANYTHING = Prepared(
    select(literal_column("1")).where(or_(LOST, *(soonest.scalar_subquery() <= _NOW for soonest in SOONEST)))
)
_DUE = {
    priority: Prepared(leases.due(jobs, _NOW, _MOST, jobs.c.priority == literal_column(str(priority))))
    for priority in PRIORITIES
}
_SOONEST = [Prepared(soonest) for soonest in SOONEST]
_HELD_BY = (leases.in_state(jobs, "leased"), jobs.c.lease_owner == bindparam("owner"))
_FRESH = {name: bindparam(name, type_=jobs.c[name].type) for name in ("due_at", "priority", "payload")} | {
    "state": "ready", "attempts": 0,
}  # fmt: skip
_AGAIN = {"fence": jobs.c.fence + 1, "lease_owner": None, "lease_until_at": None, "last_error": None}
_PUT = Upsert(
    lambda insert: (
        insert(jobs)
        .values(_FRESH | {name: bindparam(name) for name in ("case_id", "token", "kind")})
        .on_conflict_do_update(index_elements=["case_id", "token", "kind"], set_=_FRESH | _AGAIN)
    )
)
_TAKE = Prepared(
    delete(jobs).where(among(jobs.c.id, "ids"), *_HELD_BY).returning(jobs.c.id, jobs.c.fence, jobs.c.case_id)
)


class Gone(Exception):
    """A job that was held is held no more, or was cancelled."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that a worker holds.

    Attributes:
        token: what waits for it within the case; 0: the case itself.
        kind: timer | warning | breach | answer | message | retry.
        payload: timer {}; warning and breach {deadline}: its name; answer {result}; message {step};
            retry {incident, by, of} (`engine.work.causes`), whose token is the incident's id, negative.
        attempts: this one included.
    """

    id: int
    case_id: int
    token: int
    kind: str
    due_at: datetime
    fence: int
    lease_owner: str
    attempts: int
    payload: dict[str, Any]


# -- within the unit of whoever arms and disarms ---------------------------------------------------------------------


def put(
    unit: Unit,
    case_id: int,
    token: int,
    kind: str,
    due_at: datetime,
    payload: dict[str, Any] | None = None,
    priority: int = NORMAL,
) -> None:
    """Have this happen at ``due_at``. A token has one job of a kind: another takes its place."""
    of = {"case_id": case_id, "token": token, "kind": kind}
    unit.write(_PUT, of | {"due_at": due_at, "priority": priority, "payload": payload or {}})
    leases.wake(unit, due_at)


def cancel(unit: Unit, case_id: int, token: int, kind: str) -> bool:
    """Do without it; whoever holds it gives up. Returns whether there was such a job."""
    return unit.claims(delete(jobs).where(*_identity(case_id, token, kind)))


def move(unit: Unit, case_id: int, token: int, kind: str, due_at: datetime) -> bool:
    """Have it happen at another time; whoever holds it gives up. Returns whether there was such a job."""
    change = update(jobs).where(*_identity(case_id, token, kind)).values(
        due_at=due_at, state="ready", fence=jobs.c.fence + 1, lease_owner=None, lease_until_at=None
    )
    moved = unit.claims(change)
    leases.wake(unit, due_at)
    return moved


def revive(unit: Unit, job_id: int) -> bool:
    """Give a job that waits with an incident its attempts back, due now. Returns whether there was such a job."""
    waiting = update(jobs).where(jobs.c.id == job_id, leases.in_state(jobs, "incident"))
    leases.wake(unit, unit.now)
    return unit.claims(waiting.values(state="ready", due_at=unit.now, attempts=0, last_error=None))


def drop(unit: Unit, job_id: int, case_id: int) -> bool:
    """Delete a job that waits with an incident. Returns whether there was such a job.

    Args:
        case_id: whose it is; SQLite may use the id of a deleted row again.
    """
    mine = (jobs.c.id == job_id, jobs.c.case_id == case_id)
    return unit.claims(delete(jobs).where(*mine, leases.in_state(jobs, "incident")))


def take(unit: Unit, *held: Job) -> None:
    """Delete jobs, at least one and all claimed by the same worker, in the unit that does them.

    Raises:
        Gone: one is not ours any more, or was cancelled; the unit must not go on.
    """
    taken = unit.all(_TAKE, {"ids": [job.id for job in held], "owner": held[0].lease_owner})
    if {tuple(row) for row in taken} != {(job.id, job.fence, job.case_id) for job in held}:
        raise Gone


def recall(unit: Unit, case_id: int) -> None:
    """Whoever holds jobs of a case gives them up, for it knows them as they were; they are ready again. These were no
    attempts. Nobody claims any of the case's jobs until the unit ends."""
    of_it = jobs.c.case_id == case_id
    unit.all(select(jobs.c.id).where(of_it).order_by(jobs.c.id).with_for_update())
    free = {"state": "ready", "fence": jobs.c.fence + 1, "lease_owner": None, "lease_until_at": None}
    held = update(jobs).where(of_it, leases.in_state(jobs, "leased"))
    unit.execute(held.values(free | {"attempts": jobs.c.attempts - 1}))
    leases.wake(unit, unit.now)


def put_back(unit: Unit, job: Job) -> None:
    """Its case is busy: try again in a moment. This was no attempt."""
    later = {"state": "ready", "lease_owner": None, "lease_until_at": None, "attempts": job.attempts - 1}
    unit.execute(update(jobs).where(leases.holds(jobs, job)).values(later | {"due_at": unit.now + BUSY}))


# -- each a unit of its own ------------------------------------------------------------------------------------------


def claim(runtime: Runtime, owner: str, limit: int, lease: timedelta = LEASE) -> list[Job]:
    """Lease what is due, emergencies first, then what has been due longest; committed at once.

    Every lower priority keeps a place in a batch of three or more: a flood of emergencies must not stop the clock of
    all other cases.

    Args:
        owner: a name that no other worker has, nor had.
        limit: as many as can be begun soon; the rest is for others.
    """
    with runtime.read() as unit:
        if unit.first(_ANYTHING, {"now": unit.now}) is None:
            return []
    with runtime.begin() as unit:
        _reap(unit)
        due = {priority: unit.later(_DUE[priority], {"now": unit.now, "most": limit}) for priority in PRIORITIES}
        unit.flush()
        rows: list[Any] = []
        for priority in PRIORITIES:
            kept_for_lower = PRIORITIES[-1] - priority if limit >= len(PRIORITIES) else 0
            rows += due[priority][: max(limit - len(rows) - kept_for_lower, 0)]
        return [_job(row) for row in leases.take(unit, jobs, rows, owner, lease)]


def fail(runtime: Runtime, job: Job, error: Exception, jitter: Random) -> None:
    """Note that a job could not be done: try again later, or after the third time leave it to a person.

    Args:
        jitter: spreads what failed together by ± 20 %.
    """
    with runtime.begin() as unit:
        why = incidents.unnamed(unit, job.case_id, leases.reason(error))
        mine = update(jobs).where(leases.holds(jobs, job))
        later = {"state": "ready", "lease_owner": None, "lease_until_at": None, "last_error": why}
        if leases.is_conflict(error):
            later |= {"due_at": unit.now + outages.rest(error) * jitter.uniform(1, 2), "attempts": job.attempts - 1}
            unit.execute(mine.values(later))
        elif job.attempts < ATTEMPTS_MAX:
            wait = BACK_OFF[job.attempts - 1] * jitter.uniform(0.8, 1.2)
            unit.execute(mine.values(later | {"due_at": unit.now + wait}))
        elif unit.claims(mine.values(later | {"state": "incident"})):
            message = f"This could not be done in {job.attempts} attempts: {why}"
            _give_up(unit, job, message, "".join(traceback.format_tb(error.__traceback__)))


def discard(runtime: Runtime, job: Job, error: Exception) -> None:
    """The process no longer waits for this (an answer that came after the time allowed): only history keeps it."""
    with suppress(Gone), runtime.begin() as unit:
        take(unit, job)
        unit.record(job.case_id, "came-too-late", "system", what=job.kind, token=job.token, why=str(error))


def hold(runtime: Runtime, job: Job) -> None:
    """Its case is suspended: keep it until the case is released. This was no attempt."""
    with runtime.begin() as unit:
        suspended = select(cases.c.suspended_at).where(cases.c.id == job.case_id)
        still = unit.scalar(suspended.with_for_update()) is not None  # released meanwhile: it is simply due
        kept = {"state": "held" if still else "ready", "lease_owner": None, "lease_until_at": None}
        unit.execute(update(jobs).where(leases.holds(jobs, job)).values(kept | {"attempts": job.attempts - 1}))


def renew(runtime: Runtime, owner: str, lease: timedelta = LEASE, in_hand: list[Job] | None = None) -> int:
    """The heart-beat: hold on to all that this owner holds, or these. Returns how many that is."""
    keys = None if in_hand is None else [job.id for job in in_hand]
    with runtime.begin() as unit:
        return leases.renew(unit, jobs, owner, lease, keys)


def release(runtime: Runtime, owner: str, unbegun: list[Job] | None = None) -> int:
    """Give back at once what was not begun (all that this owner holds, or these). Returns how many that is."""
    with runtime.begin() as unit:
        return leases.release(unit, jobs, owner, None if unbegun is None else [job.id for job in unbegun])


def next_due(runtime: Runtime) -> datetime | None:
    """When to look next: one look into the index for each priority, however many timers there are."""
    with runtime.read() as unit:
        due = [unit.later(soonest, {}) for soonest in _SOONEST]
        unit.flush()
    return min((instant for [(instant,)] in due if instant is not None), default=None)


def depth(unit: Unit) -> dict[str, float]:
    """For monitoring: how many are due and held, and for how many seconds the oldest has been due."""
    return leases.depth(unit, jobs, jobs.c.priority.in_(PRIORITIES))


def step(job: Job) -> steps.Step | None:
    """The step of the process that this job is, or ``None`` where it only marks a deadline."""
    if job.kind == "timer":
        return steps.Fire(job.token)
    if job.kind == "answer":
        return steps.Answer(job.token, job.payload["result"])
    if job.kind == "message":
        return steps.from_json(job.payload["step"])
    return None


def _reap(unit: Unit) -> None:
    """Take what dead workers held; what has outlived several workers is given up, for it may be what kills them."""
    lost = leases.lost(unit, jobs)
    leases.give_back(unit, jobs, [row.id for row in lost if row.attempts < DEATHS_MAX])
    for row in (row for row in lost if row.attempts >= DEATHS_MAX):
        unit.execute(update(jobs).where(jobs.c.id == row.id).values(state="incident", lease_owner=None))
        _give_up(unit, _job(row), f"The worker died in each of {row.attempts} attempts to do this.")


def _give_up(unit: Unit, job: Job, message: str, detail: str = "") -> None:
    if job.kind == "retry":  # the incident is still there
        drop(unit, job.id, job.case_id)
        return
    what = step(job) or {"kind": job.kind, "token": job.token, **job.payload}
    incidents.open(unit, job.case_id, ProcessFault(message), what, job_id=job.id, detail=detail)


def _job(row: Any) -> Job:
    return Job(**{name: getattr(row, name) for name in Job.__slots__})


def _identity(case_id: int, token: int, kind: str) -> tuple[Any, ...]:
    return jobs.c.case_id == case_id, jobs.c.token == token, jobs.c.kind == kind
