"""Closed days: what was reported stays, what changed later is a correction with a date."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import fields

from engine.errors import NotFound
from engine.people.access import Account
from engine.runtime import Unit
from engine.statistics import days
from webapi.api.blueprint import OUR_DAYS, Blueprint, Code, In, Out, Words, instant, province_of

bp = Blueprint("days", "Closed days: what was reported of them, and what was corrected when, by whom and why.")
DAY = "/days/<name:day>"


class DayQuery(In):
    province = Code(metadata={"description": "else the caller's own"})


class CloseIn(DayQuery):
    day = fields.Date(required=True, validate=OUR_DAYS, metadata={"description": "a Vietnamese day that is over"})


class CorrectIn(DayQuery):
    reason = Words(500, required=True, metadata={"description": "never about a person"})


class EditionOut(Out):
    edition = fields.Integer(metadata={"description": "1: as closed; 2 …: corrections"})
    figures = fields.Dict()
    reason = fields.String(allow_none=True)
    at = instant()
    by = fields.String()


class DayOut(Out):
    """A closed day."""

    day = fields.Date()
    editions = fields.List(fields.Nested(EditionOut))
    now = fields.Dict(metadata={"description": "what its figures would be at this moment"})
    changed = fields.Dict(metadata={"description": "[what the latest edition says, what would be said now]"})


@bp.create("/days", DayOut, CloseIn)
def close(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """Close a day: its figures stay as they are now"""
    made = days.close(unit, caller, province_of(body, caller), body["day"])
    return made, 201, {"Location": f"/api/v1/days/{made.day}"}


@bp.read(DAY, DayOut, DayQuery)
def show(unit: Unit, caller: Account, query: dict[str, Any], day: str) -> Any:
    """What was reported of a closed day, its corrections, and what has changed since"""
    return days.show(unit, caller, province_of(query, caller), _day(day))


@bp.change(f"{DAY}/corrections", DayOut, CorrectIn)
def correct(unit: Unit, caller: Account, body: dict[str, Any], day: str) -> Any:
    """Give out the figures as they are now as a correction"""
    return days.correct(unit, caller, province_of(body, caller), _day(day), body["reason"])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound(f"{text!r} is no day: write 2021-09-03.") from None
