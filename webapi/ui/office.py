"""The provincial office: how things stand, and from every number to its cases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import request, url_for

from engine import queries, stuck
from engine.packages import Package
from engine.paging import Page
from engine.people import access
from engine.people.access import Account, Target
from engine.places import agency_changes
from engine.privacy import unmasking
from engine.runtime import Unit
from engine.statistics import overview, recounts
from engine.work import backlog
from webapi import auth
from webapi.ui.pages import Pages, page
from webapi.ui.words import _, in_language, text_name
from webapi.ui.words import step as step_name

bp = Pages("ui_office")


@bp.read("/tinh")
def show(unit: Unit, caller: Account) -> Any:
    must_be_office(unit, caller)
    return page("ui/office.html", counts=counted(unit, caller), titles=titles(), states=states(), to="ui_office.cases",
                lost=len(queries.lost_reports(unit, caller)), queues=backlog.depth(unit),
                askings=len(unmasking.waiting(unit, caller)))  # fmt: skip


@bp.read("/tinh/vu-viec/<name:state>")
def cases(unit: Unit, caller: Account, state: str) -> Any:
    """The cases behind a number of the overview: ?by=agency&key=ubnd_74_718."""
    must_be_office(unit, caller)
    up = (url_for("ui_office.show"), _("Điều hành"))
    return page("ui/office_cases.html", state=states().get(state), up=up, **behind(unit, caller, state))


def must_be_office(unit: Unit, caller: Account) -> None:
    """These pages are for who answers for a province's incidents.

    Raises:
        NotAllowed
    """
    access.require(caller, "see-incident", Target(caller.province), unit)


# -- what the overseer's pages show, too ---------------------------------------------------------------------------


def counted(unit: Unit, caller: Account) -> overview.Overview:
    """The counts, with the names of types."""
    found = recounts.show(auth.runtime(), unit, caller, again="X-Poll" in request.headers)
    types = _types(unit)
    for count in found.by["type"]:
        count.name = _type(types, count.key)
    for count in found.by["step"]:
        count.name = _step(types, count.key)
    for way in ("agency", "area"):
        for count in found.by[way]:
            count.name = in_language(count.name)
    return found


def _types(unit: Unit) -> dict[str, Package]:
    return {one.code: one for one in unit.catalogue.all_current(unit)}


def _type(types: dict[str, Package], code: str) -> str | None:
    return in_language(types[code].name, code) if code in types else None


def _step(types: dict[str, Package], key: str) -> str:
    """ "Xác minh · Tuân thủ quy định": a step and its type."""
    code, _colon, element = key.partition(":")
    package = types.get(code)
    name = step_name(package, element) if package and element else element or _("Không chờ việc của ai")
    return f"{name} · {_type(types, code) or code}"


def behind(unit: Unit, caller: Account, state: str) -> dict[str, Any]:
    """What a list of cases shows: rows without anything personal, what they are of, and where the next page begins."""
    way, key = request.args.get("by"), request.args.get("key", "")
    wanted = overview.wanted(state, way, key, request.args.get("after"))
    found: Page = (stuck.list_stuck if state == "stuck" else queries.list_cases)(unit, caller, wanted)
    rows = [row if isinstance(row, dict) else row._mapping for row in found.items]
    return {"cases": impersonal(unit, rows), "after": found.after, "of": _of(unit, caller, way, key)}


def impersonal(unit: Unit, rows: Any) -> list[dict[str, Any]]:
    """What may be shown of cases to whoever may not know who reported what: no subject, no place, no text."""
    agencies = agency_changes.names_at(unit, [(row["lead_agency"], row["closed_at"]) for row in rows])
    areas = overview.area_names(unit, {row["area"] for row in rows if row["area"]})
    return [_impersonal(unit, row, agencies, areas) for row in rows]


def _impersonal(unit: Unit, row: Any, agencies: dict[Any, str], areas: dict[str, str]) -> dict[str, Any]:
    package = unit.catalogue.pinned(unit, row["definition_id"])
    lead = row["lead_agency"]
    return {
        "number": row["number"], "type": in_language(package.name, row["report_type"]),
        "status": in_language(package.status(row["status"]), row["status"]),
        "area": in_language(areas.get(row["area"])),
        "agency": in_language(agencies.get((lead, row["closed_at"]))) or lead,
        "opened_at": row["opened_at"], "due_at": row["due_at"], "warned_at": row["warned_at"],
        "paused": row["paused_at"] is not None, "closed": row["closed_at"] is not None,
    }  # fmt: skip


def type_names(unit: Unit) -> dict[str, str]:
    return {code: in_language(one.name, code) for code, one in _types(unit).items()}


def text_names(unit: Unit, wanted: Iterable[tuple[str | None, str | None]]) -> dict[Any, str]:
    """What texts are called, by report type and code: a code may be another text in another type."""
    types = _types(unit)
    return {(code, text): text_name(types[code], text) for code, text in set(wanted) if code in types and text}


def titles() -> dict[str, tuple[str, str]]:
    """What is counted by: its title, and what a row without a key is called."""
    return {
        "agency": (_("Theo cơ quan chủ trì"), _("Chưa có cơ quan chủ trì")),
        "type": (_("Theo loại phản ánh"), ""),
        "area": (_("Theo địa bàn"), _("Chưa rõ địa bàn")),
        "step": (_("Theo bước đang chờ"), ""),
    }


def states() -> dict[str, str]:
    return {"open": _("Đang mở"), "soon": _("Đến hạn trong 24 giờ"), "late": _("Quá hạn"), "stuck": _("Vướng mắc")}


def _of(unit: Unit, caller: Account, way: str | None, key: str) -> str:
    """The agency, type or district that a list is of."""
    if way not in titles():
        return ""
    if way == "step":
        return _step(_types(unit), key)
    names = type_names(unit) if way == "type" else overview.names(unit, way, [key])
    return in_language(names.get(key)) or key or titles()[way][1]
