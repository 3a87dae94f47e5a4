"""Variables of running cases, ``number:ket_qua``."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from flask import Blueprint

from engine.errors import InvalidRequest
from engine.people import access
from engine.runtime import Unit
from webapi.camunda import door, instances, values
from webapi.camunda.ids import definition_id

bp = Blueprint("variables", __name__, url_prefix="/variable-instance")
CASES_MAX = 50


@bp.route("", methods=["GET", "POST"])
@door.reads
def index(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    found = door.sort(wanted, _some(unit, by, wanted), {"variableName": itemgetter("name")})
    return found[offset : offset + limit]


@bp.route("/count", methods=["GET", "POST"])
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return {"count": len(_some(unit, by, door.asked()))}


@bp.get("/<string:text>")
@door.reads
def show(unit: Unit, by: Any, text: str) -> Any:
    door.known(door.asked(), "deserializeValue")
    number, _, name = text.partition(":")
    found = _some(unit, by, {"processInstanceIdIn": number, "variableName": name})
    if not found:
        raise instances.no_variable(name)
    return found[0]


@bp.get("/<string:text>/data")
@door.reads
def data(unit: Unit, by: Any, text: str) -> Any:
    number, _, name = text.partition(":")
    return instances.data_of_variable(unit, by, number, name)


def _some(unit: Unit, by: Any, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the cases named: what is looked for in all of them would be read out of every case's state."""
    given = door.known(wanted, "processInstanceIdIn", "executionIdIn", "variableName", "deserializeValues")
    asked = door.several(given, "processInstanceIdIn", "executionIdIn")
    if not 1 <= len(asked) <= CASES_MAX:
        raise InvalidRequest(f"Name 1 to {CASES_MAX} cases.", field="processInstanceIdIn")
    found = []
    for number in dict.fromkeys(asked):
        case = access.find(unit, by, "read", number)
        version = unit.catalogue.pinned(unit, case.definition_id).version
        names = [given["variableName"]] if "variableName" in given else None
        about = {
            "processDefinitionId": definition_id(case.report_type, version, case.definition_id),
            "processInstanceId": number, "executionId": number, "activityInstanceId": number, "caseInstanceId": None,
            "caseExecutionId": None, "taskId": None, "batchId": None, "tenantId": None, "errorMessage": None,
        }  # fmt: skip
        known = values.all_typed(instances.data_of_case(unit, by, case), names)
        found += [{"id": f"{number}:{name}", "name": name, **value, **about} for name, value in known.items()]
    return found
