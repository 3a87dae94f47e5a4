"""Report types: what a province decided about one kind of report, as data an analyst owns.

A package is a set of files: the diagram, its tables, forms, deadlines and texts. A deployed version never changes,
and a case is pinned to the version it started with, so a later version never surprises a running case.
"""

from __future__ import annotations

import hashlib
import json
import threading
import tomllib
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import select

from engine import activations, acts, branches, declared_days, model
from engine.declared_days import Days, DeclaredDays
from engine.errors import InvalidPackage, InvalidRequest, NotFound
from engine.flow.check import Fault, check
from engine.flow.draft import read_province
from engine.flow.machine import Machine
from engine.flow.nodes import START_CASE
from engine.flow.outlook import Outlook
from engine.flow.parser import parse
from engine.flow.road import Stop, road
from engine.flow.toml import read_toml
from engine.flow.xml import begins_by_message, parse_xml, process_ids
from engine.forms import Form
from engine.language.texts import Text
from engine.places import agency_changes, areas, communes
from engine.places.areas import search_keys
from engine.places.heirs import Heirs
from engine.runtime import Unit
from engine.terms.calendar import ZONE
from engine.terms.deadlines import Terms

Files = Mapping[str, str]


class Package:
    """One version of a report type.

    Attributes:
        files: name -> text, as deployed.
        id, version: of its row in `definitions`; 0 for a package that is not deployed.
        type, province: type.toml and province.toml as read.
        declared: the days that were declared in the province so far; the catalogue keeps them up to date.
    """

    def __init__(self, files: Files, id: int = 0, version: int = 0) -> None:
        self.files = dict(files)
        self.id = id
        self.version = version
        self.type: dict[str, Any] = read_toml(files["type.toml"])
        self.province = read_province(files["province.toml"])
        self.declared: Days = []
        self._terms: dict[int, Terms] = {}

    @property
    def code(self) -> str:
        return str(self.type["code"])

    @property
    def name(self) -> dict[str, str]:
        return self.type.get("name", {})  # type: ignore[no-any-return]

    @property
    def secrecy(self) -> str:
        """The class of its cases as they are received; a case can be made more secret by its process."""
        return str(self.type.get("secrecy", "C1"))

    @property
    def intake_form(self) -> Form:
        return self.forms[self.type["intake_form"]]

    @cached_property
    def personal(self) -> frozenset[str]:
        """Under which keys answers tell who somebody is, at any depth."""
        return frozenset(key for form in self.forms.values() for key in form.personal)

    @cached_property
    def machine(self) -> Machine:
        lanes = {lane: str(group) for lane, group in self.type.get("lanes", {}).items()}
        return Machine(parse(self.files, self.type["process"], lanes))

    @property
    def begun_by(self) -> str | None:
        """The message from outside that begins a case."""
        return self.machine.definition.begun_by

    @cached_property
    def road(self) -> list[Stop]:
        """The steps that people take on the way to an answer, as the diagram names them."""
        return road(self.files, self.type["process"])

    @cached_property
    def outlook(self) -> Outlook:
        """Whether a process that stands somewhere can still come to an end."""
        return Outlook(self.files)

    @cached_property
    def diagram(self) -> str:
        """The file that draws the process cases start with."""
        process = str(self.type["process"])
        for name, text in self.files.items():
            found = parse_xml(text, name).iter("{*}process") if name.endswith(".bpmn") else ()
            if process in {one.get("id") for one in found}:
                return text
        raise NotFound(f"The report type {self.code} has no diagram of {process!r}.")

    @cached_property
    def element_names(self) -> dict[str, str]:
        """What the diagrams call their elements, by id."""
        drawn = (parse_xml(text, name) for name, text in self.files.items() if name.endswith(".bpmn"))
        return {str(one.get("id")): str(one.get("name")) for root in drawn for one in root.iter() if one.get("name")}

    @property
    def english(self) -> Mapping[str, str]:
        """What its analysts give in English themselves, by the Vietnamese: ``[english]`` in type.toml."""
        return self.type.get("english", {})  # type: ignore[no-any-return]

    def step_name(self, element: str, drawn: str) -> dict[str, str]:
        """What a step is called by language: as it was drawn, and as ``[steps]`` in type.toml says in English."""
        english = self.type.get("steps", {}).get(element) or self.english.get(drawn)
        return {"vi": drawn} | ({"en": str(english)} if english else {})

    @property
    def terms(self) -> Terms:
        """What it promises, on calendars that know the days that were declared in the province."""
        declared = self.declared
        return self._terms.get(declared[-1].id if declared else 0) or self.terms_with(declared)

    def terms_with(self, declared: Days) -> Terms:
        """The same, had only these days been declared."""
        newest = declared[-1].id if declared else 0
        calendars = declared_days.applied(self.province.get("calendars", {}), declared)
        found = Terms.parse(self.type, {**self.province, "calendars": calendars}, newest)
        if declared == self.declared[: len(declared)]:
            self._terms[newest] = found
        return found

    def terms_before(self, days: int) -> Terms:
        """The same, as something was counted that knew of the declared days up to this one."""
        return self._terms.get(days) or self.terms_with([row for row in self.declared if row.id <= days])

    @cached_property
    def forms(self) -> dict[str, Form]:
        found = {name.removesuffix(".form"): source for name, source in self.files.items() if name.endswith(".form")}
        return {name: Form.parse(source, name) for name, source in found.items()}

    @cached_property
    def texts(self) -> dict[str, Text]:
        tables = {**self.province.get("texts", {}), **self.type.get("texts", {})}
        return {key: Text.parse(key, table) for key, table in tables.items()}

    def status(self, key: str) -> dict[str, Any]:
        """The words and meaning of an internal status: ``vi``, ``citizen``, ``citizen_en``, ``open311``, ``paused``."""
        return self.type.get("statuses", {}).get(key, {})  # type: ignore[no-any-return]

    def is_closed(self, status: str) -> bool:
        """Whether, for the citizen, the case is settled: its clock stops."""
        return self.status(status).get("open311") == "closed"

    def first_status(self) -> str:
        return next(iter(self.type.get("statuses", {})), "moi_tiep_nhan")


@dataclass(frozen=True)
class Deployed:
    """What came of a deployment.

    Attributes:
        unchanged: the newest version already had exactly these files.
        parked: it waits for approval (`engine.versions.approvals`).
    """

    id: int
    key: str
    version: int
    unchanged: bool
    warnings: list[dict[str, Any]]
    parked: bool = False


def deploy(unit: Unit, files: Files, *, by: str, active_from: datetime | None = None) -> Deployed:
    """Check a package and make it the newest version of its report type.

    Args:
        active_from: when new cases start with it; now, if left out. Aware.

    Raises:
        InvalidPackage: it has faults; ``faults`` lists every one, and nothing is stored.
    """
    deployed = store(unit, files, active_from or unit.now, by=by)
    if not deployed.unchanged:
        activations.decide(unit, deployed.id, deployed.key, active_from, by)
    return deployed


def store(unit: Unit, files: Files, moment: datetime, *, by: str) -> Deployed:
    """Check a package that is to come into force then, and keep it as the newest version; no case starts with it yet.

    Raises:
        InvalidPackage: as for `deploy`.
    """
    faults = judged(unit, files, moment)
    errors = [fault for fault in faults if fault.severity == "error"]
    if errors:
        found = "1 fault" if len(errors) == 1 else f"{len(errors)} faults"
        raise InvalidPackage(
            f"The report type has {found}; nothing was deployed.", faults=[fault.to_json() for fault in faults]
        )
    package = Package(files)
    newest = _newest(unit, package.code)
    content = checksum(files)
    warnings = [fault.to_json() for fault in faults]
    if newest is not None and newest.checksum == content and newest.refused_at is None:
        return Deployed(newest.id, package.code, newest.version, True, warnings)
    row = {
        "key": package.code,
        "version": newest.version + 1 if newest else 1,
        "checksum": content,
        "files": zlib.compress(json.dumps(dict(files), ensure_ascii=False).encode()),
        "warnings": warnings,
        "processes": [one for name, text in files.items() if name.endswith(".bpmn") for one in process_ids(text, name)],
        "created_at": unit.now,
        "created_by": by,
    }
    made = unit.execute(model.definitions.insert().returning(model.definitions.c.id), row).scalar_one()
    unit.deployed.add(made)
    acts.note(unit, "version-brought", by, package.code, version=row["version"], checksum=content)
    return Deployed(made, package.code, int(row["version"]), False, warnings)


def faultless(unit: Unit, files: Files) -> Package:
    """A package that is not to be deployed now.

    Raises:
        InvalidPackage: the gate finds faults in it; ``faults`` lists every one.
    """
    faults = judged(unit, files, unit.now)
    if any(fault.severity == "error" for fault in faults):
        raise InvalidPackage("The report type has faults: mend them first.", faults=[one.to_json() for one in faults])
    return Package(files)


def judged(unit: Unit, files: Files, moment: datetime) -> list[Fault]:
    """The gate's judgement of a package that comes into force then, with the areas that its province has by then, and
    the other report types that it has now."""
    try:
        province = str(read_province(files["province.toml"])["code"])
    except (KeyError, TypeError, tomllib.TOMLDecodeError):
        return check(files)  # which says so
    places = areas.places(unit, province, moment.astimezone(ZONE).date())
    return check(files, places, _intake_forms(unit, files, province), _begun(unit, files, province))


def _intake_forms(unit: Unit, files: Files, province: str) -> dict[str, Form]:
    """Those of the other report types in the province of a package."""
    if START_CASE not in "".join(text for name, text in files.items() if name.endswith(".bpmn")):
        return {}  # most types start no other, and need not wait for all those to be read
    return {one.code: one.intake_form for one in unit.catalogue.of_province(unit, province)}


def _begun(unit: Unit, files: Files, province: str) -> dict[str, str]:
    """Which messages begin cases of the other report types in the province of a package; asked where it matters."""
    if not any(begins_by_message(text, name) for name, text in files.items() if name.endswith(".bpmn")):
        return {}
    try:
        code = read_toml(files["type.toml"]).get("code")
    except (KeyError, tomllib.TOMLDecodeError):
        return {}  # the check says so
    others = [one for one in unit.catalogue.of_province(unit, province) if one.code != code]
    return {one.begun_by: one.code for one in others if one.begun_by}


def general_type(unit: Unit, province: str) -> str | None:
    """The type of a province that takes whatever has no other: ``message_type`` in province.toml."""
    return settings(unit, province).get("message_type")


def settings(unit: Unit, province: str) -> dict[str, Any]:
    """The province.toml that is in force; empty for a province that there is not yet."""
    return unit.scalar(select(model.provinces.c.settings).where(model.provinces.c.code == province)) or {}


def suspended(unit: Unit, key: str) -> Package | None:
    """The newest version of a type that would take reports, had it not been suspended."""
    table = model.activations.c
    held = select(table.definition_id).join(model.definitions).where(model.definitions.c.suspended_at.is_not(None))
    held = held.where(table.key == key, table.active_from <= unit.now)
    found = unit.scalar(held.order_by(table.active_from.desc(), table.id.desc()).limit(1))
    return None if found is None else unit.catalogue.pinned(unit, found)


def is_known(unit: Unit, key: str) -> bool:
    """Whether a version of the report type was ever brought in."""
    return _newest(unit, key) is not None


def _newest(unit: Unit, key: str) -> Any:
    table = model.definitions.c
    query = select(table.id, table.version, table.checksum, table.refused_at).where(table.key == key)
    return unit.first(query.order_by(table.version.desc()).limit(1))


def checksum(files: Files) -> str:
    """The same for the same files, and no others."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{files[name]}\0".encode())
    return total.hexdigest()


def load_province(unit: Unit, settings: Mapping[str, Any]) -> None:
    """Bring a province's areas and agencies up to date with its province.toml. Nothing is deleted, and what
    administrators have decided about an agency stays (`engine.places.agency_changes`).

    Raises:
        InvalidRequest: an area or agency is another province's already.
    """
    code = str(settings["code"])
    if dict(settings) != unit.scalar(select(model.provinces.c.settings).where(model.provinces.c.code == code)):
        acts.note(unit, "settings-loaded", acts.SYSTEM, code)
    _upsert(
        unit,
        model.provinces,
        [{"code": code, "name": settings["name"], "short": settings["short"], "settings": dict(settings)}],
    )
    districts = [
        {"code": one["code"], "province": code, "name": one["name"], "parent": one.get("parent")}
        | search_keys(one["name"])
        for one in settings.get("areas", ())
    ]
    _upsert(unit, model.areas, districts)
    fields = ("area", "email", "phone")
    agencies = [
        {
            "key": one["key"],
            "province": code,
            "name": one["name"],
            "kind": one["kind"],
            **{field: one.get(field) for field in fields},
        }
        for one in settings.get("agencies", ())
    ]
    _upsert(unit, model.agencies, agencies, agency_changes.kept(unit, code))
    communes.make_agencies(unit, code, settings)
    branches.load(unit, code, settings.get("branches", ()))


def _upsert(
    unit: Unit, table: Any, rows: list[dict[str, Any]], decided: Mapping[str, Collection[str]] | None = None
) -> None:
    """Args:
    decided: columns that stay as they are, by the key of their row.
    """
    key = next(iter(table.primary_key))
    owner = table.c.province if "province" in table.c else key
    known = {row[0]: row[1] for row in unit.all(select(key, owner.label("owner")))}
    for row in rows:
        name = row[key.name]
        if name not in known:
            unit.execute(table.insert(), row)
        elif known[name] == row[owner.name]:
            stays = (decided or {}).get(name, ())
            new = {column: value for column, value in row.items() if column not in stays}
            unit.execute(table.update().where(key == name).values(new or {key.name: name}))
        else:
            raise InvalidRequest(f"{name!r} in [[{table.name}]] belongs to another province: give yours another name.")
        known[name] = row[owner.name]


class Catalogue:
    """The report types by version, parsed once per process and shared by all cases."""

    def __init__(self) -> None:
        self._packages: dict[int, Package] = {}
        self._last: dict[str, int] = {}
        self.heirs = Heirs()
        self.declared = DeclaredDays()
        self._lock = threading.Lock()

    def pinned(self, unit: Unit, definition_id: int) -> Package:
        """The version a case started with."""
        found = self._packages.get(definition_id)
        if found is None:
            with self._lock:
                found = self._packages.get(definition_id) or self._load(unit, definition_id)
        found.declared = self.declared.of(unit).get(str(found.province["code"]), [])
        return found

    def current(self, unit: Unit, key: str) -> Package:
        """The version that new cases start with.

        Raises:
            NotFound: there is no such report type, or none of its versions is in force yet.
        """
        found = unit.scalar(activations.IN_FORCE, {"key": key, "now": unit.now})
        if found is None:
            raise NotFound(f"There is no report type {key!r}.")
        if found not in unit.deployed:
            self._last[key] = found
        return self.pinned(unit, found)

    def likely(self, key: str) -> Package | None:
        """What `current` answered last: for a guess that is checked by asking it."""
        return self._packages.get(self._last.get(key, 0))

    def all_current(self, unit: Unit) -> list[Package]:
        """The versions that new cases start with, by key."""
        return [self.pinned(unit, row.definition_id) for row in unit.all(activations.ALL_IN_FORCE, {"now": unit.now})]

    def of_province(self, unit: Unit, code: str) -> list[Package]:
        """Those of one province; whichever nobody has needed yet is read, but its diagram is not parsed."""
        current = unit.all(activations.ALL_IN_FORCE, {"now": unit.now})
        found = [self._packages.get(row.definition_id) or _read(unit, row.definition_id) for row in current]
        return [package for package in found if str(package.province["code"]) == code]

    def _load(self, unit: Unit, definition_id: int) -> Package:
        package = _read(unit, definition_id)
        _ = package.machine  # parse now, under the lock, not in the middle of somebody's step
        if definition_id not in unit.deployed:  # should the unit roll back, SQLite gives the id to another
            self._packages[definition_id] = package
        return package


def _read(unit: Unit, definition_id: int) -> Package:
    table = model.definitions.c
    row = unit.first(select(table.files, table.version).where(table.id == definition_id))
    if row is None:
        raise NotFound(f"There is no deployed version {definition_id}.")
    return Package(json.loads(zlib.decompress(row.files)), definition_id, row.version)
