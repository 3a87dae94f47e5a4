"""What a move gave up and its undo brings back keeps pace with its case.

A reminder that the other version does not have is given up, and with it the deadline that nothing else follows. While
it is away, the case may be paused, resumed, extended or released. So whatever comes back as it was is brought up to the
present: its deadline by what the case's history says since, its timer by its deadline.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update

from engine import clocks
from engine.model import deadlines, events, jobs
from engine.packages import Package
from engine.queues import leases
from engine.runtime import Unit
from engine.terms.deadlines import Moved, Running, Terms


def keep_pace(unit: Unit, package: Package, case: Row[Any], tokens: Collection[int]) -> None:
    """Bring up to the present what has just been put back.

    Args:
        package: the version in which the case goes on.
        tokens: of what was given up.

    Raises:
        WrongState: the case has been paused since, and this version allows no pause.
    """
    if not tokens:
        return
    clocks.keep_up(unit, package, case)
    turns = _turns(unit, case.id)
    for row in clocks.all_running(unit, case.id):
        if turns and row.token in tokens:
            _turn(unit, package.terms, row, turns)
    running = {row.name: row for row in clocks.all_running(unit, case.id)}
    mine = (jobs.c.case_id == case.id, jobs.c.token.in_(tokens))
    for job in unit.all(select(jobs).where(*mine, jobs.c.kind == "timer")):
        if turns and job.payload.get("term") in running:
            clocks.follow_running(unit, package, job.token, job.payload["mark"], running[job.payload["term"]])
        elif turns and job.payload.get("term") and job.state in ("ready", "suspended"):  # its deadline has been met
            state = "ready" if case.paused_at is None else "suspended"
            unit.execute(update(jobs).where(*mine, jobs.c.id == job.id).values(state=state))
    # who released the case passed over what was away; what workers had given up is tried again
    over = ("incident", "held") if case.suspended_at is None else ("incident",)
    unit.execute(update(jobs).where(*mine, jobs.c.state.in_(over)).values(state="ready", attempts=0))
    leases.wake(unit, unit.now)


def _turns(unit: Unit, case_id: int) -> list[Row[Any]]:
    """When the case's clock was stopped, started or moved since the case moved, the oldest first."""
    of_case = events.c.case_id == case_id
    moved = select(func.max(events.c.id)).where(of_case, events.c.kind == "migrated").scalar_subquery()
    kinds = events.c.kind.in_(("paused", "resumed", "extended"))
    return unit.all(select(events).where(of_case, kinds, events.c.id > moved).order_by(events.c.id))


def _turn(unit: Unit, terms: Terms, row: Row[Any], turns: list[Row[Any]]) -> None:
    deadline = Running(row.name, row.calendar, row.started_at, row.due_at, row.warn_at, row.story)
    for turn in turns:
        moved = _moved(terms, deadline, turn)
        if moved is not None:
            story = [*deadline.story, moved.entry]
            deadline = deadline._replace(due_at=moved.due_at, warn_at=moved.warn_at, story=story)
    now = {"due_at": deadline.due_at, "warn_at": deadline.warn_at, "story": deadline.story}
    unit.execute(update(deadlines).where(deadlines.c.id == row.id).values(now))


def _moved(terms: Terms, deadline: Running, turn: Row[Any]) -> Moved | None:
    if turn.kind == "paused":
        return terms.paused(deadline, turn.at, turn.data["reason"])
    if turn.kind == "extended":
        return terms.shifted(deadline, *(datetime.fromisoformat(turn.data[name]) for name in ("was", "due_at")))
    last = deadline.story[-1]
    return terms.resumed(deadline, datetime.fromisoformat(last["at"]), turn.at) if clocks.rests(deadline) else None
