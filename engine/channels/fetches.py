"""Files that people send by chat: the messenger keeps them, tells us where, and soon forgets them.

    owe (with the words, in one transaction) ──► waiting ──step──► done, an attachment of the case
                                                  │  ▲ it went wrong, or whoever tried has died; tried again later
                                                  ▼──┘
                              dead: not there any more, refused, or tried in vain ──retry──► waiting

    note (an address that came with a report by GeoReport) ──► dead

The link itself stays in the words of the message, which is how it is found there and taken out for whoever may not know
who reported (`engine.privacy.firewall`): it may name them, and its server knows who has looked. A file that could not
be fetched is a line of the case's history. Nothing is held while a file is fetched: whoever begins puts the row's due
time forward (committed), fetches, and then describes the file and settles the row in one transaction. Who dies in
between leaves at most a file that no case has (`engine.files.unclaimed`), and the row is due again.
"""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import Row, insert, select, update

from engine.errors import NotFound, WrongState
from engine.files import attachments
from engine.files.attachments import Stored
from engine.model import cases, fetches
from engine.notifiers.message import Undeliverable
from engine.people import access
from engine.people.access import Account
from engine.privacy import firewall
from engine.queues import leases, waiting
from engine.runtime import Runtime, Unit

log = logging.getLogger(__name__)

AGAIN = tuple(timedelta(minutes=minutes) for minutes in (2, 10, 60, 360))  # longer than a file may take
ATTEMPTS_MAX = len(AGAIN) + 1
AT_ONCE = 20  # files of one message
UNASKED = "An app sent this address with the report: nothing is fetched from there unless somebody asks for it."

Fetcher = Callable[[str], Stored]  # what lies at an address, in the store; raises as `engine.channels.downloads` says


def owe(unit: Unit, case_id: int, urls: Iterable[str]) -> None:
    """Have what lies at these addresses fetched as files of the case."""
    rows = [{"case_id": case_id, "url": url, "state": "waiting", "created_at": unit.now, "due_at": unit.now}
            for url in dict.fromkeys(urls)]  # fmt: skip
    if rows:
        unit.execute(insert(fetches), rows[:AT_ONCE])


def step(runtime: Runtime, fetcher: Fetcher) -> bool:
    """Fetch what has been due longest; ``False``: nothing is. Raises nothing of what goes wrong with a file."""
    row = waiting.begin(runtime, fetches, _put_off)
    if row is None:
        return False
    try:
        stored = fetcher(row.url)
        with runtime.begin() as unit:
            _settle(unit, row, stored)
    except Exception as error:
        _note_failure(runtime, row, error)
    return True


def note(unit: Unit, case_id: int, url: str) -> None:
    """Keep an address of a file that nobody has asked us to fetch: it is a link of the case, withheld as others are."""
    row = {"case_id": case_id, "url": url, "state": "dead", "created_at": unit.now, "due_at": unit.now,
           "last_error": UNASKED}  # fmt: skip
    unit.execute(insert(fetches), row)


# -- what people see -------------------------------------------------------------------------------------------------


def of_case(unit: Unit, account: Account, number: str) -> list[Row[Any]]:
    """The files that were sent for a case as links, in order, with what became of them.

    Raises:
        NotFound, NotAllowed: the case is not for this account to read.
    """
    case = access.find(unit, account, "read", number)
    rows = unit.all(select(fetches).where(fetches.c.case_id == case.id).order_by(fetches.c.id))
    return firewall.over_rows(firewall.over(unit, account, case), rows, "url")


def retry(unit: Unit, number: str, fetch_id: int, *, by: Account) -> Row[Any]:
    """Try again what was given up.

    Raises:
        NotFound, NotAllowed: there is no such link, or the account may not add files to the case.
        WrongState: it was not given up.
    """
    case = access.find(unit, by, "attach", number)
    mine = (fetches.c.id == fetch_id, fetches.c.case_id == case.id)
    row = unit.first(select(fetches).where(*mine))
    if row is None:
        raise NotFound(f"The case {number} has no link {fetch_id} to a file.")
    change = update(fetches).where(*mine, fetches.c.state == "dead")
    if not unit.claims(change.values(state="waiting", attempts=0, due_at=unit.now, last_error=None)):
        raise WrongState(f"The link {fetch_id} is {row.state!r}: only one that was given up is tried again.")
    return unit.first(select(fetches).where(*mine))  # type: ignore[return-value]


# -- particulars -----------------------------------------------------------------------------------------------------

_WAITING = waiting.is_waiting(fetches)


def _put_off(unit: Unit, row: Row[Any]) -> Row[Any] | None:
    if row.attempts >= ATTEMPTS_MAX:
        _give_up(unit, row, row.last_error or f"whoever tried has died, in each of {row.attempts} attempts")
        return None
    mine = update(fetches).where(fetches.c.id == row.id)
    return unit.first(mine.values(attempts=row.attempts + 1, due_at=unit.now + AGAIN[0]).returning(*fetches.c))


def _give_up(unit: Unit, row: Row[Any], why: str) -> None:
    unit.execute(update(fetches).where(fetches.c.id == row.id).values(state="dead", last_error=why))
    unit.record(row.case_id, "file-not-fetched", "system", link=row.id, reason=why)


def _settle(unit: Unit, row: Row[Any], stored: Stored) -> None:
    number = str(unit.scalar(select(cases.c.number).where(cases.c.id == row.case_id)))
    access.hold(unit, number)  # before the row, as whoever empties the case holds it first
    open_ = select(fetches.c.id).where(fetches.c.id == row.id, _WAITING).with_for_update()
    if unit.first(open_) is None:
        return  # somebody else was faster
    made = attachments.add(unit, number, stored, _name(row.url, stored), by=access.citizen(number))
    done = {"state": "done", "attachment_id": made.id, "last_error": None}
    unit.execute(update(fetches).where(fetches.c.id == row.id).values(done))


def _name(url: str, stored: Stored) -> str:
    """As the address calls it, with an ending that says what it is."""
    last = PurePosixPath(unquote(urlsplit(url).path)).name
    ending = mimetypes.guess_extension(stored.media_type) or ""
    return last if PurePosixPath(last).suffix else f"{last or 'tep'}{ending}"


def _note_failure(runtime: Runtime, row: Row[Any], error: Exception) -> None:
    why = getattr(error, "reason", None) or leases.reason(error)
    busy = leases.is_conflict(error)  # nobody's fault: the attempt does not count
    log.log(logging.INFO if busy else logging.WARNING, "The file %s: %s", row.id, why, extra={"action": "fetch-failed"})
    with runtime.begin() as unit:
        mine = select(fetches).where(fetches.c.id == row.id, fetches.c.attempts == row.attempts, _WAITING)
        if unit.first(mine.with_for_update()) is None:
            return  # it was settled after all, or somebody else is at it by now
        if isinstance(error, Undeliverable) or (row.attempts >= ATTEMPTS_MAX and not busy):
            _give_up(unit, row, why)
            return
        later = unit.now + AGAIN[min(row.attempts, len(AGAIN)) - 1]
        new = {"due_at": later, "last_error": why, "attempts": row.attempts - busy}
        unit.execute(update(fetches).where(fetches.c.id == row.id).values(new))
