"""How long a person's data is kept once a case is closed: by report type, else by secrecy class; then it is emptied.

    type.toml       retention = "P365D"
    province.toml   [retention]
                    C3 = "P730D"

Where neither says anything, nothing is emptied. A worker looks every hour (`step`); `report` is the proof: what is
due and has not been emptied, and why. A hold keeps a case for a court or an inspection.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from engine.erasure import emptying
from engine.errors import NotFound, WrongState
from engine.files.attachments import Store
from engine.flow.steps import SECRECY
from engine.model import cases, holds, instances
from engine.packages import Package
from engine.people import access
from engine.people.access import Account
from engine.privacy import keeping
from engine.queues import leases
from engine.reasons import checked_reason
from engine.runtime import Runtime, Unit
from engine.terms.term import Term

log = logging.getLogger(__name__)

AT_ONCE = 200
RULE = "retention"


@dataclass(frozen=True)
class Line:
    """What is kept of a report type's closed cases of one class, and for how long.

    Attributes:
        days: after closing; ``None``: for ever.
        due: whose time has come and that are not emptied; ``held``, ``running``: of these, by a hold, or because
            their process still waits for something. The others are emptied when the worker looks next.
        soon: whose time comes within 30 days. emptied: until now.
    """

    report_type: str
    secrecy: str
    days: float | None
    kept: int
    due: int
    held: int
    running: int
    soon: int
    emptied: int


def days(package: Package, secrecy: str) -> float | None:
    """After so many days; ``None``: never."""
    said = package.type.get(RULE) or package.province.get(RULE, {}).get(secrecy)
    return None if said is None else Term.parse(said).days


# -- by the clock --------------------------------------------------------------------------------------------------


def step(runtime: Runtime, store: Store | None) -> int:
    """Empty cases whose time has come, each in a unit of its own; returns how many.

    Args:
        store: of the files; ``None``: only what is in the database.
    """
    with runtime.read() as unit:
        due = [row.id for rule in _rules(unit) for row in unit.all(_due(unit, *rule).limit(AT_ONCE))]
    return sum(_emptied(runtime, one, store) for one in due)


def _emptied(runtime: Runtime, case_id: int, store: Store | None) -> bool:
    """A case that cannot be keeps no other waiting."""
    try:
        return emptying.whole(runtime, case_id, by="system", why=RULE, store=store)
    except Exception as error:
        if leases.is_conflict(error):
            raise
        why = leases.reason(error)
        log.error("The case %s cannot be emptied: %s", case_id, why, extra={"action": "emptying-failed"})
        return False


def _rules(unit: Unit) -> Iterator[tuple[str, str, float]]:
    """Those that have a term, whatever versions are in force."""
    for code in _types(unit):
        package = _package(unit, code)
        yield from ((code, one, kept) for one in SECRECY if (kept := days(package, one)) is not None)


def _types(unit: Unit) -> list[str]:
    return [row.report_type for row in unit.all(select(cases.c.report_type).distinct().order_by(cases.c.report_type))]


def _package(unit: Unit, code: str) -> Package:
    """As its rules are now; of a type that is no more, as they were for its newest case."""
    try:
        return unit.catalogue.current(unit, code)
    except NotFound:
        newest = select(cases.c.definition_id).where(cases.c.report_type == code).order_by(cases.c.id.desc()).limit(1)
        return unit.catalogue.pinned(unit, unit.scalar(newest))


def _of(code: str, secrecy: str) -> list[Any]:
    return [cases.c.report_type == code, cases.c.secrecy == secrecy, cases.c.closed_at.is_not(None),
            cases.c.emptied_at.is_(None)]  # fmt: skip


def _due(unit: Unit, code: str, secrecy: str, kept: float) -> Any:
    over = cases.c.closed_at < unit.now - timedelta(days=kept)
    return select(cases.c.id).where(*_of(code, secrecy), over, ~_HELD, ~_RUNNING).order_by(cases.c.closed_at)


_HELD = select(holds.c.case_id).where(holds.c.case_id == cases.c.id).correlate(cases).exists()
_RUNNING = (
    select(instances.c.case_id)
    .where(instances.c.case_id == cases.c.id, instances.c.finished_at.is_(None))
    .correlate(cases)
    .exists()
)


# -- the proof -----------------------------------------------------------------------------------------------------


def report(unit: Unit) -> list[Line]:
    """By report type and class, as far as there are closed cases."""
    return [_line(unit, code, secrecy) for code in _types(unit) for secrecy in SECRECY if _any(unit, code, secrecy)]


def _any(unit: Unit, code: str, secrecy: str) -> bool:
    closed = (cases.c.report_type == code, cases.c.secrecy == secrecy, cases.c.closed_at.is_not(None))
    return unit.first(select(cases.c.id).where(*closed).limit(1)) is not None


def _line(unit: Unit, code: str, secrecy: str) -> Line:
    kept, all_of = days(_package(unit, code), secrecy), _of(code, secrecy)
    emptied = (cases.c.report_type == code, cases.c.secrecy == secrecy, cases.c.emptied_at.is_not(None))
    counts = {"kept": _count(unit, *all_of), "emptied": _count(unit, *emptied), "due": 0, "held": 0, "running": 0,
              "soon": 0}  # fmt: skip
    if kept is not None:
        until = unit.now - timedelta(days=kept)
        over, soon = (*all_of, cases.c.closed_at < until), until + timedelta(days=30)
        counts |= {"due": _count(unit, *over), "held": _count(unit, *over, _HELD),
                   "running": _count(unit, *over, _RUNNING, ~_HELD),
                   "soon": _count(unit, *all_of, cases.c.closed_at.between(until, soon))}  # fmt: skip
    return Line(code, secrecy, kept, **counts)


def _count(unit: Unit, *conditions: Any) -> int:
    return int(unit.scalar(select(func.count()).select_from(cases).where(*conditions)))


# -- holds ---------------------------------------------------------------------------------------------------------


def hold(unit: Unit, number: str, reason: str, *, by: Account) -> Row[Any]:
    """Keep a case's personal data until `release`.

    Raises:
        NotFound, NotAllowed, InvalidRequest.
        WrongState: it is held already, or was emptied.
    """
    case, reason = keeping.find(unit, by, "hold", number), checked_reason(reason)
    if unit.first(select(holds.c.case_id).where(holds.c.case_id == case.id)) is not None:
        raise WrongState(f"The personal data of {number} is held already.")
    unit.execute(insert(holds).values(case_id=case.id, reason=reason, at=unit.now, by=by.login))
    return _noted(unit, case, "held-back", by, reason)


def release(unit: Unit, number: str, reason: str, *, by: Account) -> Row[Any]:
    """Let retention have its way again. Raises as `hold`."""
    case, reason = access.find(unit, by, "hold", number, lock=True), checked_reason(reason)
    if not unit.claims(delete(holds).where(holds.c.case_id == case.id)):
        raise WrongState(f"The personal data of {number} is not held.")
    return _noted(unit, case, "let-go", by, reason)


def _noted(unit: Unit, case: Row[Any], kind: str, by: Account, reason: str) -> Row[Any]:
    unit.record(case.id, kind, by.login, reason=reason)
    unit.execute(update(cases).where(cases.c.id == case.id).values(version=cases.c.version + 1))
    return access.case_of(unit, case)
