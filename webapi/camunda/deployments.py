"""What the stock Camunda Modeler needs to deploy here."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import BadRequest

from engine.errors import NotFound
from engine.runtime import Unit
from engine.versions import deployments
from webapi.camunda import door, values
from webapi.camunda.definitions import described

PARKED = {"file": "process.bpmn", "message": "It comes into force when somebody else has approved it."}
bp = Blueprint("deployments", __name__, url_prefix="/deployment")
_SORTED = {"id": itemgetter("id"), "name": itemgetter("key"), "deploymentTime": itemgetter("created_at")}


@bp.before_request
def limit_body() -> None:
    request.max_content_length = current_app.config["BODY_MAX"]


@bp.post("/create")
@door.changes
def create(unit: Unit, by: Any) -> Any:
    """A diagram, and the tables and forms beside it, take the place of those of its report type.

    A version that waits for approval is deployed, too: the Modeler shows its id and leads to its page, which says so.
    """
    name, when = request.form.get("deployment-name", ""), request.form.get("deployment-activation-time")
    active_from = values.read_instant(when, "deployment-activation-time") if when else None
    deployed = deployments.amend(unit, _files(), name, request.form.get("tenant-id") or None, active_from, by=by)
    row = deployments.show(unit, deployed.id)
    definition = described(unit, row)
    made = None if deployed.unchanged else {definition["id"]: definition}
    warnings = deployed.warnings + ([PARKED] if deployed.parked else [])
    return _deployment(row) | {
        "name": name or row["key"], "source": request.form.get("deployment-source"),
        "deployedProcessDefinitions": made, "deployedCaseDefinitions": None, "deployedDecisionDefinitions": None,
        "deployedDecisionRequirementsDefinitions": None, "details": _warnings(warnings),
    }  # fmt: skip


@bp.get("")
@door.reads
def index(unit: Unit, by: Any) -> Any:
    wanted = door.known(door.asked(), "id", "name")
    limit, offset = door.window(wanted)
    rows = door.sort(wanted, _rows(unit, wanted), _SORTED)
    return [_deployment(row) for row in rows[offset : offset + limit]]


@bp.get("/count")
@door.reads
def count(unit: Unit, by: Any) -> Any:
    wanted = door.known(door.asked(), "id", "name")
    return {"count": len(_rows(unit, wanted))}


@bp.get("/registered")
@door.reads
def registered(unit: Unit, by: Any) -> Any:
    """Whose cases run here: all."""
    return [str(row["id"]) for row in _rows(unit, {})]


@bp.get("/<key:row_id>")
@door.reads
def show(unit: Unit, by: Any, row_id: int) -> Any:
    return _deployment(deployments.show(unit, row_id))


@bp.get("/<key:row_id>/resources")
@door.reads
def resources(unit: Unit, by: Any, row_id: int) -> Any:
    names = sorted(deployments.show(unit, row_id)["files"])
    return [{"id": name, "name": name, "deploymentId": str(row_id)} for name in names]


@bp.get("/<key:row_id>/resources/<name:file>")
@door.reads
def resource(unit: Unit, by: Any, row_id: int, file: str) -> Any:
    deployments.file(unit, row_id, file)
    return {"id": file, "name": file, "deploymentId": str(row_id)}


@bp.get("/<key:row_id>/resources/<name:file>/data")
@door.reads
def data(unit: Unit, by: Any, row_id: int, file: str) -> Any:
    return Response(deployments.file(unit, row_id, file), mimetype="application/octet-stream")


@bp.delete("/<key:row_id>")
@door.changes
def delete(unit: Unit, by: Any, row_id: int) -> Any:
    deployments.show(unit, row_id)
    raise NotFound(f"Deployment {row_id} stays: cases may be pinned to it. Deploy the version you want in its place.")


# -- particulars -----------------------------------------------------------------------------------------------------


def _rows(unit: Unit, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in deployments.list_versions(unit) if wanted.get("id", str(row["id"])) == str(row["id"])
            and wanted.get("name", row["key"]) == row["key"]]  # fmt: skip


def _files() -> dict[str, str]:
    """The parts that are files, by file name. The Modeler names a part like its file."""
    found = {(part.filename or name).replace("\\", "/").rsplit("/", 1)[-1]: part.read()
             for name, part in request.files.items(multi=True)}  # fmt: skip
    if not found:
        raise BadRequest("Send the diagram as a file part of multipart/form-data.")
    try:
        return {name: content.decode("utf-8-sig") for name, content in found.items()}
    except UnicodeDecodeError:
        raise BadRequest("A file is not UTF-8 text.") from None


def _deployment(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": str(row["id"]), "name": row["key"], "source": None, "tenantId": None, "links": [],
            "deploymentTime": values.instant(row["created_at"])}  # fmt: skip


def _warnings(warnings: list[dict[str, Any]]) -> dict[str, Any]:
    by_file: dict[str, Any] = {}
    for one in warnings:
        said = {"message": one["message"], "line": one.get("line") or 0, "mainElementId": one.get("element")}
        by_file.setdefault(one["file"], {"errors": [], "warnings": []})["warnings"].append(said)
    return by_file
