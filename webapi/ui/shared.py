"""Logging in at the provider that several systems share (OpenID Connect)."""

from __future__ import annotations

from typing import Any

from flask import current_app, redirect, request, session, url_for
from werkzeug.exceptions import NotFound

from engine.errors import NotAllowed, NotAuthenticated
from engine.people import identities
from webapi import auth
from webapi.ui import door, known, navigation, pages
from webapi.ui.pages import Pages
from webapi.ui.words import _

bp = Pages("ui_shared")
KEPT = "openid"


def is_set_up() -> bool:
    return bool(current_app.config["OPENID"])


@bp.open("GET", "/dang-nhap/chung")
def begin() -> Any:
    if not is_set_up():
        raise NotFound
    from webapi import openid  # it and what it needs are two hundred modules, of no use where nobody set it up

    try:
        root = (current_app.config["PUBLIC_URL"] or request.url_root).rstrip("/")
        url, kept = openid.begin(current_app.config["OPENID"], root + url_for("ui_shared.back"))
    except NotAuthenticated:
        return pages.undone(_("Hệ thống đăng nhập chung không trả lời. Xin thử lại sau."), url_for("ui_login.show"))
    session[KEPT] = kept | {"next": request.args.get("next", "")}
    return redirect(url, 303)


@bp.open("GET", "/dang-nhap/chung/ve")
def back() -> Any:
    if not is_set_up():
        raise NotFound
    from webapi import openid

    kept = session.pop(KEPT, {})
    try:
        identity = openid.finish(current_app.config["OPENID"], kept, request.args.to_dict())
        opened = identities.log_in(auth.runtime(), identity, auth.address(), auth.asked_twice())
    except (NotAllowed, NotAuthenticated) as error:
        return pages.undone(_why(error), url_for("ui_login.show"))
    account = known.remember(door.hand_over(opened))
    return redirect(door.safe_address(kept.get("next"), navigation.landing(account)), 303)


def _why(error: NotAllowed | NotAuthenticated) -> str:
    if isinstance(error, NotAllowed):
        return _("Vai trò của ông (bà) cần xác thực hai lớp, mà hệ thống chung chưa hỏi.")
    return _("Không đăng nhập được bằng hệ thống chung. Hãy nhờ quản trị ghi thư điện tử của ông (bà), hoặc thử lại.")
