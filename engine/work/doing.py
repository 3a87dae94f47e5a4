"""How the jobs that a worker holds are done: several in one unit, or each in its own.

Jobs of different cases share a unit, and so a commit and most looks at the database (`bench`, ``timers``). Should
anything stand in the way of one of them, the unit is undone and each is done by itself: what goes wrong, goes wrong
for one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from random import Random
from typing import Any

from sqlalchemy import Row

from engine import births, instances, marks, spans
from engine.errors import NotFound, Suspended, WrongState
from engine.queues import jobs, leases
from engine.queues.jobs import Gone, Job
from engine.runtime import Runtime, Unit
from engine.work import repairs

log = logging.getLogger(__name__)

_ALONE = {"retry"}  # what holds a fault is not to take others along


class Crowded(Exception):
    """Jobs that share a unit start more cases together than one step may."""


def together(runtime: Runtime, batch: Sequence[Job]) -> list[Job]:
    """Do jobs in one unit, of each case the first; returns those that are left to be done by themselves."""
    first = {job.case_id: job for job in reversed(batch) if job.kind not in _ALONE}
    try:
        with runtime.begin() as unit:
            done = {job.id for job in _share(unit, first)}
    except Exception as error:  # whichever it was, it will say so when it is done by itself
        log.debug("Jobs are done one by one: %s", leases.reason(error))
        return list(batch)
    return [job for job in batch if job.id not in done]


def _share(unit: Unit, first: dict[int, Job]) -> list[Job]:
    """Do what can be done at once: not what belongs to a case that is busy or suspended.

    Raises:
        Gone: one of them is not ours any more.
        Crowded: nobody else could write for too long.
    """
    free = {case.id: case for case in instances.load_free(unit, first) if case.suspended_at is None}
    mine = sorted((first[case_id] for case_id in free), key=lambda job: (job.due_at, job.id))
    if mine:
        jobs.take(unit, *mine)
    for job in mine:
        perform(unit, job, free[job.case_id])
        if unit.born > births.BORN_MAX:
            raise Crowded(f"{unit.born} cases are started in one unit.")
        unit.set_apart()
    return mine


def run(runtime: Runtime, job: Job, jitter: Random) -> str:
    """Do a job in a unit of its own.

    Returns:
        done | gone (somebody else has it, or it was cancelled) | busy (its case is; it is put back) |
        held (its case is suspended) | late (the process no longer waits for it) |
        failed (it is tried again later, or has become an incident)
    """
    try:
        with runtime.begin() as unit:
            free = instances.load_free(unit, [job.case_id])
            if not free:
                jobs.put_back(unit, job)
                return "busy"
            jobs.take(unit, job)
            perform(unit, job, free[0])
        return "done"
    except Gone:
        return "gone"
    except Suspended:
        jobs.hold(runtime, job)
        return "held"
    except (WrongState, NotFound) as error:
        jobs.discard(runtime, job, error)
        return "late"
    except Exception as error:
        level = logging.INFO if leases.is_conflict(error) else logging.ERROR
        log.log(level, "Job %s (%s) failed: %s", job.id, job.kind, leases.reason(error), extra={"action": "job-failed"})
        jobs.fail(runtime, job, error, jitter)
        return "failed"


def perform(unit: Unit, job: Job, case: Row[Any]) -> None:
    """What a job is for, in the unit that has already deleted it.

    Args:
        case: its row, from `instances.load` or `load_free`.
    """
    with spans.span(f"job {job.kind}", job=job.id, case_id=job.case_id):
        if job.kind == "warning":
            marks.warn(unit, job, case)
        elif job.kind == "breach":
            marks.breach(unit, job, case)
        elif job.kind == "retry":
            repairs.retry_queued(unit, **job.payload)
        else:
            step = jobs.step(job)
            assert step is not None, job.kind
            instances.advance(unit, job.case_id, step, case=case)
