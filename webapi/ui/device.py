"""The page where one sets up a second factor: a device that shows codes."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from engine.errors import InvalidRequest
from engine.people import accounts, second_factors
from engine.people.access import Account
from engine.runtime import Unit
from webapi import auth
from webapi.ui import door, pages
from webapi.ui.pages import Pages, page
from webapi.ui.track import qr
from webapi.ui.words import _

bp = Pages("ui_device")
DEVICE = "/tai-khoan/thiet-bi"


@bp.open("GET", DEVICE)
@door.changes
def show(unit: Unit, caller: Account) -> Any:
    """A secret is made when the page is opened for the first time; nothing asks for codes before one was shown."""
    secret = second_factors.begin(unit, caller)
    return page("ui/device.html", secret=secret, qr=qr(second_factors.address(secret, caller.login)),
                must=caller.scopes is not None)  # fmt: skip


@bp.open("POST", DEVICE)
def confirm() -> Any:
    """From now on codes are asked for. A session that was good for nothing else gives way to a whole one."""
    try:
        codes, opened = _confirm(request.form.get("code", "")[:40])
    except InvalidRequest:
        return pages.undone(_("Mã không đúng: hãy xem đồng hồ của thiết bị, rồi nhập mã đang hiện."),
                            url_for("ui_device.show"))  # fmt: skip
    door.hand_over(opened)
    return page("ui/device_set.html", codes=codes)


@door.changes
def _confirm(unit: Unit, caller: Account, code: str) -> tuple[list[str], accounts.Session]:
    codes = second_factors.confirm(unit, code, caller)
    return codes, accounts.opened(unit, accounts.account(unit, caller.login), auth.address())
