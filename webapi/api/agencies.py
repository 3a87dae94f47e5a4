"""Agencies: who takes part in handling reports."""

from __future__ import annotations

from typing import Any

from flask import url_for
from marshmallow import fields

from engine import directory
from engine.people.access import Account
from engine.places import agency_changes
from engine.reasons import REASON_MAX
from engine.runtime import Unit
from webapi.api.blueprint import OUR_DAYS, Blueprint, Code, In, Out, Words, instant

bp = Blueprint("agencies", "Who takes part: data of a province, and what administrators change while it runs.")
AGENCY = "/agencies/<name:key>"


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
    successor = fields.String(allow_none=True, metadata={"description": "where its work goes on from that day"})


class AgenciesOut(Out):
    items = fields.List(fields.Nested(AgencyOut))


class AgencyQuery(In):
    province = Code()
    kind = Code()
    parent = Code(metadata={"description": "those below this one"})
    at = fields.Date(validate=OUR_DAYS, metadata={"description": "only those of that day; left out: whenever"})


class AgencyReason(In):
    """Why it is done: what people read later."""

    reason = Words(REASON_MAX, required=True)


class AgencyChange(AgencyReason):
    """What may be changed; what is left out stays."""

    name = Words(200)
    area = Code(allow_none=True)
    parent = Code(allow_none=True)
    email = Words(254, allow_none=True, metadata={"description": "such as ten@example.vn"})
    phone = Words(20, allow_none=True)


class AgencyIn(AgencyChange):
    key = Code(required=True)
    province = Code(required=True)
    name = Words(200, required=True)
    kind = Code(required=True)
    valid_from = fields.Date(validate=OUR_DAYS, allow_none=True)


class Merger(AgencyReason):
    into = Code(required=True, metadata={"description": "the agency that goes on with its people, cases and tasks"})
    since = fields.Date(required=True, validate=OUR_DAYS, metadata={"description": "first day that it is no more"})


class AgencyChangeOut(Out):
    """What was decided about an agency."""

    kind = fields.String(metadata={"description": "opened, changed, merged, closed or reopened"})
    at = instant()
    by = fields.String()
    reason = fields.String()
    was = fields.Dict()
    now = fields.Dict(metadata={"description": "no deployment of a province.toml changes these any more"})


class AgencyChangesOut(Out):
    items = fields.List(fields.Nested(AgencyChangeOut))


@bp.read("/agencies", AgenciesOut, AgencyQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """All agencies"""
    return {"items": directory.list_agencies(unit, **query, to=caller)}


@bp.create("/agencies", AgencyOut, AgencyIn)
def open_(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """A new agency"""
    made = agency_changes.open_(unit, body, body.pop("reason"), by=caller)
    return made, 201, {"Location": url_for("agencies.show", key=made.key)}


@bp.read(AGENCY, AgencyOut)
def show(unit: Unit, caller: Account, key: str) -> Any:
    """One agency"""
    return agency_changes.show(unit, key, by=caller)


@bp.change(AGENCY, AgencyOut, AgencyChange, method="PATCH")
def change(unit: Unit, caller: Account, body: dict[str, Any], key: str) -> Any:
    """Rename it, or change where it is, below whom, and how it is reached; settled cases keep the old name"""
    return agency_changes.change(unit, key, body, body.pop("reason"), by=caller)


@bp.change(f"{AGENCY}/merge", AgencyOut, Merger)
def merge(unit: Unit, caller: Account, body: dict[str, Any], key: str) -> Any:
    """It ends on a day, and its people, open cases and tasks go on at another"""
    return agency_changes.merge(unit, key, **body, by=caller)


@bp.change(f"{AGENCY}/close", AgencyOut, AgencyReason)
def close(unit: Unit, caller: Account, body: dict[str, Any], key: str) -> Any:
    """It ends today without a successor: refused while anything needs it"""
    return agency_changes.close(unit, key, **body, by=caller)


@bp.change(f"{AGENCY}/reopen", AgencyOut, AgencyReason)
def reopen(unit: Unit, caller: Account, body: dict[str, Any], key: str) -> Any:
    """It goes on after all, or again"""
    return agency_changes.reopen(unit, key, **body, by=caller)


@bp.read(f"{AGENCY}/changes", AgencyChangesOut)
def changes(unit: Unit, caller: Account, key: str) -> Any:
    """What was decided about it, newest first"""
    return {"items": agency_changes.history(unit, key, by=caller)}
