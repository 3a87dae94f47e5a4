"""Who asks to know who reported, and why: the second person agrees, or does not, here or in the case's file. What asks
stands there, too (`dossier.who`).
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for

from engine import directory
from engine.errors import NotFound, WrongState
from engine.people import access
from engine.people.access import Account
from engine.privacy import unmasking
from engine.runtime import Unit
from webapi.ui import door, pages
from webapi.ui.pages import Pages, page
from webapi.ui.words import _

bp = Pages("ui_unmasking")
ANSWERS = {"dong-y": True, "khong": False}


@bp.read("/tinh/nguoi-bao")
def index(unit: Unit, caller: Account) -> Any:
    access.require(caller, "unmask")
    found = unmasking.waiting(unit, caller)
    return page("ui/unmaskings.html", found=found, called=directory.names(unit, {one.login for one in found}))


@bp.open("POST", "/tinh/nguoi-bao/<key:unmasking_id>/<name:answer>")
def decide(unmasking_id: int, answer: str) -> Any:
    if answer not in ANSWERS:
        raise NotFound(f"There is no answer {answer!r}.")
    back = door.safe_address(request.form.get("back"), url_for("ui_unmasking.index"))
    agreed = ANSWERS[answer]
    try:
        row = door.changes(lambda unit, by: unmasking.decide(unit, unmasking_id, agreed=agreed, by=by))()
    except WrongState:
        return pages.undone(_("Đề nghị này đã được trả lời, hoặc đã quá lâu."), back)
    flash(_("%(who)s được biết người báo trong 24 giờ.", who=row.login) if agreed else _("Đã trả lời: không đồng ý."))
    return redirect(back, 303)
