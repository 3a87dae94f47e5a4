"""The overseer (Mặt trận Tổ quốc, HĐND): how far things are, and a question into a case. Nothing personal."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from engine import casefile, cases
from engine.errors import InvalidRequest, WrongState
from engine.people import access
from engine.people.access import Account
from engine.public import tracking
from engine.runtime import Unit
from engine.statistics import overview
from webapi.ui import door, office, steps
from webapi.ui.pages import Pages, done, page, undone
from webapi.ui.words import _

bp = Pages("ui_overseer")


@bp.read("/giam-sat")
def show(unit: Unit, caller: Account) -> Any:
    access.require(caller, "ask")
    counts = office.counted(unit, caller)
    return page("ui/office.html", counts=counts, titles=office.titles(), states=office.states(), to="ui_overseer.list")


@bp.read("/giam-sat/vu-viec/<name:state>")
def list(unit: Unit, caller: Account, state: str) -> Any:
    access.require(caller, "ask")
    up = (url_for("ui_overseer.show"), _("Giám sát"))
    return page("ui/office_cases.html", state=office.states().get(state), link="ui_overseer.case", up=up,
                **office.behind(unit, caller, state))  # fmt: skip


@bp.read("/giam-sat/<name:number>")
def case(unit: Unit, caller: Account, number: str) -> Any:
    """How far a case is, and the questions that were put into it: this agency's in full, others' only as a fact."""
    row = access.find(unit, caller, "ask", number)
    shown = office.impersonal(unit, [row._mapping])[0]
    waiting = casefile.open_steps(unit, row.id)
    package = unit.catalogue.pinned(unit, row.definition_id)
    return page("ui/overseer_case.html", case=shown, asked=overview.questions(unit, row, caller), steps=waiting,
                asks=cases.takes_questions(unit, row.id), package=package,
                progress=tracking.progress(package, waiting),
                agencies=overview.names(unit, "agency", [one.group for one in waiting]))  # fmt: skip


@bp.open("POST", "/giam-sat/<name:number>/hoi")
def ask(number: str) -> Any:
    question = request.form.get("question", "")
    try:
        door.changes(lambda unit, caller: cases.ask(unit, number, question, by=caller))()
    except (InvalidRequest, WrongState) as error:
        return undone(steps.refusal("hoi", error), url_for("ui_overseer.case", number=number))
    return done(_("Đã gửi câu hỏi"), "ui_overseer.case", number=number)
