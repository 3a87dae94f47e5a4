"""How long cases stay at the elements of each version, by element and by the day on which the cases were opened:
counted from the record, so that a heat map need not read it.

A worker counts what was linked since it last looked (`step`, after `engine.record.chain`), so whoever takes a step pays
nothing for it, and the figures are as old as its last look. A link only says that there is something new of a case; of
each case, all lines are counted that come after the last one that was. Steps of one case come one after the other, and
so do the ids of their lines: each is counted once. A stay counts for the version in which it came to an end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, and_, case, delete, func, select

from engine.errors import Stale
from engine.history.histories import MOVES, Visit, follow
from engine.model import cases, counted, courses, definitions, events, links, stays
from engine.queues.leases import insert_into
from engine.runtime import Runtime, Unit
from engine.terms.calendar import ZONE

BATCH = 2_000  # links looked at once
MOVED = frozenset({"migrated", "migration-undone"})  # lines after which a case runs in another version


@dataclass
class Tally:
    """What an element has seen: as the columns of `stays`."""

    now: int = 0
    visits: int = 0
    cancelled: int = 0
    seconds: float = 0.0
    longest: float = 0.0

    def add(self, visit: Visit) -> None:
        assert visit.left_at is not None
        took = visit.seconds(visit.left_at)
        self.visits += 1
        self.cancelled += visit.how == "cancelled"
        self.seconds += took
        self.longest = max(self.longest, took)


Tallies = dict[tuple[int, str, date], Tally]


def step(runtime: Runtime) -> int:
    """Count some of what was linked since the last look; returns how many links were looked at."""
    with runtime.read() as unit:
        was, last = _reached(unit), unit.scalar(select(func.max(links.c.seq))) or 0
    seq = min(was + BATCH, last)
    if seq <= was:
        return 0
    with runtime.begin() as unit:
        if not _reach(unit, seq, was):
            return 0  # another worker counts these
        _count(unit, links.c.seq.between(was + 1, seq))
    return seq - was


def recount(unit: Unit) -> None:
    """Forget what was counted; the workers count all of the record anew. Cases whose data is gone are left out then."""
    if not _reach(unit, 0, _reached(unit)):
        raise Stale("A worker has just counted: ask once more.")
    for table in (stays, courses):
        unit.execute(delete(table))


def _reached(unit: Unit) -> int:
    return unit.scalar(select(counted.c.seq).where(counted.c.what == "stays")) or 0


def _reach(unit: Unit, seq: int, was: int) -> bool:
    """Be the one who counts so far; whoever else counts from there waits, and comes too late."""
    new = insert_into(unit, counted).values(what="stays", seq=seq).on_conflict_do_update(
        index_elements=["what"], set_={"seq": seq}, where=counted.c.seq == was)  # fmt: skip
    return unit.first(new.returning(counted.c.seq)) is not None


# -- counting ----------------------------------------------------------------------------------------------------------


def _count(unit: Unit, new: Any) -> None:
    touched = select(events.c.case_id).join(links, and_(links.c.source == "events", links.c.row_id == events.c.id))
    lines = [line for line in unit.all(_uncounted(touched.where(new)))
             if line.kind in MOVED or not line.data.keys().isdisjoint(MOVES)]  # fmt: skip
    versions = _versions(unit, lines)
    tallies: Tallies = defaultdict(Tally)
    far = [_counted(list(of_case), versions, tallies) for _, of_case in groupby(lines, key=attrgetter("case_id"))]
    if far:
        new = insert_into(unit, courses)
        there = {name: new.excluded[name] for name in ("line", "definition_id", "here")}
        unit.execute(new.on_conflict_do_update(index_elements=["case_id"], set_=there), far)
        _add(unit, tallies)


def _add(unit: Unit, tallies: Tallies) -> None:
    new = insert_into(unit, stays)
    sums = {name: stays.c[name] + new.excluded[name] for name in ("now", "visits", "cancelled", "seconds")}
    longest = case((stays.c.longest > new.excluded.longest, stays.c.longest), else_=new.excluded.longest)
    rows = [{"definition_id": version, "element": element, "day": day} | asdict(tally)
            for (version, element, day), tally in sorted(tallies.items())]  # fmt: skip
    key = [column.name for column in stays.primary_key]
    unit.execute(new.on_conflict_do_update(index_elements=key, set_=sums | {"longest": longest}), rows)


def _uncounted(touched: Any) -> Any:
    """Lines of these cases that come after what is counted, with what is known of the case, at one moment."""
    columns = (
        *(events.c.case_id, events.c.id, events.c.at, events.c.kind, events.c.actor, events.c.data),
        *(cases.c.opened_at, cases.c.definition_id, definitions.c.key, courses.c.here),
        courses.c.definition_id.label("ran_in"),
    )
    found = select(*columns).join(cases, cases.c.id == events.c.case_id)
    found = found.join(definitions, definitions.c.id == cases.c.definition_id).outerjoin(
        courses, courses.c.case_id == events.c.case_id)  # fmt: skip
    after = events.c.id > func.coalesce(courses.c.line, 0)
    return found.where(events.c.case_id.in_(touched), after).order_by(events.c.case_id, events.c.id)


def _versions(unit: Unit, lines: Iterable[Row[Any]]) -> Mapping[tuple[str, int], int]:
    """Ids, by report type and version, of the types of which cases have moved."""
    keys = {line.key for line in lines if line.kind in MOVED}
    rows = unit.all(select(definitions.c.id, definitions.c.key, definitions.c.version).where(
        definitions.c.key.in_(keys))) if keys else ()  # fmt: skip
    return {(row.key, row.version): row.id for row in rows}


def _counted(
    lines: Sequence[Row[Any]], versions: Mapping[tuple[str, int], int], tallies: Tallies
) -> dict[str, Any]:  # fmt: skip
    """Count new lines of one case; returns how far it is then."""
    known = lines[0]
    day = known.opened_at.astimezone(ZONE).date()
    version = known.ran_in or _first(lines, versions)
    here = {int(token): Visit(element, int(token), datetime.fromisoformat(came))
            for token, (element, came) in (known.here or {}).items()}  # fmt: skip
    for visit in here.values():
        tallies[version, visit.element, day].now -= 1
    for line in lines:
        for visit in follow(here, line)[0]:
            tallies[version, visit.element, day].add(visit)
        if line.kind in MOVED:  # before 0038, a line did not say to which version a case went back
            version = versions.get((line.key, line.data.get("version", 0)), line.definition_id)
    for visit in here.values():
        tallies[version, visit.element, day].now += 1
    there = {str(visit.token): (visit.element, visit.entered_at.isoformat()) for visit in here.values()}
    return {"case_id": known.case_id, "line": lines[-1].id, "definition_id": version, "here": there}


def _first(lines: Sequence[Row[Any]], versions: Mapping[tuple[str, int], int]) -> int:
    """The version in which a case began: that from which it moved first."""
    moved = next((line for line in lines if line.kind == "migrated"), lines[0])
    return versions.get((moved.key, moved.data.get("was", 0)), moved.definition_id)
