"""Decision definitions, ``muc_do:3:17``: the tables of a version of a report type; and the files that have several."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from flask import Blueprint

from engine import clocks
from engine.errors import InvalidRequest, NotFound
from engine.flow.decisions import DecisionFault, parse_decisions
from engine.flow.xml import parse_xml
from engine.runtime import Unit
from engine.versions import deployments
from webapi.camunda import door, values
from webapi.camunda.definitions import UNAPPROVED, in_use
from webapi.camunda.ids import definition_id, read_definition_id

bp = Blueprint("decisions", __name__)
DECISIONS, FILES = "/decision-definition", "/decision-requirements-definition"
ONE, KEY, TENANT = "/<string:text>", "/key/<string:key>", "/key/<string:key>/tenant-id/<string:tenant>"
_ABOUT = ("deploymentId", "key", "name", "version", "latestVersion", "resourceName")
_IDS = {DECISIONS: ("decisionDefinitionId", "decisionDefinitionIdIn", "decisionRequirementsDefinitionId",
                    "decisionRequirementsDefinitionKey"),
        FILES: ("decisionRequirementsDefinitionId", "decisionRequirementsDefinitionIdIn")}  # fmt: skip
_SORTED = {name: itemgetter(name) for name in ("id", "key", "name", "version", "deploymentId")}


@bp.get(DECISIONS, defaults={"kind": DECISIONS})
@bp.get(FILES, defaults={"kind": FILES})
@door.reads
def index(unit: Unit, by: Any, kind: str) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    rows = door.sort(wanted, _some(unit, kind, wanted), _SORTED)
    return [_told(row) for row in rows[offset : offset + limit]]


@bp.get(f"{DECISIONS}/count", defaults={"kind": DECISIONS})
@bp.get(f"{FILES}/count", defaults={"kind": FILES})
@door.reads
def count(unit: Unit, by: Any, kind: str) -> Any:
    return {"count": len(_some(unit, kind, door.asked()))}


@door.reads
def show(unit: Unit, by: Any, kind: str, **which: str) -> Any:
    return _told(_find(unit, kind, **which))


@door.reads
def xml(unit: Unit, by: Any, kind: str, **which: str) -> Any:
    found = _find(unit, kind, **which)
    return {"id": found["id"], "dmnXml": found["source"]}


@door.reads
def diagram(unit: Unit, by: Any, kind: str, **which: str) -> None:
    """204: no picture is kept beside the file."""
    _find(unit, kind, **which)


@door.reads
def evaluate(unit: Unit, by: Any, **which: str) -> Any:
    """What the table says of some variables: one row, or, of tables that collect, all that fit. Nothing is kept."""
    found = _find(unit, DECISIONS, **which)
    given = values.plain(door.known(door.sent(), "variables").get("variables"))
    try:
        decision = parse_decisions(found["source"], found["resource"])[found["key"]]
        answer = decision.decide(given, clocks.present(unit))
    except DecisionFault as fault:
        raise InvalidRequest(fault.message, field="variables") from None
    return [values.all_typed(row) for row in (answer if isinstance(answer, list) else [answer])]


for _which in (ONE, KEY, TENANT):
    for _kind in (DECISIONS, FILES):
        for _view, _rest in ((show, ""), (xml, "/xml"), (diagram, "/diagram")):
            _rule = f"{_kind}{_which}{_rest}"
            bp.add_url_rule(_rule, _rule, _view, methods=["GET"], defaults={"kind": _kind})
    bp.add_url_rule(f"{DECISIONS}{_which}/evaluate", f"{_which}/evaluate", evaluate, methods=["POST"])


# -- particulars -----------------------------------------------------------------------------------------------------


def _find(unit: Unit, kind: str, text: str = "", key: str = "", tenant: str = "") -> dict[str, Any]:
    """By its id; or by its key, of the versions in force: of one report type, if several have a table of that name.

    Raises:
        NotFound: there is none.
        InvalidRequest: there are several.
    """
    if text:
        row = deployments.show(unit, read_definition_id(text))
        found = [one for one in _of(unit, kind, row) if one["id"] == text and row["state"] not in UNAPPROVED]
    else:
        found = [one for one in _some(unit, kind, {"key": key, "latestVersion": "true"})
                 if tenant in ("", one["province"])]  # fmt: skip
    if not found:
        raise NotFound(f"There is no decision {(text or key)[:100]!r} in force.")
    if len(found) > 1:
        ids = ", ".join(one["id"] for one in found[:20])
        raise InvalidRequest(f"{len(found)} report types have a decision {key!r}: ask by id, {ids}.", field="key")
    return found[0]


def _some(unit: Unit, kind: str, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    given = door.known(wanted, *_ABOUT, *_IDS[kind])
    found = [one for row in in_use(unit, given) for one in _of(unit, kind, row)]
    equal = {"key": "key", "name": "name", "resourceName": "resource", _IDS[kind][0]: "id", _IDS[kind][1]: "id",
             "decisionRequirementsDefinitionId": "id" if kind == FILES else "decisionRequirementsDefinitionId",
             "decisionRequirementsDefinitionKey": "decisionRequirementsDefinitionKey"}  # fmt: skip
    for name, column in equal.items():
        if name in given:
            allowed = door.several(given, name) if name.endswith("In") else [str(given[name])]
            found = [one for one in found if one[column] in allowed]
    return found


def _of(unit: Unit, kind: str, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the files of a version have of that kind. As in Camunda, a file counts if it has several decisions."""
    package = unit.catalogue.pinned(unit, row["id"])
    for file, source in sorted(package.files.items()):
        if not file.endswith(".dmn"):
            continue
        root = parse_xml(source, file)
        drawn = root.findall("{*}decision")
        about = {"category": None, "version": row["version"], "resource": file, "deploymentId": str(row["id"]),
                 "tenantId": None, "source": source, "province": package.type["province"]}  # fmt: skip
        whole = root if len(drawn) > 1 else None
        its = {"decisionRequirementsDefinitionId": _id(whole, row), "decisionRequirementsDefinitionKey": _key(whole),
               "historyTimeToLive": None, "versionTag": None}  # fmt: skip
        for one in drawn if kind == DECISIONS else [root] if whole is not None else []:
            yield {"id": _id(one, row), "key": _key(one), "name": one.get("name"), **about,
                   **(its if kind == DECISIONS else {})}  # fmt: skip


def _key(drawn: Any) -> Any:
    return None if drawn is None else drawn.get("id")


def _id(drawn: Any, row: dict[str, Any]) -> str | None:
    return None if drawn is None else definition_id(_key(drawn), row["version"], row["id"])


def _told(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in ("source", "province")}
