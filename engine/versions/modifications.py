"""Putting the tokens of a stuck case elsewhere, and holding a case.

What no diagram provides for, a person of the provincial office may decide, with a reason: move a token to another
element, take one away, repeat a step. The step goes through the corridor like any other, so tasks, timers and messages
of tokens that are gone go with them. What would leave the case waiting for ever has to be confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, select, update

from engine import correspondence, instances, model
from engine.errors import InvalidRequest, WrongState
from engine.flow.codec import standing as tokens_of
from engine.flow.steps import Modify
from engine.model import cases, subscriptions
from engine.people import access
from engine.people.access import Account
from engine.queues import incidents, jobs, leases
from engine.reasons import checked_reason
from engine.runtime import Unit

PLACES = ("before", "after")
MOST = 20  # instructions at once


@dataclass(frozen=True)
class Start:
    """Put a token: ``before`` an element, as if it was just reached, or ``after`` it, as if it was just done.

    Attributes:
        within: the token of the subprocess it lies in, if that is open several times.
    """

    element: str
    place: str = "before"
    within: int | None = None


def standing(unit: Unit, number: str, *, by: Account) -> list[dict[str, Any]]:
    """The case's tokens: {token, element, name, within, beside}.

    ``beside``: the token beside which it waits (a boundary event); ``within``: that of the subprocess it is in.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
    """
    case = access.find(unit, by, "modify", number)
    state = unit.scalar(select(model.instances.c.state).where(model.instances.c.case_id == case.id))
    machine = unit.catalogue.pinned(unit, case.definition_id).machine
    return [one | {"name": machine.describe(one["element"])} for one in tokens_of(state)]


def modify(
    unit: Unit, number: str, reason: str, cancel: list[int], start: list[Start], *, confirmed: bool = False,
    by: Account,
) -> None:  # fmt: skip
    """Take tokens away and put others, at once.

    Args:
        cancel: numbers of tokens; what waits beside them, or lies inside them, goes with them.
        confirmed: do it even if a token could then wait for ever.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        InvalidRequest: no reason, nothing or too much to do.
        WrongState: it cannot be done; or a token could then wait for ever, and that is not confirmed.
    """
    case = access.find(unit, by, "modify", number, lock=True)
    reason = checked_reason(reason)
    if not 1 <= len(cancel) + len(start) <= MOST or any(one.place not in PLACES for one in start):
        raise InvalidRequest(f"Say what to cancel or start, 1 to {MOST} things, each 'before' or 'after' an element.")
    loaded = instances.load(unit, case.id)
    if loaded.finished_at is not None:
        raise WrongState(f"The process of {number} has ended: nothing can be put into it.")
    if not loaded.state:
        raise WrongState(f"The process of {number} has not begun: repair the fault, and retry its incident.")
    step = Modify(cancel, [[one.element, one.place, one.within] for one in start])
    _take(unit, loaded, step, reason, confirmed, by)


def _take(unit: Unit, case: Row[Any], step: Modify, reason: str, confirmed: bool, by: Account) -> None:
    before = {one["token"] for one in tokens_of(case.state)}
    told = {"reason": reason, "cancelled": step.cancel, "started": [one[:2] for one in step.start]}
    with unit.savepoint():  # an incident is no answer to who tries something
        awake = SimpleNamespace(**{**case._mapping, "suspended_at": None})
        outcome = instances.advance(unit, case.id, step, by=by.login, case=awake, event="modified", **told)
        if outcome is None:
            raise WrongState(f"It cannot be done: {_newest_fault(unit, case.id)}")
        package = unit.catalogue.pinned(unit, case.definition_id)
        dead_end = None if outcome.finished else package.outlook.dead_end(outcome.state)
        if dead_end and not confirmed:
            raise WrongState(f"{dead_end[0].upper()}{dead_end[1:]} Say 'confirmed' if it is to be done all the same.")
        _let_go(unit, case, before - {one["token"] for one in tokens_of(outcome.state)}, by)
        unit.execute(update(cases).where(cases.c.id == case.id).values(version=cases.c.version + 1))


def _newest_fault(unit: Unit, case_id: int) -> str:
    table = model.incidents
    query = select(table.c.message).where(table.c.case_id == case_id).order_by(table.c.id.desc())
    return str(unit.scalar(query.limit(1)))


def _let_go(unit: Unit, case: Row[Any], gone: set[int], by: Account) -> None:
    """Steps that were kept for tokens that are gone are done with."""
    awaited = {row.message for row in unit.all(select(subscriptions.c.message).where(
        subscriptions.c.case_id == case.id, subscriptions.c.kind == "message"))}  # fmt: skip
    table = model.incidents
    for row in unit.all(select(table).where(table.c.case_id == case.id, table.c.resolved_at.is_(None))):
        step = row.step
        token = step.get("token")
        missed = step.get("kind") == "Deliver" and token is None and step.get("message") not in awaited
        if token in gone or missed:
            if row.job_id is not None:
                jobs.drop(unit, row.job_id, case.id)
            incidents.resolve(unit, row.id, by.login, "moved-on")


def move_timer(unit: Unit, number: str, token: int, due_at: datetime, reason: str, *, by: Account) -> None:
    """Have a timer of the diagram go off at another time; in the past is now.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        InvalidRequest: no reason.
        WrongState: no such timer runs: it has gone off, was called off, or rests with its case.
    """
    case = access.find(unit, by, "modify", number, lock=True)
    reason = checked_reason(reason)
    instances.load(unit, case.id)
    mine = (model.jobs.c.case_id == case.id, model.jobs.c.token == token, model.jobs.c.kind == "timer")
    row = unit.first(select(model.jobs).where(*mine, model.jobs.c.state.in_(("ready", "leased"))))
    if row is None:
        raise WrongState(f"The case {number} has no such timer running.")
    jobs.move(unit, case.id, token, "timer", due_at)
    unit.record(case.id, "modified", by.login, reason=reason, timer=token, was=row.due_at.isoformat(),
                due_at=due_at.isoformat())  # fmt: skip


# -- holding a case ----------------------------------------------------------------------------------------------------


def suspend(unit: Unit, number: str, reason: str, *, by: Account) -> None:
    """Hold a case: nothing is taken and no timer fires until it is released. Its due times go on being shown.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        InvalidRequest: no reason.
        WrongState: it is held already, or has ended.
    """
    case = access.find(unit, by, "modify", number, lock=True)
    reason = checked_reason(reason)
    if case.suspended_at is not None:
        raise WrongState(f"The case {number} is suspended already.")
    if instances.load(unit, case.id).finished_at is not None:
        raise WrongState(f"The process of {number} has ended: there is nothing to suspend.")
    _set(unit, case, unit.now)
    unit.record(case.id, "suspended", by.login, reason=reason)


def release(unit: Unit, number: str, *, by: Account) -> None:
    """Let a case go on; what became due meanwhile happens now.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        WrongState: it is not suspended.
    """
    case = access.find(unit, by, "modify", number, lock=True)
    if case.suspended_at is None:
        raise WrongState(f"The case {number} is not suspended.")
    _set(unit, case, None)
    held = (model.jobs.c.case_id == case.id, model.jobs.c.state == "held")
    unit.execute(update(model.jobs).where(*held).values(state="ready"))
    correspondence.rouse_all_of(unit, case.id, number)
    leases.wake(unit, unit.now)
    unit.record(case.id, "released", by.login)


def _set(unit: Unit, case: Row[Any], at: Any) -> None:
    unit.execute(update(cases).where(cases.c.id == case.id).values(suspended_at=at, version=cases.c.version + 1))
