"""What a case went through, element by element, and what that comes to for a version.

Every step that is taken leaves a line of history with the elements passed, the tokens that came to wait somewhere and
those that went (`instances.advance`). Lines from before tokens were noted tell only what was passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, Select, func, select

from engine import access
from engine.access import Account, Target
from engine.errors import InvalidRequest
from engine.flow.codec import standing
from engine.model import cases, events, instances, tasks
from engine.queries import Page, page, read_cursor
from engine.runtime import Unit

CHUNK = 200
COUNTED_AT_ONCE = 2_000


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


_MOVES = frozenset({"passed", "came", "gone"})


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
        if line.data.keys().isdisjoint(_MOVES):
            continue
        passed = Counter(line.data.get("passed") or ())
        for number in line.data.get("gone", ()):
            visit = here.pop(number, None)
            if visit is not None:
                visit.left_at, visit.by = line.at, line.actor
                visit.how = "completed" if passed[visit.element] else "cancelled"
                passed[visit.element] -= 1
        for element, times in passed.items():
            found += [Visit(element, 0, line.at, line.at, line.actor, "completed") for _ in range(times)]
        for number, element in line.data.get("came", ()):
            task = by_token.get(number)
            about = (task.group, task.due_at, task.breached_at) if task is not None else ()
            here[number] = Visit(element, number, line.at, None, None, None, *about)
            found.append(here[number])
    return found


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


# -- a version as a whole ----------------------------------------------------------------------------------------------


@dataclass
class Heat:
    """What an element of a version has seen.

    Attributes:
        now: tokens that stand there.
        visits, cancelled: stays that have ended, and those of them that were called off.
        mean_seconds, longest_seconds: of the stays that have ended.
        breaches: tasks whose deadline passed there.
    """

    element: str
    name: str = ""
    now: int = 0
    visits: int = 0
    cancelled: int = 0
    breaches: int = 0
    longest_seconds: float = 0.0
    total_seconds: float = field(default=0.0, repr=False)

    @property
    def mean_seconds(self) -> float | None:
        return self.total_seconds / self.visits if self.visits else None


def heat(unit: Unit, definition_id: int, since: datetime | None = None, *, by: Account) -> list[Heat]:
    """What the elements of a version have seen, those where most tokens stand first.

    Args:
        since: only of cases opened from then on.

    Raises:
        NotFound: there is no such version.
        NotAllowed: the account may not see exact figures.
    """
    package = unit.catalogue.pinned(unit, definition_id)
    access.require(by, "figure", Target(province=str(package.province["code"]), report_type=package.code), unit)
    wanted = [cases.c.definition_id == definition_id, *([cases.c.opened_at >= since] if since else [])]
    found: dict[str, Heat] = {}
    for element, count in _standing(unit, wanted).items():
        found.setdefault(element, Heat(element)).now = count
    for element, count in _breaches(unit, wanted).items():
        found.setdefault(element, Heat(element)).breaches = count
    for lines in _moves(unit, wanted):
        for visit in visits(lines, ()):
            _add(found.setdefault(visit.element, Heat(visit.element)), visit, unit.now)
    for one in found.values():
        one.name = package.machine.describe(one.element)
    return sorted(found.values(), key=lambda one: (-one.now, -one.visits, one.element))


def _add(heat: Heat, visit: Visit, now: datetime) -> None:
    if visit.left_at is not None:
        seconds = visit.seconds(now)
        heat.visits += 1
        heat.cancelled += visit.how == "cancelled"
        heat.total_seconds += seconds
        heat.longest_seconds = max(heat.longest_seconds, seconds)


def _breaches(unit: Unit, wanted: list[Any]) -> dict[str, int]:
    late = select(tasks.c.element, func.count()).join(cases, cases.c.id == tasks.c.case_id)
    late = late.where(tasks.c.breached_at.is_not(None), *wanted).group_by(tasks.c.element)
    return {element: count for element, count in unit.all(late)}


def _moves(unit: Unit, wanted: list[Any]) -> Iterator[list[Any]]:
    """The lines of each case, and nothing of them that is not counted: there may be millions."""
    some = select(cases.c.id).where(*wanted).order_by(cases.c.id).limit(COUNTED_AT_ONCE)
    moves = select(events.c.case_id, events.c.at, events.c.actor, events.c.data).order_by(events.c.case_id, events.c.id)
    last = 0
    while ids := [row.id for row in unit.all(some.where(cases.c.id > last))]:
        last = ids[-1]
        for _, lines in groupby(unit.all(moves.where(events.c.case_id.in_(ids))), key=attrgetter("case_id")):
            yield list(lines)


def _standing(unit: Unit, wanted: list[Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    running = select(cases.c.id, instances.c.state).join(instances).where(instances.c.finished_at.is_(None), *wanted)
    last = 0
    while rows := unit.all(running.where(cases.c.id > last).order_by(cases.c.id).limit(CHUNK)):
        last = rows[-1].id
        for row in rows:
            counts.update(one["element"] for one in standing(row.state) if one["beside"] is None)
    return counts


def cases_at(
    unit: Unit, definition_id: int, element: str, what: str, since: datetime | None = None, *, by: Account,
    limit: int = 50, after: str | None = None,
) -> Page:  # fmt: skip
    """The cases behind a number of `heat` that this account may see, oldest first.

    Args:
        what: ``now``, those that stand at the element; ``breaches``, those with a task whose deadline passed there.

    Raises:
        InvalidRequest: there is no such number.
    """
    query = select(cases).where(cases.c.definition_id == definition_id, access.permits(by, "see")).order_by(cases.c.id)
    if since:
        query = query.where(cases.c.opened_at >= since)
    last = read_cursor(after)[1] if after else 0
    if what == "breaches":
        late = select(tasks.c.case_id).where(tasks.c.element == element, tasks.c.breached_at.is_not(None))
        return page(unit.all(query.where(cases.c.id > last, cases.c.id.in_(late)).limit(limit + 1)), limit)
    if what == "now":
        return page(_standing_at(unit, query, element, last, limit + 1), limit)
    raise InvalidRequest(f"{what!r} is none of now, breaches.", field="what")


def _standing_at(unit: Unit, query: Select[Any], element: str, last: int, most: int) -> list[Row[Any]]:
    """States are looked into here: the databases do not agree on how to."""
    running = query.add_columns(instances.c.state).join(instances).where(instances.c.finished_at.is_(None))
    found: list[Row[Any]] = []
    while len(found) < most and (rows := unit.all(running.where(cases.c.id > last).limit(CHUNK))):
        last = rows[-1].id
        found += [row for row in rows if any(
            one["element"] == element and one["beside"] is None for one in standing(row.state))]  # fmt: skip
    return found[:most]
