"""Filters: searches for tasks that somebody keeps under a name, as task lists of Camunda's clients do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy import Row, delete, func, insert, select, update

from engine.errors import InvalidRequest, NotFound
from engine.model import filters
from engine.runtime import Unit
from webapi.camunda import door, tasks

bp = Blueprint("filters", __name__, url_prefix="/filter")
ONE = "/<key:filter_id>"
MOST, NAME_MAX = 200, 200
_SORTED = {"filterId": filters.c.id, "firstName": filters.c.name, "name": filters.c.name, "owner": filters.c.owner}


@bp.post("/create")
@door.changes
def create(unit: Unit, by: Any) -> Any:
    row = _read(unit, by) | {"owner": by.login, "created_at": unit.now}
    if unit.scalar(select(func.count()).select_from(_of(by).subquery())) >= MOST:
        raise InvalidRequest(f"You have {MOST} filters already: delete one first.")
    return _filter(unit.all(insert(filters).values(row).returning(*filters.c))[0])


@bp.get("")
@door.reads
def index(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    query = _mine(by, wanted).order_by(*door.sorted_by(wanted, _SORTED), filters.c.id)
    return [_filter(row) for row in unit.all(query.limit(limit).offset(offset))]


@bp.get("/count")
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return {"count": unit.scalar(select(func.count()).select_from(_mine(by, door.asked()).subquery()))}


@bp.get(ONE)
@door.reads
def show(unit: Unit, by: Any, filter_id: int) -> Any:
    return _filter(_find(unit, by, filter_id))


@bp.put(ONE)
@door.changes
def change(unit: Unit, by: Any, filter_id: int) -> None:
    _find(unit, by, filter_id)
    unit.execute(update(filters).where(filters.c.id == filter_id).values(_read(unit, by)))


@bp.delete(ONE)
@door.changes
def remove(unit: Unit, by: Any, filter_id: int) -> None:
    _find(unit, by, filter_id)
    unit.execute(delete(filters).where(filters.c.id == filter_id))


@bp.route(f"{ONE}/list", methods=["GET", "POST"])
@door.reads
def found(unit: Unit, by: Any, filter_id: int) -> Any:
    return tasks.listed(unit, by, _widened(_find(unit, by, filter_id)))


@bp.route(f"{ONE}/count", methods=["GET", "POST"])
@door.reads
def found_count(unit: Unit, by: Any, filter_id: int) -> Any:
    return tasks.counted(unit, by, _widened(_find(unit, by, filter_id)))


@bp.route(f"{ONE}/singleResult", methods=["GET", "POST"])
@door.reads
def found_single(unit: Unit, by: Any, filter_id: int) -> Any:
    """204 if there is none."""
    rows = tasks.listed(unit, by, _widened(_find(unit, by, filter_id)) | {"maxResults": 2})
    if len(rows) > 1:
        raise InvalidRequest("More than one task is found: ask for the list.")
    return rows[0] if rows else None


# -- particulars -----------------------------------------------------------------------------------------------------


def _read(unit: Unit, by: Any) -> dict[str, Any]:
    """A filter as it is sent. Its search is tried, so that it is refused now and not when it is used.

    Raises:
        InvalidRequest: it is no search for tasks, or has no name.
    """
    body = door.known(door.sent(), "resourceType", "name", "owner", "query", "properties", "id", "itemCount")
    name = str(door.text(body, "name", required=True))
    if body.get("resourceType") != "Task":
        raise InvalidRequest("A filter here is for tasks: resourceType is 'Task'.", field="resourceType")
    if body.get("owner", by.login) != by.login:
        raise InvalidRequest("A filter belongs to who makes it: leave out owner.", field="owner")
    if len(name) > NAME_MAX:
        raise InvalidRequest(f"A filter's name has up to {NAME_MAX} characters.", field="name")
    query, properties = body.get("query", {}), body.get("properties", {})
    if not isinstance(query, dict) or not isinstance(properties, dict):
        raise InvalidRequest("query and properties are JSON objects.", field="query")
    query = {key: value for key, value in query.items() if value not in (None, "", [], {})}
    tasks.counted(unit, by, query)
    return {"name": name, "query": query, "properties": properties}


def _widened(row: Row[Any]) -> dict[str, Any]:
    """What the filter asks, and what is asked beside it: of the two, the filter's counts."""
    return door.asked() | row.query


def _mine(by: Any, wanted: dict[str, Any]) -> Any:
    given = door.known(wanted, "filterId", "name", "nameLike", "resourceType", "owner", "itemCount")
    query = _of(by)
    if "filterId" in given:
        query = query.where(filters.c.id == door.number(given, "filterId", 0))
    if "name" in given:
        query = query.where(filters.c.name == str(given["name"]))
    if "nameLike" in given:
        query = query.where(filters.c.name.like(str(given["nameLike"])))
    nothing = given.get("resourceType", "Task") != "Task" or given.get("owner", by.login) != by.login
    return query.where(filters.c.id < 0) if nothing else query


def _of(by: Any) -> Any:
    """All of theirs, but not what they keep on our own pages."""
    return select(filters).where(filters.c.owner == by.login, filters.c.page.is_(None))


def _find(unit: Unit, by: Any, filter_id: int) -> Row[Any]:
    row = unit.first(_of(by).where(filters.c.id == filter_id))
    if row is None:
        raise NotFound(f"There is no filter {filter_id} of yours.")
    return row


def _filter(row: Row[Any]) -> dict[str, Any]:
    return {"id": str(row.id), "resourceType": "Task", "name": row.name, "owner": row.owner, "query": row.query,
            "properties": row.properties, "itemCount": None, "links": []}  # fmt: skip
