"""Closed cases, played once more with a draft or a version: which would have gone otherwise, and why some cannot be.

The page asks for a time, says that it is at work, and gets what came out from a second address: htmx goes there by
itself, a link does without.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from flask import request

from engine import replays
from engine.errors import InvalidRequest, NotFound
from engine.packages import Files
from engine.people.access import Account
from engine.replays import Group
from engine.runtime import Unit
from engine.terms.calendar import ZONE
from engine.versions import diffs
from webapi import auth
from webapi.ui import analyst, comparing, door
from webapi.ui.pages import Pages, page
from webapi.ui.show import read_day
from webapi.ui.words import _, in_language

bp = Pages("ui_replaying")
PAGE = f"{comparing.PAGE}/phat-lai"
MOST = 100  # cases in one request: some ten seconds
NUMBERS = 20  # of cases, beside each sentence


@bp.read(PAGE)
def show(unit: Unit, caller: Account, code: str) -> Any:
    """?moi=3, or the draft; ?tu=2021-08-01&den=2021-08-31 begins."""
    which, files = _edited(unit, caller, code)
    first, last = _period(unit.now)
    return page("ui/replay.html", code=code, which=which, first=first, last=last, begun="tu" in request.args,
                faulty=files is None, found=None, most=MOST)  # fmt: skip


@bp.open("GET", f"{PAGE}/ket-qua")
def outcome(code: str) -> Any:
    caller, which, files = door.reads(lambda unit, caller: (caller, *_edited(unit, caller, code)))()
    if files is None:
        raise InvalidRequest(_("Bản nháp còn lỗi: sửa hết lỗi thì mới phát lại được."), field="moi")
    first, last = _period(auth.runtime().clock())
    since, before = (datetime.combine(day, time(), ZONE) for day in (first, last + timedelta(days=1)))
    found = replays.replay(auth.runtime(), files, since, before, MOST, by=caller)
    return page("ui/replay.html", code=code, which=which, first=first, last=last, begun=True, faulty=False, found=found,
                most=MOST, numbers=NUMBERS, aspects=aspects(), told=_told)  # fmt: skip


def _edited(unit: Unit, caller: Account, code: str) -> tuple[str, Files | None]:
    """What is tried, ``None`` for a draft with errors.

    Raises:
        NotFound: there is none, or the account may not move its cases.
    """
    newest, versions = analyst.mine(unit, caller, code)
    asked = comparing.asked_for(unit, caller, code, newest, versions)
    if not diffs.may_move(unit, asked.new or newest, caller):
        raise NotFound("There is no version whose cases you may move.")
    return asked.which, asked.new.files if asked.new else None


def _period(now: datetime) -> tuple[date, date]:
    """The first and the last day: as asked for, else those of last month.

    Raises:
        InvalidRequest: it is no time.
    """
    end = now.astimezone(ZONE).date().replace(day=1) - timedelta(days=1)
    first = read_day(request.args.get("tu") or end.replace(day=1).isoformat())
    last = read_day(request.args.get("den") or end.isoformat())
    if first is None or last is None:
        raise InvalidRequest(_("Hãy ghi ngày như 2021-09-03."), field="tu")
    if first > last:
        raise InvalidRequest(_("Ngày đầu phải trước hoặc trùng ngày cuối."), field="tu")
    return first, last


# -- words ---------------------------------------------------------------------------------------------------------


def aspects() -> dict[str, str]:
    return {"path": _("Đường đi"), "agency": _("Cơ quan xử lý"), "breach": _("Quá hạn"), "outcome": _("Kết quả")}


def _told(one: Group) -> str:
    return in_language({"vi": one.vi, "en": one.en})
