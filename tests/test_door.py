"""In a surge some are sent away at once with a sentence, nobody waits for long, and emergencies are served first."""

from __future__ import annotations

import socket
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Event, Thread
from time import sleep
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest
from waitress.channel import HTTPChannel

from engine import branches, packages
from engine.people import accounts
from engine.people.accounts import fingerprint
from engine.runtime import Runtime
from tests import databases
from tests.clock import Clock
from tests.crash_type import PROVINCE
from tests.hotline import Hotline
from tests.served import served
from webapi import door
from webapi.metrics import Standing
from webapi.server import Refusal
from webapi.ui import door as sessions
from webapi.urgent import Urgent, reported

CROWD = 60
KNOWN, CITY = "ts_of_an_operator", "ts_of_an_app"
ROLES = {KNOWN: "operator", CITY: "client"}
CALLERS = {fingerprint(token): (SimpleNamespace(role=role, login=role), 1) for token, role in ROLES.items()}


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """Sixty callers of a real server with one thread, who all stand at its door before the first is served."""
    monkeypatch.setattr(door, "RUSH_SECONDS", 0.1)
    monkeypatch.setattr(HTTPChannel, "error_task_class", Refusal)
    everybody = Event()

    def serve(_environ: Any, start_response: Any) -> list[bytes]:
        while not everybody.is_set():
            sleep(0.01)
            if entrance.shed + len(entrance.queue) == CROWD - 1:
                everybody.set()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"served"]

    urgent = Urgent(lambda: frozenset({"CC115"}), CALLERS)
    urgent.keep_up()
    entrance = door.Door(urgent, Standing())
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


def test_of_strangers_who_say_it_is_urgent_a_few_may_wait(crowd: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
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
    (b'[{"report_type": "CC115"}]', ""), (b"[" * 65_536, ""),
    (b'}{{"report_type": "CC115"', "CC115"), (b'"' * 70_001, ""),
])  # fmt: skip
def test_the_type_is_found_in_a_body_without_reading_all_of_it(body: bytes, said: str) -> None:
    assert reported(body) == said
    if said:  # orjson says the same of what is JSON, and refuses the rest
        with suppress(ValueError):
            assert orjson.loads(body)["report_type"] == said


class Hands:
    """A door with one thread, whose work and whose clock are the test's; nobody has to wait for it."""

    def __init__(self) -> None:
        self.now = 100.0
        urgent = Urgent(lambda: frozenset({"CC115"}), CALLERS)
        urgent._codes = frozenset({"CC115"})
        self.standing = Standing()
        self.entrance = door.Door(urgent, self.standing, lambda: self.now)

    def comes(self, report_type: str = "BDKK", token: str = "", path: str = "", cookie: str = "") -> Any:
        path, headers = path or f"/bao/{report_type}", {"AUTHORIZATION": token, "COOKIE": cookie}
        request = SimpleNamespace(error=None, path=path, query="", headers=headers)
        self.entrance.add_task(SimpleNamespace(requests=[request], service=list, cancel=list))
        return request

    def takes(self, seconds: float) -> Any:
        """Whose turn it is, so many seconds later."""
        self.now += seconds
        with self.entrance.lock:
            return self.entrance.queue.popleft().request

    def surge(self, seconds: float, *, came: int, taken: int) -> list[int]:
        """How many wait after each second, in which so many come and so many are taken."""
        waited = []
        for _ in range(round(seconds)):
            for _ in range(taken):
                for _ in range(came // taken):
                    self.comes()
                self.takes(1 / taken)
            waited.append(len(self.entrance.queue))
        return waited

    def sent_away(self) -> list[Any]:
        return [one._one.request for one in self.entrance._apologist.queue]


def test_a_rush_may_wait_but_a_queue_that_never_gets_empty_is_kept_short() -> None:
    hands = Hands()

    waited = hands.surge(30, came=100, taken=20)

    assert 38 <= waited[4] <= 42  # two seconds' work, once it is known how fast it goes
    assert all(18 <= many <= 22 for many in waited[6:])  # one second's
    assert hands.entrance.shed == 30 * 80 - waited[-1]


def test_nobody_is_let_in_to_be_overtaken_until_it_is_too_late() -> None:
    """Every other turn is an emergency's: who is ordinary waits twice as long for each before them."""
    hands, longest = Hands(), 0.0
    for _ in range(400):
        for _ in range(10):
            hands.comes()
        hands.comes("CC115", f"Bearer {KNOWN}")
        hands.takes(0.05)
        since = hands.entrance.queue.others[0].since
        hands.takes(0.05)
        longest = max(longest, hands.now - since)

    assert longest < door.LONGEST_SECONDS and 0.8 < hands.now - since < 1.2
    hands.entrance.send_the_late_away()
    assert hands.entrance.shed == 10 * 400 - 400 - len(hands.entrance.queue)


def test_how_many_wait_can_be_asked_while_somebody_has_their_turn() -> None:
    """Once in a hundred thousand, a connection was closed without a word: whoever was let in counted the lines while
    a thread made them take turns."""
    hands, over = Hands(), Event()
    before = sys.getswitchinterval()

    def take() -> None:
        while not over.is_set():
            with hands.entrance.lock:
                hands.entrance.queue._turns.rotate(-1)

    taking = Thread(target=take)
    sys.setswitchinterval(1e-6)
    try:
        taking.start()
        for _ in range(20_000):
            assert len(hands.entrance.queue) == 0
    finally:
        over.set()
        taking.join()
        sys.setswitchinterval(before)


def test_what_is_urgent_is_asked_for_until_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapi.urgent.ASK_AGAIN_SECONDS", 0.01)
    asked: list[int] = []

    def named() -> frozenset[str]:
        asked.append(1)
        if len(asked) < 3:
            raise RuntimeError("the database has no tables yet")
        return frozenset({"CC115"})

    urgent = Urgent(named, CALLERS)
    urgent.keep_up()
    for _ in range(200):
        if len(asked) == 3:
            break
        sleep(0.01)
    sleep(0.1)
    assert len(asked) == 3 and urgent._codes == {"CC115"}


class Outside:
    """People whom nobody has let in yet; one is while a thread rests.

    Attributes:
        rested: how often a thread did.
    """

    def __init__(self, hands: Hands, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
        self.many, self.rested = many, 0
        hands.entrance.queue.outside = lambda: self.many
        monkeypatch.setattr(door, "sleep", self._rest)
        monkeypatch.setattr(door, "monotonic", lambda: self.rested * 0.01)

    def _rest(self, seconds: float) -> None:
        self.many, self.rested = self.many - 1, self.rested + 1


def test_in_a_surge_that_lasts_the_ordinary_let_those_go_before_who_stand_outside(monkeypatch) -> None:
    hands = Hands()
    hands.surge(10, came=100, taken=20)
    outside = Outside(hands, monkeypatch, 7)

    hands.comes("CC115", f"Bearer {KNOWN}")
    hands.entrance.queue.popleft().service()
    assert outside.rested == 0  # an emergency is not kept waiting for others
    hands.entrance.queue.popleft().service()
    assert (outside.many, outside.rested) == (0, 7)


def test_whoever_goes_before_all_others_is_served_by_a_thread_that_rests(monkeypatch) -> None:
    hands, served = Hands(), []
    hands.surge(10, came=100, taken=20)
    outside = Outside(hands, monkeypatch, 7)
    ordinary = hands.entrance.queue.popleft()
    for _ in range(2):
        hands.comes("CC115", f"Bearer {KNOWN}")
    for one in hands.entrance.queue.known:
        monkeypatch.setattr(one, "service", lambda: served.append(outside.rested))
    hands.entrance.queue.known[0].service = lambda: 1 / 0

    ordinary.service()

    assert (served, outside.rested, len(hands.entrance.queue.known)) == ([0], 7, 0)


def test_but_not_for_ever(monkeypatch) -> None:
    hands = Hands()
    hands.surge(10, came=100, taken=20)
    outside = Outside(hands, monkeypatch, 10_000)

    hands.entrance.queue.popleft().service()

    assert outside.rested * 0.01 == pytest.approx(door.REST_SECONDS, abs=0.02)


def test_nor_in_a_rush(monkeypatch) -> None:
    hands = Hands()
    outside = Outside(hands, monkeypatch, 7)
    for _ in range(5):
        hands.comes()

    hands.entrance.queue.popleft().service()

    assert outside.rested == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says so")
def test_it_is_known_how_many_stand_outside() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gate, ExitStack() as people:
        for _ in range(3):
            people.enter_context(socket.create_connection(gate.getsockname()))
        assert door.standing_outside(gate) == 3
        gate.accept()[0].close()
        assert door.standing_outside(gate) == 2
    assert door.standing_outside(gate) == 0  # it is shut


def test_after_a_surge_a_rush_may_wait_again() -> None:
    hands = Hands()
    hands.surge(10, came=100, taken=20)
    while len(hands.entrance.queue):
        hands.takes(0.05)
    before = hands.entrance.shed

    for _ in range(35):
        hands.comes()

    assert hands.entrance.shed == before


def test_the_longer_a_surge_lasts_the_later_one_is_to_come_again_and_not_all_at_once() -> None:
    hands = Hands()

    hands.surge(60, came=100, taken=20)

    after = [int(request.error.body) for request in hands.sent_away()]
    assert 1 <= min(after[:100]) and max(after[:100]) <= 4
    assert 30 <= min(after[-10:]) < 35 and 80 < max(after[-10:]) <= 90 and len(set(after[-10:])) == 10
    hands.surge(300, came=100, taken=20)
    assert max(int(request.error.body) for request in hands.sent_away()) <= 1.5 * door.AGAIN_SECONDS


def test_who_has_waited_too_long_is_told_and_no_emergency_is() -> None:
    hands = Hands()
    ordinary, stranger, known = hands.comes(), hands.comes("CC115"), hands.comes("CC115", f"Bearer {KNOWN}")

    hands.now += door.LONGEST_SECONDS - 0.1
    hands.entrance.send_the_late_away()
    assert hands.sent_away() == []
    hands.now += 0.2
    hands.entrance.send_the_late_away()

    assert hands.sent_away() == [ordinary] and isinstance(ordinary.error, door.Surge)
    assert [hands.takes(0), hands.takes(0)] == [known, stranger] and not len(hands.entrance.queue)


def test_an_emergency_nobody_had_looked_at_is_not_sent_away_either(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = Hands()
    monkeypatch.setattr(hands.entrance, "threads", {0})  # one is free, and then does not take it
    emergency = hands.comes("CC115")
    assert emergency in [one.request for one in hands.entrance.queue.others]

    hands.now += door.LONGEST_SECONDS + 1
    hands.entrance.send_the_late_away()

    assert hands.sent_away() == [] and hands.takes(0) is emergency


def test_the_known_go_first_as_they_came_and_of_the_rest_every_other_is_a_strangers_emergency() -> None:
    hands = Hands()
    ordinary = [hands.comes() for _ in range(3)]
    strangers = [hands.comes("CC115") for _ in range(2)]
    known = [hands.comes("CC115", f"Bearer {KNOWN}") for _ in range(3)]

    taken = [hands.takes(0) for _ in range(8)]

    assert taken == [*known, ordinary[0], strangers[0], ordinary[1], strangers[1], ordinary[2]]


def test_staffs_work_on_cases_is_not_sent_away_whoever_floods_the_door() -> None:
    hands, opens = Hands(), "/viec/17"
    hands.surge(30, came=100, taken=20)
    assert [hands.comes() for _ in range(5)][-1] in hands.sent_away()
    before = hands.entrance.shed
    work = [hands.comes(path=path, token=f"Bearer {KNOWN}") for path in (opens, "/api/v1/tasks/17/complete", "/viec")]
    assert hands.entrance.shed == before

    for token, path in ((f"Bearer {CITY}", opens), ("Bearer ts_made_up", opens), ("", opens),
                        (f"Bearer {KNOWN}", "/api/v1/reports"), (f"Bearer {KNOWN}", "/viecx")):  # fmt: skip
        assert hands.comes(token=token, path=path, cookie="thongsuot=made.up") is hands.sent_away()[-1]
    hands.now += door.LONGEST_SECONDS + 1
    hands.entrance.send_the_late_away()
    assert [hands.takes(0) for _ in work] == work  # and none of them was too late


def test_of_staffs_work_a_few_requests_of_each_may_wait_and_it_takes_every_other_turn() -> None:
    hands = Hands()
    ordinary = [hands.comes() for _ in range(3)]
    work = [hands.comes(path="/vu-viec", token=f"Bearer {KNOWN}") for _ in range(door.EACH + 1)]
    hands.comes()

    taken = [hands.takes(0) for _ in range(7)]

    assert taken == [ordinary[0], work[0], ordinary[1], work[1], ordinary[2], work[2], work[-1]]


def test_whoever_logs_in_twenty_times_has_no_more_places_than_others(monkeypatch: pytest.MonkeyPatch) -> None:
    hands, again = Hands(), [f"ts_again_{n}" for n in range(20)]
    one = SimpleNamespace(role="handler", login="phuong"), 1
    monkeypatch.setattr(hands.entrance._urgent, "_callers", {fingerprint(token): one for token in again})

    for token in again:
        hands.comes(path="/viec", token=f"Bearer {token}")

    assert len(hands.entrance.queue.staff) == door.EACH


def test_a_flood_that_only_calls_itself_an_exchange_or_a_health_check_goes_before_no_emergency() -> None:
    hands = Hands()
    flood = [hands.comes(path=path) for path in ["/api/v1/cti/made_up", "/healthz"] * door.STRANGERS]
    emergency = hands.comes("CC115", f"Bearer {KNOWN}")
    exchange = hands.comes(path=f"/api/v1/cti/{KNOWN}")

    taken = [hands.takes(0) for _ in range(door.CHECKS + 2)]

    assert taken == [*flood[1 : 2 * door.CHECKS : 2], emergency, exchange]


def test_a_session_is_proved_by_our_signature_and_a_token_that_was_good_lately(hotline: Hotline) -> None:
    token, browser = hotline.tokens["phuong"], hotline.app.test_client()
    with browser.session_transaction() as kept:
        kept[sessions.TOKEN], kept[sessions.SEEN] = token, hotline.clock().timestamp()
    cookie = browser.get_cookie("thongsuot").value
    urgent = Urgent(frozenset, hotline.runtime.callers, sessions.signed(hotline.app))

    def whose(cookie: str, token: str = "") -> str | None:
        headers = {"COOKIE": f"a=b; thongsuot={cookie}", "AUTHORIZATION": token}
        return urgent.staff(SimpleNamespace(path="/viec/1", headers=headers))

    hotline.runtime.callers.clear()
    assert whose(cookie) is None  # it may have ended long ago
    assert browser.get("/viec").status_code == 200
    assert whose(cookie) == whose("", f"Bearer {token}") == "phuong"
    changed = cookie.replace(".", "_", 1)
    assert [whose(one) for one in ("", changed, cookie[:-2], cookie.rpartition(".")[0], token)] == [None] * 5

    with hotline.runtime.begin() as unit:
        accounts.revoke_this(unit, token)
    assert browser.get("/viec").status_code == 303 and whose(cookie) is None


def test_that_one_request_takes_long_says_nothing_about_the_queue() -> None:
    """A program outside asks for work and waits for it (long polling); the other threads go on."""
    hands = Hands()
    for _ in range(3):
        hands.comes()
        hands.takes(0)
        hands.now += 30  # and nobody else came meanwhile

    for _ in range(20):
        hands.comes()

    assert hands.entrance.shed == 0


def test_where_nothing_moves_nobody_joins_whoever_waits() -> None:
    hands = Hands()
    for _ in range(3):
        hands.comes()
    hands.now += door.RUSH_SECONDS + 0.1

    late = hands.comes()

    assert hands.sent_away() == [late]


def test_how_long_they_stood_at_the_door_is_measured() -> None:
    hands = Hands()
    hands.comes()
    hands.takes(0.3)
    hands.comes()
    hands.now += door.LONGEST_SECONDS + 1
    hands.entrance.send_the_late_away()
    hands.entrance._apologist.queue.popleft().service()

    [family] = hands.standing.collect()
    found = {(one.labels["end"], one.labels.get("le")): one.value for one in family.samples if "le" in one.labels}
    assert (found["taken", "0.25"], found["taken", "0.5"]) == (0, 1)
    assert (found["sent away", "5.0"], found["sent away", "10.0"]) == (0, 1)


def test_who_is_sent_away_is_told_so_while_all_threads_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "LONGEST_SECONDS", 0.05)
    monkeypatch.setattr(door, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(HTTPChannel, "error_task_class", Refusal)
    held, let_go = Event(), Event()

    def serve(_environ: Any, start_response: Any) -> list[bytes]:
        held.set()
        assert let_go.wait(60)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"served"]

    urgent = Urgent(lambda: frozenset({"CC115"}))
    urgent._codes = frozenset({"CC115"})
    entrance = door.Door(urgent, Standing())
    entrance.set_thread_count(1)
    with served(serve, _dispatcher=entrance, max_request_body_size=9) as url, ThreadPoolExecutor(2) as others:
        first = others.submit(httpx.get, url, timeout=60)
        assert held.wait(60)
        emergency = others.submit(httpx.get, f"{url}/bao/CC115", timeout=60)
        page = httpx.get(f"{url}/bao/BDKK", headers={"Accept": "text/html"}, timeout=60)
        too_large = httpx.post(url, content=b"0123456789", timeout=60)

        assert page.status_code == 503 and "xin gửi lại sau" in page.text and page.headers["Retry-After"] == "1"
        assert too_large.status_code == 413 and not first.done() and not emergency.done()
        let_go.set()
        assert first.result().status_code == emergency.result().status_code == 200


def test_an_emergency_is_what_is_put_through_at_once(sqlite_url: str, clock: Clock) -> None:
    keys = [{"key": "1", "name": "115", "report_type": "CC115", "transfer_to": "115", "from": clock()},
            {"key": "2", "name": "Khác", "report_type": "BDKK", "from": clock()}]  # fmt: skip
    with databases.connected(sqlite_url) as database, Runtime(database, clock).begin() as unit:
        packages.load_province(unit, tomllib.loads(PROVINCE))
        branches.load(unit, "74", keys)

        assert branches.put_through(unit) == {"CC115"}
