"""Beginning while somebody else has the database: a long migration, a copy that is put back, a restart."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Timer
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from engine.queues import leases
from engine.storage import outages

log = logging.getLogger(__name__)

T = TypeVar("T")
SOON = 10.0  # seconds that nobody minds
TAKEN = "Waiting for the database: it does not answer, or somebody else has it, such as an upgrade."


def wait_for(do: Callable[[Callable[[], None]], T], *refusals: str) -> T:
    """Do it as soon as the database lets us, and say so where that is not soon.

    Args:
        do: is given what to call when it waits no longer and is at work itself, however long that takes.
        refusals: kinds of `engine.storage.outages` that pass.

    Raises:
        DBAPIError: the database refuses for another reason.
    """
    said = ""
    while True:
        told = Timer(SOON, log.warning, (TAKEN,), {"extra": {"action": "waiting"}})
        told.daemon = True
        if not said:
            told.start()
        try:
            done = do(told.cancel)
        except DBAPIError as error:
            if outages.kind(error) not in refusals:
                raise
            if (why := leases.reason(error)) != said:
                log.warning("The database cannot be used yet (%s): waiting.", why, extra={"action": "waiting"})
            said = why
            time.sleep(outages.rest(error).total_seconds())
        else:
            if said:
                log.info("The database serves us.", extra={"action": "waited"})
            return done
        finally:
            told.cancel()
