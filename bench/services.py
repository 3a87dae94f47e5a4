"""Service tasks done by a program outside: Camunda's own Python client, unchanged, over HTTP."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

from sqlalchemy import select

from bench import ours
from bench.bed import Bed, Figures, one, percentile
from bench.hosts import running
from engine import model
from engine.runtime import Runtime
from engine.storage.database import connect
from tests.drawing import draw

CASES, RATE = 2_000, 150  # offered a second; the field's figure for one task
TYPE = """
start s ; service call topic=bench result=found ; tell send text=RESULT to=reporter ; end done
s -> call -> send -> done
"""


def service(bed: Bed) -> Figures:
    """One external task a case, done by Camunda's Python client: cases per second, reports and answers over HTTP"""
    url = bed.make("service")
    token = ours.prepare(url, ours.files("CALL", process__bpmn=draw(TYPE, "CALL")))
    runtime = Runtime(connect(url), lambda: datetime.now(UTC))
    with runtime.begin() as unit:
        program = ours.issue(unit, ours.PROGRAM)
    runtime.database.dispose()
    count, over = bed.some(CASES, 10), Event()
    with running("ours", url, token) as host:
        client = host.client()
        worker = Thread(target=_works, args=(f"http://127.0.0.1:{host.port}/engine-rest", program, over))
        worker.start()
        began, used = time.monotonic(), host.cpu_seconds()
        try:
            for n in range(count):
                time.sleep(max(0.0, began + n / RATE - time.monotonic()))
                client.post("/api/v1/reports", {"report_type": "CALL", "channel": "dien_thoai", "area": "999",
                                                "answers": ours.ANSWERS})  # fmt: skip
            offered = time.monotonic() - began
            while one(url, "SELECT count(*) FROM instances WHERE finished_at IS NULL"):
                time.sleep(0.2)
        finally:
            over.set()
            worker.join()
        took, used = time.monotonic() - began, host.cpu_seconds() - used
    return {
        "cases": count,
        "offered_per_s": round(count / offered, 1),
        "closed_per_s": round(count / took, 1),
        "cpu_ms_per_case": round(used / count * 1000, 1),
        "end_to_end_p99_s": round(percentile(_ends(url), 0.99), 2),
    }


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
