"""Jobs of several cases in one unit."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from sqlalchemy import update

from engine import births, instances, model
from engine.flow.steps import Fire
from engine.queues import jobs
from engine.runtime import Runtime, Unit
from engine.work import doing
from tests.bare_cases import arm, open_case, rows


@pytest.fixture
def case_id(runtime: Runtime) -> int:
    return open_case(runtime)


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The steps that cases have taken; no process is behind them."""
    taken: list[Any] = []
    monkeypatch.setattr(instances, "advance", lambda _unit, case_id, step, case: taken.append((case_id, step)))
    return taken


def test_cases_share_a_unit_and_what_one_case_waits_for_keeps_its_order(
    runtime: Runtime, case_id: int, moved: list[Any]
) -> None:
    other = open_case(runtime, "1022.BD.20210903.00002")
    arm(runtime, case_id, 1)
    arm(runtime, other, 2)
    arm(runtime, case_id, 3)
    first, second, third = jobs.claim(runtime, "anna", 5)

    assert doing.together(runtime, [first, second, third]) == [third]
    assert moved == [(case_id, Fire(1)), (other, Fire(2))]
    assert doing.run(runtime, third, Random(1)) == "done"
    assert rows(runtime, model.jobs) == []


def test_a_job_that_is_gone_is_found_out_before_any_is_done(
    runtime: Runtime, case_id: int, moved: list[Any]
) -> None:
    other = open_case(runtime, "1022.BD.20210903.00002")
    arm(runtime, case_id)
    arm(runtime, other)
    batch = jobs.claim(runtime, "anna", 5)
    with runtime.begin() as unit:
        assert jobs.cancel(unit, case_id, 1, "timer")

    assert doing.together(runtime, batch) == batch
    assert moved == []
    assert [doing.run(runtime, job, Random(1)) for job in batch] == ["gone", "done"]


def test_a_suspended_case_and_one_in_use_are_left_out(runtime: Runtime, case_id: int, moved: list[Any]) -> None:
    suspended, busy = (open_case(runtime, f"1022.BD.20210903.0000{n}") for n in (2, 3))
    for case in (case_id, suspended, busy):
        arm(runtime, case)
    batch = jobs.claim(runtime, "anna", 5)
    with runtime.begin() as unit:
        unit.execute(update(model.cases).where(model.cases.c.id == suspended).values(suspended_at=unit.now))
    if runtime.database.dialect.name == "sqlite":  # it has one writer: nobody finds a case in use
        assert doing.together(runtime, batch) == batch[1:2]
        return

    with runtime.begin() as unit:
        instances.load(unit, busy)
        assert doing.together(runtime, batch) == batch[1:]
    assert moved == [(case_id, Fire(1))]


def test_jobs_that_start_too_many_cases_together_are_done_one_by_one(
    runtime: Runtime, case_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_most(unit: Unit, *_: Any, **__: Any) -> None:
        unit.born += births.BORN_MAX - 1

    monkeypatch.setattr(instances, "advance", start_most)
    arm(runtime, case_id)
    arm(runtime, open_case(runtime, "1022.BD.20210903.00002"))
    batch = jobs.claim(runtime, "anna", 5)

    assert doing.together(runtime, batch) == batch
    assert [doing.run(runtime, job, Random(1)) for job in batch] == ["done", "done"]
