"""How things stood a moment ago: an overview of very many cases is counted now and then, not whenever somebody looks.

Counting costs something for each open case, and the page that shows the counts asks four times a minute in every
browser that shows it. So counts are kept in a row for all who see the same cases, one second for each `A_SECOND` of
these: counting never takes more than some per cent of a core, however many cases are open and however many
people watch. Fewer cases than that are counted whenever somebody looks. It is the pages that count anew, when they ask
again: whoever opens one does not wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, or_, select, update

from engine.model import overviews
from engine.people import access
from engine.people.access import Account, Target
from engine.queues.leases import insert_into
from engine.runtime import Runtime, Unit
from engine.statistics import overview
from engine.statistics.overview import STATES, Count, Overview
from engine.storage import outages

A_SECOND = 5_000  # cases: what these cost to be counted is a fiftieth of it
GRACE = timedelta(minutes=1)  # by so much longer is it kept for whoever opens a page
PATIENCE = timedelta(minutes=1)  # whoever counts for longer has died
KEPT_FOR = timedelta(days=1)  # of what nobody has looked at since


def show(runtime: Runtime, unit: Unit, account: Account, *, again: bool) -> Overview:
    """What this account may know of, as counts; `Overview.at` says of when they are.

    Args:
        again: a page asks that has been shown already.

    Raises:
        NotAllowed: the account may not count.
    """
    access.require(account, "count", Target(account.province), unit)
    scope = _scope(account)
    kept = unit.first(select(overviews).where(overviews.c.scope == scope))
    grace = timedelta() if again else GRACE
    if kept is not None and (_lasts(kept, unit.now - grace) or not _is_mine(runtime, kept)):
        return _read(kept)
    found = overview.show(unit, account)
    counts = _written(found)
    if kept is not None or _seconds(counts):
        _keep(runtime, scope, unit.now, counts)
    return found


def tidy(unit: Unit) -> None:
    """Forget what nobody has looked at for long."""
    unit.execute(delete(overviews).where(overviews.c.counted_at < unit.now - KEPT_FOR))


def _scope(account: Account) -> str:
    """The same for all who see the same cases."""
    everywhere = access.seen(account) <= {"province", "all"}
    who = (account.role, account.province, account.report_types, account.areas, everywhere or account.agency)
    return json.dumps(who, ensure_ascii=False)


def _lasts(kept: Row[Any], now: datetime) -> bool:
    return -GRACE <= now - kept.counted_at < timedelta(seconds=_seconds(kept.counts))


def _seconds(counts: Mapping[str, Any]) -> int:
    _key, _name, open_, _soon, _late, stuck = counts["all"]
    return int(open_ + stuck) // A_SECOND


def _is_mine(runtime: Runtime, kept: Row[Any]) -> bool:
    """Whether it is for this unit to count anew: others show what is kept meanwhile."""
    with _changing(runtime) as unit:
        busy = overviews.c.recounting_until_at >= unit.now
        mine = update(overviews).where(overviews.c.scope == kept.scope, or_(busy.is_(None), ~busy))
        return unit.claims(mine.values(recounting_until_at=unit.now + PATIENCE))
    return True


def _keep(runtime: Runtime, scope: str, at: datetime, counts: dict[str, Any]) -> None:
    row = {"counted_at": at, "counts": counts, "recounting_until_at": None}
    with _changing(runtime) as unit:
        if _seconds(counts):
            put = insert_into(unit, overviews).values(scope=scope, **row)
            unit.execute(put.on_conflict_do_update(index_elements=["scope"], set_=row))
        else:  # there are no longer so many
            unit.execute(delete(overviews).where(overviews.c.scope == scope))


@contextmanager
def _changing(runtime: Runtime) -> Iterator[Unit]:
    """A unit of its own, beside the one that looks. That a database is full is no reason to show nothing."""
    try:
        with runtime.begin() as unit:
            yield unit
    except Exception as error:
        if outages.kind(error) is None:
            raise


def _written(found: Overview) -> dict[str, Any]:
    ways = {way: [_row(count) for count in counts] for way, counts in found.by.items()}
    return {"all": _row(found.all), "by": ways}


def _row(count: Count) -> list[Any]:
    return [count.key, count.name, *(getattr(count, state) for state in STATES)]


def _read(kept: Row[Any]) -> Overview:
    ways = {way: [Count(*row) for row in rows] for way, rows in kept.counts["by"].items()}
    return Overview(Count(*kept.counts["all"]), ways, kept.counted_at)
