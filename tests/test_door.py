"""In a surge some are sent away at once with a sentence, nobody waits for long, and emergencies are served first."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from time import sleep
from typing import Any

import httpx
import orjson
import pytest
from waitress.channel import HTTPChannel

from engine import branches, packages
from engine.people.accounts import fingerprint
from engine.runtime import Runtime
from tests import databases
from tests.clock import Clock
from tests.crash_type import PROVINCE
from tests.served import served
from webapi import door
from webapi.server import Refusal
from webapi.urgent import Urgent, reported

CROWD = 60
KNOWN = "ts_of_an_operator"


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """Sixty callers of a real server with one thread, who all stand at its door before the first is served."""
    monkeypatch.setattr(door, "WAIT_SECONDS", 0.5)
    monkeypatch.setattr(HTTPChannel, "error_task_class", Refusal)
    everybody = Event()

    def serve(_environ: Any, start_response: Any) -> list[bytes]:
        while not everybody.is_set():
            sleep(0.01)
            if entrance.shed + len(entrance.queue) == CROWD - 1:
                everybody.set()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"served"]

    urgent = Urgent(lambda: frozenset({"CC115"}), {fingerprint(KNOWN)})
    urgent.keep_up()
    entrance = door.Door(urgent)
    entrance.set_thread_count(1)
    limits = httpx.Limits(max_connections=CROWD)
    with served(serve, _dispatcher=entrance) as url, httpx.Client(base_url=url, limits=limits, timeout=60) as crowd:
        yield crowd


def at_once(call: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(CROWD) as threads:
        return list(threads.map(call, range(CROWD)))


def test_a_surge_is_shed_politely_and_an_emergency_never(crowd: httpx.Client) -> None:
    def send(number: int) -> tuple[bool, httpx.Response]:
        urgent = number % 10 == 9
        body = {"answers": {"noi_dung": "CC115", "report_type": "CC115"}, "report_type": "CC115" if urgent else "BDKK"}
        said = {"Authorization": f"Bearer {KNOWN}"} if number == 59 else {}
        return urgent, crowd.post("/api/v1/reports", json=body, headers=said)

    answers = at_once(send)

    assert {answer.status_code for urgent, answer in answers if urgent} == {200}
    assert {answer.status_code for urgent, answer in answers if not urgent} == {200, 503}
    shed = next(answer for _, answer in answers if answer.status_code == 503)
    assert shed.headers["Content-Type"] == "application/problem+json"
    assert int(shed.headers["Retry-After"]) == shed.json()["retry_after"] >= 1
    assert shed.json()["type"] == "/problems/surge"
    assert "send the same request again" in shed.json()["detail"] and "xin gửi lại" in shed.json()["detail"]
    assert crowd.get("/healthz").status_code == 200  # and afterwards all is as before
    assert crowd.post("/api/v1/reports", json={"report_type": "BDKK"}).status_code == 200


def test_of_strangers_who_say_it_is_urgent_a_few_may_wait(
    crowd: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "STRANGERS", 5)

    def send(number: int) -> tuple[bool, int]:
        said = {"Authorization": f"Bearer {KNOWN}"} if number % 6 == 5 else {"Authorization": f"Bearer ts_{number}"}
        answer = crowd.post("/api/v1/reports", json={"report_type": "CC115"}, headers=said)
        return number % 6 == 5, answer.status_code

    answers = at_once(send)

    assert {status for known, status in answers if known} == {200}
    strangers = [status for known, status in answers if not known]
    assert set(strangers) == {200, 503} and strangers.count(200) < 45


@pytest.mark.parametrize(("body", "said"), [
    (b'{"report_type": "CC115"}', "CC115"), (b'{"a": {"report_type": "X"}, "report_type" : "CC115", ', "CC115"),
    (b'{"a": ["report_type", "CC115"], "b": "\\"report_type\\": \\"CC115\\""}', ""),
    (b'["report_type", "CC115"]', ""),
    (b'{"report_type": {"x": "CC115"}}', ""), (b'{"x": "report_type": "CC115"}', "CC115"),
    (b"", ""), (b'{"report_ty', ""),
    (b'[{"report_type": "CC115"}]', ""), (b'}{{"report_type": "CC115"', "CC115"), (b'"' * 70_001, ""),
])  # fmt: skip
def test_the_type_is_found_in_a_body_without_reading_all_of_it(body: bytes, said: str) -> None:
    assert reported(body) == said
    if said:  # orjson says the same of what is JSON, and refuses the rest
        with suppress(ValueError):
            assert orjson.loads(body)["report_type"] == said


def test_an_emergency_is_what_is_put_through_at_once(sqlite_url: str, clock: Clock) -> None:
    keys = [{"key": "1", "name": "115", "report_type": "CC115", "transfer_to": "115", "from": clock()},
            {"key": "2", "name": "Khác", "report_type": "BDKK", "from": clock()}]  # fmt: skip
    with databases.connected(sqlite_url) as database, Runtime(database, clock).begin() as unit:
        packages.load_province(unit, tomllib.loads(PROVINCE))
        branches.load(unit, "74", keys)

        assert branches.put_through(unit) == {"CC115"}
