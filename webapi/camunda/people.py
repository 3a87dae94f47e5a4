"""Users and groups: the accounts that somebody may know of, and the agencies. There are no tenants."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Blueprint, Response
from sqlalchemy import Row, Select, func, select

from engine import directory
from engine.errors import InvalidRequest, NotAuthenticated, NotFound
from engine.model import accounts
from engine.people import passwords
from engine.people.accounts import seen_by
from engine.runtime import Unit
from webapi import auth
from webapi.camunda import door

bp = Blueprint("people", __name__)
_USERS = {"userId": accounts.c.login, "firstName": accounts.c.name, "lastName": accounts.c.name,
          "email": accounts.c.email}  # fmt: skip
_GROUPS = {"id": attrgetter("key"), "name": attrgetter("name"), "type": attrgetter("kind")}
_RULE = {"placeholder": "PASSWORD_POLICY_LENGTH", "parameters": {"minLength": str(passwords.SHORTEST)}}


@bp.get("/user")
@door.reads
def users(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    query = _some(wanted, by).order_by(*door.sorted_by(wanted, _USERS), accounts.c.id)
    return [_user(row) for row in unit.all(query.limit(limit).offset(offset))]


@bp.get("/user/count")
@door.reads
def count_users(unit: Unit, by: Any) -> Any:
    return {"count": unit.scalar(select(func.count()).select_from(_some(door.asked(), by).subquery()))}


@bp.get("/user/<name:login>/profile")
@door.reads
def profile(unit: Unit, by: Any, login: str) -> Any:
    return _user(known_to(unit, by, login))


@bp.route("/group", methods=["GET", "POST"])
@door.reads
def groups(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    rows = door.sort(wanted, _some_groups(unit, by, wanted), _GROUPS)
    return [_group(row) for row in rows[offset : offset + limit]]


@bp.route("/group/count", methods=["GET", "POST"])
@door.reads
def count_groups(unit: Unit, by: Any) -> Any:
    return {"count": len(_some_groups(unit, by, door.asked()))}


@bp.get("/group/<string:key>")
@door.reads
def group(unit: Unit, by: Any, key: str) -> Any:
    found = _some_groups(unit, by, {"id": key})
    if not found:
        raise NotFound(f"There is no agency {key[:80]!r}.")
    return _group(found[0])


@bp.route("/group/<string:text>/members", methods=["OPTIONS"])
@bp.route("/tenant/<string:text>/group-members", methods=["OPTIONS"])
@bp.route("/tenant/<string:text>/user-members", methods=["OPTIONS"])
def members(text: str) -> Any:
    """All that Camunda has there."""
    return door.describe_options()


@bp.get("/identity/groups")
@door.reads
def groups_of(unit: Unit, by: Any) -> Any:
    """The agency of a ``userId``, and its people as far as the caller may know of them."""
    given = door.known(door.asked(), "userId")
    row = known_to(unit, by, str(door.text(given, "userId", required=True)))
    found = _some_groups(unit, by, {"id": row.agency}) if row.agency else []
    colleagues = unit.all(_some({"memberOfGroup": row.agency}, by).order_by(accounts.c.id)) if found else []
    return {"groups": [{"id": one.key, "name": one.name} for one in found],
            "groupUsers": [_user(one) | {"displayName": one.name} for one in colleagues]}  # fmt: skip


@bp.post("/identity/verify")
def verify() -> Response:
    """Whether that is somebody's password. Wrong ones count as they do at the log-in."""
    auth.admit(auth.runtime().read, lambda _, caller: caller, door.token())
    body = door.known(door.sent(), "username", "password")
    login, password = (str(door.text(body, name, required=True)) for name in ("username", "password"))
    try:
        who = auth.admit(auth.runtime().read, lambda _, caller: caller, door.token_of(login, password))
    except NotAuthenticated:  # or a second factor is wanted, which cannot be sent here
        return door.answer({"authenticatedUser": login, "authenticated": False})
    return door.answer({"authenticatedUser": login, "authenticated": who.scopes is None})


@bp.get("/identity/password-policy")
@door.reads
def policy(unit: Unit, by: Any) -> Any:
    return {"rules": [_RULE]}


@bp.post("/identity/password-policy")
@door.reads
def try_password(unit: Unit, by: Any) -> Any:
    """Whether a password would do. One that would be guessed does not, though Camunda has no rule to name for that."""
    password = str(door.text(door.known(door.sent(), "password", "profile"), "password", required=True))
    try:
        passwords.require_good(password)
        valid = True
    except InvalidRequest:
        valid = False
    rule = _RULE | {"valid": len(password) >= passwords.SHORTEST}
    return {"valid": valid, "rules": [rule]}


@bp.get("/tenant")
@door.reads
def tenants(unit: Unit, by: Any) -> Any:
    return []


@bp.get("/tenant/count")
@door.reads
def count_tenants(unit: Unit, by: Any) -> Any:
    return {"count": 0}


@bp.get("/tenant/<string:text>")
@door.reads
def tenant(unit: Unit, by: Any, text: str) -> Any:
    raise NotFound(f"There is no tenant {text[:80]!r}: a server has provinces, which roles keep apart.")


# -- particulars -----------------------------------------------------------------------------------------------------


def known_to(unit: Unit, by: Any, login: str) -> Row[Any]:
    """Somebody the caller may know of.

    Raises:
        NotFound: there is nobody of that name, or not for this caller.
    """
    row = unit.first(seen_by(by).where(accounts.c.login == login))
    if row is None:
        raise NotFound(f"Nobody here logs in as {login[:80]!r}, or it is nobody you may know of.")
    return row


def _some(wanted: dict[str, Any], by: Any) -> Select[Any]:
    """Whoever can log in. A name is not taken apart: it is the first name, and the last name is empty."""
    given = door.known(wanted, "id", "idIn", "firstName", "firstNameLike", "email", "emailLike", "memberOfGroup")
    query = seen_by(by).where(accounts.c.active)
    among = {"id": accounts.c.login, "idIn": accounts.c.login, "memberOfGroup": accounts.c.agency}
    query = query.where(*(column.in_(door.several(given, name)) for name, column in among.items() if name in given))
    for name, column in (("firstName", accounts.c.name), ("email", accounts.c.email)):
        if name in given:
            query = query.where(column == str(given[name]))
        if f"{name}Like" in given:
            query = query.where(column.like(str(given[f"{name}Like"])))
    return query


def _user(row: Row[Any]) -> dict[str, Any]:
    return {"id": row.login, "firstName": row.name, "lastName": "", "email": row.email}


def _some_groups(unit: Unit, by: Any, wanted: dict[str, Any]) -> list[Row[Any]]:
    """The agencies there are today."""
    given = door.known(wanted, "id", "idIn", "name", "type", "member")
    rows = directory.list_agencies(unit, kind=given.get("type"), at=unit.today, to=by)
    if "member" in given:
        its = known_to(unit, by, str(given["member"])).agency
        rows = [row for row in rows if row.key == its]
    keys = door.several(given, "id", "idIn")
    return [row for row in rows if (not keys or row.key in keys) and given.get("name", row.name) == row.name]


def _group(row: Row[Any]) -> dict[str, Any]:
    return {"id": row.key, "name": row.name, "type": row.kind}
