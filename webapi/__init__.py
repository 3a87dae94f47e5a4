"""The web: parse, one engine call, serialise.

`create_app` starts nothing: no scheduler, no thread, no connection. The worker is a process of its own
(`webapi.worker`).
"""

from __future__ import annotations

import gc

gc.disable()  # what is imported is here to stay: looking for rings in it, again and again, takes a fifth of the start

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from time import perf_counter
from typing import Any

from flask import Flask, Request, Response
from flask.globals import request_ctx
from flask_sqlalchemy import SQLAlchemy
from werkzeug import routing
from werkzeug.middleware.proxy_fix import ProxyFix

from engine import model
from engine.runtime import Runtime
from engine.storage import database
from webapi import (
    api,
    auth,
    bodies,
    camunda,
    channels,
    config,
    cti,
    data_keys,
    logs,
    metrics,
    open311,
    pages,
    passing,
    policy,
    problems,
    ui,
)  # fmt: skip
from webapi.limits import Limits

gc.freeze()  # nor is it looked at later
gc.enable()

db = SQLAlchemy(metadata=model.metadata)  # owns the pool; the engine's own statements do the rest


class Rule(routing.Rule):
    """An address. What writes it out is compiled when it is first written: there are seven hundred, most of which are
    never, and compiling takes more than half of the time that the making of an application does."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = cache(partial(super()._compile_builder, append_unknown))
        return lambda rule, /, **values: compiled()(rule, **values)


class Asked(Request):
    """A request; what is large in its form lies encrypted."""

    def _get_file_stream(self, total_content_length: int | None, *_: Any, **more: Any) -> Any:
        return passing.for_part(total_content_length)


class Server(Flask):
    """Flask, without asking of every function at every call whether it is a coroutine: none of ours is. It notes how
    long each request takes."""

    url_rule_class = Rule
    request_class = Asked

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.timings, self.standing = metrics.Timings(), metrics.Standing()

    def log_exception(self, exc_info: Any) -> None:
        """`problems` does, without the path: people write names and numbers into addresses."""

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ[metrics.BEGAN] = perf_counter()
        return super().wsgi_app(environ, start_response)

    def process_response(self, response: Response) -> Response:
        response = super().process_response(response)
        seconds = self.timings.note(request_ctx.request, response.status_code)
        if self.config["LOG_REQUESTS"]:
            logs.note_request(response.status_code, seconds)
        return response

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: dict[str, Any] | None = None) -> Flask:
    """The application.

    Args:
        settings: instead of what the environment says, by name (see `webapi.config`); and ``CLOCK``, for tests.
    """
    values = config.complete({setting.name: setting.default for setting in config.SETTINGS} | settings) \
        if settings is not None else config.read()  # fmt: skip
    app = Server("webapi", static_folder=None, instance_path=values["INSTANCE"])
    app.config.from_mapping(values)
    app.json = bodies.Json(app)
    data_keys.use(app.config)
    _open_database(app)
    auth.bind(app, Runtime(_engine(app), values.get("CLOCK") or (lambda: datetime.now(UTC))))
    app.extensions["thongsuot.limits"] = Limits(app.config["LIMITS"])
    policy.register(app)
    problems.register(app)
    pages.register(app)
    metrics.register(app)
    api.register(app)
    cti.register(app)
    channels.register(app)
    open311.register(app)
    ui.register(app)
    camunda.register(app)
    if app.config["TRUSTED_PROXIES"]:
        count = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    return app


def _open_database(app: Flask) -> None:
    url = app.config["DATABASE"]
    if url.startswith("sqlite:///") and ":memory:" not in url:
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = database.options(url, app.config["THREADS"])
    db.init_app(app)


def _engine(app: Flask) -> Any:
    with app.app_context():
        return database.prepare(db.engine)
