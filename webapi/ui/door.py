"""Who looks at a page: a session in the browser is a log-in token of `engine.people.accounts` in a signed cookie.

The token can be revoked, ends after 12 hours, and ends after `IDLE` without a click. Pages ask with the same two words
as the API: a page *reads* or it *changes* something, and is called with a unit and the caller.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadData
from werkzeug.http import parse_cookie

from engine.errors import NotAuthenticated
from engine.people import accounts
from engine.people.access import Account
from engine.runtime import Unit
from webapi import auth, kept
from webapi.ui import known

IDLE = timedelta(hours=2)
_NOTED = timedelta(minutes=1)  # how exactly the last click is remembered
TOKEN, SEEN = "token", "seen"


class Sessions(SecureCookieSessionInterface):
    """Flask's, with a cookie that is Secure wherever the page came by https."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Programs send no cookie: for them no signature is made ready."""
        if "HTTP_COOKIE" not in request.environ or self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def register(app: Flask) -> None:
    app.config.setdefault("SECRET_KEY", None)
    app.config["SECRET_KEY"] = app.config["SECRET_KEY"] or kept.once(
        Path(app.config["INSTANCE"]) / "secret.key", secrets.token_urlsafe(48)
    )
    app.config.update(SESSION_COOKIE_NAME="thongsuot", SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax")
    app.session_interface = Sessions()


def signed(app: Flask) -> Callable[[str], str]:
    """What finds the token in a header ``Cookie``: an empty one unless we have signed it."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    name = app.config["SESSION_COOKIE_NAME"]

    def token_of(cookies: str) -> str:
        try:
            return str(serializer.loads(parse_cookie(cookies).get(name, "")).get(TOKEN, ""))
        except BadData:
            return ""

    return token_of


def let_in(login: str, password: str, code: str | None = None) -> Account:
    """Log in.

    Raises:
        NotAuthenticated, TooMany: as `accounts.log_in`.
    """
    opened = accounts.log_in(auth.runtime(), login, password, auth.address(), code, auth.asked_twice(),
                             known.browser(login))  # fmt: skip
    return known.remember(hand_over(opened))


def hand_over(opened: accounts.Session) -> Account:
    """Give a session to the browser. What it had before is ended: nobody who knew it gets in with the new one."""
    let_out()
    session[TOKEN], session[SEEN] = opened.token, _now()
    return opened.account


def let_out() -> None:
    """Log out: the token works nowhere any more."""
    if token := session.pop(TOKEN, None):
        with auth.runtime().begin() as unit:
            accounts.revoke_this(unit, token)
    session.clear()


def token() -> str:
    """The token of this session.

    Raises:
        NotAuthenticated: nobody is logged in, or nothing was clicked for longer than `IDLE`.
    """
    found, seen = session.get(TOKEN), session.get(SEEN, 0)
    if not found or _now() - seen > IDLE.total_seconds():
        raise NotAuthenticated("Log in to see this page.")
    if _now() - seen > _NOTED.total_seconds() and "X-Poll" not in request.headers:  # a page that reloads itself
        session[SEEN] = _now()
    return str(found)


def _now() -> int:
    return int(auth.runtime().clock().timestamp())


def reads(view: auth.View) -> auth.View:
    """Something that changes nothing: called with a reading unit and the caller before its own arguments."""
    return _door(view, lambda: auth.runtime().read())


def changes(view: auth.View) -> auth.View:
    """Something that changes something: called with a unit and the caller before its own arguments."""
    return _door(view, lambda: auth.runtime().begin())


def _door(view: auth.View, unit_of_work: Callable[[], AbstractContextManager[Unit]]) -> auth.View:
    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Any:
        def visit(unit: Unit, caller: Account) -> Any:
            g.caller = caller  # the frame of the page says who is logged in
            return view(unit, caller, *args, **kwargs)

        return auth.admit(unit_of_work, visit, token())

    return door


def safe_address(wanted: str | None, otherwise: str) -> str:
    """Where to go after logging in: an address of this server, whatever was asked for."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")) or not wanted.isprintable():
        return otherwise
    parts = urlsplit(wanted)
    return otherwise if parts.scheme or parts.netloc or "\\" in wanted else wanted
