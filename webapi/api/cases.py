"""Cases: who may see them, how far they are, and what people do to them."""

from __future__ import annotations

from typing import Any

from flask import url_for
from marshmallow import fields, validate

from engine import casefile, cases, queries, stuck
from engine.intake import CHANNELS
from engine.people import access
from engine.people.access import Account
from engine.queries import CaseFilter
from engine.runtime import Unit
from webapi.api.blueprint import (
    PREFIX,
    Blueprint,
    Code,
    Flag,
    In,
    InVietnamese,
    Out,
    PageQuery,
    Words,
    instant,
    page_of,
    tag,
    unchanged,
)

bp = Blueprint("cases", "What became of a report: its state, its history, and what people do to it as a whole.")
NUMBER = "/cases/<name:number>"


# -- what goes out ---------------------------------------------------------------------------------------------------


class NextOut(Out):
    action = fields.String()
    id = fields.Integer(metadata={"description": "of the incident, task, letter or case the action is for"})
    href = fields.Method("_href", metadata={"description": "where to send it"})

    def _href(self, row: dict[str, Any]) -> str | None:
        return {
            "retry-incident": f"{PREFIX}/incidents/{row['id']}/retry",
            "resend-letter": f"{PREFIX}/outbox/{row['id']}/resend",
            "delegate-task": f"{PREFIX}/tasks/{row['id']}/delegate",
            "add-account": f"{PREFIX}/accounts",
            "send-message": f"{PREFIX}/messages",
            "repair-report-type": f"{PREFIX}/deployments",
            "release-case": f"{PREFIX}/cases/{row['number']}/release",
            "resume-case": f"{PREFIX}/cases/{row['number']}/resume",
            "extend-case": f"{PREFIX}/cases/{row['number']}/extend",
            "reassign-case": f"{PREFIX}/cases/{row['number']}/reassign",
        }.get(row["action"])


class StuckOut(Out):
    """Why a case is stuck."""

    since = instant()
    reason = fields.String(validate=validate.OneOf(stuck.REASONS))
    why = fields.String(metadata={"description": "one sentence, with the evidence"})
    why_vi = InVietnamese("why")
    next = fields.List(fields.Nested(NextOut), metadata={"description": "what you may do about it"})
    also = fields.List(fields.String(), metadata={"description": "codes of further reasons"})


class CaseSummary(Out):
    """A case in a list. ``subject`` and ``place`` are null for who may see that it exists, but not read it."""

    number = fields.String()
    report_type = fields.String()
    province = fields.String()
    area = fields.String(allow_none=True, metadata={"description": "the district"})
    commune = fields.String(allow_none=True, metadata={"description": "in that district, if the report named one"})
    place = fields.Method("_place", metadata={"type": ["string", "null"]})
    subject = fields.Method("_subject", metadata={"type": ["string", "null"]})
    channel = fields.String(validate=validate.OneOf(CHANNELS))
    secrecy = fields.String()
    status = fields.String()
    outcome = fields.String(allow_none=True)
    severity = fields.String(allow_none=True)
    lead_agency = fields.String(allow_none=True)
    monitor_agency = fields.String(allow_none=True)
    opened_at = instant()
    due_at = instant(allow_none=True)
    warned_at = instant(allow_none=True)
    breached_at = instant(allow_none=True)
    paused_at = instant(allow_none=True)
    closed_at = instant(allow_none=True)
    suspended_at = instant(allow_none=True, metadata={"description": "it stands still until it is released"})
    rating = fields.Integer(allow_none=True)
    version = fields.Integer()

    def _place(self, row: Any) -> str | None:
        return self._if_readable(row, "place")

    def _subject(self, row: Any) -> str | None:
        return self._if_readable(row, "subject")

    def _if_readable(self, row: Any, name: str) -> Any:
        return self.get_attribute(row, name, None) if self.get_attribute(row, "readable", False) else None


class CaseListed(CaseSummary):
    stuck = fields.Nested(StuckOut, allow_none=True, metadata={"description": "with ?stuck=true"})


class OpenTaskOut(Out):
    id = fields.Integer()
    element = fields.String()
    name = fields.String()
    group = fields.String()
    assignee = fields.String(allow_none=True)
    created_at = instant()
    due_at = instant(allow_none=True)


class LinkOut(Out):
    """Another case that this one has to do with."""

    number = fields.String()
    report_type = fields.String()
    relation = fields.String(
        validate=validate.OneOf(["born_of", "started"]),
        metadata={"description": "born_of: its process started this case; started: this case's process started it"},
    )


class CaseOut(CaseSummary):
    """A case, and the tasks it waits for."""

    report = fields.Method("_report", metadata={"type": ["object", "null"], "description": "the intake form's answers"})
    opened_by = fields.String()
    duplicate_of = fields.String(allow_none=True)
    extensions = fields.Integer()
    returns = fields.Integer()
    reopenings = fields.Integer()
    tasks = fields.List(fields.Nested(OpenTaskOut))
    links = fields.List(fields.Nested(LinkOut), metadata={"description": "only cases that you may see"})
    stuck = fields.Nested(StuckOut, allow_none=True)

    def _report(self, row: Any) -> Any:
        return self._if_readable(row, "report")


class EventOut(Out):
    """A line of history."""

    id = fields.Integer()
    at = instant()
    kind = fields.String()
    actor = fields.String()
    element = fields.String(allow_none=True)
    data = fields.Dict()


class DeadlineOut(Out):
    """A promise, and the story of how its due time came about."""

    name = fields.String()
    calendar = fields.String()
    started_at = instant()
    due_at = instant()
    warn_at = instant(allow_none=True)
    settled_at = instant(allow_none=True)
    story = fields.List(fields.Dict())


class DeadlinesOut(Out):
    items = fields.List(fields.Nested(DeadlineOut))


class PersonOut(Out):
    """Personal data. Whoever reads it is written into the case's history."""

    part = fields.String(metadata={"description": "reporter or beneficiary"})
    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    address = fields.String(allow_none=True)
    zalo = fields.String(allow_none=True)
    facebook = fields.String(allow_none=True)
    viber = fields.String(allow_none=True)
    kind = fields.String()
    anonymous = fields.Boolean()


class PeopleOut(Out):
    items = fields.List(fields.Nested(PersonOut))


class CommentOut(Out):
    id = fields.Integer()
    at = instant()
    author = fields.String()
    text = fields.String()
    public = fields.Boolean()


class CreatedOut(Out):
    id = fields.Integer()


# -- what comes in ---------------------------------------------------------------------------------------------------


class CaseQuery(PageQuery):
    province = Code()
    report_type = Code()
    status = Code()
    agency = Code(metadata={"description": "it concerns or concerned this agency"})
    area = Code()
    open = Flag(metadata={"description": "false: only closed ones"})
    overdue = Flag(metadata={"description": "open, not paused, and past its due time"})
    stuck = Flag(load_default=False, metadata={"description": "only what will not move by itself, with the reason why"})
    q = Words(100, metadata={"description": "a number, or words of the subject, with or without marks, which find no "
                             "case of class C4"})  # fmt: skip
    sort = fields.String(
        validate=validate.OneOf(["newest", "due"]), metadata={"description": "due: open ones, what falls due first"}
    )


class ReasonIn(In):
    reason = Words(2_000, required=True)


class ExtendIn(ReasonIn):
    until = instant(required=True, metadata={"description": "the new due time, with a zone"})


class ReassignIn(ReasonIn):
    agency = Code(required=True)


class MergeIn(In):
    into = Code(required=True, metadata={"description": "the number of the case that this one repeats"})


class QuestionIn(In):
    question = Words(2_000, required=True)


class RatingIn(In):
    stars = fields.Integer(required=True, strict=True, validate=validate.Range(0, 5))


class CommentIn(In):
    text = Words(4_000, required=True)
    public = fields.Boolean(load_default=False, metadata={"description": "the citizen sees it"})


# -- reading ---------------------------------------------------------------------------------------------------------


@bp.read("/cases", page_of(CaseListed, "case"), CaseQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """The cases you may know of

    Newest first, or by due time (overdue ones always); those that are stuck, longest stuck first.
    """
    wanted = CaseFilter(**{name: value for name, value in query.items() if name != "stuck"})
    return (stuck.list_stuck if query["stuck"] else queries.list_cases)(unit, caller, wanted)


@bp.read(NUMBER, CaseOut)
def show(unit: Unit, caller: Account, number: str) -> Any:
    """One case

    Its ETag is its version: send it back in If-Match when you change the case. Only here it is said why it is stuck.
    """
    case, version = _shown(unit, caller, number)
    return case | {"stuck": stuck.explain(unit, caller, case)}, version


@bp.read(f"{NUMBER}/timeline", page_of(EventOut, "event"), PageQuery)
def timeline(unit: Unit, caller: Account, query: dict[str, Any], number: str) -> Any:
    """What happened, oldest first"""
    return casefile.timeline(unit, caller, number, **query)


@bp.read(f"{NUMBER}/deadlines", DeadlinesOut)
def deadlines(unit: Unit, caller: Account, number: str) -> Any:
    """How each due time came about"""
    return {"items": casefile.terms(unit, caller, number)}


@bp.read(f"{NUMBER}/comments", page_of(CommentOut, "comment"), PageQuery)
def comments(unit: Unit, caller: Account, query: dict[str, Any], number: str) -> Any:
    """Remarks, oldest first"""
    return casefile.list_comments(unit, caller, number, **query)


@bp.change(f"{NUMBER}/reporter", PeopleOut, method="GET")
def reporter(unit: Unit, caller: Account, number: str) -> Any:
    """Who reported, and who needs help

    Personal data: the case's secrecy class decides who may look, and every look is written into its history.
    """
    return {"items": casefile.reveal_people(unit, caller, number)}


# -- changing --------------------------------------------------------------------------------------------------------


@bp.create(f"{NUMBER}/comments", CreatedOut, CommentIn)
def comment(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Add a remark"""
    made = cases.comment(unit, number, body["text"], public=body["public"], by=caller)
    return {"id": made}, 201, {"Location": url_for("cases.comments", number=number)}


@bp.change(f"{NUMBER}/extend", CaseOut, ExtendIn, match=True)
def extend(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Give it more time (gia hạn)"""
    _read_before(unit, caller, "extend", number)
    cases.extend(unit, number, body["until"], body["reason"], by=caller)
    return _shown(unit, caller, number)


@bp.change(f"{NUMBER}/pause", CaseOut, ReasonIn, match=True)
def pause(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Stop its clock while it waits for the citizen"""
    _read_before(unit, caller, "pause", number)
    cases.pause(unit, number, body["reason"], by=caller)
    return _shown(unit, caller, number)


@bp.change(f"{NUMBER}/resume", CaseOut, match=True)
def resume(unit: Unit, caller: Account, number: str) -> Any:
    """Start its clock again"""
    _read_before(unit, caller, "resume", number)
    cases.resume(unit, number, by=caller)
    return _shown(unit, caller, number)


@bp.change(f"{NUMBER}/reassign", CaseOut, ReassignIn, match=True)
def reassign(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Make another agency the lead"""
    _read_before(unit, caller, "reassign", number)
    cases.reassign(unit, number, body["agency"], body["reason"], by=caller)
    return _shown(unit, caller, number)


@bp.change(f"{NUMBER}/merge", CaseOut, MergeIn, match=True)
def merge(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Join it to the case that it repeats"""
    _read_before(unit, caller, "merge", number, body["into"])
    cases.merge(unit, number, body["into"], by=caller)
    return _shown(unit, caller, number)


@bp.change(f"{NUMBER}/question", CaseOut, QuestionIn)
def ask(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Ask about it while it is being handled (giám sát)

    Its process goes on; whoever handles it answers, with a deadline of its own, and you are told.
    """
    cases.ask(unit, number, body["question"], by=caller)
    return _shown(unit, caller, number)


@bp.change(f"{NUMBER}/reopen", CaseOut, ReasonIn)
def reopen(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """It was not solved after all (phản ánh lại)"""
    cases.reopen(unit, number, body["reason"], by=caller)
    return _shown(unit, caller, number)


@bp.change(f"{NUMBER}/rating", CaseOut, RatingIn)
def rate(unit: Unit, caller: Account, body: dict[str, Any], number: str) -> Any:
    """Write down what the citizen thinks of the result"""
    cases.rate(unit, number, body["stars"], by=caller)
    return _shown(unit, caller, number)


def _read_before(unit: Unit, caller: Account, action: str, number: str, *others: str) -> None:
    """Args:
    others: further cases that are wanted in this unit, to be held together with it.
    """
    access.hold(unit, number, *others)
    unchanged(access.find(unit, caller, action, number).version)


def _shown(unit: Unit, caller: Account, number: str) -> Any:
    case = casefile.show(unit, caller, number)
    return case, tag(case["version"])
