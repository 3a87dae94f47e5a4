"""What a hostile, broken or confused caller sends: a clear 4xx, the server up, nothing lost."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select
from waitress.channel import HTTPChannel

from engine import model
from tests.hotline import refused
from tests.served import served
from webapi.server import Refusal

REPORT = {"report_type": "PAKN", "answers": {"noi_dung": "Karaoke gây ồn"}}


@pytest.fixture(autouse=True)
def nothing_is_lost(hotline):
    """Before and after every attack: a case is there, and the server answers."""
    number = hotline.receives()
    yield
    assert hotline.as_("vanphong").get(f"/cases/{number}").status_code == 200
    with hotline.runtime.read() as unit:
        assert unit.scalar(select(func.count()).select_from(model.cases)) == 1


def send(hotline, raw, **headers):
    caller = hotline.as_("app")
    return caller.call("POST", "/reports", data=raw, headers={"Content-Type": "application/json"} | headers)


@pytest.mark.parametrize("raw", [
    b"", b"{", b"\xff\xfe", b"NaN", b'{"report_type": Infinity}', b'"\\ud800"', b"[" * 100_000, b"{'a': 1}",
    b'{"report_type": "PAKN", "answers": {"noi_dung": "a\\u0000b"}}',
    b'{"report_type": "PAKN", "answers": {"noi_dung": 1e999}}',
    b"[" * 40 + b"]" * 40, b"[" + b"1," * 30_000 + b"1]",
])  # fmt: skip
def test_what_is_not_json_or_too_much_of_it_is_refused(hotline, raw):
    answer = send(hotline, raw)

    assert answer.status_code in (400, 422), answer.text
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("body", [
    [], "x", 1, None, {"report_type": 1, "answers": {}}, {"report_type": "PAKN", "answers": []}, {"answers": {}},
    REPORT | {"typename": "x"}, REPORT | {"severity": {"a": 1}}, REPORT | {"reporter": {"name": ["x"]}},
    REPORT | {"reporter": {"phone": "123"}}, REPORT | {"channel": "khoi"}, REPORT | {"place": "x" * 301},
    REPORT | {"reporter": {"name": "a\u0007b"}}, REPORT | {"report_type": "../../etc/passwd"},
])  # fmt: skip
def test_what_does_not_fit_the_schema_is_refused(hotline, body):
    refused(send(hotline, json.dumps(body).encode()), 422, "invalid-request")


@pytest.mark.parametrize("answers", [
    {"noi_dung": "x", "typename": "datetime"}, {"noi_dung": "x", "__builtins__": {}}, {"noi_dung": {"typename": "x"}},
    {"noi_dung": ["x"]}, {"noi_dung": 5}, {"noi_dung": None}, {"noi_dung": "x" * 2001}, {"noi_dung": "   "},
    {"noi_dung": "x", "status": "da_giai_quyet"}, {"noi_dung": "x", "ghi_chu": {"a": {"b": "c"}}},
    {"noi_dung": "x", "": "y"}, {"noi_dung": "x"} | {f"k{n}": n for n in range(2000)},
])  # fmt: skip
def test_poisoned_answers_are_refused(hotline, answers):
    answer = send(hotline, json.dumps(REPORT | {"answers": answers}).encode())

    refused(answer, 422, "invalid-answers")


def test_a_body_that_is_too_large_is_refused_before_it_is_read(hotline):
    answer = send(hotline, b'{"a": "' + b"x" * 2_000_000 + b'"}')

    refused(answer, 413, "request-entity-too-large")


def test_a_server_that_refuses_by_itself_says_it_in_the_same_way(monkeypatch):
    monkeypatch.setattr(HTTPChannel, "error_task_class", Refusal)

    def told(address: str, accept: bytes) -> list[bytes]:
        with socket.create_connection(("127.0.0.1", urlsplit(address).port), timeout=60) as line:
            head = b"POST / HTTP/1.1\r\nHost: x\r\nAccept: " + accept + b"\r\nContent-Length: 1001\r\n\r\n"
            line.sendall(head + b"x" * 1001)
            return b"".join(iter(lambda: line.recv(4096), b"")).split(b"\r\n\r\n", 1)

    with served(lambda environ, start_response: [], max_request_body_size=1000) as address:
        head, body = told(address, b"*/*")
        page_head, page = told(address, b"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")

    assert head.startswith(b"HTTP/1.1 413") and b"application/problem+json" in head
    assert json.loads(body)["type"] == "/problems/request-entity-too-large"
    assert "send less at once" in json.loads(body)["detail"]
    assert page_head.startswith(b"HTTP/1.1 413") and b"text/html; charset=utf-8" in page_head
    assert b"Content-Security-Policy: default-src 'none'" in page_head and b"no-store" in page_head
    assert page.startswith(b"<!doctype html>") and "gửi ít tệp hơn".encode() in page


@pytest.mark.parametrize(("method", "path", "body", "status", "detail"), [
    ("POST", "/reports", {}, 422, "The body does not fit: report_type is missing; answers is missing."),
    ("POST", "/reports", [], 422, "The body does not fit: it must be a JSON object {…}."),
    ("POST", "/reports", REPORT | {"areaa": "718"}, 422, "The body does not fit: areaa is not known here."),
    ("POST", "/reports", REPORT | {"answers": [1]}, 422, "The body does not fit: answers must be a JSON object {…}."),
    ("POST", "/reports", REPORT | {"reporter": {"nam": "x"}}, 422, "does not fit: reporter.nam is not known here."),
    ("POST", "/reports", REPORT | {"area": 718}, 422, "does not fit: area must be a text, in quotation marks."),
    ("GET", "/tasks?due_before=2026-12-01T08:00", None, 422, "due_before must say its zone, as 2026-12-01"),
    ("GET", "/published?province=abc", None, 404, "There is no province 'abc' here"),
    ("POST", "/reports", REPORT | {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}, 422, "; and 2 more."),
    ("POST", "/reports", REPORT | {"place": None, "report_type": None}, 422, "report_type must not be null"),
    ("GET", "/cases?limit=abc", None, 422, "The query does not fit: limit must be a whole number."),
    ("GET", "/caces", None, 404, "There is nothing at /api/v1/caces: /api/v1/docs lists every address."),
    ("PUT", "/reports", {}, 405, "PUT cannot be used on /api/v1/reports: use POST."),
    ("POST", "/reports", {"report_type": "x" * 2_000_000}, 413, "larger than the 1000000 bytes that are taken here"),
])  # fmt: skip
def test_the_detail_says_what_to_change(hotline, method, path, body, status, detail):
    data = None if body is None else json.dumps(body).encode()
    answer = hotline.as_("vanphong").call(method, path, data=data, headers={"Content-Type": "application/json"})

    assert answer.status_code == status, answer.text
    assert detail in answer.json["detail"]
    assert isinstance(answer.json.get("errors", {}), dict), "by field, as the document says"


def test_another_content_type_is_refused(hotline):
    answer = hotline.as_("app").call("POST", "/reports", data=b"<report/>", headers={"Content-Type": "text/xml"})

    assert "Content-Type: application/json" in refused(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("header", [
    None, "", "Bearer", "Bearer ", "Bearer x", "Basic dHJ1Yzp4", "Bearer ts_" + "a" * 43, "Bearer ts_" + "a" * 44,
    "bearer ts_" + "a" * 43, "Bearer ts_" + "é" * 43, "Bearer ts_' OR 1=1 --", "Bearer " + "x" * 8000,
])  # fmt: skip
def test_a_wrong_token_is_refused_and_nothing_else_is_looked_at(hotline, header):
    headers = {} if header is None else {"Authorization": header}
    for method, path in (("GET", "/cases"), ("POST", "/reports"), ("GET", "/me"), ("PATCH", "/accounts/quantri")):
        answer = hotline.as_(None).call(method, path, data=b"{}", headers=headers)

        refused(answer, 401, "not-authenticated") if header != "Bearer ts_" + "a" * 43 else None
        assert answer.status_code in (401, 415, 422)
        if answer.status_code == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("query", [
    "limit=0", "limit=-1", "limit=1e3", "limit=" + "9" * 30, "limit=abc", "after=abc", "after=" + "9" * 40,
    "after=-99999999999999999_1", "after=none_" + "9" * 15 + "9", "open=maybe", "sort=random", "status=%00", "q=%00",
    "unknown=1", "province=" + "x" * 200, "area=%27%20OR%201=1", "limit=%D9%A1%FF", "due=1",
])  # fmt: skip
def test_absurd_questions_are_refused(hotline, query):
    answer = hotline.as_("vanphong").get(f"/cases?{query}")

    refused(answer, 422, "invalid-request")


@pytest.mark.parametrize("query", [
    "after=99999999999999999_1", "after=none_0", "after=none_999999999999999", "q=%25", "q=_", "q=\\", "limit=200",
])  # fmt: skip
def test_odd_but_sensible_questions_are_answered(hotline, query):
    assert hotline.as_("vanphong").get(f"/cases?{query}").status_code == 200


@pytest.mark.parametrize("path", [
    "/cases/x%00y", "/cases/" + "9" * 200, "/cases/../../etc", "/cases/1022.BD.20210903.99999", "/tasks/0",
    "/tasks/" + "9" * 40, "/tasks/-1", "/tasks/1e3", "/tasks/9007199254740992", "/incidents/99", "/outbox/99",
    "/accounts/x'", "/deployments/99", "/deployments/1/files/..%2f..%2fetc", "/report-types/X", "/tokens/1/2",
])  # fmt: skip
def test_what_does_not_exist_is_missing(hotline, path):
    answer = hotline.as_("quantri").get(path)

    refused(answer, 404, "not-found")


@pytest.mark.parametrize("key", ["", "x" * 201, "có dấu", "a b"])
def test_an_odd_idempotency_key_is_refused(hotline, key):
    answer = hotline.as_("app").post("/reports", REPORT, Idempotency_Key=key.encode().decode("latin-1"))

    assert "Idempotency-Key has 1 to 200 visible ASCII characters" in refused(answer, 422, "invalid-request")


def test_a_method_that_a_thing_has_not_is_refused(hotline):
    answer = hotline.as_("quantri").call("PUT", "/cases")

    refused(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("body", [{"until": "tomorrow", "reason": "x"}, {"until": "2021-09-03T10:00:00", "reason": "x"},
                                  {"until": "9999-12-31T23:59:59-12:00", "reason": "x"},
                                  {"until": "0001-01-01T00:00:00+14:00", "reason": "x"}])  # fmt: skip
def test_a_moment_that_nobody_can_mean_is_refused(hotline, body):
    (case,) = hotline.as_("vanphong").get("/cases").json["items"]
    answer = hotline.as_("vanphong").post(f"/cases/{case['number']}/extend", body, If_Match="*")

    assert answer.status_code in (409, 422), answer.text
