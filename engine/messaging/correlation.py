"""Messages and signals from outside for whoever waits for them: found by what a case knows, not only by its number.

Who sends a message is told at once whether anybody has taken it. Where nobody waits, it begins a case if the start
event of a report type names it (`engine.messaging.beginnings`), or is kept, as messages between cases are, if its
sender says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from engine import correspondence, instances, messages, model
from engine.errors import InvalidRequest, Uncorrelated, WrongState
from engine.flow.codec import data_at, own_of
from engine.flow.steps import Deliver, Hear
from engine.language.vietnamese import nfc
from engine.messages import Reached
from engine.messaging import beginnings, kept
from engine.model import cases, provinces, subscriptions
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit

LOOKED_INTO = 1_000  # cases whose data are looked into for one message


@dataclass(frozen=True)
class Wanted:
    """Which of those who wait for a message are meant; what is left out does not matter.

    Attributes:
        number: the case's.
        key: under which it waits (`engine.flow.addressing`).
        province: its code.
        knows: variables of the case, with their values.
        knows_alone: variables of the instance of a multi-instance activity in which it waits.
    """

    number: str | None = None
    key: str | None = None
    province: str | None = None
    knows: Mapping[str, Any] = field(default_factory=dict)
    knows_alone: Mapping[str, Any] = field(default_factory=dict)


def tell(
    unit: Unit, name: str, payload: dict[str, Any], wanted: Wanted, *, keep: str | None = None, by: Account
) -> Reached | int:
    """As `correlate` for the one case that waits; where none does, the message begins a case, or is kept.

    Only one that says nothing of the case it is for, but perhaps the province, begins one.

    Args:
        keep: how long to keep it until a case of the province waits for it under the key or number that is meant: an
            ISO 8601 duration, of at most 90 days.

    Returns:
        Who got it, or the id of the message that is kept.

    Raises:
        As `correlate` and `kept.keep`.
        InvalidAnswers: the case it would begin asks for more.
    """
    try:
        return correlate(unit, name, payload, wanted, by=by)[0]
    except Uncorrelated as nobody:
        if nobody.facts["waiting"]:
            raise
        if keep is not None:
            return kept.keep(unit, name, payload, _address(wanted, by), keep, by=by)
        says_nothing = wanted == Wanted(province=wanted.province)
        begun = begin(unit, name, payload, wanted.province, by=by) if says_nothing else None
        if begun is None:
            raise
        return begun


def begin(
    unit: Unit, name: str, payload: dict[str, Any], province: str | None, reference: str | None = None, *, by: Account
) -> Reached | None:
    """Begin the case that a message begins; ``None``: it begins none.

    Args:
        reference: what its sender calls the case.

    Raises:
        As `beginnings.begun_by` and `beginnings.receive`.
    """
    package = beginnings.begun_by(unit, name, province, by=by)
    if package is None:
        return None
    receipt = beginnings.receive(unit, beginnings.report_of(package.code, payload), reference, by=by)
    unit.record(receipt.case_id, "message", by.login, message=name)
    return Reached(receipt.case_id, receipt.number, True, receipt.secret)


def _address(wanted: Wanted, by: Account) -> kept.Address:
    if wanted.knows or wanted.knows_alone or (wanted.key is None) == (wanted.number is None):
        raise InvalidRequest("A message is kept under a key, or for the case of a number: say one of the two.")
    return kept.Address(wanted.province or by.province, wanted.key, wanted.number)


def correlate(
    unit: Unit, name: str, payload: dict[str, Any], wanted: Wanted, *, to_all: bool = False, by: Account
) -> list[Reached]:
    """Give a message to the one case that waits for it and is meant, or to all of them; nobody gets it if one cannot.

    Returns:
        Who got it, the oldest case first; with ``to_all`` perhaps nobody.

    Raises:
        Uncorrelated: nobody waits for it, or more than one.
        NotFound, NotAllowed: the case named is not for this account; it may not read what it asks for.
        WrongState: one that waits is suspended.
        InvalidRequest: it is not sent from outside; the payload cannot be; too many wait to look into all of them.
    """
    action = messages.permission(name)
    if wanted.number is not None:
        access.find(unit, by, action, wanted.number, lock=True)
    found = _waiting(unit, name, wanted, action, to_all, by)
    if not to_all and len(found) != 1:
        raise Uncorrelated(
            f"No case that is yours to tell waits for the message {name!r} with these keys." if not found else
            f"{len(found)} cases wait for the message {name!r} with these keys; say more of the one that is meant.",
            message=name, waiting=len(found),
        )  # fmt: skip
    payload = messages.checked(payload, "payload")
    reached = [_deliver(unit, name, payload, row, by) for row in found]
    return [one for one in reached if one is not None]


def _deliver(unit: Unit, name: str, payload: dict[str, Any], row: Row[Any], by: Account) -> Reached | None:
    mine = (subscriptions.c.case_id == row.case_id, subscriptions.c.token == row.token)
    if unit.first(select(subscriptions.c.token).where(*mine)) is None:
        return None  # whoever got it before, in the same case, has called this one off
    outcome = instances.advance(unit, row.case_id, Deliver(name, payload, row.token), by=by.login)
    unit.record(row.case_id, "message", by.login, message=name)
    return Reached(row.case_id, row.number, outcome is not None)


def _waiting(unit: Unit, name: str, wanted: Wanted, action: str, to_all: bool, by: Account) -> list[Row[Any]]:
    """Who waits and is meant; of each case one, if not all of them are wanted, or told apart by what they know."""
    looks_into = bool(wanted.knows or wanted.knows_alone)
    if looks_into:
        access.require(by, "read")
    query = (
        select(subscriptions.c.case_id, subscriptions.c.token, cases.c.number, model.instances.c.state)
        .join(cases, cases.c.id == subscriptions.c.case_id)
        .join(model.instances, model.instances.c.case_id == cases.c.id)
        .where(subscriptions.c.kind == "message", subscriptions.c.message == name, access.permits(by, action))
        .where(*_named(wanted), *([access.permits(by, "read")] if looks_into else []))
        .order_by(cases.c.id, subscriptions.c.aside, subscriptions.c.token)
    )
    rows = unit.all(query.limit(LOOKED_INTO + 1))
    if len(rows) > LOOKED_INTO:
        raise InvalidRequest(f"More than {LOOKED_INTO} cases wait for the message {name!r}: say which one is meant.")
    found = [row for row in rows if _knows(row, wanted)]
    return found if to_all or wanted.knows_alone else list({row.case_id: row for row in reversed(found)}.values())[::-1]


def _named(wanted: Wanted) -> list[Any]:
    conditions = []
    if wanted.number is not None:
        conditions.append(cases.c.number == wanted.number)
    if wanted.province is not None:
        conditions.append(cases.c.province == wanted.province)
    if wanted.key is not None:
        conditions.append(_under(nfc(wanted.key.strip())))
    return conditions


def _under(key: str) -> ColumnElement[bool]:
    """Who waits under this key, or without one and has it for a number: an index for each of the two."""
    named = cases.alias("named")
    of_number = select(named.c.id).where(named.c.number == key).scalar_subquery()
    without = and_(subscriptions.c.key.is_(None), subscriptions.c.case_id == of_number)
    return or_(subscriptions.c.key == key, without)


def _knows(row: Row[Any], wanted: Wanted) -> bool:
    if not (wanted.knows or wanted.knows_alone):
        return True
    facts = data_at(row.state, row.token)
    return _holds(facts, wanted.knows) and _holds(own_of(facts), wanted.knows_alone)


def _holds(facts: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether these facts say what was asked; true is not 1."""
    return all(name in facts and facts[name] == value and isinstance(facts[name], bool) == isinstance(value, bool)
               for name, value in asked.items())  # fmt: skip


# -- signals -----------------------------------------------------------------------------------------------------------


def throw(unit: Unit, signal: str, payload: dict[str, Any], province: str | None = None, *, by: Account) -> int:
    """Have every case of a province hear a signal that waits for it now; a worker brings it to them.

    Args:
        province: its code; the account's own, if left out.

    Returns:
        How many cases that is.

    Raises:
        NotAllowed: the account may not.
        InvalidRequest: there is no such province, or the payload cannot be.
    """
    province = province or by.province
    if province is None or unit.first(select(provinces.c.code).where(provinces.c.code == province)) is None:
        raise InvalidRequest("Say in which province the signal is thrown, by its code.", field="tenantId")
    access.require(by, "signal", Target(province=province))
    return correspondence.broadcast(unit, province, signal, messages.checked(payload, "payload"), f"signal:{uuid4()}")


def throw_into(unit: Unit, signal: str, payload: dict[str, Any], number: str, *, by: Account) -> None:
    """Have one case hear a signal of the province that it waits for.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        WrongState: it does not wait for it, or is suspended.
        InvalidRequest: the payload cannot be.
    """
    case = access.find(unit, by, "tell", number, lock=True)
    payload = messages.checked(payload, "payload")
    newest = func.max(subscriptions.c.token)
    waits = (subscriptions.c.case_id == case.id, subscriptions.c.kind == "signal", subscriptions.c.message == signal)
    last = unit.scalar(select(newest).where(*waits))
    if last is None:
        raise WrongState(f"The case {number} does not wait for the signal {signal!r}.")
    instances.advance(unit, case.id, Hear(signal, payload, last), by=by.login, event="signal", signal=signal)
