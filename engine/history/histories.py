"""What a case went through, element by element.

Every step that is taken leaves a line of history with the elements passed, the tokens that came to wait somewhere and
those that went (`instances.advance`). Lines from before tokens were noted tell only what was passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from engine.model import cases, events, tasks
from engine.people import access
from engine.people.access import Account
from engine.runtime import Unit

CHUNK = 200


@dataclass
class Visit:
    """A token's stay at an element.

    Attributes:
        token: 0 for what was passed without waiting.
        left_at: ``None``: it is still there.
        by: who made it come to an end: log-in, "citizen" or "system".
        how: ``completed`` or ``cancelled``; ``None`` while it is there.
        agency: whose task it was, with ``due_at`` and ``breached_at`` of that.
    """

    element: str
    token: int
    entered_at: datetime
    left_at: datetime | None = None
    by: str | None = None
    how: str | None = None
    agency: str | None = None
    due_at: datetime | None = None
    breached_at: datetime | None = None

    def seconds(self, now: datetime) -> float:
        """How long it was there, or has been so far."""
        return ((self.left_at or now) - self.entered_at).total_seconds()


MOVES = frozenset({"passed", "came", "gone", "renamed"})  # what a line says of tokens


def visits(lines: Iterable[Row[Any]], work: Iterable[Row[Any]]) -> list[Visit]:
    """Of one case, in order of arrival.

    Args:
        lines: its events, oldest first.
        work: its tasks.
    """
    by_token = {task.token: task for task in work}
    found: list[Visit] = []
    here: dict[int, Visit] = {}
    for line in lines:
        ended, begun = follow(here, line)
        found += [visit for visit in ended if not visit.token]
        for visit in begun:
            if (task := by_token.get(visit.token)) is not None:
                visit.agency, visit.due_at, visit.breached_at = task.group, task.due_at, task.breached_at
            found.append(visit)
    return found


def follow(here: dict[int, Visit], line: Any) -> tuple[list[Visit], list[Visit]]:
    """The stays that ended with a line, last those of what was passed without waiting; and those that began.

    Args:
        here: those that go on, by token; follows.
    """
    if line.data.keys().isdisjoint(MOVES):
        return [], []
    for number, element in line.data.get("renamed", ()):  # the case has moved to another version
        if number in here:
            here[number].element = element
    passed = Counter(line.data.get("passed") or ())
    ended = []
    for number in line.data.get("gone", ()):
        if (visit := here.pop(number, None)) is not None:
            visit.left_at, visit.by = line.at, line.actor
            visit.how = "completed" if passed[visit.element] else "cancelled"
            passed[visit.element] -= 1
            ended.append(visit)
    for element, times in passed.items():
        ended += [Visit(element, 0, line.at, line.at, line.actor, "completed") for _ in range(times)]
    begun = [Visit(element, number, line.at) for number, element in line.data.get("came", ())]
    here.update((visit.token, visit) for visit in begun)
    return ended, begun


def of_case(unit: Unit, number: str, *, by: Account) -> list[dict[str, Any]]:
    """The stays of a case, with names and seconds.

    Raises:
        NotFound: it is not for this account.
    """
    case = access.find(unit, by, "see", number)
    machine = unit.catalogue.pinned(unit, case.definition_id).machine
    found = next(iter(_visited(unit, [case])), (case, []))[1]
    return [vars(one) | {"name": machine.describe(one.element), "seconds": one.seconds(unit.now)} for one in found]


def _visited(unit: Unit, of: Sequence[Any]) -> Iterator[tuple[Any, list[Visit]]]:
    ids = [case.id for case in of]
    lines: dict[int, list[Row[Any]]] = {}
    work: dict[int, list[Row[Any]]] = {}
    columns = (events.c.case_id, events.c.at, events.c.actor, events.c.data)
    for row in unit.all(select(*columns).where(events.c.case_id.in_(ids)).order_by(events.c.case_id, events.c.id)):
        lines.setdefault(row.case_id, []).append(row)
    about = (tasks.c.case_id, tasks.c.token, tasks.c.group, tasks.c.due_at, tasks.c.breached_at)
    for row in unit.all(select(*about).where(tasks.c.case_id.in_(ids))):
        work.setdefault(row.case_id, []).append(row)
    for case in of:
        yield case, visits(lines.get(case.id, ()), work.get(case.id, ()))


def chunk(unit: Unit, after: int, *conditions: Any) -> list[tuple[Any, list[Visit]]]:
    """Some cases after this one, in order of id, each with its stays."""
    rows = unit.all(select(cases).where(cases.c.id > after, *conditions).order_by(cases.c.id).limit(CHUNK))
    return list(_visited(unit, rows))
