"""Logging in and out, and the page that says who one is."""

from __future__ import annotations

from typing import Any

from flask import redirect, request

from engine import accounts, overview
from engine.access import Account
from engine.errors import NotAuthenticated, TooMany
from engine.runtime import Unit
from webapi.ui import door, navigation
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _

bp = Pages("ui_login")


@bp.open("GET", "/dang-nhap")
def show() -> Any:
    return page("ui/login.html", next=request.args.get("next", ""))


@bp.open("POST", "/dang-nhap")
def log_in() -> Any:
    login, password = request.form.get("login", "").strip().lower(), request.form.get("password", "")
    try:
        account = door.let_in(login[:64], password[:200])
    except (NotAuthenticated, TooMany) as error:
        return page("ui/login.html", error.status, next=request.form.get("next", ""), login=login, wrong=_wrong(error))
    return redirect(door.safe_address(request.form.get("next"), navigation.landing(account)), 303)


def _wrong(error: NotAuthenticated | TooMany) -> str:
    if isinstance(error, TooMany):
        minutes = -(-int(error.facts["retry_after"]) // 60)
        return _("Đã sai quá nhiều lần. Xin thử lại sau %(minutes)s phút.", minutes=minutes)
    return _("Tên đăng nhập hoặc mật khẩu không đúng.")


@bp.open("POST", "/dang-xuat")
def log_out() -> Any:
    door.let_out()
    return done(_("Đã đăng xuất"), "ui_login.show")


@bp.read("/tai-khoan")
def account(unit: Unit, caller: Account) -> Any:
    return page("ui/account.html", account=accounts.show(unit, caller.login, caller), agency=_agency(unit, caller))


def _agency(unit: Unit, caller: Account) -> str:
    """What their agency is called; nothing for who belongs to none."""
    return overview.names(unit, "agency", [caller.agency])[caller.agency] if caller.agency else ""
