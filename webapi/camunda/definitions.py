"""Process definitions: the versions of the report types."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from flask import Blueprint

from engine import packages
from engine.errors import InvalidRequest, NotFound, WrongState
from engine.messaging import beginnings
from engine.packages import Package
from engine.runtime import Unit
from engine.versions import deployments
from webapi.camunda import door, drawn, instances, values
from webapi.camunda.ids import definition_id, read_definition_id

bp = Blueprint("definitions", __name__, url_prefix="/process-definition")
ONE = "/<string:text>"
UNAPPROVED = ("parked", "refused")  # no process of ours: nothing starts with them
KEY, TENANT = "/key/<string:key>", "/key/<string:key>/tenant-id/<string:tenant>"

_SUSPENSION = ("suspended", "includeProcessInstances", "processDefinitionKey", "processDefinitionId")
_SORTED = {"key": itemgetter("key"), "version": itemgetter("version"), "id": itemgetter("id"),
           "deploymentId": itemgetter("id"), "deployTime": itemgetter("created_at")}  # fmt: skip


@bp.get("")
@door.reads
def index(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    rows = door.sort(wanted, _rows(unit, wanted), _SORTED)
    return [described(unit, row) for row in rows[offset : offset + limit]]


@bp.get("/count")
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return {"count": len(_rows(unit, door.asked()))}


@bp.get(KEY)
@bp.get(TENANT)
@door.reads
def show_current(unit: Unit, by: Any, key: str, tenant: str = "") -> Any:
    return described(unit, deployments.show(unit, unit.catalogue.current(unit, key).id))


@bp.get(f"{KEY}/xml")
@bp.get(f"{TENANT}/xml")
@door.reads
def xml_current(unit: Unit, by: Any, key: str, tenant: str = "") -> Any:
    return _xml(unit, unit.catalogue.current(unit, key).id)


@bp.get(ONE)
@door.reads
def show(unit: Unit, by: Any, text: str) -> Any:
    return described(unit, deployments.show(unit, read_definition_id(text)))


@bp.get(f"{ONE}/xml")
@door.reads
def xml(unit: Unit, by: Any, text: str) -> Any:
    return _xml(unit, read_definition_id(text))


@bp.post(f"{KEY}/start")
@bp.post(f"{TENANT}/start")
@bp.post(f"{KEY}/submit-form")
@bp.post(f"{TENANT}/submit-form")
@door.changes
def start_current(unit: Unit, by: Any, key: str, tenant: str = "") -> Any:
    return _start(unit, by, _in_force(unit, key))


@bp.post(f"{ONE}/start")
@bp.post(f"{ONE}/submit-form")
@door.changes
def start(unit: Unit, by: Any, text: str) -> Any:
    """Of the version in force: which one a new case begins with is not the caller's to say. One that nobody has
    approved is refused: whoever has just deployed it would take the other's case for its."""
    row = deployments.show(unit, read_definition_id(text))
    if row["state"] in UNAPPROVED:
        raise WrongState(f"Version {row['version']} of {row['key']} is not approved.")
    return _start(unit, by, _in_force(unit, row["key"]))


def _in_force(unit: Unit, key: str) -> Package:
    try:
        return unit.catalogue.current(unit, key)
    except NotFound:
        if packages.suspended(unit, key) is None:
            raise
        raise WrongState(f"Report type {key} is suspended: no case of it begins.") from None


@bp.put("/suspended")
@door.changes
def suspend_by_key(unit: Unit, by: Any) -> None:
    """All versions of the ``processDefinitionKey``, or one ``processDefinitionId``."""
    body = door.known(door.sent(), *_SUSPENSION)
    if "processDefinitionId" in body:
        rows = [deployments.show(unit, read_definition_id(str(body["processDefinitionId"])))]
    else:
        rows = _versions(unit, str(door.text(body, "processDefinitionKey", required=True)))
    for row in rows:
        _suspend(unit, by, row)


@bp.put(f"{KEY}/suspended")
@bp.put(f"{TENANT}/suspended")
@door.changes
def suspend_current(unit: Unit, by: Any, key: str, tenant: str = "") -> None:
    """All versions of the key, as Camunda does."""
    for row in _versions(unit, key):
        _suspend(unit, by, row)


@bp.put(f"{ONE}/suspended")
@door.changes
def suspend(unit: Unit, by: Any, text: str) -> None:
    """No case begins with it any more; those that run go on."""
    _suspend(unit, by, deployments.show(unit, read_definition_id(text)))


# -- particulars -----------------------------------------------------------------------------------------------------


def _start(unit: Unit, by: Any, package: Package) -> Any:
    """A report: its variables are the answers of the intake form; ``area``, ``place`` and ``channel`` say the rest."""
    body = door.sent()
    report = beginnings.report_of(package.code, values.plain(body.get("variables")))
    receipt = beginnings.receive(unit, report, door.text(body, "businessKey"), by=by)
    unit.flush()
    return instances.instance(instances.known(unit, receipt.case_id)) | {
        "links": [], "variables": {"ma_tra_cuu": values.typed(receipt.secret)}}  # fmt: skip


def _versions(unit: Unit, key: str) -> list[dict[str, Any]]:
    rows = deployments.list_versions(unit, key)
    if not rows:
        raise NotFound(f"There is no process definition {key!r}.")
    return rows


def _suspend(unit: Unit, by: Any, row: dict[str, Any]) -> None:
    """What is so already stays so."""
    body = door.known(door.sent(), *_SUSPENSION)
    if door.flag(body.get("includeProcessInstances")):
        raise InvalidRequest("Cases are suspended one by one.", field="includeProcessInstances")
    wanted, is_so = door.switch(body, "suspended"), row["suspended_at"] is not None
    if wanted and not is_so:
        deployments.suspend(unit, row["id"], instances.REASON, by=by)
    elif is_so and not wanted:
        deployments.release(unit, row["id"], by=by)


def _xml(unit: Unit, row_id: int) -> dict[str, Any]:
    row = deployments.show(unit, row_id)
    return {"id": definition_id(row["key"], row["version"], row["id"]), "bpmn20Xml": row["files"]["process.bpmn"]}


def _rows(unit: Unit, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    given = door.known(wanted, "key", "keysIn", "latestVersion", "version", "deploymentId", "processDefinitionId",
                       "processDefinitionIdIn", "active", "suspended", "startableInTasklist", "versionTag")  # fmt: skip
    rows = in_use(unit, given, given.get("key"))
    if "keysIn" in given:
        rows = [row for row in rows if row["key"] in door.several(given, "keysIn")]
    if ids := door.several(given, "processDefinitionId", "processDefinitionIdIn"):
        rows = [row for row in rows if definition_id(row["key"], row["version"], row["id"]) in ids]
    if "versionTag" in given:
        rows = [row for row in rows if drawn.said(unit.catalogue.pinned(unit, row["id"])).tag == given["versionTag"]]
    for name, wanted_so in (("suspended", True), ("active", False)):
        if door.flag(given.get(name)):
            rows = [row for row in rows if (row["suspended_at"] is not None) is wanted_so]
    return rows


def in_use(unit: Unit, given: dict[str, Any], key: str | None = None) -> list[dict[str, Any]]:
    """The versions that are or were in force, of this type or of all, as far as ``latestVersion``, ``version`` and
    ``deploymentId`` mean them."""
    rows = [row for row in deployments.list_versions(unit, key) if row["state"] not in UNAPPROVED]
    if door.flag(given.get("latestVersion")):
        rows = [row for row in rows if row["current"]]
    if "version" in given:
        rows = [row for row in rows if row["version"] == door.number(given, "version", 0)]
    if "deploymentId" in given:
        rows = [row for row in rows if str(row["id"]) == str(given["deploymentId"])]
    return rows


def described(unit: Unit, row: dict[str, Any]) -> dict[str, Any]:
    """A version as Camunda describes a process definition."""
    package = unit.catalogue.pinned(unit, row["id"])
    name, said = package.name.get("vi", row["key"]), drawn.said(package)
    return {
        "id": definition_id(row["key"], row["version"], row["id"]), "key": row["key"], "name": name,
        "version": row["version"], "deploymentId": str(row["id"]), "resource": "process.bpmn", "category": None,
        "description": said.description, "diagram": None, "tenantId": None,
        "suspended": row["suspended_at"] is not None, "versionTag": said.tag, "historyTimeToLive": said.days,
        "startableInTasklist": True,
    }  # fmt: skip
