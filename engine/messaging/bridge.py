"""A handler speaks with whoever reported, and neither sees the other's number: the hotline's exchange rings both.

    connect ─► outbox ─► signed web hook, with both numbers ─► the exchange rings the desk, then whoever reported
    told    ◄──────────────────────── signed web hook ◄─────── what became of it

The address of an exchange that does so is ``call_bridge`` in province.toml. The reporter's number is looked up when the
web hook is sent, and goes to the exchange alone.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select, update

from engine import packages
from engine.errors import InvalidRequest, NotFound, WrongState
from engine.forms import contacts
from engine.messaging import relay
from engine.model import cases, people
from engine.model import outbox as table
from engine.notifiers import Undeliverable
from engine.people import access
from engine.people.access import Account
from engine.queues import outbox
from engine.runtime import Unit
from engine.terms.calendar import ZONE

A_DAY = 3  # calls, for one case, from midnight to midnight in Vietnam
FROM, UNTIL = 7, 21  # o'clock: nobody is called at night (domain/1022.md, W32; the hours are our proposal)
AT_MOST = timedelta(minutes=2)  # from asking until the exchange has heard: nobody sits there to be rung up any longer
OUTCOMES = ("answered", "no_answer", "busy", "desk_no_answer", "failed")
LINES = ("call-asked", "call-ended")  # of the case's history

_INSIDE = re.compile(r"\d{2,6}", re.ASCII)  # a number of the exchange's own
_WHY_NOT = {
    "no-number": "Whoever reported {} left no telephone number.",
    "no-consent": "Whoever reported {} wants to stay unnamed, and is not called: write to them.",
    "night": "Whoever reported {} is called from 7 to 21 o'clock: write to them.",
    "too-often": f"Whoever reported {{}} has been called {A_DAY} times today: wait until tomorrow.",
    "connecting": "The exchange is just connecting a call about {}: wait until that is over.",
}


def connect(unit: Unit, number: str, desk: str, *, by: Account) -> str:
    """Have the exchange ring a desk, and then whoever reported.

    Args:
        desk: where the caller sits: a number of Vietnam, or one inside the exchange.

    Returns:
        What the exchange will call this call.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        InvalidRequest: no such number can be rung.
        WrongState: the province's exchange makes no calls for others, or this reporter is not to be called now; ``why``
            is one of the keys of `_WHY_NOT`.
    """
    case = access.find(unit, by, "relay", number, lock=True)
    desk = contacts.as_one(desk.strip())
    if not (_INSIDE.fullmatch(desk) or desk.startswith("+84")):
        raise InvalidRequest("desk is the number you sit at: of Vietnam, or one inside the exchange.", field="desk")
    url = packages.settings(unit, case.province).get("call_bridge")
    if url is None:
        raise WrongState("The exchange of this province connects no calls: call_bridge in province.toml.")
    reporter = _reporter(unit, case.id)
    if why := _why_not(unit, case.id, reporter):
        raise WrongState(_WHY_NOT[why].format(number), why=why)
    key = f"{number}:call:{uuid4().hex}"
    payload = {"url": url, "desk": desk, "until": (unit.now + AT_MOST).isoformat()}
    outbox.put(unit, case.id, "webhook", outbox.CALL, 0, payload, key, person_id=reporter.id)
    unit.record(case.id, "call-asked", by.login, desk=desk, text=outbox.CALL)
    return key


def offered(unit: Unit, province: str) -> bool:
    return "call_bridge" in packages.settings(unit, province)


def why_not(unit: Unit, case_id: int) -> str:
    """Why whoever reported is not to be called now; "": they may be."""
    return _why_not(unit, case_id, _reporter(unit, case_id))


def _why_not(unit: Unit, case_id: int, reporter: Any) -> str:
    calls = relay.today(unit, case_id, outbox.CALL)  # one that the exchange did not take is not among them
    return (
        "no-number" if reporter is None or not reporter.phone
        else "no-consent" if reporter.anonymous
        else "night" if not FROM <= unit.now.astimezone(ZONE).hour < UNTIL
        else "too-often" if len(calls) >= A_DAY
        else "connecting" if any(one.answer is None and one.created_at > unit.now - AT_MOST for one in calls)
        else ""
    )  # fmt: skip


def numbers(payload: dict[str, Any], reporter: Row[Any] | None, now: datetime) -> dict[str, str]:
    """What the exchange alone is told: whom to ring, and until when that makes sense.

    Raises:
        Undeliverable: it does not any more, or the number has been erased.
    """
    if "until" not in payload or datetime.fromisoformat(payload["until"]) < now:
        raise Undeliverable("The exchange did not take the call in time: whoever asked for it waits no longer.")
    if reporter is None or not reporter.phone:
        raise Undeliverable("There is no phone number to call.")
    return {"desk": payload["desk"], "reporter": reporter.phone, "until": payload["until"]}


def told(unit: Unit, province: str, call: str, outcome: str, seconds: int | None) -> bool:
    """What became of a call, as the exchange says; whether that is news.

    Args:
        call: as `connect` returned it.
        outcome: one of `OUTCOMES`.
        seconds: that they spoke.

    Raises:
        NotFound: no such call was asked for in this province.
    """
    known = select(table.c.id, table.c.case_id).join(cases, cases.c.id == table.c.case_id)
    row = unit.first(known.where(table.c.key == call, table.c.topic == outbox.CALL, cases.c.province == province))
    if row is None:
        raise NotFound(f"No call {call!r} was asked for.")
    first = update(table).where(table.c.id == row.id, table.c.answer.is_(None))
    if not unit.claims(first.values(answer={"outcome": outcome, "seconds": seconds})):
        return False
    unit.record(row.case_id, "call-ended", "system", outcome=outcome, seconds=seconds)
    return True


def _reporter(unit: Unit, case_id: int) -> Any:
    return unit.first(select(people).where(people.c.case_id == case_id, people.c.part == "reporter"))
