"""Nothing acknowledged is lost and nothing happens twice, though processes die at any moment.

Three web processes and three workers share a database; one of them after the other is killed with SIGKILL, in the
middle of whatever it does, and replaced. Afterwards every case must have gone its whole way, once.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from engine import model
from engine.storage.database import connect
from tests import crash_actors, crash_type
from tests.sources import ROOT

CASES, KILLS = 200, 80
PATIENCE = 300  # seconds


@dataclass
class Aftermath:
    """What the actors remember, and what the database says."""

    folder: Path
    cases: list[Any]
    events: list[Any]
    tasks: list[Any]
    outbox: list[Any]
    instances: dict[int, Any]
    jobs: list[Any]
    incidents: list[Any]

    def remembered(self, name: str) -> list[str]:
        return crash_actors.read(self.folder, name)

    def events_of(self, case_id: int) -> list[Any]:
        return [event for event in self.events if event.case_id == case_id]


def _look(url: str, folder: Path) -> Aftermath:
    database = connect(url)
    with database.connect() as connection:
        table = {table.name: list(connection.execute(select(table).order_by(*table.primary_key)))
                 for table in model.metadata.sorted_tables}  # fmt: skip
    database.dispose()
    instances = {row.case_id: row for row in table["instances"]}
    return Aftermath(folder, *(table[name] for name in ("cases", "events", "tasks", "outbox")), instances,
                     table["jobs"], table["incidents"])  # fmt: skip


def test_no_report_is_lost_and_no_step_is_doubled_when_processes_are_killed(
    database_url: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.crash_actors", database_url, str(tmp_path), str(CASES), str(KILLS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    after = _look(database_url, tmp_path)
    assert done.returncode == 0, done.stderr + "".join(after.remembered("errors"))
    assert after.remembered("errors") == []

    _everything_acknowledged_is_there(after)
    _every_case_went_its_whole_way_once(after)
    _everything_owed_was_delivered_under_its_own_key(after)


def _everything_acknowledged_is_there(after: Aftermath) -> None:
    reported = after.remembered("reported")
    assert len(reported) >= CASES
    assert set(reported) <= {case.number for case in after.cases}
    done = {str(task.id) for task in after.tasks if task.status == "done"}
    assert set(after.remembered("completed")) <= done
    told = Counter(event.data["task"] for event in after.events if event.kind == "task-completed")
    assert told == Counter(task.id for task in after.tasks)


def _every_case_went_its_whole_way_once(after: Aftermath) -> None:
    assert after.incidents == [] and after.jobs == []
    for case in after.cases:
        events = after.events_of(case.id)
        passed = Counter(element for event in events for element in event.data.get("passed", ()))
        assert passed == Counter(crash_type.PASSED), case.number
        steps = Counter(event.data["step"] for event in events if "step" in event.data)
        assert steps == {"Start": 1, "Complete": 2, "Fire": 2, "Answer": 1}, case.number
        statuses = [event.data["status"] for event in events if event.kind == "status"]
        assert statuses in (["nhac", "xong"], ["xong"]), case.number  # reminded before or after it was handled
        told = Counter(event.kind for event in events)
        assert (told["received"], told["closed"], told["reopened"]) == (1, 1, 0), case.number
        instance = after.instances[case.id]
        assert (instance.revision, instance.finished_at is not None) == (steps.total(), True)
        assert (case.status, case.outcome) == ("xong", "da_xu_ly")


def _everything_owed_was_delivered_under_its_own_key(after: Aftermath) -> None:
    owed = Counter((row.case_id, row.topic) for row in after.outbox if not row.topic.startswith("I"))
    assert owed == Counter((case.id, topic) for case in after.cases for topic in (*crash_type.TEXTS, crash_type.TOPIC))
    assert {row.state for row in after.outbox} == {"sent"}
    delivered = set(after.remembered("sent")), set(after.remembered("asked"))
    assert delivered[0] == {row.key for row in after.outbox if row.kind != "service"}
    assert delivered[1] == {row.key for row in after.outbox if row.kind == "service"}
    told = Counter(event.data["outbox"] for event in after.events if event.kind in ("message-sent", "service-answered"))
    assert told == Counter(row.id for row in after.outbox)


