"""What comes in by chat and by post: kept first as it came, then acknowledged, then understood.

    put (committed; the sender is told "thank you") ──attempt──► done
       waiting ◄── it went wrong, or whoever tried has died; tried again later ──┐
          └────────────── tried seven times in vain ──► dead ──retry──► waiting ─┘

Nothing here has an effect outside the database, so an attempt needs no lease: whoever begins one first puts the row's
due time forward (committed), and then understands and settles it in one transaction that holds the row. Who dies in
between has committed nothing, and the row is due again. What has been settled is settled once, whoever tries.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row, and_, false, literal_column, or_, select, update

from engine.channels.conversations import Taken
from engine.errors import EngineError, InvalidRequest, NotFound, WrongState
from engine.language.masks import masked
from engine.model import arrivals, cases, provinces
from engine.paging import Page, newest_first
from engine.people import access
from engine.people.access import Account, Columns, Target
from engine.queues import leases, waiting
from engine.queues.outbox import ATTEMPTS_MAX, BACK_OFF
from engine.runtime import Runtime, Unit

log = logging.getLogger(__name__)

STATES = ("waiting", "done", "dead")
ARRIVALS = Columns(arrivals.c.province, lambda agency: false())

class Told(Protocol):
    """What somebody told us."""

    def take(self, unit: Unit, arrival: Row[Any]) -> Taken | None:
        """Do what follows from it; ``None``: nothing does."""
        ...


Reader = Callable[[bytes], Told | None]  # what somebody told us, out of one event; None: nobody told us anything
Readers = Mapping[str, Reader]  # by channel


@dataclass(frozen=True, slots=True)
class Event:
    """One thing as the sender's system tells it.

    Attributes:
        id: what that system calls it; the same when it is sent again.
    """

    id: str
    body: bytes


# -- each a unit of its own ------------------------------------------------------------------------------------------


def put(runtime: Runtime, province: str, channel: str, events: Iterable[Event]) -> list[int]:
    """Keep what came in. Once this returns it cannot be lost, and may be acknowledged.

    Returns:
        The ids of those that are new, for `attempt` by whoever put them: a worker tries them only if that fails.

    Raises:
        NotFound: there is no such province.
    """
    fresh = []
    with runtime.begin() as unit:
        if unit.first(select(provinces.c.code).where(provinces.c.code == province)) is None:
            raise NotFound(f"There is no province {province!r} here.")
        for event in events:
            row = {"province": province, "channel": channel, "event_id": event.id, "body": event.body,
                   "state": "waiting", "received_at": unit.now, "attempts": 1, "due_at": unit.now + BACK_OFF[0],
                   "last_error": None}  # fmt: skip
            new = leases.insert_into(unit, arrivals).values(row)
            new = new.on_conflict_do_nothing(index_elements=["province", "channel", "event_id"])
            fresh += [found.id for found in unit.all(new.returning(arrivals.c.id))]
    return fresh


def attempt(runtime: Runtime, arrival_id: int, readers: Readers) -> str:
    """Understand one of those that were put, or claimed. Raises nothing: what goes wrong is noted, and tried again.

    Returns:
        done | gone (it is settled already) | failed
    """
    try:
        with runtime.begin() as unit:
            mine = select(arrivals).where(arrivals.c.id == arrival_id, arrivals.c.state == "waiting")
            row = unit.first(mine.with_for_update())
            if row is None:
                return "gone"
            _settle(unit, row, _understood(unit, row, readers))
        return "done"
    except Exception as error:
        _note_failure(runtime, arrival_id, error)
        return "failed"


def claim(runtime: Runtime) -> int | None:
    """Begin an attempt at what has been due longest (`waiting.begin`); its id."""
    return waiting.begin(runtime, arrivals, _put_off, arrivals.c.id, arrivals.c.attempts, arrivals.c.last_error)


def _put_off(unit: Unit, row: Row[Any]) -> int | None:
    change = update(arrivals).where(arrivals.c.id == row.id)
    if row.attempts >= ATTEMPTS_MAX:
        why = row.last_error or f"whoever tried has died, in each of {row.attempts} attempts"
        unit.execute(change.values(state="dead", last_error=why))
        return None
    later = unit.now + BACK_OFF[min(row.attempts, len(BACK_OFF) - 1)]
    unit.execute(change.values(attempts=row.attempts + 1, due_at=later))
    return int(row.id)


def tidy(unit: Unit, before: datetime, dead_before: datetime) -> int:
    """Empty what was dealt with before that instant, and what was given up and last tried before the other one. The
    event's name stays, so that it is still known when it comes again. Returns how many."""
    done = and_(arrivals.c.state == "done", arrivals.c.processed_at < before)
    old = or_(done, and_(_DEAD, arrivals.c.due_at < dead_before))
    return unit.execute(update(arrivals).where(old, _KEPT).values(body=b"")).rowcount


def naming(unit: Unit, ways: Collection[str]) -> list[Row[Any]]:
    """What was given up and tells one of these numbers or addresses: nobody knows of which case it would be.

    Args:
        ways: numbers in E.164, addresses in small letters, accounts; at least one.
    """
    told = re.compile("|".join(map(_written, ways)), re.IGNORECASE)
    given_up = unit.all(select(arrivals.c.id).where(_DEAD, _KEPT).order_by(arrivals.c.id))
    each = (unit.first(select(arrivals).where(arrivals.c.id == one.id)) for one in given_up)  # a letter may be large
    return [row for row in each if row is not None and told.search(row.body.decode("utf-8", "replace"))]


def empty(unit: Unit, arrival_ids: Collection[int]) -> None:
    """What these said is gone."""
    unit.execute(update(arrivals).where(arrivals.c.id.in_(arrival_ids)).values(body=b"", last_error=None))


# -- what a person sees ----------------------------------------------------------------------------------------------


def index(
    unit: Unit, account: Account, state: str | None = None, channel: str | None = None, limit: int = 50,
    after: str | None = None,
) -> Page:  # fmt: skip
    """What came in, newest first; never the message itself."""
    query = _shown().where(access.permits(account, "see-arrival", ARRIVALS))
    if state is not None:  # a literal: a bound value would miss the partial indexes
        query = query.where(arrivals.c.state == literal_column(f"'{STATES[STATES.index(state)]}'"))
    if channel is not None:
        query = query.where(arrivals.c.channel == channel)
    return newest_first(unit, query, arrivals.c.id, limit, after)


def show(unit: Unit, account: Account, arrival_id: int, action: str = "see-arrival") -> dict[str, Any]:
    """One of them, with the message as it came for whoever may read it: somebody has to, if we do not understand it.

    Raises:
        NotFound: there is none, or not for this account.
    """
    row = unit.first(_shown(arrivals.c.body).where(arrivals.c.id == arrival_id))
    if row is None or not access.allows(account, action, Target(row.province), unit):
        raise NotFound(f"There is no message {arrival_id} that came in, or it is another province's.")
    reads = access.allows(account, "read-arrival", Target(row.province), unit)
    body = row.body.decode("utf-8", "replace") if reads and row.body else None
    return dict(row._mapping) | {"body": body, "emptied": not row.body}


def retry(unit: Unit, arrival_id: int, *, by: Account) -> dict[str, Any]:
    """Try what was given up again from the beginning.

    Raises:
        NotFound: there is none, or not for this account.
        WrongState: it was not given up, or what it said has been emptied.
    """
    found = show(unit, by, arrival_id, "retry-arrival")
    if found["state"] == "dead" and found["emptied"]:
        raise WrongState(f"What the message {arrival_id} said has been emptied: nobody can understand it any more.")
    dead = update(arrivals).where(arrivals.c.id == arrival_id, arrivals.c.state == "dead")
    if not unit.claims(dead.values(state="waiting", attempts=0, due_at=unit.now)):
        raise WrongState(f"The message {arrival_id} is {found['state']!r}: only one that was given up is tried again.")
    leases.wake(unit, unit.now)
    return show(unit, by, arrival_id)


# -- particulars -----------------------------------------------------------------------------------------------------

_DEAD, _KEPT = leases.in_state(arrivals, "dead"), arrivals.c.body != b""


def _written(way: str) -> str:
    """A pattern of it: a number however it is written, anything else as it is; neither within another."""
    escaped = r"(?<=\\[nrt])|(?<=\\u[0-9a-f]{4})"  # behind a line's end or a letter as JSON has them
    if not way.startswith("+"):
        return rf"(?:(?<![\w.+-])|{escaped}){re.escape(way)}(?![\w-]|\.\w)"
    digits = way.removeprefix("+84") if way.startswith("+84") else way[1:]
    between = "[ .()-]{0,3}"
    return rf"(?:(?<!\d)|{escaped})(?:\+|00)?(?:84|0)?{between}" + between.join(digits) + r"(?!\d)"


def _understood(unit: Unit, row: Row[Any], readers: Readers) -> Taken | None:
    if row.channel not in readers:
        raise WrongState(f"Nobody here reads what comes by {row.channel!r}.")
    try:
        told = readers[row.channel](row.body)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        why = leases.reason(error)
        raise InvalidRequest(
            f"What came by {row.channel!r} is not written as we know it ({why}): it is kept as it came."
        ) from error
    return told.take(unit, row) if told is not None else None


def _settle(unit: Unit, row: Row[Any], taken: Taken | None) -> None:
    became = {"case_id": taken.case_id, "contact_id": taken.contact_id} if taken else {}
    done = {"state": "done", "processed_at": unit.now, "last_error": None}
    unit.execute(update(arrivals).where(arrivals.c.id == row.id).values(done | became))


def _note_failure(runtime: Runtime, arrival_id: int, error: Exception) -> None:
    why = masked(error.detail) if isinstance(error, EngineError) else leases.reason(error)
    busy = leases.is_conflict(error)  # nobody's fault: the attempt does not count
    level = logging.INFO if busy else logging.ERROR
    told = {"action": "arrival-failed", "arrival": arrival_id}
    log.log(level, "What came in could not be taken up: %s", type(error).__name__, extra=told)
    try:
        with runtime.begin() as unit:
            change = update(arrivals).where(arrivals.c.id == arrival_id, arrivals.c.state == "waiting")
            if busy:
                unit.execute(change.values(attempts=arrivals.c.attempts - 1, last_error=why))
                return
            unit.execute(change.values(last_error=why))
            unit.execute(change.where(arrivals.c.attempts >= ATTEMPTS_MAX).values(state="dead"))
    except Exception as worse:  # its due time was put forward before: it is tried again whether this is noted or not
        log.warning("That could not be noted: %s", type(worse).__name__, extra=told)


def _shown(*more: Any) -> Any:
    columns = (column for column in arrivals.c if column.name != "body")
    return select(*columns, *more, cases.c.number).outerjoin(cases, cases.c.id == arrivals.c.case_id)
