"""Tokens: how programs, and people at a command line, say who they are."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.people import accounts
from engine.people.access import SCOPES, Account
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, Code, In, Out, Words, instant

bp = Blueprint("tokens", "What a program shows to say who it is. Only its hash is kept: it can be read once.")


class TokenOut(Out):
    id = fields.Integer()
    login = fields.String()
    prefix = fields.String(metadata={"description": "its first characters, to tell tokens apart"})
    label = fields.String()
    created_at = instant()
    expires_at = instant(allow_none=True)
    scopes = fields.List(fields.String(), allow_none=True, metadata={
        "description": "null: what the account may, save serve"})
    used_at = instant(allow_none=True, metadata={"description": "last, to ten minutes; null: never"})
    address = fields.String(allow_none=True, metadata={"description": "of a log-in: from where"})


class TokensOut(Out):
    items = fields.List(fields.Nested(TokenOut))


class NewTokenOut(Out):
    """The token itself, which is shown this once."""

    id = fields.Integer(attribute="token_id")
    token = fields.String()
    login = fields.String(attribute="account.login")
    expires_at = instant(allow_none=True)
    scopes = fields.List(fields.String(), attribute="account.scopes", allow_none=True)


class TokenQuery(In):
    login = Code(metadata={"description": "somebody else's, for who manages accounts"})


class TokenIn(In):
    label = Words(80, required=True, metadata={"description": "what it is for"})
    login = Code(load_default=None, metadata={"description": "whose; left out: your own"})
    days = fields.Integer(load_default=365, allow_none=True, strict=True, validate=validate.Range(1, 3650),
                          metadata={"description": "how long it works; null: until revoked"})  # fmt: skip
    scopes = fields.List(fields.String(validate=validate.OneOf([*SCOPES])), load_default=None, allow_none=True,
                         validate=validate.Length(1, len(SCOPES)),
                         metadata={"description": "only for this; null: what the account may, save serve"})  # fmt: skip


@bp.read("/tokens", TokensOut, TokenQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Your tokens that still work"""
    return {"items": accounts.tokens_of(unit, caller, **query)}


@bp.change("/tokens", NewTokenOut, TokenIn, status=201)
def create(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """A new token

    It takes no Idempotency-Key: the answer holds a secret that we do not keep. If it got lost, revoke and ask again.
    """
    made = accounts.issue_for(unit, body["login"], body["label"], body["days"], caller, body["scopes"])
    return made, 201, {"Location": f"/api/v1/tokens/{made.token_id}"}


@bp.change("/tokens/<key:token_id>", None, method="DELETE", status=204)
def revoke(unit: Unit, caller: Account, token_id: int) -> Any:
    """Make a token useless"""
    accounts.revoke(unit, token_id, caller)
    return "", 204
