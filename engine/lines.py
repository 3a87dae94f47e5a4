"""What the telephone exchange has told of the call by which a case came: put through to somebody else, or lost.

A diagram that waits for it gets it as the message `MESSAGE` with the variable ``cuoc_goi``: when the exchange tells
(`engine.channels.telephone`), or, had it told before, as soon as the case comes to wait. Other diagrams never hear of
it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, exists, select

from engine.flow.steps import Deliver, Outcome, Step
from engine.model import contacts, subscriptions
from engine.runtime import Unit
from engine.storage.prepared import Prepared

MESSAGE = "msg_cuoc_goi"
PUT_THROUGH, LOST = "da_noi", "da_ngat"

_leg = contacts.alias("leg")
_on = exists().where(_leg.c.leg_of == contacts.c.id, _leg.c.ended_at.is_(None))  # it may still be put through by it
_TOLD = (contacts.c.put_through_at, contacts.c.ended_at, _on.label("leg_on"))
_CALL = Prepared(select(*_TOLD).where(contacts.c.case_id == bindparam("case"), contacts.c.call_id.is_not(None)))
_WAITS = Prepared(
    select(subscriptions.c.token).where(
        subscriptions.c.case_id == bindparam("case"), subscriptions.c.message == bindparam("name"),
        subscriptions.c.kind == bindparam("kind"),
    )
)  # fmt: skip


def told(unit: Unit, case_id: int) -> Deliver | None:
    """What a case that waits for it is to be told now."""
    token = unit.scalar(_WAITS, {"case": case_id, "name": MESSAGE, "kind": "message"})
    return None if token is None else _said(unit.first(_CALL, {"case": case_id}), token)


def known(unit: Unit, case_id: int, step: Step, outcome: Outcome) -> Deliver | None:
    """What a case that has come to wait for it by this step could have been told before."""
    token = next((token for token, message in outcome.awaited if message == MESSAGE), None)
    if token is None or (isinstance(step, Deliver) and step.message == MESSAGE):  # once, or it might run in circles
        return None
    return _said(unit.first(_CALL, {"case": case_id}), token)


def _said(call: Row[Any] | None, token: int) -> Deliver | None:
    if call is None or (call.put_through_at is None and (call.ended_at is None or call.leg_on)):
        return None
    return Deliver(MESSAGE, {"cuoc_goi": PUT_THROUGH if call.put_through_at else LOST}, token)
