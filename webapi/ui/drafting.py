"""A report type on the drawing board: a page for each of its files, what the gate says of the whole, and deploying it.

Every file can be changed as text; scripts put an editor in its place that writes into the same text (frontend/).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import request, url_for
from markupsafe import Markup

from engine.errors import EngineError, InvalidPackage, InvalidRequest, NotFound, Stale, WrongState
from engine.flow.draft import PROVINCE, TYPE
from engine.forms import Form
from engine.people.access import Account
from engine.runtime import Unit
from engine.versions import deployments, diffs, drafts
from engine.versions.drafts import Draft
from webapi.ui import analyst, blank, choices, comparing, door, forms, pages
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _, in_language

bp = Pages("ui_drafting")
DRAFT = f"{analyst.TYPE}/nhap"
FILE = f"{DRAFT}/<name:file>"


@bp.read(DRAFT)
def show(unit: Unit, caller: Account, code: str) -> Any:
    draft = drafts.show(unit, code, by=caller)
    known = {draft.based_on, draft.newest} if draft.newest is not None else ()
    versions = {one: unit.catalogue.pinned(unit, one).version for one in known}
    frame = _frame(unit, draft)
    return page("ui/draft.html", **frame, versions=versions, outdated=len(versions) > 1,
                **_compared(unit, draft, frame["faults"]))  # fmt: skip


@bp.read(FILE)
def edit(unit: Unit, caller: Account, code: str, file: str) -> Any:
    return _editor(unit, drafts.show(unit, code, by=caller), file)


@bp.open("POST", FILE)
def save(code: str, file: str) -> Any:
    """Keep a file; if somebody else has saved in the meantime, what was written here is shown beside the question."""
    try:
        _save(code, file)
    except (Stale, InvalidRequest) as error:
        return _asked_again(code, file, error)
    return done(_("Đã lưu."), "ui_drafting.edit", code=code, file=file)


@bp.open("POST", f"{FILE}/xem-truoc")
def preview(code: str, file: str) -> Any:
    """A form as handlers would see it, from the text as it stands in the editor."""
    draft = door.reads(lambda unit, caller: drafts.show(unit, code, by=caller))()
    return previewed(_text(), file, draft.english)


@bp.open("POST", f"{analyst.TYPE}/nhap-them")
def add(code: str) -> Any:
    name = f"{request.form.get('name', '').strip()}.{request.form.get('kind', '')}"
    if name in door.reads(lambda unit, caller: drafts.show(unit, code, by=caller).files)():
        return pages.undone(_("Đã có tệp %(file)s: hãy đặt tên khác.", file=name),
                            url_for("ui_drafting.show", code=code))  # fmt: skip
    return _changed(code, lambda unit, by, seen: drafts.save(unit, code, name, blank.file(name), "", by=by),
                    _("Đã thêm %(file)s.", file=name), "ui_drafting.edit", file=name)  # fmt: skip


@bp.open("POST", f"{FILE}/bo")
def leave_out(code: str, file: str) -> Any:
    return _changed(code, lambda unit, by, seen: drafts.save(unit, code, file, None, seen, by=by),
                    _("Đã bỏ %(file)s.", file=file))  # fmt: skip


@bp.open("POST", f"{analyst.TYPE}/nhap-bo")
def drop(code: str) -> Any:
    return _changed(code, lambda unit, by, seen: drafts.drop(unit, code, seen, by=by), _("Đã bỏ bản nháp."),
                    "ui_analyst.index")  # fmt: skip


@bp.open("POST", f"{analyst.TYPE}/nhap-gui")
def deploy(code: str) -> Any:
    newest, start = request.form.get("newest", ""), request.form
    return _changed(code, lambda unit, by, seen: drafts.deploy(unit, code, seen, newest, analyst.start(start), by=by),
                    "", "ui_analyst.show")  # fmt: skip


# -- what is done --------------------------------------------------------------------------------------------------


@door.changes
def _save(unit: Unit, caller: Account, code: str, file: str) -> Draft:
    return drafts.save(unit, code, file, _kept(unit, caller, code, file), _seen(), by=caller)


def _changed(
    code: str, change: Callable[[Unit, Account, str], Any], sentence: str, to: str = "ui_drafting.show", **where: str
) -> Any:
    """Do it to the draft that was seen, and go on; a refusal is a sentence on the draft's page."""
    try:
        made = door.changes(lambda unit, caller: change(unit, caller, _seen()))()
    except (InvalidPackage, InvalidRequest, Stale, WrongState) as error:
        return pages.undone(refusal(error), url_for("ui_drafting.show", code=code))
    return done(sentence or _deployed(made), to, code=code, **where)


def _seen() -> str:
    return request.form.get("seen", "")


def _text() -> str:
    return request.form.get("text", "").replace("\r\n", "\n")


def _kept(unit: Unit, caller: Account, code: str, file: str) -> str:
    """What was sent; browsers write line ends in their own way, which is no change."""
    before, now = drafts.show(unit, code, by=caller).files.get(file, ""), _text()
    return before if before.replace("\r\n", "\n") == now else now


# -- what is shown -------------------------------------------------------------------------------------------------


@door.reads
def _asked_again(unit: Unit, caller: Account, code: str, file: str, error: EngineError) -> Any:
    return _editor(unit, drafts.show(unit, code, by=caller), file, _text(), error)


def _editor(unit: Unit, draft: Draft, file: str, text: str | None = None, error: EngineError | None = None) -> Any:
    if file not in draft.files:
        raise NotFound(f"The draft of {draft.key} has no file {file!r}.")
    kind = file.rpartition(".")[2]
    text = draft.files[file] if text is None else text
    more = {"bpmn": _offers, "form": _previewed}.get(kind, lambda *_: {})(unit, draft, file, text)
    return page("ui/draft_file.html", 422 if error else 200, **_frame(unit, draft), file=file, kind=kind,
                text=text, why=refusal(error) if error else "", locked=file == PROVINCE, **more)  # fmt: skip


def _frame(unit: Unit, draft: Draft) -> dict[str, Any]:
    return {"draft": draft, "code": draft.key, "name": in_language(draft.names, draft.key), "kinds": kinds(),
            "files": sorted(draft.files, key=_order), "faults": [one.to_json() for one in drafts.judged(unit, draft)],
            "removable": [one for one in draft.files if one not in (TYPE, PROVINCE)]}  # fmt: skip


def _compared(unit: Unit, draft: Draft, faults: list[dict[str, Any]]) -> dict[str, Any]:
    """What the draft changes, by kind; ``None``: with errors it cannot be read. A new type changes nothing."""
    if draft.newest is None:
        return {"old": None}
    version = comparing.before(deployments.list_versions(unit, draft.key), None)
    old = unit.catalogue.pinned(unit, version["id"] if version else draft.newest)
    wrong = any(one["severity"] == "error" for one in faults)
    changes = None if wrong else comparing.grouped(diffs.between(old, draft.package)[0])
    return {"old": old, "changes": changes, "change_kinds": comparing.kinds(), "hows": comparing.hows()}


def _order(file: str) -> tuple[int, str]:
    """The diagram first, then what belongs to it."""
    kind = file.rpartition(".")[2]
    return (0 if file == "process.bpmn" else ["bpmn", "dmn", "form", "toml"].index(kind) + 1), file


def _previewed(unit: Unit, draft: Draft, file: str, text: str) -> dict[str, Any]:
    return {"preview": previewed(text, file, draft.english)}


def previewed(text: str, file: str, english: Mapping[str, str]) -> Markup:
    """A form as handlers see it, or why it cannot be read."""
    try:
        form, why = Form.parse(text, file), ""
    except ValueError as error:
        form, why = None, str(error)
    shown, _status = page("ui/draft_preview.html", parts=forms.draw(form, english=english) if form else [], why=why)
    return Markup(shown)


def _offers(unit: Unit, draft: Draft, file: str, text: str) -> dict[str, Any]:
    return {"offers": choices.of(unit, draft)}


# -- words ---------------------------------------------------------------------------------------------------------


def kinds() -> dict[str, str]:
    return {"bpmn": _("Sơ đồ"), "dmn": _("Bảng quyết định"), "form": _("Biểu mẫu"), "toml": _("Thiết lập")}


def refusal(error: EngineError) -> str:
    return {
        "stale": _("Chưa làm được: %(who)s vừa thay đổi bản nháp hoặc phiên bản này. Hãy xem thay đổi đó rồi làm lại.",
                   who=error.facts.get("by") or _("người khác")),
        "invalid-package": _("Chưa gửi được: bản nháp còn lỗi, xem danh sách bên dưới."),
        "wrong-state": _("Chưa gửi được: phiên bản này đã có rồi, với ngày khác."),
    }.get(error.code) or _("Chưa làm được: %(why)s", why=error.detail)  # fmt: skip


def _deployed(made: Any) -> str:
    if made.unchanged:
        return _("Không có gì thay đổi: vẫn là phiên bản %(number)s.", number=made.version)
    if made.parked:
        return _("Đã gửi phiên bản %(number)s: chờ một người khác duyệt.", number=made.version)
    return _("Đã gửi phiên bản %(number)s.", number=made.version)
