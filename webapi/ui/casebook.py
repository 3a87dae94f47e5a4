"""Cases: the list, and a case's file. Personal data only for who asks for it, and every look is recorded."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, request, url_for

from engine import casefile, queries
from engine.files import attachments, reading
from engine.people import access
from engine.people.access import Account
from engine.queries import CaseFilter
from engine.runtime import Unit
from webapi import attached
from webapi.ui import door, dossier, drawn, pages, steps
from webapi.ui.pages import Pages, page
from webapi.ui.words import _

bp = Pages("ui_cases")
CASE = "/vu-viec/<name:number>"
ROWS = 50
KINDS = {"dang-mo": {"open": True, "sort": "due"}, "qua-han": {"overdue": True}, "da-xong": {"open": False}, "": {}}


@bp.read("/vu-viec")
def index(unit: Unit, caller: Account) -> Any:
    said = {name: value[:100] for name in ("q", "loai", "khu", "dang") if (value := request.args.get(name, "").strip())}
    wanted = CaseFilter(province=caller.province, report_type=said.get("loai"), area=said.get("khu"), q=_asked(said),
                        limit=ROWS, after=request.args.get("after"), **KINDS.get(said.get("dang", ""), {}))  # fmt: skip
    found = queries.list_cases(unit, caller, wanted)
    if len(found.items) == 1 and found.items[0].number == wanted.q:
        return redirect(url_for("ui_cases.show", number=wanted.q), 303)
    packages = [one for one in unit.catalogue.all_current(unit) if caller.province in (None, str(one.province["code"]))]
    return page("ui/case_list.html", cases=found.items, after=found.after, filters=said, kinds=KINDS, types=packages,
                names={one.code: one for one in packages}, status=dossier.status)  # fmt: skip


def _asked(said: dict[str, str]) -> str | None:
    """A number is written in capitals; words as they come."""
    words = said.get("q")
    return words.upper() if words and words[0].isdigit() and "." in words else words


@bp.read(CASE)
def show(unit: Unit, caller: Account, number: str) -> Any:
    return page("ui/case_file.html", people=None, **dossier.of(unit, caller, number))


@bp.change(f"{CASE}/nguoi-bao")
def reveal(unit: Unit, caller: Account, number: str) -> Any:
    """Who reported: shown once, in the answer itself, and written into the case's history."""
    people = casefile.reveal_people(unit, caller, number)
    return page("ui/case_file.html", people=people, **dossier.of(unit, caller, number))


@bp.open("POST", f"{CASE}/buoc/<name:step>")
def act(number: str, step: str) -> Any:
    """Extend, pause, resume, reassign, join, reopen, comment."""
    return steps.take(steps.CASE_STEPS, step, number, url_for("ui_cases.show", number=number))


@bp.read(f"{CASE}/so-do.bpmn")
def diagram(unit: Unit, caller: Account, number: str) -> Any:
    case = access.find(unit, caller, "see", number)
    return drawn.of(unit.catalogue.pinned(unit, case.definition_id))


# -- files ---------------------------------------------------------------------------------------------------------


@bp.open("POST", f"{CASE}/tep")
def attach(number: str) -> Any:
    """Add files; nobody fills our disk who may not."""
    back = door.safe_address(request.form.get("back"), url_for("ui_cases.show", number=number))
    door.reads(lambda unit, caller: access.find(unit, caller, "attach", number))()
    try:
        count = _attach(number)
    except steps.REFUSALS as error:
        return pages.undone(steps.refusal("tep", error), back)
    flash(_("Đã thêm %(count)s tệp.", count=count))
    return redirect(back, 303)


def _attach(number: str) -> int:
    parts = [part for part in request.files.getlist("files") if part.filename]
    store, largest = attached.store(), current_app.config["BODY_MAX"]
    stored = [(store.put(part.stream, largest), part.filename or "") for part in parts]
    door.changes(lambda unit, caller: [attachments.add(unit, number, *one, by=caller) for one in stored])()
    return len(stored)


@bp.read("/viec/tep-cho-mo")
def waiting(unit: Unit, caller: Account) -> Any:
    """The files that the caller can let those behind the veil have: somebody waits for them. For the list of work,
    which asks when it is there, only how many."""
    short = "HX-Request" in request.headers
    return page("ui/files_count.html" if short else "ui/files_waiting.html", found=reading.waiting(unit, caller))


@bp.read(f"{CASE}/tep/<key:attachment_id>")
def download(unit: Unit, caller: Account, number: str, attachment_id: int) -> Any:
    return attached.shown(*reading.open_one(unit, caller, number, attachment_id))


@bp.open("POST", f"{CASE}/tep/<key:attachment_id>/cho-xem")
def release(number: str, attachment_id: int) -> Any:
    """Let those behind the veil have it."""
    back = door.safe_address(request.form.get("back"), url_for("ui_cases.show", number=number))
    try:
        door.changes(lambda unit, caller: reading.release(unit, number, attachment_id, by=caller))()
    except steps.REFUSALS as error:
        return pages.undone(steps.refusal("tep-cho-xem", error), back)
    flash(_("Người xử lý mở được tệp này."))
    return redirect(back, 303)


# -- tasks that were handed down -----------------------------------------------------------------------------------


@bp.open("POST", f"{CASE}/lay-lai/<key:task_id>")
def take_back(number: str, task_id: int) -> Any:
    return steps.take(steps.TASK_STEPS, "lay-lai", task_id, url_for("ui_cases.show", number=number))
