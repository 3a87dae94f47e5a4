"""Every setting, each with its name in the environment, a sentence, and a default that is safe in production.

The environment variable of a setting is its name with ``THONGSUOT_`` before it. With ``_FILE`` behind it, it names a
file that holds the value: where a vault, systemd or Docker puts a secret.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from engine.files.scanning import Clamd
from engine.intake import CHANNELS
from engine.people.access import ROLES

Network = IPv4Network | IPv6Network

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


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"must be {' or '.join(words)}")
        return text.lower()

    return read


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(one) for one in text.split())
    except ValueError:
        raise ValueError("must be addresses or networks with blanks between: 10.0.0.0/8 ::1") from None


def _level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return text.upper()


def _roles(text: str) -> list[str]:
    roles = [one.strip() for one in text.split(",") if one.strip()]
    if not set(roles) <= set(ROLES):
        raise ValueError(f"must be some of {', '.join(ROLES)}, with commas")
    return roles


def _table(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text) if text.strip() else {}
    except ValueError:
        table = None
    if not isinstance(table, dict):
        raise ValueError('must be a JSON table such as {"sms": {"kind": "log"}}')
    return table


def _limits(text: str) -> dict[str, int]:
    table = _table(text)
    for name, many in table.items():
        if name not in CHANNELS:
            raise ValueError(f"names {name!r}, which is no channel: there are {', '.join(CHANNELS)}")
        if isinstance(many, bool) or not isinstance(many, int) or not 0 <= many <= 1_000_000:
            raise ValueError(f"must say a whole number from 0 (as many as come) to 1000000 for {name}")
    return LIMITS | table


def _clamd(text: str) -> str:
    if text:
        Clamd(text)
    return text


def _openid(text: str) -> dict[str, Any]:
    from webapi import openid

    table = _table(text)
    openid.check(table)
    return table


# Ten times what the fullest hour of 2021 brought by all channels together; people who type need no limit.
PRIVILEGED = ("admin", "analyst")  # who can change what others run
LIMITS = {"web": 3000, "app": 3000, "pc_covid": 3000, "cong_quoc_gia": 3000, "chatbot": 3000, "zalo": 3000,
          "facebook": 3000, "viber": 3000, "sms": 3000}  # fmt: skip

SETTINGS = (
    Setting("INSTANCE", "instance", str, "The folder for what the server keeps: database, attachments, demo accounts."),
    Setting("DATABASE", "", str, "URL of the database; left out: SQLite's thongsuot.db in the instance folder."),
    Setting("PRODUCTION", False, _truth, "1: never make demo people."),
    Setting("PUBLIC_URL", "", str, "Where the world reaches this server, without a slash at the end."),
    Setting("SECRET_KEY", "", str, "Signs browsers' cookies; one for all nodes; left out: in the instance folder."),
    Setting("DATA_KEYS", "", str, "Seal personal data, the newest last; left out: made once; docs/privacy.md."),
    Setting("SECOND_FACTOR", None, _roles, "Roles that log in with a second factor, with commas; left out: in "
            "production admin,analyst, elsewhere none."),
    Setting("OPENID", {}, _openid, "Where people log in with an account of elsewhere (OpenID Connect)."),
    Setting("NOTIFIERS", {}, _table, "How messages leave, by kind; what is left out is logged; docs/operations.md."),
    Setting("CHANNELS", {}, _table, "By which channels messages come in, by province; docs/channels.md."),
    Setting("DOWNLOADS", {}, _table, "How files that people send by chat are fetched; docs/channels.md."),
    Setting("LIMITS", LIMITS, _limits, "How many may come in a minute by a channel; docs/operations.md."),
    Setting("TRUSTED_PROXIES", 0, _count(0, 5), "How many proxies before us are believed about who calls."),
    Setting("BODY_MAX", 10_000_000, _count(10_000, 1_000_000_000), "Largest upload, in bytes."),
    Setting("CLAMD", "", _clamd, "Where clamd looks at files: a socket's path, or host:3310; left out: nobody does."),
    Setting("JSON_MAX", 1_000_000, _count(1_000, 100_000_000), "Largest JSON body, in bytes; deployments aside."),
    Setting("THREADS", 8, _count(1, 200), "Threads of the web server."),
    Setting("METRICS_FROM", (), _networks, "Who may read /metrics: addresses or networks, with blanks between."),
    Setting("METRICS_TOKEN", "", str, "Who sends it as a bearer token may read /metrics, from anywhere."),
    Setting("PG_BIN", "", str, "Folder of pg_dump and pg_restore; left out: Debian's newest, or the PATH."),
    Setting("LOG_LEVEL", "INFO", _level, "How much is logged: DEBUG, INFO, WARNING or ERROR."),
    Setting("LOG_FORMAT", "text", _one_of("text", "json"), "How a line of the log is written: text or json."),
    Setting("LOG_REQUESTS", False, _truth, "1: a line for each request, with its route, status and time."),
)


def reference() -> str:
    """Every setting, as a page in Markdown: docs/configuration.md."""
    lines = [
        "# Settings", "",
        f"Read from the environment when a process starts; every name begins with `{PREFIX}`. A value that will not do",
        "is refused with a sentence, and nothing starts. This page is written by `thongsuot settings`.", "",
        f"With `_FILE` behind its name a setting names a file that holds the value (`{PREFIX}SECRET_KEY_FILE`):",
        "so secrets come from a vault, systemd's `LoadCredential=` or Docker's `secrets:`, and stand nowhere else.",
        "",
        "| name | default | what it is |", "|---|---|---|",
    ]  # fmt: skip
    for one in SETTINGS:
        says = re.sub(r"docs/(\w+\.md)", r"[\1](\1)", one.says)
        lines.append(f"| `{PREFIX}{one.name}` | {_shown(one.default)} | {says} |")
    return "\n".join(lines) + "\n"


def _shown(default: Any) -> str:
    if default in ("", (), None):
        return "–"
    return f"`{int(default) if isinstance(default, bool) else default}`"


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
    if values["SECOND_FACTOR"] is None:
        values["SECOND_FACTOR"] = list(PRIVILEGED) if values["PRODUCTION"] else []
    return values


def _value(setting: Setting, environment: Mapping[str, str]) -> Any:
    name = PREFIX + setting.name
    text, file = environment.get(name), environment.get(f"{name}_FILE")
    if file is not None:
        text = _content(name, file, text)
    if text is None:
        return setting.default
    try:
        return setting.read(text)
    except ValueError as error:
        secret = file is not None or setting.read in (_table, _openid)  # tables hold passwords
        raise BadSetting(f"{name}{'' if secret else f'={text!r}'} {error}. {setting.says}") from None


def _content(name: str, file: str, text: str | None) -> str:
    if text is not None:
        raise BadSetting(f"{name} and {name}_FILE are both set: leave out one.")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{name}_FILE={file!r} cannot be read ({type(error).__name__}).") from None
