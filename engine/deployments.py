"""Versions of report types: who may bring one, which there are, what is in them."""

from __future__ import annotations

import json
import tomllib
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from engine import access, packages
from engine.access import Account, Target
from engine.errors import InvalidRequest, NotFound
from engine.model import definitions
from engine.packages import Deployed
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


def _files(row: Row[Any]) -> dict[str, str]:
    return json.loads(zlib.decompress(row.files))  # type: ignore[no-any-return]


def _current(unit: Unit) -> set[int]:
    in_force = select(definitions.c.key, func.max(definitions.c.version).label("version"))
    in_force = in_force.where(definitions.c.active_from <= unit.now).group_by(definitions.c.key).subquery()
    same = (definitions.c.key == in_force.c.key) & (definitions.c.version == in_force.c.version)
    return {row.id for row in unit.all(select(definitions.c.id).join(in_force, same))}
