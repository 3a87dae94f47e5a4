"""What the public is told of closed cases: deciding it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine.people.access import Account
from engine.public import publications
from engine.public.publications import TEXTS
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, In, Out, PageQuery, Words, instant, page_of

bp = Blueprint("publications", "What the public is told of closed cases: who edits it, who approves it.")
CASE = "/cases/<name:number>"


class PublicTextsIn(In):
    """Texts for anybody to read: nothing about a person."""

    subject = Words(TEXTS["subject"], required=True)
    words = Words(TEXTS["words"], required=True, metadata={"description": "what was reported, as edited"})
    result = Words(TEXTS["result"], required=True, metadata={"description": "what became of it, as edited"})


class PublicReasonIn(In):
    reason = Words(500, required=True, metadata={"description": "never about a person"})


class ProposedOut(Out):
    subject = fields.String()
    words = fields.String()
    result = fields.String()
    by = fields.String()
    at = instant()


class WaitingOut(Out):
    number = fields.String()
    report_type = fields.String()
    province = fields.String()
    area = fields.String(allow_none=True)
    closed_at = instant()
    subject = fields.String(metadata={"description": "as received"})
    proposed = fields.Nested(ProposedOut, allow_none=True, metadata={"description": "null: nobody has decided"})


class PublicationOut(Out):
    """What was decided."""

    number = fields.String()
    subject = fields.String(allow_none=True)
    words = fields.String(allow_none=True)
    result = fields.String(allow_none=True)
    withheld = fields.String(allow_none=True, metadata={"description": "why it is not published"})
    at = instant()
    by = fields.String()
    approved_at = instant(allow_none=True, metadata={"description": "null: it is not shown"})
    approved_by = fields.String(allow_none=True)
    withdrawn_at = instant(allow_none=True)
    withdrawn_by = fields.String(allow_none=True)
    withdrawn_reason = fields.String(allow_none=True)


@bp.read("/publications/queue", page_of(WaitingOut, "case that waits to be published"), PageQuery)
def queue(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Closed public cases that wait for a decision, or for a second person"""
    return publications.queue(unit, caller, **query)


@bp.change(f"{CASE}/publication", PublicationOut, PublicTextsIn)
def publish(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Give a closed case its texts for the public"""
    return publications.publish(unit, caller, number, body)


@bp.change(f"{CASE}/publication/approve", PublicationOut)
def approve(unit: Unit, caller: Account, number: str) -> Any:
    """Approve what somebody else wrote"""
    return publications.approve(unit, caller, number)


@bp.change(f"{CASE}/publication/withdraw", PublicationOut, PublicReasonIn)
def withdraw(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Show it no more"""
    return publications.withdraw(unit, caller, number, body["reason"])


@bp.change(f"{CASE}/publication/not-published", PublicationOut, PublicReasonIn)
def withhold(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Decide not to publish it"""
    return publications.withhold(unit, caller, number, body["reason"])
