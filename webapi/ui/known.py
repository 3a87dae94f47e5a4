"""Browsers in which somebody has logged in before: whoever guesses at their name from elsewhere does not shut them out.

A cookie that we sign says for whom and since when, under a random name of the browser's own (OWASP's "device cookie").
It opens nothing: who brings one has guesses of their own (`engine.people.attempts`), and needs password and code as
ever.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadData, URLSafeSerializer

from engine.people.access import Account
from webapi import auth

COOKIE = "thongsuot_known"
KEPT = timedelta(days=180)
PEOPLE_MAX = 10  # who share a browser, as a desk's do in shifts; the last that logged in


def browser(login: str) -> str | None:
    """What this browser is called, for whoever has logged in with this name here."""
    name, _since = _people().get(_of(login), (None, 0))
    return name


def remember(account: Account) -> Account:
    """Somebody has logged in here; each time it has a new name, so that who copied the cookie cannot use its guesses
    up."""
    mine = _of(account.login)
    others = [(who, told) for who, told in _people().items() if who != mine]
    people = dict([*others, (mine, (secrets.token_urlsafe(12), _now()))][-PEOPLE_MAX:])

    @after_this_request
    def give(answer: Response) -> Response:
        answer.set_cookie(COOKIE, _signer().dumps(people), max_age=KEPT, secure=request.is_secure, httponly=True,
                          samesite="Lax", path="/dang-nhap")  # fmt: skip
        return answer

    return account


def _people() -> dict[str, Any]:
    """By log-in name, as `_of` writes it: what the browser is called, and since when."""
    try:
        said = _signer().loads(request.cookies.get(COOKIE, ""))
    except BadData:
        return {}
    return {who: told for who, told in said.items() if told[1] > _now() - KEPT.total_seconds()}


def _of(login: str) -> str:
    """No names lie about in browsers."""
    return hashlib.sha256(login.encode("utf-8", "replace")).hexdigest()[:16]


def _now() -> int:
    return int(auth.runtime().clock().timestamp())


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="known-browser")
