"""Brings what cases tell each other to whom it is for.

Nothing here has an effect outside the database, so no lease is needed (as in `engine.channels.arrivals`): whoever
begins first puts the row's due time forward (committed), and then takes the hearer's step and settles the row in one
transaction. Who dies in between has committed nothing, and the row is due again.

A case that comes to wait for a message rouses it (`correspondence.rouse`). It cannot see one that is only just being
sent, nor can the courier see that it waits: so a message without a taker is looked at again after a second, and then
less and less often.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, union_all, update

from engine import correspondence, instances, messages
from engine.errors import NotFound, ProcessFault, Suspended, WrongState
from engine.flow.steps import Deliver, Hear
from engine.model import case_messages, cases, subscriptions
from engine.people import access, accounts
from engine.queues import incidents, leases, waiting
from engine.runtime import Runtime, Unit
from engine.storage.prepared import Prepared

log = logging.getLogger(__name__)

_NOBODY = "No case of the province has waited for it with this key in {days} days and {hours} hours."
PAUSES = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1))

_HELD = cases.c.suspended_at.is_not(None).label("held")
_WAITS = (
    select(subscriptions.c.case_id, subscriptions.c.token, subscriptions.c.aside, _HELD)
    .join(cases, cases.c.id == subscriptions.c.case_id)
    .where(
        subscriptions.c.kind == "message",
        subscriptions.c.message == bindparam("name"),
        cases.c.province == bindparam("province"),
    )
)
_UNDER_KEY = _WAITS.where(subscriptions.c.key == bindparam("under"))
_UNDER_NUMBER = _WAITS.where(subscriptions.c.key.is_(None), cases.c.number == bindparam("under"))
# Of several who wait, one that is not held, and of these the oldest case; in it, what it does before what is beside it.
_TAKER = Prepared(union_all(_UNDER_KEY, _UNDER_NUMBER).order_by("held", "case_id", "aside", "token").limit(1))


def step(runtime: Runtime) -> str | None:
    """Look at what has waited longest, in units of its own.

    Returns:
        taken | waiting (nobody waits for it, or who does is held) | missed | dead | gone (others were faster) |
        failed (it is tried again later); ``None``: nothing is due, or others are at it.
    """
    row = waiting.begin(runtime, case_messages, _put_off)
    if row is None:
        return None
    try:
        with runtime.begin() as unit:
            return _signalled(unit, row) if row.kind == "signal" else _carried(unit, row)
    except Suspended:
        return "waiting"  # until it is released, which rouses what is for it
    except Exception as error:
        if isinstance(error, WrongState) and row.kind == "signal":
            return _missed(runtime, row)
        _note(runtime, row, error)
        return "failed"


# -- particulars -------------------------------------------------------------------------------------------------------


def _put_off(unit: Unit, row: Row[Any]) -> Row[Any]:
    later = unit.now + PAUSES[min(row.attempts, len(PAUSES) - 1)]
    if row.until_at > unit.now:
        later = min(later, row.until_at)
    change = update(case_messages).where(case_messages.c.id == row.id)
    unit.execute(change.values(attempts=row.attempts + 1, due_at=later))
    return row


def _carried(unit: Unit, row: Row[Any]) -> str:
    """A message: whoever waits for it takes it; if nobody does, it goes on waiting, or is given up."""
    try:
        taker = _taker(unit, row)
    except NotFound as gone:
        return _given_up(unit, row, gone.detail)
    if taker is None:
        return _given_up(unit, row, _nobody(row)) if unit.now >= row.until_at else "waiting"
    case = instances.load(unit, taker.case_id)  # the order is always: instance, then the rest
    if not _settle(unit, row, "taken", case_id=case.id, token=taker.token):
        return "gone"
    told, who = {"message": row.name} | _sender(unit, row), {"by": row.sent_by} if row.sent_by else {}
    step = Deliver(row.name, row.payload, taker.token)
    instances.advance(unit, case.id, step, case=case, event="message", **told, **who)
    if row.sender_id is not None:
        taken = {"message": row.name, "number": case.number}
        unit.record(row.sender_id, "message-taken", "system", row.element, **taken)
    return "taken"


def _taker(unit: Unit, row: Row[Any]) -> Row[Any] | None:
    """Who waits for a message; for one from outside, of those whom its sender may tell it.

    Raises:
        NotFound: its sender has no account any more.
    """
    meant = {"name": row.name, "under": row.key, "province": row.province}
    if row.sent_by is None:
        return unit.first(_TAKER, meant)
    sender = accounts.account(unit, row.sent_by)
    mine = access.permits(sender, messages.permission(row.name))
    ways = union_all(_UNDER_KEY.where(mine), _UNDER_NUMBER.where(mine))
    return unit.first(ways.order_by("held", "case_id", "aside", "token").limit(1), meant)


def _signalled(unit: Unit, row: Row[Any]) -> str:
    case = instances.load(unit, row.case_id)
    if not _settle(unit, row, "taken"):
        return "gone"
    told = {"signal": row.name} | _sender(unit, row)
    instances.advance(unit, case.id, Hear(row.name, row.payload, row.token), case=case, event="signal", **told)
    return "taken"


def _sender(unit: Unit, row: Row[Any]) -> dict[str, str]:
    if row.sender_id is None:
        return {}
    return {"sender": unit.scalar(select(cases.c.number).where(cases.c.id == row.sender_id))}


def _nobody(row: Row[Any]) -> str:
    kept = row.until_at - row.created_at
    return _NOBODY.format(days=kept.days, hours=kept.seconds // 3600)


def _given_up(unit: Unit, row: Row[Any], why: str) -> str:
    """Only a person can help: it is an incident of the case that said it, or of the one that was to hear it. One from
    outside is listed by `engine.messaging.kept`."""
    if not _settle(unit, row, "dead", last_error=why):
        return "gone"
    if row.sent_by is not None:
        log.warning("Message %s from outside: %s", row.id, why, extra={"action": "case-message-dead"})
        return "dead"
    said = f"The {row.kind} {row.name!r}: {why}"
    fault = ProcessFault(f"{said} Retry, and it is tried for as long again.", row.element)
    incidents.open(unit, row.sender_id or row.case_id, fault, correspondence.as_step(row.id))
    return "dead"


def _missed(runtime: Runtime, row: Row[Any]) -> str:
    """Who waited for a signal when it was thrown has moved on since: nothing is wrong with that."""
    with runtime.begin() as unit:
        if not _settle(unit, row, "missed"):
            return "gone"
        unit.record(row.case_id, "came-too-late", "system", what="signal", signal=row.name)
    return "missed"


def _settle(unit: Unit, row: Row[Any], state: str, **values: Any) -> bool:
    """Whether it was still waiting."""
    mine = update(case_messages).where(case_messages.c.id == row.id, case_messages.c.state == "waiting")
    return unit.claims(mine.values({"state": state, "settled_at": unit.now, "last_error": None} | values))


def _note(runtime: Runtime, row: Row[Any], error: Exception) -> None:
    busy, outrun = leases.is_conflict(error), isinstance(error, WrongState)  # who waited has just moved on
    level = logging.INFO if busy or outrun else logging.ERROR
    why = leases.reason(error)
    log.log(level, "Message %s from %s: %s", row.id, row.source, why, extra={"action": "case-message-failed"})
    with runtime.begin() as unit:
        mine = update(case_messages).where(case_messages.c.id == row.id, case_messages.c.state == "waiting")
        soon = {"due_at": unit.now + PAUSES[0], "attempts": 0} if busy or outrun else {}
        unit.execute(mine.values(last_error=why, **soon))
        if not busy and unit.now >= row.until_at:
            _given_up(unit, row, "It could not be delivered.")
