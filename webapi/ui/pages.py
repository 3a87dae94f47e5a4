"""What a folder of pages is made with: `Pages` is a Blueprint that refuses in HTML and sends the headers of a page.
Their names begin with ui_, since the API has its own "login", "cases" and "tasks".

    bp = Pages("ui_worklist")

    @bp.read("/viec")
    def index(unit, caller):                     # GET, logged in
        return page("ui/worklist.html", tasks=queries.list_tasks(unit, caller))

    @bp.change("/viec/<key:task_id>/nhan")
    def claim(unit, caller, task_id):            # POST, logged in, with the form's token checked
        tasks.claim(unit, task_id, by=caller)
        return done(_("Đã nhận việc"), "ui_worklist.show", task_id=task_id)

    @bp.open("GET", "/tra-cuu")                  # for everybody
"""

from __future__ import annotations

from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, flash, g, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from engine import errors
from engine.errors import EngineError
from engine.people.access import Account
from engine.runtime import Unit
from webapi import auth, compression, policy, problems
from webapi.ui import door, words
from webapi.ui.words import _

csrf = CSRFProtect()
REFUSED = "thongsuot.refused"  # in the environ of a page that is shown again: which form was refused, and its fields


class Pages(Blueprint):
    """Pages that belong together."""

    def __init__(self, name: str) -> None:
        super().__init__(name, __name__)
        self.before_request(csrf.protect)
        self.after_request(dressed)
        self.register_error_handler(EngineError, refused)
        self.register_error_handler(HTTPException, http_refused)
        for cause in problems.OUTAGES:
            self.register_error_handler(cause, outage_refused)

    def open(self, method: str, rule: str) -> Any:
        """For everybody."""
        return self.route(rule, methods=[method])

    def read(self, rule: str) -> Any:
        """GET, for who is logged in: the view is called with a reading unit and the caller."""
        return self._named("GET", rule, lambda view: door.reads(_device_first(view)))

    def change(self, rule: str) -> Any:
        """POST, for who is logged in: the view is called with a unit, which commits when it returns, and the caller."""
        return self._named("POST", rule, door.changes)

    def _named(self, method: str, rule: str, opened: Any) -> Any:
        return lambda view: self.route(rule, methods=[method])(opened(view))


def _device_first(view: auth.View) -> auth.View:
    """Whose role needs a second factor is led to set it up, wherever they go: nothing else is theirs to see yet."""

    @wraps(view)
    def seen(unit: Unit, caller: Account, *args: Any, **kwargs: Any) -> Any:
        if caller.scopes == () and not request.path.startswith("/tai-khoan"):
            return redirect(url_for("ui_device.show"), 303)
        return view(unit, caller, *args, **kwargs)

    return seen


def page(template: str, status: int = 200, /, **facts: Any) -> tuple[str, int]:
    """A page. 422 shows a form once more, with what is wrong and what was written."""
    return render_template(template, **facts), status


def done(sentence: str, endpoint: str, **values: Any) -> AnyResponse:
    """After a change: say so on the page that follows, which a reload does not repeat."""
    flash(sentence)
    return redirect(url_for(endpoint, **values), 303)


def undone(sentence: str, address: str) -> AnyResponse:
    """After a change that was refused: the page it was asked for on, which says why and still has what was typed.

    That page is the answer itself, asked for once more from inside. Where it is gone, or nothing was typed, the browser
    goes and sees.
    """
    answer = _asked_again(sentence, address) if request.form.keys() - {"csrf_token"} else None
    if answer is None:
        flash(sentence, "wrong")
        return redirect(address, 303)
    answer.status_code = 422
    return answer


def _asked_again(sentence: str, address: str) -> Response | None:
    path, _mark, query = address.partition("?")
    said = MultiDict([*request.form.items(multi=True), ("refusal", sentence)])
    asked = {**request.environ, "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query,
             "CONTENT_LENGTH": "0", "CONTENT_TYPE": "", REFUSED: (request.path, said)}  # fmt: skip
    try:
        with current_app.request_context(asked):
            flash(sentence, "wrong")
            answer = current_app.make_response(current_app.dispatch_request())
    except (EngineError, HTTPException):
        return None
    return answer if answer.status_code == 200 else None


def typed(url: str) -> MultiDict[str, str]:
    """What was typed into the form that posts to this address, and why it was refused (``refusal``); else nothing."""
    refused_at, said = request.environ.get(REFUSED, ("", None))
    return said if said and refused_at == url else MultiDict()


def dressed(answer: Response) -> Response:
    answer = policy.strict(answer)
    answer.headers["Content-Language"] = words.language()
    answer.vary.add("Cookie")
    return compression.page(words.remember(answer))


# -- refusals ------------------------------------------------------------------------------------------------------


def said(code: str) -> tuple[str, str]:
    """What a refusal is called on a page, and what to do next, in the reader's language."""
    return {
        "not-found": (_("Không có trang này, hoặc trang này không dành cho ông (bà)"),
                      _("Kiểm tra lại địa chỉ hoặc mã số, hoặc trở về trang đầu.")),
        "not-allowed": (_("Ông (bà) không có quyền làm việc này"), _("Hãy nhờ người có quyền, hoặc đăng nhập lại.")),
        "wrong-state": (_("Việc này đã chuyển sang bước khác"), _("Mở lại trang để xem tình trạng mới nhất.")),
        "stale": (_("Người khác vừa thay đổi nội dung này"), _("Mở lại trang, xem thay đổi rồi làm lại.")),
        "invalid-answers": (_("Biểu mẫu chưa điền đúng"), _("Sửa các mục được đánh dấu rồi gửi lại.")),
        "invalid-request": (_("Yêu cầu chưa đúng"), _("Sửa nội dung rồi gửi lại.")),
        "unscanned": (_("Chưa kiểm tra được tệp"), _("Tệp chưa được nhận: xin gửi lại sau ít phút.")),
        "too-many": (_("Quá nhiều lần thử"), _("Xin chờ ít phút rồi thử lại.")),
        "busy": (_("Máy chủ đang bận"), _("Xin thử lại sau giây lát.")),
        "database-away": (_("Tạm thời chưa kết nối được dữ liệu"), _("Xin thử lại sau vài giây.")),
        "no-room": (_("Ổ đĩa của máy chủ đã đầy"), _("Chưa có gì được lưu. Xin thử lại sau và báo người quản trị.")),
        "csrf": (_("Trang này đã mở quá lâu"), _("Tải lại trang rồi gửi lại; trình duyệt cần cho phép cookie.")),
        "request-entity-too-large": (_("Tệp gửi lên quá lớn"), _("Gửi ít tệp hơn hoặc tệp nhỏ hơn.")),
        "internal-server-error": (_("Máy chủ gặp lỗi, chưa có gì thay đổi"), _("Xin thử lại sau ít phút.")),
    }.get(code, (_("Không thực hiện được"), _("Kiểm tra lại rồi thử lại.")))  # fmt: skip


def refusal(status: int, code: str, detail: str | None = None, retry_after: int | None = None) -> Response:
    title, advice = said(code)
    facts = {"title": title, "advice": advice, "detail": detail, "code": code, "back": sent_from()}
    answer = Response(render_template("ui/refused.html", **facts), status)
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def refused(error: EngineError) -> Any:
    if isinstance(error, errors.NotAuthenticated):
        if session.pop(door.TOKEN, None):
            flash(_ended(), "wrong")
        g.pop("caller", None)
        if request.headers.get("HX-Request"):  # a part of a page: the whole page goes to log in
            return Response(status=401, headers={"HX-Redirect": url_for("ui_login.show")})
        back = request.full_path.rstrip("?") if request.method == "GET" else sent_from()
        return redirect(url_for("ui_login.show", next=back), 303)
    return refusal(error.status, error.code, _shown(error), error.facts.get("retry_after"))


def _shown(error: EngineError) -> str | None:
    """What a refusal says beside its title, in the reader's language. What is not there is not told about; who may not,
    is told by the title where there is no Vietnamese for the sentence."""
    said = words.translated(error.detail or "")
    unsaid = error.code == "not-allowed" and words.language() == "vi" and said == error.detail
    return None if unsaid or error.code == "not-found" else said


def _ended() -> str:
    if request.method == "GET":
        return _("Phiên làm việc đã hết: xin đăng nhập lại.")
    return _("Phiên làm việc đã hết, nội dung vừa gửi chưa được nhận: xin đăng nhập lại, rồi gửi lại.")


def sent_from() -> str | None:
    """The page on which a form was sent: it is there still, and so is a draft that the browser keeps."""
    from_ = urlsplit(request.referrer or "")
    return from_.path or None if request.method == "POST" and from_.netloc == request.host else None


def http_refused(error: HTTPException) -> Any:
    if isinstance(error, CSRFError):
        return refusal(400, "csrf")
    problem = problems.http_problem(error)  # logs what nobody expected, with an id
    if not problem.is_json:
        return problem
    body = problem.get_json()
    code = str(body.get("type", "")).rpartition("/")[2]
    shown = body.get("id") or (body.get("detail") if code not in ("not-found", "method-not-allowed") else None)
    return refusal(problem.status_code, code, shown)


def outage_refused(error: Exception) -> Any:
    problem = problems.outage_problem(error)
    told = problem.get_json()
    return refusal(problem.status_code, told["type"].rpartition("/")[2], retry_after=told.get("retry_after"))


def nowhere(error: HTTPException) -> Any:
    """No address of ours: people get a page, programs a problem."""
    accepts = request.accept_mimetypes
    if request.path.startswith(("/api/", "/open311/")) or accepts["text/html"] <= accepts["application/json"]:
        return problems.http_problem(error)
    return dressed(http_refused(error))


def without(query: Any, *names: str) -> dict[str, list[str]]:
    """A query without some of its names, for links to a list's other pages."""
    return {name: values for name, values in query.lists() if name not in names}


def caller() -> Any:
    """Who is logged in, for the frame of a page that is open to everybody."""
    if "caller" not in g and session.get(door.TOKEN):
        try:
            door.reads(lambda unit, caller: None)()
        except EngineError:
            session.pop(door.TOKEN, None)
    return g.get("caller")


__all__ = ["Pages", "auth", "caller", "done", "page"]
