"""Sealed values, their keys over the years, and the command that seals anew while others go on."""

from __future__ import annotations

import io
import os
import socket
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, text
from waitress.buffers import TempfileBasedBuffer

from engine import model
from engine.errors import WrongState
from engine.files import sealed_files
from engine.files.attachments import Store
from engine.model.sealed import is_any_of
from engine.privacy import keys
from engine.runtime import Runtime
from engine.storage import sealing
from tests.served import served
from tests.test_api_commands import runner
from tests.test_firewall import ADDRESS, NAME, PHONE, REPORTER, SPELT, dumped, found
from webapi import Asked, data_keys, passing

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def ring():
    """Keys to play with; the tests' own afterwards."""
    kept = sealing.ring()
    yield lambda *secrets: sealing.use(sealing.Ring(secrets))
    sealing.use(kept)


def test_a_value_can_be_read_only_as_a_whole_by_its_key_and_in_its_place(ring):
    ring(OLD)
    sealed, again = (sealing.seal(NAME, "people.name") for _ in range(2))
    assert sealed != again and NAME not in sealed and sealing.unseal(sealed, "people.name") == NAME
    phone, twice = (sealing.find(PHONE, "people.phone") for _ in range(2))
    assert phone == twice != sealing.find(PHONE, "people.zalo")

    half = len(sealed) // 2
    changed = sealed[:half] + ("A" if sealed[half] != "A" else "B") + sealed[half + 1 :]
    for wrong, name in ((changed, "people.name"), (sealed, "people.address"), (sealed[:-4], "people.name")):
        with pytest.raises(sealing.Unreadable, match="cannot be opened"):
            sealing.unseal(wrong, name)
    ring(NEW)
    with pytest.raises(sealing.Unreadable, match="does not have"):
        sealing.unseal(sealed, "people.name")
    ring(OLD, NEW)
    assert sealing.unseal(sealed, "people.name") == NAME
    assert sealing.unseal_bytes(sealing.seal_bytes(b"\x00~", "x"), "x") == b"\x00~"
    for plain in ("", "~", "~12345678", "=a", "~zzzzzzzzAAAAAAAAAAAAAAAAAAAAAAAA", "0912345678"):
        assert sealing.unseal(plain, "people.name") == plain  # written before there were keys


def test_a_server_notices_a_key_that_another_made(ring):
    file = [OLD]
    sealing.use(sealing.Ring(file, lambda: file))
    ring_of_another = sealing.Ring([OLD, NEW])
    mine = sealing.ring()
    sealing.use(ring_of_another)
    theirs = sealing.seal(NAME, "x")
    sealing.use(mine)
    file.append(NEW)

    assert sealing.unseal(theirs, "x") == NAME
    assert sealing.ring().newest.id == ring_of_another.newest.id


def test_everything_is_sealed_with_the_newest_key_and_found_meanwhile(hotline, ring):
    ring(OLD)
    number = hotline.receives(answers={"noi_dung": SPELT}, reporter=REPORTER, place="Chợ Bàu Bàng")
    hotline.does("truc", number, lead_agency="ubnd_74_718")
    as_before_there_were_keys(hotline.runtime)
    assert found(dumped(hotline))
    assert hotline.as_("truc").get("/reports/similar", phone=PHONE).json["items"]
    ring(OLD, NEW)
    with hotline.runtime.begin() as unit:
        keys.note(unit)
        counts = keys.counts(unit)
    assert counts[keys.PLAIN] > 3 and counts[sealing.Key(OLD).id] > 3 and sealing.Key(NEW).id not in counts

    progress = keys.rotate(hotline.runtime)
    next(progress)
    progress.close()  # somebody breaks it off
    assert [one["number"] for one in hotline.as_("truc").get("/reports/similar", phone=PHONE).json["items"]] == [number]
    assert "people" in [table for table, done in keys.rotate(hotline.runtime) if done]
    assert [done for _, done in keys.rotate(hotline.runtime) if done] == []  # nothing is left

    ring(NEW)
    with hotline.runtime.read() as unit:
        assert set(keys.counts(unit)) == {sealing.Key(NEW).id}
    assert found(dumped(hotline)) == []
    assert hotline.case(number, "truc")["report"] == {"noi_dung": SPELT, "ghi_chu": ""}
    assert [one["number"] for one in hotline.as_("truc").get("/reports/similar", phone=PHONE).json["items"]] == [number]
    near = hotline.as_("truc").get("/reports/similar", place="cho bau bang").json["items"]
    assert [one["same"] for one in near] == [["place"]]
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")


def as_before_there_were_keys(runtime: Runtime) -> None:
    """Some values as older programs wrote them."""
    kind = "json" if runtime.database.dialect.name == "postgresql" else "text"
    with runtime.begin() as unit:
        unit.execute(text("UPDATE people SET name = :name, phone = :phone, address = :address"),
                     {"name": NAME, "phone": f"+84{PHONE[1:]}", "address": ADDRESS})  # fmt: skip
        unit.execute(text(f"UPDATE cases SET report = CAST(:said AS {kind})"),
                     {"said": f'{{"noi_dung":"{SPELT}","ghi_chu":""}}'})  # fmt: skip
        state = unit.scalar(select(model.instances.c.state))
        unit.execute(text("UPDATE instances SET state = :state"), {"state": state})


def read(store, name):
    with store.open(name) as file:
        return file.read()


@pytest.mark.parametrize("size", [1, sealed_files.BLOCK, sealed_files.BLOCK + 1, 3 * sealed_files.BLOCK])
def test_a_file_lies_sealed_and_is_read_from_any_place(ring, tmp_path, size):
    ring(OLD)
    store, content = Store(tmp_path), (NAME.encode() + os.urandom(64)) * (size // 64 + 1)
    kept = store.put(io.BytesIO(content[:size]), size)
    assert kept.size == size and kept == store.put(io.BytesIO(content[:size]), size)
    lies = store.path(kept.sha256).read_bytes()
    assert NAME.encode() not in lies and lies != store.put(io.BytesIO(content[:size]), size)
    with store.open(kept.sha256) as file:
        for at in (0, size // 2, size - 1):
            assert file.seek(at) == at and file.read() == content[at:size]
        assert file.seek(-1, os.SEEK_END) == size - 1 and file.read(5) == content[size - 1 : size] and not file.read()


def test_a_file_that_was_changed_cut_or_put_in_anothers_place_does_not_open(ring, tmp_path):
    ring(OLD)
    store, size = Store(tmp_path), 3 * sealed_files.BLOCK
    one, other = (store.put(io.BytesIO(letter * size), size).sha256 for letter in (b"a", b"b"))
    whole = store.path(one).read_bytes()
    anothers = store.path(other).read_bytes()
    for wrong in (whole[:-1], whole[:100], whole[: -sealed_files.BLOCK - 16], whole + b"x", anothers):
        store.path(one).write_bytes(wrong)
        with pytest.raises(sealing.Unreadable, match="was changed"):
            store.open(one)
    store.path(one).write_bytes(whole[:70_000] + bytes([whole[70_000] ^ 1]) + whole[70_001:])
    with store.open(one) as file, pytest.raises(sealing.Unreadable):
        while file.read(1000):
            pass
    store.path(one).write_bytes(whole)
    ring(NEW)
    with pytest.raises(sealing.Unreadable, match="does not have"):
        store.open(one)


def test_files_are_sealed_anew_while_they_are_read_and_what_was_removed_stays_so(ring, tmp_path, monkeypatch):
    ring(OLD)
    store = Store(tmp_path)
    sealed, gone = (store.put(io.BytesIO(what * 100_000), 10**6).sha256 for what in (b"a", b"b"))
    plain = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"  # as it was kept before there were keys
    store.path(plain).parent.mkdir(exist_ok=True)
    store.path(plain).write_bytes(b"abcd")
    ring(OLD, NEW)
    old, new = sealing.ring().by_id
    assert store.counts() == {old: 2, None: 1} and read(store, plain) == b"abcd"
    seal = sealed_files.seal

    def slowly(*arguments):
        if arguments[0].peek(1)[:1] == b"b":
            store.remove(gone)
        return seal(*arguments)

    monkeypatch.setattr(sealed_files, "seal", slowly)
    with store.open(sealed) as reader:
        assert reader.read(10) == b"a" * 10
        assert list(store.rotate())[-1] == 2
        assert reader.read() == b"a" * 99_990
    assert store.counts() == {new: 2} and not list(tmp_path.glob(".new-*")) and list(store.rotate()) == []
    ring(NEW)
    assert read(store, plain) == b"abcd" and read(store, sealed) == b"a" * 100_000


def test_what_lies_aside_is_sealed_anew_and_goes_when_it_would_have_gone(ring, tmp_path):
    ring(OLD)
    store, came = Store(tmp_path), datetime.now(UTC) + timedelta(days=1)
    one = store.put(io.BytesIO(b"a"), 10).sha256
    assert store.set_aside(one, came, came)
    ring(OLD, NEW)
    old, new = sealing.ring().by_id
    assert store.counts() == {old: 1}

    assert list(store.rotate()) == [1]

    assert store.counts() == {new: 1} and store.lying_aside() == [one]
    assert store.discard(came) == 0
    ring(NEW)
    assert read(store, one) == b"a"


def test_what_comes_in_or_goes_out_is_not_to_be_read_on_the_disk_and_has_no_name(tmp_path, monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(TempfileBasedBuffer, "newfile", None)
    passing.lay_here({"INSTANCE": str(tmp_path)})
    incoming, large, lay = tmp_path / "incoming", NAME.encode() * 80_000, []

    def echo(environ, start):
        file = Asked(environ).files["file"]
        lay.append(lying(incoming))
        start("200 OK", [("Content-Length", str(len(large)))])
        return [file.read()]

    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = head + large + b"\r\n--x--\r\n"
    with served(echo) as address, socket.create_connection(("127.0.0.1", urlsplit(address).port or 0)) as sender:
        sender.sendall(b"POST / HTTP/1.0\r\nContent-Type: multipart/form-data; boundary=x\r\n"
                       b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])  # fmt: skip
        until = monotonic() + 20
        while len(found := lying(incoming)) < len(body) - 100_000 and monotonic() < until:
            sleep(0.01)
        assert len(found) >= len(body) - 100_000 and not list(incoming.iterdir())
        assert incoming.stat().st_mode & 0o777 == 0o700
        sender.sendall(body[-1:])
        answer = b"".join(iter(lambda: sender.recv(1 << 16), b""))
    assert answer.endswith(b"\r\n\r\n" + large) and len(lay[0]) > 2 * len(large) - 100_000
    assert NAME.encode() not in found + lay[0] + lying(incoming)


def lying(folder):
    """What is in the files that this process has open there, all of which have no name."""
    found = b""
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            if (at := os.readlink(f"/proc/self/fd/{number}")).startswith(str(folder)):
                assert at.endswith("(deleted)")
                found += Path(f"/proc/self/fd/{number}").read_bytes()
    return found


def test_what_passes_through_is_read_anywhere_and_nothing_is_written_over():
    text, file = os.urandom(300_000), passing.for_part(None)
    for begin in range(0, len(text), 70_001):
        file.write(text[begin : begin + 70_001])
    for at in (0, 7, 16, 65_537, len(text) - 5):
        file.seek(at)
        assert file.read(100_000) == text[at : at + 100_000]
    file.raw.seek(5)
    with pytest.raises(OSError, match="written over"):
        file.raw.write(b"x")


def test_what_a_killed_process_left_half_sealed_goes(ring, tmp_path):
    ring(OLD)
    store, now = Store(tmp_path / "attachments"), datetime.now(UTC)
    store.put(io.BytesIO(b"a"), 10)
    (store.folder / ".new-killed").write_bytes(b"half")
    assert [store.sweep(now + timedelta(days=day)) for day in (-1, 1, 1)] == [0, 1, 0]
    assert sum(store.counts().values()) == 1


def test_a_database_that_needs_a_key_lets_nobody_serve_without_it(runtime, ring):
    ring(OLD)
    with runtime.begin() as unit:
        keys.note(unit)
        keys.note(unit)
    ring(NEW)
    with runtime.begin() as unit, pytest.raises(WrongState, match=sealing.Key(OLD).id):
        keys.note(unit)
    ring(OLD, NEW)
    with runtime.begin() as unit:
        keys.note(unit)
        with pytest.raises(WrongState, match="is the newest"):
            keys.forget(unit, sealing.Key(NEW).id)
        keys.forget(unit, sealing.Key(OLD).id)
        query = select(model.people.c.id).where(is_any_of(model.people.c.phone, ["+84912345678"]))
        assert keys.missing(unit) == [] and unit.all(query) == []


def test_the_commands(sqlite_url, tmp_path, ring, monkeypatch):
    monkeypatch.delenv(data_keys.NAME)
    run = runner(sqlite_url, tmp_path)
    assert "newest" in run("keys", "list")
    file = tmp_path / data_keys.FILE
    first = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600 and run("keys", "list") and file.read_text() == first
    Store(tmp_path / "attachments").put(io.BytesIO(b"a photo"), 100)
    assert "is the newest" in run("keys", "make")
    assert file.read_text().startswith(first) and len(file.read_text().split()) == 2
    assert file.stat().st_mode & 0o777 == 0o600
    old, new = (line.split()[0] for line in run("keys", "list").splitlines()[:2])
    assert f"1 files are sealed with {old}" in run("keys", "drop", old, exits=1)
    assert f"1 files are sealed with {new}, 0 are not." in run("keys", "rotate")
    assert "is the newest" in run("keys", "drop", new, exits=1)
    run("keys", "drop", old)
    assert run("keys", "list").splitlines()[0].startswith(new)
    kept = file.read_text().strip()
    file.write_text("no key\n")
    told = run("keys", "list", exits=1)
    assert "32 bytes" in told and "no key" not in told
    assert "change them there" in run("keys", "make", exits=1, THONGSUOT_DATA_KEYS=kept)
    file.unlink()
    assert new in run("worker", exits=1)  # another machine, which made a key of its own
