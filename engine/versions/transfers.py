"""One running case in another version of its report type, and back.

`engine.flow.transfer` says whether its process fits; here the rows that belong to it follow: tasks keep their number,
holder, answers and due time and get the other version's name and form, timers keep their moment, messages their
waiting, calls of services stay owed. Every change is noted, so that the case can go back exactly as it came, as long
as no further step was taken. One unit, one case; nothing else happens to a case by moving it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import orjson
from sqlalchemy import Row, Table, and_, delete, insert, select, update

from engine import clocks, correspondence, instances, model
from engine.errors import ProcessFault
from engine.flow.codec import standing
from engine.flow.steps import Arrive, Outcome
from engine.flow.transfer import Carried, Elements, Misfit, carry
from engine.model import Instant, deadlines, incidents, jobs, outbox, subscriptions, tasks
from engine.packages import Package
from engine.queues import jobs as job_queue
from engine.runtime import Unit
from engine.versions import returned

_BEGUN = "It is just about to begin."


@dataclass(frozen=True)
class Plan:
    """From which version to which, and where ids of elements changed."""

    source: Package
    target: Package
    elements: Elements = field(default_factory=dict)


@dataclass(frozen=True)
class Moved:
    """What is needed to go back: the process as it was, its revision since, and the rows as they were."""

    revision: int
    before: bytes
    changes: list[dict[str, Any]]


def running(unit: Unit, case_ids: Iterable[int]) -> dict[int, list[Row[Any]]]:
    """The deadlines that run, by case."""
    found: dict[int, list[Row[Any]]] = {}
    query = select(deadlines).where(deadlines.c.case_id.in_(list(case_ids)), deadlines.c.settled_at.is_(None))
    for row in unit.all(query.order_by(deadlines.c.id)):
        found.setdefault(row.case_id, []).append(row)
    return found


def fit(unit: Unit, case: Any, plan: Plan, clocks_of_it: Sequence[Row[Any]]) -> Carried:
    """The case's process in the other version. Nothing is written.

    Args:
        case: its row, with ``state``.
        clocks_of_it: its deadlines that run.

    Raises:
        Misfit: it cannot be moved.
    """
    _check_status(case, plan)
    carried = Carried()
    if case.state:
        carried = carry(plan.source.machine.definition, plan.target.machine.definition, case.state, plan.elements)
    for row in clocks_of_it:
        kept = _kept(unit, row, carried)
        if kept is not None:
            _check_deadline(row, _term(kept, carried, plan), plan)
    dead_end = plan.target.outlook.dead_end(carried.state) if carried.state else None
    if dead_end is not None:
        raise Misfit(f"From where it stands, {dead_end}")
    if carried.asks:
        _try(unit, case, plan, carried)
    return carried


def move(unit: Unit, case: Row[Any], plan: Plan, *, by: str, **facts: Any) -> Moved:
    """Move a case.

    Args:
        case: its row from `instances.load`.
        by: log-in.
        facts: for the line of its history.

    Raises:
        Misfit: it cannot be moved; undo what the unit has written (a savepoint).
    """
    carried = fit(unit, case, plan, running(unit, [case.id]).get(case.id, []))
    ledger = Ledger(unit, case.id)
    _repoint(unit, case, plan, carried, ledger)
    renamed = _renamed(case.state, carried.state)
    told = {"version": plan.target.version, "was": plan.source.version, **renamed, **facts}
    if not case.state:
        _write(unit, case, case.state, case.revision)
        unit.record(case.id, "migrated", by, **told)
        return Moved(case.revision + 1, case.state, ledger.entries)
    there = _row(case, definition_id=plan.target.id, state=carried.state, suspended_at=None)
    outcome = instances.advance(unit, case.id, Arrive(carried.fresh), by=by, case=there, event="migrated", **told)
    if outcome is None:
        raise Misfit("What is new beside it there cannot be waited for: its expression fails.")
    _check_quiet(plan, outcome)
    _follow_running(unit, case, plan, carried, outcome)
    if any(entry["table"] == subscriptions.name and "was" in entry for entry in ledger.entries):
        correspondence.rouse_all_of(unit, case.id, case.number)
    return Moved(case.revision + 1, case.state, ledger.entries)


def back(
    unit: Unit, case: Row[Any], source_id: int, target_id: int, moved: Moved, *, by: str, **facts: Any
) -> None:  # fmt: skip
    """Put a moved case where it was: from the version ``target_id`` back to ``source_id``.

    Raises:
        Misfit: it has moved on since.
    """
    if case.definition_id != target_id:
        raise Misfit("It runs in yet another version by now.")
    if case.finished_at is not None:
        raise Misfit("It has come to its end since.")
    if case.revision != moved.revision:
        raise Misfit("It has gone on since.")
    if moved.before:
        serial = orjson.loads(moved.before)[1]
        for table in (jobs, subscriptions, deadlines):
            unit.execute(delete(table).where(table.c.case_id == case.id, table.c.token > serial))
    job_queue.recall(unit, case.id)
    heard = _heard(unit, case)
    Ledger(unit, case.id, moved.changes).restore()
    _rename_kept(unit, case, heard)
    package = unit.catalogue.pinned(unit, source_id)
    returned.keep_pace(unit, package, case, {one["row"]["token"] for one in moved.changes if "row" in one})
    _breaches_follow(unit, case, source_id)
    _write(unit, case, moved.before, case.revision)
    correspondence.rouse_all_of(unit, case.id, case.number)  # it may wait under other keys again
    kept = {one["token"] for one in standing(moved.before)}
    gone = [one["token"] for one in standing(case.state) if one["token"] not in kept]
    told = {"version": package.version, "gone": gone, **_renamed(case.state, moved.before), **facts}
    unit.record(case.id, "migration-undone", by, **told)


def _renamed(before: bytes, after: bytes) -> dict[str, list[Any]]:
    """For the line of history: the tokens that stand at an element of another name there."""
    now = {one["token"]: one["element"] for one in standing(after)}
    was = [(one["token"], one["element"]) for one in standing(before)]
    moved = [[token, now[token]] for token, element in was if now.get(token, element) != element]
    return {"renamed": moved} if moved else {}


# -- the rows that follow --------------------------------------------------------------------------------------------


@dataclass
class Ledger:
    """Changes of rows, noted as JSON so that they can be undone."""

    unit: Unit
    case_id: int
    entries: list[dict[str, Any]] = field(default_factory=list)

    def change(self, table: Table, row: Row[Any], **values: Any) -> None:
        """Change what differs."""
        now = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not now:
            return
        was = {name: getattr(row, name) for name in now}
        key = _key(table, row)
        self.unit.execute(update(table).where(_is(table, key)).values(now))
        self.entries.append({"table": table.name, "key": key | {name: now[name] for name in key if name in now},
                             "was": was})  # fmt: skip

    def remove(self, table: Table, row: Row[Any]) -> None:
        self.unit.execute(delete(table).where(_is(table, _key(table, row))))
        values = {str(name): value.isoformat() if isinstance(value, datetime) else value
                  for name, value in row._mapping.items()}  # fmt: skip
        self.entries.append({"table": table.name, "row": values})

    def restore(self) -> None:
        for entry in reversed(self.entries):
            table = model.metadata.tables[entry["table"]]
            if "row" in entry:
                self.unit.execute(insert(table).values(_read(table, entry["row"])))
            else:
                its = [table.c.case_id == self.case_id] if "case_id" in table.c else []  # SQLite reuses rows' numbers
                mine = update(table).where(_is(table, entry["key"]), *its)
                self.unit.execute(mine.values(_read(table, entry["was"])))


def _key(table: Table, row: Row[Any]) -> dict[str, Any]:
    """Its primary key; of a table without one, the whole row."""
    return {str(column.name): getattr(row, column.name) for column in [*table.primary_key] or [*table.c]}


def _is(table: Table, key: Mapping[str, Any]) -> Any:
    return and_(*(table.c[name] == value for name, value in key.items()))


def _read(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: datetime.fromisoformat(value) if isinstance(table.c[name].type, Instant) and value else value
            for name, value in values.items() if name != "id"}  # fmt: skip


def _breaches_follow(unit: Unit, case: Row[Any], version_id: int) -> None:
    """Where it stands, a deadline may have passed: that counts for the version in which it goes on
    (`engine.history.heat`).
    """
    late = update(tasks).where(tasks.c.case_id == case.id, tasks.c.status == "open", tasks.c.breached_at.is_not(None))
    unit.execute(late.values(breached_in=version_id))


def _repoint(unit: Unit, case: Row[Any], plan: Plan, carried: Carried, ledger: Ledger) -> None:
    for table, row in ((model.cases, case), (model.instances, _row(case, case_id=case.id))):
        ledger.change(table, row, definition_id=plan.target.id)
    _breaches_follow(unit, case, plan.target.id)
    for row in _of(unit, tasks, case, tasks.c.status == "open"):
        if row.token in carried.places:
            node: Any = carried.places[row.token][1]
            form = node.form if node.form in plan.target.forms else None
            ledger.change(tasks, row, element=node.bpmn_id, name=node.title, form=form)
    terms = _rename_deadlines(unit, case, plan, carried, ledger)
    _rename_jobs(unit, case, carried, ledger, terms)
    heard = _heard(unit, case)
    for row in _of(unit, subscriptions, case):
        if row.token in carried.dropped:
            ledger.remove(subscriptions, row)
        elif row.token in carried.places:
            ledger.change(subscriptions, row, message=carried.places[row.token][1].event_definition.name)  # type: ignore[attr-defined]
    for row in _of(unit, outbox, case, outbox.c.kind == "service", outbox.c.state != "sent"):
        if row.token in carried.places:
            ledger.change(outbox, row, element=carried.places[row.token][1].bpmn_id)
    for row in _of(unit, incidents, case, incidents.c.resolved_at.is_(None)):
        ledger.change(incidents, row, element=plan.elements.get(row.element or "", row.element) or row.element)
    _rename_kept(unit, case, heard)


def _heard(unit: Unit, case: Row[Any]) -> dict[int, str]:
    """What the case's tokens wait to hear, by token: names of messages and signals."""
    return {row.token: row.message for row in _of(unit, subscriptions, case)}


def _rename_kept(unit: Unit, case: Row[Any], before: dict[int, str]) -> None:
    """What somebody said and an incident keeps is for who waits for it, whatever that is called now."""
    now = _heard(unit, case)
    names = {before[token]: now[token] for token in sorted(before.keys() & now.keys(), reverse=True)}
    for row in _of(unit, incidents, case, incidents.c.resolved_at.is_(None)):
        said = {"Deliver": "message", "Hear": "signal"}.get(row.step.get("kind", ""))
        if said is not None and row.step[said] in names:
            step = row.step | {said: names[row.step[said]]}
            unit.execute(update(incidents).where(incidents.c.id == row.id).values(step=step))


def _rename_deadlines(
    unit: Unit, case: Row[Any], plan: Plan, carried: Carried, ledger: Ledger
) -> dict[tuple[int, str], str]:
    """(token, old name) -> new name. Those that only timers followed which are given up are given up, too."""
    names = {}
    for row in running(unit, [case.id]).get(case.id, []):
        kept = _kept(unit, row, carried)
        if kept is None:
            ledger.remove(deadlines, row)
            continue
        names[row.token, row.name] = _term(kept, carried, plan)
        ledger.change(deadlines, row, name=names[row.token, row.name], token=kept.token)
    return names


def _kept(unit: Unit, row: Row[Any], carried: Carried) -> Any:
    """A deadline under the token with which it goes on; ``None``: with none."""
    if row.token not in carried.dropped:
        return row
    heir = clocks.heir(unit, row, carried.dropped)
    return None if heir is None else _row(row, token=heir)


def _rename_jobs(
    unit: Unit, case: Row[Any], carried: Carried, ledger: Ledger, terms: dict[tuple[int, str], str]
) -> None:
    job_queue.recall(unit, case.id)
    by_name = {name: new for (_, name), new in terms.items()}
    for row in _of(unit, jobs, case):
        if row.token in carried.dropped:
            ledger.remove(jobs, row)
            continue
        for key in ("deadline", "term"):
            if row.payload.get(key):
                name = row.payload[key]
                new = terms.get((row.token, name)) or by_name.get(name, name)
                ledger.change(jobs, row, payload=row.payload | {key: new})


def _term(row: Row[Any], carried: Carried, plan: Plan) -> str:
    """What a deadline is called there: one that is called like its element goes with that."""
    here, there = carried.places.get(row.token, (None, None))
    if here is not None and there is not None and row.name == here.bpmn_id:
        return str(there.bpmn_id)
    if row.name in plan.target.terms or row.name not in plan.elements:
        return str(row.name)
    return plan.elements[row.name] or str(row.name)


def _follow_running(unit: Unit, case: Row[Any], plan: Plan, carried: Carried, outcome: Outcome) -> None:
    """A new timer that follows the deadline of the task it is drawn on follows the one that runs."""
    hosts = {name: notes["host"] for _, name, notes in carried.fresh if "host" in notes}
    for timer in outcome.armed:
        row = next((one for one in running(unit, [case.id]).get(case.id, [])
                    if one.name == timer.term and one.token == hosts.get(timer.element)), None)  # fmt: skip
        if row is not None:
            clocks.follow_running(unit, plan.target, timer.token, timer.mark or "due", row)


# -- whether it may ----------------------------------------------------------------------------------------------------


def _check_status(case: Any, plan: Plan) -> None:
    here, there = plan.source.status(case.status), plan.target.status(case.status)
    if here and not there:
        raise Misfit(f"Its status {case.status!r} is none there.")
    if any(here.get(name) != there.get(name) for name in ("open311", "paused")):
        raise Misfit(f"Its status {case.status!r} means something else there: open, closed or paused.")


def _check_deadline(row: Row[Any], name: str, plan: Plan) -> None:
    if name not in plan.target.terms and row.name in plan.source.terms:
        raise Misfit(f"Its deadline {row.name!r} runs, and there is no [deadlines.{name}] there.")
    if row.calendar not in plan.target.terms.calendars:
        raise Misfit(f"Its deadline {row.name!r} runs on the calendar {row.calendar!r}, which is not there.")


def _try(unit: Unit, case: Any, plan: Plan, carried: Carried) -> None:
    there = _row(case, definition_id=plan.target.id, state=carried.state)
    try:
        moment = clocks.moment(unit, plan.target, there)
        outcome = plan.target.machine.take(carried.state, Arrive(carried.fresh), moment)
    except ProcessFault as fault:
        raise Misfit(f"What is new beside it there cannot be waited for: {fault.message}") from None
    _check_quiet(plan, outcome)


def _check_quiet(plan: Plan, outcome: Outcome) -> None:
    if outcome.passed or outcome.opened or outcome.effects:
        passed = ", ".join(map(plan.target.machine.describe, outcome.passed)) or "where it stands"
        raise Misfit(f"It would go on there at once, past {passed}: by moving a case, nothing happens to it.")


# -- particulars -------------------------------------------------------------------------------------------------------


def _of(unit: Unit, table: Table, case: Row[Any], *conditions: Any) -> list[Row[Any]]:
    return unit.all(select(table).where(table.c.case_id == case.id, *conditions))


def _row(case: Any, **other: Any) -> Any:
    columns = case._mapping if isinstance(case, Row) else vars(case)
    return SimpleNamespace(**{**columns, **other})


def _write(unit: Unit, case: Row[Any], state: bytes, revision: int) -> None:
    mine = (model.instances.c.case_id == case.id, model.instances.c.revision == revision)
    if not unit.claims(update(model.instances).where(*mine).values(state=state, revision=revision + 1)):
        raise Misfit(_BEGUN)
