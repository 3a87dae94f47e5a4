"""What is owed to the world: messages to people and agencies, calls to services.

    ready ──claim──► leased ──settle──► sent
      ▲                │ │
      │   lease ended  │ └── refused for good, or failed seven times ──► dead ──resend──► ready
      └────────────────┘ or failed

What seven workers have died of is given up by the eighth; what programs outside fetch (`engine.work.external`) is not.
A row is written in the transaction that owes it. It is then claimed (committed), attempted by `delivery` *with no
transaction open*, and settled (committed). A worker that dies between attempt and settlement leaves the row to another:
everything is delivered at least once, and always with the same key, by which the other side can tell a repetition.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, or_, select, update

from engine.errors import NotFound, ProcessFault, WrongState
from engine.model import outbox
from engine.notifiers import TryLater, Undeliverable
from engine.queues import incidents, jobs, leases
from engine.queues.leases import LEASE, SERVICES
from engine.runtime import Runtime, Unit
from engine.storage import outages
from engine.storage.prepared import Upsert

log = logging.getLogger(__name__)

CALL = "call-bridge"  # the topic of a call by way of the exchange: whoever asked for one waits no longer than minutes
KINDS = ("sms", "email", "zalo", "facebook", "viber", "webhook", "service")
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1_800, 7_200, 21_600))
ATTEMPTS_MAX = len(BACK_OFF) + 1

_COLUMNS = ("case_id", "key", "kind", "topic", "token", "payload", "person_id", "agency", "account_id", "element",
            "priority", "due_at", "created_at")  # fmt: skip
_PUT = Upsert(
    lambda insert: (
        insert(outbox)
        .values({name: bindparam(name) for name in _COLUMNS} | {"state": "ready"})
        .on_conflict_do_nothing(index_elements=["key"])
    )
)


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the outbox that a worker holds.

    Attributes:
        key: the same at every attempt, for ever.
        topic: the id of the text, or the name of the service.
        token: the token that waits for a service's answer.
        attempts: this one included.
    """

    id: int
    case_id: int | None
    key: str
    kind: str
    topic: str
    token: int
    person_id: int | None
    agency: str | None
    account_id: int | None
    payload: dict[str, Any]
    fence: int
    lease_owner: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the other side said: what a gateway calls the message, or a service's answer."""

    reference: str | None = None
    answer: dict[str, Any] | None = None


# -- within the unit of whoever owes or asks -------------------------------------------------------------------------


def put(
    unit: Unit,
    case_id: int | None,
    kind: str,
    topic: str,
    token: int,
    payload: dict[str, Any],
    key: str,
    person_id: int | None = None,
    agency: str | None = None,
    element: str | None = None,
    due_at: datetime | None = None,
    priority: int = 0,
    account_id: int | None = None,
) -> None:
    """Owe something. The same key again owes nothing more.

    Args:
        case_id: ``None`` for a message that is about no case, such as a month's report; only to an agency.
        kind: one of `KINDS`.
        payload: {"text": …} or a service call's input; never personal data: addresses are looked up when sending.
        element: of a service call, where in the diagram it is made.
        due_at: not before; now, if left out.
        priority: of a service call: the higher, the sooner.
        account_id: who of the agency is meant, if it is not the agency's own address.
    """
    due_at = due_at or unit.now
    row = {
        "case_id": case_id, "key": key, "kind": kind, "topic": topic, "token": token, "payload": payload,
        "person_id": person_id, "agency": agency, "account_id": account_id, "element": element, "priority": priority,
        "due_at": due_at, "created_at": unit.now,
    }  # fmt: skip
    _wake(unit, kind, due_at)
    unit.write(_PUT, row)


def resend(unit: Unit, outbox_id: int, by: str) -> None:
    """Try what was given up again from the beginning, with the same key.

    Args:
        by: login.

    Raises:
        NotFound: there is no such message.
        WrongState: it was not given up.
    """
    row = unit.first(select(outbox).where(outbox.c.id == outbox_id))
    if row is None:
        raise NotFound(f"There is no message {outbox_id}.")
    dead = update(outbox).where(outbox.c.id == outbox_id, outbox.c.state == "dead")
    again = {"state": "ready", "due_at": unit.now, "attempts": 0, "retries": None, "last_error": None}
    if not unit.claims(dead.values(again)):
        raise WrongState(f"Message {outbox_id} is {row.state!r}: only one that was given up can be sent again.")
    if row.case_id is not None:
        unit.record(row.case_id, "message-resent", by, outbox=outbox_id, text=row.topic, channel=row.kind)
        incidents.settle(unit, row.case_id, as_step(outbox_id), by)
    _wake(unit, row.kind, unit.now)


def hurry(unit: Unit, kind: str) -> int:
    """Try at once what failed and waits for its next attempt, for the gateway answers again; returns how many."""
    waits = (leases.in_state(outbox, "ready"), outbox.c.kind == kind, outbox.c.attempts > 0, outbox.c.due_at > unit.now)
    count = unit.execute(update(outbox).where(*waits).values(due_at=unit.now)).rowcount
    _wake(unit, kind, unit.now)
    return count


def _wake(unit: Unit, kind: str, due_at: datetime) -> None:
    leases.wake(unit, due_at)
    if kind == "service":
        leases.wake(unit, due_at, SERVICES)


def forget(unit: Unit, case_id: int, tokens: Collection[int], by: str) -> None:
    """Services are not asked any more for tokens that no longer wait for them; a call that was made stays as it is.

    Args:
        by: who made them go on without the answer.
    """
    unsent = (outbox.c.case_id == case_id, outbox.c.token.in_(tokens), outbox.c.kind == "service")
    for row in unit.all(select(outbox.c.id).where(*unsent, outbox.c.state != "sent")):
        unit.execute(delete(outbox).where(outbox.c.id == row.id))
        incidents.settle(unit, case_id, as_step(row.id), by, "moved-on")


def came_back(unit: Unit, row: Row[Any], why: str) -> None:
    """Note that what was sent could not be brought to anybody after all. Nothing happens if that is known.

    Args:
        row: of the outbox.
    """
    why = incidents.unnamed(unit, row.case_id, why)
    sent = update(outbox).where(outbox.c.id == row.id, outbox.c.state == "sent")
    if unit.claims(sent.values(state="dead", sent_at=None, last_error=why)):
        bury(unit, row, why)


# -- each a unit of its own ------------------------------------------------------------------------------------------


def claim(
    runtime: Runtime, owner: str, kind: str, limit: int, lease: timedelta = LEASE, topics: Collection[str] | None = None
) -> list[Item]:
    """Lease what is owed now of one kind, longest due first; committed at once.

    Args:
        topics: only these; ``None``: whatever it is about.
    """
    wanted = [outbox.c.kind == kind] if topics is None else [outbox.c.kind == kind, outbox.c.topic.in_(topics)]
    with runtime.read() as unit:
        if not leases.anything(unit, outbox, *wanted):
            return []
    with runtime.begin() as unit:
        reap(unit)
        rows = leases.candidates(unit, outbox, limit, *wanted)
        _give_up(unit, [row.id for row in rows if row.attempts >= ATTEMPTS_MAX])
        fresh = [row for row in rows if row.attempts < ATTEMPTS_MAX]
        return [_item(row) for row in leases.take(unit, outbox, fresh, owner, lease)]


def settle(runtime: Runtime, item: Item, delivered: Delivered) -> str:
    """Note that an item was delivered; a service's answer becomes a job in the same transaction.

    Returns:
        sent | gone (somebody else has it by now, and will send it with the same key)
    """
    with runtime.begin() as unit:
        mine = update(outbox).where(leases.holds(outbox, item))
        done = {"state": "sent", "sent_at": unit.now, "reference": delivered.reference, "last_error": None}
        if item.kind == "service":
            done |= {"answer": answered(delivered.answer or {})}
        if not unit.claims(mine.values(done | {"lease_owner": None, "lease_until_at": None})):
            return "gone"
        if item.case_id is None:
            return "sent"
        if item.kind == "service":
            jobs.put(unit, item.case_id, item.token, "answer", unit.now, {"result": delivered.answer})
            unit.record(item.case_id, "service-answered", "system", outbox=item.id, topic=item.topic)
        else:
            unit.record(item.case_id, "message-sent", "system", outbox=item.id, text=item.topic, channel=item.kind)
    return "sent"


def fail(runtime: Runtime, item: Item, error: Exception, jitter: Random) -> str:
    """Note that an item could not be delivered: try again later, or give it up where a person can see it.

    Args:
        error: `Undeliverable` gives it up at once.
        jitter: spreads what failed together by ± 20 %.

    Returns:
        failed | dead | gone
    """
    said = error.reason if isinstance(error, Undeliverable | TryLater) else leases.reason(error)
    with runtime.begin() as unit:
        why = incidents.unnamed(unit, item.case_id, said)
        mine = update(outbox).where(leases.holds(outbox, item))
        later = {"state": "ready", "lease_owner": None, "lease_until_at": None, "last_error": why}
        if leases.is_conflict(error):
            later |= {"due_at": unit.now + outages.rest(error), "attempts": item.attempts - 1}
        elif isinstance(error, Undeliverable) or item.attempts >= ATTEMPTS_MAX:
            later["state"] = "dead"
        else:
            later["due_at"] = unit.now + BACK_OFF[item.attempts - 1] * jitter.uniform(0.8, 1.2)
        if not unit.claims(mine.values(later)):
            return "gone"
        if later["state"] == "dead":
            bury(unit, item, why)
            if item.topic == CALL:  # there is nothing to send again
                unit.execute(delete(outbox).where(outbox.c.id == item.id))
    return "dead" if later["state"] == "dead" else "failed"


def renew(runtime: Runtime, owner: str, lease: timedelta = LEASE, in_hand: list[Item] | None = None) -> int:
    """The heart-beat: hold on to all that this owner holds, or these. Returns how many that is."""
    keys = None if in_hand is None else [item.id for item in in_hand]
    with runtime.begin() as unit:
        return leases.renew(unit, outbox, owner, lease, keys)


def release(runtime: Runtime, owner: str, unbegun: list[Item] | None = None) -> int:
    """Give back at once what was not begun (all that this owner holds, or these). Returns how many that is."""
    with runtime.begin() as unit:
        return leases.release(unit, outbox, owner, None if unbegun is None else [item.id for item in unbegun])


def next_due(runtime: Runtime, topics: Collection[str]) -> datetime | None:
    """When there is something to send next, as far as is known now.

    Args:
        topics: the services that are asked from here; the others are fetched by programs outside
        (`engine.work.external`).
    """
    with runtime.read() as unit:
        return leases.next_due(unit, outbox, or_(outbox.c.kind != "service", outbox.c.topic.in_(topics)))


def depth(unit: Unit) -> dict[str, float]:
    """For monitoring: how many are due, held and given up, and for how many seconds the oldest has been due."""
    dead = unit.scalar(select(func.count()).where(leases.in_state(outbox, "dead")))
    return leases.depth(unit, outbox) | {"dead": dead}


# -- particulars -----------------------------------------------------------------------------------------------------


def answered(said: dict[str, Any], error: str | None = None, message: str = "") -> dict[str, Any]:
    """How a call of a service keeps what became of it, for whoever replays the case.

    Args:
        said: the answer, or what became variables before the error was thrown.
        error: the code of an error that the diagram may catch.
    """
    return {"said": said} if error is None else {"said": said, "error": error, "message": message}


def bury(unit: Unit, item: Any, why: str) -> None:
    if item.case_id is None:
        log.error("Given up (%s).", item.kind, extra={"action": "message-undeliverable", "outbox": item.id})
        return
    what = {"outbox": item.id, "channel": item.kind, "why": why}
    if item.kind != "service":
        unit.record(item.case_id, "message-undeliverable", "system", text=item.topic, **what)
        return
    unit.record(item.case_id, "service-unanswered", "system", topic=item.topic, **what)
    fault = ProcessFault(f"The service {item.topic!r} did not answer: {why}")
    incidents.open(unit, item.case_id, fault, as_step(item.id))


def as_step(outbox_id: int) -> dict[str, Any]:
    """How an incident of a service call, whose token waits for the answer, names what to do again."""
    return {"kind": "outbox", "outbox_id": outbox_id}


def reap(unit: Unit) -> None:
    """Make ready again what whoever held it has let go. Who held it last is still known: a program outside may answer
    late, as long as no other has fetched the task. What came back often goes behind what waits: whoever dies of it each
    time does the rest in between."""
    lost, last = leases.lost(unit, outbox), {"lease_owner": outbox.c.lease_owner}
    leases.give_back(unit, outbox, [row.id for row in lost if row.attempts < ATTEMPTS_MAX], **last)
    leases.give_back(unit, outbox, [row.id for row in lost if row.attempts >= ATTEMPTS_MAX], due_at=unit.now, **last)


def _give_up(unit: Unit, ids: list[int]) -> None:
    """What is ready after so many attempts has never failed: its workers died."""
    dead = update(outbox).where(outbox.c.id.in_(ids)).values(state="dead", lease_owner=None)
    for row in unit.all(dead.returning(*outbox.c)) if ids else []:
        bury(unit, row, f"the worker died in each of {row.attempts} attempts")


def _item(row: Any) -> Item:
    return Item(**{name: getattr(row, name) for name in Item.__slots__})
