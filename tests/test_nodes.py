"""Two worker nodes on one PostgreSQL, each with a burst of timers in its hands; one of them is killed."""

from __future__ import annotations

import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import exists, func, select, text, update

from bench import fill, ours, timers
from engine import model, packages
from engine.runtime import Runtime
from tests import databases
from tests.bare_cases import rows
from tests.drawing import draw
from tests.sources import ROOT

DUE = 300
PATIENCE = 120  # seconds
NODE = """
import tests  # the keys
import sys
from datetime import UTC, datetime, timedelta
from engine.runtime import Runtime
from engine.work.worker import Worker
from webapi.worker import run

url, owner = sys.argv[1:]
run(Worker(Runtime.open(url, lambda: datetime.now(UTC)), {}, owner=owner, lease=timedelta(seconds=2)))
"""


@pytest.fixture
def runtime(postgresql_url: str) -> Iterator[Runtime]:
    """Cases of which each waits for a timer, one year from now."""
    with databases.connected(postgresql_url) as database:
        runtime = Runtime(database, lambda: datetime.now(UTC))
        with runtime.begin() as unit:
            files = ours.files("WAIT", process__bpmn=draw(timers.TYPE, "WAIT"))
            packages.load_province(unit, tomllib.loads(ours.files()["province.toml"]))
            packages.deploy(unit, files, by="test")
            ours.issue(unit, ours.OPERATOR)
        ours.receive(runtime, "WAIT")
        fill.multiply(postgresql_url, DUE, timers.TABLES, {"jobs.due_at": "now() + interval '1 year'"})
        yield runtime


def test_one_node_is_killed_in_the_middle_and_the_other_does_the_rest_once(runtime: Runtime) -> None:
    url = runtime.database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", NODE, url]
    nodes = {name: subprocess.Popen([*command, name], cwd=ROOT) for name in ("anna", "ben")}
    try:
        _until(runtime, select(func.count() == 2).select_from(model.workers))
        with runtime.begin() as held:  # nobody gets further than to the line of history, however slow this machine is
            held.execute(text("LOCK TABLE events IN SHARE MODE"))
            with runtime.begin() as unit:
                unit.execute(update(model.jobs).where(model.jobs.c.kind == "timer").values(due_at=unit.now))
            _until(runtime, select(exists().where(model.jobs.c.lease_owner == "anna", model.jobs.c.state == "leased")))
            nodes["anna"].kill()
        _until(runtime, select(~exists().where(model.jobs.c.kind == "timer")))
    finally:
        for node in nodes.values():
            node.kill()
            node.wait()

    moved = Counter(row.case_id for row in rows(runtime, model.events) if row.kind == "moved")
    assert (len(moved), set(moved.values())) == (DUE + 1, {1})
    assert {row.revision for row in rows(runtime, model.instances)} == {2}
    assert Counter(row.case_id for row in rows(runtime, model.tasks)) == dict.fromkeys(moved, 1)


def _until(runtime: Runtime, query: Any) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        with runtime.read() as unit:
            if unit.scalar(query):
                return
            held = unit.scalar(select(func.count()).select_from(model.jobs))
        assert time.monotonic() < until, f"{held} jobs are left"
        time.sleep(0.02)
