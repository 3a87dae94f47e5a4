"""The analyst's report types: which versions there are, what state each is in, and what can be decided about it.

docs/deploying.md says what a decision does; here are its buttons, and its refusals in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import redirect, request, url_for

from engine import activations
from engine.errors import EngineError, InvalidPackage, InvalidRequest, NotAllowed, NotFound, WrongState
from engine.packages import Package
from engine.people import access
from engine.people.access import Account, Target
from engine.reasons import REASON_MAX
from engine.runtime import Unit
from engine.statistics import overview
from engine.terms.calendar import ZONE
from engine.versions import approvals, deployments, drafts, migrations
from webapi.ui import door, pages
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _, in_language

bp = Pages("ui_analyst")
TYPE = "/quy-trinh/<name:code>"

Step = Callable[[Unit, Account, int, Mapping[str, str]], Any]
STEPS: dict[str, Step] = {
    "duyet": lambda unit, by, one, said: approvals.approve(unit, one, said.get("reason", ""), by=by),
    "tu-choi": lambda unit, by, one, said: approvals.refuse(unit, one, said.get("reason", ""), by=by),
    "ap-dung": lambda unit, by, one, said: deployments.activate(unit, one, said.get("reason", ""), start(said), by=by),
    "ngung": lambda unit, by, one, said: deployments.suspend(unit, one, said.get("reason", ""), by=by),
    "dung-lai": lambda unit, by, one, said: deployments.release(unit, one, by=by),
}
OFFERED = {  # what may be decided about a version in that state
    "parked": ("duyet", "tu-choi"), "refused": (), "current": ("ngung",), "planned": ("ap-dung", "ngung"),
    "past": ("ap-dung", "ngung"), "suspended": ("dung-lai",),
}  # fmt: skip


@bp.read("/quy-trinh")
def index(unit: Unit, caller: Account) -> Any:
    access.require(caller, "deploy", Target(caller.province), unit)
    return page("ui/types.html", types=_types(unit, caller) + _begun(unit, caller), states=states())


@bp.read("/quy-trinh/phien-ban/<key:definition_id>")
def version(unit: Unit, caller: Account, definition_id: int) -> Any:
    """What it changes, and where it is approved: the Modeler leads here."""
    row = deployments.show(unit, definition_id)
    return redirect(url_for("ui_comparing.show", code=row["key"], moi=row["version"]), 303)


@bp.read(TYPE)
def show(unit: Unit, caller: Account, code: str) -> Any:
    if not deployments.list_versions(unit, code) and drafts.show(unit, code, by=caller):
        return redirect(url_for("ui_drafting.show", code=code), 303)
    package, versions = mine(unit, caller, code)
    return page("ui/versions.html", package=package, name=in_language(package.name, code), code=code, me=caller,
                versions=versions, counts=overview.by_version(unit, caller), decisions=activations.of_type(unit, code),
                draft=drafts.of_types(unit).get(code), moved=migrations.list(unit, code, by=caller),
                moving_states=moving_states(),
                numbers={one["id"]: one["version"] for one in versions}, states=states(), offered=OFFERED,
                labels=labels())  # fmt: skip


@bp.open("POST", f"{TYPE}/<key:definition_id>/<name:step>")
def act(code: str, definition_id: int, step: str) -> Any:
    if step not in STEPS:
        raise NotFound(f"There is no step {step!r}.")
    try:
        door.changes(lambda unit, caller: STEPS[step](unit, caller, definition_id, request.form))()
    except (InvalidPackage, InvalidRequest, NotAllowed, WrongState) as error:
        back = door.safe_address(request.form.get("back"), url_for("ui_analyst.show", code=code))
        return pages.undone(_refusal(step, error), back)
    return done(_done(step), "ui_analyst.show", code=code)


def mine(unit: Unit, caller: Account, code: str) -> tuple[Package, list[dict[str, Any]]]:
    """The newest version of a type, and all of them, for whoever may deploy it.

    Raises:
        NotFound, NotAllowed
    """
    versions = deployments.list_versions(unit, code)
    if not versions:
        raise NotFound(f"There is no report type {code!r}.")
    package = unit.catalogue.pinned(unit, versions[0]["id"])
    access.require(caller, "deploy", _target(package), unit)
    return package, versions


def _types(unit: Unit, caller: Account) -> list[dict[str, Any]]:
    """The report types that this account may deploy, with their versions, newest first."""
    by_code: dict[str, list[dict[str, Any]]] = {}
    for one in deployments.list_versions(unit):
        by_code.setdefault(one["key"], []).append(one)
    packages = {code: unit.catalogue.pinned(unit, versions[0]["id"]) for code, versions in by_code.items()}
    running, changing = overview.by_version(unit, caller), drafts.of_types(unit)
    return [_type(packages[code], versions, running) | {"draft": changing.get(code)}
            for code, versions in by_code.items()
            if access.allows(caller, "deploy", _target(packages[code]), unit)]  # fmt: skip


def _begun(unit: Unit, caller: Account) -> list[dict[str, Any]]:
    """The drafts of types that have no version yet."""
    there = {one["key"] for one in deployments.list_versions(unit)}
    found = []
    for code, row in drafts.of_types(unit).items():
        beside = unit.catalogue.pinned(unit, row.definition_id)
        if code not in there and access.allows(caller, "deploy", Target(str(beside.province["code"]), code), unit):
            name = in_language(drafts.show(unit, code, by=caller).names, code)
            found.append({"code": code, "name": name, "province": in_language(beside.province["name"]), "waiting": [],
                          "open": 0, "current": None, "draft": row, "begun": True})  # fmt: skip
    return found


def _type(package: Package, versions: list[dict[str, Any]], running: Mapping[int, int]) -> dict[str, Any]:
    waiting = [one for one in versions if one["state"] in ("parked", "planned", "suspended")]
    return {"code": package.code, "name": in_language(package.name, package.code),
            "province": in_language(package.province["name"]), "waiting": waiting,
            "open": sum(running.get(one["id"], 0) for one in versions),
            "current": next((one for one in versions if one["current"]), None)}  # fmt: skip


def _target(package: Package) -> Target:
    return Target(str(package.province["code"]), package.code)


def start(said: Mapping[str, str]) -> datetime | None:
    """From when on: Vietnam's time, as a browser's control writes it; nothing: now."""
    written = said.get("from", "").strip()
    try:
        return datetime.fromisoformat(written).replace(tzinfo=ZONE) if written else None
    except ValueError:
        raise InvalidRequest("Say from when, as day and time.", field="from") from None


# -- words ---------------------------------------------------------------------------------------------------------


def states() -> dict[str, tuple[str, str]]:
    """What a version's state is called, and its colour."""
    return {
        "current": (_("đang dùng"), "closed"), "planned": (_("sẽ dùng"), "open"), "past": (_("đã qua"), "plain"),
        "suspended": (_("ngừng dùng"), "bad"), "parked": (_("chờ duyệt"), "waiting"),
        "refused": (_("bị từ chối"), "bad"),
    }  # fmt: skip


def moving_states() -> dict[str, tuple[str, str]]:
    """What is said of running cases on their way to another version, and its colour."""
    return {
        "running": (_("đang chuyển"), "open"), "canary": (_("đã thử, chờ ông (bà)"), "waiting"),
        "done": (_("đã xong"), "closed"), "cancelled": (_("đã dừng"), "plain"),
        "undoing": (_("đang chuyển lại"), "open"), "undone": (_("đã chuyển lại"), "plain"),
    }  # fmt: skip


def labels() -> dict[str, tuple[str, str]]:
    """Each step's button, and what is asked before."""
    return {
        "duyet": (_("Duyệt"), _("Vụ việc mới sẽ theo phiên bản này, từ bây giờ hoặc từ ngày người gửi đã chọn.")),
        "tu-choi": (_("Từ chối"), _("Phiên bản này sẽ không bao giờ được dùng.")),
        "ap-dung": (_("Áp dụng"), _("Vụ việc mới sẽ theo phiên bản này; vụ việc đang chạy giữ phiên bản của mình.")),
        "ngung": (_("Ngừng dùng"), _("Không vụ việc nào bắt đầu với phiên bản này nữa; phản ánh mới theo phiên bản"
                                     " trước, hoặc loại phản ánh chung.")),
        "dung-lai": (_("Dùng lại"), _("Phiên bản này lại nhận vụ việc mới khi đến lượt của nó.")),
    }  # fmt: skip


def _done(step: str) -> str:
    return {
        "duyet": _("Đã duyệt."), "tu-choi": _("Đã từ chối."), "ap-dung": _("Đã áp dụng."),
        "ngung": _("Đã ngừng dùng phiên bản này."), "dung-lai": _("Phiên bản này lại được dùng."),
    }[step]  # fmt: skip


def _refusal(step: str, error: EngineError) -> str:
    if error.code == "invalid-package":
        return _("Chưa duyệt được: phiên bản này nay có lỗi khi kiểm tra. Hãy từ chối và gửi bản mới.")
    if error.code == "invalid-request":
        return _("Chưa làm được: hãy ghi lý do (tối đa %(most)s ký tự); ngày giờ phải từ bây giờ trở đi.",
                 most=REASON_MAX)  # fmt: skip
    if error.code == "not-allowed":
        return _("Chưa làm được: người gửi phiên bản không tự duyệt được, phải là một người khác có quyền.")
    return {
        "duyet": _("Chưa duyệt được: phiên bản không còn chờ duyệt, hoặc thiết lập của tỉnh đã đổi từ khi gửi: hãy từ"
                   " chối và gửi lại."),
        "ap-dung": _("Chưa áp dụng được: phiên bản đang dùng rồi, chưa được duyệt, hoặc đang ngừng."),
        "ngung": _("Chưa ngừng được: đã ngừng rồi, chưa được duyệt, hoặc không còn gì nhận phản ánh của loại này."),
    }.get(step, _("Chưa làm được: phiên bản đã chuyển sang trạng thái khác."))  # fmt: skip
