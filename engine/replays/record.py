"""What people did to a case, and when, as a replay needs it: from the case's row, its tasks and its history."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from engine import messages
from engine.flow.codec import data_of
from engine.model import cases, events, incidents, instances, outbox, tasks
from engine.packages import Package
from engine.runtime import Unit
from engine.versions import anatomy

_BY_HAND = {  # what no replay does again -> why it cannot be replayed
    "modified": "Somebody put its tokens elsewhere.",
    "migrated": "It was moved to another version while it ran.",
    "merged": "It was joined to another case by hand.",
    "suspended": "It was suspended for a while.",
    "incident-opened": "A fault of its report type held it up.",
    "received-instead": "It was taken for another type, which was suspended.",
}


@dataclass
class Answered:
    """What became of a task.

    Attributes:
        how: ``done``, ``returned``, or ``left``: it ended, or stayed open, without anybody's answer.
        after: how long it took from when it opened.
        said: the answers; of a return, what the process is told.
    """

    group: str
    how: str
    after: timedelta = timedelta()
    said: dict[str, Any] = field(default_factory=dict)


@dataclass
class Served:
    """What became of a call of a service.

    Attributes:
        topic, asked: the service, and what it was given.
        how: ``answered``, ``failed`` (with an error that the diagram foresees), or ``left``: nobody answered it before
            the process went on.
        after: how long it took from when it was asked.
        said: the answer; of an error, what became variables.
        code, message: of an error.
    """

    topic: str = ""
    asked: dict[str, Any] = field(default_factory=dict)
    how: str = "left"
    after: timedelta = timedelta()
    said: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    message: str = ""


@dataclass
class Said:
    """What reached the case otherwise.

    Attributes:
        what: message, pause, resume, extend, reassign, task-reassigned.
        facts: of that: ``name`` and ``payload``, ``until``, ``agency``, ``element`` and ``visit``.
    """

    at: datetime
    what: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Record:
    """A case as it was.

    Attributes:
        case: its row, with ``visible``: whether its number may be told.
        answers: of tasks, by element, in the order in which they opened.
        served: calls of services, by element, in the order in which they were made.
        passed: elements, how often each.
        found: the numbers of reports like it that its process was told of; ``repeats``: of the one it repeats.
        why_not: why it cannot be replayed; empty if it can.
    """

    case: Row[Any]
    answers: dict[str, deque[Answered]]
    served: dict[str, list[Served]]
    said: list[Said]
    passed: Counter[str]
    found: list[str]
    repeats: str = ""
    why_not: str = ""


def closed(unit: Unit, report_type: str, since: datetime, before: datetime, limit: int) -> list[Row[Any]]:
    """The cases of a type that were closed in that time, the newest first: ``id`` and ``definition_id``."""
    found = select(cases.c.id, cases.c.definition_id).where(
        cases.c.report_type == report_type, cases.c.closed_at >= since, cases.c.closed_at < before,
        cases.c.emptied_at.is_(None),  # nothing tells any more what people said
    )
    return unit.all(found.order_by(cases.c.closed_at.desc(), cases.c.id.desc()).limit(limit))


def last_line(unit: Unit) -> datetime:
    """When something happened last: nothing that fell due later has happened yet."""
    found = unit.first(select(events.c.at).order_by(events.c.id.desc()).limit(1))
    return found.at if found else unit.now


def of(unit: Unit, ids: Sequence[int], visible: ColumnElement[bool]) -> list[Record]:
    """What happened to these cases, in this order.

    Args:
        visible: whose numbers may be told.
    """
    columns = (*cases.c, instances.c.state, visible.label("visible"))
    rows = {row.id: row for row in unit.all(select(*columns).join(instances).where(cases.c.id.in_(ids)))}
    lines, work, calls = ({id: [] for id in ids} for _ in range(3))  # type: ignore[var-annotated]
    for line in unit.all(select(events).where(events.c.case_id.in_(ids)).order_by(events.c.id)):
        lines[line.case_id].append(line)
    for task in unit.all(select(tasks).where(tasks.c.case_id.in_(ids)).order_by(tasks.c.id)):
        work[task.case_id].append(task)
    asked = select(outbox).where(outbox.c.case_id.in_(ids), outbox.c.kind == "service").order_by(outbox.c.id)
    for call in unit.all(asked):
        calls[call.case_id].append(call)
    waited = _only_waited(unit, ids)
    return [_record(unit.catalogue.pinned(unit, rows[id].definition_id), rows[id],
                    [line for line in lines[id] if line.data.get("incident") not in waited], work[id], calls[id])
            for id in ids if id in rows]  # fmt: skip


def _only_waited(unit: Unit, ids: Sequence[int]) -> set[int]:
    """Incidents of services that did not answer for long: they kept nothing else of the case from going on."""
    found = unit.all(select(incidents.c.id, incidents.c.step).where(incidents.c.case_id.in_(ids)))
    return {row.id for row in found if row.step.get("kind") == "outbox"}


def _record(
    package: Package, case: Row[Any], lines: list[Row[Any]], work: list[Row[Any]], calls: list[Row[Any]]
) -> Record:
    returned = {line.data["task"]: line for line in lines if line.kind == "returned"}
    answers: dict[str, deque[Answered]] = {}
    places: dict[int, tuple[str, int]] = {}
    for task in work:
        mine = answers.setdefault(task.element, deque())
        places[task.id] = task.element, len(mine)
        mine.append(_answered(task, returned.get(task.id)))
    passed: Counter[str] = Counter()
    found: list[str] = []
    for line in lines:
        passed.update(line.data.get("passed", ()))
        found += line.data["numbers"] if line.kind == "duplicates-found" else []
    why_not = next((_BY_HAND[line.kind] for line in lines if line.kind in _BY_HAND), "")
    if not why_not and any(call.answer is None for call in calls if call.state == "sent"):
        why_not = "A service answered it when answers were not kept yet."
    repeats = str(data_of(case.state).get("ma_goc") or "") if case.duplicate_of is not None else ""
    said = _said(package, case, lines, places)
    return Record(case, answers, _served(lines, calls), said, passed, found, repeats, why_not)


def _served(lines: list[Row[Any]], calls: list[Row[Any]]) -> dict[str, list[Served]]:
    """A call that was given up when the process went on without it has no row: only its token is known."""
    known = {call.token: _became(call) for call in calls if call.answer is not None}
    found: dict[str, list[Served]] = {}
    for line in lines:
        for token, element in line.data.get("came", ()):
            found.setdefault(element, []).append(known.get(token, Served()))
    return found


def _became(call: Row[Any]) -> Served:
    how = "failed" if "error" in call.answer else "answered"
    return Served(call.topic, call.payload, how, call.sent_at - call.created_at, call.answer["said"],
                  call.answer.get("error", ""), call.answer.get("message", ""))  # fmt: skip


def _answered(task: Row[Any], returned: Row[Any] | None) -> Answered:
    if task.status == "done":
        return Answered(task.group, "done", task.finished_at - task.created_at, task.answers or {})
    if returned is not None:
        payload = {"ly_do": returned.data["reason"], "don_vi_tra_lai": task.group}
        return Answered(task.group, "returned", returned.at - task.created_at, payload)
    return Answered(task.group, "left")


def _said(
    package: Package, case: Row[Any], lines: list[Row[Any]], places: dict[int, tuple[str, int]]
) -> list[Said]:
    """In order. Which message a step took, is told by a line beside it: of the same unit, so of the same instant."""
    gives = _given_by_messages(package)
    known, reopenings = data_of(case.state), 0
    found = []
    for line in lines:
        if line.kind == "message":
            payload = {name: known[name] for name in gives.get(line.data["message"], ()) if name in known}
            found.append(Said(line.at, "message", {"name": line.data["message"], "payload": payload}))
        elif line.kind == "rated":
            payload = {"danh_gia": line.data["stars"]}
            found.append(Said(line.at, "message", {"name": messages.RATING, "payload": payload}))
        elif line.kind == "asked":
            payload = {"cau_hoi": line.data["question"], "co_quan_giam_sat": line.data["agency"]}
            found.append(Said(line.at, "message", {"name": messages.QUESTION, "payload": payload}))
        elif line.kind == "moved" and line.data.get("step") == "Deliver" and _is_reopening(line, lines):
            reopenings += 1
            payload = {"ly_do_phan_anh_lai": known.get("ly_do_phan_anh_lai", ""), "so_lan_phan_anh_lai": reopenings}
            found.append(Said(line.at, "message", {"name": messages.REOPEN, "payload": payload}))
        elif line.kind in ("paused", "resumed") and line.actor != "system":
            found.append(Said(line.at, {"paused": "pause", "resumed": "resume"}[line.kind]))
        elif line.kind == "extended":
            found.append(Said(line.at, "extend", {"until": datetime.fromisoformat(line.data["due_at"])}))
        elif line.kind == "reassigned":
            found.append(Said(line.at, "reassign", {"agency": line.data["agency"]}))
        elif line.kind == "task-reassigned" and line.data["task"] in places:
            element, visit = places[line.data["task"]]
            facts = {"element": element, "visit": visit, "agency": line.data["agency"]}
            found.append(Said(line.at, "task-reassigned", facts))
    return found


def _is_reopening(line: Row[Any], lines: Iterable[Row[Any]]) -> bool:
    beside = {other.kind for other in lines if other.at == line.at}
    return not beside & {"message", "rated", "asked", "returned"}


def _given_by_messages(package: Package) -> dict[str, list[str]]:
    """The variables that messages bring, as their events say (the property ``gives``)."""
    found: dict[str, list[str]] = {}
    for diagram in anatomy.diagrams(package):
        for node in diagram.nodes():
            names = [name.strip() for name in node.properties.get("gives", "").split(",") if name.strip()]
            for event in node.events:
                if event.kind == "message" and event.name:
                    found.setdefault(event.name, []).extend(names)
    return found
