"""Accounts: the people and programs that work here."""

from __future__ import annotations

from typing import Any

from flask import url_for
from marshmallow import fields, validate

from engine import directory
from engine.people import accounts
from engine.people.access import ROLES, Account
from engine.runtime import Unit
from webapi import auth
from webapi.api.blueprint import Blueprint, Code, In, Out, PageQuery, Words, instant, page_of, tag, unchanged

bp = Blueprint("accounts", "The people and programs that work here, each with a role, an agency and limits.")
ACCOUNT = "/accounts/<name:login>"


class AccountOut(Out):
    login = fields.String()
    name = fields.String()
    role = fields.String()
    agency = fields.String(allow_none=True)
    province = fields.String(allow_none=True)
    report_types = fields.List(fields.String(), allow_none=True, metadata={"description": "null: all"})
    areas = fields.List(fields.String(), allow_none=True, metadata={"description": "null: all"})
    head = fields.Boolean(metadata={"description": "heads the agency: says who stands in for whom there"})
    email = fields.String(allow_none=True)
    active = fields.Boolean()
    created_at = instant()
    version = fields.Integer()


class AccountQuery(PageQuery):
    agency = Code()
    role = fields.String(validate=validate.OneOf(ROLES))


class AccountChange(In):
    """What may be changed; what is left out stays."""

    name = Words(120)
    role = fields.String(validate=validate.OneOf(ROLES))
    agency = Code(allow_none=True)
    report_types = fields.List(Code(), allow_none=True, validate=validate.Length(max=200))
    areas = fields.List(Code(), allow_none=True, validate=validate.Length(max=1000))
    head = fields.Boolean()
    email = Words(120, allow_none=True)
    password = fields.String(allow_none=True, load_only=True, validate=validate.Length(10, 200))
    active = fields.Boolean()


class AccountIn(AccountChange):
    login = Words(64, required=True, metadata={"description": "a-z, 0-9, '.', '_' and '-'"})
    name = Words(120, required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))


@bp.read("/accounts", page_of(AccountOut, "account"), AccountQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """The people you may know of: of your agency, or of the province"""
    return directory.list_accounts(unit, caller, **query)


@bp.create("/accounts", AccountOut, AccountIn)
def create(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """A new account"""
    made = accounts.create(unit, body, caller)
    return made, 201, {"Location": url_for("accounts.show", login=made.login)}


@bp.read(ACCOUNT, AccountOut)
def show(unit: Unit, caller: Account, login: str) -> Any:
    """One account"""
    row = accounts.show(unit, login, caller)
    return row, tag(row.version)


@bp.change(ACCOUNT, AccountOut, AccountChange, method="PATCH", match=True)
def change(unit: Unit, caller: Account, body: dict[str, Any], login: str) -> Any:
    """Change an account; a new password, or closing it, ends its log-ins"""
    before = accounts.show(unit, login, caller)
    unchanged(before.version)
    row = accounts.change(unit, login, body, caller, before.version)
    return row, tag(row.version)


class PasswordIn(In):
    present = fields.String(required=True, load_only=True, validate=validate.Length(1, 200))
    wanted = fields.String(required=True, load_only=True, validate=validate.Length(10, 200))


@bp.open("POST", "/me/password", None, PasswordIn, 204)
def change_password(body: dict[str, Any]) -> Any:
    """Change your own password; your other log-ins end, tokens of programs stay"""
    accounts.change_password(auth.runtime(), auth.token(), body["present"], body["wanted"], auth.address())
    return "", 204
