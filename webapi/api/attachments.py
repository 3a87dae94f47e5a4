"""Files that belong to a case."""

from __future__ import annotations

from typing import Any

from flask import current_app, request, url_for
from marshmallow import fields
from werkzeug.exceptions import BadRequest

from engine.channels import fetches
from engine.files import attachments, reading
from engine.people import access
from engine.people.access import Account
from engine.runtime import Unit
from webapi import attached, auth, idempotency
from webapi.api.blueprint import Blueprint, Out, PageQuery, instant, page_of

bp = Blueprint("attachments", "Photos, recordings, papers. What a file is, is found from what is in it.",
               largest="BODY_MAX")  # fmt: skip
FILES = "/cases/<name:number>/attachments"
FORM = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}


class AttachmentOut(Out):
    id = fields.Integer()
    at = instant()
    author = fields.String()
    name = fields.String()
    media_type = fields.String()
    size = fields.Integer(metadata={"description": "bytes"})
    sha256 = fields.String()


class ListedOut(AttachmentOut):
    withheld = fields.Boolean(metadata={"description": "from those behind the veil, until it is released"})


class ReleasedOut(Out):
    id = fields.Integer()


@bp.read(FILES, page_of(ListedOut, "attachment"), PageQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any], number: str) -> Any:
    """The files of a case, oldest first"""
    return reading.of_case(unit, caller, number, **query)


@bp.upload(FILES, AttachmentOut, multipart__form_data=FORM)
def create(number: str) -> Any:
    """Add a file: multipart/form-data with the part ``file``"""
    _ask(number)
    part = request.files.get("file")
    if part is None:
        raise BadRequest("Send multipart/form-data with the part 'file'.")
    stored = attached.store().put(part.stream, current_app.config["BODY_MAX"])
    request.environ["thongsuot.content"] = f"{stored.sha256} {part.filename}".encode()
    return _add(number, stored, part.filename or "")


@auth.reads
def _ask(unit: Unit, caller: Account, number: str) -> None:
    """Nobody fills our disk who may not."""
    access.find(unit, caller, "attach", number)


def _add(number: str, stored: attachments.Stored, name: str) -> Any:
    def describe(unit: Unit, caller: Account) -> Any:
        row = attachments.add(unit, number, stored, name, by=caller)
        return row, 201, {"Location": url_for("attachments.download", number=number, attachment_id=row.id)}

    return idempotency.once(AttachmentOut(), describe)()


@bp.read(f"{FILES}/<key:attachment_id>", None)
def download(unit: Unit, caller: Account, number: str, attachment_id: int) -> Any:
    """A file's content

    Shown in place only if it is a picture or a PDF; anything else is for saving. Who may not know who reported gets a
    photo, a film or a sound (JPEG, PNG, WebP, HEIC, AVIF, MP4, MOV, 3GP, M4A) without what it says beside what is to be
    seen and heard: so it is not what ``sha256`` says. Of any other kind they get what is not ``withheld`` (403).
    """
    return attached.shown(*reading.open_one(unit, caller, number, attachment_id))


@bp.change(f"{FILES}/<key:attachment_id>/release", ReleasedOut)
def release(unit: Unit, caller: Account, number: str, attachment_id: int) -> Any:
    """Let those who may not know who reported have a file: you have looked at it"""
    reading.release(unit, number, attachment_id, by=caller)
    return {"id": attachment_id}


class WithheldOut(Out):
    """A case with files that wait to be released."""

    number = fields.String()
    files = fields.Integer(attribute="many")
    since = instant(attribute="at")


@bp.read("/attachments/waiting", page_of(WithheldOut, "waiting case"), PageQuery)
def waiting(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Open cases with withheld files that you can release, the one that has waited longest first"""
    return reading.waiting_page(unit, caller, **query)


class FetchOut(Out):
    """A file that was sent by chat, as a link."""

    id = fields.Integer()
    url = fields.String()
    state = fields.String(metadata={"description": "waiting, done or dead"})
    created_at = instant()
    due_at = instant(metadata={"description": "when it is tried, while it waits"})
    attempts = fields.Integer()
    last_error = fields.String(allow_none=True)
    attachment_id = fields.Integer(allow_none=True, metadata={"description": "the file, once it is here"})


class FetchesOut(Out):
    items = fields.List(fields.Nested(FetchOut))


@bp.read("/cases/<name:number>/links", FetchesOut)
def links(unit: Unit, caller: Account, number: str) -> Any:
    """The files that were sent by chat, and whether they could be fetched"""
    return {"items": fetches.of_case(unit, caller, number)}


@bp.change("/cases/<name:number>/links/<key:fetch_id>/retry", FetchOut)
def retry(unit: Unit, caller: Account, number: str, fetch_id: int) -> Any:
    """Try again to fetch a file that was given up"""
    return fetches.retry(unit, number, fetch_id, by=caller)
