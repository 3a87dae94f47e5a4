"""Moving the running cases of a report type to another of its versions.

    running ──(canary: so many tried)──► canary ──go on──► running ──► done ──undo──► undoing ──► undone
        └──────────── cancel ────────────► cancelled ─────────────────────undo──┘

`preview` says beforehand how many can be moved, and why others cannot. `start` lists the cases; workers move them one
by one, each in a unit of its own, so that whoever dies in between has committed whole cases and nothing else, and
another goes on (`step`), but not for ever with one that kills (`engine.queues.attempts`). A case that cannot be moved
stays where it is, with the reason; a case that was moved can go back as long as it has taken no step since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, literal, select, true, update

from engine import activations, instances, model
from engine.errors import EngineError, InvalidRequest, NotFound, WrongState
from engine.flow.transfer import Elements, Misfit
from engine.model import cases, definitions, migration_cases, migrations
from engine.packages import Package
from engine.people import access
from engine.people.access import Account, Target
from engine.queues import attempts, incidents, leases
from engine.reasons import checked_reason
from engine.runtime import Runtime, Unit
from engine.versions import transfers
from engine.versions.transfers import Moved, Plan

CHUNK = 200  # cases looked at together
NUMBERS_TOLD = 50  # of each reason
ACTIVE = {"running": "waiting", "undoing": "moved"}  # what of a migration's cases is still to be done


@dataclass
class Obstacle:
    """Why some cases cannot be moved.

    Attributes:
        numbers: of the first of them, as far as the caller may know of them.
    """

    why: str
    cases: int = 0
    numbers: list[str] = field(default_factory=list)


@dataclass
class Preview:
    """What would become of the running cases.

    Attributes:
        running: how many there are; ``can_move`` of them can be moved.
        cannot: the others, by reason, the most frequent first.
        after: where the next look begins; ``None``: all have been looked at.
    """

    running: int = 0
    can_move: int = 0
    cannot: list[Obstacle] = field(default_factory=list)
    after: int | None = None

    def plus(self, more: Preview) -> Preview:
        """Both together; ``more`` was looked at later."""
        by_reason = {one.why: Obstacle(one.why, one.cases, [*one.numbers]) for one in self.cannot}
        for one in more.cannot:
            same = by_reason.setdefault(one.why, Obstacle(one.why))
            same.cases, same.numbers = same.cases + one.cases, [*same.numbers, *one.numbers][:NUMBERS_TOLD]
        cannot = sorted(by_reason.values(), key=lambda one: -one.cases)
        return Preview(self.running + more.running, self.can_move + more.can_move, cannot, more.after)


def preview(
    unit: Unit, target: Package, source_id: int | None = None, elements: Elements | None = None,
    *, by: Account | None = None, after: int = 0, most: int | None = None,
) -> Preview:  # fmt: skip
    """What would become of the cases that run, if they were moved. Nothing is written.

    Args:
        target: the version to move to; it need not be deployed.
        source_id: only cases of this version; left out, of all other versions of the type.
        elements: old element -> new one, where the ids differ; ``None`` as the new one gives up what waits there.
        by: whose eyes the numbers of cases are for; left out, all are told.
        after, most: only so many, and from where an earlier preview stopped; left out, all.
    """
    found, obstacles = Preview(), dict[str, Obstacle]()
    visible = true() if by is None else access.visible(by)
    of_type = [cases.c.report_type == target.code, cases.c.definition_id != target.id]
    wanted = of_type if source_id is None else [cases.c.definition_id == source_id]
    for case, clocks in _running(unit, wanted, visible, after):
        found.running += 1
        plan = Plan(unit.catalogue.pinned(unit, case.definition_id), target, elements or {})
        try:
            transfers.fit(unit, case, plan, clocks)
            found.can_move += 1
        except Misfit as misfit:
            one = obstacles.setdefault(str(misfit), Obstacle(str(misfit)))
            one.cases += 1
            if case.visible and len(one.numbers) < NUMBERS_TOLD:
                one.numbers.append(case.number)
        if found.running == most:
            found.after = case.id
            break
    found.cannot = sorted(obstacles.values(), key=lambda one: -one.cases)
    return found


def running(unit: Unit, target: Package) -> int:
    """How many cases run with other versions of its type."""
    of_type = (cases.c.report_type == target.code, cases.c.definition_id != target.id)
    query = select(func.count()).select_from(cases).join(model.instances)
    return int(unit.scalar(query.where(model.instances.c.finished_at.is_(None), *of_type)))


def _running(
    unit: Unit, wanted: list[Any], visible: ColumnElement[bool], after: int
) -> Iterator[tuple[Row[Any], list[Row[Any]]]]:
    """The cases that run, each with its deadlines that do, by a few at once."""
    columns = (*cases.c, model.instances.c.state, visible.label("visible"))
    query = select(*columns).join(model.instances).where(model.instances.c.finished_at.is_(None), *wanted)
    last = after
    while rows := unit.all(query.where(cases.c.id > last).order_by(cases.c.id).limit(CHUNK)):
        clocks = transfers.running(unit, [row.id for row in rows])
        yield from ((row, clocks.get(row.id, [])) for row in rows)
        last = rows[-1].id


# -- what people decide ------------------------------------------------------------------------------------------------


def start(
    unit: Unit, source_id: int, target_id: int, reason: str, elements: Elements | None = None,
    canary: int | None = None, numbers: Sequence[str] | None = None, *, by: Account,
) -> int:  # fmt: skip
    """Have all running cases of a version moved to another; workers do it.

    Args:
        elements: as for `preview`.
        canary: try so many, and then wait until somebody says `go_on` (or `undo`).
        numbers: only these cases.

    Returns:
        The migration's id.

    Raises:
        NotFound: there is no such version.
        NotAllowed: the account may not.
        InvalidRequest: the versions are not two of one type, an element is not in its version, or there is no reason.
        WrongState: another migration of the type is still under way, or the version to move to is not approved.
    """
    source, target = planned(unit, source_id, target_id, elements or {}, by=by)
    if not activations.decisions(unit, target_id):
        raise WrongState(f"Version {target.version} of {target.code} is not approved.")
    if canary is not None and canary < 1:
        raise InvalidRequest("A canary has at least one case; leave it out to move all at once.", field="canary")
    active = migrations.c.state.in_(("running", "canary", "undoing"))
    busy = unit.scalar(select(migrations.c.id).where(migrations.c.report_type == source.code, active))
    if busy is not None:
        raise WrongState(f"The migration {busy} of {source.code} is still under way: cancel it, or let it end.")
    row = {"report_type": source.code, "province": str(source.province["code"]), "source_id": source_id,
           "target_id": target_id, "elements": dict(elements or {}), "reason": checked_reason(reason),
           "canary": canary, "state": "running", "created_at": unit.now, "created_by": by.login}  # fmt: skip
    made: int = unit.execute(insert(migrations).values(row).returning(migrations.c.id)).scalar_one()
    ours = select(literal(made), cases.c.id, literal("waiting")).join(model.instances)
    ours = ours.where(cases.c.definition_id == source_id, model.instances.c.finished_at.is_(None))
    if numbers is not None:
        ours = ours.where(cases.c.number.in_(numbers))
    unit.execute(insert(migration_cases).from_select(["migration_id", "case_id", "state"], ours))
    leases.wake(unit, unit.now)
    return made


def planned(
    unit: Unit, source_id: int, target_id: int, elements: Elements, *, by: Account
) -> tuple[Package, Package]:
    """The two versions, if this account may move cases from one to the other.

    Raises:
        NotFound, NotAllowed, InvalidRequest: as for `start`.
    """
    source, target = (unit.catalogue.pinned(unit, one) for one in (source_id, target_id))
    access.require(by, "migrate", Target(province=str(source.province["code"]), report_type=source.code), unit)
    if source.code != target.code or source_id == target_id:
        raise InvalidRequest(f"Name two versions of one report type: {source.code} {source.version} and "
                             f"{target.code} {target.version} are not.")  # fmt: skip
    for package, names in ((source, elements.keys()), (target, elements.values())):
        known = package.machine.definition.nodes
        wrong = [name for name in names if name is not None and name not in known]
        if wrong:
            raise InvalidRequest(f"Version {package.version} of {package.code} has no element {wrong[0]!r}.",
                                 field="elements")  # fmt: skip
    return source, target


def go_on(unit: Unit, migration_id: int, *, by: Account) -> None:
    """The canary is well: move the others, too.

    Raises:
        NotFound, NotAllowed: it is not for this account.
        WrongState: it does not wait for that.
    """
    _turn(unit, migration_id, "running", ("canary",), by, canary=None)


def cancel(unit: Unit, migration_id: int, *, by: Account) -> None:
    """Move no further cases; those that have been moved stay where they are.

    Raises:
        NotFound, NotAllowed: it is not for this account.
        WrongState: it is not under way.
    """
    _turn(unit, migration_id, "cancelled", ("running", "canary"), by, finished_at=unit.now)


def undo(unit: Unit, migration_id: int, *, by: Account) -> None:
    """Put back every case that has taken no step since it was moved; workers do it.

    Raises:
        NotFound, NotAllowed: it is not for this account.
        WrongState: it is still moving cases (cancel it first), or has been undone.
    """
    _turn(unit, migration_id, "undoing", ("canary", "done", "cancelled"), by, finished_at=None)


def _turn(unit: Unit, migration_id: int, to: str, since: tuple[str, ...], by: Account, **values: Any) -> None:
    row = find(unit, migration_id, by=by)
    turned = update(migrations).where(migrations.c.id == migration_id, migrations.c.state.in_(since))
    if not unit.claims(turned.values(state=to, **values)):
        raise WrongState(f"The migration {migration_id} is {row.state}.", state=row.state)
    leases.wake(unit, unit.now)


# -- what workers do ---------------------------------------------------------------------------------------------------


def step(runtime: Runtime) -> bool:
    """Move, or put back, one case of a migration that is under way. ``False``: there is nothing to do."""
    return attempts.step(runtime, migration_cases, _active(), _begun, _do)


def _active(*conditions: ColumnElement[bool]) -> Any:
    return select(migrations).where(migrations.c.state.in_(ACTIVE), *conditions).order_by(migrations.c.id)


def _begun(unit: Unit) -> tuple[Row[Any], Row[Any]] | None:
    """A migration and one of its cases, at which an attempt has begun."""
    for migration in unit.all(_active()):
        if migration.state == "running" and migration.canary is not None and _is_out(unit, migration):
            _stop_at_canary(unit, migration)
            continue
        mine = (migration_cases.c.migration_id == migration.id, migration_cases.c.state == ACTIVE[migration.state])
        entry = attempts.begin(unit, migration_cases, *mine)
        if entry is not None:
            return migration, entry
        _finish(unit, migration)
    return None


def _do(unit: Unit, migration: Row[Any], entry: Row[Any]) -> None:
    """Whoever holds the entry locks the case next: always in this order."""
    now = unit.first(_active(migrations.c.id == migration.id, migrations.c.state == migration.state))
    if now is None:
        attempts.put_back(unit, migration_cases, entry)  # it was cancelled, or the canary has stopped it
        return
    go, otherwise = (_move, "refused") if migration.state == "running" else (_back, "kept")
    try:
        if (in_vain := attempts.in_vain(entry)) is not None:
            raise Misfit(in_vain)
        with unit.savepoint():
            go(unit, migration, entry)
    except Exception as error:  # one case must not keep the others from moving
        if leases.is_conflict(error):
            raise
        why = str(error) if isinstance(error, Misfit | EngineError) else leases.reason(error)
        _note(unit, entry, otherwise, why=incidents.unnamed(unit, entry.case_id, why))
    if go is _move and now.canary is not None:
        _stop_at_canary(unit, now)


def _move(unit: Unit, migration: Row[Any], entry: Row[Any]) -> None:
    case = instances.load(unit, entry.case_id)
    if case.finished_at is not None or case.definition_id != migration.source_id:
        _note(unit, entry, "gone", why="It came to its end, or was moved otherwise, before its turn.")
        return
    versions = (unit.catalogue.pinned(unit, one) for one in (migration.source_id, migration.target_id))
    plan = Plan(*versions, migration.elements)
    moved = transfers.move(unit, case, plan, by=migration.created_by, migration=migration.id)
    _note(unit, entry, "moved", **vars(moved), attempts=0, due_at=None)


def _back(unit: Unit, migration: Row[Any], entry: Row[Any]) -> None:
    case = instances.load(unit, entry.case_id)
    moved, ids = Moved(entry.revision, entry.before, entry.changes), (migration.source_id, migration.target_id)
    transfers.back(unit, case, *ids, moved, by=migration.created_by, migration=migration.id)
    _note(unit, entry, "undone", before=None, changes=None)


def _is_out(unit: Unit, migration: Row[Any]) -> bool:
    """Whether others have as many of a canary's cases in hand as are still to be tried; who asks at once waits."""
    unit.first(select(migrations.c.id).where(migrations.c.id == migration.id).with_for_update())
    in_hand = (migration_cases.c.state == "waiting", migration_cases.c.due_at > unit.now)
    return _tried(unit, migration) + _count(unit, migration.id, *in_hand) >= migration.canary


def _stop_at_canary(unit: Unit, migration: Row[Any]) -> None:
    """Two who end at once do not see each other; whoever asks for the next case does (`_begun`)."""
    if _tried(unit, migration) >= migration.canary:
        unit.execute(update(migrations).where(migrations.c.id == migration.id, migrations.c.state == "running")
                     .values(state="canary"))  # fmt: skip


def _tried(unit: Unit, migration: Row[Any]) -> int:
    """A canary that dies has been one, too: were only those counted that could be moved, a migration that moves none
    would go through all cases without asking."""
    return _count(unit, migration.id, migration_cases.c.state.in_(("moved", "refused")))


def _finish(unit: Unit, migration: Row[Any]) -> None:
    """The last case is done, unless another worker has one in hand."""
    left = _count(unit, migration.id, migration_cases.c.state == ACTIVE[migration.state])
    ends = {"running": "done", "undoing": "undone"}[migration.state]
    if not left:
        still = (migrations.c.id == migration.id, migrations.c.state == migration.state)
        unit.execute(update(migrations).where(*still).values(state=ends, finished_at=unit.now))


def _note(unit: Unit, entry: Row[Any], state: str, **values: Any) -> None:
    mine = (migration_cases.c.migration_id == entry.migration_id, migration_cases.c.case_id == entry.case_id)
    unit.execute(update(migration_cases).where(*mine).values(state=state, at=unit.now, **values))


def _count(unit: Unit, migration_id: int, *conditions: ColumnElement[bool]) -> int:
    mine = (migration_cases.c.migration_id == migration_id, *conditions)
    return int(unit.scalar(select(func.count()).select_from(migration_cases).where(*mine)))


# -- how far it is -----------------------------------------------------------------------------------------------------


def find(unit: Unit, migration_id: int, *, by: Account) -> Row[Any]:
    """Raises:
    NotFound: there is no such migration, or it is not for this account.
    """
    row = unit.first(select(migrations).where(migrations.c.id == migration_id))
    if row is None or not access.allows(by, "migrate", row, unit):
        raise NotFound(f"There is no migration {migration_id}.")
    return row


def show(unit: Unit, migration_id: int, *, by: Account) -> dict[str, Any]:
    """A migration with ``counts`` of its cases by state, and ``refused`` and ``kept``: reasons with case numbers."""
    row = find(unit, migration_id, by=by)
    return _told(unit, row) | {state: _reasons(unit, row, state, by) for state in ("refused", "kept")}


def list(unit: Unit, report_type: str | None = None, *, by: Account) -> list[dict[str, Any]]:
    """The newest hundred, newest first."""
    query = select(migrations).order_by(migrations.c.id.desc()).limit(100)
    if report_type is not None:
        query = query.where(migrations.c.report_type == report_type)
    return [_told(unit, row) for row in unit.all(query) if access.allows(by, "migrate", row, unit)]


def _told(unit: Unit, row: Row[Any]) -> dict[str, Any]:
    counted = select(migration_cases.c.state, func.count().label("cases"))
    counted = counted.where(migration_cases.c.migration_id == row.id).group_by(migration_cases.c.state)
    versions = {one.id: one.version for one in unit.all(
        select(definitions.c.id, definitions.c.version).where(definitions.c.id.in_((row.source_id, row.target_id))))}
    counts = {one.state: one.cases for one in unit.all(counted)}
    return dict(row._mapping) | {"counts": counts, "source_version": versions[row.source_id],
                                 "target_version": versions[row.target_id]}  # fmt: skip


def _reasons(unit: Unit, row: Row[Any], state: str, by: Account) -> Any:
    entry = migration_cases.c
    grouped = select(entry.why, func.count().label("cases")).where(entry.migration_id == row.id, entry.state == state)
    found = []
    for reason in unit.all(grouped.group_by(entry.why).order_by(func.count().desc())):
        whose = select(cases.c.number).join(migration_cases, entry.case_id == cases.c.id).where(
            entry.migration_id == row.id, entry.state == state, entry.why == reason.why, access.visible(by))
        numbers = [one.number for one in unit.all(whose.order_by(cases.c.id).limit(NUMBERS_TOLD))]
        found.append(Obstacle(reason.why, reason.cases, numbers))
    return found
