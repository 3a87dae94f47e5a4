"""Where scenarios are played: the real server a clock that can be moved, somebody in every agency, and a post box."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

from flask import Flask

from engine.notifiers import Message, Receipt
from engine.terms.calendar import ZONE
from engine.work.worker import Worker
from webapi import auth

_CONTENT = {  # as much of a file as tells what it is
    ".jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9",
    ".pdf": b"%PDF-1.4\n%%EOF\n",
}
KINDS = ("sms", "email", "zalo", "facebook", "viber", "webhook")


@dataclass
class Clock:
    """Time that stands still until it is moved."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


class Failed(Exception):
    """The story does not go as it says; the message is the end of a sentence that names the step."""


@dataclass
class PostBox:
    """Takes whatever is to be sent, and keeps it."""

    sent: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        return Receipt()


class Stage:
    """The server, as the people of a story use it.

    Attributes:
        desk: the agency that receives reports where the story does not say who does.
    """

    def __init__(self, app: Flask, clock: Any, tokens: Mapping[str, str], desk: str) -> None:
        """Args:
        tokens: of somebody who works in an agency, by its key, and of the administrator, by ``admin``.
        """
        self.app, self.clock, self.tokens, self.desk = app, clock, tokens, desk
        self.post = PostBox()
        self._settled = False  # nobody has done anything since the worker found nothing more to do
        self._seen: dict[str, Any] = {}  # what was answered since then, by path
        self.worker = Worker(auth.runtime_of(app), dict.fromkeys(KINDS, self.post))

    def call(self, who: str | None, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer.

        Raises:
            Failed: nobody works in that agency.
        """
        if who is not None:
            if who not in self.tokens:
                raise Failed(f"there is no agency {who!r} in the province")
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        if method != "GET":
            self._changed()
        answer = self.app.test_client().open(f"/api/v1{path}", method=method, json=body, headers=headers)
        return answer.status_code, answer.get_json(silent=True) | {"etag": answer.headers.get("ETag", "")} \
            if answer.is_json else {}  # fmt: skip

    def upload(self, who: str, number: str, name: str) -> int:
        """Add a file of that name to a case; what is in it follows from how the name ends. Its id.

        Raises:
            Failed: it is not taken.
        """
        self._changed()
        data = {"file": (io.BytesIO(_CONTENT.get(PurePath(name).suffix, name.encode())), name)}
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        answer = self.app.test_client().post(f"/api/v1/cases/{number}/attachments", data=data, headers=headers)
        if answer.status_code != 201:
            raise Failed(f"{who} could not add {name}: {answer.get_json()['detail']}")
        return int(answer.get_json()["id"])

    def get(self, path: str) -> Any:
        """What the administrator sees there: the course of every case, and nothing of what it says."""
        if path not in self._seen:
            status, answer = self.call("admin", "GET", path)
            if status != 200:
                raise Failed(f"{path} was answered with {status}: {answer.get('detail')}")
            self._seen[path] = answer
        return self._seen[path]

    def begin(self, at: datetime) -> None:
        self._changed()
        self.clock.now = at

    def wait(self, until: datetime) -> None:
        """Time passes, and what falls due meanwhile is done when it falls due."""
        if until < self.clock.now:
            raise Failed(f"it is {self.clock.now.astimezone(ZONE):%H:%M %d/%m/%Y} already")
        self.settle()
        while (due := self.worker.next_due()) is not None and due <= until:
            self.clock.now = max(self.clock.now, due.astimezone(ZONE))
            self._changed()
            self.settle()
        self.clock.now = until
        self._seen.clear()

    def pass_by(self, span: timedelta) -> None:
        self.wait(self.clock.now + span)

    def settle(self) -> None:
        """The worker does whatever there is to do by now."""
        if not self._settled:
            self.worker.drain()
            self._changed()
            self._settled = True

    def told(self, number: str, since: int) -> list[tuple[str, str]]:
        """What was sent in a case: (an agency's key or an address, the text's id), oldest first.

        Args:
            since: how many messages had been sent before.
        """
        sent = self.post.sent[since:]
        letters = {one["key"]: one for one in self.get(f"/outbox?case={number}&limit=200")["items"]} if sent else {}
        ours = [message for message in sent if message.key in letters]
        return [(letters[one.key]["agency"] or one.to, letters[one.key]["topic"]) for one in ours]

    def _changed(self) -> None:
        self._settled = False
        self._seen.clear()
