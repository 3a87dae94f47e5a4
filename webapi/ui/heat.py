"""The heat map of a report type's diagram: where cases stand now, how long they stay, which deadlines pass; of each
version by itself. The table says what the diagram shows, and each number opens its cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import request, url_for

from engine.errors import InvalidRequest, NotFound
from engine.history import heat as heats
from engine.history.heat import Heat
from engine.packages import Package
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit
from engine.versions import deployments
from webapi.ui import drawn, office, show
from webapi.ui.pages import Pages, page
from webapi.ui.words import _, in_language, step

bp = Pages("ui_heat")
TYPE = "/tinh/so-do/<name:code>"
LEVELS = 4  # of colour, in site.css
MEASURES = ("now", "stay", "breaches")


@bp.read(TYPE)
def index(unit: Unit, caller: Account, code: str) -> Any:
    versions = deployments.list_versions(unit, code)
    chosen = _chosen(versions, code)
    found = heats.heat(unit, chosen["id"], _since(), by=caller)
    measure = next((one for one in MEASURES if one == request.args.get("xem")), "now")
    values = {one.element: _value(one, measure) for one in found}
    rows = [one for one in found if one.now or one.breaches or one.longest_seconds]
    package = unit.catalogue.pinned(unit, chosen["id"])
    own = access.allows(caller, "deploy", Target(str(package.province["code"]), code), unit)
    return page("ui/heat.html", code=code, name=_name(unit, chosen["id"]), own=own, versions=versions, chosen=chosen,
                rows=rows, measure=measure, measures=_measures(), levels=levels(values),
                notes=_notes(values, measure), package=package)  # fmt: skip


@bp.read(f"{TYPE}/<key:definition_id>/so-do.bpmn")
def diagram(unit: Unit, caller: Account, code: str, definition_id: int) -> Any:
    return drawn.of(_package(unit, caller, definition_id))


@bp.read(f"{TYPE}/<key:definition_id>/vu-viec/<name:what>")
def cases(unit: Unit, caller: Account, code: str, definition_id: int, what: str) -> Any:
    """The cases behind a number: ?buoc=xu_ly, those that stand there (now) or were late there (breaches)."""
    package, element = _package(unit, caller, definition_id), request.args.get("buoc", "")
    found = heats.cases_at(unit, definition_id, element, what, _since(), by=caller, after=request.args.get("after"))
    rows = office.impersonal(unit, [row._mapping for row in found.items])
    up = (url_for("ui_heat.index", code=code), _("Bản đồ nhiệt"))
    return page("ui/office_cases.html", state=_measures().get(what), of=step(package, element), cases=rows,
                after=found.after, link=None, up=up)  # fmt: skip


def levels(values: dict[str, float]) -> dict[str, int]:
    """How warm each element is, from 1 to `LEVELS`, measured by the warmest; what is cold is left out."""
    most = max(values.values(), default=0)
    return {element: max(1, round(LEVELS * value / most)) for element, value in values.items() if value}


def _value(one: Heat, measure: str) -> float:
    return {"now": one.now, "stay": one.mean_seconds or 0.0, "breaches": one.breaches}[measure]


def _notes(values: dict[str, float], measure: str) -> dict[str, str]:
    """What stands at the elements of the drawing."""
    written = show.lasting if measure == "stay" else show.number
    return {element: written(value) for element, value in values.items() if value}


def _chosen(versions: Sequence[dict[str, Any]], code: str) -> dict[str, Any]:
    """The version asked for; else the one that new cases start with, or the newest."""
    asked = request.args.get("phien_ban")
    fitting = [one for one in versions if (str(one["version"]) == asked if asked else one["current"])]
    if not versions or (asked and not fitting):
        raise NotFound(f"There is no such version of a report type {code!r}.")
    return (fitting or versions)[0]


def _package(unit: Unit, caller: Account, definition_id: int) -> Package:
    """A version, for whoever may see its figures.

    Raises:
        NotFound, NotAllowed
    """
    package = unit.catalogue.pinned(unit, definition_id)
    access.require(caller, "figure", Target(str(package.province["code"]), package.code), unit)
    return package


def _name(unit: Unit, definition_id: int) -> str:
    package = unit.catalogue.pinned(unit, definition_id)
    return in_language(package.name, package.code)


def _since() -> date | None:
    """Only cases opened from the day asked for."""
    said = request.args.get("tu")
    day = show.read_day(said) if said else None
    if said and day is None:
        raise InvalidRequest("Write the day as 2021-09-03.", field="tu")
    return day


def _measures() -> dict[str, str]:
    return {"now": _("Đang ở bước này"), "stay": _("Ở lại bao lâu"), "breaches": _("Quá hạn ở bước này")}
