"""What is never sent away in a surge: health checks, what the exchange says, and reports of emergencies.

An emergency is a report type behind a key whose callers are put through at once (``transfer_to``: 115). Whether a
request is about one is said by its path, by one field, or by one key of its JSON, found without reading the whole: that
a code is written somewhere in a text makes nothing urgent.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Container
from time import sleep
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from engine.people.accounts import fingerprint
from engine.queues import leases

log = logging.getLogger(__name__)

ASK_SECONDS = 60
LOOKED_AT = 65_536  # bytes of a body in which the type is looked for
DEPTH_MAX = 100  # of a JSON body: nobody reports so, it only takes long to read
ALWAYS = ("/healthz", "/readyz")
EXCHANGE = "/api/v1/cti/"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_FIELD = re.compile(rb"(?:^|&)(?:report_type|loai|service_code)=([A-Za-z0-9_.-]+)")
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]', re.DOTALL)
_KEY = b'"report_type"'


class Urgent:
    """Whether a request, as waitress has parsed it, is urgent; and whether we know who sends it."""

    def __init__(self, named: Callable[[], frozenset[str]], callers: Container[str] = ()) -> None:
        """Args:
        named: the codes of the report types that are emergencies.
        callers: fingerprints of tokens that have been good here lately.
        """
        self._named, self._callers = named, callers
        self._codes: frozenset[str] = frozenset()

    def __call__(self, request: Any) -> bool:
        if request.path in ALWAYS or request.path.startswith(EXCHANGE):
            return True
        return bool(self._codes) and not self._codes.isdisjoint(_said(request))

    def knows(self, request: Any) -> bool:
        """Whether it comes from the exchange, a health check, or with a token that was good here lately."""
        token = request.headers.get("AUTHORIZATION", "").removeprefix("Bearer ")
        return request.path in ALWAYS or request.path.startswith(EXCHANGE) or fingerprint(token) in self._callers

    def keep_up(self) -> None:
        """Ask again and again which those types are, in a thread of its own: the database may be slow just now."""
        threading.Thread(target=self._ask, name="urgent", daemon=True).start()

    def _ask(self) -> None:
        while True:
            try:
                self._codes = self._named()
            except (SQLAlchemyError, OSError) as error:  # what was known before still holds
                log.warning("Not known what is urgent: %s", leases.reason(error), extra={"action": "urgent-unknown"})
            sleep(ASK_SECONDS)


def _said(request: Any) -> set[str]:
    """The report types that a request says it is about."""
    said = {part.partition(".")[0] for part in request.path.split("/")} | _fields(request.query.encode())
    kind = request.headers.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind in (JSON, FORM):
        stream = request.get_body_stream()
        body = stream.read(LOOKED_AT)
        stream.seek(0)
        said |= {reported(body)} if kind == JSON else _fields(body)
    return said


def _fields(text: bytes) -> set[str]:
    return {found.decode() for found in _FIELD.findall(text)}


def reported(body: bytes) -> str:
    """What the key ``report_type`` of a JSON object is, itself, not one within; empty if it has none so far."""
    depth, before, wanted = 0, b"", False
    for found in _TOKEN.finditer(body):
        token = found[0]
        if wanted:
            return token[1:-1].decode("utf-8", "replace") if token[:1] == b'"' else ""
        wanted = token == b":" and depth == 1 and before == _KEY
        depth += (token in (b"{", b"[")) - (token in (b"}", b"]"))
        if depth > DEPTH_MAX:
            break
        before = token
    return ""
