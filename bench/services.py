"""Service tasks done by a program outside: Camunda's own Python client, unchanged, over HTTP.

Beside it the naive host, whose worker is told what there is to do and answers it as if it were a person's task, and
the floor, which writes what ours writes at the report, the fetching and the answer.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

from sqlalchemy import select

from bench import ours
from bench.bed import Bed, Figures, one, percentile
from bench.floor import Floor, create_app
from bench.hosts import Host, running, serve
from bench.naive import Naive, drawn
from bench.naive import create_app as naive_app
from engine import model
from engine.people import accounts
from engine.runtime import Runtime
from engine.storage.database import connect
from engine.work import external
from tests.drawing import draw

CASES, RATE = 2_000, 150  # offered a second; the field's figure for one task
TYPE = """
start s ; service call topic=bench result=found ; tell send text=RESULT to=reporter ; end done
s -> call -> send -> done
"""


def service(bed: Bed) -> Figures:
    """One external task a case, done by Camunda's Python client, over HTTP; beside the naive host and the floor"""
    url = bed.make("service")
    token, program = _prepare(url)
    count, over = bed.some(CASES, 10), Event()
    with running("ours", url, token) as host:
        client = host.client()
        report = {"report_type": "CALL", "channel": "dien_thoai", "area": "999", "answers": ours.ANSWERS}
        worker = Thread(target=_works, args=(f"http://127.0.0.1:{host.port}/engine-rest", program, over))
        worker.start()
        began, used = time.monotonic(), host.cpu_seconds()
        try:
            _offered(count, lambda: client.post("/api/v1/reports", report))
            offered = time.monotonic() - began
            while one(url, "SELECT count(*) FROM instances WHERE finished_at IS NULL"):
                time.sleep(0.2)
        finally:
            over.set()
            worker.join()
        took, cpu = time.monotonic() - began, (host.cpu_seconds() - used) / count * 1000
    figures = {
        "cases": count,
        "offered_per_s": round(count / offered, 1),
        "closed_per_s": round(count / took, 1),
        "cpu_ms_per_case": round(cpu, 1),
        "end_to_end_p99_s": round(percentile(_ends(url), 0.99), 2),
    }
    _prepare(floor_url := bed.make("service_floor"))
    for name, where in (("naive", bed.make("service_naive")), ("floor", floor_url)):
        bed.say(f"the same, {name}")
        with running(name, where, program=(sys.executable, "-m", "bench.services", name)) as other:
            figures[f"{name}_cpu_ms_per_case"] = round(_told(other, count), 1)
    return figures | {
        "cpu_naive_to_ours_ratio": round(figures["naive_cpu_ms_per_case"] / cpu, 2),
        "cpu_ours_to_floor_ratio": round(cpu / figures["floor_cpu_ms_per_case"], 2),
    }


def _prepare(url: str) -> tuple[str, str]:
    """The tokens of the operator and of the program outside."""
    token = ours.prepare(url, ours.files("CALL", process__bpmn=draw(TYPE, "CALL")))
    runtime = Runtime(connect(url), lambda: datetime.now(UTC))
    with runtime.begin() as unit:
        program = ours.issue(unit, ours.PROGRAM, ("serve",))
    runtime.database.dispose()
    return token, program


def _offered(count: int, do: Callable[[], Any]) -> None:
    """So often, as many a second as are offered."""
    began = time.monotonic()
    for n in range(count):
        time.sleep(max(0.0, began + n / RATE - time.monotonic()))
        do()


def _told(host: Host, count: int) -> float:
    """Milliseconds of its processor's time for a case, whose worker need not ask what there is to do."""
    client = host.client()
    client.lifecycle()
    used = host.cpu_seconds()
    _offered(count, client.lifecycle)
    return (host.cpu_seconds() - used) / count * 1000


def _called(runtime: Runtime) -> Iterator[int]:
    """A report; a program outside fetches its task; and answers."""
    yield (case_id := ours.receive(runtime, "CALL"))
    with runtime.begin() as unit:
        program = replace(accounts.account(unit, "program"), scopes=("serve",))
    [task] = external.fetch(runtime, [external.Topic("bench", timedelta(minutes=1))], "bench", 1, by=program)
    yield case_id
    with runtime.begin() as unit:
        external.complete(unit, task.id, "bench", {"owner": True}, by=program)
    yield case_id


def _works(address: str, token: str, over: Event) -> None:
    from camunda.external_task.external_task_worker import ExternalTaskWorker, NoExternalTaskFound

    logging.getLogger("camunda").setLevel(logging.CRITICAL)
    config: Any = {"auth_bearer": {"access_token": token}, "maxTasks": 20, "asyncResponseTimeout": 500,
                   "httpTimeoutMillis": 30_000, "sleepSeconds": 0}  # fmt: skip
    worker = ExternalTaskWorker("bench", address, config)
    while not over.is_set():
        with suppress(NoExternalTaskFound):
            worker.fetch_and_execute("bench", lambda task: task.complete({"owner": True}))


def _ends(url: str) -> list[float]:
    """Seconds from the report to the end of its process."""
    database = connect(url)
    both = select(model.cases.c.opened_at, model.instances.c.finished_at).join_from(model.cases, model.instances)
    both = both.where(model.instances.c.case_id == model.cases.c.id, model.instances.c.finished_at.is_not(None))
    with database.connect() as connection:
        found = [(row.finished_at - row.opened_at).total_seconds() for row in connection.execute(both)]
    database.dispose()
    return found


def main(name: str, url: str, port: str) -> None:
    """The naive host or the floor of this process."""
    if name == "floor":
        serve(create_app(Floor(url, _called)), int(port))
    else:
        by_hand = draw(TYPE.replace("service call topic=bench result=found", "user call"), "CALL")
        serve(naive_app(Naive(url, drawn(by_hand.encode(), "CALL"))), int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
