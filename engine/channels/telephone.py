"""What a telephone exchange tells: a call rings, is answered, ends. A call that nobody took becomes a case in which
somebody calls back (U-14): no caller is lost. One that was put through to somebody else, or ended, is told to the case
that it has become, if that waits for it: so its clock is stopped by the exchange, not by a person (HN-01).

Events may come twice, late, or in the wrong order; each says what it knows, and the call is one contact throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from engine import branches, contacts, instances, intake, lines
from engine.channels import legs
from engine.errors import InvalidRequest, WrongState
from engine.forms import contacts as addresses
from engine.model import cases, people, provinces
from engine.model import contacts as table
from engine.people import access
from engine.people.access import Account, Target
from engine.privacy import persons
from engine.runtime import Unit
from engine.terms.calendar import ZONE

CHANNEL = "dien_thoai"
FORWARDED = "forwarded"  # a call that somebody else took


@dataclass(frozen=True)
class Call:
    """A call as the exchange sees it.

    Attributes:
        call_id: what the exchange calls it; the same in all its events.
        caller, called: numbers, however they are written; the caller's may be withheld.
        queue: the keys pressed, "5" or "5.1", where the exchange tells.
        answering: the number of whoever has taken it, where the exchange tells.
        original: the ``call_id`` of the call that this one goes on with, where the exchange tells.
    """

    call_id: str
    caller: str = ""
    called: str = ""
    outward: bool = False
    queue: str = ""
    answering: str = ""
    original: str = ""


def rings(unit: Unit, call: Call, *, by: Account) -> Row[Any]:
    """A call has begun.

    Raises:
        NotAllowed: the account may not note contacts.
        InvalidRequest: the account belongs to no province.
    """
    province = _province(by)
    said = {"channel": CHANNEL, "call_id": call.call_id, "direction": "out" if call.outward else "in",
            "branch": _branch(unit, province, call),
            "answered_by": addresses.as_one(call.caller) if call.outward and call.caller else None}  # fmt: skip
    contact = contacts.begin(unit, province, said, by=by)
    return legs.belongs(unit, contact, call.original, call.caller, call.called)


def is_answered(unit: Unit, call: Call, *, by: Account) -> Row[Any]:
    """Somebody has taken it; whoever its key puts calls through to (``transfer_to``), or one of us. Of a call that is
    over, told so late, it says nothing: we call back rather once too often.

    Raises:
        NotAllowed, InvalidRequest: as for `rings`.
    """
    contact = rings(unit, call, by=by)
    rings_still = (table.c.answered_at.is_(None), table.c.ended_at.is_(None))
    first = update(table).where(table.c.id == contact.id, *rings_still)
    unit.execute(first.values(answered_at=unit.now))
    whole = legs.whole(unit, contact)
    if legs.leads_to(unit, whole, call.answering, call.called if whole.id != contact.id else ""):
        _put_through(unit, contact)
        _tell(unit, whole, by)
    elif contact.direction == "in" and call.answering:
        on = update(table).where(table.c.id == contact.id, table.c.ended_at.is_(None))
        unit.execute(on.values(answered_by=addresses.as_one(call.answering)))
    return contact


def ends(unit: Unit, call: Call, cause: str, *, by: Account) -> tuple[Row[Any], str | None]:
    """It is over. What became of one that was answered, whoever answered it says.

    Args:
        cause: why, in the exchange's words; only `FORWARDED` makes a difference: it was put through to somebody else.

    Returns:
        The contact, and the number of the case in which we call back if nobody took it.

    Raises:
        NotAllowed, InvalidRequest: as for `rings`.
    """
    contact = is_answered(unit, call, by=by) if cause == FORWARDED else rings(unit, call, by=by)
    still_on = update(table).where(table.c.id == contact.id, table.c.ended_at.is_(None))
    first = unit.claims(still_on.values(ended_at=unit.now))
    if first and cause == FORWARDED:
        _put_through(unit, legs.whole(unit, contact))
    if first:
        _tell(unit, legs.whole(unit, contact), by)
    missed = contact.answered_at is None and contact.outcome is None and cause != FORWARDED
    if not (first and missed) or contact.leg_of is not None:
        return contact, None
    number = None if call.outward else _call_back(unit, contact, call, by)
    if number is None:
        unit.execute(update(table).where(table.c.id == contact.id).values(outcome="missed"))
    return contact, number


def joins(unit: Unit, contact_id: int, leg_of: int | None, *, by: Account) -> Row[Any]:
    """Somebody says that a call was made for another one, to where that one was to be put through; or, with ``None``,
    that it was not.

    Raises:
        NotFound: there is no such call, or it is another province's.
        InvalidRequest: it cannot be a leg of that one.
        WrongState: it is more than a leg: it has an outcome.
    """
    contact = contacts.show(unit, contact_id, by=by)
    if contact.outcome is not None:
        raise WrongState(f"The contact {contact_id} has an outcome of its own: {contact.outcome}.")
    if leg_of is None:
        return legs.join(unit, contact, None)
    whole = contacts.show(unit, leg_of, by=by)
    alike = (whole.province, whole.channel) == (contact.province, contact.channel) == (contact.province, CHANNEL)
    if not alike or whole.leg_of is not None or whole.id == contact_id or legs.has_any(unit, contact):
        raise InvalidRequest("A leg is a call of the same province as the call it was made for, and neither of them "
                             "stands in for a third.", field="leg_of")  # fmt: skip
    leg = legs.join(unit, contact, whole)
    if leg.answered_at is not None:
        _put_through(unit, leg)
        _tell(unit, whole, by)
    return contacts.show(unit, contact_id, by=by)


def _put_through(unit: Unit, contact: Row[Any]) -> None:
    first = update(table).where(table.c.id == contact.id, table.c.put_through_at.is_(None))
    unit.execute(first.values(put_through_at=unit.now))


def _tell(unit: Unit, contact: Row[Any], by: Account) -> None:
    """Note whether a leg has taken it over, and tell the case of the call, if it waits for what has become of that."""
    if legs.took_over(unit, legs.again(unit, contact)):
        _put_through(unit, contact)
    if contact.case_id is None:
        return  # it is told when there is one (`engine.lines.known`)
    case = instances.load(unit, contact.case_id)
    said = lines.told(unit, case.id) if case.suspended_at is None else None
    if said is not None:
        instances.advance(unit, case.id, said, case=case, by=by.login, event="message", message=said.message)


def _call_back(unit: Unit, contact: Row[Any], call: Call, by: Account) -> str | None:
    """A case in which somebody calls back, if the province has such a type, the caller can be reached, and it is not
    promised already."""
    settings = unit.scalar(select(provinces.c.settings).where(provinces.c.code == contact.province))
    report_type, phone = settings.get("missed_call"), addresses.phone(call.caller)
    if report_type is None or phone is None or not access.allows(by, "report", Target(contact.province), unit):
        return None
    promised = (cases.c.report_type == report_type, cases.c.closed_at.is_(None), persons.known_by("phone", phone))
    if unit.first(select(people.c.id).join(cases, cases.c.id == people.c.case_id).where(*promised)) is not None:
        return None
    said = {"noi_dung": f"Cuộc gọi nhỡ lúc {contact.started_at.astimezone(ZONE):%H:%M %d/%m/%Y}"}
    report = intake.Report(
        report_type, said, CHANNEL, reporter=intake.Person(phone=phone), contact=contact.id, branch=contact.branch
    )
    return intake.receive(unit, report, by=by).number


def _branch(unit: Unit, province: str, call: Call) -> str | None:
    """The key that was pressed: as the queue is called, else whose line was called."""
    if branches.KEY.match(call.queue):
        return call.queue
    keys = branches.at(unit, province, unit.now)
    return next((row.key for row in keys if row.transfer_to is not None and row.transfer_to == call.called), None)


def _province(by: Account) -> str:
    if by.province is None:
        raise InvalidRequest("The exchange's account belongs to no agency, so to no province: give it one.")
    return by.province
