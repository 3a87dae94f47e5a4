"""The pages: server-rendered, Vietnamese first, usable without JavaScript. docs/ui.md says how one is made."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, send_from_directory
from flask_wtf.csrf import generate_csrf
from werkzeug.exceptions import NotFound

from webapi import compression
from webapi.ui import (
    absences,
    admin,
    agencies,
    analyst,
    backlog,
    beginning,
    calendars,
    callback,
    casebook,
    comparing,
    covering,
    desk,
    device,
    door,
    drafting,
    heat,
    imports,
    incidents,
    line,
    login,
    moving,
    navigation,
    office,
    overseer,
    pages,
    publishing,
    rehearsing,
    replaying,
    report,
    send,
    shared,
    show,
    stuck,
    track,
    unmasking,
    words,
    worklist,
)

PARTS = (send, track, login, shared, device, absences, worklist, casebook, desk, callback, line, office, unmasking,
         stuck, incidents, overseer, report, publishing, heat, backlog, imports, analyst, beginning, comparing, moving,
         drafting, rehearsing, covering, replaying, admin, agencies, calendars)  # fmt: skip
_FOR_EVER = 365 * 24 * 3600


def register(app: Flask) -> None:
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    door.register(app)
    words.register(app)
    show.register(app)
    pages.csrf.init_app(app)
    app.jinja_env.globals.update(is_built=show.is_built, csrf_token=generate_csrf)
    app.context_processor(_frame)
    app.add_url_rule("/static/<path:filename>", "static_file", static_file)
    app.register_error_handler(404, pages.nowhere)
    for part in PARTS:
        app.register_blueprint(part.bp)


def _frame() -> dict[str, Any]:
    """What every page's frame asks for."""
    return {
        "caller": pages.caller, "menu": navigation.menu, "other_language": words.other, "role_name": words.role,
        "without": pages.without, "typed": pages.typed, "shared_login": shared.is_set_up,
    }  # fmt: skip


def static_file(filename: str) -> Response:
    """A file of ours; its address changes when it does."""
    try:
        answer = send_from_directory(show.STATIC, filename, max_age=_FOR_EVER)
    except NotFound:
        raise NotFound("There is no such file; the front end may not have been built.") from None
    answer.headers["Cache-Control"] = f"public, max-age={_FOR_EVER}, immutable"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return compression.file(answer, show.STATIC / filename)
