"""Somebody who is still on the line: what their case waits for, by the second, and what the operator says to it.

Nothing here knows a report type: a case is shown so as long as a deadline of minutes runs, or its process waits for a
message that this operator may send, such as "115 nhận máy". Where the exchange does not tell for which call a second
one was made (`engine.channels.legs`), the operator does, for those of their own telephone.
"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from flask import redirect, request, session, url_for
from sqlalchemy import Row, select

from engine import casefile, messages
from engine.channels import legs, telephone
from engine.errors import InvalidRequest, NotFound, WrongState
from engine.model import branches, contacts, deadlines, subscriptions
from engine.packages import Package
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit
from engine.versions import anatomy
from webapi.ui import calls, door, dossier, pages
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _, step

bp = Pages("ui_line")
SECONDS = 3  # calls that are shown, the newest first
EXTENSION = "extension"  # in the session: the number of the telephone that this operator speaks at
SHORT = timedelta(minutes=10)  # a term that is lived through on the telephone


def of(unit: Unit, caller: Account, number: str) -> dict[str, Any]:
    """Args:
        number: of a case that this operator has just taken down.

    Raises:
        NotFound
    """
    row = access.find(unit, caller, "see", number)  # nothing that was reported is shown, so nobody has looked at it
    case = SimpleNamespace(**row._mapping, tasks=casefile.open_steps(unit, row.id))
    package = unit.catalogue.pinned(unit, case.definition_id)
    terms = _terms(unit, case.id)
    clocks, says = _clocks(terms, package), _says(unit, caller, case, package)
    mine = [one for one in case.tasks if one.group == caller.agency]
    return {"case": case, "package": package, "status": dossier.status(package, case.status), "clocks": clocks,
            "says": says, "mine": mine, "dials": _dials(unit, case) if says else None,
            "live": bool(clocks or says),
            "due_at": next((one.due_at for one in terms if one.name == "case"), None)}  # fmt: skip


def _terms(unit: Unit, case_id: int) -> list[Row[Any]]:
    """The terms that run, what is due first."""
    running = (deadlines.c.case_id == case_id, deadlines.c.settled_at.is_(None))
    return unit.all(select(deadlines).where(*running).order_by(deadlines.c.due_at))


def _clocks(terms: list[Row[Any]], package: Package) -> list[tuple[str, Any]]:
    """The short terms that run: what each is about, and until when."""
    short = [one for one in terms if one.due_at - one.started_at <= SHORT]
    drawn = package.element_names
    names = {one.name: step(package, one.name) if one.name in drawn else _("Bước này") for one in short}
    return [((names | {"case": _("Cả cuộc gọi")})[one.name], one.due_at) for one in short]


def _says(unit: Unit, caller: Account, case: Any, package: Package) -> list[tuple[str, str]]:
    """The messages that it waits for and this operator may send: name, and what the diagram calls it."""
    of_case = (subscriptions.c.case_id == case.id, subscriptions.c.kind == "message")
    waiting = select(subscriptions.c.message).where(*of_case).order_by(subscriptions.c.token)
    names = dict.fromkeys(row.message for row in unit.all(waiting))
    return [(name, _called(package, name)) for name in names if _may_say(unit, caller, case, name)]


def _may_say(unit: Unit, caller: Account, case: Any, name: str) -> bool:
    try:
        return name not in messages.FROM_CITIZENS and access.allows(caller, messages.permission(name), case, unit)
    except InvalidRequest:
        return False


def _called(package: Package, message: str) -> str:
    nodes = (node for diagram in anatomy.diagrams(package) for node in diagram.nodes())
    named = ((node, event) for node in nodes for event in node.events if node.name)
    return next((step(package, node.id) for node, event in named if event.name == message), message)


def _dials(unit: Unit, case: Any) -> str | None:
    """The number to put the caller through to: that of the key that was pressed."""
    of_case = contacts.c.case_id == case.id
    lines = select(branches.c.transfer_to).join(
        contacts, (contacts.c.province == branches.c.province) & (contacts.c.branch == branches.c.key))  # fmt: skip
    newest = lines.where(of_case, branches.c.valid_from <= unit.now).order_by(branches.c.valid_from.desc())
    return unit.scalar(newest.limit(1))  # type: ignore[no-any-return]


@bp.open("POST", "/tiep-nhan/noi-may/<name:number>/<name:message>")
def say(number: str, message: str) -> Any:
    """Such as that the other side has answered."""
    try:
        door.changes(lambda unit, caller: messages.deliver(unit, message, {}, number, by=caller))()
    except (WrongState, NotFound):
        return pages.undone(_("Vụ việc không còn chờ điều này: xem lại bên dưới."), url_for("ui_desk.taken"))
    return done(_("Đã ghi."), "ui_desk.taken")


# -- a second call ---------------------------------------------------------------------------------------------------


def seconds(unit: Unit, caller: Account) -> dict[str, Any]:
    """The calls that this operator's telephone has made lately, each with the caller's that it had on the line."""
    number = session.get(EXTENSION, "")
    may = bool(caller.province) and access.allows(caller, "contact", Target(caller.province), unit)
    pairs = legs.of_extension(unit, str(caller.province), number) if may and number else []
    return {"extension": number, "pairs": pairs[:SECONDS]}


@bp.read("/tiep-nhan/cuoc-goi-thu-hai")
def second(unit: Unit, caller: Account) -> Any:
    """Them alone: what the operator's page shows of them, again and again."""
    return page("ui/second.html", **seconds(unit, caller))


@bp.open("POST", "/tiep-nhan/may-nhanh")
def sits() -> Any:
    """Say at which telephone this browser's operator sits; nothing: at none any more."""
    door.reads(lambda unit, caller: None)()
    session[EXTENSION] = request.form.get("extension", "").strip()[:20]
    return redirect(url_for("ui_line.second"), 303)


@bp.open("POST", "/tiep-nhan/cuoc-goi-thu-hai/<key:contact_id>")
def join(contact_id: int) -> Any:
    """The call was made for the caller's; or it was not, if none is named."""
    whole = calls.contact(request.form)
    try:
        door.changes(lambda unit, caller: telephone.joins(unit, contact_id, whole, by=caller))()
    except (WrongState, NotFound, InvalidRequest):
        return pages.undone(_("Chưa nối được: có người vừa ghi cuộc gọi này là việc khác."), url_for("ui_line.second"))
    return done(_("Đã ghi."), "ui_line.second")
