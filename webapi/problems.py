"""How a refusal leaves: RFC 9457, ``application/problem+json``, for every path and every cause.

``type`` names a page that says what to do next; ``title`` is the first line of the error class's docstring; ``detail``
is the sentence of this very occurrence; further members are facts about it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, render_template, request
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from engine import errors
from engine.errors import EngineError
from engine.queues import leases
from engine.storage import outages
from webapi import logs
from webapi.bodies import dump

log = logging.getLogger(__name__)

# What to do next, by code. A test compares this with the classes of `engine.errors`.
ADVICE = {
    "engine-error": "Read the detail, change the request and send it again.",
    "not-found": "Check the address or the number. A thing that does not concern you is reported as missing, too.",
    "not-authenticated": "Send the header 'Authorization: Bearer ts_…' with a token from POST /api/v1/login.",
    "second-factor-missing": "Send POST /api/v1/login once more, with the code that your device shows as 'code'.",
    "not-allowed": "Ask somebody whose role allows it; GET /api/v1/me says which account you are using.",
    "wrong-state": "Read the thing again: somebody, or the clock, has moved it on.",
    "suspended": "Wait until the provincial office releases the case; its timeline says why it is held.",
    "uncorrelated": "Send it again once a case waits for it, or say more precisely which one is meant.",
    "stale": "Read the thing again, look at what changed, and repeat with its new ETag in If-Match.",
    "invalid-answers": "Correct the fields named in 'errors' and send the form again.",
    "invalid-request": "Correct what the detail names; /api/v1/docs says what each field may hold.",
    "invalid-package": "Repair every fault listed in 'faults', or run `thongsuot check PATH` until there is none.",
    "unscanned": "Wait as many seconds as Retry-After says, then send the same file again, or go on without it.",
    "too-many": "Wait as many seconds as Retry-After says.",
    "bad-request": "Send a well-formed request; /api/v1/docs shows examples.",
    "method-not-allowed": "Use one of the methods in the header Allow.",
    "precondition-required": "Read the thing first and send its ETag in the header If-Match.",
    "request-entity-too-large": "Send less at once.",
    "unsupported-media-type": "Send JSON (or, for files, multipart/form-data) and say so in Content-Type.",
    "busy": "Send the same request again, with the same Idempotency-Key.",
    "surge": "Wait as many seconds as Retry-After says, then send the same request again.",
    "database-away": "Send the same request again in a few seconds, with the same Idempotency-Key.",
    "no-room": "Tell the operator of this server that its disk is full; nothing was kept, so send it again later.",
    "internal-server-error": "Nothing was changed. Tell the operator of this server the id in 'detail'.",
}
FAULTS_SAID = 3  # in the sentence; `errors` has them all
OUTAGES = (DBAPIError, NoConnection, OSError)  # as what `engine.storage.outages` may come
# what is said then: status, code, title, detail, and after how many seconds it is worth trying again
_OUTAGE = {
    outages.BUSY: (503, "busy", "Too many changes at once.", "Try again in a moment.", 1),
    outages.AWAY: (
        503, "database-away", "The database is away.",
        "The database cannot be reached: send the same request again in a few seconds, with the same Idempotency-Key. "
        "(Chưa kết nối được cơ sở dữ liệu: xin gửi lại sau vài giây.)", 3,
    ),
    outages.FULL: (
        507, "no-room", "There is no room left.",
        "The server's disk is full and nothing was kept: send it again later, and tell the operator of this server. "
        "(Ổ đĩa của máy chủ đã đầy, chưa có gì được lưu: xin gửi lại sau.)", 60,
    ),
}  # fmt: skip
_SAID = {
    "Missing data for required field.": "{} is missing",
    "Unknown field.": "{} is not known here",
    "Field may not be null.": "{} must not be null",
    "Not a valid mapping type.": "{} must be a JSON object {…}",
    "Invalid input type.": "{} must be a JSON object {…}",
    "Not a valid string.": "{} must be a text, in quotation marks",
    "Not a valid list.": "{} must be a list […]",
    "Not a valid integer.": "{} must be a whole number",
    "Not a valid boolean.": "{} must be true or false",
    "Not a valid date.": "{} must be a day such as 2026-12-01",
    "Not a valid datetime.": "{} must be a moment such as 2026-12-01T08:00:00+07:00",
    "Not a valid aware datetime.": "{} must say its zone, as 2026-12-01T08:00:00+07:00 does",
}
_TITLES = {cls.code: (cls.__doc__ or "").splitlines()[0].replace("`", "")
           for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, EngineError)}  # fmt: skip


def register(app: Flask) -> None:
    app.register_error_handler(EngineError, refused)
    app.register_error_handler(HTTPException, http_problem)
    for cause in OUTAGES:
        app.register_error_handler(cause, outage_problem)
    app.add_url_rule("/problems/<code>", "problem_page", problem_page)


def problem(status: int, code: str, title: str, detail: str | None, /, **facts: Any) -> Response:
    body = {**facts, "type": f"/problems/{code}", "title": title, "status": status, "detail": detail}
    answer = Response(dump(body), status, mimetype="application/problem+json")
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="Thong Suot"'
    if "retry_after" in facts:
        answer.headers["Retry-After"] = str(facts["retry_after"])
    return answer


def refused(error: EngineError) -> Response:
    return problem(error.status, error.code, _TITLES[error.code], error.detail, **error.facts)


def http_problem(error: HTTPException) -> Response:
    """What Flask, werkzeug or webargs refuse; and whatever nobody expected, which gets an id."""
    code = error.name.lower().replace(" ", "-")
    if error.response is not None:  # somebody aborted with a whole answer
        return error.response  # type: ignore[return-value]
    if error.code == 422:
        return _invalid(error)
    if (error.code or 500) >= 500:
        return _unexpected(error)
    code = code if code in ADVICE else "bad-request"
    answer = problem(error.code or 500, code, _TITLES.get(code, f"{error.name}."), _detail(error))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "Content-Range"):
            answer.headers[name] = value
    return answer


def _detail(error: HTTPException) -> str | None:
    """Our own sentence where we raised it; else one that names what was sent, which werkzeug's do not."""
    if error.description != type(error).description:
        return error.description
    if isinstance(error, NotFound):
        return f"There is nothing at {request.path[:100]}: /api/v1/docs lists every address."
    if isinstance(error, MethodNotAllowed):
        use = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        return f"{request.method[:20]} cannot be used on {request.path[:100]}: use {use}."
    if isinstance(error, RequestEntityTooLarge):
        return f"The body is larger than the {request.max_content_length} bytes that are taken here."
    return error.description


def _invalid(error: HTTPException) -> Response:
    """webargs found that a body or a query does not fit its schema."""
    messages = getattr(error, "data", {}).get("messages", {})
    where = "body" if "json" in messages else ", ".join(messages) or "request"
    found = next(iter(messages.values()), {}) if len(messages) == 1 else messages
    faults = list(_faults(found, ""))
    said = "; ".join(faults[:FAULTS_SAID]) + (f"; and {len(faults) - FAULTS_SAID} more" * (len(faults) > FAULTS_SAID))
    detail = f"The {where} does not fit: {said}." if said else f"The {where} does not fit."
    by_field = {"errors": found} if isinstance(found, dict) else {}  # a body that is no object has no fields
    return problem(422, "invalid-request", _TITLES["invalid-request"], detail, **by_field)


def _faults(found: Any, field: str) -> Iterator[str]:
    """What marshmallow found, each as a piece of a sentence that names the field."""
    if isinstance(found, dict):
        for key, inner in found.items():
            yield from _faults(inner, field if key == "_schema" else f"{field}.{key}".lstrip("."))
        return
    for message in found if isinstance(found, list) else [found]:
        if not field and message == "Invalid input type.":
            yield "it must be a JSON object {…}"
        else:
            said = _SAID.get(message, f"{{}}: {str(message).rstrip('.')}" if field else str(message).rstrip("."))
            yield said.replace("{}", field[:100])


def _unexpected(error: HTTPException) -> Response:
    name = logs.request_id()
    cause = getattr(error, "original_exception", None)
    log.error("A request failed.", exc_info=cause, extra={"action": "failed"})
    detail = f"Something went wrong on our side and nothing was changed; its id is {name}."
    return problem(error.code or 500, "internal-server-error", "This is our mistake.", detail, id=name)


def outage_problem(error: Exception) -> Response:
    """The database or a disk refuses, or a value got through that no column holds; anything else is unexpected."""
    if outage := _OUTAGE.get(outages.kind(error)):
        status, code, title, detail, seconds = outage
        level = logging.INFO if code == "busy" else logging.ERROR
        log.log(level, "A request was put off: %s", leases.reason(error), extra={"action": code})
        return problem(status, code, title, detail, retry_after=seconds)
    if isinstance(error, DataError):
        detail = "A value in the request is larger than anything we keep, or not a text."
        return problem(422, "invalid-request", _TITLES["invalid-request"], detail)
    raise error


def problem_page(code: str) -> str:
    """The page that ``type`` points to."""
    if code not in ADVICE:
        raise NotFound("There is no such problem.")
    title = _TITLES.get(code, code.replace("-", " ").capitalize() + ".")
    return render_template("problem.html", code=code, title=title, advice=ADVICE[code])
