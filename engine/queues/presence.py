"""Which workers are at work: each says so with every heart-beat, and goes when it stops.

A worker that was killed stays on the list until it is swept away; what tells is when it was last seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from engine.model import workers
from engine.queues.leases import LEASE, insert_into
from engine.runtime import Runtime, Unit

ABSENT = LEASE  # three heart-beats missed: others take over what it held
FORGET = 60 * ABSENT


@dataclass(frozen=True)
class Present:
    """Attributes:
    count: workers seen within `ABSENT`.
    seen_at: when the last of all was seen; ``None``: none within `FORGET`.
    """

    count: int
    seen_at: datetime | None


def appear(runtime: Runtime, owner: str) -> None:
    """Say that this worker is there, and sweep away who has not been for long."""
    with runtime.begin() as unit:
        seen = insert_into(unit, workers).values(owner=owner, started_at=unit.now, seen_at=unit.now)
        unit.execute(seen.on_conflict_do_update(index_elements=["owner"], set_={"seen_at": unit.now}))
        ahead = workers.c.seen_at > unit.now + ABSENT  # by a clock that has been put right since
        unit.execute(delete(workers).where((workers.c.seen_at < unit.now - FORGET) | ahead))


def go(runtime: Runtime, owner: str) -> None:
    with runtime.begin() as unit:
        unit.execute(delete(workers).where(workers.c.owner == owner))


def present(unit: Unit) -> Present:
    here = func.count().filter(workers.c.seen_at.between(unit.now - ABSENT, unit.now + ABSENT))
    found = unit.first(select(here.label("count"), func.max(workers.c.seen_at).label("seen_at")))
    assert found is not None
    return Present(found.count, found.seen_at)
