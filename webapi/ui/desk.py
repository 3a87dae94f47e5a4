"""The operator's page: a caller is on the line, and one page takes everything down, from the keyboard alone."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, redirect, request, session, url_for

from engine import branches, contacts, queries
from engine.errors import EngineError, InvalidAnswers, InvalidRequest, NotFound, WrongState
from engine.forms import contacts as addresses
from engine.intake import CHANNEL_NAMES
from engine.people.access import Account
from engine.places import areas
from engine.queries import CaseFilter
from engine.runtime import Unit
from webapi.ui import callback, calls, door, dossier, forms, line
from webapi.ui.calls import Call
from webapi.ui.letters import PLACE
from webapi.ui.pages import Pages, done, page, undone
from webapi.ui.words import _, channels

bp = Pages("ui_desk")
RECEIPT = "desk-receipt"  # in the session: number and secret of what was taken down last
SAID_AT_ONCE = ("answered", "wrong_number", "refused", "duplicate")


@bp.read("/tiep-nhan")
def show(unit: Unit, caller: Account) -> Any:
    return _drawn(unit, caller, Call(fields={name: value[:200] for name, value in request.args.items()}))


@bp.open("POST", "/tiep-nhan")
def take() -> Any:
    """Something was chosen, and the page follows; or it is sent, and becomes a case or comes back with its faults."""
    call = calls.read(request.form)
    if "gui" in request.form and (receipt := _sent(call)) is not None:
        session[RECEIPT] = receipt
        return redirect(url_for("ui_desk.taken"), 303)
    return door.reads(lambda unit, caller: _drawn(unit, caller, call))()


def _sent(call: Call) -> list[str] | None:
    try:
        return door.changes(lambda unit, caller: calls.send(unit, caller, call))()  # type: ignore[no-any-return]
    except (InvalidAnswers, InvalidRequest) as error:
        calls.note(call, error)
        return None


def _drawn(unit: Unit, caller: Account, call: Call) -> Any:
    keys = branches.at(unit, caller.province, unit.now) if caller.province else []
    types = calls.types(unit, caller)
    package = calls.follow(call, keys, types)
    posted = forms.read(package.intake_form, call.posted) if package and call.posted else None
    answers = posted if call.known == call.fields.get("loai") else None
    parts = forms.draw(package.intake_form, answers, call.wrong, english=package.english) if package else []
    faults = [*call.faults, *(fault for part in parts for fault in part.faults())]
    facts = {
        "call": call, "said": call.fields, "keys": keys, "types": types, "package": package, "parts": parts,
        "faults": faults, "ringing": contacts.on_the_line(unit, caller.province, by=caller) if caller.province else [],
        "channels": channels(), "outcomes": calls.outcomes(SAID_AT_ONCE),
        "asks_place": package and all(one.key != PLACE for one in package.intake_form.fields),
        "conditional": package and any(one.hidden_when for one in package.intake_form.fields),
        **line.seconds(unit, caller), **_known(unit, caller, call, package), **callback.waiting(unit, caller, types),
        "names": {one.code: one for one in types}, "status": dossier.status,
    }  # fmt: skip
    return page("ui/desk.html", 422 if faults else 200, **facts)


def _known(unit: Unit, caller: Account, call: Call, package: Any) -> dict[str, Any]:
    """What is known already: of this number, and of this kind of thing at this place."""
    phone = addresses.phone(call.fields.get("phone", ""))
    earlier = queries.cases_of_phone(unit, caller, phone) if phone else None
    place = _place(unit, caller, call)
    if package is None or place is None:
        return {"earlier": earlier, "near": []}
    wanted = CaseFilter(report_type=package.code, area=place.parent or place.code, open=True, limit=5)
    return {"earlier": earlier, "near": queries.list_cases(unit, caller, wanted).items}


def _place(unit: Unit, caller: Account, call: Call) -> Any:
    try:
        return calls.area(unit, caller, call.fields.get("noi", ""))
    except InvalidRequest:
        return None  # still being written


@bp.read("/tiep-nhan/noi")
def places(unit: Unit, caller: Account) -> Response:
    """Districts and communes whose names begin so, for site.js."""
    begun = request.args.get("q", "")[:80]
    found = areas.search(unit, province=caller.province, q=begun, at=unit.today, limit=12)
    return jsonify(calls.labels(unit, found))


@bp.open("POST", "/tiep-nhan/an")
def hides() -> Response:
    """What the answers so far hide, for site.js."""
    return door.reads(_hidden)()  # type: ignore[no-any-return]


def _hidden(unit: Unit, caller: Account) -> Response:
    package = {one.code: one for one in calls.types(unit, caller)}.get(request.form.get("loai", ""))
    form = package.intake_form if package else None
    return jsonify(forms.hidden(form, forms.read(form, request.form)) if form else [])


@bp.open("POST", "/tiep-nhan/tra-loi-ngay")
def answer() -> Any:
    """Answered at once: the contact is noted, and nothing of the caller."""
    try:
        _answered()
    except (InvalidRequest, NotFound, WrongState):
        return undone(_("Chưa ghi được cuộc gọi: hãy kiểm tra phím và kết quả."), callback.desk_with(request.form))
    return done(_("Đã ghi cuộc gọi trả lời ngay."), "ui_desk.show")


@door.changes
def _answered(unit: Unit, caller: Account) -> None:
    said = request.form
    outcome = said.get("outcome") if said.get("outcome") in SAID_AT_ONCE else "answered"
    values = {"channel": said.get("channel") if said.get("channel") in CHANNEL_NAMES else "dien_thoai",
              "branch": said.get("phim") or None, "outcome": outcome, "topic": said.get("topic") or None}  # fmt: skip
    if not caller.province:
        raise InvalidRequest("Say which province: you belong to none.", field="province")
    known = calls.contact(said)
    if known is not None:
        contacts.end(unit, known, values, by=caller)
    else:
        contacts.begin(unit, caller.province, values, by=caller)


@bp.read("/tiep-nhan/da-nhan")
def taken(unit: Unit, caller: Account) -> Any:
    """Number and secret, large, to read out; for the operator who has just taken it down."""
    number, secret = session.get(RECEIPT, (None, None))
    try:
        facts = line.of(unit, caller, number or "") | line.seconds(unit, caller)
        return page("ui/desk_taken.html", secret=secret, **facts)
    except EngineError:
        return redirect(url_for("ui_desk.show"), 303)
