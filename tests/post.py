"""Words for tests of what leaves the house."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest

from engine.notifiers import Message, TryLater, Undeliverable, build

NOW = datetime(2021, 9, 3, 8, 30, tzinfo=UTC)
E1 = "Tổng đài 1022 thông báo, kiến nghị của ông (bà) đã được giải quyết. Xin cảm ơn!"
RECEIVED = "Tổng đài 1022 đã tiếp nhận phản ánh của ông (bà), mã 1022.BD.20210903.00042. Hạn trả lời: 15:30 04/09/2021."
SECRET = "một bí mật dài hơn mười sáu"


class Clock:
    now = NOW

    def __call__(self):
        return self.now


def sms(text=E1, to="+84912345123", **more):
    return Message("sms", "1022.BD.20210903.00042:7", to, text, case_number="1022.BD.20210903.00042", **more)


def letter(to="an@example.vn", text=E1, **more):
    return Message("email", "1022.BD.20210903.00042:8", to, text, case_number="1022.BD.20210903.00042", **more)


def notifier(name, /, clock=None, **options):
    return build({name: options}, clock or Clock())[name]


def refused_for_good(sender, what):
    with pytest.raises(Undeliverable) as refusal:
        sender.send(what)
    return refusal.value.reason


def put_off(sender, what):
    with pytest.raises(TryLater) as failure:
        sender.send(what)
    return failure.value.reason


def free_port() -> int:
    """A port on which nobody listens, and will not by chance: a system gives those above to whoever asks for any."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def deaf_peer() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
