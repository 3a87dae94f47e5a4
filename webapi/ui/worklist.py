"""The handler's workplace: the worklist of one's agency, and a task with its form and its case beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Response, flash, jsonify, redirect, request, url_for

from engine import absences, casefile, directory, queries, tasks
from engine.errors import InvalidAnswers, InvalidRequest, NotFound, WrongState
from engine.people import access
from engine.people.access import Account
from engine.queries import TaskFilter
from engine.runtime import Unit
from engine.sheets import imports
from engine.work import kept_filters
from webapi.ui import door, dossier, forms, pages, steps, words
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _

bp = Pages("ui_worklist")
TASK = "/viec/<key:task_id>"
VIEWS = {"toi": "mine", "chua-nhan": "unclaimed", "tat-ca": "all"}
ABSENT = "thay"  # what is assigned to people for whom one stands in
ROWS = 50
PAGE = "viec"  # under which this page's filters are kept


# -- the list ------------------------------------------------------------------------------------------------------


@bp.read("/viec")
def index(unit: Unit, caller: Account) -> Any:
    absent = absences.stood_in_for(unit, caller)
    view, wanted = _view(absent), _wanted(caller)
    found = queries.list_tasks(unit, caller, _narrowed(caller, view, wanted, absent))
    packages = [one for one in unit.catalogue.all_current(unit) if str(one.province["code"]) == caller.province]
    counts = {} if wanted.q else queries.count_tasks(unit, caller, wanted)  # looked for once, not three times more
    facts = {"view": view, "views": VIEWS, "tasks": found.items, "after": found.after, "types": packages,
             "counts": counts, "names": {one.code: one.name for one in packages},
             "by_code": {one.code: one for one in packages},
             "districts": _districts(packages), "absent": absent,
             "people": {one.login: one.name for one in absent},
             "lists": any(one.type.get("list") and imports.may(unit, caller, one) for one in packages)}  # fmt: skip
    return page("ui/worklist.html", filters=_filters(), **facts, **_kept(unit, caller, view, packages))


def _view(absent: list[Any]) -> str:
    asked = request.args.get("xem", "")
    return asked if asked in VIEWS or (absent and asked == ABSENT) else "tat-ca"


def _filters() -> dict[str, str]:
    """What narrows the list, as it stands in the address: a bookmark keeps it."""
    return _narrowing(request.args)


def _narrowing(said: Mapping[str, str]) -> dict[str, str]:
    return {name: value[:100] for name in ("loai", "khu", "q") if (value := said.get(name, "").strip())}


def _wanted(caller: Account) -> TaskFilter:
    return replace(_of(caller, _filters()), limit=ROWS, after=request.args.get("after"))


def _of(caller: Account, said: Mapping[str, str]) -> TaskFilter:
    return TaskFilter(group=caller.agency, report_type=said.get("loai"), area=said.get("khu"), q=said.get("q"))


def _narrowed(caller: Account, view: str, wanted: TaskFilter, absent: list[Any]) -> TaskFilter:
    if view == ABSENT:
        return replace(wanted, assignees=tuple(one.account_id for one in absent))
    assignee = {"toi": caller.login, "chua-nhan": ""}.get(view)
    group = None if view == "toi" else wanted.group
    return replace(wanted, assignee=assignee, group=group)


def _districts(packages: list[Any]) -> list[tuple[str, str]]:
    known = {str(one["code"]): words.in_language(one["name"]) for package in packages[:1]
             for one in package.province.get("areas", ()) if not one.get("parent")}  # fmt: skip
    return sorted(known.items(), key=lambda pair: pair[1])


def _kept(unit: Unit, caller: Account, view: str, packages: list[Any]) -> dict[str, Any]:
    """The caller's kept filters, each with how many tasks it finds now; those that look for words are counted when the
    page is there (`kept`). And the name proposed for keeping what the list is narrowed by now."""
    kept = _counted(unit, caller, lambda query: not query.get("q"))
    narrowed = _filters()
    new = narrowed and view != ABSENT and {**narrowed, "xem": view} not in [one["query"] for one in kept]
    return {"kept": kept, "keeps": _named(narrowed, packages) if new else None}


def _counted(unit: Unit, caller: Account, which: Callable[[dict[str, str]], bool]) -> list[dict[str, Any]]:
    """The caller's kept filters; ``count`` of those that are to be counted, else ``None``."""
    rows = kept_filters.of(unit, caller, PAGE)
    counted = [row for row in rows if which(row.query)]
    wanted = [_narrowed(caller, row.query["xem"], _of(caller, row.query), []) for row in counted]
    counts = queries.count_each(unit, caller, wanted) if wanted else []
    found = dict(zip([row.id for row in counted], counts, strict=True))
    return [{"id": row.id, "name": row.name, "query": row.query, "count": found.get(row.id)} for row in rows]


@bp.read("/viec/bo-loc")
def kept(unit: Unit, caller: Account) -> Any:
    """The kept filters, all counted: words may stand in a hundred thousand cases, and no list should wait for that."""
    view = _view(absences.stood_in_for(unit, caller))
    return page("ui/kept.html", kept=_counted(unit, caller, lambda query: True), filters=_filters(), view=view)


def _named(said: dict[str, str], packages: list[Any]) -> str:
    types = {one.code: words.in_language(one.name) for one in packages}
    districts = dict(_districts(packages))
    named = (types.get(said.get("loai", "")), districts.get(said.get("khu", "")), said.get("q"))
    return " · ".join(one for one in named if one)[: kept_filters.NAME_MAX]


@bp.change("/viec/bo-loc")
def keep(unit: Unit, caller: Account) -> Any:
    """Keep what the list is narrowed by, under a name."""
    said, view = _narrowing(request.form), request.form.get("xem")
    query = {**said, "xem": view if view in VIEWS else "tat-ca"} if said else {}
    try:
        kept_filters.keep(unit, PAGE, request.form.get("name", ""), query, by=caller)
    except InvalidRequest as error:
        why = _("Đã giữ đủ %(most)s bộ lọc: hãy bỏ bớt một bộ lọc.", most=kept_filters.MOST) \
            if error.facts.get("field") == "most" else _("Hãy đặt tên cho bộ lọc, không quá %(most)s ký tự.",
                                                         most=kept_filters.NAME_MAX)  # fmt: skip
        return pages.undone(why, url_for("ui_worklist.index", **query))
    return done(_("Đã giữ bộ lọc."), "ui_worklist.index", **query)


@bp.change("/viec/bo-loc/<key:filter_id>/bo")
def drop(unit: Unit, caller: Account, filter_id: int) -> Any:
    kept_filters.drop(unit, PAGE, filter_id, by=caller)
    return done(_("Đã bỏ bộ lọc."), "ui_worklist.index")


@bp.change("/viec/nhan")
def claim(unit: Unit, caller: Account) -> Any:
    """Several at once. What somebody else has taken meanwhile is left to them."""
    chosen = [int(one) for one in request.form.getlist("task") if one.isdecimal()][:ROWS]
    if not chosen:
        return pages.undone(_("Chưa chọn việc nào."), url_for("ui_worklist.index", xem=request.form.get("xem")))
    taken = sum(_claimed(unit, one, caller) for one in chosen)
    if taken < len(chosen):
        flash(_("%(count)s việc không nhận được: đã có người nhận hoặc đã xong.", count=len(chosen) - taken), "wrong")
    return done(_("Đã nhận %(count)s việc.", count=taken), "ui_worklist.index", xem="toi")


def _claimed(unit: Unit, task_id: int, caller: Account) -> bool:
    try:
        tasks.claim(unit, task_id, by=caller)
    except (NotFound, WrongState):
        return False
    return True


# -- one task ------------------------------------------------------------------------------------------------------


@bp.read(TASK)
def show(unit: Unit, caller: Account, task_id: int) -> Any:
    return _shown(unit, caller, task_id)


def _shown(
    unit: Unit, caller: Account, task_id: int, wrong: dict[str, str] | None = None, people: list[Any] | None = None
) -> Any:
    """Args:
    wrong: what is wrong with what was posted, by question; "" for the whole.
    people: who reported, where somebody has just asked.
    """
    task = queries.show_task(unit, caller, task_id)
    facts = _case(unit, caller, task.number)
    form, data = tasks.asked(unit, task_id, by=caller)
    answers = forms.read(form, request.form) if form and wrong is not None else task.answers
    files = [(file.id, file.name) for file in facts.get("files", ())]
    english = unit.catalogue.pinned(unit, task.definition_id).english
    parts = forms.draw(form, answers, wrong, data, files=files, english=english) if form else []
    faults = [fault for part in parts for fault in part.faults()]
    if wrong and not faults:
        faults = [("", wrong.get("") or _("Biểu mẫu chưa điền đúng"))]
    facts |= {"task": task, "parts": parts, "faults": faults, "people": people, **_hands(unit, caller, task),
              "conditional": bool(form) and any(one.hidden_when for one in form.fields)}  # fmt: skip
    return page("ui/task.html", 422 if faults else 200, **facts)


def _case(unit: Unit, caller: Account, number: str) -> dict[str, Any]:
    """The case beside it; of a confidential one, an agency may have a task without seeing the case."""
    try:
        return dossier.of(unit, caller, number)
    except NotFound:
        return {"case": None}


def _hands(unit: Unit, caller: Account, task: Any) -> dict[str, Any]:
    """Whose it is, and to whom it can go."""
    open_ = task.status == "open"
    works = open_ and access.allows(caller, "work", task, unit)
    others = works and task.assignee not in (None, caller.login)
    absent = next((one for one in absences.stood_in_for(unit, caller) if one.login == task.assignee), None) \
        if others else None
    delegates = open_ and access.allows(caller, "delegate", task, unit)
    return {
        "works": works and (not others or absent is not None), "mine": task.assignee == caller.login,
        "absent": absent, "claimable": works and (task.assignee is None or absent is not None),
        "returns": works and tasks.can_be_returned(unit, task),
        "colleagues": absences.colleagues(unit, [task.id]).get(task.id, []) if delegates else [],
        "below": directory.list_agencies(unit, parent=task.group, at=unit.today) if delegates else [],
    }  # fmt: skip


@bp.change(f"{TASK}/nguoi-bao")
def reveal(unit: Unit, caller: Account, task_id: int) -> Any:
    """Who reported, beside the form: such as the number to call back. Shown once, and written into the history."""
    people = casefile.reveal_people(unit, caller, access.find_task(unit, caller, task_id).number)
    return _shown(unit, caller, task_id, people=people)


@bp.open("POST", TASK)
def complete(task_id: int) -> Any:
    """The case moves on; or the form comes back with what is wrong."""
    if "refresh" in request.form:
        return door.reads(lambda unit, caller: _shown(unit, caller, task_id, {}))()
    try:
        status = _complete(task_id)
    except (InvalidAnswers, InvalidRequest) as error:
        wrong = error.facts.get("errors") or {"": _("Nơi xảy ra hoặc nội dung chưa đúng: hãy kiểm tra lại.")}
        return door.reads(lambda unit, caller: _shown(unit, caller, task_id, wrong))()
    except steps.REFUSALS as error:
        return pages.undone(steps.refusal("hoan-thanh", error), url_for("ui_worklist.show", task_id=task_id))
    return _after(status, task_id)


def _after(status: str, task_id: int) -> Any:
    if status == "open":
        flash(_("Đã ghi câu trả lời, nhưng quy trình gặp lỗi: văn phòng sẽ xử lý, không cần làm lại."), "wrong")
        return redirect(url_for("ui_worklist.show", task_id=task_id), 303)
    flash(_("Đã hoàn thành. Vụ việc đã chuyển bước tiếp theo."))
    back = request.form.get("ve")  # the page that the task was opened from, such as that of a call
    return redirect(door.safe_address(back, url_for("ui_worklist.index", xem="toi")), 303)


@door.changes
def _complete(unit: Unit, caller: Account, task_id: int) -> str:
    form, _data = tasks.asked(unit, task_id, by=caller)
    answers = forms.read(form, request.form) if form else {}
    return tasks.complete(unit, task_id, answers, by=caller).status


@bp.open("POST", f"{TASK}/an")
def hides(task_id: int) -> Response:
    """What the answers so far hide, for site.js."""
    return _hides(task_id)  # type: ignore[no-any-return]


@door.reads
def _hides(unit: Unit, caller: Account, task_id: int) -> Response:
    form, data = tasks.asked(unit, task_id, by=caller)
    return jsonify(forms.hidden(form, forms.read(form, request.form), dict(data)) if form else [])


@bp.open("POST", f"{TASK}/buoc/<name:step>")
def act(task_id: int, step: str) -> Any:
    """Claim, release, delegate, hand down, return."""
    return steps.take(steps.TASK_STEPS, step, task_id, url_for("ui_worklist.index"))
