"""The administrator's agencies: opened, renamed, moved, merged, closed, at work again, each with its reason.

What may be done and what is refused is `engine.places.agency_changes`; docs/agencies.md says what follows.
"""

from __future__ import annotations

import re
from datetime import date
from types import SimpleNamespace
from typing import Any

from flask import request, url_for
from sqlalchemy import Row, func, select

from engine import directory
from engine.errors import InvalidRequest, Stale, WrongState
from engine.flow.rules.tables import KINDS
from engine.model import accounts
from engine.people import access
from engine.people.access import Account
from engine.places import agency_changes, areas
from engine.runtime import Unit
from webapi.ui import admin, door, pages
from webapi.ui.pages import Pages, done, page
from webapi.ui.show import read_day
from webapi.ui.words import _, in_language, translated

bp = Pages("ui_agencies")
LIST = "/quan-tri/co-quan"
AGENCY = f"{LIST}/<name:key>"
REFUSALS = (InvalidRequest, WrongState, Stale)
Faults = dict[str, str]  # what is wrong, by question; "": with the whole
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")  # as addresses have it


@bp.read(LIST)
def index(unit: Unit, caller: Account) -> Any:
    """Agencies of a province today; those of communes, and those that are no more, when they are asked for."""
    admin.must_manage(caller)
    chosen, every = admin.province(unit)
    kind, past = request.args.get("loai", "").strip() or None, "het" in request.args
    found = directory.list_agencies(unit, chosen.code, kind, at=None if past else unit.today)
    rows = [one for one in found if kind or one.kind != "commune"]
    return page("ui/admin_agencies.html", agencies=rows, chosen=chosen, provinces=every, kinds=KINDS, kind=kind,
                past=past, today=unit.today, kind_names=kind_names(), names=_names(found))  # fmt: skip


@bp.read("/quan-tri/co-quan-moi")
def new(unit: Unit, caller: Account) -> Any:
    return _form(unit, caller, None, SimpleNamespace(kind="department"), {})


@bp.read(AGENCY)
def show(unit: Unit, caller: Account, key: str) -> Any:
    access.require(caller, "arrange")
    return _form(unit, caller, agency_changes.show(unit, key, by=caller), None, {})


def _form(unit: Unit, caller: Account, row: Row[Any] | None, said: Any, faults: Faults) -> Any:
    """Args:
    row: the agency; ``None``: a new one.
    said: what was written and refused; ``None``: the agency as it is.
    """
    access.require(caller, "arrange")
    chosen, every = admin.province(unit)
    province = row.province if row else chosen.code
    known = directory.list_agencies(unit, province, at=unit.today)
    key, here = (row.key, row.parent) if row else (None, None)
    above = [one for one in known if one.key == here or one.kind not in ("commune", "overseer") and one.key != key]
    places = areas.search(unit, province=province, at=unit.today, limit=2_000)
    if row and row.area and row.area not in {one.code for one in places}:  # it is no more
        places = [areas.show(unit, row.area), *places]
    if here and here not in {one.key for one in known}:
        above = [agency_changes.show(unit, here, by=caller), *above]
    staff = unit.scalar(select(func.count()).where(accounts.c.agency == row.key, accounts.c.active)) if row else 0
    return page("ui/admin_agency.html", 422 if faults else 200, row=row, said=said or row, faults=faults,
                chosen=chosen, provinces=every, above=above, others=known, staff=staff, kinds=KINDS,
                kind_names=kind_names(), places=places,
                area_names={one.code: in_language(one.name) for one in places},
                names_of_provinces={one.code: in_language(one.name) for one in every},
                ended=bool(row and row.valid_to and row.valid_to <= unit.today), today=unit.today,
                changes=_changes(unit, caller, row.key) if row else [], names=_names([*known, *above]))  # fmt: skip


@bp.open("POST", "/quan-tri/co-quan-moi")
def create() -> Any:
    values, faults = _said(new=True)
    key = values["key"]
    if not faults:
        faults = _tried(lambda unit, by: agency_changes.open_(unit, values, _reason(), by=by))
    if faults:
        return _again(None, faults)
    return done(_("Đã mở cơ quan. Bây giờ hãy thêm người làm việc ở đó."), "ui_agencies.show", key=key)


@bp.open("POST", AGENCY)
def change(key: str) -> Any:
    values, faults = _said(new=False)
    if not faults:
        faults = _tried(lambda unit, by: agency_changes.change(unit, key, values, _reason(), by=by))
    return _again(key, faults) if faults else done(_("Đã ghi."), "ui_agencies.show", key=key)


@bp.open("POST", f"{AGENCY}/gop")
def merge(key: str) -> Any:
    into = request.form.get("into", "").strip()
    sentence = _("Đã ghi. Từ ngày đó, người, vụ việc và việc đang mở của cơ quan này chuyển sang cơ quan kế tục.")
    return _ended(key, sentence, lambda unit, by: agency_changes.merge(unit, key, into, _day(), _reason(), by=by))


@bp.open("POST", f"{AGENCY}/dong")
def close(key: str) -> Any:
    return _ended(key, _("Đã đóng cơ quan."), lambda unit, by: agency_changes.close(unit, key, _reason(), by=by))


@bp.open("POST", f"{AGENCY}/mo-lai")
def reopen(key: str) -> Any:
    return _ended(key, _("Cơ quan hoạt động trở lại."),
                  lambda unit, by: agency_changes.reopen(unit, key, _reason(), by=by))  # fmt: skip


def _ended(key: str, sentence: str, decide: Any) -> Any:
    faults = _tried(decide)
    if faults:
        return pages.undone(" ".join(faults.values()), url_for("ui_agencies.show", key=key))
    return done(sentence, "ui_agencies.show", key=key)


def _tried(decide: Any) -> Faults:
    """What is wrong with a decision; nothing, once it is made."""
    try:
        door.changes(decide)()
    except REFUSALS as error:
        return {str(error.facts.get("field", "")): translated(error.detail or "")}
    return {}


def _again(key: str | None, faults: Faults) -> Any:
    said = SimpleNamespace(**request.form.to_dict())

    def read(unit: Unit, caller: Account) -> Any:
        return _form(unit, caller, agency_changes.show(unit, key, by=caller) if key else None, said, faults)

    return door.reads(read)()


def _said(new: bool) -> tuple[dict[str, Any], Faults]:
    """What the form says, an empty answer being none; and what nobody could take."""
    named = (*agency_changes.CHANGEABLE, *(("key", "province", "kind", "valid_from") if new else ()))
    said: dict[str, Any] = {name: request.form.get(name, "").strip() or None for name in named}
    faults = {}
    if not said["name"] or len(said["name"]) > 200:
        faults["name"] = _("Hãy ghi tên cơ quan, tối đa 200 ký tự.")
    if said["phone"] and len(said["phone"]) > 20:
        faults["phone"] = _("Hãy ghi một số điện thoại, tối đa 20 ký tự.")
    if new and not _KEY.fullmatch(said["key"] or ""):
        faults["key"] = _("Mã chỉ gồm chữ không dấu, chữ số, “_”, “.”, “-”, tối đa 80 ký tự.")
    if new and said["valid_from"]:
        said["valid_from"] = read_day(said["valid_from"])
        if said["valid_from"] is None:
            faults["valid_from"] = _("Hãy chọn một ngày.")
    return said, faults


def _reason() -> str:
    return request.form.get("reason", "").strip()


def _day() -> date:
    day = read_day(request.form.get("since", ""))
    if day is None:
        raise InvalidRequest(_("Hãy chọn một ngày."), field="since")
    return day


def _names(found: list[Row[Any]]) -> dict[str, str]:
    return {one.key: in_language(one.name) for one in found}


# -- words ---------------------------------------------------------------------------------------------------------


def kind_names() -> dict[str, str]:
    return {
        "desk": _("Tổng đài"), "office": _("Văn phòng"), "department": _("Sở, ngành"), "district": _("Cấp huyện"),
        "commune": _("Cấp xã"), "service": _("Đơn vị dịch vụ"), "overseer": _("Giám sát"),
    }  # fmt: skip


def _changes(unit: Unit, caller: Account, key: str) -> list[dict[str, Any]]:
    """What was decided about an agency, newest first, as lines of a timeline."""
    kinds = {"opened": _("Mở cơ quan"), "changed": _("Sửa"), "merged": _("Gộp vào cơ quan khác"),
             "closed": _("Đóng"), "reopened": _("Hoạt động trở lại")}  # fmt: skip
    fields = {"name": _("Tên"), "area": _("Địa bàn"), "parent": _("Cơ quan cấp trên"), "email": _("Thư điện tử"),
              "phone": _("Điện thoại"), "valid_to": _("Hết hoạt động từ"),
              "successor": _("Cơ quan kế tục")}  # fmt: skip
    lines = []
    for one in agency_changes.history(unit, key, by=caller):
        moved = [f"{word}: {one.was.get(name) or '–'} → {one.now[name] or '–'}"
                 for name, word in fields.items() if name in one.now and one.kind != "opened"]  # fmt: skip
        said = "; ".join([kinds[one.kind], *moved])
        lines.append({"at": one.at, "who": one.by, "text": f"{said}. {_('Lý do')}: {one.reason}"})
    return lines
