"""Versions of report types: who may bring one, which there are, what is in them."""

from __future__ import annotations

import json
import tomllib
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update

from engine import access, packages
from engine.access import Account, Target
from engine.errors import InvalidPackage, InvalidRequest, NotFound, WrongState
from engine.flow.faults import Fault
from engine.flow.xml import XmlFault, process_ids
from engine.model import definitions
from engine.packages import Deployed, general_type
from engine.reasons import checked_reason
from engine.runtime import Unit

_ABOUT = tuple(column for column in definitions.c if column.name != "files")


def submit(unit: Unit, files: Mapping[str, str], active_from: datetime | None = None, *, by: Account) -> Deployed:
    """Check a package and make it the newest version of its report type; its province is brought up to date, too.

    Raises:
        NotAllowed: the account may not deploy, or not for this province.
        InvalidPackage: ``faults`` lists every fault; nothing is stored.
        InvalidRequest: it is to be in force before now.
    """
    access.require(by, "deploy")
    if active_from is not None and active_from < unit.now:
        raise InvalidRequest("A version comes into force now or later: leave active_from out.", field="active_from")
    deployed = packages.deploy(unit, files, by=by.login, active_from=active_from)
    province = tomllib.loads(files["province.toml"])
    access.require(by, "deploy", Target(province=str(province["code"]), report_type=deployed.key), unit)
    packages.load_province(unit, province)
    return deployed


def list_versions(unit: Unit, key: str | None = None) -> list[dict[str, Any]]:
    """Every version, newest first; ``current`` is the one that new cases start with."""
    of_key = [] if key is None else [definitions.c.key == key]
    rows = unit.all(select(*_ABOUT).where(*of_key).order_by(definitions.c.key, definitions.c.version.desc()))
    current = _current(unit)
    return [dict(row._mapping) | {"current": row.id in current} for row in rows]


def show(unit: Unit, definition_id: int) -> dict[str, Any]:
    """One version, with the names of its files.

    Raises:
        NotFound: there is no such version.
    """
    row = unit.first(select(definitions).where(definitions.c.id == definition_id))
    if row is None:
        raise NotFound(f"There is no deployment {definition_id}.")
    return dict(row._mapping) | {"files": _files(row), "current": row.id in _current(unit)}


def file(unit: Unit, definition_id: int, name: str) -> str:
    """A file of a version, exactly as it was deployed.

    Raises:
        NotFound: there is no such version, or no such file in it.
    """
    files = show(unit, definition_id)["files"]
    if name not in files:
        raise NotFound(f"Deployment {definition_id} has no file {name!r}.")
    return str(files[name])


def suspend(unit: Unit, definition_id: int, reason: str, *, by: Account) -> None:
    """No further case begins with this version: reports go to the version before, and if every version of a type is
    suspended, to the province's general type (``message_type`` in province.toml), so that none is lost.

    Raises:
        NotFound, NotAllowed: there is no such version, or it is not for this account.
        InvalidRequest: no reason.
        WrongState: it is suspended already, or nothing would take its reports.
    """
    row, package = _mine(unit, definition_id, by)
    if row.suspended_at is not None:
        raise WrongState(f"Version {row.version} of {row.key} is suspended already.")
    others = (definitions.c.key == row.key, definitions.c.id != row.id, definitions.c.suspended_at.is_(None),
              definitions.c.active_from <= unit.now)  # fmt: skip
    if unit.first(select(definitions.c.id).where(*others)) is None:
        desk = general_type(unit, str(package.province["code"]))
        if desk in (None, row.key):
            raise WrongState(f"Nothing would take the reports of {row.key}: name a message_type in province.toml.")
    _set(unit, row.id, suspended_at=unit.now, suspended_by=by.login, suspended_reason=checked_reason(reason))


def release(unit: Unit, definition_id: int, *, by: Account) -> None:
    """New cases may begin with this version again.

    Raises:
        NotFound, NotAllowed: there is no such version, or it is not for this account.
        WrongState: it is not suspended.
    """
    row, _ = _mine(unit, definition_id, by)
    if row.suspended_at is None:
        raise WrongState(f"Version {row.version} of {row.key} is not suspended.")
    _set(unit, row.id, suspended_at=None, suspended_by=None, suspended_reason=None)


def _mine(unit: Unit, definition_id: int, by: Account) -> tuple[Row[Any], packages.Package]:
    row = unit.first(select(*_ABOUT).where(definitions.c.id == definition_id))
    if row is None:
        raise NotFound(f"There is no deployment {definition_id}.")
    package = unit.catalogue.pinned(unit, definition_id)
    access.require(by, "deploy", Target(province=str(package.province["code"]), report_type=row.key), unit)
    return row, package


def _set(unit: Unit, definition_id: int, **values: Any) -> None:
    unit.execute(update(definitions).where(definitions.c.id == definition_id).values(values))


def _files(row: Row[Any]) -> dict[str, str]:
    return json.loads(zlib.decompress(row.files))  # type: ignore[no-any-return]


def _current(unit: Unit) -> set[int]:
    in_force = select(definitions.c.key, func.max(definitions.c.version).label("version"))
    takes_reports = (definitions.c.active_from <= unit.now, definitions.c.suspended_at.is_(None))
    in_force = in_force.where(*takes_reports).group_by(definitions.c.key).subquery()
    same = (definitions.c.key == in_force.c.key) & (definitions.c.version == in_force.c.version)
    return {row.id for row in unit.all(select(definitions.c.id).join(in_force, same))}


def amend(unit: Unit, files: Mapping[str, str], name: str = "", *, by: Account) -> Deployed:
    """A new version of a report type in which these files take the place of those it had: what a modeler deploys is one
    diagram with a table or a form beside it, never a whole package.

    A diagram takes the place of the one with the same process; any other file that of the same name.

    Args:
        name: of the deployment; says which type is meant where no diagram does, if it is a type's code.

    Raises:
        NotAllowed: the account may not deploy, or not for this province.
        InvalidPackage: the whole would have faults; ``faults`` lists every one, and nothing is stored.
        InvalidRequest: it cannot be seen which report type is meant.
    """
    access.require(by, "deploy")
    processes = {file: _drawn(file, text) for file, text in files.items() if file.endswith(".bpmn")}
    base = _meant(unit, files, processes, name)
    changed = dict(base)
    for file, text in files.items():
        mine = [old for old in base if old.endswith(".bpmn") and set(processes.get(file, ())) & set(_ids(base, old))]
        changed[mine[0] if mine else file] = text
    return submit(unit, changed, by=by)


def _drawn(file: str, text: str) -> list[str]:
    try:
        return process_ids(text, file)
    except XmlFault as fault:
        found = Fault(file, fault.line, None, "file-unreadable", fault.message)
        raise InvalidPackage(f"{file} cannot be read; nothing was deployed.", faults=[found.to_json()]) from None


def _meant(unit: Unit, files: Mapping[str, str], processes: Mapping[str, list[str]], name: str) -> dict[str, str]:
    """The files of the newest version of the report type that somebody deploys to."""
    newest = {row["key"]: row for row in reversed(list_versions(unit))}
    drawn = {one for ids in processes.values() for one in ids}
    if "type.toml" in files:
        return {}
    wanted = [key for key in newest if key in drawn] or [key for key in newest if key == name.strip()]
    wanted = wanted or [key for key, row in newest.items() if drawn & set(row["processes"])]
    if wanted:
        return dict(show(unit, newest[wanted[0]]["id"])["files"])
    said = f"The process {sorted(drawn)[0]!r} belongs to no report type" if drawn else "No diagram is among the files"
    raise InvalidRequest(
        f"{said}: name the deployment after the report type's code (BDTT), or deploy a whole package with type.toml."
    )


def _ids(files: Mapping[str, str], file: str) -> list[str]:
    return process_ids(files[file], file) if file.endswith(".bpmn") else []
