"""Nothing of a person is kept any more in a case that is over; what the office counts stays.

People, files and places go; of what was said, answered and written, the words stay behind the veil for good: without
the numbers, the names and the answers that tell who somebody is (`engine.language.masks`). Lines of history that hold
more than where the process went lose their data, and a line says so (`EMPTIED`): the chain of the record knows it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Table, delete, null, or_, select, update

from engine import model
from engine.errors import WrongState
from engine.files import unclaimed
from engine.files.attachments import Store
from engine.flow.codec import emptied
from engine.language.masks import WAYS, known, veiled
from engine.language.vietnamese import fold
from engine.model.records import PLAIN
from engine.record.chain import EMPTIED
from engine.runtime import Runtime, Unit

_WORDS: tuple[tuple[Table, str], ...] = (
    (model.tasks, "answers"), (model.comments, "text"), (model.deadlines, "story"), (model.unmaskings, "reason"),
    (model.incidents, "message"),
)  # fmt: skip
_GONE: tuple[tuple[Table, dict[str, Any]], ...] = (
    (model.people, dict.fromkeys(("name", "address", *WAYS))),
    (model.outbox, {"payload": {}, "answer": null(), "last_error": None, "error_details": None}),
    (model.incidents, {"step": {}, "detail": "", "annotation": None}),
    (model.fetches, {"url": ""}), (model.arrivals, {"body": b"", "last_error": None}),
    (model.jobs, {"payload": {}, "last_error": None}),
    (model.migration_cases, {"before": None, "changes": null()}),
)  # fmt: skip


def whole(runtime: Runtime, case_id: int, *, by: str, why: str, store: Store | None) -> bool:
    """Empty a case, in a unit of its own; ``False``: it cannot be just now, see `obstacle`."""
    try:
        with runtime.begin() as unit:
            files = empty(unit, case_id, by=by, why=why)
    except WrongState:
        return False
    if store is not None:
        throw_away(runtime, store, files)
    return True


def obstacle(unit: Unit, case_id: int) -> str | None:
    """Why a case cannot be emptied: open, running (its process has not ended), held, or emptied already."""
    return _obstacle(unit, *_locked(unit, case_id))


def _obstacle(unit: Unit, case: Row[Any], state: Row[Any] | None) -> str | None:
    if case.closed_at is None:
        return "open"
    if state is not None and state.finished_at is None:
        return "running"
    if case.emptied_at is not None:
        return "emptied"
    return "held" if unit.first(select(model.holds.c.case_id).where(model.holds.c.case_id == case.id)) else None


def empty(unit: Unit, case_id: int, *, by: str, why: str) -> list[str]:
    """Returns:
        the files that were the case's, by their sha256: nobody knows them any more, unless another case has them too.

    Raises:
        WrongState: see `obstacle`.
    """
    case, state = _locked(unit, case_id)
    if (there := _obstacle(unit, case, state)) is not None:
        raise WrongState(f"The personal data of this case stays as it is: the case is {there}.", state=there)
    package = unit.catalogue.pinned(unit, case.definition_id)
    links = unit.all(select(model.fetches.c.url).where(model.fetches.c.case_id == case_id, model.fetches.c.url != ""))
    people = known(unit.all(select(model.people).where(model.people.c.case_id == case_id)))
    names = (*(fold(row.url) for row in links), *people)
    for table, column in _WORDS:
        _veil(unit, table, column, table.c.case_id == case_id, names, package.personal)
    files = [row.sha256 for row in unit.all(select(model.attachments).where(model.attachments.c.case_id == case_id))]
    unit.execute(delete(model.attachments).where(model.attachments.c.case_id == case_id))
    for table, values in _GONE:
        unit.execute(update(table).where(table.c.case_id == case_id).values(values))
    told = or_(model.case_messages.c.case_id == case_id, model.case_messages.c.sender_id == case_id)
    unit.execute(update(model.case_messages).where(told).values(payload={}, last_error=None))
    settled = model.case_messages.c.state != "waiting"
    unit.execute(update(model.case_messages).where(told, settled).values(key=None))
    if state is not None and state.state:
        kept = update(model.instances).where(model.instances.c.case_id == case_id)
        unit.execute(kept.values(state=emptied(state.state)))
    _empty_history(unit, case_id)
    values = {"report": veiled(case.report, names, package.personal), "place": "", "search_place": "",
              "search_text": "", "emptied_at": unit.now, "version": case.version + 1}  # fmt: skip
    unit.execute(update(model.cases).where(model.cases.c.id == case_id).values(values))
    unit.record(case_id, EMPTIED, by, why=why)
    return files


def throw_away(runtime: Runtime, store: Store, files: list[str]) -> None:
    """Delete files that no case has any more (`unclaimed.of_no_case`)."""
    if not files:
        return
    with runtime.begin() as unit:
        for one in unclaimed.of_no_case(unit, files):
            store.remove(one)


def _locked(unit: Unit, case_id: int) -> tuple[Row[Any], Row[Any] | None]:
    query = select(model.instances).where(model.instances.c.case_id == case_id)
    state = unit.first(query.with_for_update())
    return unit.all(select(model.cases).where(model.cases.c.id == case_id))[0], state


def _veil(
    unit: Unit, table: Table, column: str, whose: ColumnElement[bool], names: tuple[str, ...], personal: frozenset[str]
) -> None:
    for row in unit.all(select(table.c.id, table.c[column]).where(whose, table.c[column].is_not(None))):
        change = update(table).where(table.c.id == row.id)
        unit.execute(change.values({column: veiled(row[1], names, personal)}))


def _empty_history(unit: Unit, case_id: int) -> None:
    lines = unit.all(select(model.events.c.id, model.events.c.data).where(model.events.c.case_id == case_id))
    spoken = [line.id for line in lines if not line.data.keys() <= PLAIN]
    unit.execute(update(model.events).where(model.events.c.id.in_(spoken)).values(data={}))
