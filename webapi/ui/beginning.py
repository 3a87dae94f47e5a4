"""A report type that is not there yet: begun as a copy of another, or from the shortest one that works (`blank`)."""

from __future__ import annotations

from typing import Any

from flask import request

from engine.errors import InvalidRequest
from engine.packages import Package
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit
from engine.versions import deployments, drafts
from webapi.ui import blank, door
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _, in_language

bp = Pages("ui_beginning")
NEW = "/quy-trinh/moi"
EMPTY = "trong:"  # before a province's code: from the shortest one, in that province
NAME_MAX = 80


@bp.read(NEW)
def show(unit: Unit, caller: Account) -> Any:
    """?theo=BDTT: as a copy of that."""
    return _shown(unit, caller, {"like": request.args.get("theo", "")}, {})


@bp.open("POST", NEW)
def begin() -> Any:
    said = {name: request.form.get(name, "").strip()[:NAME_MAX] for name in ("code", "vi", "en", "like")}
    try:
        door.changes(lambda unit, caller: _begun(unit, caller, said))()
    except InvalidRequest as error:
        wrong = {str(error.facts.get("field")): _refusal(error)}
        return door.reads(lambda unit, caller: _shown(unit, caller, said, wrong))()
    return done(_("Đã lập bản nháp của loại phản ánh mới."), "ui_drafting.show", code=said["code"])


def _shown(unit: Unit, caller: Account, said: dict[str, str], wrong: dict[str, str]) -> Any:
    access.require(caller, "deploy", Target(caller.province), unit)
    known = _known(unit, caller)
    provinces = {str(one.province["code"]): in_language(one.province["name"]) for one in known.values()}
    return page("ui/new_type.html", 422 if wrong else 200, said=said, faults=wrong, provinces=provinces, empty=EMPTY,
                types=[(code, in_language(one.name, code)) for code, one in known.items()], most=NAME_MAX)  # fmt: skip


def _known(unit: Unit, caller: Account) -> dict[str, Package]:
    """The newest version of each type that this account may deploy, by code."""
    newest: dict[str, int] = {}
    for one in deployments.list_versions(unit):
        if one["state"] != "refused":
            newest.setdefault(one["key"], one["id"])
    found = {code: unit.catalogue.pinned(unit, id) for code, id in newest.items()}
    return {code: one for code, one in found.items()
            if access.allows(caller, "deploy", Target(str(one.province["code"]), code), unit)}  # fmt: skip


def _begun(unit: Unit, caller: Account, said: dict[str, str]) -> None:
    known, like = _known(unit, caller), said["like"]
    names = {"vi": said["vi"], "en": said["en"] or said["vi"]}
    if not said["vi"]:
        raise InvalidRequest("Say what it is called.", field="vi")
    if like.startswith(EMPTY):
        of_province = (one for one in known.values() if str(one.province["code"]) == like.removeprefix(EMPTY))
        beside = next(of_province, None)
    else:
        beside = known.get(like)
    if beside is None:
        raise InvalidRequest("Say what it begins with.", field="like")
    code, province = said["code"], beside.province
    files = blank.report_type(code, names, province) if like.startswith(EMPTY) else drafts.copied(beside, code, names)
    drafts.begin(unit, code, files, beside.id, by=caller)


def _refusal(error: InvalidRequest) -> str:
    return {
        "code": _("Hãy viết mã bằng chữ hoa không dấu và số, 2 đến 20 ký tự, chưa loại nào dùng."),
        "vi": _("Hãy ghi tên của loại phản ánh."),
        "like": _("Hãy chọn bắt đầu từ đâu."),
    }[str(error.facts.get("field"))]  # fmt: skip
