"""Calls and messages, what the keys of the telephone mean, and the figures made of both."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, render_template
from marshmallow import fields, validate

from engine import branches, contacts
from engine.channels import telephone
from engine.intake import CHANNEL_NAMES, CHANNELS
from engine.model.contacts import OUTCOMES
from engine.people.access import Account
from engine.runtime import Unit
from engine.statistics import days, figures
from engine.terms.calendar import ZONE
from webapi import tabular
from webapi.api.blueprint import Blueprint, Code, Flag, In, Out, PageQuery, Words, instant, page_of, province_of

bp = Blueprint("contacts", "Every call and message, whatever becomes of it; the keys of the telephone; the figures.")
CONTACT = "/contacts/<key:contact_id>"
_SAID = tuple(outcome for outcome in OUTCOMES if outcome != "case")


class ContactOut(Out):
    """A call or a message. Nothing here says who it was."""

    id = fields.Integer()
    province = fields.String()
    direction = fields.String(metadata={"description": "in or out"})
    channel = fields.String()
    branch = fields.String(allow_none=True)
    call_id = fields.String(allow_none=True)
    started_at = instant()
    answered_at = instant(allow_none=True)
    ended_at = instant(allow_none=True)
    outcome = fields.String(allow_none=True, metadata={"description": f"{', '.join(OUTCOMES)}; null: not known yet"})
    topic = fields.String(allow_none=True)
    area = fields.String(allow_none=True)
    agency = fields.String(allow_none=True)
    leg_of = fields.Integer(allow_none=True, metadata={"description": "the call for which this second one was made"})


class LegIn(In):
    """For which call a call was made: to ask whom the caller is to be put through to."""

    leg_of = fields.Integer(required=True, allow_none=True, metadata={"description": "id; null: for none"})


class ContactListed(ContactOut):
    case = fields.String(allow_none=True, metadata={"description": "number of the case it became"})
    line = fields.String(metadata={"description": "of the report on which it counts"})


class EndIn(In):
    """What is known by now of a contact."""

    outcome = fields.String(validate=validate.OneOf(_SAID))
    topic = Words(contacts.TOPIC_MAX, metadata={"description": "in a few words, never about a person"})
    branch = fields.String(validate=validate.Regexp(branches.KEY, error=branches.KEY_SAID))
    area = Code()
    agency = Code(metadata={"description": "who took it; else the caller's own"})
    answered_at = instant()
    ended_at = instant()


class ContactIn(EndIn):
    """A contact; answered at once, this is all there is to say."""

    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    province = Code(metadata={"description": "else the caller's own"})
    direction = fields.String(load_default="in", validate=validate.OneOf(["in", "out"]))
    call_id = Words(200, metadata={"description": "what the exchange calls it: the same one is noted once"})
    started_at = instant()


class Period(In):
    """From an instant on, and before another."""

    province = Code(metadata={"description": "else the caller's own"})
    begins = instant(required=True, data_key="from")
    ends = instant(required=True, data_key="to")


class FiguresQuery(Period):
    since = instant(metadata={"description": "count from then until `to`, too"})


class ContactQuery(PageQuery, Period):
    line = fields.String(validate=validate.OneOf(list(figures.NAMES)))
    branch = fields.String()
    channel = fields.String()
    agency = Code(metadata={"description": "who took it"})


class BranchOut(Out):
    key = fields.String()
    name = fields.String()
    report_type = fields.String(allow_none=True)
    agency = fields.String(allow_none=True)
    transfer_to = fields.String(allow_none=True)
    closed = Flag()
    valid_from = instant()


class BranchesOut(Out):
    items = fields.List(fields.Nested(BranchOut))


class BranchIn(In):
    """What a key means from an instant on."""

    province = Code(metadata={"description": "else the caller's own"})
    key = fields.String(required=True, validate=validate.Regexp(branches.KEY, error=branches.KEY_SAID))
    name = Words(200, required=True)
    report_type = Code()
    agency = Code()
    transfer_to = Words(20)
    closed = fields.Boolean(load_default=False, metadata={"description": "pressed in vain from then on"})
    valid_from = instant(metadata={"description": "else now; never in the past"})


class BranchQuery(In):
    province = Code(metadata={"description": "else the caller's own"})
    at = instant(metadata={"description": "else now"})
    key = fields.String(metadata={"description": "everything this key has meant and will mean instead"})


class LinesOut(Out):
    """How many contacts came in, and on which line each fell."""

    received = fields.Integer()
    answered = fields.Integer()
    transferred = fields.Integer()
    open = fields.Integer()
    missed = fields.Integer()
    refused = fields.Integer()
    complaints = fields.Integer(metadata={"description": "complaints and denunciations, which are no petitions"})
    unknown = fields.Integer(metadata={"description": "ended without anybody saying how"})
    unexplained = fields.Integer(metadata={"description": "what the sum of the outcomes lacks; 0: balanced"})


class KeyOut(Out):
    key = fields.String()
    name = fields.String(allow_none=True)
    lines = fields.Nested(LinesOut)


class ChannelOut(Out):
    channel = fields.String()
    lines = fields.Nested(LinesOut)


class AgencyLinesOut(Out):
    key = fields.String(allow_none=True, metadata={"description": "who took it; null: nobody"})
    name = fields.String(allow_none=True)
    lines = fields.Nested(LinesOut)


class TopicOut(Out):
    topic = fields.String()
    contacts = fields.Integer()


class ClosedOut(Out):
    at = instant()
    href = fields.String(metadata={"description": "what was reported of it, and what has changed since"})


class FiguresOut(Out):
    """A period's report."""

    province = fields.String()
    begins = instant(data_key="from")
    ends = instant(data_key="to")
    balanced = Flag()
    lines = fields.Nested(LinesOut)
    by_key = fields.List(fields.Nested(KeyOut))
    by_channel = fields.List(fields.Nested(ChannelOut))
    by_agency = fields.List(fields.Nested(AgencyLinesOut))
    topics = fields.List(fields.Nested(TopicOut))
    calls_out = fields.Integer()
    consultations = fields.Integer()
    since = instant(allow_none=True)
    cumulative = fields.Nested(LinesOut, allow_none=True)
    closed = fields.Nested(ClosedOut, allow_none=True, metadata={"description": "null: no day, or not closed"})
    behind = fields.Dict(metadata={"description": "where the contacts of each line are listed"})


# -- contacts --------------------------------------------------------------------------------------------------------


@bp.create("/contacts", ContactOut, ContactIn)
def create(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """Note a call or a message

    One that is answered at once is complete with this; one that becomes a case is named in POST /reports.
    """
    row = contacts.begin(unit, province_of(body, caller), body, by=caller)
    return row, 201, {"Location": f"/api/v1/contacts/{row.id}"}


@bp.change(CONTACT, ContactOut, EndIn, method="PATCH")
def end(unit: Unit, caller: Account, body: dict[str, Any], contact_id: int) -> Any:
    """Say what became of it, or what else is known by now"""
    return contacts.end(unit, contact_id, body, by=caller)


@bp.change(f"{CONTACT}/leg", ContactOut, LegIn, method="PUT")
def join(unit: Unit, caller: Account, body: dict[str, Any], contact_id: int) -> Any:
    """Say for which call it was made, where the exchange has not told

    It stands in no figure then; if that call has ended while this one went on, the caller has been put through.
    """
    return telephone.joins(unit, contact_id, body["leg_of"], by=caller)


@bp.read("/contacts", page_of(ContactListed, "contact"), ContactQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """The contacts behind a figure, oldest first"""
    province = province_of(query, caller)
    rest = {name: value for name, value in query.items() if name != "province"}
    return figures.behind(unit, caller, province, **rest)


# -- the keys --------------------------------------------------------------------------------------------------------


@bp.read("/branches", BranchesOut, BranchQuery)
def list_branches(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """What the keys mean now, or meant at an instant"""
    province = province_of(query, caller)
    if "key" in query:
        return {"items": branches.history(unit, province, query["key"])}
    return {"items": branches.at(unit, province, query.get("at") or unit.now)}


@bp.create("/branches", BranchOut, BranchIn)
def declare_branch(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """Say what a key means from now on, or from an instant on"""
    row = branches.declare(unit, province_of(body, caller), body, by=caller)
    return row, 201, {"Location": f"/api/v1/branches?key={row.key}"}


# -- figures ---------------------------------------------------------------------------------------------------------


@bp.read("/figures", FiguresOut, FiguresQuery)
def show_figures(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """The report of a day or any period (F.1)

    Every contact is on exactly one line; `unexplained` says by how much a report is out of balance.
    """
    made = _figures(unit, caller, query)
    return tabular.as_answer(made) | {"closed": _closed(unit, made)}


@bp.read("/figures.csv", None, FiguresQuery)
def figures_as_csv(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """The same for a spreadsheet"""
    text = tabular.as_csv(_figures(unit, caller, query))
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": 'attachment; filename="1022.csv"'})


@bp.read("/figures.xlsx", None, FiguresQuery)
def figures_as_workbook(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """The same as an Excel workbook"""
    return Response(
        tabular.as_workbook(_figures(unit, caller, query)),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": 'attachment; filename="1022.xlsx"'},
    )


@bp.read("/figures.html", None, FiguresQuery)
def figures_as_page(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """The same as a page to print"""
    report = _figures(unit, caller, query)
    keys = [(f"Phím {key}" + (f" – {name}" if name else ""), lines) for key, name, lines in report.by_key]
    channels = [(CHANNEL_NAMES.get(channel, channel), lines) for channel, lines in report.by_channel]
    agencies = [(tabular.agency_name(key, name), lines) for key, name, lines in report.by_agency]
    page = render_template(
        "figures.html", report=report, keys=keys, channels=channels, agencies=agencies, names=figures.NAMES, zone=ZONE
    )
    return Response(page)


def _closed(unit: Unit, made: figures.Figures) -> dict[str, Any] | None:
    found = days.closed(unit, made.province, made.begins, made.ends)
    return found and found | {"href": f"/api/v1/days/{found['day']}?province={made.province}"}


def _figures(unit: Unit, caller: Account, query: dict[str, Any]) -> figures.Figures:
    since: datetime | None = query.get("since")
    return figures.report(
        unit, caller, province_of(query, caller), query["begins"], query["ends"], since
    )
