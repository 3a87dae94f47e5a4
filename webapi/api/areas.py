"""Areas: the districts and communes that reports are about, and what became of them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.people.access import Account
from engine.places import areas
from engine.runtime import Unit
from webapi.api.blueprint import OUR_DAYS, Blueprint, Code, In, Out, Words

bp = Blueprint("areas", "Districts and communes, with the days they are valid and their successors.")


class AreaOut(Out):
    code = fields.String(metadata={"description": "for ever this unit's; since July 2025 with the suffix .2025"})
    province = fields.String()
    name = fields.String()
    level = fields.String(metadata={"description": "district or commune (xã, phường, thị trấn, đặc khu)"})
    parent = fields.String(allow_none=True, metadata={"description": "a commune's district, until July 2025"})
    valid_from = fields.Date(allow_none=True, metadata={"description": "first day; null: since before it was noted"})
    valid_to = fields.Date(allow_none=True, metadata={"description": "first day that it is no more; null: it still is"})


class AreasOut(Out):
    items = fields.List(fields.Nested(AreaOut))


class AreaQuery(In):
    province = Code()
    parent = Code(metadata={"description": "the communes of this district"})
    level = fields.String(validate=validate.OneOf(areas.LEVELS))
    q = Words(80, metadata={"description": "how the name begins, and where it is: 'q1', 'p. 12 q. 10', 'bien hoa'"})
    at = fields.Date(validate=OUR_DAYS, metadata={"description": "only those of that day; left out: whenever"})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 1000), metadata={"description": "how many"})


class AreaDayQuery(In):
    at = fields.Date(validate=OUR_DAYS, metadata={"description": "successors by that day; left out: today"})


class AreaShown(AreaOut):
    """An area, and how it hangs together with those before and after it."""

    successors = fields.List(fields.Nested(AreaOut), metadata={"description": "each holds all of it, or a part"})
    predecessors = fields.List(fields.Nested(AreaOut), metadata={"description": "all of each is in it, or a part"})


@bp.read("/areas", AreasOut, AreaQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Areas by name, province, district or day"""
    return {"items": areas.search(unit, **query)}


@bp.read("/areas/<name:code>", AreaShown, AreaDayQuery)
def show(unit: Unit, caller: Account, query: dict[str, Any], code: str) -> Any:
    """One area, and what became of it"""
    day = query.get("at") or unit.today
    after, before = areas.successors(unit, code, day), areas.predecessors(unit, code)
    return dict(areas.show(unit, code)._mapping) | {"successors": after, "predecessors": before}
