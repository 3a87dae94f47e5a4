"""The citizen's way to see how far it is: number and secret, or the link; and to say something about it."""

from __future__ import annotations

from typing import Any

import segno
from flask import current_app, redirect, request, session, url_for
from markupsafe import Markup

from engine.errors import InvalidRequest, NotFound, TooMany, Unscanned, WrongState
from engine.public import tracking
from webapi import auth
from webapi.ui import uploads
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _

bp = Pages("ui_track")
CASE = "/tra-cuu/<name:number>"
TEXT_MAX = 2_000
SHOWN = "shown"  # in the session: the numbers whose secret this browser has shown


@bp.open("GET", "/tra-cuu")
def show() -> Any:
    return page("ui/track.html", number=request.args.get("number", ""))


@bp.open("POST", "/tra-cuu")
def find() -> Any:
    return _open(request.form.get("number", ""), request.form.get("secret", ""))


@bp.open("GET", CASE)
def case(number: str) -> Any:
    """By the link, which carries the secret once: afterwards the address is without it."""
    if "ma" in request.args:
        return _open(number, request.args["ma"])
    if number not in session.get(SHOWN, ()):
        return page("ui/track.html", number=number)
    return _case(number)


def _open(number: str, secret: str) -> Any:
    number, secret = number.strip().upper()[:60], secret.strip()[:100]
    try:
        tracking.prove(auth.runtime(), number, secret, auth.address())
    except (NotFound, TooMany) as error:
        return page("ui/track.html", error.status, number=number, wrong=_wrong(error))
    session[SHOWN] = [*(one for one in session.get(SHOWN, ())[-9:] if one != number), number]
    return redirect(url_for("ui_track.case", number=number), 303)


def _wrong(error: NotFound | TooMany) -> str:
    if isinstance(error, TooMany):
        minutes = -(-int(error.facts["retry_after"]) // 60)
        return _("Đã sai quá nhiều lần. Xin thử lại sau %(minutes)s phút.", minutes=minutes)
    return _("Không có phản ánh mang mã số này, hoặc mã bí mật không đúng.")


def _case(number: str, wrong: tuple[str, str] | None = None, status: int = 200) -> Any:
    with auth.runtime().read() as unit:
        found = tracking.show(unit, number)
    return page("ui/case.html", status, case=found, said=_said(found), wrong=wrong, text_max=TEXT_MAX)


def _said(case: dict[str, Any]) -> list[dict[str, Any]]:
    """What was told and what was said, in one line of time; the same message by two channels once."""
    told = {one["text"]: {"at": one["at"], "text": one["text"], "who": "1022", "lang": "vi"} for one in case["told"]}
    remarks = [{"at": one.at, "text": one.text, "mine": one.mine, "who": _("ông (bà)") if one.mine else _("cơ quan")}
               for one in case["comments"]]  # fmt: skip
    return sorted([*told.values(), *remarks], key=lambda one: one["at"])


@bp.open("POST", f"{CASE}/noi")
def say(number: str) -> Any:
    """Rate, say that it is not solved, or add information."""
    if number not in session.get(SHOWN, ()):
        return redirect(url_for("ui_track.show", number=number), 303)
    kind, text = request.form.get("kind", ""), request.form.get("text", "").strip()
    try:
        _say(number, kind, text)
    except (InvalidRequest, WrongState, TooMany, Unscanned) as error:
        return _case(number, (kind, _refused(kind, error)), error.status)
    return done(_thanks(kind), "ui_track.case", number=number)


def _say(number: str, kind: str, text: str) -> None:
    stars = request.form.get("stars", "")
    if kind not in ("rating", "reopen", "information"):
        raise InvalidRequest("Choose what to say.", field="kind")
    if len(text) > TEXT_MAX:
        raise InvalidRequest(f"At most {TEXT_MAX} characters.", field="length")
    if kind == "rating" and stars not in tuple("12345"):
        raise InvalidRequest("Choose 1 to 5 stars.", field="stars")
    files = uploads.received() if kind == "information" and text else []
    with auth.runtime().begin() as unit:
        tracking.say(unit, number, kind, stars=int(stars) if kind == "rating" else None, text=text or None, files=files)


def _refused(kind: str, error: InvalidRequest | WrongState | TooMany | Unscanned) -> str:
    if isinstance(error, TooMany):
        return uploads.busy()
    if isinstance(error, WrongState):
        return _("Phản ánh này đã chuyển sang bước khác: không làm được việc ấy nữa.")
    if error.facts.get("field") in uploads.FIELDS:
        return uploads.sentence(error)
    if error.facts.get("field") == "length":
        return _("Hãy viết ngắn lại: tối đa %(count)s ký tự.", count=TEXT_MAX)
    return _("Hãy chọn từ 1 đến 5 sao.") if kind == "rating" else _("Hãy viết vài lời.")


def _thanks(kind: str) -> str:
    return {
        "rating": _("Cảm ơn ông (bà) đã đánh giá."),
        "reopen": _("Đã ghi nhận phản ánh lại. Chúng tôi sẽ xem xét và trả lời."),
        "information": _("Đã nhận thông tin bổ sung."),
    }[kind]


@bp.open("GET", "/da-gui/<name:number>")
def sent(number: str) -> Any:
    """The receipt: shown to the browser that sent it, for as long as it is open."""
    known, secret = session.get("receipt", ("", ""))
    if known != number:
        return redirect(url_for("ui_track.case", number=number), 303)
    root = (current_app.config["PUBLIC_URL"] or request.url_root).rstrip("/")
    link = root + url_for("ui_track.case", number=number, ma=secret)
    with auth.runtime().read() as unit:
        case = tracking.show(unit, number)
    return page("ui/sent.html", case=case, secret=secret, link=link, qr=qr(link))


def qr(link: str) -> Markup:
    """An SVG of classes and paths only: no style of its own."""
    code = segno.make(link, error="m", micro=False)
    return Markup(code.svg_inline(omitsize=True, svgclass="qr", lineclass=None, border=2, dark="#000", light="#fff"))
