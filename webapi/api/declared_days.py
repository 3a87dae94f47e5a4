"""Days off and make-up days that are announced at short notice, and what they would move."""

from __future__ import annotations

from typing import Any

from flask import url_for
from marshmallow import fields, validate

from engine import declared_days
from engine.people.access import Account
from engine.reasons import REASON_MAX
from engine.runtime import Unit
from engine.work import declared_followed
from webapi.api.blueprint import OUR_DAYS, Blueprint, Code, In, Out, PageQuery, Words, instant, page_of, province_of

bp = Blueprint("declared-days", "Days off and make-up days announced at short notice. One holds at once in every "
               "version of the province's report types; terms that run follow within minutes.")  # fmt: skip
DAYS = "/declared-days"
MOVES_MAX = 100


class DeclaredDayOut(Out):
    id = fields.Integer()
    province = fields.String()
    day = fields.Date()
    kind = fields.String(metadata={"description": "off, worked, or usual: what was declared before is taken back"})
    reason = fields.String()
    at = instant()
    by = fields.String()
    followed_at = instant(allow_none=True, metadata={"description": "when all terms that ran had followed"})


class DeclaredDayIn(In):
    province = Code(metadata={"description": "else the caller's own"})
    day = fields.Date(required=True, validate=OUR_DAYS, metadata={"description": "today or later"})
    kind = fields.String(required=True, validate=validate.OneOf(declared_days.KINDS))
    reason = Words(REASON_MAX, required=True, metadata={"description": "by which decision: each case that moves says"})


class DeclaredDayQuery(PageQuery):
    province = Code(metadata={"description": "else the caller's own"})


class DayPreviewQuery(DeclaredDayIn):
    limit = fields.Integer(load_default=20, validate=validate.Range(1, MOVES_MAX),
                           metadata={"description": "of how many cases it is told how they move"})  # fmt: skip


class MoveOut(Out):
    """How a case's due time would move."""

    number = fields.String()
    was = instant()
    due_at = instant()


class DayPreviewOut(Out):
    cases = fields.Integer(metadata={"description": "open cases whose term runs on or over the day"})
    moves = fields.List(fields.Nested(MoveOut), metadata={"description": "of those that fall due first"})


@bp.read(DAYS, page_of(DeclaredDayOut, "declared day"), DeclaredDayQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """What was declared in a province, newest first"""
    province = province_of(query, caller)
    return declared_days.index(unit, province, query["limit"], query.get("after"), by=caller)


@bp.read(f"{DAYS}/preview", DayPreviewOut, DayPreviewQuery)
def preview(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """What a day would move; nothing is changed"""
    said = {name: query[name] for name in ("day", "kind", "reason")}
    return declared_followed.preview(unit, province_of(query, caller), **said, most=query["limit"], by=caller)


@bp.create(DAYS, DeclaredDayOut, DeclaredDayIn)
def create(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """A day is off, is worked, or is as usual after all; the newest declaration of a day holds"""
    made = declared_days.declare(unit, **body | {"province": province_of(body, caller)}, by=caller)
    return made, 201, {"Location": url_for("declared-days.show", declared_id=made.id)}


@bp.read(f"{DAYS}/<key:declared_id>", DeclaredDayOut)
def show(unit: Unit, caller: Account, declared_id: int) -> Any:
    """One declaration, and whether what runs has followed"""
    return declared_days.show(unit, declared_id, by=caller)
