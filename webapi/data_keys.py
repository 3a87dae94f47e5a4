"""Where the keys for personal data are: in the environment, or in a file that is made once (docs/privacy.md).

Both hold keys of 32 bytes in base64, the newest last: the environment with commas between, the file one on each line.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.storage import sealing
from engine.storage.sealing import Key, Ring
from webapi import kept

NAME = "THONGSUOT_DATA_KEYS"
FILE = "data.keys"


class BadKeys(Exception):
    """What should be keys is none; the message is a sentence that says where, and never repeats them."""


def use(values: Mapping[str, Any]) -> Ring:
    """Seal and open personal data with this server's keys from now on.

    Raises:
        BadKeys
    """
    ring = read(values)
    sealing.use(ring)
    return ring


def read(values: Mapping[str, Any]) -> Ring:
    """The keys of the environment, whatever else the settings are; else those of the instance's file.

    Raises:
        BadKeys
    """
    said = values.get("DATA_KEYS") or os.environ.get(NAME, "")
    if said:
        return Ring(_secrets(said.split(","), NAME))
    path = file(values)
    try:
        text = kept.once(path, new() + "\n")
    except OSError as error:
        raise BadKeys(f"The keys for personal data, {path}, cannot be read ({error.strerror}).") from error
    return Ring(_secrets(text.split("\n"), str(path)), lambda: _secrets(path.read_text().split("\n"), str(path)))


def file(values: Mapping[str, Any]) -> Path:
    return Path(values["INSTANCE"]) / FILE


def new() -> str:
    return b64encode(os.urandom(sealing.SIZE)).decode()


def add(values: Mapping[str, Any]) -> Ring:
    """Put a new key at the end of the file.

    Raises:
        BadKeys: the keys are not in a file.
    """
    _write(values, lambda lines: [*lines, new()])
    return use(values)


def drop(values: Mapping[str, Any], key_id: str) -> Ring:
    """Take a key out of the file. Raises as `add`."""
    _write(values, lambda lines: [line for line in lines if Key(b64decode(line)).id != key_id])
    return use(values)


def _write(values: Mapping[str, Any], change: Any) -> None:
    if values.get("DATA_KEYS") or os.environ.get(NAME):
        raise BadKeys(f"The keys are in {NAME}: change them there (docs/privacy.md), and start the servers again.")
    read(values)
    path = file(values)
    kept.replace(path, "\n".join(change(path.read_text().split())) + "\n")


def _secrets(lines: list[str], where: str) -> list[bytes]:
    try:
        secrets = [b64decode(line.strip(), validate=True) for line in lines if line.strip()]
        Ring(secrets)
    except ValueError:
        raise BadKeys(f"{where} must hold keys of {sealing.SIZE} bytes in base64; `thongsuot keys make` writes one.") \
            from None
    return secrets
