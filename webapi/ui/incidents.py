"""Incidents by their cause, letters and messages from outside that were given up: seen, repaired, tried again."""

from __future__ import annotations

import json
from typing import Any

from flask import request, url_for
from sqlalchemy import Row

from engine import queries
from engine.errors import EngineError, InvalidAnswers, InvalidRequest, Suspended, WrongState
from engine.messaging import kept
from engine.people import access
from engine.people.access import Account
from engine.runtime import Unit
from engine.versions import anatomy
from engine.work import backlog, causes, repairs
from webapi.ui import door, faults, office, pages
from webapi.ui import show as shown
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _, step, text_name, translated

bp = Pages("ui_incidents")
MAY = ("retry", "repair", "resend", "retry-arrival", "modify", "deploy")
CAUSE = "/tinh/su-co/<key:incident_id>"


@bp.read("/tinh/su-co")
def index(unit: Unit, caller: Account) -> Any:
    """All causes, and what waits for the workers."""
    office.must_be_office(unit, caller)
    found = causes.of_incidents(unit, caller)
    steps = {one.incident: _step(unit, one) for one in found}
    return page("ui/incidents.html", causes=found, steps=steps, letters=causes.of_letters(unit, caller),
                unclaimed=kept.index(unit, caller, "dead").items,
                types=office.type_names(unit), texts=_texts(unit, caller), queues=backlog.depth(unit),
                may=_may(caller))  # fmt: skip


@bp.read(CAUSE)
def show(unit: Unit, caller: Account, incident_id: int) -> Any:
    return _page(unit, caller, incident_id)


def _page(unit: Unit, caller: Account, incident_id: int, written: str = "", wrong: str = "") -> Any:
    """Args:
    written: the values as somebody has written them, and what is ``wrong`` with them.
    """
    office.must_be_office(unit, caller)
    one = queries.show_incident(unit, caller, incident_id)
    found = causes.same_cause(unit, caller, incident_id, request.args.get("after"))
    right = repairs.values(one.step) if one.resolved_at is None and one.job_id is None else None
    text = written or json.dumps(right, ensure_ascii=False, indent=2)
    return page("ui/incident.html", 422 if wrong else 200, one=one, found=found, may=_may(caller), wrong=wrong,
                values=None if right is None else text, progress=causes.progress(unit, caller, incident_id),
                step=_step(unit, one), drawn=_drawn(unit, one), types=office.type_names(unit))  # fmt: skip


@bp.change(f"{CAUSE}/thu-lai-tat-ca")
def retry_all(unit: Unit, caller: Account, incident_id: int) -> Any:
    """One click for all of a cause; the workers do it."""
    count = causes.retry(unit, caller, incident_id)
    return done(_("Đang thử lại %(count)s bước.", count=count), "ui_incidents.show", incident_id=incident_id)


@bp.open("POST", f"{CAUSE}/thu-lai")
def retry(incident_id: int) -> Any:
    """One of them, at once; back to the page of the cause it was listed on."""
    back = door.safe_address(request.form.get("back"), url_for("ui_incidents.show", incident_id=incident_id))
    try:
        taken = _retry(incident_id)
    except WrongState as error:
        return pages.undone(_refusal(error), back)
    if not taken:
        return pages.undone(_("Chưa qua được: bước này vẫn lỗi, dưới đây là lý do mới nhất."), back)
    return done(_("Đã thực hiện được bước này, quy trình đi tiếp."), "ui_incidents.index")


@door.changes
def _retry(unit: Unit, caller: Account, incident_id: int) -> bool:
    queries.show_incident(unit, caller, incident_id, "retry")
    return repairs.retry(unit, incident_id, caller.login)


@bp.open("POST", f"{CAUSE}/sua")
def correct(incident_id: int) -> Any:
    """Other values for the step; what cannot be read, or what the form does not take, is asked again."""
    written = request.form.get("values", "").replace("\r\n", "\n")
    try:
        _correct(incident_id, _read(written))
    except (InvalidAnswers, InvalidRequest, WrongState) as error:
        wrong = _refusal(error)
        return door.reads(lambda unit, caller: _page(unit, caller, incident_id, written, wrong))()
    return done(_("Đã ghi giá trị mới. Bây giờ hãy thử lại."), "ui_incidents.show", incident_id=incident_id)


@door.changes
def _correct(unit: Unit, caller: Account, incident_id: int, values: dict[str, Any]) -> None:
    queries.show_incident(unit, caller, incident_id, "repair")
    repairs.correct(unit, incident_id, values, caller.login)


def _read(written: str) -> dict[str, Any]:
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidRequest(_("Chưa đọc được: hãy giữ đúng dạng JSON, mỗi giá trị có tên trong ngoặc kép."))
    return found


@bp.change("/tinh/tin-khong-gui-duoc/<key:letter_id>/gui-lai")
def resend(unit: Unit, caller: Account, letter_id: int) -> Any:
    """All letters that were given up for this one's cause."""
    count = causes.resend(unit, caller, letter_id)
    return done(_("Đang gửi lại %(count)s tin.", count=count), "ui_incidents.index")


@bp.change("/tinh/thong-diep/<key:message_id>/cho-lai")
def wait_again(unit: Unit, caller: Account, message_id: int) -> Any:
    """A message from outside that nobody came to wait for: kept for as long again."""
    until = shown.moment(kept.retry(unit, message_id, by=caller)["until_at"])
    return done(_("Thông điệp lại được giữ, đến %(until)s.", until=until), "ui_incidents.index")


def _drawn(unit: Unit, one: Row[Any]) -> str | None:
    """In which file of its report type the step is drawn."""
    diagrams = anatomy.diagrams(unit.catalogue.pinned(unit, one.definition_id))
    return next((each.file for each in diagrams if any(node.id == one.element for node in each.nodes())), None)


# -- words ---------------------------------------------------------------------------------------------------------


def _may(caller: Account) -> set[str]:
    return {action for action in MAY if access.allows(caller, action)}


def _texts(unit: Unit, caller: Account) -> dict[str, str]:
    """What the caller's province calls its texts, by code; a cause is of a text, whichever types send it."""
    packages = unit.catalogue.of_province(unit, caller.province or "")[:1]
    return {code: text_name(one, code) for one in packages for code in one.province.get("texts", {})}


def _step(unit: Unit, one: Row[Any]) -> str:
    """What the step is called in the diagram, in the version that the incident's case runs in."""
    return step(unit.catalogue.pinned(unit, one.definition_id), one.element or "") or "–"


def _refusal(error: EngineError) -> str:
    if isinstance(error, Suspended):
        return _("Vụ việc đang tạm giữ: hãy cho chạy tiếp rồi thử lại.")
    if isinstance(error, WrongState):
        return _("Sự cố này đã được xử lý, hoặc bước của nó không mang giá trị nào để sửa.")
    if isinstance(error, InvalidAnswers) and error.facts.get("errors"):
        return "; ".join(f"{name}: {faults.sentence(fault)}" for name, fault in error.facts["errors"].items())
    return translated(error.detail or "")
