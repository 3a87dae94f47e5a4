"""What is told to OpenTelemetry, received by a real receiver of OTLP over HTTP; values that are marked are looked for
in every byte of it."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from flask import request_finished
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from engine import notifiers, spans
from engine.work.worker import Worker
from tests.hotline import Hotline
from webapi import telemetry
from webapi.config import BadSetting

NAME, PHONE, WORDS = "Trần Thị Mật Danh", "0987654321", "Hàng xóm tên Lê Văn Kín đánh bạc"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Receiver(BaseHTTPRequestHandler):
    got: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    kind = type("Keeping", (Receiver,), {"got": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield kind.got
        server.shutdown()
        thread.join()


class Told:
    """The spans, by name."""

    def __init__(self, bodies: list[bytes]) -> None:
        self.resources = [one for body in bodies for one in ExportTraceServiceRequest.FromString(body).resource_spans]
        self.all = [span for one in self.resources for scope in one.scope_spans for span in scope.spans]

    def one(self, name: str) -> Any:
        return next(span for span in self.all if span.name == name)

    def within(self, span: Any) -> set[str]:
        return {one.name for one in self.all if one.parent_span_id == span.span_id}


def facts(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


class Refusing:
    def send(self, message: Any) -> Any:
        raise RuntimeError(f"no such subscriber {NAME} {PHONE}")


@on_sqlite
def test_what_is_done_is_told_and_nobody_is_in_it(
    hotline: Hotline, received: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hotline.app, "wsgi_app", hotline.app.wsgi_app)
    monkeypatch.setitem(hotline.app.config, "TRUSTED_PROXIES", 1)
    monkeypatch.setitem(hotline.app.config, "PROPAGATE_EXCEPTIONS", False)
    provider = telemetry.set_up("thongsuot-web", hotline.app)
    assert provider is not None
    try:
        number, secret = _lives(hotline, monkeypatch)
    finally:
        provider.shutdown()
        spans.watch(None)
        request_finished.disconnect(telemetry._name, hotline.app)

    told = Told(received)
    assert facts(told.resources[0].resource)["service.name"] == "thongsuot-web"
    reported = told.one("POST /api/v1/reports")
    assert facts(reported)["http.response.status_code"] == 201 and told.within(reported) == {"unit"}
    assert (reported.trace_id.hex(), reported.parent_span_id.hex()) == (TRACE, "00f067aa0ba902b7")
    tracked = facts(told.one("GET /api/v1/track/<name:number>"))
    assert tracked["thongsuot.case"] == number and tracked["http.route"] == "/api/v1/track/<name:number>"
    assert told.one("job timer").parent_span_id and facts(told.one("job warning"))["thongsuot.case_id"] == 1
    assert {one.status.code for one in told.all if one.name == "send sms"} == {0, 2}
    assert "_OTHER" in {one.name for one in told.all} and told.one("GET").status.code == 0
    (failed,) = (one for one in told.all if facts(one).get("http.response.status_code") == 500)
    assert failed.status.code == 2 and not [one for one in told.all if one.events or one.status.message]
    for mark in (NAME, "Mật Danh", "987654321", WORDS, "Lê Văn Kín", secret, "mat-khau", "secret", "bi_mat"):
        assert not [body for body in received if mark.encode() in body], mark


def _lives(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A case from its report to a citizen who was silent, with refusals and faults by the way."""
    app = hotline.as_("app")
    app.headers["traceparent"] = f"00-{TRACE}-00f067aa0ba902b7-01"
    body = {"report_type": "PAKN", "answers": {"noi_dung": WORDS}, "channel": "zalo", "area": "718",
            "reporter": {"name": NAME, "phone": PHONE}}  # fmt: skip
    receipt = app.post("/reports", body).json
    number, secret, stranger = receipt["number"], receipt["secret"], hotline.as_(None)
    for query in (secret, "ts_bi_mat"):
        stranger.get(f"/track/{number}", secret=query)
    stranger.get(f"/nowhere/{NAME}/{PHONE}")
    stranger.call(NAME.split()[0].encode("ascii", "ignore").decode() + "BI_MAT", f"/cases?q={PHONE}")
    stranger.post("/sessions", {"login": PHONE, "password": "mat-khau-cua-toi"})
    Worker(hotline.runtime, {"sms": Refusing()}).tick()
    hotline.waits(4.5)
    worker = Worker(hotline.runtime, notifiers.build({}, hotline.clock))
    worker.drain()
    hotline.does("truc", number, lead_agency="ubnd_74_718")
    hotline.does("phuong", number, ket_qua="khong_dung", noi_dung_ket_qua=WORDS)
    hotline.waits(24 * 11)
    worker.drain()
    with monkeypatch.context() as patch:
        patch.setattr("engine.casefile.show", lambda *_, **__: int(f"{NAME} {PHONE}"))
        assert hotline.as_("truc").get(f"/cases/{number}").status_code == 500
    return number, secret


@pytest.mark.parametrize(
    "more", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}]
)
def test_it_is_switched_off_as_everywhere(more: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"} | more).items():
        monkeypatch.setenv(name, value)

    assert telemetry.set_up("x") is None
    assert spans.span("unit") is spans.span("read")  # nothing is made: the same for all


def test_what_cannot_be_told_stops_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(BadSetting, match="must be http/protobuf"):
        telemetry.set_up("x")
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_PROTOCOL")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(BadSetting, match="is not installed"):
        telemetry.set_up("x")
