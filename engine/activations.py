"""Which version of a report type new cases start with, and since when: decisions that are added, never changed.

In force at a moment is the version of the latest decision for it, that is of the greatest (active_from, id) up to
then. So a version planned for Friday stays planned when another is deployed today, and an earlier version is put in
force again by one more decision.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, literal_column, select

from engine import acts
from engine.model import activations, definitions
from engine.runtime import Unit
from engine.storage.prepared import Prepared

_DECIDED = activations.join(definitions, definitions.c.id == activations.c.definition_id)
_COUNTS = (activations.c.active_from <= bindparam("now"), definitions.c.suspended_at.is_(None))
_LATEST_FIRST = (activations.c.active_from.desc(), activations.c.id.desc())
_PLACE = func.row_number().over(partition_by=activations.c.key, order_by=_LATEST_FIRST)

_RANKED = (
    select(activations.c.definition_id, activations.c.key, _PLACE.label("place"))
    .select_from(_DECIDED)
    .where(*_COUNTS)
    .subquery()
)
IN_FORCE = Prepared(  # of one type: asked for every report, and so by an index
    select(activations.c.definition_id)
    .select_from(_DECIDED)
    .where(activations.c.key == bindparam("key"), *_COUNTS)
    .order_by(*_LATEST_FIRST)
    .limit(literal_column("1"))
)
# of every type, by key: it reads them all, so it is none of the prepared ones
ALL_IN_FORCE = select(_RANKED.c.definition_id).where(_RANKED.c.place == 1).order_by(_RANKED.c.key)


def decide(
    unit: Unit, definition_id: int, key: str, active_from: datetime | None, by: str, reason: str | None = None
) -> None:
    """New cases of the type start with this version from then on; from now on, if that is left out."""
    row = {"definition_id": definition_id, "key": key, "active_from": active_from or unit.now, "decided_at": unit.now,
           "decided_by": by, "reason": reason}  # fmt: skip
    unit.execute(insert(activations), row)
    acts.note(unit, "version-activated", by, key, definition=definition_id, reason=reason,
              active_from=row["active_from"].isoformat())  # fmt: skip


def decisions(unit: Unit, definition_id: int) -> list[Row[Any]]:
    """All that was decided about a version, oldest first."""
    mine = select(activations).where(activations.c.definition_id == definition_id)
    return unit.all(mine.order_by(activations.c.id))


def of_type(unit: Unit, key: str) -> list[Row[Any]]:
    """All that was decided about the versions of a report type, newest first."""
    return unit.all(select(activations).where(activations.c.key == key).order_by(activations.c.id.desc()))


def last_decided(unit: Unit) -> dict[int, datetime]:
    """By version, since when (or from when on) new cases start with it, as it was decided last."""
    rows = unit.all(select(activations.c.definition_id, activations.c.active_from).order_by(activations.c.id))
    return {row.definition_id: row.active_from for row in rows}
