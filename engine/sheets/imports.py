"""Lists of people that become cases: looked at in a dry run, then started, and taken up by the worker row by row.

A dry run keeps what it understood until it is started, cancelled, or `tidy` forgets it; only who sent it can look.
A row's case, and the note that the row has been taken up, are one transaction: who dies in between has committed
nothing; a row that kills is refused in the end (`engine.queues.attempts`). Any number of workers take rows of one list;
who has an open case of the type at that telephone number gets no other, whatever lists the number stands on. What a row
says of a person is kept until it has been taken up; when none waits any more, the import ends: its counts are noted,
its rows deleted. Whoever needs both locks rows first, in their order, and then their import.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from fnmatch import fnmatchcase
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, delete, exists, func, null, select, update

from engine import intake
from engine.errors import EngineError, NotAllowed, NotFound, WrongState
from engine.intake import Person, Report
from engine.language.vietnamese import nfc
from engine.model import accounts as people_of
from engine.model import agencies, cases, import_rows, imports, people, provinces
from engine.packages import Package
from engine.paging import Page, newest_first, page, read_cursor, write_cursor
from engine.people import access, accounts
from engine.people.access import Account, Columns, Target
from engine.places import areas
from engine.privacy import persons
from engine.queues import attempts, leases
from engine.runtime import Runtime, Unit
from engine.sheets import lists


def _sent_by(agency: str) -> ColumnElement[bool]:
    return imports.c.created_by.in_(select(people_of.c.login).where(people_of.c.agency == agency))


IMPORTS = Columns(imports.c.province, _sent_by, report_type=imports.c.report_type)
NAME_MAX = 200
_ASKED_AT_ONCE = 500


def _waiting(table: Table) -> Any:
    return leases.in_state(table, "waiting")


def _counted(*states: str) -> Any:
    """How many rows of an import that has not ended have come to one of these."""
    of_it = (import_rows.c.import_id == imports.c.id, import_rows.c.state.in_(states))
    return select(func.count()).select_from(import_rows).where(*of_it).correlate(imports).scalar_subquery()


_COUNTS = {
    "position": imports.c.position + _counted("created", "running", "refused"),
    "created": imports.c.created + _counted("created"),
    "running": imports.c.running + _counted("running"),
}
_SHOWN = [_COUNTS[column.name].label(column.name) if column.name in _COUNTS else column
          for column in imports.c if column.name != "sha256"]  # fmt: skip
_READY = imports.c.state == "ready"


def offered(unit: Unit, account: Account) -> list[Package]:
    """The report types that take lists, for whoever may import them."""
    found = [one for one in unit.catalogue.all_current(unit) if one.type.get("list")]
    return [one for one in found if may(unit, account, one)]


def require(unit: Unit, account: Account, package: Package) -> None:
    """Raises:
    NotAllowed: lists of this type are not for this account to import.
    """
    if may(unit, account, package):
        return
    access.require(account, "import", _target(account, package), unit)
    raise NotAllowed(f"Lists of the type {package.code} are for the office, and for whom its [list] names as 'by'.")


def may(unit: Unit, account: Account, package: Package) -> bool:
    """The office may; of the others, people of the agencies that the type names, for their own area."""
    if not access.allows(account, "import", _target(account, package), unit):
        return False
    named = package.type.get("list", {}).get("by", ())
    return account.role == "office" or any(fnmatchcase(account.agency or "", one) for one in named)


def _target(account: Account, package: Package) -> Target:
    return Target(str(package.province["code"]), package.code, agency=account.agency)


def put(unit: Unit, report_type: str, name: str, content: bytes, *, dry_run: bool, by: Account) -> Row[Any]:
    """Read a list and say what would come of it; unless it is a dry run, `start` it.

    The same file again is the same import, as long as that was not cancelled.

    Raises:
        NotFound, NotAllowed, InvalidRequest.
    """
    package = unit.catalogue.current(unit, report_type)
    province = str(package.province["code"])
    require(unit, by, package)
    sha256 = hashlib.sha256(content).hexdigest()
    if not dry_run and (known := _taken(unit, province, package.code, sha256)) is not None:
        return known
    found = lists.read(content, package, unit.today)
    _keep_to_own_area(unit, found, by)
    open_already = _with_open_cases(unit, package.code, [row["person"]["phone"] for row in found.rows])
    row = {"province": province, "report_type": package.code, "name": nfc(name)[-NAME_MAX:] or "danh_sach.csv",
           "sha256": sha256, "dry_run": True, "state": "ready", "total": found.total,
           "creatable": len(found.rows) - len(open_already), "running": len(open_already),
           "duplicates": found.duplicates, "refusals": found.refusals, "unread": found.unread,
           "created_at": unit.now, "created_by": by.login}  # fmt: skip
    made = int(unit.scalar(imports.insert().returning(imports.c.id), row))
    if found.rows:
        unit.execute(import_rows.insert(), [_row(made, one) for one in found.rows])
    return show(unit, by, made) if dry_run else start(unit, made, by=by)


def _keep_to_own_area(unit: Unit, found: lists.Read, by: Account) -> None:
    """A district's or a commune's people list whoever lives there, and nobody else."""
    of_it = select(agencies.c.area).where(agencies.c.key == by.agency)
    own = unit.scalar(of_it) if by.agency is not None else None
    if own is None:
        return
    area = areas.show(unit, own)
    for row in found.rows:
        if row["place"].setdefault("area", own) in (own, area.parent):
            row["place"]["area"] = own
            continue
        found.refusals.append(lists.refusal(
            row["row"], f"Nơi ở không thuộc {area.name}: hãy gửi dòng này cho đơn vị ở nơi ấy.",
            f"The place is not in {area.name}: send this row to the agency of that place.",
        ))  # fmt: skip
    found.rows = [row for row in found.rows if row["place"]["area"] == own]
    found.refusals.sort(key=itemgetter("row"))


def start(unit: Unit, import_id: int, *, by: Account) -> Row[Any]:
    """Have the workers take up what a dry run has understood; who has got an open case since then, is left out.

    A second time it is the same import; so it is if somebody has started the same file.

    Raises:
        NotFound: there is none, or not for this account.
        WrongState: its rows are not kept any more.
    """
    found = show(unit, by, import_id)
    if not found.dry_run:
        return found
    sha256 = unit.scalar(select(imports.c.sha256).where(imports.c.id == import_id))
    if (known := _taken(unit, found.province, found.report_type, sha256)) is not None:
        if known.id != import_id:
            _ends(unit, import_id, "cancelled")
        return known
    left = _without_open_cases(unit, found)
    if not unit.claims(update(imports).where(imports.c.id == import_id, _READY).values(dry_run=False)):
        raise WrongState(f"What the import {import_id} said is not kept any more: send the file again.")
    its = import_rows.c.import_id == import_id
    unit.execute(update(import_rows).where(its, leases.in_state(import_rows, "ready")).values(state="waiting"))
    ends = {"state": "waiting", "finished_at": None} if left else {"state": "done", "finished_at": unit.now}
    counts = {"creatable": left, "running": found.creatable + found.running - left, "created_by": by.login}
    unit.execute(update(imports).where(imports.c.id == import_id).values(**ends, **counts))
    leases.wake(unit, unit.now)
    return show(unit, by, import_id)


def _taken(unit: Unit, province: str, report_type: str, sha256: str) -> Row[Any] | None:
    """The import of this very file, started and not cancelled; nobody starts another of it until the unit ends."""
    unit.first(select(provinces.c.code).where(provinces.c.code == province).with_for_update(key_share=True))
    same = (imports.c.province == province, imports.c.report_type == report_type, imports.c.sha256 == sha256)
    return unit.first(select(*_SHOWN).where(*same, ~imports.c.dry_run, imports.c.state != "cancelled"))


def _without_open_cases(unit: Unit, of: Row[Any]) -> int:
    """Forget the rows of people who have an open case of the type by now; returns how many rows are left."""
    kept = _hold(unit, of.id)
    open_already = _with_open_cases(unit, of.report_type, [row.person["phone"] for row in kept])
    gone = [row.position for row in kept if row.person["phone"] in open_already]
    for begin in range(0, len(gone), _ASKED_AT_ONCE):
        some = import_rows.c.position.in_(gone[begin : begin + _ASKED_AT_ONCE])
        unit.execute(delete(import_rows).where(import_rows.c.import_id == of.id, some))
    return len(kept) - len(gone)


def show(unit: Unit, account: Account, import_id: int) -> Row[Any]:
    """Raises:
    NotFound: there is none, or not for this account.
    """
    mine = (imports.c.id == import_id, access.permits(account, "import", IMPORTS))
    row = unit.first(select(*_SHOWN).where(*mine))
    if row is None:
        raise NotFound(f"There is no import {import_id}, or it is another province's.")
    return row


def index(unit: Unit, account: Account, limit: int = 50, after: str | None = None) -> Page:
    """Newest first."""
    query = select(*_SHOWN).where(access.permits(account, "import", IMPORTS))
    return newest_first(unit, query, imports.c.id, limit, after)


def rows(unit: Unit, account: Account, import_id: int, limit: int = 50, after: str | None = None) -> Page:
    """What was understood of a list that can be started: ``position``, ``person``, ``answers``, ``area`` and
    ``place``, and whether an open case keeps it from becoming one (``running``).

    Raises:
        NotFound: there is none, or not for this account.
        NotAllowed: somebody else has sent it.
    """
    found = show(unit, account, import_id)
    if found.created_by != account.login:
        raise NotAllowed(f"Only {found.created_by}, who sent the import {import_id}, sees who stands on it.")
    kept = (import_rows.c.import_id == import_id, leases.in_state(import_rows, "ready"))
    table = import_rows.c
    query = select(table.position, table.person, table.answers, table.place).where(*kept)
    if after is not None:
        query = query.where(import_rows.c.position > read_cursor(after)[1])
    one = page(unit.all(query.order_by(import_rows.c.position).limit(limit + 1)), limit,
               lambda row: write_cursor(None, row.position))  # fmt: skip
    open_already = _with_open_cases(unit, found.report_type, [row.person["phone"] for row in one.items])
    told = ({"position": row.position, "person": row.person, "answers": row.answers,
             "running": row.person["phone"] in open_already, **dict.fromkeys(lists.PLACE), **(row.place or {})}
            for row in one.items)  # fmt: skip
    return Page(list(told), one.after)


def cancel(unit: Unit, import_id: int, *, by: Account) -> Row[Any]:
    """Take up no more of its rows; the cases that it has made stay.

    Raises:
        NotFound: there is none, or not for this account.
        WrongState: it has ended.
    """
    found = show(unit, by, import_id)
    left = import_rows.c.state.in_(("ready", "waiting"))
    _hold(unit, import_id)
    unit.execute(delete(import_rows).where(import_rows.c.import_id == import_id, left))
    if not _ends(unit, import_id, "cancelled"):
        raise WrongState(f"The import {import_id} is {found.state!r}: there is nothing left to cancel.")
    return show(unit, by, import_id)


def tidy(unit: Unit, before: datetime) -> int:
    """Forget who stands on lists that were looked at before then and never started; returns how many lists."""
    old = unit.all(select(imports.c.id).where(_READY, imports.c.created_at < before))
    return sum(_ends(unit, row.id, "done", _READY) for row in old)  # if nobody starts it just now


def step(runtime: Runtime) -> bool:
    """Take up a row of the import that has waited longest, in a unit of its own, or end an import that has none left;
    ``False``: there is nothing to do, or others are at it.
    """
    with runtime.read() as unit:
        if unit.first(select(imports.c.id).where(_waiting(imports)).limit(1)) is None:
            return False
    with runtime.begin() as unit:
        row = attempts.begin(unit, import_rows, _waiting(import_rows))
        if row is None:
            return _ends_one(unit)
    attempts.make(runtime, import_rows, row, lambda unit: _settle(unit, row, _taken_up(unit, row)))
    return True


def _taken_up(unit: Unit, row: Row[Any]) -> str:
    """What a row has come to: its state."""
    of = unit.first(select(imports.c.report_type, imports.c.created_by).where(imports.c.id == row.import_id))
    assert of is not None  # its rows go first
    _one_at_a_time(unit, of.report_type, row.person["phone"])
    if _with_open_cases(unit, of.report_type, [row.person["phone"]]):
        return "running"
    try:
        if (in_vain := attempts.in_vain(row)) is not None:
            raise WrongState(in_vain)
        with unit.savepoint():
            channel = unit.catalogue.current(unit, of.report_type).type["list"]["channel"]
            said = {"reporter": Person(**row.person), "listed": True} | (row.place or {})
            report = Report(of.report_type, row.answers, channel, **said)
            intake.receive(unit, report, by=accounts.account(unit, of.created_by))
        return "created"
    except Exception as error:
        if leases.is_conflict(error):
            raise  # nobody's fault: the row is taken up at the next look
        why = error.detail if isinstance(error, EngineError) else "it could not be taken up"
        said = lists.refusal(row.position, "Chưa lập được vụ việc cho dòng này.", f"No case could be made: {why}")
        _refuse(unit, row.import_id, said)
        return "refused"


def _one_at_a_time(unit: Unit, report_type: str, phone: str) -> None:
    """Hold back who takes up the same number from another list. SQLite has only one writer anyway."""
    if unit.locks_rows:
        who = f"{report_type}:{phone}"
        unit.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(who, 0))))


def _refuse(unit: Unit, import_id: int, said: dict[str, Any]) -> None:
    its = imports.c.id == import_id
    refusals = unit.scalar(select(imports.c.refusals).where(its).with_for_update())
    unit.execute(update(imports).where(its).values(refusals=sorted([*refusals, said], key=itemgetter("row"))))


def _settle(unit: Unit, row: Row[Any], state: str) -> None:
    """Note what a row has come to, and forget the person."""
    its = (import_rows.c.import_id == row.import_id, import_rows.c.position == row.position)
    unit.execute(update(import_rows).where(*its).values(state=state, person=null(), answers=null(), place=null()))


def _ends_one(unit: Unit) -> bool:
    left = exists().where(import_rows.c.import_id == imports.c.id, _waiting(import_rows))
    found = unit.scalar(select(imports.c.id).where(_waiting(imports), ~left).limit(1))
    return found is not None and _ends(unit, found, "done")


def _ends(unit: Unit, import_id: int, state: str, *conditions: ColumnElement[bool]) -> bool:
    """Note the counts of an import with no row left to take up, and delete its rows; ``False``: it has ended, or is
    not as the conditions say."""
    _hold(unit, import_id)
    ended = _COUNTS | {"state": state, "finished_at": unit.now}
    alive = imports.c.finished_at.is_(None)
    if not unit.claims(update(imports).where(imports.c.id == import_id, alive, *conditions).values(ended)):
        return False
    unit.execute(delete(import_rows).where(import_rows.c.import_id == import_id))
    return True


def _hold(unit: Unit, import_id: int) -> list[Row[Any]]:
    """The rows of an import, locked until the unit ends; whoever is at one of them is waited for."""
    query = select(import_rows.c.position, import_rows.c.person).where(import_rows.c.import_id == import_id)
    return unit.all(query.order_by(import_rows.c.position).with_for_update())


def _row(import_id: int, one: dict[str, Any]) -> dict[str, Any]:
    return {"import_id": import_id, "position": one["row"], "state": "ready", "person": one["person"],
            "answers": one["answers"], "place": one["place"] or None}  # fmt: skip


def _with_open_cases(unit: Unit, report_type: str, phones: list[str]) -> set[str]:
    """Those of the numbers at which somebody has a case of the type that is not closed."""
    found: set[str] = set()
    for begin in range(0, len(phones), _ASKED_AT_ONCE):
        some = phones[begin : begin + _ASKED_AT_ONCE]
        query = select(people.c.phone).join(cases).where(
            persons.known_by("phone", *some), cases.c.report_type == report_type, cases.c.closed_at.is_(None)
        )
        found |= {row.phone for row in unit.all(query)}
    return found
