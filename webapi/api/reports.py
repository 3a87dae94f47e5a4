"""A report arrives."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine import branches, duplicates, intake, queries
from engine.people.access import Account
from engine.runtime import Unit
from webapi import limits
from webapi.api.blueprint import PREFIX, Blueprint, Code, In, Out, Words, instant
from webapi.api.tasks import NextTaskOut

bp = Blueprint("reports", "A citizen's report, from any channel, becomes a case.")


class PersonIn(In):
    """Somebody who reports, or who needs help; everything is optional."""

    name = Words(120)
    phone = Words(20, metadata={"description": "0912345678 or +84912345678"})
    email = Words(120)
    address = Words(300)
    zalo = Words(80, metadata={"description": "the Zalo user id"})
    facebook = Words(80, metadata={"description": "the id of whoever wrote to the page (PSID)"})
    viber = Words(80, metadata={"description": "the id of whoever wrote to the bot"})
    kind = fields.String(load_default="ca_nhan", validate=validate.OneOf(intake.KINDS))
    anonymous = fields.Boolean(load_default=False)

    def make(self, said: dict[str, Any]) -> intake.Person:
        return intake.Person(**said)


class ReportIn(In):
    """What a citizen tells us."""

    report_type = Code(required=True, metadata={"description": "a code from GET /report-types"})
    answers = fields.Dict(
        keys=fields.String(), required=True,
        metadata={"description": "what the type's intake form asks for: GET /report-types/{code}"},
    )  # fmt: skip
    channel = fields.String(load_default="web", validate=validate.OneOf(intake.CHANNELS))
    area = Code(metadata={"description": "code of the district it is about, or of a commune in it: GET /areas"})
    place = Words(300, shortest=0, load_default="")
    reporter = fields.Nested(PersonIn)
    beneficiary = fields.Nested(PersonIn, metadata={"description": "who needs help, if not the reporter"})
    severity = Code(metadata={"description": "as the type's rules name it"})
    branch = fields.String(
        validate=validate.Regexp(branches.KEY, error=branches.KEY_SAID),
        metadata={"description": "the keys the caller pressed: 5, or 5.1"}
    )
    contact = fields.Integer(
        strict=True, validate=validate.Range(1, 2**53), metadata={"description": "POST /contacts: the call it came by"}
    )
    subject = Words(120, shortest=0, load_default="", metadata={"description": "one line; else taken from the answers"})

    def make(self, said: dict[str, Any]) -> intake.Report:
        return intake.Report(**said)


class ReceiptOut(Out):
    """What to tell the citizen. The secret is shown here and nowhere else."""

    number = fields.String()
    secret = fields.String(metadata={"description": "for GET /track/{number}"})
    track = fields.String(metadata={"description": "path of the tracking door, without the secret"})
    tasks = fields.List(fields.Nested(NextTaskOut), metadata={"description": "what it waits for, as you may see it"})
    note = fields.String(allow_none=True, metadata={"description": "tell the citizen this, too"})


@bp.create("/reports", ReceiptOut, ReportIn, ahead=intake.number)
def receive(unit: Unit, caller: Account, report: intake.Report) -> Any:
    """Send a report

    Once this answers 201, the report cannot be lost.
    """
    limits.report(unit, report.channel, caller.login, report.report_type)
    receipt = intake.receive(unit, report, by=caller)
    waiting = queries.open_tasks(unit, caller, receipt.case_id)
    body = {"number": receipt.number, "secret": receipt.secret, "track": f"{PREFIX}/track/{receipt.number}",
            "tasks": waiting, "note": receipt.note}  # fmt: skip
    return body, 201, {"Location": f"{PREFIX}/cases/{receipt.number}"}


class SimilarQuery(In):
    """What the caller has said so far."""

    phone = Words(20, metadata={"description": "of the reporter, or of whoever needs help"})
    place = Words(300, shortest=0, load_default="", metadata={"description": "marks and capitals make no difference"})
    report_type = Code(metadata={"description": "only of this type"})
    days = fields.Integer(
        load_default=duplicates.DAYS, validate=validate.Range(1, duplicates.DAYS_MAX),
        metadata={"description": "how many to look back"},
    )  # fmt: skip


class SimilarOut(Out):
    """A case that may be about the same thing."""

    number = fields.String()
    report_type = fields.String()
    status = fields.String()
    outcome = fields.String(allow_none=True)
    area = fields.String(allow_none=True)
    opened_at = instant()
    same = fields.List(fields.String(validate=validate.OneOf(["phone", "place"])), metadata={"description": "as what"})


class SimilarList(Out):
    """Cases that may be about the same thing, newest first."""

    items = fields.List(fields.Nested(SimilarOut))


@bp.read("/reports/similar", SimilarList, SimilarQuery)
def similar(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Cases of the last days with the same telephone number or place

    For whoever takes down a report: among the cases whose people they may see.
    """
    wanted = (query.get("phone"), query["place"], query.get("report_type"), query["days"])
    return {"items": duplicates.of_report(unit, *wanted, by=caller)}
