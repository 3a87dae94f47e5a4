"""The people and programs that work here: accounts, passwords, tokens.

A token is 32 random bytes behind ``ts_``; the database keeps its SHA-256 and its first characters. A log-in is a
token that soon expires. A failed attempt is written down *before* the password is looked at, so that a hundred guesses
at once count as a hundred.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, insert, null, or_, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from engine import acts, notices
from engine.errors import InvalidRequest, NotAuthenticated, NotFound, SecondFactorMissing, Stale, WrongState
from engine.forms import contacts
from engine.model import LOGIN, accounts, agencies, areas, tokens
from engine.people import access, attempts, passwords, second_factors
from engine.people.access import Account
from engine.runtime import Runtime, Unit
from engine.storage.prepared import Prepared

SESSION = timedelta(hours=12)  # how long a log-in lasts
NOTED = timedelta(minutes=10)  # how exactly it is known when a token was last used
TOKEN_PREFIX = "ts_"
SHOWN = 11  # characters of a token kept to tell tokens apart

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}\Z")

_WHO = Prepared(
    select(
        accounts.c.id, accounts.c.login, accounts.c.name, accounts.c.role, accounts.c.agency, agencies.c.province,
        accounts.c.report_types, accounts.c.areas, accounts.c.head, accounts.c.active, accounts.c.version,
        tokens.c.expires_at, tokens.c.revoked_at, tokens.c.scopes,
    )
    .select_from(tokens.join(accounts).outerjoin(agencies, agencies.c.key == accounts.c.agency))
    .where(tokens.c.hash == bindparam("hash"))
)  # fmt: skip

_STILL = Prepared(
    select(tokens.c.id).join(accounts).where(
        tokens.c.hash == bindparam("hash"),
        tokens.c.revoked_at.is_(None),
        or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > bindparam("now")),
        accounts.c.active,
        accounts.c.version == bindparam("version"),
    )
)
_REMEMBERED_MAX = 10_000


@dataclass(frozen=True)
class Session:
    """What a log-in, or the making of a token, gives once and never again."""

    token: str
    token_id: int
    expires_at: datetime | None
    account: Account


# -- who is calling ------------------------------------------------------------------------------------------------


def authenticate(unit: Unit, token: str) -> Account:
    """Whoever holds this token, in one indexed look.

    Raises:
        NotAuthenticated: nobody does, or it has expired or was revoked, or the account is closed.
    """
    row = unit.first(_WHO, {"hash": fingerprint(token)})
    if row is None or not row.active or row.revoked_at is not None:
        raise NotAuthenticated("This token is not known, or was revoked: log in again or ask for a new one.")
    if row.expires_at is not None and row.expires_at <= unit.now:
        raise NotAuthenticated("This token has expired: log in again or ask for a new one.")
    if len(unit.callers) >= _REMEMBERED_MAX:
        unit.callers.clear()
    found = _account(row) if row.scopes is None else replace(_account(row), scopes=tuple(row.scopes))
    unit.callers[fingerprint(token)] = found, row.version
    return found


def recall(unit: Unit, token: str) -> Account | None:
    """Whoever held this token when last seen. That it is still so is asked along with the unit's first look.

    Raises:
        Outdated: by that look, or the end of the unit: it is not.
    """
    known = unit.callers.get(hashed := fingerprint(token))
    if known is None:
        return None
    found, version = known
    unit.sure(_STILL, {"hash": hashed, "version": version, "now": unit.now})
    return found


def forget(runtime: Runtime, token: str) -> None:
    """Nobody is recalled by it any more until it has been good again."""
    runtime.callers.pop(fingerprint(token), None)


def account(unit: Unit, login: str) -> Account:
    """The account with this log-in name, as the rules see it.

    Raises:
        NotFound: there is none, or it is closed.
    """
    row = unit.first(_with_province().where(accounts.c.login == login, accounts.c.active))
    if row is None:
        raise NotFound(f"Nobody here logs in as {login!r}.")
    return _account(row)


def known(unit: Unit, login: str) -> Account | None:
    """Whoever has this log-in name, or had it before the account was closed."""
    row = unit.first(_with_province().where(accounts.c.login == login))
    return None if row is None else _account(row)


def fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _account(row: Row[Any]) -> Account:
    types, places = row.report_types, row.areas
    return Account(
        row.id, row.login, row.name, row.role, row.agency, row.province,
        None if types is None else tuple(types), None if places is None else tuple(places), row.head,
    )  # fmt: skip


def _with_province() -> Select[Any]:
    join = accounts.outerjoin(agencies, agencies.c.key == accounts.c.agency)
    return select(*accounts.c, agencies.c.province).select_from(join)


# -- logging in ----------------------------------------------------------------------------------------------------


def log_in(
    runtime: Runtime, login: str, password: str, address: str, code: str | None = None,
    asked_of: Collection[str] = (), browser: str | None = None,
) -> Session:  # fmt: skip
    """Exchange a password for a token that lasts `SESSION`. Takes its time on purpose, with no transaction open.

    Args:
        code: of the second factor, or a recovery code; for whoever has one.
        asked_of: the roles that need a second factor. Who has such a role and none yet gets a token that is good for
            nothing but setting it up: with no scope at all.
        browser: what it is called, where this name has logged in before: it has guesses of its own, at codes as well.

    Raises:
        NotAuthenticated: no such account, not its password (it is not said which of them), or not its code.
        SecondFactorMissing: the password is right, and a code is needed.
        TooMany: too many failures of this name or from this address, or in this browser; ``retry_after`` in seconds.
    """
    subjects = attempts.of_browser(browser) if browser else attempts.subjects("login", login, address)
    with runtime.begin() as unit:
        attempts.hold_back(unit, subjects)
        attempt = attempts.note_failure(unit, subjects)
        row = unit.first(_with_province().where(accounts.c.login == login, accounts.c.active))
    known = row is not None and row.password_hash is not None
    if not passwords.matches(row.password_hash if known else passwords.NOBODY, password) or not known:
        _note_failed(runtime, row, address, "password")
        raise NotAuthenticated("There is no such account, or this is not its password.")
    fresh = passwords.rehashed(row.password_hash, password)
    with runtime.begin() as unit:
        if fresh is not None:
            same = and_(accounts.c.id == row.id, accounts.c.password_hash == row.password_hash)
            unit.execute(update(accounts).where(same).values(password_hash=fresh))
        passed = second_factors.passes(unit, row.id, code)
        if passed is None:
            attempts.take_back(unit, attempt)  # that alone: by the password one gets no new guesses at codes
        if passed:
            attempts.forget(unit, next(iter(subjects)), attempt)
            return opened(unit, _account(row), address, asked_of)
    if passed is None:
        raise SecondFactorMissing("The password is right: send the code of your second factor, too.")
    _note_failed(runtime, row, address, "code")
    raise NotAuthenticated("This is not the code that your device shows now, nor a recovery code that is left.")


def opened(unit: Unit, holder: Account, address: str, asked_of: Collection[str] = (), **how: str) -> Session:
    """The session of who has shown who they are.

    Args:
        asked_of: as for `log_in`.
        how: noted with it.
    """
    lacks = holder.role in asked_of and not second_factors.has(unit, holder.id)
    acts.note(unit, "logged-in", holder.login, holder.login, address, **how)
    return issue(unit, holder, LOGIN, unit.now + SESSION, () if lacks else None, address)


def _note_failed(runtime: Runtime, row: Row[Any] | None, address: str, wrong: str) -> None:
    """Names that are nobody's are not kept: people type their passwords there."""
    with runtime.begin() as unit:
        acts.note(unit, "login-failed", acts.UNKNOWN, row.login if row is not None else None, address, wrong=wrong)


def change_password(runtime: Runtime, token: str, present: str, wanted: str, address: str) -> None:
    """Change one's own password; one's other log-ins end. Whoever sits at an open session has no more guesses than at
    the door, and they are others than those.

    Raises:
        InvalidRequest: ``present`` is not the password that one has (``field`` "present"), or ``wanted`` will not do.
        NotAllowed: the token is narrowed to some scopes.
        TooMany: as for `log_in`.
        Stale: it has been changed meanwhile.
    """
    with runtime.begin() as unit:
        by = authenticate(unit, token)
        access.require_whole(by)
    fresh = passwords.hashed(wanted, by.login, by.name)
    subjects = attempts.of_present(by.login)
    with runtime.begin() as unit:
        attempts.hold_back(unit, subjects)
        attempt = attempts.note_failure(unit, subjects)
        row = unit.first(_with_province().where(accounts.c.id == by.id))
    if not passwords.matches(row.password_hash or passwords.NOBODY, present):
        _note_failed(runtime, row, address, "password")
        raise InvalidRequest("This is not the password that you have now.", field="present")
    with runtime.begin() as unit:
        attempts.forget(unit, next(iter(subjects)), attempt)
        same = and_(accounts.c.id == by.id, accounts.c.password_hash == row.password_hash)
        if not unit.claims(update(accounts).where(same).values(password_hash=fresh, version=accounts.c.version + 1)):
            raise Stale("Your password has just been changed elsewhere: log in again.")
        _end(unit, and_(tokens.c.account_id == by.id, tokens.c.label == LOGIN, tokens.c.hash != fingerprint(token)))
        acts.note(unit, "password-changed", by.login, by.login, address)
        notices.tell(unit, "password-changed", by.login)


# -- tokens --------------------------------------------------------------------------------------------------------


def issue(
    unit: Unit, holder: Account, label: str, expires_at: datetime | None = None, scopes: Collection[str] | None = None,
    address: str | None = None,
) -> Session:  # fmt: skip
    """A new token for an account. It can be read here and nowhere else."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = {"account_id": holder.id, "hash": fingerprint(token), "prefix": token[:SHOWN], "label": label,
           "created_at": unit.now, "expires_at": expires_at, "address": address,
           "scopes": null() if scopes is None else sorted(scopes)}  # fmt: skip
    token_id = unit.scalar(insert(tokens).returning(tokens.c.id).values(row))
    given = holder if scopes is None else replace(holder, scopes=tuple(sorted(scopes)))
    return Session(token, token_id, expires_at, given)


def issue_for(
    unit: Unit, login: str | None, label: str, days: int | None, by: Account, scopes: Collection[str] | None = None
) -> Session:
    """A token for oneself, or, for who manages accounts, for somebody else.

    Args:
        scopes: of `engine.people.access.SCOPES`; ``None``: whatever the account may.

    Raises:
        InvalidRequest: there is no such scope, or a label that only log-ins have.
        NotAllowed: it is for somebody else and ``by`` does not manage accounts, or ``by`` shows a token for some scopes
            only.
        NotFound: there is no such account.
    """
    access.require_whole(by)
    for scope in scopes or ():
        if scope not in access.SCOPES:
            raise InvalidRequest(f"There is no scope {scope!r}: {', '.join(access.SCOPES)}.", field="scopes")
    if label == LOGIN:
        raise InvalidRequest("Log-ins are called so: say what the token is for.", field="label")
    holder = by if login in (None, by.login) else None
    if holder is None:
        access.require(by, "manage")
        holder = account(unit, login)
    made = issue(unit, holder, label, None if days is None else unit.now + timedelta(days=days), scopes)
    acts.note(unit, "token-made", by.login, holder.login, prefix=made.token[:SHOWN], label=label, days=days,
              scopes=None if scopes is None else sorted(scopes))  # fmt: skip
    return made


def tokens_of(unit: Unit, by: Account, login: str | None = None) -> list[Row[Any]]:
    """The tokens that still work, newest first: one's own, or somebody else's for who manages accounts. A log-in is one
    whose ``label`` is `LOGIN`."""
    if login not in (None, by.login):
        access.require(by, "manage")
    columns = (*(column for column in tokens.c if column.name != "hash"), accounts.c.login)
    query = select(*columns).join(accounts).where(_works(unit), accounts.c.login == (login or by.login))
    return unit.all(query.order_by(tokens.c.id.desc()).limit(200))


def _works(unit: Unit) -> ColumnElement[bool]:
    return and_(tokens.c.revoked_at.is_(None), or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > unit.now))


def revoke(unit: Unit, token_id: int, by: Account) -> None:
    """Make a token useless from now on.

    Raises:
        NotAllowed: ``by`` shows a token for some scopes only.
        NotFound: there is no such token that still works, or it is somebody else's.
    """
    access.require_whole(by)
    theirs = [] if access.allows(by, "manage") else [tokens.c.account_id == by.id]
    mine = select(tokens.c.prefix, tokens.c.label, accounts.c.login).join(accounts)
    row = unit.first(mine.where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None), *theirs))
    if row is None or not _end(unit, tokens.c.id == token_id):
        raise NotFound(f"There is no token {token_id} of yours that still works.")
    acts.note(unit, "token-revoked", by.login, row.login, prefix=row.prefix, label=row.label)


def revoke_this(unit: Unit, token: str) -> None:
    """Log out."""
    whose = select(accounts.c.login).join(tokens).where(tokens.c.hash == fingerprint(token))
    if _end(unit, tokens.c.hash == fingerprint(token)):
        login = unit.scalar(whose)
        acts.note(unit, "logged-out", login, login)


def end_sessions(unit: Unit, by: Account, but: str) -> int:
    """End one's own log-ins on other devices; returns how many.

    Args:
        but: the token of the one that stays.
    """
    access.require_whole(by)
    others = (tokens.c.account_id == by.id, tokens.c.label == LOGIN, tokens.c.hash != fingerprint(but))
    ended = _end(unit, and_(*others, _works(unit)))
    acts.note(unit, "sessions-ended", by.login, by.login, number=ended)
    return ended


def _end(unit: Unit, which: ColumnElement[bool]) -> int:
    return unit.execute(update(tokens).where(which, tokens.c.revoked_at.is_(None)).values(revoked_at=unit.now)).rowcount


def note_use(runtime: Runtime, token: str) -> None:
    """Remember that a token was used just now; written down once in `NOTED`, and never what a call waits for twice."""
    key, now = fingerprint(token), runtime.clock()
    noted = runtime.used.get(key)
    if noted is not None and abs(now - noted) < NOTED:
        return
    if len(runtime.used) >= _REMEMBERED_MAX:
        runtime.used.clear()
    runtime.used[key] = now
    with suppress(DBAPIError), runtime.begin() as unit:  # what was asked for is done: this does not undo it
        unit.execute(update(tokens).where(tokens.c.hash == key).values(used_at=unit.now))


# -- accounts ------------------------------------------------------------------------------------------------------


def show(unit: Unit, login: str, by: Account) -> Row[Any]:
    """An account, with its agency's province.

    Raises:
        NotFound: there is none, or it is not one this caller may know of.
    """
    row = unit.first(seen_by(by).where(accounts.c.login == login))
    if row is None:
        raise NotFound(f"There is no account {login!r}, or it is not of your agency.")
    return row


def seen_by(by: Account) -> Select[Any]:
    """The accounts this caller may know of, oneself among them; each with its agency's province."""
    return _with_province().where(or_(access.permits(by, "see-account", access.ACCOUNTS), accounts.c.id == by.id))


def everybody(unit: Unit) -> list[Row[Any]]:
    """All accounts, for whoever may read the database anyway."""
    return unit.all(select(accounts).order_by(accounts.c.login))


def create(unit: Unit, values: dict[str, Any], by: Account | None) -> Row[Any]:
    """A new account.

    Args:
        values: columns of `accounts`, and ``password`` (in clear) or none for an account that only uses tokens.
        by: ``None`` on the command line, where whoever may write the database may do anything.

    Raises:
        InvalidRequest: the log-in name, the agency, a limit or the password will not do.
        WrongState: the log-in name is taken.
    """
    if by is not None:
        access.require(by, "manage")
    if not _LOGIN.match(values["login"]):
        raise InvalidRequest("A log-in name has 2 to 64 of the characters a-z, 0-9, '.', '_' and '-'.", field="login")
    row = _checked(unit, values, (values["login"], values["name"])) | {"created_at": unit.now}
    if unit.first(select(accounts.c.id).where(accounts.c.login == row["login"])):
        raise WrongState(f"The log-in name {row['login']!r} is taken.")
    try:
        account_id = unit.scalar(insert(accounts).returning(accounts.c.id), row)
    except IntegrityError as error:
        raise WrongState(f"The log-in name {row['login']!r} is taken.") from error
    acts.note(unit, "account-made", _name(by), row["login"], **_told(row))
    return unit.first(_with_province().where(accounts.c.id == account_id))


def change(unit: Unit, login: str, changes: dict[str, Any], by: Account | None, version: int | None = None) -> Row[Any]:
    """Change an account; a new password or a closed account ends its log-ins and revokes nothing else.

    Args:
        version: what the caller last read; ``None``: whatever it is now.

    Raises:
        NotFound: there is no such account.
        InvalidRequest: as for `create`; or it is one's own, which one neither closes nor gives another role.
        Stale: somebody else changed it since that version.
    """
    if by is not None:
        access.require(by, "manage")
    row = unit.first(select(accounts).where(accounts.c.login == login))
    if row is None:
        raise NotFound(f"There is no account {login!r}.")
    gives_up = changes.get("active") is False or changes.get("role", row.role) != row.role
    if by is not None and row.id == by.id and gives_up:
        raise InvalidRequest("Nobody closes their own account or gives away their own role: ask another.", field="role")
    about = (login, changes.get("name", row.name))
    values = _checked(unit, {"role": row.role, "agency": row.agency} | changes, about, row)
    same = accounts.c.version == (row.version if version is None else version)
    another = values.get("active") is False or values.get("email", row.email) != row.email  # person may have it now
    values |= {"version": accounts.c.version + 1} | ({"identity": None} if another else {})
    if not unit.claims(update(accounts).where(accounts.c.id == row.id, same).values(values)):
        raise Stale(f"The account {login!r} was changed by somebody else: read it again.")
    if "password_hash" in values or values.get("active") is False:
        ended = tokens.c.label == LOGIN if values.get("active", True) else tokens.c.id > 0
        _end(unit, and_(tokens.c.account_id == row.id, ended))
    if "password_hash" in values:
        acts.note(unit, "password-changed", _name(by), login)
        notices.tell(unit, "password-changed", login)
    if was := {name: value for name, value in _told(row._mapping).items() if values.get(name, value) != value}:
        acts.note(unit, "account-changed", _name(by), login, was=was, now={name: values[name] for name in was})
        notices.tell(unit, "account-changed", login)
    return unit.first(_with_province().where(accounts.c.id == row.id))


def _name(by: Account | None) -> str:
    return "cli" if by is None else by.login


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the record says of an account."""
    told = ("name", "role", "agency", "report_types", "areas", "head", "email", "active")
    return {name: row[name] for name in told if name in row}


def _checked(
    unit: Unit, values: dict[str, Any], about: tuple[str, ...], before: Row[Any] | None = None
) -> dict[str, Any]:
    """Args:
    about: the names of whose account it is.
    before: the account that is changed; what was taken once may stay.
    """
    row = dict(values)
    contacts.check_email(row.get("email"), before and before.email)
    _check_known(unit, agencies.c.key, [row["agency"]] if row.get("agency") else [], "agency")
    _check_at_work(unit, row.get("agency"), before and before.agency)
    _check_known(unit, areas.c.code, row.get("areas") or [], "areas")
    _check_districts(unit, row.get("areas") or [])
    if row["role"] not in ("admin", "analyst") and not row.get("agency"):
        raise InvalidRequest(f"An account with the role {row['role']!r} needs an agency.", field="agency")
    if "password" in row:
        password = row.pop("password")
        row["password_hash"] = None if password is None else passwords.hashed(password, *about)
    return row


def _check_known(unit: Unit, column: Any, wanted: list[str], field: str) -> None:
    known = set(unit.execute(select(column).where(column.in_(wanted))).scalars()) if wanted else set()
    for one in wanted:
        if one not in known:
            raise InvalidRequest(f"There is no {field.removesuffix('s')} {one!r}.", field=field)


def _check_at_work(unit: Unit, agency: str | None, before: str | None) -> None:
    """Nobody comes to work at an agency that is no more; who works there still is brought to its successor."""
    gone = (agencies.c.key == agency, agencies.c.valid_to <= unit.today)
    row = unit.first(select(agencies.c.valid_to, agencies.c.successor).where(*gone)) if agency != before else None
    if row is not None:
        instead = f": name {row.successor!r}, which goes on for it" if row.successor else ""
        raise InvalidRequest(f"The agency {agency!r} is no more since {row.valid_to}{instead}.", field="agency")


def _check_districts(unit: Unit, wanted: list[str]) -> None:
    inner = select(areas.c.code, areas.c.parent).where(areas.c.code.in_(wanted), areas.c.parent.is_not(None))
    found = unit.first(inner.order_by(areas.c.code)) if wanted else None
    if found is not None:
        raise InvalidRequest(
            f"The area {found.code!r} is a commune, and cases are kept by district: write {found.parent!r}.",
            field="areas",
        )
