"""An answer leaves in one piece, and is to the letter what waitress would have sent."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from waitress.channel import HTTPChannel
from waitress.task import WSGITask

from tests.served import served
from webapi.leaving import Answer


def whole(environ, start):
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"xin ", b"c"]


def chunked(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    yield b"xin "
    yield b"ch\xc3\xa0o"


def longer_than_said(environ, start):
    start("200 OK", [("Content-Length", "3")])
    return [b"xin chao"]


def nothing(environ, start):
    start("204 No Content", [])
    return []


def a_file(environ, start):
    start("200 OK", [("Content-Length", "200000")])
    return environ["wsgi.file_wrapper"](io.BytesIO(b"a" * 200_000))


def by_hand(environ, start):
    write = start("200 OK", [("Content-Length", "4")])
    write(b"xi")
    return [b"n "]


def broken_off(environ, start):
    start("200 OK", [("Content-Length", "8")])
    yield b"xin "
    raise RuntimeError


ASKED = {
    "kept open": b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "head": b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "old": b"GET / HTTP/1.0\r\n\r\n",
}


def answers(url: str, asked: bytes) -> bytes:
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=10) as connection:
        connection.sendall(asked)
        heard = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    return re.sub(rb"Date: [^\r]+", b"Date:", heard)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("app", [whole, chunked, longer_than_said, nothing, a_file, by_hand, broken_off])
def test_what_is_sent_is_what_waitress_sends(app: Callable, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for kind in (WSGITask, Answer):
        monkeypatch.setattr(HTTPChannel, "task_class", kind)
        with served(app) as url:
            said.append(answers(url, ASKED[asked]))
    assert said[0] == said[1] != b""


def test_head_and_body_are_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces, send = [], HTTPChannel.send

    def noting(channel, data, do_close=True):
        pieces.append(bytes(data))
        return send(channel, data, do_close)

    def hello(environ, start):
        start("200 OK", [("Content-Length", "8")])
        return [b"xin chao"]

    monkeypatch.setattr(HTTPChannel, "task_class", Answer)
    monkeypatch.setattr(HTTPChannel, "send", noting)
    with served(hello) as url:
        answers(url, ASKED["old"])
    assert len(pieces) == 1 and pieces[0].endswith(b"\r\n\r\nxin chao")
