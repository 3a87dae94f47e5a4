"""What was acknowledged against what is there, and what became of each case against what its diagram says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, update

from engine import model
from engine.queues.outbox import ATTEMPTS_MAX
from engine.runtime import Runtime
from tests import crash_type
from tests.chaos.callers import Callers
from tests.chaos.gateway import Gateway

PASSED = Counter(crash_type.PASSED - {"ask"})
TEXTS = Counter(crash_type.TEXTS)


def unfinished(runtime: Runtime) -> int:
    """How much has still to happen."""
    with runtime.read() as unit:
        running = unit.scalar(select(func.count()).where(model.instances.c.finished_at.is_(None)))
        owed = unit.scalar(select(func.count()).where(model.outbox.c.state.in_(["ready", "leased"])))
        due = unit.scalar(select(func.count()).where(model.jobs.c.state != "incident"))
    return int(running + owed + due)


def hurry(runtime: Runtime) -> int:
    """What waits only for its next attempt is told not to wait; how much that was."""
    hurried = 0
    with runtime.begin() as unit:
        for table in (model.outbox, model.jobs):
            later = update(table).where(table.c.state == "ready", table.c.due_at > unit.now, table.c.attempts > 0)
            hurried += unit.execute(later.values(due_at=unit.now)).rowcount
    return hurried


def drawn_up(runtime: Runtime, callers: Callers, gateway: Gateway) -> dict[str, Any]:
    """The figures, of which `amiss` says what must not be."""
    with runtime.read() as unit:
        cases, tasks, owed, events, incidents, instances = (
            unit.all(select(table)) for table in
            (model.cases, model.tasks, model.outbox, model.events, model.incidents, model.instances)
        )  # fmt: skip
        answered = {row.answer.get("body", {}).get("number") for row in unit.all(select(model.inbox))}
    numbers, done = {case.number for case in cases}, {task.id for task in tasks if task.status == "done"}
    texts = {row.key for row in owed if row.kind == "sms" and row.state == "sent"}
    passed = _by_case((event.case_id, element) for event in events for element in event.data.get("passed", ()))
    written = _by_case((row.case_id, row.topic) for row in owed)
    finished = [row.case_id for row in instances if row.finished_at is not None]
    dead = [row.key for row in owed if row.state == "dead"]
    lost = {
        "cases": len(set(callers.reported.values()) - numbers),
        "tasks": len(callers.completed - done),
        "steps": sum((PASSED - passed[case_id]).total() for case_id in finished),
        "messages that were never written": sum((TEXTS - written[case_id]).total() for case_id in finished),
        "messages": len(texts - set(gateway.taken)),
    }
    doubled = {
        "cases": len(numbers - answered),  # each key has one answer, also where its caller gave up before it came
        "tasks": _more_than_once(event.data["task"] for event in events if event.kind == "task-completed"),
        "steps": sum((elements - PASSED).total() for elements in passed.values()),
        "messages": _more_than_once((row.case_id, row.topic) for row in owed),
    }
    return {
        "acknowledged": {"cases": len(callers.reported), "tasks": len(callers.completed)},
        "found": {"cases": len(cases), "tasks": len(done), "messages": len(texts)},
        "lost": lost, "doubled": doubled, "incidents": len(incidents),
        "dead messages": len(dead),
        "of them refused by the gateway each time": sum(gateway.refused[key] >= ATTEMPTS_MAX for key in dead),
        "repeated to the gateway under the same key": sum(gateway.taken.values()) - len(gateway.taken),
        "answers": dict(sorted(callers.statuses.items())),
    }  # fmt: skip


def amiss(found: dict[str, Any]) -> list[str]:
    """What must not be, a line for each; of a run without faults or without a watch on growth, what there is of it."""
    said = [f"{count} {what} lost" for what, count in found["lost"].items() if count]
    said += [f"{count} {what} doubled" for what, count in found["doubled"].items() if count]
    said += [f"{count} {what}" for what in ("unfinished", "incidents") if (count := found[what])]
    if (given_up := found["dead messages"] - found["of them refused by the gateway each time"]) > 0:
        said.append(f"{given_up} messages given up that the gateway would have taken")
    for what, count in found["acknowledged"].items():
        if count < found["to be acknowledged at least"]:
            said.append(f"only {count} {what} acknowledged")
    said += [f"{count} times nothing was acknowledged any more after {what}"
             for what, count in found.get("not recovered from", {}).items()]  # fmt: skip
    return said + [f"{what} has grown too much" for what in found.get("grown too much", ())]


def _by_case(things: Iterable[tuple[int, str]]) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for case_id, thing in things:
        found[case_id][thing] += 1
    return found


def _more_than_once(things: Iterable[Any]) -> int:
    return sum(count - 1 for count in Counter(things).values())
