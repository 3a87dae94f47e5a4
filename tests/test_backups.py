"""A copy of a hotline at work: taken under load, put back elsewhere, and the cases in it go on."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event, insert, select, text

from engine import backups, model
from engine.backups import BadBackup, postgresql
from engine.files.attachments import Store
from engine.notifiers import Message, Receipt
from engine.record import anchors, chain
from engine.runtime import Runtime
from engine.storage import schema
from engine.storage.database import connect
from engine.work.worker import Worker
from tests import databases
from tests.conftest import SERVER
from tests.hotline import Hotline
from webapi import auth
from webapi.cli import main
from webapi.ui import acted

NUMBERS = select(model.cases.c.number)


@contextmanager
def elsewhere(kind: str, folder: Path) -> Iterator[str]:
    """A database with nothing in it."""
    if kind == "postgresql":
        with databases.created(os.environ[SERVER], f"restored_{os.getpid()}") as url:
            yield url
    else:
        yield f"sqlite:///{folder / 'restored.db'}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "attachments")


def attached(hotline: Hotline, store: Store, number: str, content: bytes) -> str:
    stored = store.put(io.BytesIO(content), 1000)
    with hotline.runtime.begin() as unit:
        case_id = unit.scalar(select(model.cases.c.id).where(model.cases.c.number == number))
        unit.execute(model.attachments.insert().values(
            case_id=case_id, at=unit.now, author="app", name="ảnh.txt", media_type="text/plain", size=stored.size,
            sha256=stored.sha256))  # fmt: skip
    return stored.sha256


class Gateway:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, message: Message) -> Receipt:
        self.sent.append(message.key)
        return Receipt()


def under_load(hotline: Hotline, acknowledged: list[str], do: Callable[[], Any]) -> Any:
    """Do something while reports come in."""
    enough = Event()

    def report() -> None:
        while not enough.is_set():
            acknowledged.append(hotline.receives(f"Đông người {len(acknowledged)}"))

    thread = Thread(target=report)
    thread.start()
    try:
        while not acknowledged:
            thread.join(0.01)
            assert thread.is_alive()
        return do()
    finally:
        enough.set()
        thread.join()


def test_what_was_copied_under_load_goes_on_elsewhere(hotline: Hotline, store: Store, tmp_path: Path) -> None:
    file, said = tmp_path / "copy.tar", list[str]()
    before = [hotline.receives() for _ in range(3)]
    hotline.does("truc", before[0], lead_agency="ubnd_74_718")
    photo = attached(hotline, store, before[1], b"anh chup")
    later: list[str] = []
    made = under_load(hotline, later, lambda: backups.make(hotline.runtime, store, file, said.append))

    assert len(later) > 1
    assert b"anh chup" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and not list(tmp_path.glob("*.part"))
    assert said[0] == "copying the database …" and (made["attachments"], made["lost"]) == (1, {})
    assert backups.check(file, said.append) == made
    hotline.waits(6)  # the machine burns, and it takes six hours to be back: case deadlines pass meanwhile
    with elsewhere(made["kind"], tmp_path) as url:
        runtime = Runtime(connect(url), hotline.clock)
        there = Store(tmp_path / "there")
        backups.restore(runtime, there, file, said.append)
        with there.open(photo) as opened:
            assert opened.read() == b"anh chup"
        _goes_on(hotline, runtime, before, later)
        runtime.database.dispose()


def test_a_copy_may_take_longer_than_a_node_may_rest(hotline: Hotline, store: Store, tmp_path: Path) -> None:
    """PostgreSQL hangs up on a node that rests in a transaction; here after a second, and the dump takes two."""
    if hotline.runtime.database.dialect.name == "sqlite":
        pytest.skip("SQLite hangs up on nobody")
    hotline.receives()
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "pg_dump").write_text(f'#!/bin/sh\nsleep 2\nexec {postgresql._found("pg_dump", "")} "$@"\n')
    (tools / "pg_dump").chmod(0o755)
    database = connect(hotline.runtime.database.url.render_as_string(hide_password=False))

    def hang_up_soon(connection: Any, _record: Any) -> None:
        connection.execute("SET idle_in_transaction_session_timeout = '1s'")
        connection.commit()

    event.listen(database, "connect", hang_up_soon)
    try:
        made = backups.make(Runtime(database, hotline.clock), store, tmp_path / "copy.tar", print, str(tools))
    finally:
        database.dispose()
    assert backups.check(tmp_path / "copy.tar", print) == made


def _goes_on(hotline: Hotline, runtime: Runtime, before: list[str], later: list[str]) -> None:
    with runtime.read() as unit:
        numbers = {row.number for row in unit.all(NUMBERS)}
    assert {*before} <= numbers <= {*before, *later}
    assert schema.is_current(runtime.database)

    gateway = Gateway()
    Worker(runtime, {"sms": gateway}).drain()
    Worker(runtime, {"sms": gateway}).drain()

    assert len(gateway.sent) == len(set(gateway.sent)) == len(numbers)  # the receipt of each, under its own key
    with runtime.read() as unit:
        joined = model.events.join(model.cases, model.cases.c.id == model.events.c.case_id)
        columns = model.cases.c.number, model.events.c.kind, model.events.c.element
        told = Counter(tuple(row) for row in unit.all(select(*columns).select_from(joined)))
        assert unit.all(select(model.incidents)) == []
    passed = {(number, "deadline-passed", "case"): 1 for number in numbers}
    passed[before[0], "deadline-passed", "xu_ly"] = 1
    assert {key: count for key, count in told.items() if key[1] == "deadline-passed"} == passed
    here, hotline.runtime = hotline.runtime, runtime
    auth.bind(hotline.app, runtime)
    hotline.does("phuong", before[0], ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã nhắc nhở")
    hotline.does("truc", before[1], lead_agency="ubnd_74_719")
    assert hotline.case(before[0])["status"] == "da_giai_quyet" and hotline.receives() not in numbers
    auth.bind(hotline.app, here)
    hotline.runtime = here


def test_a_copy_goes_only_where_nothing_is(hotline: Hotline, store: Store, tmp_path: Path) -> None:
    file, runtime = tmp_path / "copy.tar", hotline.runtime
    kept = hotline.receives()
    made = backups.make(runtime, store, file, str)
    Worker(runtime, {}, owner="w").beat()

    for force in (False, True):
        with pytest.raises(BadBackup, match=r"A worker was at work .* wait for a minute"):
            backups.restore(runtime, store, file, str, force=force)
    Worker(runtime, {}, owner="w").release()
    gone = hotline.receives()
    server = connect(runtime.database.url.render_as_string(hide_password=False))
    with server.connect() as connection:
        connection.execute(NUMBERS)
    with pytest.raises(BadBackup, match=r"is in use .*(1 connections of|another program).*: stop all web servers"):
        backups.restore(runtime, store, file, str, force=True)
    server.dispose()
    with pytest.raises(BadBackup, match=r"not empty: .* --force"):
        backups.restore(runtime, store, file, str)
    with pytest.raises(BadBackup, match=r"copy\.tar is there already"):
        backups.make(runtime, store, file, str)
    other = Runtime.open(f"sqlite:///{tmp_path}/other.db", hotline.clock)
    if made["kind"] == "postgresql":
        with pytest.raises(BadBackup, match="a copy of postgresql, and this database is sqlite"):
            backups.restore(other, store, file, str)
        with pytest.raises(BadBackup, match="pg_restore is not in /nowhere"):
            backups.restore(runtime, store, file, str, "/nowhere", force=True)
    other.database.dispose()
    with runtime.read() as unit:
        assert {row.number for row in unit.all(NUMBERS)} == {kept, gone}

    backups.restore(runtime, store, file, str, force=True)
    with runtime.read() as unit:
        assert {row.number for row in unit.all(NUMBERS)} == {kept}
    assert len({kept, hotline.receives()}) == 2


def test_the_record_says_that_it_was_put_back_and_lost_anchors_are_put_aside(
    hotline: Hotline, store: Store, tmp_path: Path
) -> None:
    """The copy is of the first day; the anchors of the second and third vouch for what is lost with them."""
    runtime, folder, file = hotline.runtime, tmp_path / "anchors", tmp_path / "copy.tar"
    for day in range(3):
        hotline.receives()
        while chain.step(runtime):
            pass
        if day == 0:
            made = backups.make(runtime, store, file, str)
        hotline.clock.advance("1 day")
    anchors.write(runtime, folder)
    first, second, third = anchors.read(folder)

    backups.restore(runtime, store, file, str, force=True)
    assert chain.verify(runtime, [first, second, third]).broken
    assert anchors.set_aside(runtime, folder) == [second.day, third.day] and anchors.read(folder) == [first]
    aside = sorted(path.stem for path in folder.glob(f"{anchors.LOST}-*/*"))
    assert aside == [second.day.isoformat(), third.day.isoformat()]
    while chain.step(runtime):
        pass
    assert chain.verify(runtime, anchors.read(folder)).broken is None
    with runtime.read() as unit:
        told = unit.all(select(model.acts).where(model.acts.c.kind == "copy-restored"))
    assert [(one.actor, one.data) for one in told] == [("cli", {"made_at": made["made_at"]})]
    assert "Khôi phục dữ liệu từ bản sao lúc " in acted.sentence(told[0])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_damaged_copy_is_refused_before_anything_is_touched(hotline: Hotline, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "copy.tar"
    attached(hotline, store, hotline.receives(), b"x" * 900)
    backups.make(hotline.runtime, store, file, str)
    whole = file.read_bytes()
    with tarfile.open(file) as tar:
        places = {member.name[:11]: member.offset_data for member in tar}
    assert {"database", "attachments", "manifest.js"} == set(places)

    broken = {where: _flipped(whole, place + 200) for where, place in places.items()}
    broken |= {"cut off": whole[: places["manifest.js"] - 512], "cut in": whole[:5000], "other": b"PK" * 400, "no": b""}
    for where, content in broken.items():
        file.write_bytes(content)
        with pytest.raises(BadBackup, match=r"damaged|whole|no copy of ours"):
            backups.restore(hotline.runtime, store, file, str, force=True)
            pytest.fail(where)
    file.write_bytes(whole)
    with hotline.runtime.begin() as unit:
        unit.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    backups.make(hotline.runtime, store, tmp_path / "newer.tar", str)
    with pytest.raises(BadBackup, match="newer than this program"):
        backups.restore(hotline.runtime, store, tmp_path / "newer.tar", str, force=True)


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_from_the_command_line(hotline: Hotline, tmp_path: Path) -> None:
    for name in ("secret.key", "data.keys"):
        (tmp_path / name).write_text("khoa-bi-mat-khong-duoc-sao-chep")
    with hotline.runtime.begin() as unit:
        unit.execute(insert(model.data_keys).values(id="0badc0de", since_at=unit.now))
    store = Store(tmp_path / "attachments")
    changed, missing = (attached(hotline, store, hotline.receives(), content) for content in (b"mot", b"hai"))
    environment = {"THONGSUOT_DATABASE": str(hotline.runtime.database.url), "THONGSUOT_INSTANCE": str(tmp_path)}

    def run(*arguments: str, **more: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, list(arguments), env=environment | more)
        return done.exit_code, done.output

    file = str(tmp_path / "a.tar")
    code, said = run("backup", file)
    assert code == 0 and "2 attachments" in said and "secret.key" in said and "keys and settings" in said
    assert "data.keys" in said
    assert b"khoa-bi-mat" not in (tmp_path / "a.tar").read_bytes()
    assert run("restore", file, "--check")[1].startswith("  reading the whole copy …\n" + file + " is whole: sqlite")
    code, said = run("restore", file, "--force")
    assert code == 1 and "Error: The database is in use (another program on this machine): stop all web" in said
    hotline.runtime.database.dispose()
    code, said = run("restore", file)
    assert code == 1 and "Error: The database is not empty" in said
    there = {"THONGSUOT_DATABASE": f"sqlite:///{tmp_path}/b.db", "THONGSUOT_INSTANCE": f"{tmp_path}/b"}
    code, said = run("restore", file, **there)
    assert code == 1 and "The hotline is as it was at 2" in said and "the keys 0badc0de for its" in said, said
    with Store(tmp_path / "b" / "attachments").open(missing) as opened:
        assert opened.read() == b"hai"

    store.path(missing).unlink()
    store.path(changed).write_bytes(b"khac")
    code, said = run("backup", str(tmp_path / "c.tar"))
    assert code == 1 and "The copy is made; but of 2 attachments" in said
    assert run("restore", str(tmp_path / "c.tar"), "--check")[0] == 0
    for bad in (tmp_path / "none" / "x.tar", tmp_path):
        code, said = run("backup", str(bad))
        assert code in (1, 2) and "Error: " in said and "Traceback" not in said
    assert sorted(path.name for path in tmp_path.glob(".backup-*")) == []
