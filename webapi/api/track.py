"""The citizen's door."""

from __future__ import annotations

from typing import Any

from flask import request
from marshmallow import fields, validate

from engine.errors import NotFound
from engine.public import tracking
from webapi import auth
from webapi.api.blueprint import Blueprint, In, Out, Words, instant

bp = Blueprint("track", "For the citizen: a number and its secret show how far the case is. No token.", public=True)
NUMBER = "/track/<name:number>"
HEADER = "X-Tracking-Secret"


class ToldOut(Out):
    channel = fields.String()
    text = fields.String()
    at = instant()
    sent = fields.Boolean()


class RemarkOut(Out):
    at = instant()
    text = fields.String()
    mine = fields.Boolean(metadata={"description": "written by the citizen"})


class ProgressOut(Out):
    """How far the case is on the diagram's main road."""

    step = fields.Integer()
    of = fields.Integer(metadata={"description": "how many steps there are at most"})
    name = fields.String()
    due_at = instant(allow_none=True)
    road = fields.List(fields.String(), metadata={"description": "the names of all steps"})


class TrackOut(Out):
    """A case in the citizen's words."""

    number = fields.String()
    report_type = fields.Dict(metadata={"description": "its name by language"})
    status = fields.String()
    open311 = fields.String(metadata={"description": "open or closed"})
    agency = fields.String(allow_none=True)
    steps = fields.List(fields.String(), metadata={"description": "what is being done now"})
    opened_at = instant()
    due_at = instant(allow_none=True)
    closed_at = instant(allow_none=True)
    paused = fields.Boolean()
    rating = fields.Integer(allow_none=True)
    comments = fields.List(fields.Nested(RemarkOut))
    told = fields.List(fields.Nested(ToldOut))
    awaited = fields.Boolean(metadata={"description": "it waits for information"})
    progress = fields.Nested(ProgressOut, allow_none=True, metadata={"description": "null: it is on no main road now"})
    may = fields.List(fields.String(), metadata={"description": "what can be said now: rating, reopen, information"})


class SecretQuery(In):
    secret = Words(100, metadata={"description": f"or, better, the header {HEADER}: addresses end up in logs"})


class SayIn(In):
    """What the citizen says."""

    kind = fields.String(required=True, validate=validate.OneOf(["rating", "reopen", "information"]))
    secret = Words(100, metadata={"description": f"or the header {HEADER}"})
    stars = fields.Integer(load_default=None, strict=True, validate=validate.Range(0, 5))
    text = Words(2_000, load_default=None)


@bp.open("GET", NUMBER, TrackOut, SecretQuery)
def show(query: dict[str, Any], number: str) -> Any:
    """How far a case is"""
    _prove(number, query.get("secret"))
    with auth.runtime().read() as unit:
        return tracking.show(unit, number)


@bp.open("POST", f"{NUMBER}/message", TrackOut, SayIn)
def say(body: dict[str, Any], number: str) -> Any:
    """Rate the result, say that it is not solved, or add information"""
    _prove(number, body.pop("secret", None))
    with auth.runtime().begin() as unit:
        tracking.say(unit, number, **body)
        return tracking.show(unit, number)


def _prove(number: str, secret: str | None) -> None:
    secret = request.headers.get(HEADER, secret)
    if not secret:
        raise NotFound(f"There is no case {number}, or this is not its secret.")
    tracking.prove(auth.runtime(), number, secret, auth.address())
