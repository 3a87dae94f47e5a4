"""Secrets that a server makes once and keeps in its instance folder, readable by their owner only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from engine.storage import disk


def once(path: Path, text: str) -> str:
    """What the file holds; if there is none, it is made with this text. Of two processes that begin at once, the first
    one's counts."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = _written(path, text)
        try:
            path.hardlink_to(new)
            disk.settle(path)
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return path.read_text()


def replace(path: Path, text: str) -> None:
    """Put another text in its place, at once and as a whole."""
    disk.put(_written(path, text), path)


def _written(path: Path, text: str) -> Path:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-", delete=False) as file:  # mode 0600
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(file.name)
