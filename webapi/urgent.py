"""What is never sent away in a surge: health checks, what the exchange says, and reports of emergencies. And whose work
on cases is not: staff's, for an emergency that was taken and that nobody can open or claim is no help.

An emergency is a report type behind a key whose callers are put through at once (``transfer_to``: 115). Whether a
request is about one is said by its path, by one field, or by one key of its JSON, found without reading the whole: that
a code is written somewhere in a text makes nothing urgent. Which task belongs to an emergency no request says; so it is
all of staff's work on tasks and cases. Who is staff is proved by a token that was good here lately, in the header or
the session's signed cookie: neither by merely being there, and both without asking the database.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from time import sleep
from types import MappingProxyType
from typing import Any

from engine.people.access import Account
from engine.people.accounts import fingerprint
from engine.queues import leases

log = logging.getLogger(__name__)

ASK_SECONDS = 60
ASK_AGAIN_SECONDS = 1  # until it is known for the first time
LOOKED_AT = 65_536  # bytes of a body in which the type is looked for
DEPTH_MAX = 100  # of a JSON body: nobody reports so, it only takes long to read
ALWAYS = ("/healthz", "/readyz")
EXCHANGE = "/api/v1/cti/"
STAFF = ("operator", "handler", "monitor", "office")
WORK = re.compile(r"/(?:api/v1/(?:tasks|cases)|viec|vu-viec)(?:/|\Z)")
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_FIELD = re.compile(rb"(?:^|&)(?:report_type|loai|service_code)=([A-Za-z0-9_.-]+)")
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]', re.DOTALL)
_KEY = b'"report_type"'


class Urgent:
    """Whether a request, as waitress has parsed it, is urgent; and whether we know who sends it."""

    def __init__(
        self,
        named: Callable[[], frozenset[str]],
        callers: Mapping[str, tuple[Account, int]] = MappingProxyType({}),
        session: Callable[[str], str] = lambda cookie: "",
    ) -> None:
        """Args:
        named: the codes of the report types that are emergencies.
        callers: who held a token that has been good here lately, by its fingerprint.
        session: the token in a header ``Cookie`` that we have signed, else an empty one.
        """
        self._named, self._callers, self._session = named, callers, session
        self._codes: frozenset[str] = frozenset()

    def __call__(self, request: Any) -> bool:
        if request.path in ALWAYS or request.path.startswith(EXCHANGE):
            return True
        return bool(self._codes) and not self._codes.isdisjoint(_said(request))

    def knows(self, request: Any) -> bool:
        """Whether it is a health check, or comes with a token that was good here lately."""
        return request.path in ALWAYS or self._token(request) in self._callers

    def staff(self, request: Any) -> str | None:
        """The log-in of whose work on cases this is; ``None``: of nobody whom we know."""
        found = self._callers.get(self._token(request)) if WORK.match(request.path) else None
        return found[0].login if found and found[0].role in STAFF else None

    def _token(self, request: Any) -> str:
        """An exchange has its own in its address."""
        said = request.headers.get("AUTHORIZATION", "").removeprefix("Bearer ")
        if request.path.startswith(EXCHANGE):
            said = request.path.removeprefix(EXCHANGE).partition("/")[0]
        return fingerprint(said or self._session(request.headers.get("COOKIE", "")))

    def keep_up(self) -> None:
        """Ask again and again which those types are, in a thread of its own: the database may be slow just now."""
        threading.Thread(target=self._ask, name="urgent", daemon=True).start()

    def _ask(self) -> None:
        known = False
        while True:
            try:
                self._codes, known = self._named(), True
            except Exception as error:  # whatever it is: what was known before still holds
                log.warning("Not known what is urgent: %s", leases.reason(error), extra={"action": "urgent-unknown"})
            sleep(ASK_SECONDS if known else ASK_AGAIN_SECONDS)


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
