"""The log says what happened where, and nothing of anybody: values that are marked are looked for in all of it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import insert

from engine import intake, model
from engine.channels import arrivals
from engine.work.worker import Worker
from tests.hotline import Hotline
from tests.sources import ROOT
from webapi import logs

NAME, PHONE, EMAIL, WORDS = "Trần Thị Mật Danh", "0987654321", "mat.danh@example.vn", "Hàng xóm tên Lê Văn Kín đánh bạc"
MARKS = (NAME, "Mật Danh", "987654321", "mat.danh", WORDS, "Lê Văn Kín", "M\\u1eadt")
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def written() -> Iterator[dict[str, StringIO]]:
    """All that is logged, in both styles."""
    root, streams = logging.getLogger(), {"json": StringIO(), "text": StringIO()}
    handlers = [logging.StreamHandler(stream) for stream in streams.values()]
    for handler, formatter in zip(handlers, (logs.Json(), logs.Text()), strict=True):
        handler.setFormatter(formatter)
        root.addHandler(handler)
    before = root.level
    root.setLevel(logging.INFO)
    yield streams
    root.setLevel(before)
    for handler in handlers:
        root.removeHandler(handler)


class Refusing:
    def send(self, message: Any) -> Any:
        raise RuntimeError(f"no such subscriber {NAME} <{EMAIL}> {PHONE}")


@on_sqlite
def test_nobody_is_in_the_log_whatever_goes_wrong(
    hotline: Hotline, written: dict[str, StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(hotline.app.config, "LOG_REQUESTS", True)
    who = {"name": NAME, "phone": PHONE, "email": EMAIL, "address": f"Nhà {NAME}"}
    number = hotline.receives(WORDS, reporter=who)
    hotline.does("truc", number, lead_agency="ubnd_74_718")
    truc, stranger = hotline.as_("truc"), hotline.as_(None)
    for path in ("/cases?q={}", "/cases/{}", "/tasks/{}", "/contacts?phone={}"):
        truc.get(path.format(PHONE))
        truc.get(path.format(NAME))
    stranger.get(f"/track/{number}?secret=ts_bi_mat")
    hotline.app.test_client().post("/api/v1/cti/ts_" + "b" * 43, data={"from": PHONE, "user": NAME})
    _fails_within(hotline, who, monkeypatch)
    _fails_at_the_gateway(hotline)
    _fails_to_be_understood(hotline)

    told = [json.loads(line) for line in written["json"].getvalue().splitlines()]
    assert {"request", "failed", "delivery-failed", "arrival-failed"} <= {one.get("action") for one in told}
    for style, stream in written.items():
        for mark in (*MARKS, "bi_mat", "bbbbb"):
            assert mark not in stream.getvalue(), (style, mark)
    assert any(one.get("case") == number for one in told)


def _fails_within(hotline: Hotline, who: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def receive(*_: Any, **__: Any) -> None:
        try:
            int(NAME)
        except ValueError as error:
            raise KeyError(f"{PHONE} {WORDS}") from error

    with monkeypatch.context() as patch:
        patch.setattr(intake, "receive", receive)
        body = {"report_type": "PAKN", "channel": "zalo", "answers": {"noi_dung": WORDS}, "reporter": who}
        patch.setitem(hotline.app.config, "PROPAGATE_EXCEPTIONS", False)
        assert hotline.as_("app").post("/reports", body).status_code == 500


def _fails_at_the_gateway(hotline: Hotline) -> None:
    Worker(hotline.runtime, {"sms": Refusing()}).tick()


def _fails_to_be_understood(hotline: Hotline) -> None:
    def reader(*_: Any) -> None:
        raise RuntimeError(f"{NAME} {PHONE}")

    with hotline.runtime.begin() as unit:
        unit.execute(insert(model.arrivals).values(
            province="74", channel="zalo", event_id=PHONE, body=WORDS.encode(), state="waiting", received_at=unit.now,
            due_at=unit.now))  # fmt: skip
    arrival = arrivals.claim(hotline.runtime)
    assert arrival is not None
    arrivals.attempt(hotline.runtime, arrival, {"zalo": reader})


@on_sqlite
def test_a_failure_is_found_by_the_id_that_its_caller_was_told(
    hotline: Hotline, written: dict[str, StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = hotline.receives()
    monkeypatch.setitem(hotline.app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr("engine.casefile.show", None)
    answer = hotline.as_("truc").call("GET", f"/cases/{number}", headers={"X-Request-ID": "of-nobody-we-know"})
    monkeypatch.setitem(hotline.app.config, "TRUSTED_PROXIES", 1)
    trusted = hotline.as_("truc").call("GET", f"/cases/{number}", headers={"X-Request-ID": "proxy-0123456789"})
    hotline.as_("truc").call("GET", f"/cases/{number}", headers={"X-Request-ID": f"{NAME} {PHONE}".encode()})

    first, second, third = (json.loads(line) for line in written["json"].getvalue().splitlines())
    assert first["request"] == answer.json["id"] != "of-nobody-we-know"
    assert second["request"] == trusted.json["id"] == "proxy-0123456789"
    assert len(third["request"]) == 12
    assert (first["case"], first["route"], first["level"]) == (number, "/api/v1/cases/<name:number>", "ERROR")
    assert first["error"][-1] == "builtins.TypeError" and any("webapi/api/cases.py:" in line for line in first["error"])
    assert f"case={number}" in written["text"].getvalue() and "Traceback" not in written["text"].getvalue()


def test_a_process_tells_its_end_and_others_nothing() -> None:
    code = f"""if True:
        import logging, threading
        from webapi import logs
        logs.set_up("INFO", "json")
        logging.getLogger("engine.queues.outbox").info("call %s, %s", "{PHONE}", "{EMAIL}")
        logging.getLogger("httpx").info("GET https://gateway/?to={PHONE}")
        logging.getLogger("engine").debug("left out")
        threading.Thread(target=lambda: int("{NAME}")).start()
        raise RuntimeError("{WORDS}")
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1 and done.stdout == ""
    assert told[0]["says"] == "call …, …" and {"at", "level", "logger"} <= told[0].keys()
    assert sorted(one["error"][-1] for one in told[1:]) == ["builtins.RuntimeError", "builtins.ValueError"]
    assert not [mark for mark in MARKS if mark in done.stderr]
