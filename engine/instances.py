"""The one corridor: every change of a running case goes through `advance`.

Load the state, let the machine take the step, write down what follows: the new state, tasks, timers, messages
awaited, things owed to the world, history and the case's own fields, all in the unit's transaction. An analyst's
mistake becomes an incident: the step is kept, the process stays where it was, and the unit can still commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from engine import births, clocks, correspondence, duplicates, lines, mail, registry
from engine.errors import InvalidRequest, NotFound, ProcessFault, Stale, Suspended, WrongState
from engine.flow.steps import MIRRORED, SECRECY, Answer, Complete, OpenTask, Outcome, Start, Step
from engine.model import cases, deadlines, instances, jobs, participants, subscriptions, tasks
from engine.packages import Package
from engine.places import areas
from engine.queues import incidents, outbox
from engine.runtime import Unit
from engine.sql import among
from engine.storage.prepared import Prepared, Upsert

UNWATCHED_MAX = 10_000  # steps of a case, after which it goes on by itself only when a person has looked
DUPLICATE = "trung"  # the outcome of a case that repeats another; the variable ``ma_goc`` holds that one's number

_RESTLESS = "This is step {:,} of the case: retry it if the case may go on by itself, close it if it runs in circles."

# Statements of the hot path are made once: building one costs more than running it.

_UNREAD = {"secret_hash", "search_text", "search_place", "report", "place", "subject"}  # by no step of any process
CASE_COLUMNS = (
    *(column for column in cases.c if column.name not in _UNREAD),
    *(instances.c.state, instances.c.revision, instances.c.finished_at),
)
_CASES = select(*CASE_COLUMNS).join(instances, instances.c.case_id == cases.c.id)
_FIND, _FIND_ALL = _CASES.where(cases.c.id == bindparam("id")), _CASES.where(among(cases.c.id, "ids"))
_LOAD, _LOAD_ALL = Prepared(_FIND), Prepared(_FIND_ALL)
# Both rows, so that whoever waited reads both as they have become; the instance first, as everybody locks it first.
_LOAD_LOCKED = Prepared(_FIND.with_for_update(of=[instances, cases], key_share=True))
_LOAD_FREE = Prepared(_FIND_ALL.with_for_update(of=[instances, cases], key_share=True, skip_locked=True))
_WRITE_STATE = Prepared(
    update(instances)
    .where(instances.c.case_id == bindparam("case"), instances.c.revision == bindparam("was"))
    .values(state=bindparam("new"), revision=bindparam("next"), finished_at=bindparam("ended"))
)
_ORIGINAL = cases.alias("original")
# Locked, so that two cases are never joined to each other at once, nor one to a case that is just being settled.
_REPEATED = Prepared(
    select(cases.c.id, cases.c.duplicate_of, cases.c.closed_at, _ORIGINAL.c.closed_at.label("original_closed_at"))
    .outerjoin(_ORIGINAL, _ORIGINAL.c.id == cases.c.duplicate_of)
    .where(cases.c.number == bindparam("number"), cases.c.province == bindparam("province"))
    .with_for_update(of=cases, key_share=True)
)
_JOINED_BEFORE = Prepared(
    update(cases).where(cases.c.duplicate_of == bindparam("case")).values(duplicate_of=bindparam("original"))
)
_DROP_JOBS = Prepared(delete(jobs).where(jobs.c.case_id == bindparam("case"), jobs.c.token == bindparam("left")))
_DROP_SUBSCRIPTIONS = Prepared(
    delete(subscriptions).where(
        subscriptions.c.case_id == bindparam("case"), subscriptions.c.token == bindparam("left")
    )
)
_SETTLE = Prepared(
    update(deadlines)
    .where(
        deadlines.c.case_id == bindparam("case"),
        deadlines.c.token == bindparam("left"),
        deadlines.c.settled_at.is_(None),
    )
    .values(settled_at=bindparam("at"))
)
_CANCEL_TASKS = Prepared(
    update(tasks)
    .where(tasks.c.case_id == bindparam("case"), tasks.c.token == bindparam("left"), tasks.c.status == "open")
    .values(status="cancelled", finished_at=bindparam("at"), finished_by="system")
)
_THIS_CASE = cases.c.id == bindparam("case")
_BEGIN = Prepared(
    insert(instances).values(
        case_id=bindparam("case"),
        definition_id=bindparam("definition"),
        state=bindparam("new"),
        revision=bindparam("next"),
        finished_at=bindparam("ended"),
    )
)
_OPEN_TASK = Prepared.insertion(
    tasks,
    *("case_id", "token", "element", "name", "form", "group", "report_type", "area", "created_at", "due_at"),
    status="open",
)
_AWAIT = Prepared.insertion(subscriptions, "case_id", "token", "message", "aside", "kind", "key")
_CONCERN = Upsert(
    lambda insert: (
        insert(participants)
        .values(agency=bindparam("agency"), case_id=bindparam("case"), part=bindparam("part"))
        .on_conflict_do_nothing()
    )
)


def load(unit: Unit, case_id: int) -> Row[Any]:
    """The case with its process state, locked until the unit ends.

    Raises:
        NotFound: there is no such case.
    """
    unit.anew()
    case = unit.first(_LOAD_LOCKED if unit.locks_rows else _LOAD, {"id": case_id})
    if case is None:
        raise NotFound(f"There is no case {case_id}.")
    return case


def load_free(unit: Unit, case_ids: Iterable[int]) -> list[Row[Any]]:
    """As `load`, of those that nobody else holds. SQLite has only one writer: nobody does."""
    unit.anew()
    return unit.all(_LOAD_FREE if unit.locks_rows else _LOAD_ALL, {"ids": list(case_ids)})


def begin(
    unit: Unit,
    case: Row[Any],
    data: dict[str, Any],
    *,
    by: str,
    concerned: str | None = None,
    brood: births.Brood | None = None,
    **facts: Any,
) -> None:
    """Start the process of a case that has just been written.

    Args:
        case: its row, with `registry.UNBORN` beside it.
        data: what the process knows from the start.
        concerned, brood: as for `advance`.
        facts: for the line of history that tells of the report.
    """
    told: dict[str, Any] = {"event": "received", "concerned": concerned} | facts
    if advance(unit, case.id, Start(data), by=by, case=case, brood=brood, **told) is None:
        _write_state(unit, case, Outcome())
        unit.record(case.id, "received", by, **facts)


def advance(
    unit: Unit,
    case_id: int,
    step: Step,
    *,
    by: str = "system",
    case: Row[Any] | None = None,
    event: str = "moved",
    element: str | None = None,
    concerned: str | None = None,
    brood: births.Brood | None = None,
    **facts: Any,
) -> Outcome | None:
    """Take a step in a case's process.

    Args:
        by: who made it happen.
        case: the row from `load`, where the caller has it already.
        concerned: an agency that is known to have a part in the case, besides the lead.
        brood: what comes of the step that this one follows from, in the same unit; left out: it follows from none.
        event, element, facts: the line of history that tells of it; every step taken has exactly one, with the
            kind of step and the elements passed.

    Returns:
        What came of it, in the end: a step that starts a case goes on with its number. ``None`` if the report type
        has a fault: an incident now holds the step.

    Raises:
        WrongState: nothing waits for this step.
        Suspended: the case is held.
    """
    case = case or load(unit, case_id)
    if case.suspended_at is not None:
        raise Suspended(f"The case {case.number} is suspended since {case.suspended_at:%Y-%m-%d %H:%M} UTC.")
    package = unit.catalogue.pinned(unit, case.definition_id)
    brood = brood or births.Brood(unit)
    try:
        if case.revision % UNWATCHED_MAX == UNWATCHED_MAX - 1 and by == "system":
            raise ProcessFault(_RESTLESS.format(case.revision + 1), element)
        brood.look_at_the_time(element)
        outcome = package.machine.take(case.state, step, clocks.moment(unit, package, case))
        changed = _changed(unit, case, outcome.data)
        _check_terms(package, outcome)
        letters = mail.compose(unit, package, case, outcome)
        children = births.conceive(unit, case, outcome, changed, brood)
        repeated = duplicates.answers(unit, case, outcome)
    except ProcessFault as fault:  # nothing has been written yet
        incidents.open(unit, case_id, fault, step)
        return None
    _write_state(unit, case, outcome)
    _close(unit, package, case_id, outcome, step, by)
    moved = {name: tokens for name, tokens in (("came", outcome.came), ("gone", outcome.gone)) if tokens}
    unit.record(case_id, event, by, element, step=type(step).__name__, passed=outcome.passed, **moved, **facts)
    _mirror(unit, package, case, outcome, changed)
    begun = _open(unit, package, case, outcome, concerned)
    clocks.arm(unit, package, case, outcome.armed, outcome.data, begun)
    _await(unit, case_id, outcome)
    mail.post(unit, letters)
    correspondence.rouse(unit, case, outcome)
    correspondence.post(unit, case, outcome)
    for child in children:
        outcome = _bear(unit, case, child, brood) or outcome
    for asked, answer in repeated:
        told = {"element": asked, "numbers": answer.result["trung_ma"]}
        outcome = _go_on(unit, case.id, answer, brood, event="duplicates-found", **told) or outcome
    if (said := lines.known(unit, case.id, step, outcome)) is not None:
        outcome = _go_on(unit, case.id, said, brood, event="message", message=said.message) or outcome
    return outcome


def _go_on(unit: Unit, case_id: int, step: Step, brood: births.Brood, **told: Any) -> Outcome | None:
    """What follows from a step, in the same unit; ``None``: what followed before has ended whatever waited for it."""
    with suppress(WrongState):
        return advance(unit, case_id, step, brood=brood, **told)
    return None


def _bear(unit: Unit, parent: Row[Any], child: births.Child, brood: births.Brood) -> Outcome | None:
    """A case that the process of another starts: it begins, and its number is the answer to the step that asked."""
    born = births.enter(unit, parent, child)
    begun = {"channel": born.channel, "report_type": born.report_type, "born_of": parent.number}
    begin(unit, born, registry.facts(unit, child.package, born), by="system", brood=brood, **begun)
    told = {"element": child.asked.element, "number": born.number, "report_type": born.report_type}
    answer = Answer(child.asked.token, {child.asked.result: born.number})
    return _go_on(unit, parent.id, answer, brood, event="case-started", **told)


def _write_state(unit: Unit, case: Row[Any], outcome: Outcome) -> None:
    revision = case.revision + (1 if outcome.state or case.state else 0)
    unit.states[case.id] = revision, outcome.state
    new = {"case": case.id, "new": outcome.state, "next": revision, "ended": unit.now if outcome.finished else None}
    if case.state is None:
        unit.write(_BEGIN, new | {"definition": case.definition_id})
        return
    changed = Stale(f"The case {case.number} has just been changed by somebody else.")
    unit.write(_WRITE_STATE, new | {"was": case.revision}, otherwise=changed)


def _close(unit: Unit, package: Package, case_id: int, outcome: Outcome, step: Step, by: str) -> None:
    """Tokens that wait no longer take their tasks, timers, subscriptions and calls of services with them."""
    promised = package.machine.definition.promised
    clocked = {
        token for token, element in outcome.left_tasks.items() if element in package.terms or element in promised
    }
    answered = step.token if isinstance(step, Complete) else None
    if outcome.left_timers and outcome.timers_wait:
        clocks.hand_on(unit, case_id, outcome.left_timers)
    for statement, left in (
        (_DROP_JOBS, clocked | outcome.left_timers),
        (_SETTLE, clocked | outcome.left_timers),
        (_DROP_SUBSCRIPTIONS, outcome.left_messages | outcome.left_signals),
        (_CANCEL_TASKS, outcome.left_tasks.keys() - {answered}),
    ):
        for token in sorted(left):
            unit.write(statement, {"case": case_id, "left": token, "at": unit.now})
    if outcome.left_calls:
        outbox.forget(unit, case_id, outcome.left_calls, by)


def _changed(unit: Unit, case: Row[Any], data: dict[str, Any]) -> dict[str, Any]:
    """The case fields that follow process variables of the same names, as far as those have changed.

    Raises:
        ProcessFault: a variable holds what its field cannot.
    """
    changed = {name: data[name] for name in MIRRORED if name in data and data[name] != getattr(case, name)}
    for name, value in changed.items():
        if (value is not None or name == "status") and not (isinstance(value, str) and len(value) <= 100):
            raise ProcessFault(f"The variable {name!r} is {value!r}; a case's {name} is a short text.")
    if "secrecy" in changed and not _is_raised(case.secrecy, changed["secrecy"]):
        del changed["secrecy"]
    if changed.get("area") and not _is_district(areas.find(unit, changed["area"], case.province)):
        raise ProcessFault(f"The variable 'area' is {changed['area']!r}, which is no area of the province "
                           "that cases are kept by; of a commune, name the district.")
    if "area" in changed or "commune" in changed:
        changed["commune"] = _commune(unit, case, data, changed.get("area", case.area))
    if changed.get("outcome") == DUPLICATE and data.get("ma_goc"):
        changed["duplicate_of"] = _original(unit, case, str(data["ma_goc"]).strip())
    return changed


def _commune(unit: Unit, case: Row[Any], data: dict[str, Any], area: str | None) -> str | None:
    """The case's commune, as long as it is in the case's district.

    Raises:
        ProcessFault: the variable holds what is no commune of the province.
    """
    code = data.get("commune", case.commune)
    if code is None:
        return None
    found = areas.find(unit, code, case.province)
    if found is None or _is_district(found):
        raise ProcessFault(f"The variable 'commune' is {code!r}, which is no commune of a district of the province.")
    return code if found.parent == area else None


def _is_district(area: Row[Any] | None) -> bool:
    return area is not None and area.parent is None


def _is_raised(was: str, now: Any) -> bool:
    """Whether a case becomes more secret: what a decision says can never make it less so.

    Raises:
        ProcessFault: there is no such class.
    """
    if now not in (None, *SECRECY):
        raise ProcessFault(f"The variable 'secrecy' is {now!r}; there are the classes {', '.join(SECRECY)}.")
    return now is not None and SECRECY.index(now) > SECRECY.index(was)


def _check_terms(package: Package, outcome: Outcome) -> None:
    """Raises:
    ProcessFault: a task is due by a promise that nobody made.
    """
    for task in outcome.opened:
        if task.term and task.term not in package.terms:
            raise ProcessFault(f"{task.name!r}: its term came out as {task.term!r}; type.toml has no [deadlines."
                               f"{task.term}].", task.element)


def _original(unit: Unit, case: Row[Any], number: str) -> int:
    """The case that this one repeats; where that one is itself a duplicate, its original.

    Raises:
        InvalidRequest: whoever said so mistyped the number, or that case's result has been told already.
    """
    found = unit.first(_REPEATED, {"number": number, "province": case.province})
    if found is None or case.id in (found.id, found.duplicate_of):
        said = f"There is no other case {number!r} in this province that {case.number} could repeat."
        raise InvalidRequest(said, errors={"ma_goc": "Trong tỉnh không có phản ánh nào khác mang mã này."})
    if (found.original_closed_at if found.duplicate_of else found.closed_at) is not None:
        said = f"The case {number} is settled: its result has been told. Answer {case.number} with it."
        told = "Phản ánh gốc đã có kết quả: hãy trả lời người dân bằng kết quả đó, không gộp."
        raise InvalidRequest(said, errors={"ma_goc": told})
    return int(found.duplicate_of or found.id)


def _mirror(unit: Unit, package: Package, case: Row[Any], outcome: Outcome, changed: dict[str, Any]) -> None:
    """Write the changed fields; the clock follows status and severity."""
    if "status" in changed:
        unit.record(case.id, "status", "system", status=changed["status"], was=case.status)
    if "secrecy" in changed:
        unit.record(case.id, "secrecy", "system", secrecy=changed["secrecy"], was=case.secrecy)
    for field, part in (("lead_agency", "lead"), ("monitor_agency", "monitor")):
        if changed.get(field):
            concern(unit, case.id, changed[field], part)
    values = clocks.follow(unit, package, case, outcome.data, outcome.finished)
    if "duplicate_of" in changed:  # whoever was joined to this one hears that one's result, too
        unit.write(_JOINED_BEFORE, {"case": case.id, "original": changed["duplicate_of"]})
    if changed.get("secrecy") in registry.UNSEARCHED:
        values |= {"search_text": ""}
    if values or changed:
        now = {name: getattr(case, name) for name in MIRRORED} | changed | values
        unit.write(_mirroring(*sorted(now)), {f"new_{name}": now[name] for name in now} | {"case": case.id})


@cache
def _mirroring(*names: str) -> Prepared:
    """Writes these columns of a case: those that are mirrored, and what else its clock moves, in a few combinations."""
    return Prepared(update(cases).where(_THIS_CASE).values({name: bindparam(f"new_{name}") for name in names}))


def concern(unit: Unit, case_id: int, agency: str, part: str) -> None:
    """From now on the case is one of this agency's."""
    unit.write(_CONCERN, {"agency": agency, "case": case_id, "part": part})


def hand(unit: Unit, case_id: int, agency: str, part: str) -> None:
    """The agency's part in the case is another: it was ``handed`` a task of it, or gave that back."""
    concern(unit, case_id, agency, part)
    mine = (participants.c.agency == agency, participants.c.case_id == case_id)
    unit.execute(update(participants).where(*mine).values(part=part))


def _open(unit: Unit, package: Package, case: Row[Any], outcome: Outcome, concerned: str | None) -> set[str]:
    """Open the tasks; the names of the deadlines that begin with them."""
    begun: set[str] = set()
    known = {case.lead_agency, concerned}  # the lead was told when it became that
    for task in outcome.opened:
        deadline = clocks.start_task(unit, package, case, task, outcome.data)
        begun |= {deadline.name} if deadline else set()
        row = {
            "case_id": case.id,
            "token": task.token,
            "element": task.element,
            "name": task.name,
            "form": task.form if task.form in package.forms else None,
            "group": task.group,
            "report_type": case.report_type,
            "area": outcome.data.get("area", case.area),
            "created_at": unit.now,
            "due_at": deadline.due_at if deadline else None,
        }
        unit.write(_OPEN_TASK, row)
        if task.group not in known:
            concern(unit, case.id, task.group, "task")
            known.add(task.group)
    for task in outcome.regrouped:
        _regroup(unit, case.id, task)
    return begun


def _regroup(unit: Unit, case_id: int, task: OpenTask) -> None:
    change = update(tasks).where(tasks.c.case_id == case_id, tasks.c.token == task.token, tasks.c.status == "open")
    nobodys = {"handed_by": None, "assignee": None, "owner": None}
    unit.execute(change.values(group=task.group, version=tasks.c.version + 1, **nobodys))
    concern(unit, case_id, task.group, "task")


def _await(unit: Unit, case_id: int, outcome: Outcome) -> None:
    for kind, awaited in (("message", outcome.awaited), ("signal", outcome.heard)):
        for token, name in awaited:
            row = {"case_id": case_id, "token": token, "message": name, "aside": token in outcome.aside, "kind": kind}
            unit.write(_AWAIT, row | {"key": outcome.keys.get(token)})
