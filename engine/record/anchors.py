"""The chain's anchors: one small file for each day, in a folder that somebody copies to where nobody here can write.

    2026-11-25.json    {"day": "2026-11-25", "seq": 48211, "hash": "9f…"}
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from datetime import date
from pathlib import Path

from engine.errors import InvalidRequest
from engine.record import chain
from engine.record.chain import Anchor, days_to_anchor
from engine.runtime import Runtime

LOST = "lost"  # how the folder begins that keeps anchors of what a restore has lost
_NAME = re.compile(r"\d{4}-\d\d-\d\d\.json\Z")


def write(runtime: Runtime, folder: Path) -> int:
    """Write the anchors of the days that have ended and have none yet; returns how many."""
    days = [date.fromisoformat(path.stem) for path in _files(folder)]
    with runtime.read() as unit:
        due = days_to_anchor(unit, max(days, default=date.min))
    for anchor in due:
        _write(folder, anchor)
    return len(due)


def _write(folder: Path, anchor: Anchor) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = folder / f".{anchor.day}.{os.getpid()}"
    with made.open("w") as file:
        json.dump({"day": anchor.day.isoformat(), "seq": anchor.seq, "hash": anchor.hash}, file)
        file.flush()
        os.fsync(file.fileno())
    made.chmod(0o444)
    with suppress(FileExistsError):  # another worker of this node; the first one's counts
        (folder / f"{anchor.day}.json").hardlink_to(made)
    made.unlink()


def set_aside(runtime: Runtime, folder: Path) -> list[date]:
    """After an older copy was put back: move the anchors of what is lost with that into a folder of their own beside.

    Those are the ones of links that the chain does not have yet. One that disagrees with a link which is there stays,
    and `chain.verify` names it.

    Returns:
        their days.
    """
    with runtime.read() as unit:
        last = chain.state(unit).links
    lost = [anchor for anchor in read(folder) if anchor.seq > last]
    aside = folder / f"{LOST}-{runtime.clock():%Y%m%dT%H%M%SZ}"
    for anchor in lost:
        aside.mkdir(exist_ok=True, mode=0o700)
        (folder / f"{anchor.day}.json").rename(aside / f"{anchor.day}.json")
    return [anchor.day for anchor in lost]


def read(folder: Path) -> list[Anchor]:
    """Raises:
    InvalidRequest: a file is no anchor.
    """
    return [_read(path) for path in _files(folder)]


def _read(path: Path) -> Anchor:
    try:
        said = json.loads(path.read_text())
        return Anchor(date.fromisoformat(said["day"]), int(said["seq"]), str(said["hash"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidRequest(f"The anchor {path.name} cannot be read: take it from where a copy is kept.") from error


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if _NAME.match(path.name)) if folder.is_dir() else []
