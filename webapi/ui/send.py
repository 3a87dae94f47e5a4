"""The citizen's way in: which province, what it is about, the form. No log-in, no JavaScript needed."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, redirect, request, session, url_for

from engine.errors import InvalidAnswers, InvalidRequest, TooMany
from engine.packages import Package
from engine.public import offers
from engine.runtime import Unit
from webapi import auth
from webapi.ui import forms, letters
from webapi.ui.letters import Letter
from webapi.ui.pages import Pages, page
from webapi.ui.words import _

bp = Pages("ui_send")
TYPE = "/gui/<name:province>/<name:code>"


@bp.open("GET", "/")
def home() -> Any:
    """Which province; where there is only one, what it is about."""
    with auth.runtime().read() as unit:
        found = offers.served(unit)
        if len(found) == 1:
            return _choose(unit, found[0])
    return page("ui/home.html", served=found)


@bp.open("GET", "/gui/<name:province>")
def choose(province: str) -> Any:
    with auth.runtime().read() as unit:
        return _choose(unit, offers.province(unit, province))


def _choose(unit: Unit, province: Any) -> Any:
    return page("ui/choose.html", province=province, offered=offers.offered(unit, province.code))


@bp.open("GET", TYPE)
def ask(province: str, code: str) -> Any:
    with auth.runtime().read() as unit:
        found = offers.province(unit, province)
        return _ask(unit, found, Letter(offers.offer(unit, found.code, code)))


@bp.open("POST", TYPE)
def send(province: str, code: str) -> Any:
    """The letter becomes a case, or comes back with what is wrong and everything that was written."""
    found, letter = _read(province, code)
    if "refresh" not in request.form and not letter.faults and _send(found, letter):
        return redirect(url_for("ui_track.sent", number=session["receipt"][0]), 303)
    with auth.runtime().read() as unit:
        if letter.faults or letter.wrong:
            letters.look_through(letter, unit.today)
        return _ask(unit, found, letter)


def _read(province: str, code: str) -> tuple[Any, Letter]:
    with auth.runtime().read() as unit:
        found = offers.province(unit, province)
        package = offers.offer(unit, found.code, code)
    return found, letters.read(package, request.form)


def _send(province: Any, letter: Letter) -> bool:
    if request.form.get("website"):  # a field that people do not see
        letter.faults.append(("", _("Phản ánh chưa được gửi. Hãy để trống ô cuối trang rồi gửi lại.")))
        return False
    try:
        with auth.runtime().begin() as unit:
            receipt = letters.send(unit, province.code, letter)
    except (InvalidAnswers, InvalidRequest, TooMany) as error:
        letters.note(letter, error)
        return False
    session["receipt"] = [receipt["number"], receipt["secret"]]
    session["shown"] = [*session.get("shown", [])[-9:], receipt["number"]]
    return True


def _ask(unit: Unit, province: Any, letter: Letter) -> Any:
    form = letter.package.intake_form
    parts = forms.draw(form, letter.answers, letter.wrong, reader="citizen", english=letter.package.english)
    faults = [*(fault for part in parts for fault in part.faults()), *letter.faults]
    facts = {
        "province": province, "letter": letter, "package": letter.package, "web": letter.package.type["web"],
        "parts": parts, "faults": faults, "districts": offers.districts(unit, letter.package),
        "communes": offers.communes(unit, letter.fields.get("area", "")) if letter.fields.get("area") else [],
        "conditional": any(one.hidden_when for one in form.fields), "files_max": offers.FILES_MAX,
    }  # fmt: skip
    return page("ui/ask.html", 422 if faults else 200, **facts)


@bp.open("POST", f"{TYPE}/an")
def hides(province: str, code: str) -> Response:
    """What the answers so far hide, for site.js."""
    package = _offered(province, code)
    return jsonify(forms.hidden(package.intake_form, forms.read(package.intake_form, request.form)))


def _offered(province: str, code: str) -> Package:
    with auth.runtime().read() as unit:
        return offers.offer(unit, offers.province(unit, province).code, code)


@bp.open("GET", "/gui/xa")
def communes() -> Response:
    """The communes of a district, for site.js."""
    with auth.runtime().read() as unit:
        found = offers.communes(unit, request.args.get("district", "")[:20])
        return jsonify([{"code": row.code, "name": row.name} for row in found])
