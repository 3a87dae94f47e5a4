"""Calling back: who waits for it, and promising it for a time of day.

What is called back with is the report type that ``missed_call`` in province.toml names; its form asks for `WHEN`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import request, url_for

from engine import contacts, intake, queries
from engine.errors import InvalidAnswers, InvalidRequest, NotAllowed, NotFound
from engine.intake import Person, Report
from engine.packages import Package
from engine.people.access import Account
from engine.queries import TaskFilter
from engine.runtime import Unit
from engine.terms.calendar import ZONE
from webapi.ui import calls, door
from webapi.ui.pages import Pages, done, undone
from webapi.ui.words import _

bp = Pages("ui_callback")
SHOWN = 6
AHEAD = timedelta(days=2)  # no call-back waits longer: promised for the next day, and tried again within hours
WHEN = "goi_luc"  # the question of its intake form
USUAL = timedelta(minutes=30)  # from now, unless somebody says otherwise


def waiting(unit: Unit, caller: Account, types: Sequence[Package]) -> dict[str, Any]:
    """The call-backs that are this desk's to make, what is due first; those promised for later; and the time that one
    is promised for if nobody says."""
    package = _type(types)
    if package is None:
        return {"callbacks": None}
    mine = TaskFilter(group=caller.agency, report_type=package.code, limit=SHOWN)
    local = (unit.now + USUAL).astimezone(ZONE)
    usual = local - timedelta(minutes=local.minute % 5) + timedelta(minutes=5)
    asks = any(one.key == WHEN for one in package.intake_form.fields)
    later = contacts.waiting_for_a_time(unit, caller, str(package.province["code"]), package.code,
                                        unit.now - AHEAD, SHOWN)  # fmt: skip
    return {"callbacks": queries.list_tasks(unit, caller, mine).items, "later": later, "callback_type": package.code,
            "promised": f"{usual:%H:%M}", "promises": asks}  # fmt: skip


def _type(types: Sequence[Package]) -> Package | None:
    return next((one for one in types if one.code == one.province.get("missed_call")), None)


@bp.open("POST", "/tiep-nhan/hen-goi-lai")
def promise() -> Any:
    """Note that somebody is called back at that time: the next one that the clock shows it."""
    try:
        at = door.changes(_promised)()
    except (InvalidAnswers, InvalidRequest, NotAllowed, NotFound):
        return undone(_("Chưa hẹn được: hãy ghi số gọi đến và giờ gọi lại, như 15:30."), desk_with(request.form))
    return done(_("Đã hẹn gọi lại lúc %(at)s.", at=f"{at:%H:%M %d/%m/%Y}"), "ui_desk.show")


def desk_with(said: Mapping[str, str]) -> str:
    """The operator's page with what a small form beside it has borrowed from it."""
    borrowed = ("phone", "name", "phim", "channel", "contact")
    return url_for("ui_desk.show", **{name: said[name] for name in borrowed if said.get(name)})


def _promised(unit: Unit, caller: Account) -> datetime:
    package = _type(calls.types(unit, caller))
    said, at = request.form, _next(unit.now, request.form.get("luc", ""))
    if package is None or not said.get("phone", "").strip():
        raise InvalidRequest("There is nobody to call back.", field="phone")
    answers = {"noi_dung": f"Hẹn gọi lại lúc {at:%H:%M %d/%m/%Y}", WHEN: at.isoformat(timespec="minutes")}
    asked = {one.key for one in package.intake_form.fields}
    reporter = Person(name=said.get("name", "").strip()[:300] or None, phone=said["phone"].strip()[:40])
    report = Report(package.code, {key: answers[key] for key in answers if key in asked}, "dien_thoai",
                    reporter=reporter, branch=said.get("phim") or None)  # fmt: skip
    intake.receive(unit, report, by=caller)
    return at


def _next(now: datetime, written: str) -> datetime:
    """Today at that time, or tomorrow if it has passed."""
    try:
        clock = datetime.strptime(written.strip(), "%H:%M").time()
    except ValueError:
        raise InvalidRequest("Write a time of day.", field="luc") from None
    today = datetime.combine(now.astimezone(ZONE).date(), clock, ZONE)
    return today if today > now else today + timedelta(days=1)
