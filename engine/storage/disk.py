"""What a power cut must not take."""

from __future__ import annotations

import os
from pathlib import Path


def settle(path: Path) -> None:
    """Have the disk know under which name this file lies; what is in it is its writer's to see to (``os.fsync``)."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
