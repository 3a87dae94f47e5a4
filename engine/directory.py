"""Who there is: agencies, and the people of accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Row, bindparam, or_, select

from engine.model import accounts, agencies
from engine.paging import Page, oldest_first
from engine.people import access
from engine.people.access import Account
from engine.people.accounts import seen_by
from engine.places import areas
from engine.runtime import Unit
from engine.storage.prepared import Prepared

_OF_PROVINCE = Prepared(
    select(agencies).where(agencies.c.province == bindparam("province")).order_by(agencies.c.key)
)


def list_agencies(
    unit: Unit, province: str | None = None, kind: str | None = None, parent: str | None = None, at: date | None = None,
    *, to: Account | None = None,
) -> list[Row[Any]]:  # fmt: skip
    """Agencies by key.

    Args:
        to: who asks; where agencies are told of their tasks is for their colleagues only.
        at: only those that are there on that local day; left out: whenever.
    """
    equal = {agencies.c.province: province, agencies.c.kind: kind, agencies.c.parent: parent}
    conditions = [column == value for column, value in equal.items() if value is not None]
    if at is not None:
        conditions.append(areas.valid(at, agencies))
    hidden = () if to is None or access.allows(to, "see-account") else ("email", "phone")
    shown = [column for column in agencies.c if column.name not in hidden]
    return unit.all(select(*shown).where(*conditions).order_by(agencies.c.key))


def ask_at_work(unit: Unit, province: str) -> None:
    """`at_work` will be asked for this."""
    unit.soon(_OF_PROVINCE, {"province": province})


def at_work(unit: Unit, province: str, day: date) -> list[Row[Any]]:
    """The agencies of a province that are there on a local day, by key."""
    return [row for row in unit.known(_OF_PROVINCE, {"province": province}) if areas.is_valid(row, day)]


def list_accounts(
    unit: Unit, account: Account, agency: str | None = None, role: str | None = None, limit: int = 50,
    after: str | None = None, q: str | None = None,
) -> Page:  # fmt: skip
    """The people this account may know of: oneself, and those of one's agency, or of the province."""
    query = seen_by(account)
    equal = {accounts.c.agency: agency, accounts.c.role: role}
    query = query.where(*(column == value for column, value in equal.items() if value is not None))
    if q is not None:  # a part of the log-in or of the name
        query = query.where(or_(accounts.c.login.icontains(q, autoescape=True),
                                accounts.c.name.icontains(q, autoescape=True)))  # fmt: skip
    return oldest_first(unit, query, accounts.c.id, limit, after)


def names(unit: Unit, logins: Iterable[str]) -> dict[str, str]:
    """What people are called, by log-in name; of those who are none ("system", "citizen") nothing."""
    rows = unit.all(select(accounts.c.login, accounts.c.name).where(accounts.c.login.in_(sorted(set(logins)))))
    return {row.login: row.name for row in rows}
