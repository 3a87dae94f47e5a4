"""A key is lost for good: what it had sealed is given up, so that the hotline can go on.

Nobody can read it again, so it goes as an erased person's does (`engine.erasure.emptying`). What the office counts
stays: numbers, types, areas, agencies, times, statuses, the course of each case. A process whose state is gone cannot
go on: it ends, and its case is closed, to be opened anew by whoever still needs something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, delete, null, or_, select, update

from engine import acts, model
from engine.errors import NotFound, WrongState
from engine.model.sealed import SealedBytes, SealedJSON
from engine.privacy import keys
from engine.queues import presence
from engine.record.chain import EMPTIED, GIVEN_UP
from engine.runtime import Unit
from engine.storage import sealing

WHY = "key-lost"
_SAID = "The key of what it says was lost."
_LISTS = ("story", "refusals", "unread")  # columns
_NO_USE: tuple[tuple[Table, str], ...] = (  # without what was sealed
    (model.inbox, "answer"), (model.second_factors, "secret"), (model.attachments, "name"),
)  # fmt: skip
_OWED: tuple[tuple[Table, str, tuple[str, ...], dict[str, Any]], ...] = (  # what cannot be done any more
    (model.outbox, "payload", ("ready", "leased"), {"state": "dead", "lease_owner": None, "last_error": _SAID}),
    (model.arrivals, "body", ("waiting",), {"state": "dead", "last_error": _SAID}),
    (model.fetches, "url", ("waiting",), {"state": "dead", "last_error": _SAID}),
    (model.case_messages, "payload", ("waiting",), {"state": "dead", "last_error": _SAID}),
    (model.import_rows, "answers", ("ready", "waiting"), {"state": "refused"}),
    (model.batches, "payload", ("running", "held"), {"state": "cancelled"}),
)


@dataclass(frozen=True)
class Given:
    """Attributes:
    cases: how many have lost something; ended: the numbers of those that were open, and had to be closed.
    """

    cases: int
    ended: list[str]


def give_up(unit: Unit, key_id: str, *, by: str) -> Given:
    """Empty everything that a key has sealed, and need it no more.

    Raises:
        NotFound: nothing here was sealed with such a key.
        WrongState: the key is here, or a worker has it.
    """
    if key_id in sealing.ring().by_id:
        raise WrongState(f"The key {key_id} is here: nothing is lost. `thongsuot keys rotate` seals with the newest.")
    if key_id not in keys.missing(unit):
        raise NotFound(f"Nothing here was sealed with a key {key_id}: `thongsuot keys list` names them.")
    if presence.present(unit).count:
        raise WrongState("A worker is at work, so the key is not lost: copy the data.keys of that machine. If it was "
                         "killed, wait for a minute.")  # fmt: skip
    touched = _touched(unit, key_id)
    ended = _end(unit, key_id)
    _let_go(unit, key_id)
    _empty(unit, key_id, touched)
    unit.execute(delete(model.data_keys).where(model.data_keys.c.id == key_id))
    acts.note(unit, GIVEN_UP, by, key_id, cases=len(touched), ended=len(ended))
    return Given(len(touched), ended)


def _touched(unit: Unit, key_id: str) -> list[int]:
    """The cases of which something was sealed with it."""
    found: set[int] = set()
    for table, columns in keys.sealed_columns():
        case = table.c.id if table is model.cases else table.c.get("case_id")
        if case is not None:
            sealed = or_(*(keys.sealed_by(column, key_id) for column in columns))
            found |= {row[0] for row in unit.all(select(case).where(sealed, case.is_not(None)).distinct())}
    return sorted(found)


def _end(unit: Unit, key_id: str) -> list[str]:
    """End the processes whose state is gone; the numbers of the cases that this closes."""
    gone = (model.instances.c.finished_at.is_(None), keys.sealed_by(model.instances.c.state, key_id))
    those, now = select(model.instances.c.case_id).where(*gone), unit.now
    cases, tasks, deadlines, incidents = model.cases, model.tasks, model.deadlines, model.incidents
    still_open = (cases.c.id.in_(those), cases.c.closed_at.is_(None))
    numbers = [row.number for row in unit.all(select(cases.c.number).where(*still_open).order_by(cases.c.id))]
    cancelled = {"status": "cancelled", "finished_at": now, "finished_by": "system"}
    unit.execute(update(tasks).where(tasks.c.case_id.in_(those), tasks.c.status == "open").values(cancelled))
    unit.execute(update(deadlines).where(deadlines.c.case_id.in_(those), deadlines.c.settled_at.is_(None))
                 .values(settled_at=now))  # fmt: skip
    unit.execute(update(incidents).where(incidents.c.case_id.in_(those), incidents.c.resolved_at.is_(None))
                 .values(resolved_at=now, resolved_by="system"))  # fmt: skip
    unit.execute(delete(model.jobs).where(model.jobs.c.case_id.in_(those)))
    unit.execute(delete(model.subscriptions).where(model.subscriptions.c.case_id.in_(those)))
    closed = {"closed_at": now, "paused_at": None, "suspended_at": None}
    unit.execute(update(cases).where(*still_open).values(closed))
    unit.execute(update(model.instances).where(*gone).values(finished_at=now))
    return numbers


def _let_go(unit: Unit, key_id: str) -> None:
    for table, column in _NO_USE:
        unit.execute(delete(table).where(keys.sealed_by(table.c[column], key_id)))
    for table, column, states, values in _OWED:
        sealed = keys.sealed_by(table.c[column], key_id)
        unit.execute(update(table).where(table.c.state.in_(states), sealed).values(values))


def _empty(unit: Unit, key_id: str, touched: list[int]) -> None:
    cases = model.cases
    over = (keys.sealed_by(cases.c.report, key_id), cases.c.closed_at.is_not(None), cases.c.emptied_at.is_(None))
    unit.execute(update(cases).where(*over).values(emptied_at=unit.now, search_text=""))
    for table, columns in keys.sealed_columns():
        for column in columns:
            unit.execute(update(table).where(keys.sealed_by(column, key_id)).values({column.name: _nothing(column)}))
    for case_id in touched:
        unit.record(case_id, EMPTIED, "system", why=WHY)


def _nothing(column: Column[Any]) -> Any:
    if isinstance(column.type, SealedJSON):
        return [] if column.name in _LISTS else {}
    if column.nullable:
        return null()
    return b"" if isinstance(column.type, SealedBytes) else ""
