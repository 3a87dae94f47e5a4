"""What a power cut must not take."""

from __future__ import annotations

import os
from pathlib import Path


def put(file: Path, place: Path) -> None:
    """Give a file its place, whatever lay there. What is in it is its writer's to see to (``os.fsync``)."""
    os.replace(file, place)
    settle(place)


def settle(path: Path) -> None:
    """Have the disk know under which name this file lies."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
