"""Letting somebody behind the veil know who reported: asked for with a reason, agreed to by a second person, and over
after `GRANTED_FOR`. Every step is a line of the case's history, and so is every look.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, and_, insert, or_, select, update

from engine.errors import NotAllowed, NotFound, WrongState
from engine.model import cases, unmaskings
from engine.people import access
from engine.people.access import Account
from engine.reasons import checked_reason
from engine.runtime import Unit

GRANTED_FOR = timedelta(hours=24)
ASKED_FOR = timedelta(days=3)  # an asking that nobody answered is over then
AT_ONCE = 200


def ask(unit: Unit, number: str, reason: str, *, by: Account) -> int:
    """Ask to know who reported a case; returns the asking's id.

    Raises:
        NotFound, NotAllowed: the case is not for this account, or none of those whose people are asked for.
        InvalidRequest: no reason.
        WrongState: it has been asked for already.
    """
    case, reason = access.find(unit, by, "ask-person", number, lock=True), checked_reason(reason)
    made = ask_once(unit, case.id, reason, by=by)
    if made is None:
        raise WrongState(f"You have asked who reported {number}, and nobody has answered yet.")
    return made


def ask_once(unit: Unit, case_id: int, reason: str, *, by: Account) -> int | None:
    """`ask` for whoever may know of the case, unless they have asked and nobody has answered yet: then ``None``."""
    mine = (unmaskings.c.case_id == case_id, unmaskings.c.login == by.login)
    fresh = unmaskings.c.asked_at > unit.now - ASKED_FOR
    if unit.first(select(unmaskings.c.id).where(*mine, fresh, unmaskings.c.decided_at.is_(None))) is not None:
        return None
    row = {"case_id": case_id, "login": by.login, "reason": reason, "asked_at": unit.now}
    made = int(unit.scalar(insert(unmaskings).returning(unmaskings.c.id), row))
    unit.record(case_id, "person-asked", by.login, unmasking=made, reason=reason)
    return made


def waiting(unit: Unit, by: Account, number: str | None = None) -> list[Row[Any]]:
    """What this account can decide, of one case or of all, oldest first: {id, number, login, reason, asked_at}."""
    columns = (unmaskings.c.id, cases.c.number, unmaskings.c.login, unmaskings.c.reason, unmaskings.c.asked_at)
    query = select(*columns).join(cases).where(access.permits(by, "unmask", access.JOINED_CASES))
    query = query.where(unmaskings.c.login != by.login)
    if number is not None:
        query = query.where(cases.c.number == number)
    fresh = (unmaskings.c.decided_at.is_(None), unmaskings.c.asked_at > unit.now - ASKED_FOR)
    return unit.all(query.where(*fresh).order_by(unmaskings.c.id).limit(AT_ONCE))


def decide(unit: Unit, unmasking_id: int, *, agreed: bool, by: Account) -> Row[Any]:
    """Agree, for `GRANTED_FOR`, or refuse.

    Raises:
        NotFound: there is none, or its case is not for this account.
        NotAllowed: it is the account's own, or not for it to decide.
        WrongState: it has been decided, or is over.
    """
    row = unit.first(select(unmaskings, cases.c.number).join(cases).where(unmaskings.c.id == unmasking_id))
    if row is None:
        raise NotFound(f"Nobody has asked who reported a case under {unmasking_id}.")
    access.find(unit, by, "unmask", row.number)
    if row.login == by.login:
        raise NotAllowed("A second person has to agree: you have asked yourself.")
    until = unit.now + GRANTED_FOR if agreed else None
    its = (unmaskings.c.id == unmasking_id, unmaskings.c.decided_at.is_(None))
    change = update(unmaskings).where(*its, unmaskings.c.asked_at > unit.now - ASKED_FOR)
    if not unit.claims(change.values(decided_at=unit.now, decided_by=by.login, until_at=until)):
        raise WrongState("That has been decided, or was asked too long ago.")
    unit.record(row.case_id, "person-granted" if agreed else "person-refused", by.login, unmasking=unmasking_id,
                to=row.login)  # fmt: skip
    return unit.all(select(unmaskings).where(unmaskings.c.id == unmasking_id))[0]


def standing(unit: Unit, account: Account, case_id: int) -> Row[Any] | None:
    """What came of this account's asking who reported the case: {asked_at, until_at}; ``until_at``: until when they may
    look, empty while nobody has answered. None: they have not asked, or it is over.
    """
    mine = (unmaskings.c.case_id == case_id, unmaskings.c.login == account.login)
    fresh = and_(unmaskings.c.decided_at.is_(None), unmaskings.c.asked_at > unit.now - ASKED_FOR)
    query = select(unmaskings.c.asked_at, unmaskings.c.until_at)
    rows = unit.all(query.where(*mine, or_(unmaskings.c.until_at > unit.now, fresh)).order_by(unmaskings.c.id))
    return min(rows, key=lambda row: row.until_at is None, default=None)


def granted(unit: Unit, account: Account, case_id: int) -> int | None:
    """The id of what lets this account know who reported the case now."""
    mine = (unmaskings.c.case_id == case_id, unmaskings.c.login == account.login)
    return unit.scalar(select(unmaskings.c.id).where(*mine, unmaskings.c.until_at > unit.now))  # type: ignore[no-any-return]
