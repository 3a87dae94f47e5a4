"""What lies with a merged agency goes on at its successor.

The decision itself (`engine.places.agency_changes.merge`) only says so, from which day on. Then, by the clock, its
people, the agencies below it and its settled cases follow once; and its open cases and tasks one by one, each in a unit
of its own: whoever dies in between has moved whole cases and nothing else, and the next look goes on. It goes on
looking, for a report type's tables may still name the old agency, and a settled case of it may be reopened.

A case keeps its lead in its history; who had claimed a task still has it, and a task handed down stays handed down. A
suspended case, or one that a fault holds up, follows when it is free again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, exists, insert, literal, or_, select, union, update

from engine import instances
from engine.errors import EngineError
from engine.flow.steps import Amend
from engine.model import accounts, agencies, agency_changes, cases, incidents, participants, provinces, tasks
from engine.queues import leases
from engine.runtime import Runtime, Unit

log = logging.getLogger(__name__)

_OPEN = tasks.c.status == "open"
_PARTS = ("lead_agency", "monitor_agency")


def follow(runtime: Runtime) -> int:
    """Have everything follow that can; returns how many agencies' people and cases have."""
    with runtime.read() as unit:
        today = unit.today
        waiting = unit.all(select(agency_changes).where(agency_changes.c.awaits <= today))
        heirs = unit.catalogue.heirs.look(unit)
        found = _left_behind(unit, heirs) if heirs else []
    return sum(_bring(runtime, row, heirs) for row in waiting) + sum(_try(runtime, one, heirs) for one in found)


def _left_behind(unit: Unit, heirs: Mapping[str, str]) -> list[int]:
    """The open cases in which one of these agencies still has a part, oldest first."""
    gone = list(heirs)
    led = select(cases.c.id).where(
        cases.c.province.in_(select(provinces.c.code)), cases.c.closed_at.is_(None),
        or_(*(cases.c[part].in_(gone) for part in _PARTS)),
    )  # fmt: skip
    held = select(tasks.c.case_id).where(_OPEN, or_(tasks.c.group.in_(gone), tasks.c.handed_by.in_(gone)))
    free = cases.c.suspended_at.is_(None) & ~exists(
        select(incidents.c.id).where(incidents.c.case_id == cases.c.id, incidents.c.resolved_at.is_(None))
    )
    ids = union(led, held).subquery()
    return [row.id for row in unit.all(select(cases.c.id).join(ids, ids.c.id == cases.c.id).where(free).order_by("id"))]


def _bring(runtime: Runtime, change: Row[Any], heirs: Mapping[str, str]) -> int:
    """What follows once: people, agencies below, and the right to look into what is settled."""
    old, new = change.agency, heirs[change.agency]
    with runtime.begin() as unit:
        mine = update(agency_changes).where(agency_changes.c.id == change.id, agency_changes.c.awaits.is_not(None))
        if not unit.claims(mine.values(awaits=None)):
            return 0  # another worker has, or it was decided otherwise
        staff = update(accounts).where(accounts.c.agency == old)
        unit.execute(staff.values(agency=new, version=accounts.c.version + 1))
        _adopt(unit, change, new)
        parts = select(literal(new), participants.c.case_id, participants.c.part).where(participants.c.agency == old)
        into = leases.insert_into(unit, participants).from_select(["agency", "case_id", "part"], parts)
        unit.execute(into.on_conflict_do_nothing())
    return 1


def _adopt(unit: Unit, change: Row[Any], new: str) -> None:
    below = unit.all(select(agencies.c.key).where(agencies.c.parent == change.agency, agencies.c.key != new))
    unit.execute(update(agencies).where(agencies.c.key.in_([row.key for row in below])).values(parent=new))
    noted = {"kind": "changed", "at": unit.now, "by": change.by, "reason": change.reason,
             "was": {"parent": change.agency}, "now": {"parent": new}}  # fmt: skip
    for row in below:
        unit.execute(insert(agency_changes), noted | {"agency": row.key})


def _try(runtime: Runtime, case_id: int, heirs: Mapping[str, str]) -> int:
    try:
        with runtime.begin() as unit:
            return _follow(unit, case_id, heirs)
    except Exception as error:  # it stays where it is, for people to reassign, and keeps no other waiting
        level = logging.INFO if leases.is_conflict(error) else logging.ERROR  # nobody's fault: at the next look
        why = str(error) if isinstance(error, EngineError) else leases.reason(error)
        log.log(level, "The case %s cannot follow its agency: %s", case_id, why, extra={"action": "succession-failed"})
        return 0


def _follow(unit: Unit, case_id: int, heirs: Mapping[str, str]) -> int:
    case = instances.load(unit, case_id)
    before = _tasks(unit, case_id, heirs)
    led = _PARTS if case.closed_at is None else ()
    parts = {part: heirs[getattr(case, part)] for part in led if getattr(case, part) in heirs}
    if case.suspended_at is not None or not (before or parts):
        return 0  # another worker was faster
    if instances.advance(unit, case_id, Amend(dict(parts)), case=case) is None:  # works out anew whose each task is
        return 0
    for task in before:
        _restore(unit, task, heirs)
    for old in {*(getattr(case, part) for part in parts), *(one.group for one in before)} & heirs.keys():
        unit.record(case_id, "succeeded", "system", agency=heirs[old], was=old)
    return 1


def _tasks(unit: Unit, case_id: int, heirs: Mapping[str, str]) -> list[Row[Any]]:
    """The open tasks that one of these agencies does, or has handed down."""
    gone = list(heirs)
    mine = or_(tasks.c.group.in_(gone), tasks.c.handed_by.in_(gone))
    return unit.all(select(tasks).where(tasks.c.case_id == case_id, _OPEN, mine).order_by(tasks.c.id))


def _restore(unit: Unit, task: Row[Any], heirs: Mapping[str, str]) -> None:
    """The task changes its agency, and nothing else: people go along with their agency, and keep what they claimed."""
    group, above = heirs.get(task.group, task.group), heirs.get(task.handed_by, task.handed_by)
    above = None if above == group else above
    same = {"group": group, "handed_by": above, "assignee": task.assignee, "owner": task.owner,
            "claimed_at": task.claimed_at}  # fmt: skip
    unit.execute(update(tasks).where(tasks.c.id == task.id).values(same | {"version": task.version + 1}))
    if above:
        instances.hand(unit, task.case_id, group, "handed")
