"""The clocks of a case: its deadlines as rows, and the jobs and timers that follow them.

`engine.terms.deadlines` says what a promise means and how pausing and extending move it; here that becomes rows, in the
unit of whoever changed the case. A job's row is the timer: nothing else knows when something is due.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, literal_column, select, update

from engine.errors import WrongState
from engine.flow.moments import VIETNAM
from engine.flow.steps import OpenTask, Timer
from engine.flow.tokens import Moment
from engine.model import cases, deadlines, tasks
from engine.model import jobs as jobs_table
from engine.packages import Package
from engine.queues import jobs, leases
from engine.runtime import Unit
from engine.storage.prepared import Prepared
from engine.terms.deadlines import Deadline, Moved, Running, known_days

Promise = Deadline | Running | Row[Any]  # what is promised, or runs

CASE = "case"  # the name of the whole case's deadline; its token is 0

_KEEP = Prepared.insertion(
    deadlines, "case_id", "name", "token", "calendar", "started_at", "due_at", "warn_at", "story"
)
_NEW_JOB = Prepared.insertion(jobs_table, "case_id", "token", "kind", "due_at", "payload", state="ready")


def _mark(kind: str, at: str) -> dict[str, Any]:
    """A row of an INSERT of several: SQLAlchemy gives types to the first one's values only."""
    values = {"case_id": "case_id", "token": "token", "payload": "payload", "due_at": at}
    said = {column: bindparam(name, type_=jobs_table.c[column].type) for column, name in values.items()}
    return {**said, "kind": literal_column(f"'{kind}'"), "state": literal_column("'ready'")}


_NEW_MARKS = Prepared(insert(jobs_table).inline().values([_mark("warning", "warn_at"), _mark("breach", "due_at")]))
_OF_CASE = (deadlines.c.case_id == bindparam("case"), deadlines.c.settled_at.is_(None))
_RUNNING = Prepared(select(deadlines).where(*_OF_CASE).order_by(deadlines.c.id))
_CASES_OWN = Prepared(select(deadlines).where(deadlines.c.case_id == bindparam("case"), deadlines.c.name == CASE))
_BEGIN_ANEW = Prepared(
    update(deadlines)
    .where(deadlines.c.id == bindparam("which"))
    .values({name: bindparam(f"new_{name}") for name in ("calendar", "started_at", "due_at", "warn_at", "story")})
    .values(settled_at=None)
)
_FOLLOWING = Prepared(
    select(jobs_table).where(
        jobs_table.c.case_id == bindparam("case"),
        jobs_table.c.kind.in_([literal_column(f"'{kind}'") for kind in ("warning", "breach", "timer")]),
    )
)
_SETTLE_CASE = Prepared(update(deadlines).where(*_OF_CASE, deadlines.c.token == 0).values(settled_at=bindparam("at")))
_DROP_MARKS = Prepared(
    delete(jobs_table).where(
        jobs_table.c.case_id == bindparam("case"),
        jobs_table.c.token == 0,
        jobs_table.c.kind.in_([literal_column("'warning'"), literal_column("'breach'")]),
    )
)


def moment(unit: Unit, package: Package, case: Row[Any]) -> Moment:
    """The unit's instant, with what an analyst's expressions may ask of it."""
    moment = Moment(unit.now)
    moment.heirs = unit.catalogue.heirs.of(unit)

    def deadline(name: str) -> Any:
        if name == CASE:
            as_it_will_be = promised(unit, package, case, moment.data)
            if as_it_will_be is not None:
                return as_it_will_be
        return package.terms.due(name, unit.now, moment.data.get("severity"))

    def point(name: str, mark: str | float) -> str:
        found = deadline(name)
        value = _told(_at(package, _as_running(found), mark))
        moment.asked.append((value, name, mark))
        return value

    moment.functions = present(unit) | {
        "due": lambda name: point(name, "due"),
        "warn": lambda name: point(name, "warn"),
        "late": point,
    }
    return moment


def present(unit: Unit) -> dict[str, Callable[..., Any]]:
    """What any expression may ask, be it a case's or none's."""
    return {
        "now": lambda: _told(unit.now),
        "today": lambda: date.isoformat(unit.today),
    }


def _told(moment: datetime) -> str:
    """As every moment is in an expression: on Vietnam's clock."""
    return moment.astimezone(VIETNAM).isoformat()


def _as_running(found: Any) -> Any:
    return found.running() if isinstance(found, Deadline) else found


def _running(unit: Unit, case_id: int, name: str) -> Row[Any] | None:
    named = [row for row in all_running(unit, case_id) if row.name == name]
    return named[-1] if named else None


def all_running(unit: Unit, case_id: int) -> list[Row[Any]]:
    """The case's deadlines that are neither met nor given up, the oldest first."""
    return unit.known(_RUNNING, {"case": case_id})


def look_ahead(unit: Unit, case_id: int) -> None:
    """`all_running` will be asked for."""
    unit.soon(_RUNNING, {"case": case_id})


# -- starting --------------------------------------------------------------------------------------------------------


def start_case(unit: Unit, case_id: int, deadline: Deadline) -> None:
    """The whole case's clock starts at intake."""
    _start(unit, case_id, 0, deadline)


def promised(unit: Unit, package: Package, case: Row[Any], data: dict[str, Any]) -> Promise | None:
    """The whole case's deadline once the present step is done: a reopened case is promised anew from now, one whose
    severity has just been found out from when it was opened, one that waited has what was left; any other keeps its
    promise."""
    if CASE not in package.terms:
        return None
    severity = data.get("severity")
    if case.closed_at is not None and not package.is_closed(data.get("status") or case.status):
        return package.terms.due(CASE, unit.now, severity)
    running = _running(unit, case.id, CASE)
    if running is not None and severity != case.severity and not _moved_by_people(running):
        return package.terms.due(CASE, case.opened_at, severity)
    if running is not None and rests(running) and not _still_rests(package, case, data):
        moved = package.terms.resumed(running, case.paused_at, unit.now)
        return Running(CASE, running.calendar, running.started_at, moved.due_at, moved.warn_at, running.story)
    return running


def _moved_by_people(running: Row[Any]) -> bool:
    return any(entry["what"] not in ("term", "days-declared") for entry in running.story)


def _still_rests(package: Package, case: Row[Any], data: dict[str, Any]) -> bool:
    """Whether the case goes on waiting: somebody paused it by hand, or its next status rests, too."""
    return not _pauses(package, case.status) or _pauses(package, data.get("status") or case.status)


def _pauses(package: Package, status: str) -> bool:
    """Whether the clock rests in this status (type.toml: ``paused``)."""
    return bool(package.status(status).get("paused"))


def _promise_again(unit: Unit, package: Package, case: Row[Any], deadline: Deadline) -> dict[str, Any]:
    """Warning, breach and the timers that follow the case's deadline go where it goes; what has been said of it and is
    still true is not said again.

    Returns:
    What changes on the case's row.
    """
    earlier = _running(unit, case.id, CASE) or unit.first(_CASES_OWN, {"case": case.id})
    said = {"warned_at": case.warned_at, "breached_at": case.breached_at}
    if earlier is None:
        _start(unit, case.id, 0, deadline)
    else:
        new = {f"new_{name}": value for name, value in _row(deadline).items()}
        unit.write(_BEGIN_ANEW, new | {"which": earlier.id})
        for kind, mark, at in (("warning", "warned_at", deadline.warn_at), ("breach", "breached_at", deadline.due_at)):
            if said[mark] is None or at is None or at > unit.now:
                said[mark] = None
                if at is not None:
                    jobs.put(unit, case.id, 0, kind, at, {"deadline": CASE})
        for job in _drawn(unit, case.id, CASE):
            jobs.move(unit, case.id, job.token, "timer", _at(package, deadline.running(), job.payload["mark"]))
    return {"due_at": deadline.due_at, **said}


def start_task(unit: Unit, package: Package, case: Row[Any], task: OpenTask, data: dict[str, Any]) -> Deadline | None:
    """A task's clock starts when it opens, if its type has a term of the task's name or the diagram names one."""
    name = task.term or task.element
    if name not in package.terms:
        return None
    deadline = package.terms.due(name, unit.now, data.get("severity"))
    _start(unit, case.id, task.token, deadline)
    return deadline


def _start(unit: Unit, case_id: int, token: int, deadline: Deadline) -> None:
    """The token is new, so nothing waits for it yet."""
    row = _row(deadline) | {"case_id": case_id, "name": deadline.name, "token": token}
    unit.write(_KEEP, row)
    breach = _job(case_id, token, "breach", deadline.due_at, {"deadline": deadline.name})
    if deadline.warn_at is None:
        unit.write(_NEW_JOB, breach)
    else:
        unit.write(_NEW_MARKS, breach | {"warn_at": deadline.warn_at})


def _row(deadline: Deadline) -> dict[str, Any]:
    return {
        "calendar": deadline.calendar,
        "started_at": deadline.started_at,
        "due_at": deadline.due_at,
        "warn_at": deadline.warn_at,
        "story": [deadline.story()],
    }


def _job(case_id: int, token: int, kind: str, at: datetime, payload: dict[str, Any]) -> dict[str, Any]:
    return {"case_id": case_id, "token": token, "kind": kind, "due_at": at, "payload": payload}


def arm(
    unit: Unit, package: Package, case: Row[Any], timers: list[Timer], data: dict[str, Any], begun: set[str]
) -> None:
    """Tokens wait for a moment. One that follows a deadline nobody keeps yet has it written down here.

    Args:
        begun: the names of the deadlines that have begun in this step.
    """
    if timers:
        for one in timers:
            unit.write(_NEW_JOB, _job(case.id, one.token, "timer", one.due_at, _followed(one)))
        leases.wake(unit, min(timer.due_at for timer in timers))
    for timer in timers:
        if timer.term and timer.term not in begun | {CASE} and _running(unit, case.id, timer.term) is None:
            deadline = package.terms.due(timer.term, unit.now, data.get("severity"))
            unit.write(_KEEP, _row(deadline) | {"case_id": case.id, "name": timer.term, "token": timer.token})
    if any(timer.term for timer in timers) and _rests_now(package, case, data):
        _rest_with(unit, case.id, timers)


def _rests_now(package: Package, case: Row[Any], data: dict[str, Any]) -> bool:
    """Whether the case was paused before this step, or is by it: else no deadline of it rests."""
    return case.paused_at is not None or _pauses(package, data.get("status") or case.status)


def _rest_with(unit: Unit, case_id: int, timers: list[Timer]) -> None:
    """A timer armed while the clock rests, and that follows a deadline which rests, rests too."""
    resting = {row.name for row in all_running(unit, case_id) if rests(row)}
    tokens = [timer.token for timer in timers if timer.term in resting]
    if not tokens:
        return
    mine = (jobs_table.c.case_id == case_id, jobs_table.c.token.in_(tokens), jobs_table.c.kind == "timer")
    unit.execute(update(jobs_table).where(*mine).values(state="suspended"))


def follow_running(unit: Unit, package: Package, token: int, mark: str | float, row: Row[Any]) -> None:
    """A timer that nobody holds falls due at this mark of a deadline that runs already, and rests while that rests."""
    mine = (jobs_table.c.case_id == row.case_id, jobs_table.c.token == token, jobs_table.c.kind == "timer")
    state = "suspended" if rests(row) else "ready"
    unit.execute(update(jobs_table).where(*mine).values(due_at=_at(package, row, mark), state=state))


def _followed(timer: Timer) -> dict[str, Any]:
    return {"term": timer.term, "mark": timer.mark} if timer.term else {}


# -- moving ----------------------------------------------------------------------------------------------------------


def pause(unit: Unit, package: Package, case: Row[Any], *, reason: str, by: str) -> None:
    """Stop every clock of the case that runs on a promise; plain timers go on.

    Raises:
        WrongState: it is paused or settled already, or its type allows no pause.
    """
    if case.paused_at is not None:
        raise WrongState(f"The case {case.number} is already paused.")
    if case.closed_at is not None:
        raise WrongState(f"The case {case.number} is settled: there is no clock to pause.")
    _stop(unit, package, case, reason=reason, by=by)


def _stop(unit: Unit, package: Package, case: Row[Any], *, reason: str, by: str) -> None:
    keep_up(unit, package, case)
    for row in all_running(unit, case.id):
        _tell(unit, row, package.terms.paused(row, unit.now, reason))
    table = jobs_table
    for job in _following(unit, case.id):
        unit.execute(
            update(table)
            .where(table.c.id == job.id, table.c.state != "incident")
            .values(state="suspended", fence=table.c.fence + 1)
        )
    unit.execute(update(cases).where(cases.c.id == case.id).values(paused_at=unit.now))
    unit.record(case.id, "paused", by, reason=reason)


def resume(unit: Unit, package: Package, case: Row[Any], *, by: str) -> None:
    """Start the clocks again with what was left on them.

    Raises:
        WrongState: the case is not paused.
    """
    if case.paused_at is None:
        raise WrongState(f"The case {case.number} is not paused.")
    keep_up(unit, package, case)
    unit.execute(update(cases).where(cases.c.id == case.id).values(paused_at=None))
    for row in all_running(unit, case.id):
        since = case.paused_at if rests(row) else unit.now  # nothing was lost of what has begun meanwhile
        _move(unit, package, case.id, row, package.terms.resumed(row, since, unit.now))
    asleep = (jobs_table.c.case_id == case.id, jobs_table.c.state == "suspended")  # they follow what has been met
    unit.execute(update(jobs_table).where(*asleep).values(state="ready"))
    unit.record(case.id, "resumed", by)


def rests(row: Row[Any] | Running) -> bool:
    """Whether this deadline was there when its case was paused. When it began does not tell: a task that opens in the
    very step that pauses begins at the same instant, and its clock runs."""
    return bool(row.story[-1]["what"] == "pause")


def extend(unit: Unit, package: Package, case: Row[Any], until: datetime, *, reason: str, by: str) -> None:
    """*Gia hạn*: give the case, and the steps within it, until later.

    Raises:
        WrongState: the case is paused or settled, or may not be extended (again).
        InvalidRequest: the new date is not one it may be extended to.
    """
    if case.paused_at is not None:
        raise WrongState(f"The case {case.number} is paused; resume it before extending it.")
    keep_up(unit, package, case)
    running = _running(unit, case.id, CASE)
    if running is None:
        raise WrongState(f"The case {case.number} has no deadline that is still running.")
    moved = package.terms.extended(running, until, now=unit.now, reason=reason)
    for row in all_running(unit, case.id):
        shift = moved if row.id == running.id else package.terms.shifted(row, running.due_at, moved.due_at)
        _move(unit, package, case.id, row, shift)
    change = update(cases).where(cases.c.id == case.id)
    unit.execute(change.values(extensions=cases.c.extensions + 1))
    unit.record(case.id, "extended", by, reason=reason, due_at=moved.due_at.isoformat(), was=running.due_at.isoformat())


def keep_up(unit: Unit, package: Package, case: Row[Any]) -> bool:
    """The case's running deadlines follow the days that were declared since they were counted; each of them once.

    Returns:
        Whether any has moved.
    """
    if not package.declared:
        return False
    return any([_keep_up(unit, package, case.id, row) for row in all_running(unit, case.id)])


def _keep_up(unit: Unit, package: Package, case_id: int, row: Row[Any]) -> bool:
    known = known_days(row)
    new = [one for one in package.declared if one.id > known]
    if not new:
        return False
    since, why = min(one.at for one in new), "; ".join(one.reason for one in new)
    moved = package.terms.recounted(row, package.terms_before(known), since, why)
    if (moved.due_at, moved.warn_at) == (row.due_at, row.warn_at):
        story = [*row.story[:-1], {**row.story[-1], "days": package.terms.days}]
    elif rests(row):  # that it rests stays the last line; it goes where it went when it runs again
        story = [*row.story[:-1], moved.entry, row.story[-1]]
    else:
        _move(unit, package, case_id, row, moved)
        return True
    values = {"due_at": moved.due_at, "warn_at": moved.warn_at, "story": story}
    unit.execute(update(deadlines).where(deadlines.c.id == row.id).values(values))
    return bool(moved.due_at != row.due_at)


def _move(unit: Unit, package: Package, case_id: int, row: Row[Any], moved: Moved) -> None:
    """Everything that follows a deadline goes where it went."""
    _tell(unit, row, moved)
    for kind, at in (("warning", moved.warn_at), ("breach", moved.due_at)):
        if at is not None and at > unit.now and _has_marks(unit, case_id, row):
            jobs.put(unit, case_id, row.token, kind, at, {"deadline": row.name})
        elif at is not None:
            jobs.move(unit, case_id, row.token, kind, at)
    for job in _drawn(unit, case_id, row.name):
        jobs.move(unit, case_id, job.token, "timer", _at(package, row, job.payload["mark"], moved))
    values: dict[str, Any] = {"due_at": moved.due_at}
    for mark, at in (("warned_at", moved.warn_at), ("breached_at", moved.due_at)):
        if at is not None and at > unit.now:  # it is yet to come, or comes again
            values[mark] = None
    if row.token == 0:
        unit.execute(update(cases).where(cases.c.id == case_id).values(values))
    else:
        change = update(tasks).where(tasks.c.case_id == case_id, tasks.c.token == row.token)
        unit.execute(change.values({**values, "version": tasks.c.version + 1}))


def _has_marks(unit: Unit, case_id: int, row: Row[Any]) -> bool:
    """A deadline kept only for a drawn timer warns nobody by itself."""
    of_task = select(tasks.c.id).where(tasks.c.case_id == case_id, tasks.c.token == row.token)
    return row.token == 0 or unit.first(of_task) is not None


def _at(package: Package, running: Any, mark: str | float, moved: Moved | None = None) -> datetime:
    """When a timer drawn at this mark of a deadline falls due; ``moved``: where the deadline is about to go."""
    goes = moved or running
    if mark == "due":
        return goes.due_at  # type: ignore[no-any-return]
    if mark == "warn":
        return goes.warn_at or goes.due_at
    first = package.terms_before(int(running.story[0].get("days", 0)))
    return package.terms.late(running, float(mark), first, goes.due_at)


def _drawn(unit: Unit, case_id: int, term: str) -> list[Row[Any]]:
    """The jobs of timers drawn with ``due`` and its like of this term."""
    return [job for job in _following(unit, case_id) if job.kind == "timer" and job.payload["term"] == term]


def hand_on(unit: Unit, case_id: int, left: Collection[int]) -> None:
    """A deadline that was kept for a drawn timer which waits no longer goes on with another one that follows it."""
    for row in all_running(unit, case_id):
        if row.token in left and (next_one := heir(unit, row, left)) is not None:
            unit.execute(update(deadlines).where(deadlines.c.id == row.id).values(token=next_one))


def heir(unit: Unit, row: Row[Any], left: Collection[int]) -> int | None:
    """The token of a drawn timer that follows this deadline, other than those that leave."""
    return next((job.token for job in _drawn(unit, row.case_id, row.name) if job.token not in left), None)


def _tell(unit: Unit, row: Row[Any], moved: Moved) -> None:
    values = {"due_at": moved.due_at, "warn_at": moved.warn_at, "story": [*row.story, moved.entry]}
    unit.execute(update(deadlines).where(deadlines.c.id == row.id).values(values))


def _following(unit: Unit, case_id: int) -> list[Row[Any]]:
    """The case's jobs that follow a deadline: warnings, breaches, and timers drawn with ``due`` and its like."""
    rows = unit.all(_FOLLOWING, {"case": case_id})
    return [row for row in rows if row.kind != "timer" or row.payload.get("term")]


# -- following the case ----------------------------------------------------------------------------------------------


def follow(unit: Unit, package: Package, case: Row[Any], data: dict[str, Any], finished: bool) -> dict[str, Any]:
    """The clock stops when the citizen's matter is settled, starts anew when it is reopened, runs as fast as the
    severity asks, and rests while the case waits for the citizen. A status says which (type.toml: ``open311``,
    ``paused``).

    Returns:
        What changes on the case's row.
    """
    status = data.get("status") or case.status
    settled = package.is_closed(status) or finished
    if settled and case.closed_at is None:
        if case.paused_at is not None:  # what is still running beside it, runs
            resume(unit, package, case, by="system")
        unit.write(_SETTLE_CASE, {"case": case.id, "at": unit.now})
        unit.write(_DROP_MARKS, {"case": case.id})
        unit.record(case.id, "closed", "system", outcome=data.get("outcome"))
        return {"closed_at": unit.now, "paused_at": None}
    values: dict[str, Any] = {}
    if not settled and (case.closed_at is not None or data.get("severity") != case.severity):
        deadline = promised(unit, package, case, data)
        values = _promise_again(unit, package, case, deadline) if isinstance(deadline, Deadline) else {}
    if not settled and case.closed_at is not None:
        unit.record(case.id, "reopened", "system")
        values |= {"closed_at": None, "reopenings": case.reopenings + 1}
    _rest(unit, package, case, status, settled)
    return values


def _rest(unit: Unit, package: Package, case: Row[Any], status: str, settled: bool) -> None:
    rests = _pauses(package, status) and not settled and package.terms.pauses
    if rests and case.paused_at is None:
        _stop(unit, package, case, reason=package.status(status).get("vi", status), by="system")
    elif not rests and case.paused_at is not None and _pauses(package, case.status):
        resume(unit, package, case, by="system")
