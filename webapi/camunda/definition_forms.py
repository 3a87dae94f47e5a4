"""What there is to know of a process definition besides itself: the form it begins with, how many run where."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from sqlalchemy import ColumnElement, func, select

from engine import model
from engine.model import cases, incidents
from engine.packages import Package
from engine.people import access
from engine.runtime import Unit
from engine.versions import deployments
from webapi.camunda import door, values
from webapi.camunda.definitions import KEY, ONE, TENANT, UNAPPROVED, described
from webapi.camunda.ids import read_definition_id

bp = Blueprint("definition_forms", __name__, url_prefix="/process-definition")
INCIDENT = "failedJob"


def _of(unit: Unit, key: str | None, text: str | None) -> Package:
    """The version that is meant: by its id, or the one in force of a key."""
    if text is not None:
        return unit.catalogue.pinned(unit, read_definition_id(text))
    return unit.catalogue.current(unit, str(key))


@bp.get(f"{KEY}/startForm")
@bp.get(f"{TENANT}/startForm")
@bp.get(f"{ONE}/startForm")
@door.reads
def start_form(unit: Unit, by: Any, key: str | None = None, text: str | None = None, tenant: str = "") -> Any:
    ref = {"key": _of(unit, key, text).type["intake_form"], "binding": "deployment", "version": None}
    return {"key": None, "camundaFormRef": ref, "contextPath": None}


@bp.get(f"{KEY}/deployed-start-form")
@bp.get(f"{TENANT}/deployed-start-form")
@bp.get(f"{ONE}/deployed-start-form")
@door.reads
def deployed(unit: Unit, by: Any, key: str | None = None, text: str | None = None, tenant: str = "") -> Response:
    """The intake form as it was deployed: JSON of form-js."""
    package = _of(unit, key, text)
    return Response(package.files[f"{package.type['intake_form']}.form"], content_type="application/json")


@bp.get(f"{KEY}/form-variables")
@bp.get(f"{TENANT}/form-variables")
@bp.get(f"{ONE}/form-variables")
@door.reads
def form_variables(unit: Unit, by: Any, key: str | None = None, text: str | None = None, tenant: str = "") -> Any:
    """What the intake form asks, as yet without answers."""
    return {field.key: values.typed(None) for field in _of(unit, key, text).intake_form.fields}


@bp.get(f"{KEY}/diagram")
@bp.get(f"{TENANT}/diagram")
@bp.get(f"{ONE}/diagram")
@door.reads
def diagram(unit: Unit, by: Any, key: str | None = None, text: str | None = None, tenant: str = "") -> None:
    """No picture is kept beside the diagram itself (``/xml``): 204, as Camunda answers then."""
    _of(unit, key, text)


@bp.get(f"{ONE}/static-called-process-definitions")
@door.reads
def called(unit: Unit, by: Any, text: str) -> Any:
    """None: what a diagram calls is part of its own version."""
    _of(unit, None, text)
    return []


# -- how many run ----------------------------------------------------------------------------------------------------


@bp.get("/statistics")
@door.reads
def statistics(unit: Unit, by: Any) -> Any:
    """Of each version: its running cases, and the incidents in them, as far as the account sees them."""
    given = door.known(door.asked(), "failedJobs", "incidents", "rootIncidents", "incidentsForType")
    running = _by_version(unit, by, model.instances, model.instances.c.finished_at.is_(None))
    broken = _by_version(unit, by, incidents, incidents.c.resolved_at.is_(None))
    rows = [row for row in deployments.list_versions(unit) if row["state"] not in UNAPPROVED]
    found = [(row["id"], described(unit, row)) for row in rows]
    return [{"id": one["id"], "definition": one} | _statistic(row_id, running, broken, given) for row_id, one in found]


@bp.get(f"{KEY}/statistics")
@bp.get(f"{TENANT}/statistics")
@bp.get(f"{ONE}/statistics")
@door.reads
def activities(unit: Unit, by: Any, key: str | None = None, text: str | None = None, tenant: str = "") -> Any:
    """Of each activity of a version at which cases wait for people or programs."""
    given = door.known(door.asked(), "failedJobs", "incidents", "rootIncidents", "incidentsForType")
    mine = cases.c.definition_id == _of(unit, key, text).id
    running = _by_element(unit, by, model.tasks, mine, model.tasks.c.status == "open")
    asked = _by_element(unit, by, model.outbox, mine, model.outbox.c.kind == "service", model.outbox.c.state != "sent")
    broken = _by_element(unit, by, incidents, mine, incidents.c.resolved_at.is_(None))
    return [_statistic(one, running | asked, broken, given) | {"id": one}
            for one in sorted(running.keys() | asked.keys() | broken.keys())]


def _statistic(one: Any, running: dict[Any, int], broken: dict[Any, int], given: dict[str, Any]) -> dict[str, Any]:
    count = broken.get(one, 0)
    wanted = any(door.flag(given.get(name)) for name in ("incidents", "rootIncidents")) or \
        given.get("incidentsForType") == INCIDENT  # fmt: skip
    listed = [{"incidentType": INCIDENT, "incidentCount": count}] if wanted and count else []
    return {"instances": running.get(one, 0), "failedJobs": count, "incidents": listed}


def _by_version(unit: Unit, by: Any, table: Any, *conditions: ColumnElement[bool]) -> dict[int, int]:
    query = select(cases.c.definition_id, func.count()).join(table, table.c.case_id == cases.c.id)
    query = query.where(access.visible(by), *conditions).group_by(cases.c.definition_id)
    return {row[0]: row[1] for row in unit.all(query)}


def _by_element(unit: Unit, by: Any, table: Any, *conditions: ColumnElement[bool]) -> dict[str, int]:
    query = select(table.c.element, func.count()).join(cases, cases.c.id == table.c.case_id)
    query = query.where(access.visible(by), table.c.element.is_not(None), *conditions)
    return {row[0]: row[1] for row in unit.all(query.group_by(table.c.element))}
