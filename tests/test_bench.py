"""The bench runs, says what it measures, and its floor writes what we write."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from SpiffWorkflow.bpmn.specs.event_definitions import timer
from sqlalchemy import func, select

from bench import embedded, fill, floor, naive, ours, run, timers
from engine import model
from engine.runtime import Runtime
from engine.storage.database import connect


def test_a_chosen_workload_is_measured_told_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "RULES", (1, 100))
    run.main(["--only", "decisions=0.01", "--database", "sqlite", "--json", "--plots", str(tmp_path)])
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["sqlite_decisions_100_rules_to_1_ratio"] > 0
    assert {figures[f"sqlite_decisions_1_rules_ours_to_{other}_ratio"] > 0 for other in ("naive", "floor")} == {True}
    assert {"machine", "load_before", "load_after", "seed"} <= figures.keys() and "100 rules" in said.err
    assert (figures["share_of_work"], figures["sqlite_decisions_share"]) == (1, 0.01)
    assert "sqlite decisions 1 rules naive cases per s" in run.table(figures)
    [picture] = tmp_path.glob("sqlite-*.svg")
    assert "<path" in picture.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("asked", "told"),
    [("--only=decision", "there is no 'decision'"), ("--database=mysql", "there is no 'mysql'"),
     ("--only=drain=a-tenth", "a share is a number, as in drain=0.1")],
)  # fmt: skip
def test_what_does_not_exist_is_refused(asked: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.main([asked])
    assert told in capsys.readouterr().err


def test_the_floor_writes_the_rows_that_we_write_and_copies_are_whole(sqlite_url: str) -> None:
    ours.prepare(sqlite_url)
    watched = floor.Floor(sqlite_url, floor.completed())  # case 1 on its way through the lifecycle
    client = floor.create_app(watched).test_client()
    answer = client.post("/cases", json={}).json
    while answer["tasks"]:
        assert [row["case_id"] for row in client.get("/tasks?group=desk").json["items"]] == [answer["id"]]
        answer = client.post(f"/cases/{answer['id']}/tasks/{answer['tasks'][0]['id']}", json={}).json
    assert _rows(sqlite_url, answer["id"]) == _rows(sqlite_url, 1)
    assert len(floor.record(sqlite_url, floor.reopened(loops=3))) == 4

    database = connect(sqlite_url)
    open_case = ours.receive(Runtime(database, lambda: datetime.now(UTC)), "LIFE")
    copies = fill.multiply(sqlite_url, 3, instead={"tasks.element": "'copy_' || n"})
    assert len(copies) == 3 and _rows(sqlite_url, copies[-1]) == _rows(sqlite_url, open_case) | {"contacts": 0}
    with database.connect() as connection:
        named = select(model.tasks.c.element).where(model.tasks.c.case_id == copies[-1])
        assert connection.execute(named).scalar() == "copy_2"
    database.dispose()


def test_the_naive_host_looks_into_each_case_for_what_is_due_and_for_what_an_agency_has_to_do(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = naive.Naive(sqlite_url, naive.drawn(timers.diagram("PT720H"), "WAIT"))
    due, _waiting = host.start({**ours.ANSWERS, "agency": "desk_7"})
    host.specs = naive.drawn(timers.diagram("PT7200H"), "WAIT")
    host.start({**ours.ANSWERS, "agency": "desk_7"})
    assert host.poll() == 0 and host.tasks("desk_7") == []
    monkeypatch.setattr(timer, "datetime", MonthLater)
    assert host.poll() == 1
    assert [(one["case"], one["element"]) for one in host.tasks("desk_7")] == [(str(due), "look_after")]
    assert host.tasks("desk_8") == []
    host.database.dispose()


class MonthLater(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(days=31)


def _rows(url: str, case_id: int) -> dict[str, int]:
    database = connect(url)
    tables = [table for table in model.metadata.sorted_tables if "case_id" in table.c]
    with database.connect() as connection:
        counts = {
            table.name: connection.execute(select(func.count()).where(table.c.case_id == case_id)).scalar_one()
            for table in tables
        }
    database.dispose()
    return counts
