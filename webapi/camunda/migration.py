"""Migration of process instances, as Camunda's clients ask for it: a plan, its validation, its execution.

Cases are named by ``processInstanceIds``; without, all that run in the version are moved. A query is refused rather
than misunderstood. Both ``execute`` and ``executeAsync`` are done by workers (docs/migrating.md).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from engine.errors import InvalidRequest
from engine.flow.transfer import Elements
from engine.runtime import Unit
from engine.versions import migrations
from webapi.camunda import batches, door
from webapi.camunda.ids import read_definition_id

bp = Blueprint("migration", __name__, url_prefix="/migration")
REASON = "Camunda: migration"


@bp.post("/generate")
@door.changes
def generate(unit: Unit, by: Any) -> Any:
    """Every element that both versions have stays itself."""
    body = door.known(door.sent(), "sourceProcessDefinitionId", "targetProcessDefinitionId", "updateEventTriggers",
                      "variables")  # fmt: skip
    source, target = migrations.planned(unit, *_versions(body), {}, by=by)
    there = target.machine.definition.nodes
    same = [_instruction(one, one) for one in source.machine.definition.nodes if one in there]
    return {"sourceProcessDefinitionId": body["sourceProcessDefinitionId"],
            "targetProcessDefinitionId": body["targetProcessDefinitionId"], "instructions": same,
            "variables": {}}  # fmt: skip


@bp.post("/validate")
@door.changes
def validate(unit: Unit, by: Any) -> Any:
    """What keeps running cases from being moved by a plan; elements it does not name keep their ids."""
    source_id, target_id, elements = _plan(door.sent())
    _, target = migrations.planned(unit, source_id, target_id, elements, by=by)
    found = migrations.preview(unit, target, source_id, elements, by=by)
    return {"instructionReports": [{"instruction": None, "failures": [f"{one.why} ({one.cases})"]}
                                   for one in found.cannot], "variableReports": {}}  # fmt: skip


@bp.post("/execute")
@door.changes
def execute(unit: Unit, by: Any) -> Any:
    _start(unit, by)


@bp.post("/executeAsync")
@door.changes
def execute_async(unit: Unit, by: Any) -> Any:
    return batches.of_migration(unit, by, _start(unit, by))


def _start(unit: Unit, by: Any) -> int:
    body = door.known(door.sent(), "migrationPlan", "processInstanceIds", "processInstanceQuery",
                      "skipCustomListeners", "skipIoMappings")  # fmt: skip
    if body.get("processInstanceQuery"):
        raise InvalidRequest("Name the cases by processInstanceIds, or leave them out.", field="processInstanceQuery")
    numbers = door.some(door.sent(), "processInstanceIds")
    source_id, target_id, elements = _plan(body.get("migrationPlan") or {})
    return migrations.start(unit, source_id, target_id, REASON, elements, numbers=numbers or None, by=by)


def _plan(body: dict[str, Any]) -> tuple[int, int, Elements]:
    given = door.known(body, "sourceProcessDefinitionId", "targetProcessDefinitionId", "instructions", "variables")
    elements: dict[str, str | None] = {}
    for one in door.tables(given, "instructions", "sourceActivityIds, targetActivityIds"):
        old, new = door.several(one, "sourceActivityIds"), door.several(one, "targetActivityIds")
        if len(old) != 1 or len(new) != 1:
            raise InvalidRequest("An instruction leads from one activity to one activity.", field="instructions")
        if old != new:
            elements[old[0]] = new[0]
    return (*_versions(given), elements)


def _versions(body: dict[str, Any]) -> tuple[int, int]:
    names = ("sourceProcessDefinitionId", "targetProcessDefinitionId")
    source, target = (read_definition_id(str(door.text(body, name, required=True))) for name in names)
    return source, target


def _instruction(old: str, new: str) -> dict[str, Any]:
    return {"sourceActivityIds": [old], "targetActivityIds": [new], "updateEventTrigger": False}
