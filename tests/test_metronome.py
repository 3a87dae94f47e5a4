"""A worker process looks in time, wakes up when told, and leaves nothing half done when it is stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any

import pytest
from sqlalchemy import insert

from engine import instances, model
from engine.queues import jobs, outbox
from engine.runtime import Runtime
from engine.storage.database import connect
from engine.work.worker import Worker
from tests.bare_cases import open_case, rows
from tests.sources import ROOT
from webapi.worker import Metronome

PATIENCE = 240  # seconds, for a machine that is busy with something else


@pytest.fixture
def runtime(database_url: str) -> Iterator[Runtime]:
    """On the real clock: this is about looking in time."""
    runtime = Runtime(connect(database_url), lambda: datetime.now(UTC))
    yield runtime
    runtime.database.dispose()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Queue[Any]:
    taken: Queue[Any] = Queue()
    monkeypatch.setattr(instances, "advance", lambda unit, case_id, step, **told: taken.put((unit.now, step)))
    return taken


@pytest.fixture
def metronome(runtime: Runtime) -> Iterator[Metronome]:
    metronome = Metronome(Worker(runtime, {}, {"tra_cuu": lambda payload, key: payload}))
    metronome.start()
    yield metronome
    metronome.stop()


def test_a_timer_fires_when_it_is_due_and_not_before(
    runtime: Runtime, steps: Queue[Any], metronome: Metronome
) -> None:
    case_id = open_case(runtime)
    with runtime.begin() as unit:
        due_at = unit.now + timedelta(milliseconds=700)
        jobs.put(unit, case_id, 1, "timer", due_at)

    fired_at, _ = steps.get(timeout=PATIENCE)

    assert fired_at >= due_at


def test_a_service_is_called_and_its_answer_taken(
    runtime: Runtime, steps: Queue[Any], metronome: Metronome
) -> None:
    case_id = open_case(runtime)
    with runtime.begin() as unit:
        outbox.put(unit, case_id, "service", "tra_cuu", 7, {"so": 42}, "key")

    _, answer = steps.get(timeout=PATIENCE)

    assert (answer.token, answer.result) == (7, {"so": 42})


def test_what_one_case_says_is_brought_to_the_one_that_waits_for_it(
    runtime: Runtime, steps: Queue[Any], metronome: Metronome
) -> None:
    waiting = {"case_id": open_case(runtime), "token": 7, "kind": "message", "message": "msg_ket_qua", "key": "BN-7"}
    with runtime.begin() as unit:
        said = {"kind": "message", "name": "msg_ket_qua", "key": "BN-7", "payload": {"so": 42}, "province": "74"}
        said |= {"source": "other:1", "state": "waiting", "created_at": unit.now, "due_at": unit.now}
        unit.execute(insert(model.subscriptions), waiting)
        unit.execute(insert(model.case_messages), said | {"until_at": unit.now + timedelta(days=7)})

    _, heard = steps.get(timeout=PATIENCE)

    assert (heard.token, heard.payload) == (7, {"so": 42})


def test_stopping_finishes_what_was_begun_and_gives_the_rest_back(
    runtime: Runtime, metronome: Metronome, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = open_case(runtime)
    begun: Queue[int] = Queue()

    def advance(unit: Any, case_id: int, step: Any, **told: Any) -> None:
        begun.put(step.token)
        metronome.worker.stop()

    monkeypatch.setattr(instances, "advance", advance)
    with runtime.begin() as unit:
        for token in range(5):
            jobs.put(unit, case_id, token, "timer", unit.now)

    first = begun.get(timeout=PATIENCE)
    metronome.stop()

    left = rows(runtime, model.jobs)
    assert {row.token for row in left} == set(range(5)) - {first}
    assert {(row.state, row.attempts) for row in left} == {("ready", 0)}


PROCESS = """
import tests  # the keys
import logging, sys
from datetime import UTC, datetime
from engine.runtime import Runtime
from engine.work.worker import Worker
from webapi.worker import run

logging.basicConfig(level=logging.INFO)
run(Worker(Runtime.open(sys.argv[1], lambda: datetime.now(UTC)), {}))
"""


def test_a_worker_process_asked_to_terminate_ends_well(database_url: str) -> None:
    command = [sys.executable, "-c", PROCESS, database_url]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "is at work" in process.stderr.readline()

        process.send_signal(signal.SIGTERM)

        try:
            assert process.wait(PATIENCE) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()  # or a worker that does not end would keep this test from ending
