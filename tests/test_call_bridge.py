"""A handler speaks with whoever reported by way of the exchange, and neither sees the other's number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine import packages
from engine.notifiers import build
from engine.notifiers.webhook import Webhook
from engine.work.worker import Worker
from tests.hotline import PROVINCE, Hotline, package, refused
from tests.test_firewall import PHONE, REPORTER, found, reads
from tests.test_privacy import kinds

SECRET = "một bí mật dài hơn mười sáu"
DESK = "0274 382 2825"


class Exchange:
    """What connects calls: it is asked by a signed web hook, and says by another what became of them."""

    def __init__(self, hotline: Hotline, httpserver: Any) -> None:
        self.hotline, self.server, self.url = hotline, httpserver, httpserver.url_for("/noi-may")
        httpserver.expect_request("/noi-may", method="POST").respond_with_json({"id": "pbx-1"})
        hotline.app.config["CHANNELS"] = {"74": {"calls": {"secret": SECRET}}}
        self.signs = Webhook({self.url: SECRET}, hotline.clock, allow_private=True)
        with hotline.runtime.begin() as unit:
            files = package(province__toml=f'call_bridge = "{self.url}"\n' + PROVINCE)
            packages.load_province(unit, packages.Package(files).province)

    def asked(self) -> list[tuple[dict[str, Any], bool]]:
        """What it has been asked to connect, and whether the signature was ours."""
        Worker(self.hotline.runtime, {"webhook": self.signs}).drain()
        signed = [self.signs.signature(request.data, SECRET) == request.headers["X-Signature"]
                  for request, _ in self.server.log]  # fmt: skip
        return list(zip((request.json for request, _ in self.server.log), signed, strict=True))

    def says(self, call: str, outcome: Any = "answered", secret: str = SECRET, **more: Any) -> Any:
        raw = json.dumps({"call": call, "outcome": outcome} | more).encode()
        headers = {"X-Signature": self.signs.signature(raw, secret), "Content-Type": "application/json"}
        return self.hotline.as_(None).call("POST", "/channels/74/calls", data=raw, headers=headers)


@pytest.fixture
def exchange(hotline: Hotline, httpserver: Any) -> Iterator[Exchange]:
    yield Exchange(hotline, httpserver)


def calls(hotline: Hotline, number: str, desk: str = DESK, login: str = "phuong") -> Any:
    return hotline.as_(login).post(f"/cases/{number}/reporter/call", {"desk": desk})


def test_the_exchange_learns_both_numbers_the_handler_none_and_the_history_what_became_of_it(exchange, hotline):
    number = hotline.assigned(reporter=REPORTER)
    answer = calls(hotline, number)
    assert answer.status_code == 200 and found(answer.text) == []
    [(asked, ours)] = exchange.asked()
    assert ours and asked["key"] == answer.json["call"] and asked["case"] == number and asked["payload"] == {}
    assert (asked["connect"]["desk"], asked["connect"]["reporter"]) == ("+842743822825", "+84987650321")
    assert "connecting a call" in refused(calls(hotline, number), 409, "wrong-state")

    assert exchange.says(asked["key"], seconds=87).json == {"new": True}
    assert exchange.says(asked["key"], "busy").json == {"new": False}  # said twice, it is the first
    assert kinds(hotline, number, "call-asked")[0][0] == "phuong"
    assert kinds(hotline, number, "call-ended") == [("system", {"outcome": "answered", "seconds": 87})]
    page = reads(hotline, "phuong", f"/vu-viec/{number}").decode()
    assert "Cuộc gọi với người báo: đã nói chuyện" in page and "Gọi qua tổng đài" in page and found(page) == []
    assert "webhook" not in page  # among what the citizen was told


def test_who_is_not_to_be_called_is_not(exchange, hotline):
    number = hotline.assigned(reporter=REPORTER)
    assert refused(calls(hotline, number, login="mattran"), 403, "not-allowed")  # whoever only watches
    assert refused(calls(hotline, number, login="binh"), 404, "not-found")  # another district
    for desk in ("+1 900 555 0100", "0987654", "1022#", ""):
        assert calls(hotline, number, desk).status_code == 422, desk
    unnamed = hotline.assigned(reporter={"phone": PHONE, "anonymous": True})
    assert "unnamed" in refused(calls(hotline, unnamed), 409, "wrong-state")
    assert "hãy nhắn, đừng gọi" in reads(hotline, "phuong", f"/vu-viec/{unnamed}").decode()
    no_number = hotline.assigned(reporter={"email": "an@example.vn"})
    assert "no telephone number" in refused(calls(hotline, no_number), 409, "wrong-state")
    for _ in range(3):
        key = calls(hotline, number, "101").json["call"]
        assert exchange.says(key, "no_answer").json == {"new": True}
    assert "tomorrow" in refused(calls(hotline, number), 409, "wrong-state")
    hotline.clock.advance("1 day 13 hours")
    assert "from 7 to 21" in refused(calls(hotline, number), 409, "wrong-state")


def test_only_the_exchange_says_what_became_of_a_call_and_only_of_one_that_was_asked_for(exchange, hotline):
    key = calls(hotline, hotline.assigned(reporter=REPORTER)).json["call"]
    assert refused(exchange.says(key, secret="some other secret"), 401, "not-authenticated")
    assert refused(exchange.says("1022.BD.1:call:0"), 404, "not-found")
    for wrong in ({"outcome": "sung"}, {"seconds": -1}, {"seconds": True}, {"call": 7}, {"call": "\0"}):
        assert exchange.says(**{"call": key} | wrong).status_code == 422, wrong
    hotline.app.config["CHANNELS"] = {}
    assert refused(exchange.says(key), 404, "not-found")


def test_an_exchange_that_is_away_rings_nobody_later_and_the_handler_sees_that(exchange, hotline, tmp_path):
    number = hotline.assigned(reporter=REPORTER)
    calls(hotline, number)
    hotline.clock.advance("3 minutes")
    assert exchange.asked() == []
    why = kinds(hotline, number, "message-undeliverable")[-1][1]
    assert "did not take the call in time" in why["why"]
    given_up = hotline.as_("vanphong").get("/outbox", state="dead").json["items"]
    assert [one for one in given_up if one["kind"] == "webhook"] == []  # there is nothing to send again
    assert "Tổng đài không nối máy được" in reads(hotline, "phuong", f"/vu-viec/{number}").decode()

    assert calls(hotline, number).status_code == 200  # such a one does not count
    Worker(hotline.runtime, build({"log": str(tmp_path / "messages.jsonl")}, hotline.clock)).drain()
    assert "call-bridge" not in (tmp_path / "messages.jsonl").read_text()
    assert found((tmp_path / "messages.jsonl").read_text()) == []


def test_without_such_an_exchange_there_is_no_button_and_a_call_is_refused(hotline):
    number = hotline.assigned(reporter=REPORTER)
    assert "call_bridge in province.toml" in refused(calls(hotline, number), 409, "wrong-state")
    page = reads(hotline, "phuong", f"/vu-viec/{number}").decode()
    assert "Nhắn người báo" in page and "Gọi người báo" not in page
