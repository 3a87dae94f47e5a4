"""A key that is lost: nothing is written beside what it sealed, unseen; given up, the hotline goes on."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from engine import model
from engine.erasure import lost_keys
from engine.errors import NotFound, WrongState
from engine.privacy import keys
from engine.record import chain
from engine.storage import sealing
from engine.work.worker import Worker
from tests.hotline import Hotline
from tests.test_api_commands import runner
from webapi import data_keys
from webapi.cli import main

OLD, NEW = b"o" * 32, b"n" * 32
LOST = sealing.Key(OLD).id


@pytest.fixture
def ring() -> Iterator[Callable[..., None]]:
    kept = sealing.ring()
    yield lambda *secrets: sealing.use(sealing.Ring(secrets))
    sealing.use(kept)


def test_a_lost_key_is_given_up_and_the_hotline_goes_on(hotline: Hotline, ring: Callable[..., None]) -> None:
    ring(OLD)
    with hotline.runtime.begin() as unit:
        keys.note(unit)
    over, running = hotline.receives(), hotline.receives("Cây đổ")
    secret = {"X-Tracking-Secret": hotline.receipt["secret"]}
    hotline.does("truc", over, lead_agency="ubnd_74_718")
    hotline.does("phuong", over, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")
    worker = Worker(hotline.runtime, {}, owner="w")
    worker.link()
    ring(NEW)

    with hotline.runtime.begin() as unit:
        with pytest.raises(WrongState, match=f"lacks the key {LOST}.* lost for good"):
            keys.require(unit)
        with pytest.raises(NotFound, match="keys list"):
            lost_keys.give_up(unit, "0badc0de", by="cli")
        with pytest.raises(WrongState, match="nothing is lost"):
            lost_keys.give_up(unit, sealing.Key(NEW).id, by="cli")
    worker.beat()
    with hotline.runtime.begin() as unit, pytest.raises(WrongState, match="A worker is at work"):
        lost_keys.give_up(unit, LOST, by="cli")
    worker.release()
    with hotline.runtime.begin() as unit:
        given = lost_keys.give_up(unit, LOST, by="cli")
        keys.note(unit)

    assert given == lost_keys.Given(2, [running])
    with hotline.runtime.read() as unit:
        assert LOST not in keys.counts(unit)
    truc = hotline.as_("truc")
    for number in (over, running):
        case = truc.get(f"/cases/{number}").json
        assert case["closed_at"] and case["area"] and case["report"] == {}, case
        assert {truc.get(f"/cases/{number}/{part}").status_code for part in ("timeline", "deadlines")} == {200}
    assert truc.get("/tasks").json["items"] == []
    assert hotline.as_(None).call("GET", f"/track/{running}", headers=secret).status_code == 200
    fresh = hotline.receives("Đường ngập")
    worker.drain()
    worker.link()
    assert chain.verify(hotline.runtime, []).broken is None
    hotline.does("truc", fresh, lead_agency="ubnd_74_718")
    with hotline.runtime.read() as unit:
        acts = [(row.kind, row.subject, row.data) for row in unit.all(select(model.acts))]
        assert ("key-given-up", LOST, {"cases": 2, "ended": 1}) in acts
        assert unit.all(select(model.incidents)) == []


def test_a_case_that_lost_only_lines_goes_on_and_the_record_knows_why(
    hotline: Hotline, ring: Callable[..., None]
) -> None:
    """A key is lost in the middle of a rotation: everything else has been sealed anew."""
    ring(OLD)
    with hotline.runtime.begin() as unit:
        keys.note(unit)
    number, worker = hotline.receives(), Worker(hotline.runtime, {}, owner="w")
    assert hotline.as_("vanphong").post(f"/cases/{number}/hold", {"reason": "Tòa án yêu cầu"}).status_code == 200
    worker.link()
    ring(OLD, NEW)
    with hotline.runtime.begin() as unit:
        keys.note(unit)
        for table, columns in keys.sealed_columns():
            (key, *_), others = table.primary_key.columns, table is not model.events
            for row in unit.all(select(key, *columns)) if others else ():
                again = {column.name: row._mapping[column] for column in columns}
                unit.execute(update(table).where(key == row[0]).values(again))
    ring(NEW)

    with hotline.runtime.begin() as unit:
        assert lost_keys.give_up(unit, LOST, by="cli").ended == []

    worker.link()
    assert hotline.case(number)["closed_at"] is None
    verdict = chain.verify(hotline.runtime, [])
    assert verdict.broken is None and verdict.emptied == 1


def test_no_command_writes_beside_what_a_lost_key_sealed(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: Callable[..., None]
) -> None:
    monkeypatch.delenv(data_keys.NAME)
    run = runner(sqlite_url, tmp_path)
    file, kept = tmp_path / data_keys.FILE, b64encode(OLD).decode()
    file.write_text(kept)
    run("keys", "rotate")
    file.unlink()
    for command in (("user", "list"), ("load",), ("retention",), ("keys", "make"), ("keys", "rotate")):
        assert f"lacks the key {LOST}" in run(*command, exits=1), command
    run("backup", str(tmp_path / "before.tar"))
    assert f"{LOST}          0 values        0 files NOT HERE" in run("keys", "list")
    assert run("keys", "give-up", LOST, exits=1).endswith("Aborted!\n")
    environment = {"THONGSUOT_DATABASE": sqlite_url, "THONGSUOT_INSTANCE": str(tmp_path)}
    asked = CliRunner().invoke(main, ["keys", "give-up", LOST], env=environment, input="n\n")
    assert asked.stdout == "" and "Nobody will ever read" in asked.stderr, "docs send the standard output to a file"
    file.write_text(kept)
    assert "nothing is lost" in run("keys", "give-up", LOST, "--yes", exits=1)
    file.write_text(b64encode(os.urandom(32)).decode())
    assert "Servers start again" in run("keys", "give-up", LOST, "--yes")
    assert run("user", "list") is not None


def test_who_only_looks_claims_no_database_for_their_key(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: Callable[..., None]
) -> None:
    monkeypatch.delenv(data_keys.NAME)
    run, file = runner(sqlite_url, tmp_path), tmp_path / data_keys.FILE
    looks = (("user", "list"), ("retention", "--dry-run"), ("keys", "list"), ("incidents", "list"), ("audit", "verify"),
             ("clock",))  # fmt: skip
    file.write_text(b64encode(NEW).decode())  # of a machine where somebody just looks
    for command in looks:
        run(*command)
    file.write_text(b64encode(OLD).decode())
    run("user", "add", "sep", "--name", "Sếp", "--role", "admin", "--no-password")
    file.write_text(b64encode(NEW).decode())
    assert f"lacks the key {LOST}" in run("user", "list", exits=1)
