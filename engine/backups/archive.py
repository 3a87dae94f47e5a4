"""The file of a copy: a tar of the database, attachments as they lie sealed, and the manifest.

A copy is found whole or damaged without any key: the manifest has a digest of everything that was written.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from engine.files.attachments import Store
from engine.storage import disk
from engine.storage.sealing import Unreadable

FORMAT = 2
UNSEALED = 1  # the format of before: attachments as they came
MANIFEST = "manifest.json"
_ATTACHMENT = re.compile(r"attachments/([0-9a-f]{64})")
_BLOCK = 1 << 20


class BadBackup(Exception):
    """A copy cannot be made, read or put back; the message is a sentence."""


class _Hashing(io.RawIOBase):
    """What is read through it is hashed."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self.digest = source, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._source.read(size)
        self.digest.update(block)
        return block

    def drain(self) -> str:
        while self.read(_BLOCK):
            pass
        return self.digest.hexdigest()


class Writer:
    """Writes a copy beside its place, and moves it there when it is whole."""

    def __init__(self, file: Path) -> None:
        self._file, self._part = file, file.with_name(f"{file.name}.part")
        self._kept: dict[str, str] = {}
        self._attachments = 0
        self._lost: dict[str, str] = {}
        self._written = hashlib.sha256()  # of the attachments' names and content, one after the other

    def __enter__(self) -> Writer:
        if self._file.exists():
            raise BadBackup(f"{self._file} is there already: name another file.")
        try:
            self._out = os.fdopen(os.open(self._part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb")
        except OSError as error:
            raise BadBackup(f"{self._part} cannot be written: {error.strerror}.") from error
        self._tar = tarfile.open(fileobj=self._out, mode="w", format=tarfile.PAX_FORMAT)
        return self

    def __exit__(self, *raised: Any) -> None:
        self._out.close()
        self._part.unlink(missing_ok=True)  # unless `finish` has moved it

    def add(self, name: str, path: Path) -> None:
        self._kept[name] = self._write(name, path)

    def add_attachment(self, sha256: str, store: Store) -> None:
        """One that is missing or has changed is noted: all the others are worth keeping still."""
        self._attachments += 1
        try:
            with store.open(sha256) as opened:
                changed = _Hashing(opened).drain() != sha256
        except FileNotFoundError:
            self._lost[sha256] = "missing"
            return
        except Unreadable:
            changed = True
        if changed:
            self._lost[sha256] = "changed"
        _note(self._written, sha256, self._write(f"attachments/{sha256}", store.path(sha256)))

    def _write(self, name: str, path: Path) -> str:
        with path.open("rb") as source:
            info, hashing = tarfile.TarInfo(name), _Hashing(source)
            info.size = os.fstat(source.fileno()).st_size
            self._tar.addfile(info, hashing)
        return hashing.digest.hexdigest()

    def finish(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Write the manifest, see that everything is on disk, and give the file its name."""
        manifest = facts | {"format": FORMAT, "files": self._kept, "attachments": self._attachments,
                            "attachments_sha256": self._written.hexdigest(), "lost": self._lost}  # fmt: skip
        manifest["sha256"] = _sum(manifest)
        text = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(text)
        self._tar.addfile(info, io.BytesIO(text))
        self._tar.close()
        self._out.flush()
        os.fsync(self._out.fileno())
        disk.put(self._part, self._file)
        return manifest


def _note(digest: Any, name: str, content: str) -> None:
    digest.update(f"{name} {content}\n".encode())


def _sum(manifest: dict[str, Any]) -> str:
    kept = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


@contextmanager
def _members(file: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """What is in it, one after the other: a name and what can be read until the next."""

    def each(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
        for member in tar:
            content = tar.extractfile(member)
            if content is None:
                raise BadBackup(f"{file} is no copy of ours: it holds {member.name!r}.")
            yield member.name, content

    try:
        with tarfile.open(file, "r:") as tar:
            yield each(tar)
    except (tarfile.TarError, EOFError) as error:
        raise BadBackup(f"{file} is no copy of ours, or not whole: {error}.") from error
    except OSError as error:
        raise BadBackup(f"{file} cannot be read: {error.strerror or error}.") from error


def check(file: Path) -> dict[str, Any]:
    """The manifest of a copy that is whole: that holds what was there when it was made."""
    kept: dict[str, str] = {}
    attachments, changed, written, manifest = 0, set(), hashlib.sha256(), None
    with _members(file) as members:
        for name, content in members:
            match = _ATTACHMENT.fullmatch(name)
            if name == MANIFEST:
                manifest = _manifest(file, content.read())
            elif match is None:
                kept[name] = _Hashing(content).drain()
            else:
                attachments += 1
                digest = _Hashing(content).drain()
                changed |= {match[1]} - {digest}
                _note(written, match[1], digest)
    if manifest is None:
        raise BadBackup(f"{file} is not whole: its manifest is missing.")
    lost = manifest["lost"]
    there = manifest["attachments"] - sum(why == "missing" for why in lost.values())
    same = written.hexdigest() == manifest.get("attachments_sha256")
    if manifest["format"] == UNSEALED:
        same = changed == {one for one in lost if lost[one] == "changed"}
    if (kept, attachments) != (manifest["files"], there) or not same:
        raise BadBackup(f"{file} is damaged: it does not hold what its manifest says.")
    return manifest


def _manifest(file: Path, text: bytes) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(text)
        whole = manifest["sha256"] == _sum(manifest)
    except (ValueError, TypeError, KeyError):
        whole = False
    if not whole:
        raise BadBackup(f"{file} is damaged: its manifest has changed.")
    if manifest["format"] not in (UNSEALED, FORMAT):
        raise BadBackup(f"{file} is of format {manifest['format']}, which this program does not know.")
    return manifest


def put_back(file: Path, store: Store) -> None:
    """Attachments into the store; what is there already is the same."""
    with _members(file) as members:
        for name, content in members:
            match = _ATTACHMENT.fullmatch(name)
            if match and not store.path(match[1]).exists():
                store.put_back(content, match[1])


def extract(file: Path, name: str, to: Path) -> None:
    with _members(file) as members:
        for found, content in members:
            if found == name:
                with to.open("wb") as out:
                    while block := content.read(_BLOCK):
                        out.write(block)
                return
    raise BadBackup(f"{file} holds no {name}.")
