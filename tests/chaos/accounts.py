"""What was acknowledged against what is there."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import func, select, update

from engine import model
from engine.runtime import Runtime
from tests import crash_type
from tests.chaos.callers import Callers
from tests.chaos.gateway import Gateway

PASSED = Counter(crash_type.PASSED - {"ask"})


def unfinished(runtime: Runtime) -> int:
    """How much has still to happen; what waits only for its next attempt is told not to wait."""
    with runtime.begin() as unit:
        for table in (model.outbox, model.jobs):
            later = update(table).where(table.c.state == "ready", table.c.due_at > unit.now, table.c.attempts > 0)
            unit.execute(later.values(due_at=unit.now))
        running = unit.scalar(select(func.count()).where(model.instances.c.finished_at.is_(None)))
        owed = unit.scalar(select(func.count()).where(model.outbox.c.state.in_(["ready", "leased"])))
        due = unit.scalar(select(func.count()).where(model.jobs.c.state != "incident"))
    return int(running + owed + due)


def drawn_up(runtime: Runtime, callers: Callers, gateway: Gateway) -> dict[str, Any]:
    """The figures; ``lost`` and ``doubled`` must be 0."""
    with runtime.read() as unit:
        cases, tasks, owed, events, incidents = (
            unit.all(select(table)) for table in (model.cases, model.tasks, model.outbox, model.events, model.incidents)
        )
        answered = {row.answer.get("body", {}).get("number") for row in unit.all(select(model.inbox))}
    numbers, done = {case.number for case in cases}, {task.id for task in tasks if task.status == "done"}
    texts = {row.key for row in owed if row.kind == "sms" and row.state == "sent"}
    lost = {
        "cases": len(set(callers.reported.values()) - numbers),
        "tasks": len(callers.completed - done),
        "messages": len(texts - set(gateway.taken)),
    }
    doubled = {
        "cases": len(numbers - answered),  # each key has one answer, also where its caller gave up before it came
        "tasks": _more_than_once(event.data["task"] for event in events if event.kind == "task-completed"),
        "steps": _passed_twice(events),
        "messages": _more_than_once((row.case_id, row.topic) for row in owed),
    }
    return {
        "acknowledged": {"cases": len(callers.reported), "tasks": len(callers.completed)},
        "found": {"cases": len(cases), "tasks": len(done), "messages": len(texts)},
        "lost": lost, "doubled": doubled,
        "incidents": len(incidents), "dead messages": sum(row.state == "dead" for row in owed),
        "repeated to the gateway under the same key": sum(gateway.taken.values()) - len(gateway.taken),
        "answers": dict(sorted(callers.statuses.items())),
    }  # fmt: skip


def _more_than_once(things: Any) -> int:
    return sum(count - 1 for count in Counter(things).values())


def _passed_twice(events: list[Any]) -> int:
    """Elements that a case passed more often than its diagram says."""
    passed = Counter((event.case_id, element) for event in events for element in event.data.get("passed", ()))
    return sum(count - 1 for count in passed.values() if count > 1)
