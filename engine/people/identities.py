"""Who comes from a provider of log-ins (OpenID Connect): whose account is it?

The provider says who somebody is, and nothing else: accounts, roles and agencies are made here. An account is known by
the provider's subject; the first time, by a verified address of e-mail that exactly one account has, and from then on
it is bound to that subject.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select, update

from engine import acts, notices
from engine.errors import NotAllowed, NotAuthenticated
from engine.model import accounts as table
from engine.people import accounts, second_factors
from engine.runtime import Runtime, Unit

TWICE = {"mfa", "otp", "hwk", "swk", "fpt", "face"}  # of RFC 8176: more than a password was shown


@dataclass(frozen=True)
class Identity:
    """What a provider vouches for.

    Attributes:
        email: only if the provider has verified it.
        how: its ``amr``: by which methods somebody showed who they are.
    """

    issuer: str
    subject: str
    email: str | None = None
    how: tuple[str, ...] = ()


def log_in(
    runtime: Runtime, identity: Identity, address: str, asked_of: Collection[str] = ()
) -> accounts.Session:
    """A session for the account that this identity has.

    Args:
        asked_of: the roles that need a second factor: the provider has to have asked for it.

    Raises:
        NotAllowed: it has not.
        NotAuthenticated: no account has this identity.
    """
    with runtime.begin() as unit:
        row = _known(unit, identity) or _bound(unit, identity)
        if row is not None:
            holder = accounts.account(unit, row.login)
            wants_two = holder.role in asked_of or second_factors.has(unit, holder.id)
            if not wants_two or TWICE & set(identity.how):
                return accounts.opened(unit, holder, address, asked_of, by="openid")
    with runtime.begin() as unit:
        login, wrong = (row.login, "one factor") if row is not None else (None, "identity")
        acts.note(unit, "login-failed", acts.UNKNOWN, login, address, wrong=wrong)
    if row is not None:
        raise NotAllowed("Your role needs a second factor, and the provider of log-ins has not asked for it.")
    raise NotAuthenticated("No account here has this identity: ask an administrator to enter your address of e-mail.")


def _known(unit: Unit, identity: Identity) -> Row[Any] | None:
    return unit.first(select(table).where(table.c.identity == _key(identity), table.c.active))


def _bound(unit: Unit, identity: Identity) -> Row[Any] | None:
    if identity.email is None:
        return None
    email = func.lower(table.c.email) == identity.email.lower()
    rows = unit.all(select(table).where(email, table.c.active).limit(2))
    if len(rows) != 1:
        return None
    mine = update(table).where(table.c.id == rows[0].id, table.c.identity.is_(None))
    if not unit.claims(mine.values(identity=_key(identity))):
        return None  # it is somebody else's at the provider: an address that was given to another person
    acts.note(unit, "identity-bound", acts.SYSTEM, rows[0].login, issuer=identity.issuer)
    notices.tell(unit, "identity-bound", rows[0].login)
    return rows[0]


def _key(identity: Identity) -> str:
    return f"{identity.issuer} {identity.subject}"
