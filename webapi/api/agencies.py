"""Agencies: who takes part in handling reports."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine import queries
from engine.access import Account
from engine.runtime import Unit
from webapi.api.blueprint import OUR_DAYS, Blueprint, Code, In, Out

bp = Blueprint("agencies", "Who takes part. They are data of a province, loaded with its report types.")


class AgencyOut(Out):
    key = fields.String(metadata={"description": "also the name of its task group"})
    province = fields.String()
    name = fields.String()
    kind = fields.String(metadata={"description": "desk, office, department, district, commune, service or overseer"})
    area = fields.String(allow_none=True)
    parent = fields.String(allow_none=True, metadata={"description": "the agency that may hand it tasks"})
    email = fields.String(allow_none=True, metadata={"description": "where it is told of its tasks"})
    phone = fields.String(allow_none=True, metadata={"description": "its duty phone or hotline"})
    valid_from = fields.Date(allow_none=True, metadata={"description": "first day; null: since before it was noted"})
    valid_to = fields.Date(allow_none=True, metadata={"description": "first day that it is no more; null: it still is"})


class AgenciesOut(Out):
    items = fields.List(fields.Nested(AgencyOut))


class AgencyQuery(In):
    province = Code()
    kind = Code()
    parent = Code(metadata={"description": "those below this one"})
    at = fields.Date(validate=OUR_DAYS, metadata={"description": "only those of that day; left out: whenever"})


@bp.read("/agencies", AgenciesOut, AgencyQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """All agencies"""
    return {"items": queries.list_agencies(unit, **query)}
