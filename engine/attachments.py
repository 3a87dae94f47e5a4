"""Files that belong to a case: kept once by content, described by a row.

A file's name in the store is the SHA-256 of what is in it: the same photo sent twice is one file, a name from outside
never becomes a path, and a file is never changed. It is in place before its row is written; a row that is not written
after all leaves a file that nobody refers to, which is harmless. What a file *is*, is found from its content.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import puremagic
from sqlalchemy import Row, insert, select

from engine import access
from engine.access import Account
from engine.errors import InvalidAnswers, InvalidRequest
from engine.forms import Field, Form, sentences
from engine.model import attachments
from engine.runtime import Unit
from engine.vietnamese import nfc

UNKNOWN = "application/octet-stream"
PLAIN = "text/plain"
# what a browser may show in place
SHOWABLE = ("image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf")
NAME_MAX = 200
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Stored:
    """A file in the store; ``size`` in bytes."""

    sha256: str
    size: int
    media_type: str


class Store:
    """A folder of files, named by their content.

    >>> store = Store(Path("instance/attachments"))
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, stream: IO[bytes], largest: int) -> Stored:
        """Keep what can be read from the stream.

        Raises:
            InvalidRequest: it is empty or larger than ``largest`` bytes.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".new-", delete=False) as file:
            try:
                digest, size = _copy(stream, file, largest)
                media_type = _media_type(Path(file.name))
                target = self.path(digest)
                target.parent.mkdir(exist_ok=True, mode=0o700)
                os.replace(file.name, target)
            except BaseException:
                os.unlink(file.name)
                raise
        return Stored(digest, size, media_type)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256


def add(unit: Unit, number: str, stored: Stored, name: str, *, by: Account) -> Row[Any]:
    """Describe a stored file as one of this case's.

    Raises:
        NotFound, NotAllowed: the case is not for this account.
    """
    case = access.find(unit, by, "attach", number)
    row = {"case_id": case.id, "at": unit.now, "author": by.login, "name": _name(name), "media_type": stored.media_type,
           "size": stored.size, "sha256": stored.sha256}  # fmt: skip
    made = unit.scalar(insert(attachments).returning(attachments.c.id), row)
    unit.record(case.id, "attached", by.login, attachment=made, media_type=stored.media_type, size=stored.size)
    return unit.first(select(attachments).where(attachments.c.id == made))  # type: ignore[return-value]


def check_named(unit: Unit, case_id: int, form: Form, answers: Mapping[str, Any]) -> None:
    """That the files which answers name are this case's, and of the kinds that their questions take.

    Raises:
        InvalidAnswers: with one sentence for each question.
    """
    asked = list(form.files(answers))
    if not asked:
        return
    named = {one for _, _, ids in asked for one in ids}
    query = select(attachments.c.id, attachments.c.name, attachments.c.media_type)
    ours = unit.all(query.where(attachments.c.case_id == case_id, attachments.c.id.in_(named)))
    found = {row.id: row for row in ours}
    faults = {key: fault for key, field, ids in asked if (fault := _fault(field, ids, found))}
    if faults:
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


def _copy(stream: IO[bytes], file: IO[bytes], largest: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > largest:
            raise InvalidRequest(f"The file is larger than {largest} bytes.", field="file")
        digest.update(block)
        file.write(block)
    if not size:
        raise InvalidRequest("The file is empty.", field="file")
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest(), size


def _media_type(path: Path) -> str:
    try:
        found = puremagic.from_file(str(path), mime=True)
    except (puremagic.PureError, ValueError):
        found = ""
    return found.lower() if found else (PLAIN if _is_text(path) else UNKNOWN)


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_BLOCK)
    try:
        return "\0" not in start[: len(start) - 3 if len(start) == _BLOCK else None].decode()
    except UnicodeDecodeError:
        return False
