"""The personal side of cases: asking who reported, writing to them unseen, keeping and erasing what is known."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine.erasure import dossiers, retention
from engine.messaging import bridge, relay
from engine.people.access import Account
from engine.privacy import unmasking
from engine.runtime import Unit
from webapi import attached, auth
from webapi.api.blueprint import PREFIX, Blueprint, In, Out, Words, instant
from webapi.api.cases import NUMBER, ReasonIn

bp = Blueprint("persons", "Who reported: asked for, written to unseen, kept and erased.")


class AboutIn(In):
    phone = Words(20, required=True, metadata={"description": "in the body, so that no log of addresses has it"})
    reason = Words(2_000, required=True)


class DataOut(Out):
    """Everything that is kept of one person."""

    phone = fields.String(metadata={"description": "E.164"})
    cases = fields.List(fields.Dict())
    left_out = fields.List(fields.String(), metadata={"description":
        "numbers of cases of class C2 and higher: whoever decides who may know who reported has now been asked "
        "(GET /unmaskings); ask again within 24 hours of their answer"})
    not_understood = fields.List(fields.Dict(), metadata={
        "description": "messages that nobody could read, with their number or address: received_at, channel, text"})


class ErasedOut(Out):
    phone = fields.String()
    cases = fields.Dict(metadata={"description": "by number: erased, or why not: open, running, held, emptied"})
    not_understood = fields.Integer(metadata={
        "description": "how many messages that nobody could read, with their number or address, were emptied"})


class TextIn(In):
    text = Words(relay.LONGEST, required=True)


class RelayedOut(Out):
    channel = fields.String(metadata={"description": "by which way it goes; never to whom"})


class DeskIn(In):
    desk = Words(20, required=True, metadata={"description": "the number that you sit at, which is rung first"})


class CallOut(Out):
    call = fields.String(metadata={"description": "what the exchange calls it"})


class AskedOut(Out):
    id = fields.Integer()


class UnmaskingOut(Out):
    """Somebody asks who reported a case."""

    id = fields.Integer()
    case = fields.String(attribute="number")
    login = fields.String()
    reason = fields.String()
    asked_at = instant()


class UnmaskingsOut(Out):
    items = fields.List(fields.Nested(UnmaskingOut))


class DecidedOut(Out):
    id = fields.Integer()
    login = fields.String()
    until_at = instant(allow_none=True, metadata={"description": "until when they may look; null: refused"})


class RetainedOut(Out):
    number = fields.String()
    version = fields.Integer()


@bp.create(f"{NUMBER}/reporter/ask", AskedOut, ReasonIn)
def ask(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Ask to know who reported; a second person decides"""
    made = unmasking.ask(unit, number, body["reason"], by=caller)
    return {"id": made}, 201, {"Location": f"{PREFIX}/cases/{number}/reporter"}


@bp.read("/unmaskings", UnmaskingsOut)
def waiting(unit: Unit, caller: Account) -> Any:
    """Who asks, and why: what you may decide"""
    return {"items": unmasking.waiting(unit, caller)}


@bp.change("/unmaskings/<key:unmasking_id>/grant", DecidedOut)
def grant(unit: Unit, caller: Account, unmasking_id: int) -> Any:
    """Let them look for 24 hours"""
    return unmasking.decide(unit, unmasking_id, agreed=True, by=caller)


@bp.change("/unmaskings/<key:unmasking_id>/refuse", DecidedOut)
def refuse(unit: Unit, caller: Account, unmasking_id: int) -> Any:
    """Let them not look"""
    return unmasking.decide(unit, unmasking_id, agreed=False, by=caller)


@bp.change(f"{NUMBER}/reporter/message", RelayedOut, TextIn)
def write(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Write to whoever reported, without seeing who that is"""
    return {"channel": relay.write(unit, number, body["text"], by=caller)}


@bp.change(f"{NUMBER}/reporter/call", CallOut, DeskIn)
def call(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Speak with whoever reported by way of the exchange, without seeing their number"""
    return {"call": bridge.connect(unit, number, body["desk"], by=caller)}


@bp.change(f"{NUMBER}/hold", RetainedOut, ReasonIn)
def hold(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Keep its personal data for a court or an inspection, whatever the retention says"""
    return retention.hold(unit, number, body["reason"], by=caller)


@bp.change(f"{NUMBER}/release-hold", RetainedOut, ReasonIn)
def release_hold(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Keep it no longer than others"""
    return retention.release(unit, number, body["reason"], by=caller)


@bp.change("/persons/export", DataOut, AboutIn)
def export(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """Everything that is kept of whoever has this number, as far as nobody else has to agree"""
    return dossiers.export(unit, body["phone"], body["reason"], by=caller)


@bp.open("POST", "/persons/erase", ErasedOut, AboutIn)
def erase(body: dict[str, Any]) -> Any:
    """Empty all cases of whoever has this number that are over"""
    caller: Account = auth.reads(lambda unit, caller: caller)()
    return dossiers.erase(auth.runtime(), body["phone"], body["reason"], by=caller, store=attached.store())
