"""Files are shown to clamd while they come in: what it finds is refused, and so is what it could not look at."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from engine.errors import InvalidRequest, Unscanned
from engine.files.attachments import Store
from engine.files.scanning import Clamd
from engine.files.sealed_files import BLOCK
from tests.hotline import Hotline, refused
from webapi import config

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Peer:
    """What speaks clamd's INSTREAM on a socket, and finds the test file of its makers.

    Attributes:
        mood: ok; deaf: it takes everything and never answers; small: it takes no more than a block; odd: it says
            something else.
    """

    def __init__(self, listens: socket.socket) -> None:
        self.mood, self.seen = "ok", 0
        self._listens, self._open = listens, True
        listens.settimeout(0.05)
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._open:
            try:
                there, _ = self._listens.accept()
            except TimeoutError:
                continue
            with there, there.makefile("rb") as said, suppress(OSError):  # whoever sends may hang up
                self._answer(there, said)

    def _answer(self, there: socket.socket, said: io.BufferedReader) -> None:
        assert said.read(10) == b"zINSTREAM\0"
        content = b""
        while size := int.from_bytes(said.read(4), "big"):
            content += said.read(size)
            if self.mood == "small" and len(content) > BLOCK:
                there.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.seen = len(content)
        if self.mood == "deaf":
            said.read(1)
        elif self.mood != "odd":
            there.sendall(b"stream: Eicar-Signature FOUND\0" if EICAR in content else b"stream: OK\0")

    def close(self) -> None:
        self._open = False
        self._thread.join(5)
        self._listens.close()


@pytest.fixture(params=["tcp", "unix"])
def clamd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Peer]]:
    if request.param == "tcp":
        listens = socket.create_server(("127.0.0.1", 0))
        address = f"127.0.0.1:{listens.getsockname()[1]}"
    else:
        listens, address = socket.socket(socket.AF_UNIX), str(tmp_path / "clamd.ctl")
        listens.bind(address)
        listens.listen()
    peer = Peer(listens)
    yield address, peer
    peer.close()


def test_what_is_clean_is_kept_and_what_is_not_is_refused_and_leaves_nothing(clamd, tmp_path):
    address, peer = clamd
    store = Store(tmp_path / "files", Clamd(address))
    kept = store.put(io.BytesIO(b"a" * 3 * BLOCK), 10**6)
    assert kept.size == peer.seen == 3 * BLOCK
    with pytest.raises(InvalidRequest, match="Eicar-Signature") as refusal:
        store.put(io.BytesIO(b"b" * (BLOCK - 30) + EICAR + b"c" * BLOCK), 10**6)  # across two blocks
    assert refusal.value.facts["virus"] == "Eicar-Signature"
    hasty = Store(store.folder, Clamd(address, seconds=0.2))
    for mood, asks in (("deaf", hasty), ("small", store), ("odd", store)):
        peer.mood = mood
        with pytest.raises(Unscanned, match="send it again in 60 seconds"):
            asks.put(io.BytesIO(b"b" * 4 * BLOCK), 10**6)
    peer.mood = "ok"
    with pytest.raises(InvalidRequest, match="larger than 5"):
        store.put(io.BytesIO(b"123456"), 5)
    peer.close()
    with pytest.raises(Unscanned):
        store.put(io.BytesIO(b"d"), 5)

    assert [one.name for one in store.folder.rglob("*") if one.is_file()] == [kept.sha256]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_uploads_say_what_the_scanner_said(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    number, peer = hotline.assigned(), Peer(listens := socket.create_server(("127.0.0.1", 0)))
    monkeypatch.setitem(hotline.app.config, "CLAMD", f"127.0.0.1:{listens.getsockname()[1]}")

    def attach(content: bytes):
        sent = {"file": (io.BytesIO(content), "anh.png")}
        return hotline.as_("phuong").call("POST", f"/cases/{number}/attachments", data=sent)

    assert attach(b"clean").status_code == 201
    assert "Eicar" in refused(attach(EICAR), 422, "invalid-request")
    peer.close()
    away = attach(b"clean too")
    assert "send it again" in refused(away, 503, "unscanned") and away.headers["Retry-After"] == "60"
    assert len(hotline.as_("phuong").get(f"/cases/{number}/attachments").json["items"]) == 1


def test_an_address_is_a_path_or_a_host_and_a_port():
    with pytest.raises(config.BadSetting, match="host:3310"):
        config.read({"THONGSUOT_CLAMD": "clamd"})
    for address in ("/run/clamav/clamd.ctl", "localhost:3310", "[::1]:3310"):
        assert config.read({"THONGSUOT_CLAMD": address})["CLAMD"] == address
