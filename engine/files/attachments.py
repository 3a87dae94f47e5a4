"""Files that belong to a case: kept once by content, described by a row.

A file's name in the store is the SHA-256 of what is in it: the same photo sent twice is one file, a name from outside
never becomes a path, and what is in a file is never changed. It lies there sealed (`engine.files.sealed_files`). It is
in place before its row is written; a row that is not written after all leaves a file that no case has, which is swept
(`engine.files.unclaimed`). What a file *is*, is found from its content.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import puremagic
from sqlalchemy import Row, insert, select

from engine.errors import InvalidAnswers, InvalidRequest, WrongState
from engine.files import boxes, sealed_files
from engine.files.scanning import Clamd
from engine.forms import Field, Form, sentences
from engine.language.vietnamese import nfc
from engine.model import attachments
from engine.people.access import Account
from engine.privacy import firewall, keeping
from engine.runtime import Unit
from engine.storage import disk, sealing

UNKNOWN = "application/octet-stream"
PLAIN = "text/plain"
# what a browser may show in place
SHOWABLE = ("image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf")
NAME_MAX = 200
_NEW = ".new-"  # how the names of files begin that are still being written
_ASIDE = ".aside"  # the folder of those that no case has
PARTS = 24  # of the store, which are looked through one after the other


@dataclass(frozen=True)
class Stored:
    """A file in the store; ``size`` in bytes."""

    sha256: str
    size: int
    media_type: str
    path: Path


class Store:
    """A folder of files, named by their content.

    >>> store = Store(Path("instance/attachments"))
    """

    def __init__(self, folder: Path, scanner: Clamd | None = None) -> None:
        self.folder = folder
        self._scanner = scanner

    def put(self, stream: IO[bytes], largest: int) -> Stored:
        """Keep what can be read from the stream.

        Raises:
            InvalidRequest: it is empty or larger than ``largest`` bytes, or the scanner found something in it.
            Unscanned: the scanner is away.
        """
        with self._written(lambda file: self._sealed(stream, file, largest)) as (new, (digest, size)):
            if not size:
                raise InvalidRequest("The file is empty.", field="file")
            with sealed_files.unseal(new, digest) as file:
                media_type = _media_type(file)
            self._take(new, digest)
        return Stored(digest, size, media_type, self.path(digest))

    def put_back(self, stream: IO[bytes], sha256: str) -> None:
        """Keep what a copy of ours holds, sealed or not, as it is there."""
        with self._written(lambda file: _copy(stream, file)) as (new, _):
            self._take(new, sha256)

    def open(self, sha256: str) -> IO[bytes]:
        """What is in a file.

        Raises:
            FileNotFoundError, Unreadable: as `sealed_files.unseal`.
        """
        return sealed_files.unseal(self.find(sha256), sha256)

    def find(self, sha256: str) -> Path:
        """Where a file lies, if it does; one that was set aside lies there again."""
        path = self.path(sha256)
        if not path.exists():
            with suppress(FileNotFoundError):
                os.utime(self._aside(sha256))
                os.replace(self._aside(sha256), path)
        return path

    def remove(self, sha256: str) -> None:
        self._aside(sha256).unlink(missing_ok=True)
        if not self.path(sha256).exists():
            return
        with self._alone():
            self.path(sha256).unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    # -- what nobody needs -----------------------------------------------------------------------------------------

    def sweep(self, before: datetime) -> int:
        """Remove what a process that was killed had half written by then; returns how many files."""
        return self._unlink(f"{_NEW}*", before)

    def lying(self, before: datetime, part: int) -> list[str]:
        """The files that came before then, of one part of `PARTS`."""
        folders = (one for one in self.folder.glob("[0-9a-f][0-9a-f]") if int(one.name, 16) % PARTS == part)
        return [path.name for folder in folders for path in folder.iterdir() if _is_older(path, before)]

    def set_aside(self, sha256: str, before: datetime, at: datetime) -> bool:
        """``False``: it has come again since ``before``, or is not there."""
        path = self.path(sha256)
        if not _is_older(path, before):
            return False
        self._aside(sha256).parent.mkdir(exist_ok=True, mode=0o700)
        with suppress(FileNotFoundError):  # another worker was first
            os.utime(path, (at.timestamp(), at.timestamp()))
            os.replace(path, self._aside(sha256))
            return True
        return False

    def lying_aside(self) -> list[str]:
        return [path.name for path in self.folder.glob(f"{_ASIDE}/*")]

    def discard(self, before: datetime) -> int:
        """Remove what was set aside before then; returns how many files."""
        return self._unlink(f"{_ASIDE}/*", before)

    def _aside(self, sha256: str) -> Path:
        return self.folder / _ASIDE / sha256

    def _unlink(self, pattern: str, before: datetime) -> int:
        removed = 0
        for path in self.folder.glob(pattern):
            if _is_older(path, before):
                path.unlink(missing_ok=True)  # it has just been given its name
                removed += 1
        return removed

    # -- keys over the years ---------------------------------------------------------------------------------------

    def counts(self) -> Counter[str | None]:
        """How many files each key has sealed, by its id; ``None``: no key."""
        return Counter(key for _, key in self._keys())

    def rotate(self) -> Iterator[int]:
        """Seal everything with the newest key, what lies aside as well; yields how many files have been. Who reads one
        meanwhile reads on; one that cannot be opened stays as it is."""
        done = 0
        for path, key in self._keys():
            if key != sealing.ring().newest.id:
                with suppress(FileNotFoundError, sealing.Unreadable):
                    done += self._seal_anew(path)
                    yield done

    def _keys(self) -> Iterator[tuple[Path, str | None]]:
        for pattern in ("[0-9a-f][0-9a-f]/*", f"{_ASIDE}/*"):
            for path in self.folder.glob(pattern):
                with suppress(FileNotFoundError):  # its case is being emptied
                    yield path, sealed_files.key_of(path)

    def _seal_anew(self, path: Path) -> bool:
        """As old as it was. ``False``: it has been removed meanwhile, or is not what its name says."""
        with (
            sealed_files.unseal(path, path.name) as old,
            self._written(lambda file: sealed_files.seal(old, file, 1 << 62)) as (new, what),
            self._alone(),
        ):
            there = what[0] == path.name and path.exists()
            if there:
                os.utime(new, (path.stat().st_atime, path.stat().st_mtime))
                disk.put(new, path)
        return there

    @contextmanager
    def _written(self, write: Callable[[IO[bytes]], Any]) -> Iterator[tuple[Path, Any]]:
        """A new file, on disk, with what writing it told; gone afterwards unless `_take` has given it its name."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=_NEW, delete=False) as file:
            try:
                told = write(file)
                file.flush()
                os.fsync(file.fileno())
                yield Path(file.name), told
            finally:
                Path(file.name).unlink(missing_ok=True)

    def _sealed(self, stream: IO[bytes], file: IO[bytes], largest: int) -> tuple[str, int]:
        try:
            if self._scanner is None:
                return sealed_files.seal(stream, file, largest)
            with closing(self._scanner.watch(stream)) as watched:
                kept = sealed_files.seal(watched, file, largest)
                watched.judge()
                return kept
        except ValueError:
            raise InvalidRequest(f"The file is larger than {largest} bytes.", field="file") from None

    def _take(self, new: Path, sha256: str) -> None:
        target = self.path(sha256)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        disk.put(new, target)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else removes files or seals them anew: or what was removed would be there again."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def add(unit: Unit, number: str, stored: Stored, name: str, *, by: Account) -> Row[Any]:
    """Describe a stored file as one of this case's.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
        WrongState: a case that had the same file was emptied meanwhile, and the file with it; or this one was.
    """
    case = keeping.find(unit, by, "attach", number)
    row = {"case_id": case.id, "at": unit.now, "author": by.login, "name": _name(name), "media_type": stored.media_type,
           "size": stored.size, "sha256": stored.sha256,
           "author_knew": firewall.has_known(by, case, unit)}  # fmt: skip
    made = unit.scalar(insert(attachments).returning(attachments.c.id), row)
    if not stored.path.exists():  # asked with the row written: `emptying.throw_away` waits for it, or was first
        raise WrongState(f"The file {row['name']!r} was thrown away with another case just now: send it again.")
    unit.record(case.id, "attached", by.login, attachment=made, media_type=stored.media_type, size=stored.size)
    return unit.first(select(attachments).where(attachments.c.id == made))  # type: ignore[return-value]


def check_named(unit: Unit, case: Row[Any], form: Form, answers: Mapping[str, Any], *, by: Account) -> None:
    """That the files which answers name are this case's, and of the kinds that their questions take.

    Raises:
        InvalidAnswers: with one sentence for each question.
    """
    asked = list(form.files(answers))
    if not asked:
        return
    named = {one for _, _, ids in asked for one in ids}
    query = select(attachments.c.id, attachments.c.name, attachments.c.media_type)
    ours = unit.all(query.where(attachments.c.case_id == case.id, attachments.c.id.in_(named)))
    found = {row.id: row for row in ours}
    faults = {key: fault for key, field, ids in asked if (fault := _fault(field, ids, found))}
    if faults:
        veil = firewall.over(unit, by, case)  # they say what files are called
        faults = {key: veil(fault) for key, fault in faults.items()}
        raise InvalidAnswers(sentences.summary(form.title, faults), errors=faults)


def _fault(field: Field, ids: list[int], found: Mapping[int, Row[Any]]) -> str | None:
    if missing := [one for one in ids if one not in found]:
        return sentences.no_file(missing)
    wrong = (found[one].name for one in ids if not _accepts(field.accept, found[one]))
    return next((sentences.wrong_file(name, field) for name in wrong), None)


def _accepts(kinds: tuple[str, ...], file: Row[Any]) -> bool:
    """As a browser's file control would; but what a file is, is what its content says."""
    ending = Path(file.name).suffix.lower()
    group = file.media_type.partition("/")[0] + "/*"
    return not kinds or any(kind in (file.media_type, group, ending) for kind in kinds)


def _name(name: str) -> str:
    """The last part of what the sender called it, in one line; for people only, never a path of ours."""
    last = nfc(name).replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(char for char in last if char.isprintable()).strip(" .")[-NAME_MAX:] or "tep"


def _is_older(path: Path, before: datetime) -> bool:
    """``False``, too, if it is gone."""
    try:
        return path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False


def _copy(stream: IO[bytes], file: IO[bytes]) -> None:
    for block in sealed_files.blocks(stream):
        file.write(block)


def _media_type(file: IO[bytes]) -> str:
    """What is in it; a film of which `boxes` cannot find what it tells is kept as something that nobody knows."""
    if boxes.is_one(file):
        return boxes.media_type(file) or UNKNOWN
    try:
        found = puremagic.from_stream(file, mime=True)
    except (puremagic.PureError, ValueError):
        found = ""
    if found.lower() in boxes.KINDS:  # one of before there were brands
        return boxes.media_type(file) or UNKNOWN
    return found.lower() if found else (PLAIN if _is_text(file) else UNKNOWN)


def _is_text(file: IO[bytes]) -> bool:
    file.seek(0)
    start = file.read(sealed_files.BLOCK)
    try:
        return "\0" not in start[: len(start) - 3 if len(start) == sealed_files.BLOCK else None].decode()
    except UnicodeDecodeError:
        return False
