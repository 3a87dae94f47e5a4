"""The third door but one: messages from outside that a waiting case knows by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine import instances, registry
from engine.errors import InvalidRequest
from engine.flow.scripts import ScriptError, check_value
from engine.flow.steps import Deliver
from engine.people import access
from engine.people.access import Account
from engine.runtime import Unit

RETURNED = "msg_tra_lai"  # brings a case back to whoever assigns it
QUESTION = "msg_cau_hoi"  # of somebody who watches over a case, while it is being handled
MORE_INFORMATION, REOPEN, RATING = "msg_bo_sung", "msg_phan_anh_lai", "msg_danh_gia"
FROM_CITIZENS = (MORE_INFORMATION, REOPEN, RATING)  # agencies tell a case what they know, but never for citizens


@dataclass(frozen=True)
class Reached:
    """Who got a message.

    Attributes:
        moved: no fault of the report type holds it up as an incident.
        secret: of a case that the message has begun.
    """

    case_id: int
    number: str
    moved: bool
    secret: str | None = None


def deliver(unit: Unit, name: str, payload: dict[str, Any], number: str, *, by: Account) -> Reached:
    """Give a case the message it waits for; its payload joins the case's data.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        WrongState: the case does not wait for this message now.
        InvalidRequest: the payload is too large, too deep, or names what only the engine may say.
    """
    case = access.find(unit, by, permission(name), number, lock=True)
    payload = checked(payload, "payload")
    outcome = instances.advance(unit, case.id, Deliver(name, payload), by=by.login)
    unit.record(case.id, "message", by.login, message=name)
    return Reached(case.id, number, outcome is not None)


def permission(name: str) -> str:
    """What somebody must be allowed to do to a case to send it this message.

    Raises:
        InvalidRequest: it is not sent like this, whoever sends it.
    """
    if name == RETURNED:
        raise InvalidRequest(f"{name!r} is not sent from outside: return the task itself.")
    if name == QUESTION:
        raise InvalidRequest(f"{name!r} is not sent like this: put the question with POST /cases/{{number}}/question.")
    if name == REOPEN:
        raise InvalidRequest(f"{name!r} is not sent like this: say it with POST /cases/{{number}}/reopen.")
    return "message" if name in FROM_CITIZENS else "tell"


def checked(said: dict[str, Any], what: str) -> dict[str, Any]:
    """What somebody outside says, before it joins a case's data.

    Args:
        what: it is called where it is refused: "payload".

    Raises:
        InvalidRequest: it is too large, too deep, or names what only the engine may say.
    """
    taken = sorted(registry.RESERVED.intersection(said))
    if taken:
        raise InvalidRequest(f"The {what} may not say {taken[0]!r}: that is the case's own.")
    try:
        return check_value(said, f"the {what}")  # type: ignore[no-any-return]
    except ScriptError as error:
        raise InvalidRequest(str(error)) from None
