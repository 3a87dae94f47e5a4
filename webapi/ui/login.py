"""Logging in and out, and the page that says who one is."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for

from engine.errors import InvalidRequest, NotAuthenticated, SecondFactorMissing, TooMany
from engine.people import accounts, second_factors
from engine.people.access import Account
from engine.runtime import Unit
from engine.statistics import overview
from webapi import auth
from webapi.ui import door, navigation
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _, in_language

bp = Pages("ui_login")


@bp.open("GET", "/dang-nhap")
def show() -> Any:
    return page("ui/login.html", next=request.args.get("next", ""))


@bp.open("POST", "/dang-nhap")
def log_in() -> Any:
    login, password = request.form.get("login", "").strip().lower(), request.form.get("password", "")
    code = request.form.get("code", "")[:40] or None
    try:
        account = door.let_in(login[:64], password[:200], code)
    except (NotAuthenticated, TooMany) as error:
        asked = code is not None or isinstance(error, SecondFactorMissing)
        return page("ui/login.html", error.status, next=request.form.get("next", ""), login=login, wrong=_wrong(error),
                    asked=asked)  # fmt: skip
    if account.scopes is not None:
        return redirect(url_for("ui_device.show"), 303)
    return redirect(door.safe_address(request.form.get("next"), navigation.landing(account)), 303)


def _wrong(error: NotAuthenticated | TooMany) -> str:
    if isinstance(error, TooMany):
        minutes = -(-int(error.facts["retry_after"]) // 60)
        return _("Đã sai quá nhiều lần. Xin thử lại sau %(minutes)s phút.", minutes=minutes)
    if isinstance(error, SecondFactorMissing):
        return _("Hãy nhập lại mật khẩu cùng mã đang hiện trên thiết bị của ông (bà), hoặc một mã dự phòng.")
    return _("Tên đăng nhập hoặc mật khẩu không đúng.")


@bp.open("POST", "/dang-xuat")
def log_out() -> Any:
    door.let_out()
    return done(_("Đã đăng xuất"), "ui_login.show")


@bp.read("/tai-khoan")
def account(unit: Unit, caller: Account) -> Any:
    opened = [one for one in accounts.tokens_of(unit, caller) if one.label == accounts.LOGIN]
    return page("ui/account.html", account=accounts.show(unit, caller.login, caller), agency=_agency(unit, caller),
                sessions=opened, this=door.token()[:accounts.SHOWN],
                two_factors=second_factors.has(unit, caller.id))  # fmt: skip


@bp.change("/tai-khoan/phien-khac")
def end_others(unit: Unit, caller: Account) -> Any:
    """End one's log-ins on other devices."""
    ended = accounts.end_sessions(unit, caller, door.token())
    return done(_("Đã kết thúc %(number)s phiên đăng nhập khác.", number=ended), "ui_login.account")


@bp.read("/tai-khoan/mat-khau")
def password(unit: Unit, caller: Account) -> Any:
    return page("ui/password.html")


@bp.open("POST", "/tai-khoan/mat-khau")
def change_password() -> Any:
    said = [request.form.get(name, "")[:201] for name in ("present", "wanted", "again")]
    try:
        if said[1] != said[2]:
            raise InvalidRequest("The two do not match.", field="again")
        accounts.change_password(auth.runtime(), door.token(), said[0], said[1], auth.address())
    except (InvalidRequest, TooMany) as error:
        return page("ui/password.html", error.status, wrong=_not_changed(error))
    return done(_("Đã đổi mật khẩu. Các phiên đăng nhập khác đã kết thúc."), "ui_login.account")


def _not_changed(error: InvalidRequest | TooMany) -> str:
    if isinstance(error, TooMany):
        return _wrong(error)
    return {
        "present": _("Mật khẩu hiện tại không đúng."),
        "again": _("Hai lần nhập mật khẩu mới không giống nhau."),
    }.get(error.facts["field"]) or _(
        "Mật khẩu mới dễ đoán hoặc quá ngắn: hãy dùng vài từ không liên quan đến nhau, ít nhất 10 ký tự, không có tên, "
        "năm sinh, dãy phím."
    )


def _agency(unit: Unit, caller: Account) -> str:
    """What their agency is called; nothing for who belongs to none."""
    return in_language(overview.names(unit, "agency", [caller.agency])[caller.agency]) if caller.agency else ""
