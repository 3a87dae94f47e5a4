"""A report type that is being changed: its files as the analysts of a province have them so far, beside its versions.

There is one draft of a type, for all who may deploy it; without one, it is what the newest version has. A type that has
no version yet begins as a draft (`begin`), for which ``newest`` is ``None`` and ``before`` empty. Whoever saves
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
from xml.sax.saxutils import quoteattr

from sqlalchemy import delete, insert, select, update

from engine import packages
from engine.errors import InvalidRequest, NotFound, Stale
from engine.files.folders import LARGEST
from engine.flow.check import FILES_MAX
from engine.flow.draft import PROVINCE, TYPE
from engine.flow.faults import Fault
from engine.flow.toml import read_toml
from engine.model import drafts
from engine.packages import Deployed, Package
from engine.people import access
from engine.people.access import Account, Target
from engine.queues.leases import insert_into
from engine.runtime import Unit
from engine.versions import deployments

KINDS = ("bpmn", "dmn", "form")  # files that can be added and left out
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,19}")
_NAMED = re.compile(r"^\[name\].*\n(?:[^\[\n].*\n|\n)*", re.MULTILINE)  # as a table of a type.toml ...
_NAME_LINE = re.compile(r"^name *[=.].*\n", re.MULTILINE)  # ... or before its first table
_NAME = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,59}}\.({'|'.join(KINDS)})")


@dataclass(frozen=True)
class Draft:
    """Attributes:
    files: name -> text, all of them.
    newest: the id of the newest version that was not refused; ``based_on``: of the one that the draft began with.
    before: the files of the version of this type that it began with.
    changed_at, changed_by: when and by whom it was saved last; ``None``: there is no draft, these are a version's.
    """

    key: str
    files: Mapping[str, str]
    newest: int | None
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
    def names(self) -> Mapping[str, str]:
        """What the type is called by language, if its type.toml can be read."""
        return self._words("name")

    @property
    def english(self) -> Mapping[str, str]:
        """What it gives in English itself, as `Package.english`, if its type.toml can be read."""
        return self._words("english")

    def _words(self, table: str) -> Mapping[str, str]:
        try:
            return dict(read_toml(self.files[TYPE])[table])
        except (KeyError, TypeError, ValueError):
            return {}

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
    row = unit.first(select(drafts).where(drafts.c.key == key))
    begun_with = newest if row is None else int(row.definition_id)
    if begun_with is None:
        raise NotFound(f"There is no report type {key!r}.")
    package = unit.catalogue.pinned(unit, newest or begun_with)
    access.require(by, "deploy", Target(str(package.province["code"]), key), unit)
    settings = {PROVINCE: _settings_in_force(unit, package)}
    if row is None:
        return Draft(key, package.files | settings, newest, begun_with, package.files)
    before = {} if newest is None else unit.catalogue.pinned(unit, begun_with).files
    files = json.loads(zlib.decompress(row.files)) | settings
    return Draft(key, files, newest, begun_with, before, row.changed_at, row.changed_by)


def begin(unit: Unit, key: str, files: Mapping[str, str], beside: int, *, by: Account) -> Draft:
    """A report type that is not there yet.

    Args:
        files: without province.toml.
        beside: the id of a version of another type, whose province it belongs to.

    Raises:
        NotFound, NotAllowed: there is no such version, or its province is not this account's.
        InvalidRequest: the code will not do, or is taken.
    """
    province = str(unit.catalogue.pinned(unit, beside).province["code"])
    access.require(by, "deploy", Target(province, key), unit)
    if not _CODE.fullmatch(key):
        raise InvalidRequest("Write the code in capital letters and digits, such as BDTT.", field="code")
    values = {"key": key, "definition_id": beside, "files": _packed(files), "changed_at": unit.now,
              "changed_by": by.login}  # fmt: skip
    new = insert_into(unit, drafts).values(values).on_conflict_do_nothing(index_elements=["key"])
    if _newest(unit, key) is not None or deployments.list_versions(unit, key) or not unit.claims(new):
        raise InvalidRequest(f"There is a report type {key} already.", field="code")
    return show(unit, key, by=by)


def copied(package: Package, key: str, names: Mapping[str, str]) -> dict[str, str]:
    """The files of a type under another code and name; the code stands in tables and diagrams, too."""
    quoted = re.compile(rf"""(["']){re.escape(package.code)}\1""")
    files = {name: quoted.sub(rf"\g<1>{key}\g<1>", text) for name, text in package.files.items() if name != PROVINCE}
    said = ", ".join(f"{language} = {json.dumps(name, ensure_ascii=False)}" for language, name in names.items())
    head, bracket, tables = _NAMED.sub("", files[TYPE]).partition("\n[")
    files[TYPE] = f"name = {{ {said} }}\n{_NAME_LINE.sub('', head + chr(10))}{bracket[1:]}{tables}"
    was, now = (f'id="{key}" name={quoteattr(one)}' for one in (package.name["vi"], names["vi"]))
    return files | {"process.bpmn": files["process.bpmn"].replace(was, now)}


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
        newest: the id of the version that was the newest one when the draft was looked at; "" if there was none.

    Raises:
        NotFound, NotAllowed: as for `show`.
        Stale: the draft is not what was seen, or there is a newer version, which it would undo.
        InvalidPackage, InvalidRequest, WrongState: as for `deployments.submit`; also if its code is another by now.
    """
    draft = _seen(unit, key, etag, by)
    if str(draft.newest or "") != newest:
        raise Stale(f"There is a newer version of {key} than the one you saw: look at it first.")
    unit.execute(delete(drafts).where(drafts.c.key == key))
    if draft.newest is not None and not draft.changes:
        newest_version = unit.catalogue.pinned(unit, draft.newest).version
        return Deployed(draft.newest, key, newest_version, unchanged=True, warnings=[])
    deployed = deployments.submit(unit, draft.files, active_from, by=by)
    if deployed.key != key:
        raise InvalidRequest(f"type.toml says code = {deployed.key!r}, but this is the draft of {key}.", field="code")
    return deployed


def of_types(unit: Unit) -> dict[str, Any]:
    """Who saved a draft last, and when, and the version it began with, by report type."""
    columns = (drafts.c.key, drafts.c.definition_id, drafts.c.changed_at, drafts.c.changed_by)
    return {row.key: row for row in unit.all(select(*columns))}


def _without_settings(files: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in files.items() if name != PROVINCE}


def _newest(unit: Unit, key: str) -> int | None:
    found = [one["id"] for one in deployments.list_versions(unit, key) if one["state"] != "refused"]
    return int(found[0]) if found else None


def _seen(unit: Unit, key: str, etag: str, by: Account, name: str | None = None) -> Draft:
    """The draft, which nobody else changes until the unit ends.

    Raises:
        Stale: somebody has changed it, or that file of it.
    """
    if (newest := _newest(unit, key)) is not None:
        deployments.mine(unit, newest, by)
    unit.first(select(drafts.c.key).where(drafts.c.key == key).with_for_update())
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
    values = {"files": _packed(files), "changed_at": unit.now, "changed_by": by.login}
    if draft.changed_at is None:
        unit.execute(insert(drafts), values | {"key": draft.key, "definition_id": draft.based_on})
    else:
        unit.execute(update(drafts).where(drafts.c.key == draft.key).values(values))


def _packed(files: Mapping[str, str]) -> bytes:
    return zlib.compress(json.dumps(dict(files), ensure_ascii=False).encode())
