"""What is written to the log: one line for each event, as text or as JSON, with ids and without people.

Which request, which case, where in the code; never a name, a number, an address, or a word that somebody wrote. So an
exception is told by its kind and its place: its message may quote whatever it stumbled over. What a gateway or a
report type said is kept in the database, for those who may read it.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flask import current_app, has_request_context, request

from engine.queues.leases import masked
from webapi.bodies import dump

OURS = ("engine", "webapi", "waitress")  # others tell of what they send and to whom
FACTS = ("action", "case_id", "outbox", "arrival", "status", "seconds")  # that an event may carry as `extra`
REQUEST = "thongsuot.request"  # in a request's environment: its id
LONGEST_ID = 99_999_999  # a number in an address that is larger may be somebody's telephone
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_CASE = re.compile(r"\d{4}\.[A-Z0-9]{1,8}\.\d{8}\.\d{1,9}")

log = logging.getLogger(__name__)


def set_up(level: str, style: str) -> None:
    """Write to the standard error output. To be called once, by whoever starts a process.

    Args:
        style: text | json
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if style == "json" else Text())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    sys.excepthook = lambda _kind, error, _place: _unforeseen(error)
    threading.excepthook = lambda told: _unforeseen(told.exc_value)


def _unforeseen(error: BaseException | None) -> None:
    log.critical("Nobody expected this.", exc_info=error, extra={"action": "crashed"})


def request_id() -> str:
    """Of the request that is being answered; a trusted proxy may have given it one (``X-Request-ID``)."""
    environ = request.environ
    if REQUEST not in environ:
        sent = request.headers.get("X-Request-ID", "") if current_app.config["TRUSTED_PROXIES"] else ""
        environ[REQUEST] = sent if _ID.fullmatch(sent) else uuid4().hex[:12]
    return str(environ[REQUEST])


def note_request(status: int, seconds: float) -> None:
    log.info("Answered.", extra={"action": "request", "status": status, "seconds": round(seconds, 4)})


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """What is known of an event beside its words."""
    facts = {name: getattr(record, name) for name in FACTS if getattr(record, name, None) is not None}
    if not has_request_context():
        return facts
    facts |= {"method": request.method, "route": request.url_rule and request.url_rule.rule}
    return facts | ids()


def ids() -> dict[str, int | str]:
    """Of the request that is being answered, and of what it is about; nothing that may be somebody's."""
    found: dict[str, int | str] = {"request": request_id()}
    for name, value in (request.view_args or {}).items():
        if name == "number" and _CASE.fullmatch(str(value)):
            found["case"] = value
        elif isinstance(value, int) and value <= LONGEST_ID:
            found[name] = value
    return found


def _error(record: logging.LogRecord) -> list[str]:
    """Kinds and places, from what was raised to what raised it."""
    error = record.exc_info[1] if record.exc_info else None
    lines: list[str] = []
    while error is not None:
        places = traceback.extract_tb(error.__traceback__)
        lines += [f"{place.filename}:{place.lineno} {place.name}" for place in places]
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}" + (f" {state}" if state else ""))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Json(logging.Formatter):
    """One JSON object on a line."""

    def format(self, record: logging.LogRecord) -> str:
        told = {"at": _at(record), "level": record.levelname, "logger": record.name, "says": _says(record)}
        error = _error(record)
        return dump(told | _facts(record) | ({"error": error} if error else {})).decode().strip()


class Text(logging.Formatter):
    """The same for reading."""

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        line = f"{_at(record)} {record.levelname} {record.name}: {_says(record)}{f' [{facts}]' if facts else ''}"
        return "\n    ".join([line, *_error(record)])


def _says(record: logging.LogRecord) -> str:
    own = (record.name, record.levelno) == ("waitress", logging.INFO)  # where it serves: digits and dots as well
    return (record.getMessage() if own else masked(record.getMessage())).replace("\n", " ")
