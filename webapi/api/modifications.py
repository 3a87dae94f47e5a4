"""Intervening in a case that is stuck: moving its tokens, holding it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.people.access import Account
from engine.runtime import Unit
from engine.versions import modifications
from engine.versions.modifications import PLACES, Start
from webapi.api.blueprint import Blueprint, In, Out, Words, instant
from webapi.api.cases import ReasonIn

bp = Blueprint("modifications", "What no diagram provides for: the provincial office puts a stuck case right.")
NUMBER = "/cases/<name:number>"


class StandsOut(Out):
    """A place where the case's process stands."""

    token = fields.Integer()
    element = fields.String()
    name = fields.String()
    within = fields.Integer(allow_none=True, metadata={"description": "the token of the subprocess it is in"})
    beside = fields.Integer(allow_none=True, metadata={"description": "the token beside which it waits for an event"})


class StandingOut(Out):
    items = fields.List(fields.Nested(StandsOut))


class HeldOut(Out):
    number = fields.String()
    suspended_at = instant(allow_none=True)


class StartIn(In):
    element = Words(200, required=True)
    place = fields.String(load_default="before", validate=validate.OneOf(PLACES))
    within = fields.Integer(strict=True, allow_none=True, load_default=None)


class ModifyIn(In):
    """To move a token, cancel it and start another; to repeat a step, start before the same element."""

    reason = Words(2_000, required=True)
    cancel = fields.List(fields.Integer(strict=True), load_default=list, metadata={"description": "tokens"})
    start = fields.List(fields.Nested(StartIn), load_default=list)
    confirmed = fields.Boolean(
        load_default=False, metadata={"description": "do it although a token could then wait for ever"}
    )


@bp.read(f"{NUMBER}/tokens", StandingOut)
def tokens(unit: Unit, caller: Account, number: str) -> Any:
    """Where its process stands"""
    return {"items": modifications.standing(unit, number, by=caller)}


@bp.change(f"{NUMBER}/modify", StandingOut, ModifyIn)
def modify(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Move, cancel or repeat steps of a case"""
    body["start"] = [Start(**one) for one in body["start"]]
    modifications.modify(unit, number, **body, by=caller)
    return {"items": modifications.standing(unit, number, by=caller)}


@bp.change(f"{NUMBER}/suspend", HeldOut, ReasonIn)
def suspend(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Hold it: no timer fires and nothing is taken until it is released

    Its due times go on being shown.
    """
    modifications.suspend(unit, number, body["reason"], by=caller)
    return {"number": number, "suspended_at": unit.now}


@bp.change(f"{NUMBER}/release", HeldOut)
def release(unit: Unit, caller: Account, number: str) -> Any:
    """Let it go on; what became due meanwhile happens now"""
    modifications.release(unit, number, by=caller)
    return {"number": number, "suspended_at": None}
