"""Who is calling, and the unit in which the call happens.

One unit for each request: authentication and whatever the caller asked for are one transaction at one instant. What
the caller sent has been read and checked before it begins; what is answered is written out after it has ended.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, current_app, request

from engine import accounts
from engine.errors import NotAuthenticated
from engine.runtime import Runtime

View = Callable[..., Any]
_TOKEN = re.compile(r"Bearer (ts_[A-Za-z0-9_-]{43})\Z")


def bind(app: Flask, runtime: Runtime) -> None:
    app.extensions["thongsuot"] = runtime


def runtime_of(app: Flask) -> Runtime:
    return app.extensions["thongsuot"]  # type: ignore[no-any-return]


def runtime() -> Runtime:
    return current_app.extensions["thongsuot"]  # type: ignore[no-any-return]


def token() -> str:
    """The token that was sent.

    Raises:
        NotAuthenticated: there is none, or it cannot be one of ours; found without asking the database.
    """
    sent = request.headers.get("Authorization")
    if sent is None:
        raise NotAuthenticated("Say who you are: send the header 'Authorization: Bearer ts_…'.")
    match = _TOKEN.match(sent)
    if match is None:
        raise NotAuthenticated("The header Authorization does not hold a token of this server ('Bearer ts_…').")
    return match[1]


def reads(view: View) -> View:
    """A view that changes nothing: it is called with a reading unit and the caller before its own arguments."""

    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Any:
        sent = token()
        with runtime().read() as unit:
            return view(unit, accounts.authenticate(unit, sent), *args, **kwargs)

    return door


def changes(view: View) -> View:
    """A view that changes something: it is called with a unit and the caller before its own arguments."""

    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Any:
        sent = token()
        with runtime().begin() as unit:
            return view(unit, accounts.authenticate(unit, sent), *args, **kwargs)

    return door


def address() -> str:
    """The caller's network address; behind proxies as the trusted ones report it."""
    return request.remote_addr or "unknown"
