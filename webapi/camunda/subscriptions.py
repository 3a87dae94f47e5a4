"""Event subscriptions: for which messages and signals cases wait."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy import Row, Select, func, select

from engine import model
from engine.model import cases, subscriptions
from engine.people import access
from engine.runtime import Unit
from webapi.camunda import door

bp = Blueprint("subscriptions", __name__, url_prefix="/event-subscription")
_SORTED = {"created": subscriptions.c.token, "tenantId": cases.c.province}


@bp.get("")
@door.reads
def index(unit: Unit, by: Any) -> Any:
    return some(unit, by, door.asked())


@bp.get("/count")
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return {"count": unit.scalar(select(func.count()).select_from(_wanted(door.asked(), by).subquery()))}


def some(unit: Unit, by: Any, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that are looked for, of cases that the account sees. Raises InvalidRequest."""
    limit, offset = door.window(wanted)
    order = (*door.sorted_by(wanted, _SORTED), cases.c.id, subscriptions.c.token, subscriptions.c.message)
    return [_subscription(row) for row in unit.all(_wanted(wanted, by).order_by(*order).limit(limit).offset(offset))]


def _wanted(wanted: dict[str, Any], by: Any) -> Select[Any]:
    """Of cases that the account sees; signals only where they are the province's."""
    given = door.known(wanted, "eventSubscriptionId", "eventName", "eventType", "executionId", "processInstanceId")
    columns = (subscriptions.c.token, subscriptions.c.message, subscriptions.c.kind, cases.c.number)
    query = select(*columns).join(cases, cases.c.id == subscriptions.c.case_id)
    query = query.join(model.instances, model.instances.c.case_id == cases.c.id).where(access.visible(by))
    equal = {"eventName": subscriptions.c.message, "eventType": subscriptions.c.kind,
             "processInstanceId": cases.c.number}  # fmt: skip
    query = query.where(*(column == str(given[name]) for name, column in equal.items() if name in given))
    for name in ("executionId", "eventSubscriptionId"):  # both are ``number:token``, this one with the event's name
        if name in given:
            number, _, rest = str(given[name]).partition(":")
            token = rest.partition(":")[0]
            query = query.where(cases.c.number == number,
                                subscriptions.c.token == door.number({name: token or "0"}, name, 0))  # fmt: skip
    return query


def _subscription(row: Row[Any]) -> dict[str, Any]:
    place = f"{row.number}:{row.token}"
    return {"id": f"{place}:{row.message}", "eventType": row.kind, "eventName": row.message, "executionId": place,
            "processInstanceId": row.number, "activityId": None, "createdDate": None, "tenantId": None}  # fmt: skip
