"""Every setting, each with its name in the environment, a sentence, and a default that is safe in production.

The environment variable of a setting is its name with ``THONGSUOT_`` before it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "THONGSUOT_"
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        read: makes the value from the environment's text; raises ValueError with the end of a sentence.
    """

    name: str
    default: Any
    read: Callable[[str], Any]
    says: str


def _truth(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("", "0", "false", "no", "off"):
        return False
    raise ValueError("must be 1 or 0")


def _count(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def _level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return text.upper()


def _table(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except ValueError:
        table = None
    if not isinstance(table, dict):
        raise ValueError('must be a JSON table such as {"sms": {"kind": "log"}}')
    return table


SETTINGS = (
    Setting("INSTANCE", "instance", str, "The folder for what the server keeps: database, attachments, demo accounts."),
    Setting("DATABASE", "", str, "URL of the database; left out: SQLite's thongsuot.db in the instance folder."),
    Setting("PRODUCTION", False, _truth, "1: never make demo people."),
    Setting("PUBLIC_URL", "", str, "Where the world reaches this server, without a slash at the end."),
    Setting("SECRET_KEY", "", str, "Signs the browsers' cookies; left out: made once, in the instance folder."),
    Setting("DATA_KEYS", "", str, "Seal personal data, the newest last; left out: made once. docs/privacy.md"),
    Setting("NOTIFIERS", {}, _table, "How messages leave, by kind (sms, email, …); what is left out is logged."),
    Setting("CHANNELS", {}, _table, "By which channels messages come in, by province: {\"74\": {\"zalo\": {…}}}."),
    Setting("DOWNLOADS", {}, _table, "How files that people send by chat are fetched; docs/channels.md."),
    Setting("TRUSTED_PROXIES", 0, _count(0, 5), "How many proxies before us are believed about who calls."),
    Setting("BODY_MAX", 10_000_000, _count(10_000, 1_000_000_000), "Largest upload, in bytes."),
    Setting("JSON_MAX", 1_000_000, _count(1_000, 100_000_000), "Largest JSON body, in bytes; deployments aside."),
    Setting("THREADS", 8, _count(1, 200), "Threads of the web server."),
    Setting("LOG_LEVEL", "INFO", _level, "How much is logged."),
)


class BadSetting(Exception):
    """A setting has a value that will not do; the message is a sentence that names it."""


def read(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The settings as Flask wants them.

    Raises:
        BadSetting: a value will not do.
    """
    environment = os.environ if environment is None else environment
    values = {setting.name: _value(setting, environment) for setting in SETTINGS}
    return complete(values)


def complete(values: dict[str, Any]) -> dict[str, Any]:
    """Work out what follows from the settings."""
    folder = Path(values["INSTANCE"])
    values["INSTANCE"] = str(folder if folder.is_absolute() else ROOT / folder)
    values["DATABASE"] = values["DATABASE"] or f"sqlite:///{values['INSTANCE']}/thongsuot.db"
    values["MAX_CONTENT_LENGTH"] = values["BODY_MAX"]
    return values


def _value(setting: Setting, environment: Mapping[str, str]) -> Any:
    text = environment.get(PREFIX + setting.name)
    if text is None:
        return setting.default
    try:
        return setting.read(text)
    except ValueError as error:
        raise BadSetting(f"{PREFIX}{setting.name}={text!r} {error}. {setting.says}") from error
