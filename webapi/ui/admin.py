"""The administrator: people and programs, their passwords and tokens; and, to look at, what a province has set."""

from __future__ import annotations

import secrets
from datetime import date
from types import SimpleNamespace
from typing import Any

from flask import request, url_for
from sqlalchemy import select

from engine import directory
from engine.errors import EngineError, InvalidRequest, NotAllowed, NotFound, Stale, WrongState
from engine.model import provinces
from engine.people import access, accounts, second_factors
from engine.people.access import ROLES, Account
from engine.record import audit, chain
from engine.runtime import Unit
from webapi.ui import acted, door, history, pages
from webapi.ui.pages import Pages, done, page
from webapi.ui.show import read_day
from webapi.ui.words import _, channels, in_language

bp = Pages("ui_admin")
PERSON = "/quan-tri/nguoi/<name:login>"
REFUSALS = (InvalidRequest, NotAllowed, Stale, WrongState)
ASKED = ("name", "role", "agency", "report_types", "areas", "email")
DAYS_MAX = 3650


def must_manage(caller: Account) -> None:
    """Raises: NotAllowed."""
    access.require(caller, "manage")


# -- people --------------------------------------------------------------------------------------------------------


@bp.read("/quan-tri")
def show(unit: Unit, caller: Account) -> Any:
    must_manage(caller)
    asked = {name: request.args.get(name, "").strip()[:100] or None for name in ("q", "agency", "role")}
    found = directory.list_accounts(unit, caller, **asked, after=request.args.get("after"))
    known = _agencies(unit)
    return page("ui/admin_people.html", people=found, asked=asked, roles=ROLES, agencies=known,
                names={one.key: one.name for one in known})  # fmt: skip


@bp.read("/quan-tri/nguoi-moi")
def new(unit: Unit, caller: Account) -> Any:
    return _form(unit, caller, None)


@bp.read(PERSON)
def person(unit: Unit, caller: Account, login: str) -> Any:
    return _form(unit, caller, login)


def _form(
    unit: Unit, caller: Account, login: str | None, said: Any = None, wrong: tuple[str, str] | None = None
) -> Any:
    """Args:
    login: ``None``: of somebody new.
    said: what was written and refused, and which question of it is ``wrong``, and why.
    """
    must_manage(caller)
    row = accounts.show(unit, login, caller) if login else None
    tokens = [one for one in accounts.tokens_of(unit, caller, login) if one.label != accounts.LOGIN] if login else []
    return page("ui/admin_person.html", 422 if wrong else 200, row=row, said=said or _written(row), roles=ROLES,
                faults=dict([wrong] if wrong else []), agencies=_agencies(unit), tokens=tokens, scopes=_scopes(),
                two_factors=row is not None and second_factors.has(unit, row.id),
                oneself=row is not None and row.id == caller.id)  # fmt: skip


def _written(row: Any) -> Any:
    """An account as its form has it."""
    if row is None:
        return SimpleNamespace(role="handler", active=True)
    codes = {name: ", ".join(getattr(row, name) or ()) for name in ("report_types", "areas")}
    return SimpleNamespace(**{**row._mapping, **codes})


@bp.open("POST", "/quan-tri/nguoi-moi")
def create() -> Any:
    """The password is made here and shown once; a program gets tokens instead."""
    login = request.form.get("login", "").strip().lower()
    password = None if request.form.get("role") == "client" else secrets.token_urlsafe(12)
    try:
        _create(login, password)
    except REFUSALS as error:
        return _again(None, error)
    if password is None:
        return done(_("Đã tạo tài khoản. Hãy cấp mã truy cập cho ứng dụng."), "ui_admin.person", login=login)
    return page("ui/admin_secret.html", login=login, password=password)


@door.changes
def _create(unit: Unit, caller: Account, login: str, password: str | None) -> None:
    accounts.create(unit, _said() | {"login": login, "password": password}, caller)


@bp.open("POST", PERSON)
def change(login: str) -> Any:
    try:
        _change(login, _said())
    except REFUSALS as error:
        return _again(login, error)
    return done(_("Đã ghi."), "ui_admin.person", login=login)


@door.changes
def _change(unit: Unit, caller: Account, login: str, values: dict[str, Any], version: int | None = None) -> None:
    seen = request.form.get("version", "")
    accounts.change(unit, login, values, caller, int(seen) if seen.isdecimal() else version)


def _said() -> dict[str, Any]:
    """What the form says; an empty answer is none."""
    said: dict[str, Any] = {name: request.form.get(name, "").strip()[:2000] or None for name in ASKED}
    if said["name"] is None or len(said["name"]) > 120:
        raise InvalidRequest("A name has 1 to 120 characters.", field="name")
    if said["role"] not in ROLES:
        raise InvalidRequest("Choose a role.", field="role")
    for name in ("report_types", "areas"):
        said[name] = [one.strip() for one in said[name].split(",") if one.strip()] if said[name] else None
    return said | {"head": "head" in request.form, "active": "active" in request.form}


def _again(login: str | None, error: EngineError) -> Any:
    wrong = _wrong(error)
    said = SimpleNamespace(**request.form.to_dict())
    return door.reads(lambda unit, caller: _form(unit, caller, login, said, wrong))()


@bp.open("POST", f"{PERSON}/mat-khau")
def reset(login: str) -> Any:
    """A new password, shown once; it ends the account's log-ins."""
    password = secrets.token_urlsafe(12)
    _change(login, {"password": password})
    return page("ui/admin_secret.html", login=login, password=password)


@bp.change(f"{PERSON}/thiet-bi")
def forget_device(unit: Unit, caller: Account, login: str) -> Any:
    """Whose device is lost logs in by password alone, until another one is set up."""
    second_factors.remove(unit, login, caller)
    return done(_("Đã tắt xác thực hai lớp."), "ui_admin.person", login=login)


# -- tokens --------------------------------------------------------------------------------------------------------


@bp.open("POST", f"{PERSON}/ma")
def issue(login: str) -> Any:
    label, days = request.form.get("label", "").strip(), request.form.get("days", "").strip()
    if not 1 <= len(label) <= 80 or (days and not (days.isdecimal() and 1 <= int(days[:6]) <= DAYS_MAX)):
        return pages.undone(_("Hãy ghi mã dùng cho việc gì, và số ngày từ 1 đến %(most)s.", most=DAYS_MAX),
                            url_for("ui_admin.person", login=login))  # fmt: skip
    scopes = [one for one in request.form.getlist("scope") if one in access.SCOPES] or None
    made = door.changes(
        lambda unit, by: accounts.issue_for(unit, login, label, int(days) if days else None, by, scopes))()  # fmt: skip
    return page("ui/admin_secret.html", login=login, token=made.token, until=made.expires_at)


@bp.change(f"{PERSON}/ma/<key:token_id>/thu-hoi")
def revoke(unit: Unit, caller: Account, login: str, token_id: int) -> Any:
    must_manage(caller)
    accounts.revoke(unit, token_id, caller)
    return done(_("Đã thu hồi: mã này không dùng được nữa."), "ui_admin.person", login=login)


# -- to look at ----------------------------------------------------------------------------------------------------


@bp.read("/quan-tri/mau-tin")
def texts(unit: Unit, caller: Account) -> Any:
    """What people are told, each with to whom it goes and why, and the results that it waits for: the province's, and
    those that a report type has of its own, in the version in force."""
    must_manage(caller)
    chosen, every = province(unit)
    packages = unit.catalogue.of_province(unit, chosen.code)
    ends = {key: in_language(one, key) for package in packages
            for key, one in package.type.get("outcomes", {}).items()}  # fmt: skip
    return page("ui/admin_texts.html", texts=chosen.settings.get("texts", {}), chosen=chosen, provinces=every,
                own=[one for one in packages if one.type.get("texts")], outcomes=ends, channels=channels(),
                edits=access.allows(caller, "deploy"))  # fmt: skip


@bp.read("/quan-tri/nhat-ky")
def log(unit: Unit, caller: Account) -> Any:
    """Who did what to cases, newest first."""
    asked: dict[str, Any] = {name: request.args.get(name, "").strip()[:100] or None for name in ("actor", "case")}
    asked["day"] = _day()
    kind = audit.VIEWED if request.args.get("xem") else None
    found = audit.lines(unit, caller, **asked, kind=kind, after=request.args.get("after"))
    packages = {one.definition_id: unit.catalogue.pinned(unit, one.definition_id) for one in found.items}
    rows = [{"at": one.at, "actor": history.who(one.actor, {}), "number": one.number, "did": history.sentence(
        {"kind": one.kind, "element": one.element, "data": {}}, packages[one.definition_id], {}, {})}
        for one in found.items]  # fmt: skip
    return page("ui/admin_log.html", rows=rows, after=found.after, asked=asked, viewed=kind is not None)


@bp.read("/quan-tri/nhat-ky/cua-vao")
def doings(unit: Unit, caller: Account) -> Any:
    """Who logged in or failed to, and changed accounts, tokens, agencies, versions."""
    asked: dict[str, Any] = {"person": request.args.get("person", "").strip()[:100] or None, "day": _day()}
    found = audit.doings(unit, caller, **asked, after=request.args.get("after"))
    verdict = chain.verify_newest(unit) if request.args.get("kiem") else None
    return page("ui/admin_doings.html", rows=found.items, after=found.after, asked=asked, state=chain.state(unit),
                did=acted.sentence, verdict=verdict)  # fmt: skip


def _day() -> date | None:
    """The day that is asked for; what is none is not asked for."""
    return read_day(request.args.get("day", ""))


def province(unit: Unit) -> tuple[Any, list[Any]]:
    """The one that is asked for, else the first; and all there are."""
    every = unit.all(select(provinces).order_by(provinces.c.code))
    if not every:
        raise NotFound("No province is loaded.")
    return next((one for one in every if one.code == request.args.get("tinh")), every[0]), every


def _agencies(unit: Unit) -> list[Any]:
    """To choose from; a commune's is typed."""
    return [one for one in directory.list_agencies(unit, at=unit.today) if one.kind != "commune"]


# -- words ---------------------------------------------------------------------------------------------------------


def _scopes() -> dict[str, str]:
    return {
        "read": _("xem vụ việc, công việc, số liệu"), "person": _("xem người báo"), "report": _("gửi phản ánh"),
        "work": _("xử lý công việc"), "absences": _("ghi vắng mặt"), "operate": _("vận hành: thử lại, chuyển, nhập"),
        "export": _("xuất lịch sử"), "publish": _("công bố"), "deploy": _("cài đặt quy trình"),
        "serve": _("làm dịch vụ của quy trình"), "manage": _("quản lý tài khoản và cơ quan"),
    }  # fmt: skip


def _wrong(error: EngineError) -> tuple[str, str]:
    """Which question of the form is answered wrongly, and why."""
    field = str(error.facts.get("field") or ("login" if isinstance(error, WrongState) else "name"))
    return field, {
        "login": _("Tên đăng nhập có 2 đến 64 ký tự a-z, 0-9, “.”, “_”, “-”, và chưa ai dùng."),
        "name": _("Hãy ghi họ tên, tối đa 120 ký tự."),
        "role": _("Hãy chọn vai trò. Không ai tự khóa hoặc tự đổi vai trò của mình được."),
        "agency": _("Hãy chọn một cơ quan có trong danh sách; chỉ quản trị và phân tích quy trình không cần."),
        "areas": _("Hãy ghi mã các địa bàn cấp huyện, cách nhau bằng dấu phẩy."),
    }.get(field, _("Yêu cầu chưa đúng")) if not isinstance(error, Stale | NotAllowed) \
        else pages.said(error.code)[0]  # fmt: skip
