"""Who is calling, and the unit in which the call happens.

One unit for each request: authentication and whatever the caller asked for are one transaction at one instant. What
the caller sent has been read and checked before it begins; what is answered is written out after it has ended.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from flask import Flask, current_app, request

from engine.errors import EngineError, NotAuthenticated, Outdated
from engine.people import accounts
from engine.people.access import Account
from engine.runtime import Runtime, Unit

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
        return admit(runtime().read, lambda unit, caller: view(unit, caller, *args, **kwargs))

    return door


def changes(view: View) -> View:
    """A view that changes something: it is called with a unit and the caller before its own arguments."""

    @wraps(view)
    def door(*args: Any, **kwargs: Any) -> Any:
        return admit(runtime().begin, lambda unit, caller: view(unit, caller, *args, **kwargs))

    return door


def admit(
    unit_of_work: Callable[[], AbstractContextManager[Unit]],
    visit: Callable[[Unit, Account], Any],
    sent: str | None = None,
) -> Any:
    """Call ``visit`` with a unit and the caller.

    Args:
        sent: the token, where it does not come in the header.

    A caller seen before costs no look of its own, nor does a case that was just written here; whether anything about
    them has changed is asked in passing, and if so, everything is done once more as for a stranger. Who is refused has
    been looked at anew, and so has the case.

    Raises:
        NotAuthenticated: the request carries no token that is valid now.
    """
    sent = sent or token()
    answer = _admit(unit_of_work, visit, sent)
    accounts.note_use(runtime(), sent)
    return answer


def _admit(
    unit_of_work: Callable[[], AbstractContextManager[Unit]], visit: Callable[[Unit, Account], Any], sent: str
) -> Any:
    try:
        with unit_of_work() as unit:
            unit.may_recall = True
            return visit(unit, accounts.recall(unit, sent) or accounts.authenticate(unit, sent))
    except Outdated:
        accounts.forget(runtime(), sent)
    except NotAuthenticated:
        raise
    except EngineError:
        if not unit.has_recalled:
            with runtime().read() as unit:
                accounts.authenticate(unit, sent)
            raise
    with unit_of_work() as unit:
        return visit(unit, accounts.authenticate(unit, sent))


def asked_twice() -> list[str]:
    """The roles that need a second factor."""
    return current_app.config["SECOND_FACTOR"]  # type: ignore[no-any-return]


def address() -> str:
    """The caller's network address; behind proxies as the trusted ones report it."""
    return request.remote_addr or "unknown"
