"""What somebody looks for again and again on one of our pages, kept under a name. Nobody else sees it.

Task lists of Camunda's clients keep theirs in the same table, in words of their own (`webapi.camunda.filters`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select

from engine.errors import InvalidRequest
from engine.model import filters
from engine.people.access import Account
from engine.runtime import Unit

MOST = 12  # on one page: more of them is a list that has to be searched
NAME_MAX = 60


def of(unit: Unit, by: Account, page: str) -> list[Row[Any]]:
    """Id, name and query of each, oldest first."""
    mine = select(filters.c.id, filters.c.name, filters.c.query).where(filters.c.owner == by.login)
    return unit.all(mine.where(filters.c.page == page).order_by(filters.c.id))


def keep(unit: Unit, page: str, name: str, query: dict[str, str], *, by: Account) -> None:
    """Keep what is looked for; what was kept under the same name is replaced.

    Raises:
        InvalidRequest: nothing is looked for, there is no name or too long a one (``field``: name), or there are
            `MOST` already (``field``: most).
    """
    name = " ".join(name.split())
    if not query or not 1 <= len(name) <= NAME_MAX:
        raise InvalidRequest(f"A filter looks for something; its name has 1 to {NAME_MAX} characters.", field="name")
    others = [one for one in of(unit, by, page) if one.name != name]
    if len(others) >= MOST:
        raise InvalidRequest(f"You have {MOST} filters already: drop one first.", field="most")
    unit.execute(delete(filters).where(filters.c.owner == by.login, filters.c.page == page, filters.c.name == name))
    row = {"name": name, "owner": by.login, "page": page, "query": query, "properties": {}, "created_at": unit.now}
    unit.execute(insert(filters).values(row))


def drop(unit: Unit, page: str, filter_id: int, *, by: Account) -> None:
    """One that is not there, or is somebody else's, is left as it is."""
    mine = (filters.c.id == filter_id, filters.c.owner == by.login, filters.c.page == page)
    unit.execute(delete(filters).where(*mine))
