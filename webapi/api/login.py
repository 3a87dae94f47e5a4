"""Logging in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.people import accounts
from engine.people.access import Account
from engine.runtime import Unit
from webapi import auth
from webapi.api.accounts import AccountOut
from webapi.api.blueprint import Blueprint, In, Out, Words, instant

bp = Blueprint("login", "A password gives a token for some hours. Too many failures are held back.", public=True)


class LoginIn(In):
    login = Words(64, required=True)
    password = fields.String(required=True, validate=validate.Length(1, 200))
    code = fields.String(validate=validate.Length(6, 40),
                         metadata={"description": "of the second factor, or a recovery code"})  # fmt: skip


class SessionOut(Out):
    token = fields.String()
    expires_at = instant()
    scopes = fields.List(fields.String(), attribute="account.scopes", allow_none=True, metadata={
        "description": "null: whatever the account may; an empty list: set up a second factor, then log in again"})
    account = fields.Nested(AccountOut)


@bp.open("POST", "/login", SessionOut, LoginIn, 201)
def log_in(body: dict[str, Any]) -> Any:
    """Exchange a password for a token that works for 12 hours

    Whoever has a second factor sends its ``code`` as well; without it the answer is 401, ``second-factor-missing``.
    """
    session = accounts.log_in(auth.runtime(), body["login"], body["password"], auth.address(), body.get("code"),
                              auth.asked_twice())  # fmt: skip
    return session, 201, {"Location": "/api/v1/me"}


@bp.open("DELETE", "/login", None, status=204)
def log_out() -> Any:
    """Make the token that this request carries useless"""
    with auth.runtime().begin() as unit:
        accounts.authenticate(unit, auth.token())
        accounts.revoke_this(unit, auth.token())
    return "", 204


@bp.read("/me", AccountOut)
def me(unit: Unit, caller: Account) -> Any:
    """Who you are to us"""
    return accounts.show(unit, caller.login, caller)
