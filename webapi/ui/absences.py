"""Who is away, and who stands in: noted by the person, by who heads the agency, by the office or an administrator.

Whoever may note it in several agencies chooses one of them first: ?co_quan=ubnd_74_718.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import request, url_for

from engine import absences, directory, queries
from engine.errors import EngineError, InvalidRequest, NotAllowed, NotFound, WrongState
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit
from webapi.ui import door, pages
from webapi.ui.pages import Pages, done, page
from webapi.ui.show import read_day
from webapi.ui.words import _, in_language

bp = Pages("ui_absences")


@bp.read("/vang-mat")
def index(unit: Unit, caller: Account) -> Any:
    return _page(unit, caller, {}, None)


def _page(unit: Unit, caller: Account, said: Any, wrong: tuple[str, str] | None) -> Any:
    """Args:
    wrong: which question of the form is answered wrongly, and why.
    """
    elsewhere = _elsewhere(unit, caller)
    agency = _agency(caller, elsewhere)
    colleagues = _colleagues(unit, caller, agency)
    for_whom = [one for one in colleagues if one.id == caller.id or access.allows(caller, "set-absence", one, unit)]
    found = absences.upcoming(unit, caller)
    return page("ui/absences.html", 422 if wrong else 200, absences=found, for_whom=for_whom, colleagues=colleagues,
                today=unit.today, said=said, faults=dict([wrong] if wrong else []), elsewhere=elsewhere,
                agency=agency, names={one.key: one.name for one in elsewhere},
                may_end={one.id for one in found
                         if one.login == caller.login or access.allows(caller, "set-absence", one, unit)})  # fmt: skip


def _elsewhere(unit: Unit, caller: Account) -> list[Any]:
    """The agencies to choose from, for whoever notes it for others than their own."""
    if not access.allows(caller, "set-absence", Target(caller.province, agency="")):
        return []
    return directory.list_agencies(unit, province=caller.province, at=unit.today)


def _agency(caller: Account, elsewhere: list[Any]) -> str | None:
    """By its key, or by its name; one's own, unless another is asked for."""
    asked = request.values.get("co_quan", "").strip()
    named = (one.key for one in elsewhere if asked in (one.key, one.name, in_language(one.name)))
    return next(named, caller.agency)


def _colleagues(unit: Unit, caller: Account, agency: str | None) -> list[Any]:
    people = directory.list_accounts(unit, caller, agency=agency, limit=queries.LIMIT_MAX).items if agency else []
    return [one for one in people if one.active and one.role in access.AGENCIES_PEOPLE]


@bp.open("POST", "/vang-mat")
def note() -> Any:
    said = request.form
    try:
        first_day, last_day = _day("first_day"), _day("last_day")
        _note(said.get("login", ""), said.get("substitute", ""), first_day, last_day)
    except (InvalidRequest, NotAllowed, NotFound, WrongState) as error:
        wrong = _wrong(error)
        return door.reads(lambda unit, caller: _page(unit, caller, said, wrong))()
    return done(_("Đã ghi. Người làm thay thấy việc này trong danh sách việc, và được báo bằng thư nếu có địa chỉ."),
                "ui_absences.index", co_quan=said.get("co_quan"))  # fmt: skip


@door.changes
def _note(unit: Unit, caller: Account, login: str, substitute: str, first_day: date, last_day: date) -> None:
    absences.note(unit, login or caller.login, substitute, first_day, last_day, by=caller)


def _day(name: str) -> date:
    day = read_day(request.form.get(name, ""))
    if day is None:
        raise InvalidRequest("Write a day.", field=name)
    return day


@bp.open("POST", "/vang-mat/<key:absence_id>/ket-thuc")
def end(absence_id: int) -> Any:
    try:
        door.changes(lambda unit, caller: absences.end(unit, absence_id, by=caller))()
    except WrongState:
        return pages.undone(_("Lần vắng mặt này đã kết thúc."), url_for("ui_absences.index"))
    return done(_("Đã kết thúc: không ai làm thay nữa."), "ui_absences.index")


# -- words ---------------------------------------------------------------------------------------------------------


def _wrong(error: EngineError) -> tuple[str, str]:
    field = str(error.facts.get("field", "substitute"))
    return field, {
        "first_day": _("Hãy chọn ngày bắt đầu: từ hôm nay trở đi."),
        "last_day": _("Hãy chọn ngày cuối: không trước ngày đầu, và trong vòng một năm."),
    }.get(field, _refusal(error))


def _refusal(error: EngineError) -> str:
    return {
        "wrong-state": _("Người này đã ghi vắng mặt những ngày đó, hoặc đang làm thay cho chính người được chọn."),
        "not-allowed": _("Chỉ chính người đó, người đứng đầu cơ quan hoặc văn phòng ghi được."),
    }.get(error.code, _("Hãy chọn một đồng nghiệp khác, cùng cơ quan."))
