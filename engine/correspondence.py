"""What cases tell each other: written down by the case that says it, in the transaction in which it does.

    waiting ──courier finds who waits for it──► taken
       │ ▲
       │ └── sent again, by a person ────────────────────┐
       ├── nobody came to wait for it in time ──► dead ──┘  (an incident of the case that sent it)
       └── a signal: who waited for it then, does not any more ──► missed

A *message* is for the one case of its province that waits for its name under its key, now or until it is given up; a
*signal* is one row for each case of the province that waited for it when it was thrown. A row is never written twice:
its source is the case's number and the token that threw it. `engine.messaging.courier` delivers. A message from outside
that its sender wants kept waits here, too (`engine.messaging.kept`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Integer,
    Row,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from engine.errors import WrongState
from engine.flow.addressing import ENGINES_OWN, KEPT_MAX
from engine.flow.steps import Broadcast, Outcome, Send
from engine.model import Id, Instant, case_messages, cases, subscriptions
from engine.queues import leases
from engine.runtime import Unit
from engine.storage.prepared import Prepared

_PUT = Prepared.insertion(
    case_messages,
    *("source", "name", "province", "key", "payload", "sender_id", "element", "created_at", "due_at", "until_at"),
    kind="message", state="waiting",
)  # fmt: skip
_ROUSE = Prepared(
    update(case_messages)
    .where(
        leases.in_state(case_messages, "waiting"),
        case_messages.c.name == bindparam("message"),
        case_messages.c.key == bindparam("under"),
    )  # also what is due already: held until we commit, or a courier would look too early, and then not for long
    .values(due_at=bindparam("now"))
)


def post(unit: Unit, case: Row[Any], outcome: Outcome) -> None:
    """Write down what a step of a case has to say to others."""
    for said in outcome.effects:
        if isinstance(said, Send):
            _send(unit, case, said)
        elif isinstance(said, Broadcast):
            source = f"{case.number}:{said.token}"
            broadcast(unit, case.province, said.signal, said.payload, source, case.id, said.element)
            unit.record(case.id, "signal-thrown", "system", said.element, signal=said.signal)


def _send(unit: Unit, case: Row[Any], said: Send) -> None:
    row = {
        "source": f"{case.number}:{said.token}", "name": said.message, "province": case.province, "key": said.key,
        "payload": said.payload, "sender_id": case.id, "element": said.element, "created_at": unit.now,
        "due_at": unit.now, "until_at": said.until,
    }  # fmt: skip
    unit.write(_PUT, row)
    unit.record(case.id, "message-thrown", "system", said.element, message=said.message)
    leases.wake(unit, unit.now)


def broadcast(
    unit: Unit,
    province: str,
    signal: str,
    payload: dict[str, Any],
    source: str,
    sender_id: int | None = None,
    element: str | None = None,
) -> int:
    """Have every other case of the province hear a signal that waits for it now.

    Args:
        source: what is never the same twice.
        sender_id: the case that throws it, which has heard it already.

    Returns:
        How many cases that is.
    """
    waits = (subscriptions.c.kind == "signal", subscriptions.c.message == signal, cases.c.province == province)
    others = () if sender_id is None else (subscriptions.c.case_id != sender_id,)
    at = literal(unit.now, Instant())
    hearers = select(
        literal(f"{source}>", Text).concat(cast(subscriptions.c.case_id, Text)),
        literal("signal", Text), literal(signal, Text), literal(province, Text), literal(payload, JSON),
        literal(sender_id, Id) if sender_id is not None else cast(null(), Id),
        literal(element, Text) if element is not None else cast(null(), Text),
        subscriptions.c.case_id, func.max(subscriptions.c.token), literal("waiting", Text), at, at,
        literal(unit.now + KEPT_MAX, Instant()), literal(0, Integer),
    ).join(cases, cases.c.id == subscriptions.c.case_id)  # fmt: skip
    columns = ["source", "kind", "name", "province", "payload", "sender_id", "element", "case_id", "token", "state",
               "created_at", "due_at", "until_at", "attempts"]  # fmt: skip
    rows = hearers.where(*waits, *others).group_by(subscriptions.c.case_id)
    heard = unit.execute(insert(case_messages).from_select(columns, rows)).rowcount
    leases.wake(unit, unit.now)
    return heard


# -- who waits ---------------------------------------------------------------------------------------------------------


def rouse(unit: Unit, case: Row[Any], outcome: Outcome) -> None:
    """Have the courier look again for messages that a case has come to wait for."""
    for token, message in outcome.awaited:
        if message not in ENGINES_OWN:
            under = outcome.keys.get(token, case.number)
            unit.write(_ROUSE, {"message": message, "under": under, "now": unit.now})


def rouse_all_of(unit: Unit, case_id: int, number: str) -> None:
    """The same, for all that a case waits for: it was held, or waits for something else now."""
    mine = select(subscriptions.c.message, subscriptions.c.key)
    for row in unit.all(mine.where(subscriptions.c.case_id == case_id, subscriptions.c.kind == "message")):
        unit.write(_ROUSE, {"message": row.message, "under": row.key or number, "now": unit.now})
    heard = update(case_messages).where(case_messages.c.case_id == case_id, leases.in_state(case_messages, "waiting"))
    unit.execute(heard.values(due_at=unit.now))


# -- afterwards --------------------------------------------------------------------------------------------------------


def as_step(message_id: int) -> dict[str, Any]:
    """How the incident of a message that nobody took names what to do again."""
    return {"kind": "case-message", "message_id": message_id}


def send_again(unit: Unit, message_id: int) -> None:
    """Let a message that was given up wait once more, for as long as before.

    Raises:
        WrongState: it was not given up.
    """
    row = unit.first(select(case_messages).where(case_messages.c.id == message_id))
    dead = update(case_messages).where(case_messages.c.id == message_id, case_messages.c.state == "dead")
    again = {"state": "waiting", "created_at": unit.now, "due_at": unit.now, "attempts": 0, "settled_at": None,
             "last_error": None}  # fmt: skip
    if row is None or not unit.claims(dead.values(again | {"until_at": unit.now + (row.until_at - row.created_at)})):
        raise WrongState(f"The message {message_id} was not given up.")
    leases.wake(unit, unit.now)


def tidy(unit: Unit, before: datetime) -> int:
    """Forget what has been heard long ago; what was given up stays."""
    heard = case_messages.c.state.in_(("taken", "missed"))
    return unit.execute(delete(case_messages).where(heard, case_messages.c.settled_at < before)).rowcount
