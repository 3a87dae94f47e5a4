"""Versions of report types: who may bring one, which there are, what is in them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from engine import activations, acts, model, packages
from engine.errors import InvalidPackage, InvalidRequest, NotFound, WrongState
from engine.flow.faults import Fault
from engine.flow.toml import read_toml
from engine.flow.xml import XmlFault, process_ids
from engine.model import definitions
from engine.packages import Deployed, general_type
from engine.people import access
from engine.people.access import Account, Target
from engine.reasons import checked_reason
from engine.runtime import Unit

STATES = ("current", "planned", "past", "suspended", "parked", "refused")
_ABOUT = tuple(column for column in definitions.c if column.name != "files")


def submit(unit: Unit, files: Mapping[str, str], active_from: datetime | None = None, *, by: Account) -> Deployed:
    """Check a package and make it the newest version of its report type; its province is brought up to date, too. Where
    the province asks for approval (``approval`` in the province.toml in force), it is parked until somebody else
    approves it (`engine.versions.approvals`), and changes nothing before.

    Args:
        active_from: when new cases start with it; now, if left out. Aware.

    Raises:
        NotAllowed: the account may not deploy, or not for this province.
        InvalidPackage: ``faults`` lists every fault; nothing is stored.
        InvalidRequest: it is to be in force before now; or later, but with other settings of the province.
        WrongState: it is no new version, and has another date.
    """
    access.require(by, "deploy")
    _not_past(unit, active_from)
    deployed = packages.store(unit, files, active_from or unit.now, by=by.login)
    province = read_toml(files["province.toml"])
    access.require(by, "deploy", Target(province=str(province["code"]), report_type=deployed.key), unit)
    in_force = packages.settings(unit, str(province["code"]))
    if active_from is not None and province != in_force:
        raise InvalidRequest("The province.toml of a version for later must be the one that is in force, for it serves"
                             " every report type: deploy the change to it first, without active_from.",
                             field="active_from")  # fmt: skip
    if deployed.unchanged:
        _as_planned(unit, deployed, active_from)
    elif in_force.get("approval"):
        set_values(unit, deployed.id, wanted_from=active_from)
    else:
        activations.decide(unit, deployed.id, deployed.key, active_from, by.login)
    # the same files again bring nothing, least of all settings that another type's version has changed since
    if active_from is None and not deployed.unchanged and not in_force.get("approval"):
        packages.load_province(unit, province)
    return replace(deployed, parked=not activations.decisions(unit, deployed.id))


def _as_planned(unit: Unit, deployed: Deployed, active_from: datetime | None) -> None:
    """The same files again ask for nothing new; a date that nobody decided would be one.

    Raises:
        WrongState: it has another date.
    """
    dates = [one.active_from for one in activations.decisions(unit, deployed.id)]
    dates += unit.all(select(definitions.c.wanted_from).where(definitions.c.id == deployed.id))[0]
    if active_from is not None and active_from not in dates:
        raise WrongState(f"Version {deployed.version} of {deployed.key} has these very files already: to date it, "
                         f"activate deployment {deployed.id} with that active_from.")  # fmt: skip


def activate(
    unit: Unit, definition_id: int, reason: str, active_from: datetime | None = None, *, by: Account
) -> None:
    """New cases start with this version from now on, or from then on: also an earlier one, to go back to it. Cases that
    run stay with the version they have, and the settings of the province stay as they are.

    Raises:
        NotFound, NotAllowed: there is no such version, or it is not for this account.
        InvalidRequest: no reason, or a moment that has passed.
        WrongState: it is suspended, in force, or not approved.
    """
    row, _ = mine(unit, definition_id, by)
    _not_past(unit, active_from)
    require_approved(unit, row)
    if row.suspended_at is not None:
        raise WrongState(f"Version {row.version} of {row.key} is suspended: release it first.")
    if active_from is None and row.id in _current(unit):
        raise WrongState(f"Version {row.version} of {row.key} is in force.")
    activations.decide(unit, row.id, row.key, active_from, by.login, checked_reason(reason))


def _not_past(unit: Unit, active_from: datetime | None) -> None:
    if active_from is not None and active_from < unit.now:
        raise InvalidRequest("A version comes into force now or later: leave active_from out.", field="active_from")


def list_versions(unit: Unit, key: str | None = None, state: str | None = None) -> list[dict[str, Any]]:
    """Every version, newest first. ``current``: new cases start with it; ``state``: see `_described`."""
    of_key = [] if key is None else [definitions.c.key == key]
    rows = unit.all(select(*_ABOUT).where(*of_key).order_by(definitions.c.key, definitions.c.version.desc()))
    return [one for one in _described(unit, rows) if state in (None, one["state"])]


def show(unit: Unit, definition_id: int) -> dict[str, Any]:
    """One version, with the names of its files.

    Raises:
        NotFound: there is no such version.
    """
    row = unit.first(select(definitions).where(definitions.c.id == definition_id))
    if row is None:
        raise NotFound(f"There is no deployment {definition_id}.")
    decisions = [dict(one._mapping) for one in activations.decisions(unit, definition_id)]
    return _described(unit, [row])[0] | {"files": _files(row), "decisions": decisions}


def _described(unit: Unit, rows: list[Row[Any]]) -> list[dict[str, Any]]:
    """Versions with ``active_from`` as last decided, and their ``state``: current, planned (comes into force later),
    suspended, past; parked (waits for approval), or refused."""
    current, decided = _current(unit), activations.last_decided(unit)
    return [dict(row._mapping) | {"active_from": decided.get(row.id, row.wanted_from), "current": row.id in current,
            "state": "current" if row.id in current else _state(row, decided.get(row.id), unit.now)}
            for row in rows]  # fmt: skip


def _state(row: Row[Any], decided: datetime | None, now: datetime) -> str:
    if decided is None:
        return "refused" if row.refused_at else "parked"
    if row.suspended_at:
        return "suspended"
    return "planned" if decided > now else "past"


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
        WrongState: it is suspended already, not approved, or nothing would take its reports.
    """
    row, package = mine(unit, definition_id, by)
    require_approved(unit, row)
    if row.suspended_at is not None:
        raise WrongState(f"Version {row.version} of {row.key} is suspended already.")
    others = (definitions.c.key == row.key, definitions.c.id != row.id, definitions.c.suspended_at.is_(None))
    begun = select(definitions.c.id).join(model.activations).where(model.activations.c.active_from <= unit.now)
    if unit.first(begun.where(*others)) is None:
        desk = general_type(unit, str(package.province["code"]))
        if desk in (None, row.key):
            raise WrongState(f"Nothing would take the reports of {row.key}: name a message_type in province.toml.")
    set_values(unit, row.id, suspended_at=unit.now, suspended_by=by.login, suspended_reason=checked_reason(reason))
    acts.note(unit, "version-suspended", by.login, row.key, version=row.version, reason=reason)


def release(unit: Unit, definition_id: int, *, by: Account) -> None:
    """New cases may begin with this version again.

    Raises:
        NotFound, NotAllowed: there is no such version, or it is not for this account.
        WrongState: it is not suspended.
    """
    row, _ = mine(unit, definition_id, by)
    if row.suspended_at is None:
        raise WrongState(f"Version {row.version} of {row.key} is not suspended.")
    set_values(unit, row.id, suspended_at=None, suspended_by=None, suspended_reason=None)
    acts.note(unit, "version-released", by.login, row.key, version=row.version)


def require_approved(unit: Unit, row: Row[Any]) -> None:
    """Raises:
    WrongState: the version waits for approval, or was refused.
    """
    if not activations.decisions(unit, row.id):
        raise WrongState(f"Version {row.version} of {row.key} is not approved.")


def mine(unit: Unit, definition_id: int, by: Account) -> tuple[Row[Any], packages.Package]:
    """A version of which this account may decide; nobody else decides until the unit ends.

    Raises:
        NotFound, NotAllowed: there is no such version, or it is not for this account.
    """
    row = unit.first(select(*_ABOUT).where(definitions.c.id == definition_id).with_for_update())
    if row is None:
        raise NotFound(f"There is no deployment {definition_id}.")
    package = unit.catalogue.pinned(unit, definition_id)
    access.require(by, "deploy", Target(province=str(package.province["code"]), report_type=row.key), unit)
    return row, package


def set_values(unit: Unit, definition_id: int, **values: Any) -> None:
    unit.execute(update(definitions).where(definitions.c.id == definition_id).values(values))


def _files(row: Row[Any]) -> dict[str, str]:
    return json.loads(zlib.decompress(row.files))  # type: ignore[no-any-return]


def _current(unit: Unit) -> set[int]:
    return {row.definition_id for row in unit.all(activations.ALL_IN_FORCE, {"now": unit.now})}


def amend(
    unit: Unit, files: Mapping[str, str], name: str = "", province: str | None = None,
    active_from: datetime | None = None, *, by: Account,
) -> Deployed:  # fmt: skip
    """A new version of a report type in which these files take the place of those it had: what a modeler deploys is one
    diagram with a table or a form beside it, never a whole package.

    A diagram takes the place of the one with the same process; any other file that of the same name.

    Args:
        name: of the deployment; says which type is meant where no diagram does, if it is a type's code.
        province: whose type it must be, by its code; any, if left out.
        active_from: when new cases start with it; now, if left out. Aware.

    Raises:
        As `submit`; InvalidRequest: it cannot be seen which report type is meant, or it is another province's.
    """
    access.require(by, "deploy")
    processes = {file: _drawn(file, text) for file, text in files.items() if file.endswith(".bpmn")}
    base = _meant(unit, files, processes, name)
    changed = dict(base)
    for file, text in files.items():
        mine = [old for old in base if old.endswith(".bpmn") and set(processes.get(file, ())) & set(_ids(base, old))]
        changed[mine[0] if mine else file] = text
    its = read_toml(changed["province.toml"]).get("code") if province and "province.toml" in changed else province
    if its != province:
        raise InvalidRequest(f"That report type is of the province {its!r}, not of {province!r}.", field="tenant-id")
    return submit(unit, changed, active_from, by=by)


def _drawn(file: str, text: str) -> list[str]:
    try:
        return process_ids(text, file)
    except XmlFault as fault:
        found = Fault(file, fault.line, None, "file-unreadable", fault.message)
        raise InvalidPackage(f"{file} cannot be read; nothing was deployed.", faults=[found.to_json()]) from None


def _meant(unit: Unit, files: Mapping[str, str], processes: Mapping[str, list[str]], name: str) -> dict[str, str]:
    """The files of the newest version, of those not refused, of the report type that somebody deploys to."""
    newest = {row["key"]: row for row in reversed(list_versions(unit)) if row["state"] != "refused"}
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
