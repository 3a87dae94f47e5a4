"""Lists of people that become cases: looked at in a dry run, then taken up by the worker, a row at a time.

A row's case, and the note that the row has been taken up, are one transaction: who dies in between has committed
nothing. Imports into one province take turns, and a row whose telephone number has an open case of the type makes none.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Row, false, select, update

from engine import access, accounts, areas, intake, leases, lists
from engine.access import Account, Columns, Target
from engine.errors import EngineError, NotFound, WrongState
from engine.intake import Person, Report
from engine.model import cases, imports, people, provinces
from engine.queries import Page, page, read_cursor
from engine.runtime import Runtime, Unit
from engine.vietnamese import nfc

IMPORTS = Columns(imports.c.province, lambda agency: false(), report_type=imports.c.report_type)
NAME_MAX = 200
_ASKED_AT_ONCE = 500
_SHOWN = [column for column in imports.c if column.name not in ("rows", "sha256")]


def put(unit: Unit, report_type: str, name: str, content: bytes, *, dry_run: bool, by: Account) -> Row[Any]:
    """Read a list, say what would come of it and, unless it is a dry run, have the worker do it.

    The same file again is the same import, as long as that was not cancelled.

    Raises:
        NotFound, NotAllowed, InvalidRequest.
    """
    package = unit.catalogue.current(unit, report_type)
    province = str(package.province["code"])
    access.require(by, "import", Target(province, package.code), unit)
    sha256 = hashlib.sha256(content).hexdigest()
    if not dry_run:
        same = (imports.c.province == province, imports.c.report_type == package.code, imports.c.sha256 == sha256)
        unit.first(select(provinces.c.code).where(provinces.c.code == province).with_for_update(key_share=True))
        before = select(*_SHOWN).where(*same, ~imports.c.dry_run, imports.c.state != "cancelled")
        if (known := unit.first(before)) is not None:
            return known
    found = lists.read(content, package, areas.today(unit))
    open_already = _with_open_cases(unit, package.code, [row["person"]["phone"] for row in found.rows])
    fresh = [row for row in found.rows if row["person"]["phone"] not in open_already]
    waits = bool(fresh) and not dry_run
    row = {"province": province, "report_type": package.code, "name": nfc(name)[-NAME_MAX:] or "danh_sach.csv",
           "sha256": sha256, "dry_run": dry_run, "state": "waiting" if waits else "done",
           "rows": fresh if waits else [], "total": found.total, "creatable": len(fresh),
           "running": len(open_already), "duplicates": found.duplicates, "refusals": found.refusals,
           "created_at": unit.now, "created_by": by.login, "finished_at": None if waits else unit.now}  # fmt: skip
    made = unit.scalar(imports.insert().returning(imports.c.id), row)
    leases.wake(unit, unit.now)
    return show(unit, by, made)


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
    if after is not None:
        query = query.where(imports.c.id < read_cursor(after)[1])
    return page(unit.all(query.order_by(imports.c.id.desc()).limit(limit + 1)), limit)


def cancel(unit: Unit, import_id: int, *, by: Account) -> Row[Any]:
    """Take up no more of its rows; the cases that it has made stay.

    Raises:
        NotFound: there is none, or not for this account.
        WrongState: it has ended.
    """
    found = show(unit, by, import_id)
    ended = {"state": "cancelled", "rows": [], "finished_at": unit.now}
    if not unit.claims(update(imports).where(imports.c.id == import_id, _waiting()).values(ended)):
        raise WrongState(f"The import {import_id} is {found.state!r}: there is nothing left to cancel.")
    return show(unit, by, import_id)


def step(runtime: Runtime) -> bool:
    """Take up one row of the import that has waited longest, in a unit of its own; ``False``: there is none."""
    oldest = select(imports).where(_waiting()).order_by(imports.c.id).limit(1)
    with runtime.read() as unit:
        if unit.first(oldest.with_only_columns(imports.c.id)) is None:
            return False
    with runtime.begin() as unit:
        row = unit.first(oldest.with_for_update(skip_locked=True))
        if row is None:
            return False
        unit.first(select(provinces.c.code).where(provinces.c.code == row.province).with_for_update(key_share=True))
        _settle(unit, row, _taken_up(unit, row, row.rows[row.position]))
    return True


def _taken_up(unit: Unit, row: Row[Any], one: dict[str, Any]) -> dict[str, Any]:
    """What changes of the import."""
    if _with_open_cases(unit, row.report_type, [one["person"]["phone"]]):
        return {"running": row.running + 1}
    try:
        with unit.savepoint():
            channel = unit.catalogue.current(unit, row.report_type).type["list"]["channel"]
            report = Report(row.report_type, one["answers"], channel, reporter=Person(**one["person"]), listed=True)
            intake.receive(unit, report, by=accounts.account(unit, row.created_by))
        return {"created": row.created + 1}
    except Exception as error:
        if leases.is_conflict(error):
            raise  # nobody's fault: the row is taken up at the next look
        why = error.detail if isinstance(error, EngineError) else "it could not be taken up"
        said = lists.refusal(one["row"], "Chưa lập được hồ sơ cho dòng này.", f"No case could be made: {why}")
        return {"refusals": [*row.refusals, said]}


def _settle(unit: Unit, row: Row[Any], change: dict[str, Any]) -> None:
    change["position"] = row.position + 1
    if change["position"] == len(row.rows):
        change |= {"state": "done", "rows": [], "finished_at": unit.now}
    unit.execute(update(imports).where(imports.c.id == row.id).values(change))


def _with_open_cases(unit: Unit, report_type: str, phones: list[str]) -> set[str]:
    """Those of the numbers at which somebody has a case of the type that is not closed."""
    found: set[str] = set()
    for begin in range(0, len(phones), _ASKED_AT_ONCE):
        some = phones[begin : begin + _ASKED_AT_ONCE]
        query = select(people.c.phone).join(cases).where(
            people.c.phone.in_(some), cases.c.report_type == report_type, cases.c.closed_at.is_(None)
        )
        found |= {row.phone for row in unit.all(query)}
    return found


def _waiting() -> Any:
    return leases.in_state(imports, "waiting")
