"""Moving running cases to another version of their report type."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.people.access import Account
from engine.runtime import Unit
from engine.versions import migrations
from webapi.api.blueprint import Blueprint, Code, In, Out, Words, instant

bp = Blueprint("migrations", "Running cases move to another version of their report type; due times do not.")
MIGRATION = "/migrations/<key:migration_id>"
ELEMENTS = {"description": "old element -> new one, where the ids differ; null: what waits there is given up"}


class ObstacleOut(Out):
    """Why some cases cannot be moved."""

    why = fields.String()
    cases = fields.Integer()
    numbers = fields.List(fields.String(), metadata={"description": "the first of them that you may know of"})


class PreviewOut(Out):
    """What would become of the running cases."""

    running = fields.Integer()
    can_move = fields.Integer()
    cannot = fields.List(fields.Nested(ObstacleOut))


class MigrationSummary(Out):
    """Cases on their way to another version."""

    id = fields.Integer()
    report_type = fields.String()
    province = fields.String()
    source_id = fields.Integer()
    target_id = fields.Integer()
    source_version = fields.Integer()
    target_version = fields.Integer()
    elements = fields.Dict()
    reason = fields.String()
    canary = fields.Integer(allow_none=True)
    state = fields.String(
        validate=validate.OneOf(["running", "canary", "done", "cancelled", "undoing", "undone"]),
        metadata={"description": "canary: the first have been moved; it waits for 'go-on' or 'undo'"},
    )
    created_at = instant()
    created_by = fields.String()
    finished_at = instant(allow_none=True)
    counts = fields.Dict(metadata={"description": "cases by state: waiting, moved, refused, gone, undone, kept"})


class MigrationOut(MigrationSummary):
    refused = fields.List(fields.Nested(ObstacleOut))
    kept = fields.List(fields.Nested(ObstacleOut), metadata={"description": "could not go back"})


class MigrationsOut(Out):
    items = fields.List(fields.Nested(MigrationSummary))


class PlanIn(In):
    source_id = fields.Integer(required=True, strict=True, metadata={"description": "id of the deployment they run in"})
    target_id = fields.Integer(required=True, strict=True, metadata={"description": "id of the one to move to"})
    elements = fields.Dict(keys=Words(200), values=Words(200, allow_none=True), load_default=dict, metadata=ELEMENTS)


class MigrationIn(PlanIn):
    reason = Words(2_000, required=True)
    canary = fields.Integer(strict=True, validate=validate.Range(1), allow_none=True, load_default=None,
                            metadata={"description": "move so many, then wait"})  # fmt: skip
    numbers = fields.List(Code(), load_default=None, validate=validate.Length(1, 1000),
                          metadata={"description": "only these cases"})  # fmt: skip


class MigrationQuery(In):
    report_type = Code()


@bp.read("/migrations", MigrationsOut, MigrationQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """The newest hundred, newest first"""
    return {"items": migrations.list(unit, **query, by=caller)}


@bp.change("/migrations/preview", PreviewOut, PlanIn)
def preview(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """How many running cases could be moved, and why others could not; nothing is changed"""
    _, target = migrations.planned(unit, body["source_id"], body["target_id"], body["elements"], by=caller)
    return migrations.preview(unit, target, body["source_id"], body["elements"], by=caller)


@bp.create("/migrations", MigrationOut, MigrationIn)
def create(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """Move all running cases of a version to another

    Workers do it case by case; look at it for its progress.
    """
    made = migrations.start(unit, **body, by=caller)
    return migrations.show(unit, made, by=caller), 201, {"Location": f"/api/v1/migrations/{made}"}


@bp.read(MIGRATION, MigrationOut)
def show(unit: Unit, caller: Account, migration_id: int) -> Any:
    """How far it is, and which cases could not be moved"""
    return migrations.show(unit, migration_id, by=caller)


@bp.change(f"{MIGRATION}/go-on", MigrationOut)
def go_on(unit: Unit, caller: Account, migration_id: int) -> Any:
    """The first cases are well: move the others, too"""
    migrations.go_on(unit, migration_id, by=caller)
    return migrations.show(unit, migration_id, by=caller)


@bp.change(f"{MIGRATION}/cancel", MigrationOut)
def cancel(unit: Unit, caller: Account, migration_id: int) -> Any:
    """Move no further cases"""
    migrations.cancel(unit, migration_id, by=caller)
    return migrations.show(unit, migration_id, by=caller)


@bp.change(f"{MIGRATION}/undo", MigrationOut)
def undo(unit: Unit, caller: Account, migration_id: int) -> Any:
    """Put back the cases that have not gone on since"""
    migrations.undo(unit, migration_id, by=caller)
    return migrations.show(unit, migration_id, by=caller)
