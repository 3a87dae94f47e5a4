"""External tasks: service calls that a program outside fetches, does, and answers (the protocol of Camunda 7).

    ready ──fetch──► leased ──complete, or an error of the diagram──► sent
      ▲                │ │
      │  lock ended or │ └── failed with no retries left ──► dead, with an incident ──retries given──► ready
      └── unlocked ────┘

They are the rows of the outbox with the kind ``service``: the lock is the lease, the worker's id its owner. A program
may answer as long as nobody else has fetched the task, though its lock has ended; its answer moves the case on in the
same transaction. Fetching costs no retries: a task whose programs die of it stays on offer, ``attempts`` counts how
often it was fetched since somebody answered, and `engine.stuck` shows it. What a program is given are the inputs that
the diagram names, never the case's data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, update

from engine import instances, messages, model
from engine.errors import InvalidRequest, NotFound, WrongState
from engine.flow.steps import Answer, Fail
from engine.model import cases
from engine.people import access
from engine.people.access import Account, Columns
from engine.queues import incidents, jobs, leases, outbox
from engine.runtime import Runtime, Unit

AT_ONCE = 200  # fetched in one request
LOCK_MAX = timedelta(days=7)
MESSAGE_MAX = 2_000
CODE_MAX = 200
PRIORITY_MAX = 999_999_999

_ROWS = model.outbox
_OURS = _ROWS.c.kind == "service"
_ABOUT = (
    *_ROWS.c, cases.c.number, cases.c.report_type, cases.c.definition_id, cases.c.province, cases.c.secrecy,
    model.definitions.c.version.label("definition_version"),
)  # fmt: skip
_CASES = Columns(cases.c.province, access.concerns, secrecy=cases.c.secrecy, report_type=cases.c.report_type,
                 area=cases.c.area)  # fmt: skip


@dataclass(frozen=True)
class Topic:
    """What a program wants to do.

    Attributes:
        lock: for how long it asks to be left alone with each.
        numbers, report_types, versions: only of these cases, types, deployed versions; ``None``: of any.
    """

    name: str
    lock: timedelta
    numbers: tuple[str, ...] | None = None
    report_types: tuple[str, ...] | None = None
    versions: tuple[int, ...] | None = None


def fetch(
    runtime: Runtime, topics: Sequence[Topic], worker: str, limit: int, *, by: Account,
    order: Sequence[ColumnElement[Any]] = (),
) -> list[Row[Any]]:  # fmt: skip
    """Lock tasks for a program, longest waiting first; committed at once.

    Args:
        worker: the program's name for itself; it must say it again when it answers.
        order: what counts more than that: columns of the outbox.

    Raises:
        NotAllowed: the account may not serve.
        InvalidRequest: no worker, no lock, or too long a one.
    """
    access.require(by, "serve")
    _check(worker, limit, [topic.lock for topic in topics])
    if not _may_be_some(runtime, topics, by):
        return []
    fetched: list[Row[Any]] = []
    with runtime.begin() as unit:
        outbox.reap(unit)
        for topic in topics:
            if len(fetched) >= limit:
                break
            rows = leases.candidates(unit, _ROWS, limit - len(fetched), *_wanted(topic, by), order=order)
            if rows:
                fetched += leases.hold(unit, _ROWS, [row.id for row in rows], worker, topic.lock)
        return _whole(unit, [row.id for row in fetched])


def complete(unit: Unit, task_id: int, worker: str, answer: dict[str, Any], *, by: Account) -> None:
    """A task is done: its answer becomes the case's, and the case moves on.

    Raises:
        NotFound: there is no such task for this account.
        WrongState: another program has it, or the case no longer waits for it.
        InvalidRequest: the answer is too large, too deep, or says what only the engine may say.
    """
    case, task = _held(unit, task_id, worker, by)
    answer = messages.checked(answer, "answer")
    _end(unit, task, outbox.answered(answer))
    unit.record(task.case_id, "service-answered", by.login, outbox=task.id, topic=task.topic)
    if case.suspended_at is not None:  # it is told once the case is released
        jobs.put(unit, task.case_id, task.token, "answer", unit.now, {"result": answer})
        return
    instances.advance(unit, task.case_id, Answer(task.token, answer), by=by.login, case=case)


def fail(
    unit: Unit, task_id: int, worker: str, message: str, retries: int | None, wait: timedelta, *, by: Account,
    details: str = "",
) -> None:  # fmt: skip
    """A task could not be done: it is offered again after a while, or, without retries left, becomes an incident.

    Args:
        retries: how often it is still to be tried; ``None``: once less than before, at first as often as anything else
        of the outbox.

    Raises:
        NotFound, WrongState: as for `complete`.
    """
    _case, task = _held(unit, task_id, worker, by)
    why = incidents.unnamed(unit, task.case_id, (message or "the service failed").strip()[:MESSAGE_MAX])
    before = outbox.ATTEMPTS_MAX if task.retries is None else task.retries
    left = before - 1 if retries is None else retries
    change = _FREE | {"last_error": why, "error_details": details[:20_000] or None, "retries": max(left, 0),
                      "attempts": 0, "due_at": unit.now + wait}  # fmt: skip
    if left <= 0:
        change |= {"state": "dead"}
    unit.execute(update(_ROWS).where(_ROWS.c.id == task.id).values(change))
    if left <= 0:
        outbox.bury(unit, task, why)
    else:
        leases.wake(unit, unit.now + wait, leases.SERVICES)


def throw(
    unit: Unit, task_id: int, worker: str, code: str, message: str, data: dict[str, Any], *, by: Account
) -> None:
    """A task ended with an error that the diagram foresees: the case moves on from where that is caught.

    Caught by nothing, it is an incident that holds the error: Camunda would let the path end there without a word.

    Args:
        code: as the diagram's error events name it.
        data: becomes variables of the case before the error is thrown.

    Raises:
        NotFound, WrongState, InvalidRequest: as for `complete`.
    """
    if not 1 <= len(code) <= CODE_MAX:
        raise InvalidRequest(f"Say which error it is, in 1 to {CODE_MAX} characters.", field="errorCode")
    case, task = _held(unit, task_id, worker, by)
    data = messages.checked(data, "variables")
    message = message.strip()[:MESSAGE_MAX]
    _end(unit, task, outbox.answered(data, code, message))
    unit.record(task.case_id, "service-answered", by.login, outbox=task.id, topic=task.topic, error=code)
    step = Fail(task.token, code, message, data)
    instances.advance(unit, task.case_id, step, by=by.login, case=case)


def extend(unit: Unit, task_id: int, worker: str, lock: timedelta, *, by: Account) -> None:
    """Ask for more time, counted from now.

    Raises:
        NotFound, WrongState: as for `complete`.
    """
    _check(worker, 1, [lock])
    _case, task = _held(unit, task_id, worker, by)
    unit.execute(update(_ROWS).where(_ROWS.c.id == task.id).values(state="leased", lease_until_at=unit.now + lock))


def lock(unit: Unit, task_id: int, worker: str, lock: timedelta, *, by: Account) -> None:
    """Lock one task by its id.

    Raises:
        NotFound: there is no such task for this account.
        WrongState: another program holds it.
    """
    _check(worker, 1, [lock])
    task = find(unit, task_id, by=by, hold=True)
    if task.state == "leased" and task.lease_owner != worker and task.lease_until_at > unit.now:
        raise WrongState(f"The task {task_id} is locked by another worker until {task.lease_until_at.isoformat()}.")
    leases.hold(unit, _ROWS, [task.id], worker, lock)


def unlock(unit: Unit, task_id: int, *, by: Account) -> None:
    """Give a task back, for any program to fetch.

    Raises:
        NotFound: there is no such task for this account.
    """
    task = find(unit, task_id, by=by, hold=True)
    if task.state == "leased":
        unfetched = _FREE | {"attempts": _ROWS.c.attempts - 1}  # whoever gives it back has not died of it
        unit.execute(update(_ROWS).where(_ROWS.c.id == task.id).values(unfetched))
        leases.wake(unit, task.due_at, leases.SERVICES)


def give_retries(unit: Unit, task_id: int, retries: int, *, by: Account) -> None:
    """Say how often a task is to be tried; one that had been given up is offered again, none makes it an incident.

    Raises:
        NotFound: there is no such task for this account.
        InvalidRequest: a negative number.
    """
    if retries < 0:
        raise InvalidRequest("The number of retries is 0 or more.", field="retries")
    task = find(unit, task_id, by=by, hold=True)
    if retries and task.state == "dead":
        outbox.resend(unit, task.id, by.login)
    unit.execute(update(_ROWS).where(_ROWS.c.id == task.id).values(retries=retries))
    if not retries and task.state != "dead":
        unit.execute(update(_ROWS).where(_ROWS.c.id == task.id).values(_FREE | {"state": "dead"}))
        outbox.bury(unit, task, "no retries left")


def prioritise(unit: Unit, task_id: int, priority: Any, *, by: Account) -> None:
    """Say how urgent a task is: the higher, the sooner it is fetched by who asks for the urgent ones first.

    Raises:
        NotFound: there is no such task for this account.
        InvalidRequest: no whole number of at most nine digits.
    """
    if isinstance(priority, bool) or not isinstance(priority, int) or abs(priority) > PRIORITY_MAX:
        raise InvalidRequest("The priority is a whole number of at most nine digits.", field="priority")
    task = find(unit, task_id, by=by, hold=True)
    unit.execute(update(_ROWS).where(_ROWS.c.id == task.id).values(priority=priority))


def find(unit: Unit, task_id: int, *, by: Account, hold: bool = False) -> Row[Any]:
    """A task that is not done yet.

    Raises:
        NotFound: there is none, or it is not for this account.
    """
    query = _of_cases().where(_ROWS.c.id == task_id, access.permits(by, "serve", _CASES))
    row = unit.first(query.with_for_update(of=_ROWS) if hold and unit.locks_rows else query)
    if row is None:
        raise NotFound(f"There is no external task {task_id}.")
    return row


def waiting(
    unit: Unit, *conditions: ColumnElement[bool], by: Account, limit: int, offset: int = 0,
    order: Sequence[ColumnElement[Any]] = (),
) -> list[Row[Any]]:  # fmt: skip
    """The tasks that are not done yet, oldest first unless ``order`` says more."""
    query = _of_cases().where(access.permits(by, "serve", _CASES), *conditions)
    return unit.all(query.order_by(*order, _ROWS.c.id).limit(limit).offset(offset))


def count(unit: Unit, *conditions: ColumnElement[bool], by: Account) -> int:
    known = _of_cases().where(access.permits(by, "serve", _CASES), *conditions).subquery()
    return int(unit.scalar(select(func.count()).select_from(known)))


# -- particulars -----------------------------------------------------------------------------------------------------

_FREE: dict[str, Any] = {"state": "ready", "lease_owner": None, "lease_until_at": None}


def _of_cases() -> Select[Any]:
    joined = _ROWS.join(cases, cases.c.id == _ROWS.c.case_id)
    joined = joined.join(model.definitions, model.definitions.c.id == cases.c.definition_id)
    return select(*_ABOUT).select_from(joined).where(_OURS, _ROWS.c.state != "sent")


def _wanted(topic: Topic, by: Account) -> list[ColumnElement[bool]]:
    """Of this topic, of cases that the account may serve."""
    conditions = [cases.c.id == _ROWS.c.case_id, access.permits(by, "serve", _CASES)]
    limits = {cases.c.number: topic.numbers, cases.c.report_type: topic.report_types,
              cases.c.definition_id: topic.versions}  # fmt: skip
    conditions += [column.in_(values) for column, values in limits.items() if values is not None]
    served = select(cases.c.id).where(*conditions).correlate(_ROWS).scalar_subquery()
    return [_OURS, _ROWS.c.topic == topic.name, served.is_not(None)]


def _may_be_some(runtime: Runtime, topics: Sequence[Topic], by: Account) -> bool:
    """SQLite is looked into first, since only one unit may write there; to PostgreSQL that would be as much work again,
    while somebody waits."""
    if runtime.database.dialect.name == "postgresql":
        return True
    with runtime.read() as unit:
        return any(leases.anything(unit, _ROWS, *_wanted(topic, by)) for topic in topics)


def _whole(unit: Unit, ids: list[int]) -> list[Row[Any]]:
    rows = {row.id: row for row in unit.all(_of_cases().where(_ROWS.c.id.in_(ids)))} if ids else {}
    return [rows[one] for one in ids]


def _held(unit: Unit, task_id: int, worker: str, by: Account) -> tuple[Row[Any], Row[Any]]:
    """A task that this worker was the last to lock, and its case; the case first, as everybody locks it first."""
    seen = find(unit, task_id, by=by)
    case = instances.load(unit, seen.case_id)
    task = find(unit, task_id, by=by, hold=True)
    if task.lease_owner != worker:
        holder = "another worker" if task.state == "leased" else "nobody"
        raise WrongState(f"The external task {task_id} is locked by {holder}, not by {worker!r}: fetch it again.")
    return case, task


def _end(unit: Unit, task: Row[Any], answer: dict[str, Any]) -> None:
    done = {"state": "sent", "sent_at": unit.now, "last_error": None, "lease_owner": None, "lease_until_at": None}
    unit.execute(update(_ROWS).where(_ROWS.c.id == task.id).values(done | {"answer": answer}))
    incidents.settle(unit, task.case_id, outbox.as_step(task.id), "system")


def _check(worker: str, limit: int, locks: Sequence[timedelta]) -> None:
    if not 1 <= len(worker) <= 200:
        raise InvalidRequest("Say which worker you are, in 1 to 200 characters.", field="workerId")
    if not 1 <= limit <= AT_ONCE:
        raise InvalidRequest(f"Between 1 and {AT_ONCE} tasks can be fetched at once.", field="maxTasks")
    if not all(timedelta(0) < lock <= LOCK_MAX for lock in locks):
        raise InvalidRequest("A lock lasts more than 0 milliseconds and at most seven days.", field="lockDuration")
