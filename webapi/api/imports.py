"""Lists of people that become cases."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import request, url_for
from marshmallow import fields
from werkzeug.exceptions import BadRequest

from engine.people.access import Account
from engine.runtime import Unit
from engine.sheets import imports, lists
from webapi import idempotency
from webapi.api.blueprint import Blueprint, Out, PageQuery, instant, page_of

bp = Blueprint("imports", "Lists of people that become cases: a dry run first, then the import.", largest="BODY_MAX")
ONE = "/imports/<key:import_id>"
FORM = {"type": "object", "required": ["file", "report_type"],
        "properties": {"file": {"type": "string", "format": "binary"}, "report_type": {"type": "string"},
                       "dry_run": {"type": "string", "enum": ["true", "false"]}}}  # fmt: skip


class RefusedRow(Out):
    row = fields.Integer(metadata={"description": "as a spreadsheet numbers it"})
    vi = fields.String()
    en = fields.String()
    duplicate = fields.Boolean(metadata={"description": "a row above has the same telephone number"})


class ImportSummary(Out):
    """A list that was sent."""

    id = fields.Integer()
    province = fields.String()
    report_type = fields.String()
    name = fields.String()
    dry_run = fields.Boolean()
    state = fields.String(metadata={"description": "ready (looked at), waiting (being taken up), done, cancelled"})
    total = fields.Integer(metadata={"description": "rows with anything in them"})
    creatable = fields.Integer(metadata={"description": "how many would become cases, when the file came"})
    position = fields.Integer(metadata={"description": "how many of those have been taken up"})
    created = fields.Integer()
    running = fields.Integer(metadata={"description": "had an open case of the type already"})
    duplicates = fields.Integer(metadata={"description": "refused, for a row above has the same telephone number"})
    created_at = instant()
    created_by = fields.String()
    finished_at = instant(allow_none=True)


class ImportOut(ImportSummary):
    refusals = fields.List(fields.Nested(RefusedRow))
    unread = fields.List(fields.String(), metadata={"description": "Headers of columns that were left out."})


class KeptRow(Out):
    position = fields.Integer(metadata={"description": "the row, as a spreadsheet numbers it"})
    person = fields.Dict()
    answers = fields.Dict()
    area = fields.String(allow_none=True, metadata={"description": "the district's code, where the list names it"})
    place = fields.String(allow_none=True)
    running = fields.Boolean(metadata={"description": "has an open case of the type: becomes none"})


@bp.upload("/imports", ImportOut, multipart__form_data=FORM)
def create() -> Any:
    """Send a list (XLSX, or CSV in UTF-8): multipart/form-data with ``file``, ``report_type`` and ``dry_run``"""
    name, content, report_type, dry_run = _sent()
    request.environ["thongsuot.content"] = f"{hashlib.sha256(content).hexdigest()} {report_type} {dry_run}".encode()

    def put(unit: Unit, caller: Account) -> Any:
        row = imports.put(unit, report_type, name, content, dry_run=dry_run == "true", by=caller)
        return row, 201, {"Location": url_for("imports.show", import_id=row.id)}

    return idempotency.once(ImportOut(), put)()


def _sent() -> tuple[str, bytes, str, str]:
    """Name and content of the file, and what else the form says."""
    part, dry_run = request.files.get("file"), request.form.get("dry_run", "true")
    report_type = request.form.get("report_type")
    if part is None or not report_type or dry_run not in ("true", "false"):
        raise BadRequest("Send multipart/form-data with 'file', 'report_type', and 'dry_run' (true or false).")
    with part.stream:
        content = part.stream.read(lists.BYTES_MAX + 1)
    if len(content) > lists.BYTES_MAX:
        raise lists.too_large()
    return part.filename or "", content, report_type, dry_run


@bp.read("/imports", page_of(ImportSummary, "import"), PageQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """The lists that were sent, newest first"""
    return imports.index(unit, caller, **query)


@bp.read(ONE, ImportOut)
def show(unit: Unit, caller: Account, import_id: int) -> Any:
    """How far it is, and which rows were refused"""
    return imports.show(unit, caller, import_id)


@bp.read(f"{ONE}/rows", page_of(KeptRow, "row"), PageQuery)
def rows(unit: Unit, caller: Account, query: dict[str, Any], import_id: int) -> Any:
    """What was understood of a list that can be started, for who sent it"""
    return imports.rows(unit, caller, import_id, **query)


@bp.change(f"{ONE}/start", ImportOut)
def start(unit: Unit, caller: Account, import_id: int) -> Any:
    """Have what a dry run understood become cases; a second time it is the same import"""
    return imports.start(unit, import_id, by=caller)


@bp.change(f"{ONE}/cancel", ImportOut)
def cancel(unit: Unit, caller: Account, import_id: int) -> Any:
    """Take up no more rows; the cases made so far stay"""
    return imports.cancel(unit, import_id, by=caller)
