"""Which time counts: a province's calendars, and the days off and make-up days that are announced at short notice.

A day is looked at first, with what it moves, then announced; `engine.declared_days` says what follows.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from engine import declared_days
from engine.errors import InvalidRequest
from engine.people.access import Account
from engine.runtime import Unit
from engine.terms import hours
from engine.work import declared_followed
from webapi.ui import admin, door, pages
from webapi.ui.pages import Pages, done, page
from webapi.ui.show import read_day
from webapi.ui.words import _, translated

bp = Pages("ui_calendars")
PAGE = "/quan-tri/lich"
SHOWN = 20  # cases of which the page says how they move
ROWS = 50


@bp.read(PAGE)
def show(unit: Unit, caller: Account) -> Any:
    """Working hours, the days off of a year, swapped days included, and what was announced."""
    return _page(unit, caller)


def _page(unit: Unit, caller: Account, **looked: Any) -> Any:
    admin.must_manage(caller)
    chosen, every = admin.province(unit)
    year = unit.today.year
    calendars = {name: _dated(table) for name, table in chosen.settings.get("calendars", {}).items()}
    off, swapped = hours.public_holidays(year) if any(one.get("holidays") for one in calendars.values()) else ((), ())
    declared = declared_days.index(unit, chosen.code, ROWS, request.args.get("after"), by=caller)
    return page("ui/admin_calendars.html", calendars=calendars, chosen=chosen, provinces=every, year=year,
                off=sorted(off), swapped=sorted(swapped), today=unit.today, kinds=kinds(), found=declared, **looked)


@bp.open("POST", f"{PAGE}/xem-truoc")
def look() -> Any:
    """What a day would move; nothing is changed."""
    try:
        return door.reads(_look)(_asked())
    except InvalidRequest as error:
        return _refused(error)


def _look(unit: Unit, caller: Account, asked: dict[str, Any]) -> Any:
    number, moves = declared_followed.preview(unit, **asked, most=SHOWN, by=caller)
    return _page(unit, caller, asked=asked, number=number, moves=moves)


@bp.open("POST", f"{PAGE}/cong-bo")
def declare() -> Any:
    try:
        asked = _asked()
        door.changes(lambda unit, by: declared_days.declare(unit, **asked, by=by))()
    except InvalidRequest as error:
        return _refused(error)
    return done(_("Đã công bố. Hạn đang chạy được tính lại trong vài phút; mỗi vụ việc ghi rõ vì sao."),
                "ui_calendars.show", tinh=asked["province"])  # fmt: skip


def _asked() -> dict[str, Any]:
    """Raises: InvalidRequest."""
    said = {name: request.form.get(name, "").strip() for name in ("province", "day", "kind", "reason")}
    day = read_day(said["day"])
    if day is None:
        raise InvalidRequest(_("Hãy chọn một ngày."), field="day")
    return said | {"day": day}


def _refused(error: InvalidRequest) -> Any:
    return pages.undone(translated(error.detail), url_for("ui_calendars.show", tinh=request.form.get("province", "")))


def _dated(table: dict[str, Any]) -> dict[str, Any]:
    """A calendar as its province wrote it, with days as days."""
    dates = {name: [hours.read_date(one, name) for one in table.get(name, ())]
             for name in ("extra_holidays", "working_days")}  # fmt: skip
    return table | dates


def kinds() -> dict[str, str]:
    return {"off": _("nghỉ"), "worked": _("làm bù"), "usual": _("như thường lệ, bỏ công bố trước")}
