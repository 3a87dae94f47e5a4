"""`./manage chaos`, for some seconds on each database; and that its judge finds what it is there to find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from engine import model
from engine.notifiers import Message, Receipt
from engine.queues.outbox import ATTEMPTS_MAX
from engine.work.worker import Worker
from tests.apps import bound
from tests.chaos import __main__ as chaos
from tests.chaos.accounts import PASSED, amiss, drawn_up, hurry, unfinished
from tests.chaos.callers import REPORT
from tests.chaos.office import found
from tests.clock import Clock
from tests.conftest import DATABASES
from tests.crash_type import TEXTS
from tests.hotline import Caller
from webapi import auth

FEW = {"to be acknowledged at least": 1}


@pytest.mark.parametrize("database", DATABASES)
def test_an_office_to_which_everything_happens_loses_nothing(database: str) -> None:
    typed = f"--minutes 0.2 --seed 1022 --lease 6 --grace 12 --database {database}"
    told = chaos.run(chaos.read(typed.split()))

    assert amiss(told) == [], told
    assert told["faults"] and told["seconds until the next report was acknowledged"]["count"] == sum(
        told["faults"].values()
    )


class Day:
    """An office without processes, in which a case is lived by hand; what its callers and its gateway remember."""

    def __init__(self, app: Any, clock: Clock) -> None:
        self.runtime = auth.runtime_of(app)
        self.callers: Any = SimpleNamespace(reported={}, completed=set(), statuses=Counter())
        self.gateway: Any = SimpleNamespace(taken=Counter(), refused=Counter())
        self._app, self._clock = app, clock
        self._tokens = found(self.runtime)
        self._worker = Worker(self.runtime, {"sms": self})

    def send(self, message: Message) -> Receipt:
        self.gateway.taken[message.key] += 1
        return Receipt()

    def lives(self) -> None:
        """A case goes its whole way."""
        key = f"key-{len(self.callers.reported)}"
        answer = self._as("tiep").post("/reports", REPORT, Idempotency_Key=key)
        self.callers.reported[key] = answer.json["number"]
        for login, answers in (("tiep", {"ghi_chu": "Đúng"}), ("huyen", {})):
            (task,) = self._as(login).get("/tasks").json["items"]
            assert self._as(login).post(f"/tasks/{task['id']}/complete", {"answers": answers}).status_code == 200
            self.callers.completed.add(task["id"])
            for _ in range(3):
                self._clock.advance("2 seconds")
                self._worker.drain()

    def judged(self) -> list[str]:
        told = drawn_up(self.runtime, self.callers, self.gateway)
        return amiss(told | {"unfinished": unfinished(self.runtime)} | FEW)

    def does(self, change: Any) -> None:
        with self.runtime.begin() as unit:
            assert unit.execute(change).rowcount == 1

    def _as(self, login: str) -> Caller:
        return Caller(self._app.test_client(), self._tokens[login])


@pytest.fixture
def day(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Day]:
    with bound(database_url, tmp_path, clock) as app:
        yield Day(app, clock)


def test_a_day_on_which_nothing_went_wrong_is_good(day: Day) -> None:
    day.lives()
    day.lives()

    assert day.judged() == []


def test_the_judge_finds_a_step_that_was_skipped(day: Day) -> None:
    day.lives()
    with day.runtime.read() as unit:
        steps = unit.all(select(model.events.c.id, model.events.c.data).where(model.events.c.kind == "moved"))
    (reminded,) = [row.id for row in steps if "tell_district" in row.data["passed"]]
    skipped = [row.data["passed"] for row in steps if row.id == reminded][0]

    day.does(update(model.events).where(model.events.c.id == reminded).values(data={}))

    assert day.judged() == [f"{len(skipped)} steps lost"] and set(skipped) < set(PASSED)


def test_the_judge_finds_a_message_that_was_never_written_and_one_that_never_arrived(day: Day) -> None:
    day.lives()
    sent = model.outbox.c.topic == TEXTS[1]
    with day.runtime.read() as unit:
        key = unit.scalar(select(model.outbox.c.key).where(sent))

    del day.gateway.taken[key]
    assert day.judged() == ["1 messages lost"]
    day.does(delete(model.outbox).where(sent))
    assert day.judged() == ["1 messages that were never written lost"]


def test_the_judge_finds_a_message_that_was_given_up_unless_the_gateway_refused_it_each_time(day: Day) -> None:
    day.lives()
    one = model.outbox.c.topic == TEXTS[2]
    day.does(update(model.outbox).where(one).values(state="dead"))
    assert day.judged() == ["1 messages given up that the gateway would have taken"]

    with day.runtime.read() as unit:
        day.gateway.refused[unit.scalar(select(model.outbox.c.key).where(one))] = ATTEMPTS_MAX
    assert day.judged() == []


def test_the_judge_finds_incidents_what_is_unfinished_and_that_hardly_anything_was_tried(day: Day) -> None:
    day.lives()
    told = drawn_up(day.runtime, day.callers, day.gateway) | {"unfinished": 2, "incidents": 1} | FEW

    assert amiss(told) == ["2 unfinished", "1 incidents"]
    few = told | {"unfinished": 0, "incidents": 0, "to be acknowledged at least": 2}
    assert amiss(few) == ["only 1 cases acknowledged"]
    hung = few | FEW | {"not recovered from": {"kill_web": 2}}
    assert amiss(hung) == ["2 times nothing was acknowledged any more after kill_web"]


def test_what_waits_for_its_next_attempt_is_hurried_and_nothing_else(day: Day) -> None:
    answer = day._as("tiep").post("/reports", REPORT, Idempotency_Key="key")
    day.callers.reported["key"] = answer.json["number"]
    left = unfinished(day.runtime)

    assert left > 1 and hurry(day.runtime) == 0  # its warning and its breach are due later, and were not tried
    first = select(model.jobs.c.id).order_by(model.jobs.c.id).limit(1).scalar_subquery()
    day.does(update(model.jobs).where(model.jobs.c.id == first).values(attempts=1))
    assert hurry(day.runtime) == 1 and unfinished(day.runtime) == left


def test_growth_is_told_from_the_largest_that_was_seen_and_by_the_slope_of_the_second_half() -> None:
    memory = (100.0, 180.0, 110.0, 110.0, 111.0, 112.0)  # MB, every six minutes
    looks = [(360.0 * n, {"web-0": {"memory": mb, "files": 10.0}}) for n, mb in enumerate(memory)]

    told = chaos.growth([*looks])

    assert told["at most"]["web-0"]["memory"] == 180.0 and told["grown too much"] == ["web-0: memory"]
    assert told["MB an hour in the second half"] == {"web-0": 10.0}
