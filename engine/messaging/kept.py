"""Messages from outside that are kept until a case waits for them, since their sender says so.

They wait in `case_messages`, as what cases tell each other does, and `engine.messaging.courier` brings them; but only
to a case that their sender may tell it, asked anew when it is brought. One that nobody came to wait for belongs to no
case whose incident it could be: it is listed here as given up, for its sender and for those who look after what comes
in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Row, false, insert, literal_column, or_, select

from engine import correspondence, messages
from engine.errors import InvalidRequest, NotAllowed, NotFound, WrongState
from engine.flow.addressing import ENGINES_OWN, KEPT_MAX, KEY_MAX
from engine.language.vietnamese import nfc
from engine.model import case_messages, cases, instances, provinces
from engine.paging import Page, newest_first
from engine.people import access
from engine.people.access import Account, Columns, Target
from engine.queues import leases
from engine.runtime import Unit
from engine.terms.calendar import ROUND_THE_CLOCK, Term

STATES = ("waiting", "taken", "dead")
_KEPT = Columns(case_messages.c.province, lambda agency: false())
_SHOWN = ("id", "name", "province", "key", "sent_by", "state", "created_at", "until_at", "settled_at", "last_error")


@dataclass(frozen=True)
class Address:
    """For whom a message is kept: who waits for it in the province under the key, or has the number."""

    province: str | None
    key: str | None
    number: str | None


def keep(unit: Unit, name: str, payload: dict[str, Any], to: Address, how_long: str, *, by: Account) -> int:
    """Keep a message from outside until a case that the account may tell it comes to wait for it.

    Args:
        how_long: an ISO 8601 duration, of at most 90 days.

    Returns:
        Its id.

    Raises:
        NotFound, NotAllowed: the case, messages to cases, or those of this province, are not for this account.
        WrongState: the case is over.
        InvalidRequest: it has a door of its own; the key, the province or the time cannot be.
    """
    if name in ENGINES_OWN:
        raise InvalidRequest(f"{name!r} is not kept: it is said when the case asks for it.", field="keep")
    until_at, payload = _until(unit, how_long), messages.checked(payload, "payload")
    province, key = _awaited_by_number(unit, to.number, by) if to.number else (to.province, to.key or "")
    key = nfc(key.strip())
    if not 0 < len(key) <= KEY_MAX:
        raise InvalidRequest(f"A key has 1 to {KEY_MAX} characters.", field="key")
    if province is None or unit.scalar(select(provinces.c.code).where(provinces.c.code == province)) is None:
        raise InvalidRequest("Say in which province the message is kept, by its code.", field="province")
    access.require(by, messages.permission(name))
    if by.province not in (None, province):
        raise NotAllowed("Messages are kept for cases of your own province: leave the province out.")
    row = {"source": f"outside:{uuid4()}", "kind": "message", "name": name, "province": province, "key": key,
           "payload": payload, "sent_by": by.login, "state": "waiting", "created_at": unit.now, "due_at": unit.now,
           "until_at": until_at, "attempts": 0}  # fmt: skip
    kept_id = unit.scalar(insert(case_messages).values(row).returning(case_messages.c.id))
    leases.wake(unit, unit.now)
    return int(kept_id)


def _awaited_by_number(unit: Unit, number: str, by: Account) -> tuple[str, str]:
    case = access.find(unit, by, "tell", number)
    if unit.scalar(select(instances.c.finished_at).where(instances.c.case_id == case.id)) is not None:
        raise WrongState(f"The case {number} is over: it will wait for nothing any more.")
    return case.province, number


def _until(unit: Unit, how_long: str) -> datetime:
    try:
        until = ROUND_THE_CLOCK.add(unit.now, Term.parse(how_long))
    except (ValueError, TypeError, AttributeError, OverflowError):
        until = unit.now
    if not unit.now < until <= unit.now + KEPT_MAX:
        raise InvalidRequest(f"keep is {how_long!r:.60}; write a duration like P7D, of at most {KEPT_MAX.days} days.",
                             field="keep")  # fmt: skip
    return until


# -- what a person sees ------------------------------------------------------------------------------------------------


def index(unit: Unit, account: Account, state: str | None = None, limit: int = 50, after: str | None = None) -> Page:
    """Those that the account has sent, or all of its province if it looks after what comes in; the newest first."""
    query = _rows().where(or_(case_messages.c.sent_by == account.login, access.permits(account, "see-arrival", _KEPT)))
    if state is not None:
        query = query.where(case_messages.c.state == literal_column(f"'{STATES[STATES.index(state)]}'"))
    return newest_first(unit, query, case_messages.c.id, limit, after)


def show(unit: Unit, account: Account, message_id: int, action: str = "see-arrival") -> dict[str, Any]:
    """One of them, with what it says for its sender and whoever may read what comes in.

    Raises:
        NotFound: there is none, or not for this account.
    """
    row = unit.first(_rows(case_messages.c.payload).where(case_messages.c.id == message_id))
    if row is None or not _may(unit, account, action, row):
        raise NotFound(f"There is no message {message_id} from outside, or it is another's.")
    reads = _may(unit, account, "read-arrival", row)
    return dict(row._mapping) | {"payload": row.payload if reads else None}


def retry(unit: Unit, message_id: int, *, by: Account) -> dict[str, Any]:
    """Let one that was given up wait once more, for as long as before.

    Raises:
        NotFound: there is none, or not for this account.
        WrongState: it was not given up.
    """
    show(unit, by, message_id, "retry-arrival")
    correspondence.send_again(unit, message_id)
    return show(unit, by, message_id)


def _may(unit: Unit, account: Account, action: str, row: Row[Any]) -> bool:
    return row.sent_by == account.login or access.allows(account, action, Target(row.province), unit)


def _rows(*more: ColumnElement[Any]) -> Any:
    columns = (case_messages.c[name] for name in _SHOWN)
    joined = case_messages.outerjoin(cases, cases.c.id == case_messages.c.case_id)
    return select(*columns, *more, cases.c.number).select_from(joined).where(case_messages.c.sent_by.is_not(None))
