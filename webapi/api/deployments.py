"""Deployments: versions of report types."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask import Response, request
from marshmallow import fields, validate
from werkzeug.exceptions import BadRequest

from engine import replays
from engine.people.access import Account
from engine.runtime import Unit
from engine.versions import anatomy, approvals, deployments, diffs
from webapi import auth, idempotency
from webapi.api.blueprint import Blueprint, Code, In, Out, Words, instant
from webapi.api.migrations import PreviewOut
from webapi.bodies import read

bp = Blueprint("deployments", "Versions of report types. A version never changes; a case keeps the one it began with.",
               largest="BODY_MAX")  # fmt: skip
STATE = "planned: comes into force later; parked: waits for approval"
WITH = "id of the deployment to compare with; left out: the one in force, else the one before"
IMPACT = "what would become of the running cases of the type, were they moved; null: for whoever may move cases only"
DEPLOYMENT = "/deployments/<key:definition_id>"
FILES_MAX = 100
FORM = {"type": "object", "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}}}
TABLE = {"type": "object", "additionalProperties": {"type": "string"}, "example": {"type.toml": "…"}}
FILES = {"required": True, "content": {"multipart/form-data": {"schema": FORM}, "application/json": {"schema": TABLE}}}


class DeploymentOut(Out):
    """A version of a report type."""

    id = fields.Integer()
    key = fields.String(metadata={"description": "the report type's code"})
    version = fields.Integer()
    current = fields.Boolean(metadata={"description": "new cases start with it"})
    checksum = fields.String()
    created_at = instant()
    created_by = fields.String()
    state = fields.String(
        validate=validate.OneOf(deployments.STATES), metadata={"description": STATE}
    )
    active_from = instant(allow_none=True, metadata={"description": "since when, or from when on, as decided last"})
    refused_at = instant(allow_none=True)
    refused_by = fields.String(allow_none=True)
    refused_reason = fields.String(allow_none=True)
    suspended_at = instant(allow_none=True, metadata={"description": "since then it starts no new cases"})
    suspended_reason = fields.String(allow_none=True)
    warnings = fields.List(fields.Dict())


class DecisionOut(Out):
    """That new cases start with a version, from then on."""

    active_from = instant()
    decided_at = instant()
    decided_by = fields.String()
    reason = fields.String(allow_none=True)


class DeploymentDetail(DeploymentOut):
    decisions = fields.List(fields.Nested(DecisionOut))
    files = fields.Function(lambda row: sorted(row["files"]), metadata={"type": "array", "items": {"type": "string"}})


class DeploymentsOut(Out):
    items = fields.List(fields.Nested(DeploymentOut))


class DeployedOut(Out):
    """What came of a deployment."""

    id = fields.Integer()
    key = fields.String()
    version = fields.Integer()
    unchanged = fields.Boolean(metadata={"description": "the newest version already had exactly these files"})
    parked = fields.Boolean(metadata={"description": "it waits for somebody else to approve it"})
    warnings = fields.List(fields.Dict())


class WhyIn(In):
    reason = Words(2_000, required=True)


class ActivateIn(WhyIn):
    active_from = instant(load_default=None, allow_none=True, metadata={"description": "left out: now"})


class DeploymentQuery(In):
    key = Code(metadata={"description": "a report type's code"})
    state = fields.String(validate=validate.OneOf(deployments.STATES))


class DeployQuery(In):
    active_from = instant(load_default=None, metadata={"description": "when new cases start with it; left out: now"})


class ChangeOut(Out):
    """One difference."""

    kind = fields.String(validate=validate.OneOf(anatomy.KINDS))
    how = fields.String(validate=validate.OneOf(diffs.HOW))
    aspect = fields.String(allow_none=True, metadata={"description": "what of it changed: group, condition, term …"})
    file = fields.String()
    id = fields.String(metadata={"description": "of the element, row, question, or entry of a table"})
    elements = fields.List(fields.String(), metadata={"description": "what to mark for it in either diagram"})
    vi = fields.String()
    en = fields.String()


class DifferenceOut(Out):
    """What differs in meaning between two versions."""

    old_id = fields.Integer(attribute="old.id")
    old_version = fields.Integer(attribute="old.version")
    new_id = fields.Integer(attribute="new.id", metadata={"description": "0: it is not deployed"})
    new_version = fields.Integer(attribute="new.version")
    changes = fields.List(fields.Nested(ChangeOut))
    renamed = fields.Dict(metadata={"description": "elements that only got another id: old -> new"})
    vi = fields.String()
    en = fields.String()
    impact = fields.Nested(PreviewOut, allow_none=True, metadata={"description": IMPACT})


class GroupOut(Out):
    """Cases of which the same is to be said."""

    vi = fields.String()
    en = fields.String()
    cases = fields.Integer()
    numbers = fields.List(fields.String(), metadata={"description": "the first of them that you may know of"})


class ReplayOut(Out):
    """What would have become of closed cases."""

    cases = fields.Integer(metadata={"description": "how many were looked at"})
    same = fields.Integer()
    changed = fields.Dict(metadata={"description": "how many would change path, agency, breach, outcome"})
    differences = fields.Dict(values=fields.List(fields.Nested(GroupOut)), metadata={"description": "by the same"})
    missing = fields.List(fields.Nested(GroupOut), metadata={"description": "need an answer that was never given"})
    held_up = fields.List(fields.Nested(GroupOut), metadata={"description": "a fault of the package would hold up"})
    left_out = fields.List(fields.Nested(GroupOut), metadata={"description": "cannot be replayed"})


class ReplayQuery(In):
    since = instant(required=True, metadata={"description": "closed from then on"})
    before = instant(required=True, metadata={"description": "closed before then"})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200), metadata={"description": "the newest"})


class DiffQuery(In):
    with_ = fields.Integer(data_key="with", load_default=None, validate=validate.Range(1, 2**53),
                           metadata={"description": WITH})  # fmt: skip


@bp.upload("/deployments", DeployedOut, DeployQuery, multipart__form_data=FORM, application__json=TABLE)
def deploy(query: dict[str, Any]) -> Any:
    """Deploy a report type

    Its files (type.toml, province.toml, process.bpmn, *.dmn, *.form and the processes it calls) as multipart/form-data,
    or as JSON: {file name: text}. Every fault is listed at once; nothing that has one is deployed.
    """
    return _submit(_uploaded(), **query)


def _submit(files: dict[str, str], active_from: datetime | None) -> Any:
    def store(unit: Unit, caller: Account) -> Any:
        made = deployments.submit(unit, files, active_from, by=caller)
        return made, 201, {"Location": f"/api/v1/deployments/{made.id}"}

    return idempotency.once(DeployedOut(), store)()


@bp.read("/deployments", DeploymentsOut, DeploymentQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Every version of every report type, newest first"""
    return {"items": deployments.list_versions(unit, **query)}


@bp.read(DEPLOYMENT, DeploymentDetail)
def show(unit: Unit, caller: Account, definition_id: int) -> Any:
    """One version, with the names of its files"""
    return deployments.show(unit, definition_id)


@bp.read(f"{DEPLOYMENT}/xml", None)
def xml(unit: Unit, caller: Account, definition_id: int) -> Any:
    """The diagram, exactly as it was deployed"""
    return Response(deployments.file(unit, definition_id, "process.bpmn"), mimetype="application/xml")


@bp.read(f"{DEPLOYMENT}/files/<name:file>", None)
def file(unit: Unit, caller: Account, definition_id: int, file: str) -> Any:
    """A file, exactly as it was deployed"""
    return Response(deployments.file(unit, definition_id, file), mimetype="text/plain")


@bp.read(f"{DEPLOYMENT}/diff", DifferenceOut, DiffQuery)
def diff(unit: Unit, caller: Account, query: dict[str, Any], definition_id: int) -> Any:
    """What it changes in meaning, and what that would be for running cases

    Where something was only moved in the drawing, nothing differs. Each change names what to mark in the diagram.
    """
    return diffs.of_versions(unit, definition_id, query["with_"], by=caller)


@bp.open("POST", "/deployments/diff", DifferenceOut)
@bp.arguments(DiffQuery, location="query")
@bp.doc(requestBody=FILES)
def diff_files(query: dict[str, Any]) -> Any:
    """The same for a package that is not deployed; nothing is stored"""
    files = _uploaded()
    return auth.admit(auth.runtime().read, lambda unit, caller: diffs.of_files(unit, files, query["with_"], by=caller))


@bp.open("POST", "/deployments/replay", ReplayOut)
@bp.arguments(ReplayQuery, location="query")
@bp.doc(requestBody=FILES)
def replay(query: dict[str, Any]) -> Any:
    """What would have become of closed cases, had this package been in force; nothing is stored

    Some ten cases a second. Every case is replayed in its own version, too: what does not go as recorded there is
    left out.
    """
    files = _uploaded()
    caller = auth.admit(auth.runtime().read, lambda unit, caller: caller)
    return replays.replay(auth.runtime(), files, **query, by=caller)


@bp.change(f"{DEPLOYMENT}/activate", DeploymentOut, ActivateIn)
def activate(unit: Unit, caller: Account, body: dict[str, Any], definition_id: int) -> Any:
    """Let new cases begin with it, now or later

    Also an earlier version, to go back to it. Running cases stay with theirs: see /migrations.
    """
    deployments.activate(unit, definition_id, **body, by=caller)
    return deployments.show(unit, definition_id)


@bp.change(f"{DEPLOYMENT}/approve", DeploymentOut, WhyIn)
def approve(unit: Unit, caller: Account, body: dict[str, Any], definition_id: int) -> Any:
    """Let a parked version come into force

    For anybody who may deploy, but who brought it.
    """
    approvals.approve(unit, definition_id, body["reason"], by=caller)
    return deployments.show(unit, definition_id)


@bp.change(f"{DEPLOYMENT}/refuse", DeploymentOut, WhyIn)
def refuse(unit: Unit, caller: Account, body: dict[str, Any], definition_id: int) -> Any:
    """Let a parked version never come into force"""
    approvals.refuse(unit, definition_id, body["reason"], by=caller)
    return deployments.show(unit, definition_id)


@bp.change(f"{DEPLOYMENT}/suspend", DeploymentOut, WhyIn)
def suspend(unit: Unit, caller: Account, body: dict[str, Any], definition_id: int) -> Any:
    """Let no further case begin with it

    Reports go to the version before; if there is none that takes them, to the province's general type. None is lost.
    """
    deployments.suspend(unit, definition_id, body["reason"], by=caller)
    return deployments.show(unit, definition_id)


@bp.change(f"{DEPLOYMENT}/release", DeploymentOut)
def release(unit: Unit, caller: Account, definition_id: int) -> Any:
    """Let new cases begin with it again"""
    deployments.release(unit, definition_id, by=caller)
    return deployments.show(unit, definition_id)


def _uploaded() -> dict[str, str]:
    if request.mimetype == "multipart/form-data":
        files = {part.filename or name: _text(part.filename or name, part.read())
                 for name, part in request.files.items(multi=True)}  # fmt: skip
        request.environ["thongsuot.content"] = json.dumps(files, sort_keys=True).encode()
    else:
        files = read(request)
    if not isinstance(files, dict) or not files or not all(isinstance(text, str) for text in files.values()):
        raise BadRequest('Send the files of one report type: multipart/form-data, or JSON {"type.toml": "…", …}.')
    if len(files) > FILES_MAX:
        raise BadRequest(f"A report type has at most {FILES_MAX} files.")
    return {name.replace("\\", "/").rsplit("/", 1)[-1]: text for name, text in files.items()}


def _text(name: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"The file {name!r} is not UTF-8 text.") from error
    if "\0" in text:
        raise BadRequest(f"The file {name!r} has a NUL character in it.")
    return text
