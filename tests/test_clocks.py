"""Nodes whose clocks are wrong, or are set while they run: nothing early, twice or lost, and it is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from queue import Queue
from time import sleep
from typing import Any

import apscheduler.schedulers.base as scheduler
import pytest
from sqlalchemy import insert

import webapi.worker
from engine import instances, model
from engine.flow.steps import Fire
from engine.queues import jobs, outbox, presence
from engine.runtime import Runtime
from engine.storage.database import connect
from engine.work import ahead as ahead_of_time
from engine.work.worker import Worker
from tests.bare_cases import arm, open_case
from tests.clock import Clock
from webapi import clock
from webapi.clock import NodeClock
from webapi.worker import Metronome

PATIENCE = 240  # seconds, for a machine that is busy with something else
TEN_MINUTES = timedelta(minutes=10)


def ahead(by: timedelta) -> NodeClock:
    """Of a node whose own clock is wrong by that."""
    return NodeClock(lambda: datetime.now(UTC) + by)


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    taken: list[Any] = []
    monkeypatch.setattr(instances, "advance", lambda unit, case_id, step, **told: taken.append(step))
    return taken


def test_nodes_whose_clocks_are_wrong_go_by_the_databases(
    postgresql_url: str, moved: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    early, late = (Runtime(connect(postgresql_url), ahead(by)) for by in (TEN_MINUTES, -TEN_MINUTES))
    for node in (early, late):
        assert node.clock.put_right(node.database) is False, "nobody has set it: it was wrong from the start"
    case_id = open_case(late)
    with late.begin() as unit:
        jobs.put(unit, case_id, 1, "timer", datetime.now(UTC) + timedelta(minutes=5))
        jobs.put(unit, case_id, 2, "timer", datetime.now(UTC) - timedelta(seconds=5))

    [held] = jobs.claim(late, "late", 5)
    assert held.token == 2 and jobs.claim(early, "early", 5) == [], "no lease is over before its time"
    jobs.release(late, "late")
    assert [Worker(node, {}).work() for node in (early, late, early)] == [1, 0, 0]

    assert moved == [Fire(2)], "once, and what is due in five minutes is not"
    told = [record.message for record in caplog.records if record.__dict__.get("action") == "clock-wrong"]
    said = [float(re.search(r"[+-]\d+", line)[0]) for line in told]
    assert said == [pytest.approx(by, abs=30) for by in (600, -600)], "however long each look takes"
    for node in (early, late):
        node.database.dispose()


def test_an_answer_that_was_long_in_coming_moves_no_clock(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "TOLERATED", timedelta())
    database, node = connect(postgresql_url), ahead(TEN_MINUTES)
    assert node._look(database) is False and node.wrong == timedelta()
    database.dispose()


def test_a_clock_that_is_set_is_followed_at_the_next_look_and_not_before(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    noon, wrong, steady = datetime(2026, 11, 26, 12, tzinfo=UTC), timedelta(), 0.0
    database, node = connect(sqlite_url), NodeClock(lambda: noon + timedelta(seconds=steady) + wrong, lambda: steady)
    for wrong in (timedelta(hours=1), timedelta(seconds=-1), -TEN_MINUTES):
        before, steady = node(), steady + 5
        assert node() == before + timedelta(seconds=5)
        assert node.put_right(database) and not node.put_right(database)
        assert abs(node() - noon - timedelta(seconds=steady) - wrong) <= clock.TOLERATED
    assert [record.message for record in caplog.records] == [
        f"The time was put right by {by} s." for by in ("+3600", "-3601", "-599")
    ]
    wrong -= timedelta(seconds=1)  # as NTP does all day
    before = node()
    assert not node.put_right(database) and node() == before


def test_a_node_that_was_frozen_while_it_asked_believes_nothing_of_it(sqlite_url: str) -> None:
    noon, steady = datetime(2026, 11, 26, 12, tzinfo=UTC), 0.0

    def frozen() -> datetime:
        nonlocal steady
        told, steady = noon + timedelta(seconds=steady), steady + froze
        return told

    froze = 0.0
    database, node = connect(sqlite_url), NodeClock(frozen, lambda: steady)
    before, froze = node(), 90.0
    assert node._look(database) is False
    assert node() - before == timedelta(seconds=90) and node.wrong == timedelta()
    froze = 0.0
    assert node.put_right(database) is False
    database.dispose()


@pytest.fixture
def set_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets the clock of this process back by so many hours, for APScheduler, too."""
    by = [timedelta()]

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - by[0]

    for module in (scheduler, webapi.worker):
        monkeypatch.setattr(module, "datetime", Wrong)
    yield lambda hours: by.__setitem__(0, timedelta(hours=hours))


def test_a_worker_works_on_when_its_clock_is_set_back(
    sqlite_url: str, set_back: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: Queue[Any] = Queue()
    monkeypatch.setattr(instances, "advance", lambda unit, case_id, step, **told: steps.put(step))
    monkeypatch.setattr(clock, "LOOK_SECONDS", 0.1)
    node = NodeClock(lambda: webapi.worker.datetime.now(UTC))
    runtime = Runtime(connect(sqlite_url), node)
    metronome = Metronome(Worker(runtime, {}))
    node.keep_right(runtime.database, metronome.begin_anew)
    metronome.start()
    case_id = open_case(runtime)

    for token in (1, 2):
        with runtime.begin() as unit:
            jobs.put(unit, case_id, token, "timer", unit.now)
        assert steps.get(timeout=PATIENCE) == Fire(token)
        sleep(1.2)  # until it looks by the clock again, and not because it was woken
        set_back(1)
        while node() - webapi.worker.datetime.now(UTC) > clock.TOLERATED:
            sleep(0.01)

    set_back(0)  # what looks at the clock goes on doing so, and would say so in the middle of another test
    while webapi.worker.datetime.now(UTC) - node() > clock.TOLERATED:
        sleep(0.01)
    metronome.stop()
    runtime.database.dispose()


def test_what_a_clock_that_was_ahead_has_left_is_told_and_what_was_owed_leaves_now(
    runtime: Runtime, clock: Clock
) -> None:
    right = clock.now
    clock.advance("3 days")
    case_id = open_case(runtime)
    with runtime.begin() as unit:
        outbox.put(unit, case_id, "sms", "T01", 1, {"text": "Đã nhận"}, "ahead")
        jobs.put(unit, case_id, 1, "message", unit.now)
        jobs.put(unit, case_id, 2, "timer", unit.now)  # that a diagram said so, nobody can tell from a wrong clock
        term = {"case_id": case_id, "name": "case", "token": 0, "calendar": "24/7", "started_at": unit.now,
                "due_at": unit.now + timedelta(hours=5), "story": []}  # fmt: skip
        unit.execute(insert(model.deadlines), term)
    clock.now = right
    with runtime.begin() as unit:
        outbox.put(unit, case_id, "sms", "T02", 1, {"text": "Xong"}, "later", due_at=unit.now + timedelta(days=1))
        [late] = ahead_of_time.begun(unit)
        assert (late.name, late.due_at - late.started_at) == ("case", timedelta(hours=5))
        assert (ahead_of_time.owed(unit), ahead_of_time.hasten(unit), ahead_of_time.owed(unit)) == (2, 2, 0)

    assert [item.key for item in outbox.claim(runtime, "w", "sms", 5)] == ["ahead"]
    assert [job.token for job in jobs.claim(runtime, "w", 5)] == [1]


def test_leases_of_a_clock_that_was_far_ahead_do_not_outlive_it(runtime: Runtime, clock: Clock) -> None:
    case_id = open_case(runtime)
    for token in (1, 2):
        arm(runtime, case_id, token)
    with runtime.begin() as unit:
        outbox.put(unit, case_id, "service", "t", 9, {}, "key")
    right = clock.now
    clock.advance("60 days")
    dead, _ = (jobs.claim(runtime, name, 1) for name in ("dead", "alive"))
    outbox.claim(runtime, "dead", "service", 1)
    Worker(runtime, {}, owner="dead").beat()
    clock.now = right + timedelta(minutes=1)  # it is put right
    binh = Worker(runtime, {}, owner="binh")

    binh.beat()
    with runtime.read() as unit:
        assert presence.present(unit) == presence.Present(1, clock.now)
    clock.advance("40 seconds")
    assert jobs.renew(runtime, "alive") == 1 and binh.shorten() == 0
    clock.advance("21 seconds")
    assert [job.token for job in jobs.claim(runtime, "binh", 5)] == [job.token for job in dead]
    assert outbox.claim(runtime, "binh", "service", 5) == []  # a program may have locked it for so long
    clock.advance("7 days")
    assert len(outbox.claim(runtime, "binh", "service", 5)) == 1
