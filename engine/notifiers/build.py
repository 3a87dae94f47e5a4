"""From settings to notifiers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from typing import Any

from engine.notifiers.message import Clock, Notifier

# Imported only when chosen: most installations need neither an SMPP client nor a mail server.
_CLASSES = {
    "sms": {"log": "journal:Journal", "http": "http_sms:HttpSms", "smpp": "smpp:Smpp"},
    "email": {"log": "journal:Journal", "smtp": "smtp:Smtp"},
    "zalo": {"log": "journal:Journal", "zalo": "zalo:Zalo"},
    "facebook": {"log": "journal:Journal", "messenger": "messenger:Messenger"},
    "viber": {"log": "journal:Journal", "viber": "viber:Viber"},
    "webhook": {"log": "journal:Journal", "http": "webhook:Webhook"},
}
DEFAULT_LOG = "instance/messages.jsonl"


def build(settings: Mapping[str, Any], clock: Clock | None = None) -> dict[str, Notifier]:
    """A notifier for every kind of message; kinds that are not set are written to the log.

    Args:
        settings: ``{"log": path, "sms": {"kind": "smpp", "host": …}, "email": {"kind": "smtp", …}, …}``; the options
            are the keyword arguments of the classes named above.
        clock: for peers that want to know the time; returns an aware instant.

    Raises:
        ValueError: a kind or an option does not exist, is missing, or will not do; a sentence names it.
    """
    if unknown := sorted(settings.keys() - _CLASSES.keys() - {"log"}):
        raise ValueError(f"{unknown[0]!r} is not a kind of message; there are {', '.join(_CLASSES)}.")
    log = settings.get("log", DEFAULT_LOG)
    return {kind: _make(kind, settings.get(kind, {}), log, clock) for kind in _CLASSES}


def _make(kind: str, options: Any, log: str, clock: Clock | None) -> Notifier:
    if not isinstance(options, Mapping):
        raise ValueError(f"The settings of {kind} must be a table.")
    options = dict(options)
    way = options.pop("kind", "log")
    if way not in _CLASSES[kind]:
        raise ValueError(f"{kind} cannot go by {way!r}; it can go by {', '.join(_CLASSES[kind])}.")
    module, _, name = _CLASSES[kind][way].partition(":")
    maker = getattr(import_module(f"engine.notifiers.{module}"), name)
    given = {"path": log, "clock": clock}
    wanted = signature(maker).parameters
    if strange := sorted(options.keys() - wanted.keys() | options.keys() & {"clock"}):
        known = ", ".join(name for name in wanted if name not in given)
        raise ValueError(f"{kind} by {way} has no option {strange[0]!r}; it has {known}.")
    options = {option: value for option, value in given.items() if option in wanted and value is not None} | options
    if missing := [option for option, each in wanted.items() if each.default is each.empty and option not in options]:
        raise ValueError(f"{kind} by {way} needs the option {missing[0]!r}.")
    try:
        return maker(**options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{kind} by {way}: {error}") from None
