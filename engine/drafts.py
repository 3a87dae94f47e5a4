"""A report type that is being changed: its files as the analysts of a province have them so far, beside its versions.

There is one draft of a type, for all who may deploy it; without one, it is what the newest version has. Whoever saves
says by an `etag` what they have seen, so nobody overwrites unseen what another has saved. ``province.toml`` serves
every report type of the province, so a draft always has the one that is in force.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from engine import access, deployments, packages
from engine.access import Account, Target
from engine.errors import InvalidRequest, NotFound, Stale
from engine.flow.check import FILES_MAX
from engine.flow.draft import PROVINCE, TYPE
from engine.flow.faults import Fault
from engine.folders import LARGEST
from engine.model import drafts
from engine.packages import Deployed, Package
from engine.runtime import Unit

KINDS = ("bpmn", "dmn", "form")  # files that can be added and left out
_NAME = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,59}}\.({'|'.join(KINDS)})")


@dataclass(frozen=True)
class Draft:
    """Attributes:
    files: name -> text, all of them.
    newest: the id of the newest version that was not refused; ``based_on``: of the one that the draft began with.
    before: the files of the version that it began with.
    changed_at, changed_by: when and by whom it was saved last; ``None``: there is no draft, these are a version's.
    """

    key: str
    files: Mapping[str, str]
    newest: int
    based_on: int
    before: Mapping[str, str]
    changed_at: datetime | None = None
    changed_by: str | None = None

    def etag(self, name: str | None = None) -> str:
        """Of a file, "" if there is none; without a name, of the whole draft."""
        if name is None:
            return packages.checksum(_without_settings(self.files))
        return packages.checksum({name: self.files[name]}) if name in self.files else ""

    @property
    def package(self) -> Package:
        """The report type as it is now; ask it only for what the gate finds no error in."""
        return Package(self.files)

    @property
    def changes(self) -> list[str]:
        """The files that are new, different or gone, by name."""
        names = _without_settings({**self.files, **self.before})
        return sorted(name for name in names if self.files.get(name) != self.before.get(name))


def show(unit: Unit, key: str, *, by: Account) -> Draft:
    """Raises:
    NotFound, NotAllowed: there is no such report type, or it is not for this account.
    """
    newest = _newest(unit, key)
    package = unit.catalogue.pinned(unit, newest)
    access.require(by, "deploy", Target(str(package.province["code"]), key), unit)
    row = unit.first(select(drafts).where(drafts.c.key == key))
    settings = {PROVINCE: _settings_in_force(unit, package)}
    if row is None:
        return Draft(key, package.files | settings, newest, newest, package.files)
    before = unit.catalogue.pinned(unit, row.definition_id).files
    files = json.loads(zlib.decompress(row.files)) | settings
    return Draft(key, files, newest, row.definition_id, before, row.changed_at, row.changed_by)


def save(unit: Unit, key: str, name: str, text: str | None, etag: str, *, by: Account) -> Draft:
    """Keep a file of the draft as it is now; ``None`` leaves it out.

    Args:
        etag: of that file as it was seen; "": it was not there.

    Raises:
        NotFound, NotAllowed: as for `show`.
        Stale: the file is not what was seen; ``by`` and ``at`` say who saved the draft last, and when.
        InvalidRequest: no such file belongs into a draft, or all of it would be too large.
    """
    draft = _seen(unit, key, etag, by, name)
    files = {one: content for one, content in draft.files.items() if one != name}
    if text is None:
        _can_be_left_out(draft, name)
    else:
        _can_be_kept(draft, name, text)
        files[name] = text
    if len(files) > FILES_MAX or sum(map(len, files.values())) > LARGEST:
        raise InvalidRequest(f"A report type has at most {FILES_MAX} files, and {LARGEST} bytes.", field="text")
    if files != draft.files:
        _write(unit, draft, files, by)
    return show(unit, key, by=by)


def drop(unit: Unit, key: str, etag: str, *, by: Account) -> None:
    """Begin anew with the newest version.

    Args:
        etag: of the whole draft as it was seen.

    Raises:
        NotFound, NotAllowed, Stale: as for `save`.
    """
    _seen(unit, key, etag, by)
    unit.execute(delete(drafts).where(drafts.c.key == key))


def judged(unit: Unit, draft: Draft) -> list[Fault]:
    """What the gate says about it as it is now."""
    return packages.judged(unit, draft.files, unit.now)


def deploy(
    unit: Unit, key: str, etag: str, newest: str, active_from: datetime | None = None, *, by: Account
) -> Deployed:
    """Make the draft the newest version of its type, as `deployments.submit` does; there is no draft afterwards.

    Args:
        newest: the id of the version that was the newest one when the draft was looked at.

    Raises:
        NotFound, NotAllowed: as for `show`.
        Stale: the draft is not what was seen, or there is a newer version, which it would undo.
        InvalidPackage, InvalidRequest, WrongState: as for `deployments.submit`; also if its code is another by now.
    """
    draft = _seen(unit, key, etag, by)
    if str(draft.newest) != newest:
        raise Stale(f"There is a newer version of {key} than the one you saw: look at it first.")
    unit.execute(delete(drafts).where(drafts.c.key == key))
    if not draft.changes:
        newest_version = unit.catalogue.pinned(unit, draft.newest).version
        return Deployed(draft.newest, key, newest_version, unchanged=True, warnings=[])
    deployed = deployments.submit(unit, draft.files, active_from, by=by)
    if deployed.key != key:
        raise InvalidRequest(f"type.toml says code = {deployed.key!r}, but this is the draft of {key}.", field="code")
    return deployed


def of_types(unit: Unit) -> dict[str, Any]:
    """Who saved a draft last, and when, by report type."""
    return {row.key: row for row in unit.all(select(drafts.c.key, drafts.c.changed_at, drafts.c.changed_by))}


def _without_settings(files: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in files.items() if name != PROVINCE}


def _newest(unit: Unit, key: str) -> int:
    found = [one["id"] for one in deployments.list_versions(unit, key) if one["state"] != "refused"]
    if not found:
        raise NotFound(f"There is no report type {key!r}.")
    return int(found[0])


def _seen(unit: Unit, key: str, etag: str, by: Account, name: str | None = None) -> Draft:
    """The draft, which nobody else changes until the unit ends.

    Raises:
        Stale: somebody has changed it, or that file of it.
    """
    deployments.mine(unit, _newest(unit, key), by)
    draft = show(unit, key, by=by)
    if draft.etag(name) != etag:
        raise Stale(f"The draft of {key} has changed since you opened it.", by=draft.changed_by, at=draft.changed_at)
    return draft


def _settings_in_force(unit: Unit, package: Package) -> str:
    """The province.toml that is in force, as it was written."""
    own = package.files[PROVINCE]
    settings = packages.settings(unit, str(package.province["code"]))
    if package.province == settings:
        return own
    newest_first = sorted((one["id"] for one in deployments.list_versions(unit)), reverse=True)
    packages_of = (unit.catalogue.pinned(unit, one) for one in newest_first)
    return next((one.files[PROVINCE] for one in packages_of if one.province == settings), own)


def _can_be_kept(draft: Draft, name: str, text: str) -> None:
    if name == PROVINCE:
        raise InvalidRequest(f"{PROVINCE} serves every report type: it is not part of a draft.", field="name")
    if name not in draft.files and not _NAME.fullmatch(name):
        raise InvalidRequest("Name a file in small letters, digits, _ and -, ending in .bpmn, .dmn or .form.",
                             field="name")  # fmt: skip
    if "\0" in text:
        raise InvalidRequest(f"{name} has a NUL character in it.", field="text")


def _can_be_left_out(draft: Draft, name: str) -> None:
    if name in (TYPE, PROVINCE) or name not in draft.files:
        raise InvalidRequest(f"{name} cannot be left out.", field="name")


def _write(unit: Unit, draft: Draft, files: Mapping[str, str], by: Account) -> None:
    values = {"files": zlib.compress(json.dumps(dict(files), ensure_ascii=False).encode()), "changed_at": unit.now,
              "changed_by": by.login}  # fmt: skip
    if draft.changed_at is None:
        unit.execute(insert(drafts), values | {"key": draft.key, "definition_id": draft.based_on})
    else:
        unit.execute(update(drafts).where(drafts.c.key == draft.key).values(values))
