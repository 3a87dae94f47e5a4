"""What is added to a case that was emptied (`engine.erasure.emptying`) would be kept for ever: nothing is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from engine.errors import WrongState
from engine.people import access
from engine.people.access import Account
from engine.runtime import Unit


def find(unit: Unit, account: Account, action: str, number: str) -> Row[Any]:
    """As `access.find`, held until the unit ends, so that nobody empties it meanwhile.

    Raises:
        NotFound, NotAllowed: as there.
        WrongState: the case was emptied.
    """
    case = access.find(unit, account, action, number, lock=True)
    if case.emptied_at is not None:
        raise WrongState(f"Nothing personal is kept of {number} any more: what is new is a report of its own.")
    return case
