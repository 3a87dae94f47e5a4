"""Agencies: who takes part in handling reports."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine import queries
from engine.access import Account
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, Code, In, Out

bp = Blueprint("agencies", "Who takes part. They are data of a province, loaded with its report types.")


class AgencyOut(Out):
    key = fields.String(metadata={"description": "also the name of its task group"})
    province = fields.String()
    name = fields.String()
    kind = fields.String(metadata={"description": "desk, office, department, district, service or overseer"})
    area = fields.String(allow_none=True)


class AgenciesOut(Out):
    items = fields.List(fields.Nested(AgencyOut))


class AgencyQuery(In):
    province = Code()
    kind = Code()


@bp.read("/agencies", AgenciesOut, AgencyQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """All agencies"""
    return {"items": queries.list_agencies(unit, **query)}
