"""Lists of people that become cases: choose and look, then start; how far it is; what was sent before.

docs/imports.md says what is kept of a list. Who stands on it is shown only to who sent it, until it is started.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from engine import directory
from engine.errors import InvalidRequest, WrongState
from engine.packages import Package
from engine.paging import Page, read_cursor, write_cursor
from engine.paging import page as page_of
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit
from engine.sheets import imports, lists
from webapi import tabular
from webapi.ui import door, forms, pages
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _, in_language, language

bp = Pages("ui_imports")
LISTS = "/nhap-danh-sach"
LIST = f"{LISTS}/<key:import_id>"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS = 50


@bp.read(LISTS)
def index(unit: Unit, caller: Account) -> Any:
    return _index(unit, caller)


@bp.open("POST", LISTS)
def look() -> Any:
    """The dry run; a file that is none comes back with what is wrong."""
    door.reads(_must_import)()  # nobody fills our memory who may not
    try:
        row = _look()
    except InvalidRequest as error:
        fault = in_language({"vi": error.facts.get("vi", error.detail), "en": error.detail})
        return door.reads(lambda unit, caller: _index(unit, caller, fault))()
    return done(_("Đã xem thử, chưa có gì thay đổi."), "ui_imports.show", import_id=row.id)


@bp.read(f"{LISTS}/mau/<name:code>.xlsx")
def template(unit: Unit, caller: Account, code: str) -> Any:
    """A workbook with nothing but the names of the columns."""
    package = unit.catalogue.current(unit, code)
    imports.require(unit, caller, package)
    header = tuple(names[0] for names, _needed in lists.headers(package))
    said = {"Content-Disposition": f'attachment; filename="{code}.xlsx"'}
    return Response(tabular.workbook_of([header]), mimetype=XLSX, headers=said)


@bp.read(LIST)
def show(unit: Unit, caller: Account, import_id: int) -> Any:
    row = imports.show(unit, caller, import_id)
    if "X-Poll" in request.headers and row.state != "waiting":
        return Response(status=200, headers={"HX-Refresh": "true"})
    package = unit.catalogue.current(unit, row.report_type)
    kept = row.state == "ready" and row.created_by == caller.login
    tab = "nhan" if kept and (request.args.get("xem") == "nhan" or not row.refusals) else "tu-choi"
    found = _kept(unit, caller, package, row) if tab == "nhan" else _refused(row)
    people = directory.names(unit, [row.created_by])
    return page("ui/import.html", row=row, kept=kept, tab=tab, found=found, name=in_language(package.name), state=state,
                people=people)


@bp.open("POST", f"{LIST}/bat-dau")
def start(import_id: int) -> Any:
    try:
        started = door.changes(lambda unit, caller: imports.start(unit, import_id, by=caller).id)()
    except WrongState:
        return _undone(_("Nội dung xem thử không còn được giữ: hãy gửi lại tệp."), import_id)
    before = _("Tệp này đã được nhập trước đây; đây là lần nhập ấy.")
    return done(_("Đã bắt đầu lập vụ việc.") if started == import_id else before, "ui_imports.show", import_id=started)


@bp.open("POST", f"{LIST}/huy")
def cancel(import_id: int) -> Any:
    try:
        door.changes(lambda unit, caller: imports.cancel(unit, import_id, by=caller))()
    except WrongState:
        return _undone(_("Danh sách này đã xong, không còn gì để dừng."), import_id)
    return done(_("Đã dừng. Vụ việc đã lập vẫn còn."), "ui_imports.show", import_id=import_id)


def _undone(sentence: str, import_id: int) -> Any:
    return pages.undone(sentence, url_for("ui_imports.show", import_id=import_id))


def state(row: Any) -> tuple[str, str]:
    """How far a list is, in words, and the tone of its badge."""
    if row.state == "done" and row.dry_run:
        return _("chỉ xem thử"), "plain"
    return {
        "ready": (_("chưa bắt đầu"), "waiting"), "waiting": (_("đang lập vụ việc"), "open"),
        "done": (_("đã xong"), "closed"), "cancelled": (_("đã hủy"), "plain"),
    }[row.state]  # fmt: skip


# -- what is on the pages ------------------------------------------------------------------------------------------


def _must_import(unit: Unit, caller: Account) -> None:
    if not imports.offered(unit, caller):
        access.require(caller, "import", Target(caller.province), unit)


def _index(unit: Unit, caller: Account, fault: str = "") -> Any:
    _must_import(unit, caller)
    offered = imports.offered(unit, caller)
    names = {one.code: in_language(one.name) for one in offered}
    found = imports.index(unit, caller, ROWS, request.args.get("after"))
    people = directory.names(unit, [one.created_by for one in found.items])
    return page("ui/imports.html", 422 if fault else 200, offered=offered, names=names, people=people, found=found,
                fault=fault, headers=lists.headers, chosen=request.form.get("report_type"), state=state,
                most=lists.BYTES_MAX, rows_most=lists.ROWS_MAX)  # fmt: skip


def _look() -> Any:
    part = request.files.get("file")
    if part is None or not part.filename:
        raise InvalidRequest("Choose a file.", field="file", vi="Hãy chọn tệp danh sách.")
    with part.stream:
        content = part.stream.read(lists.BYTES_MAX + 1)
    code, name = request.form.get("report_type", ""), part.filename
    return door.changes(lambda unit, caller: imports.put(unit, code, name, content, dry_run=True, by=caller))()


def _kept(unit: Unit, caller: Account, package: Package, row: Any) -> Page:
    found = imports.rows(unit, caller, row.id, ROWS, request.args.get("after"))
    districts = {one["code"]: in_language(one["name"]) for one in package.province.get("areas", ())}
    told = [one | {"told": forms.told(package.intake_form, one["answers"], package.english),
                   "district": districts.get(one["area"])} for one in found.items]  # fmt: skip
    return Page(told, found.after)


def _refused(row: Any) -> Page:
    after = request.args.get("after")
    since = read_cursor(after)[1] if after else 0
    left = [one | {"said": one[language()]} for one in row.refusals if one["row"] > since]
    return page_of(left[: ROWS + 1], ROWS, lambda one: write_cursor(None, one["row"]))
