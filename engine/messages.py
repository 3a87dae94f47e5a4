"""The third door but one: messages from outside that a waiting case knows by name."""

from __future__ import annotations

from typing import Any

from engine import access, instances, registry
from engine.access import Account
from engine.errors import InvalidRequest
from engine.flow.scripts import ScriptError, check_value
from engine.flow.steps import Deliver
from engine.runtime import Unit

RETURNED = "msg_tra_lai"  # brings a case back to whoever assigns it
QUESTION = "msg_cau_hoi"  # of somebody who watches over a case, while it is being handled
MORE_INFORMATION, REOPEN, RATING = "msg_bo_sung", "msg_phan_anh_lai", "msg_danh_gia"
FROM_CITIZENS = (MORE_INFORMATION, REOPEN, RATING)  # agencies tell a case what they know, but never for citizens


def deliver(unit: Unit, name: str, payload: dict[str, Any], number: str, *, by: Account) -> bool:
    """Give a case the message it waits for; its payload joins the case's data.

    Returns:
        Whether the case has moved on; ``False``: a fault of its report type holds the message up as an incident.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        WrongState: the case does not wait for this message now.
        InvalidRequest: the payload is too large, too deep, or names what only the engine may say.
    """
    if name == RETURNED:
        raise InvalidRequest(f"{name!r} is not sent from outside: return the task itself.")
    if name == QUESTION:
        raise InvalidRequest(f"{name!r} is not sent like this: put the question with POST /cases/{{number}}/question.")
    if name == REOPEN:
        raise InvalidRequest(f"{name!r} is not sent like this: say it with POST /cases/{{number}}/reopen.")
    case = access.find(unit, by, "message" if name in FROM_CITIZENS else "tell", number, lock=True)
    taken = sorted(registry.RESERVED.intersection(payload))
    if taken:
        raise InvalidRequest(f"The payload may not say {taken[0]!r}: that is the case's own.")
    try:
        payload = check_value(payload, "the payload")
    except ScriptError as error:
        raise InvalidRequest(str(error)) from None
    outcome = instances.advance(unit, case.id, Deliver(name, payload), by=by.login)
    unit.record(case.id, "message", by.login, message=name)
    return outcome is not None
