"""Agencies of communes: their UBND, made of the communes that are loaded by one template of province.toml.

    [agencies_of_communes]
    key = "ubnd_75_{commune}"                      a commune's code is for ever: no other can get this key
    name = "UBND {name}"
    parent = "ubnd_75_{district}"                  the agency that may hand it tasks, as long as there are districts
    [agencies_of_communes.contacts.26041]          its hotline, and where it is told of its tasks
    phone = "02513000000"
    email = "ubnd-26041@dongnai.example"

An agency lives as long as its commune, and is never deleted: cases refer to it. What administrators have decided about
one (`engine.places.agency_changes`) stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Row, insert, select, update

from engine.errors import InvalidRequest
from engine.model import agencies
from engine.model import areas as area_rows
from engine.places import agency_changes, areas
from engine.runtime import Unit

TEMPLATE = "agencies_of_communes"
KIND = "commune"


def make_agencies(unit: Unit, province: str, settings: Mapping[str, Any]) -> int:
    """Bring the agencies of a province's communes up to date with its units; how many are new or other than they were.

    Args:
        settings: province.toml as read; without the template nothing is made.

    Raises:
        InvalidRequest: a key is that of an agency which is no commune's.
    """
    template = settings.get(TEMPLATE)
    if template is None:
        return 0
    known = {row.key: row for row in unit.all(select(agencies))}
    mine = select(area_rows).where(area_rows.c.province == province, area_rows.c.level == "commune")
    decided = agency_changes.kept(unit, province)
    new, changed = [], 0
    for commune in unit.all(mine.order_by(area_rows.c.code)):
        row = _agency(template, commune, known)
        was = known.get(row["key"])
        if was is None:
            new.append(row)
        elif (was.province, was.kind) != (province, KIND):
            raise InvalidRequest(f"The agency {row['key']!r} is no commune's: give [{TEMPLATE}] another key.")
        elif other := {name: value for name, value in row.items() - was._mapping.items()
                       if name not in decided.get(was.key, ())}:  # fmt: skip
            unit.execute(update(agencies).where(agencies.c.key == was.key).values(other))
            changed += 1
    if new:
        unit.execute(insert(agencies), new)
    return changed + len(new)


def _agency(template: Mapping[str, Any], commune: Row[Any], known: Mapping[str, Any]) -> dict[str, Any]:
    words = {"province": commune.province, "commune": commune.code, "district": commune.parent,
             "name": commune.name[:1].lower() + commune.name[1:]}  # fmt: skip
    above = str(template.get("parent", "")).format_map(words) if commune.parent else None
    contact = template.get("contacts", {}).get(commune.code, {})
    return {
        "key": str(template["key"]).format_map(words), "name": str(template["name"]).format_map(words), "kind": KIND,
        "province": commune.province, "area": commune.code, "parent": above if above in known else None,
        "email": contact.get("email"), "phone": contact.get("phone"),
        "valid_from": commune.valid_from, "valid_to": commune.valid_to,
    }  # fmt: skip


def below(unit: Unit, above: str, key: str, day: date) -> Row[Any]:
    """The agency with this key, which must be below another one and still there.

    Raises:
        InvalidRequest: it is not; of one that is no more, those that followed it are named.
    """
    found = unit.first(select(agencies).where(agencies.c.key == key, agencies.c.parent == above))
    if found is None:
        raise InvalidRequest(f"There is no agency {key!r} below {above!r}; GET /agencies?parent={above} lists them.")
    must_be(unit, found, day)
    return found


def of_province(unit: Unit, key: str, case: Row[Any], day: date) -> None:
    """Refuse an agency that cannot be given this case, or a task of it.

    Raises:
        InvalidRequest: there is none with this key in the case's province, or it is not there on this day.
    """
    found = unit.first(select(agencies).where(agencies.c.key == key, agencies.c.province == case.province))
    if found is None:
        raise InvalidRequest(f"There is no agency {key!r} in the province of {case.number}.")
    must_be(unit, found, day)


def must_be(unit: Unit, agency: Row[Any], day: date) -> None:
    """Refuse an agency that is not there on a day.

    Raises:
        InvalidRequest: it is no more, or not yet.
    """
    if agency.valid_from is not None and agency.valid_from > day:
        raise InvalidRequest(f"The agency {agency.key!r} begins only on {agency.valid_from}.")
    if agency.valid_to is not None and agency.valid_to <= day:
        keys = [agency.successor] if agency.successor else _of_areas_after(unit, agency, day)
        instead = f"; it was followed by {', '.join(keys)}" if keys else ""
        raise InvalidRequest(f"The agency {agency.key!r} is no more since {agency.valid_to}{instead}.")


def _of_areas_after(unit: Unit, agency: Row[Any], day: date) -> list[str]:
    after = {row.code for row in areas.successors(unit, agency.area, day)} if agency.area else set()
    keys = unit.all(select(agencies.c.key).where(agencies.c.area.in_(after)).order_by(agencies.c.key))
    return [row.key for row in keys]
