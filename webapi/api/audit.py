"""The record: who did what, and how far its chain is."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine import acts
from engine.people import access
from engine.people.access import Account
from engine.record import audit, chain
from engine.runtime import Unit
from webapi.api.blueprint import OUR_DAYS, Blueprint, Code, Out, PageQuery, Words, instant, page_of

bp = Blueprint("audit", "The record: who did what. For administrators.")


class LineOut(Out):
    """A line of a case's history, without what was said."""

    id = fields.Integer()
    at = instant()
    kind = fields.String()
    actor = fields.String(metadata={"description": "a log-in name, citizen or system"})
    element = fields.String(allow_none=True)
    number = fields.String(metadata={"description": "of the case"})


class ActOut(Out):
    """Something that was done and belongs to no case."""

    id = fields.Integer()
    at = instant()
    kind = fields.String()
    actor = fields.String(metadata={"description": "a log-in name, cli, system; unknown: who could not log in"})
    subject = fields.String(allow_none=True, metadata={"description": "to what or whom"})
    address = fields.String(allow_none=True, metadata={"description": "from which network address"})
    data = fields.Dict()


class ChainOut(Out):
    links = fields.Integer()
    day = fields.Date(allow_none=True, metadata={"description": "of the last link"})
    hash = fields.String(metadata={"description": "of the last link; note it down elsewhere"})
    waiting = fields.Integer(metadata={"description": "lines that are not linked yet"})


class LineQuery(PageQuery):
    actor = Words(80)
    kind = Code()
    case = Code(metadata={"description": "a case's number"})
    day = fields.Date(validate=OUR_DAYS, metadata={"description": "a local day"})


class ActQuery(PageQuery):
    person = Words(80, metadata={"description": "who did it, or to whom it was done"})
    kind = fields.String(validate=validate.OneOf(acts.KINDS))
    day = fields.Date(validate=OUR_DAYS, metadata={"description": "a local day"})


@bp.read("/audit/cases", page_of(LineOut, "line"), LineQuery)
def lines(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Who did what to cases, newest first: of a case, of a day, or among the newest 200,000 lines"""
    return audit.lines(unit, caller, **query)


@bp.read("/audit/acts", page_of(ActOut, "act"), ActQuery)
def doings(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Who logged in or failed to, and changed accounts, tokens, agencies, versions; newest first"""
    return audit.doings(unit, caller, **query)


@bp.read("/audit/chain", ChainOut)
def state(unit: Unit, caller: Account) -> Any:
    """How far the chain of hashes is; `thongsuot audit verify` calculates it anew"""
    access.require(caller, "manage")
    return chain.state(unit)
