"""What is due is done once, whoever dies: claiming, leases, fences, failure."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, select, text, update

from engine import instances, model
from engine.errors import ProcessFault, WrongState
from engine.flow.steps import Fire
from engine.queues import incidents, jobs, leases
from engine.runtime import Runtime
from engine.work import doing, due, repairs, worker
from tests import databases
from tests.bare_cases import arm, history, open_case, rows
from tests.clock import Clock

ANSWER = {"result": {}}


@pytest.fixture
def case_id(runtime: Runtime) -> int:
    return open_case(runtime)


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Any]]:
    """The steps that cases have taken; no process is behind them."""
    taken: list[tuple[int, Any]] = []
    monkeypatch.setattr(instances, "advance", lambda unit, case_id, step, **told: taken.append((case_id, step)))
    return taken


@pytest.fixture
def refuses(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | None], None]:
    """Let every step from now on end in this error; ``None``: in none."""

    def refuse(error: Exception | None) -> None:
        def advance(unit: Any, case_id: int, step: Any, **told: Any) -> None:
            if error is not None:
                raise error

        monkeypatch.setattr(instances, "advance", advance)

    return refuse


def tokens(claimed: list[jobs.Job]) -> list[int]:
    return [job.token for job in claimed]


def wait_until_due(runtime: Runtime, clock: Clock) -> timedelta:
    """Move the clock to the next due job, and say how far that was."""
    due_at = jobs.next_due(runtime)
    assert due_at is not None
    wait, clock.now = due_at - clock.now, due_at
    return wait


# -- claiming --------------------------------------------------------------------------------------------------------


def test_nothing_is_claimed_before_it_is_due(runtime: Runtime, clock: Clock, case_id: int) -> None:
    arm(runtime, case_id, after="5 hours")

    clock.advance("4 hours 59 minutes")
    assert jobs.claim(runtime, "anna", 10) == []
    assert due.look(runtime) == (set(), clock.now + timedelta(minutes=1))

    clock.advance("1 minute")
    assert due.look(runtime) == ({"jobs"}, None)
    assert tokens(jobs.claim(runtime, "anna", 10)) == [1]


def test_four_workers_at_once_never_claim_the_same_job(runtime: Runtime, case_id: int) -> None:
    for token in range(100):
        arm(runtime, case_id, token)

    def claim_all(owner: str) -> list[int]:
        return [token for batch in iter(lambda: jobs.claim(runtime, owner, 3), []) for token in tokens(batch)]

    with ThreadPoolExecutor(4) as pool:
        claimed = list(pool.map(claim_all, ["anna", "binh", "chi", "dung"]))

    assert sorted(token for each in claimed for token in each) == list(range(100))


def test_emergencies_come_first_then_what_has_been_due_longest(runtime: Runtime, clock: Clock, case_id: int) -> None:
    arm(runtime, case_id, 1, after="1 hour", priority=jobs.WHENEVER)
    arm(runtime, case_id, 2, after="3 hours", priority=jobs.NORMAL)
    arm(runtime, case_id, 3, after="2 hours", priority=jobs.NORMAL)
    arm(runtime, case_id, 4, after="4 hours", priority=jobs.EMERGENCY)
    clock.advance("5 hours")

    assert tokens(jobs.claim(runtime, "anna", 10)) == [4, 3, 2, 1]


def test_a_flood_of_emergencies_leaves_a_place_for_everything_else(runtime: Runtime, case_id: int) -> None:
    for token in range(20):
        arm(runtime, case_id, token, priority=jobs.EMERGENCY)
    arm(runtime, case_id, 100, priority=jobs.NORMAL)
    arm(runtime, case_id, 200, priority=jobs.WHENEVER)

    assert {100, 200} < set(tokens(jobs.claim(runtime, "anna", 5)))


def test_claiming_reads_only_the_index_however_many_timers_wait(runtime: Runtime, case_id: int) -> None:
    arm(runtime, case_id)
    if runtime.database.dialect.name != "sqlite":
        pytest.skip("PostgreSQL prefers to read a whole small table")
    asked: list[str] = []
    runtime.database.dispose()  # what is connected already would not be listened to
    event.listen(runtime.database, "checkout", lambda driver, *_: driver.set_trace_callback(asked.append))
    jobs.claim(runtime, "anna", 10)
    due.look(runtime)
    looks = [sql for sql in asked if sql.startswith("SELECT") and "jobs" in sql]

    with runtime.read() as unit:
        explained = [unit.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}") for sql in looks]
        plans = [row[3] for plan in explained for row in plan if "jobs" in row[3]]

    assert len(plans) >= 7
    assert all("USING" in plan and ("ix_jobs_due" in plan or "ix_jobs_lease" in plan) for plan in plans), plans


# -- doing -----------------------------------------------------------------------------------------------------------


def test_a_job_is_done_once_and_is_gone(runtime: Runtime, case_id: int, moved: list[Any]) -> None:
    arm(runtime, case_id, token=7)

    assert worker.Worker(runtime, {}).drain() == 1
    assert moved == [(case_id, Fire(7))]
    assert rows(runtime, model.jobs) == []


def test_a_job_that_was_cancelled_while_held_is_not_done(runtime: Runtime, case_id: int, moved: list[Any]) -> None:
    arm(runtime, case_id)
    [job] = jobs.claim(runtime, "anna", 1)
    with runtime.begin() as unit:
        assert jobs.cancel(unit, case_id, 1, "timer")

    assert doing.run(runtime, job, Random(1)) == "gone"
    assert moved == []


def test_a_timer_that_was_moved_while_held_waits_for_its_new_time(
    runtime: Runtime, clock: Clock, case_id: int, moved: list[Any]
) -> None:
    arm(runtime, case_id)
    [job] = jobs.claim(runtime, "anna", 1)
    with runtime.begin() as unit:
        assert jobs.move(unit, case_id, 1, "timer", clock.now + timedelta(days=1))

    assert doing.run(runtime, job, Random(1)) == "gone"
    clock.advance("1 day")
    assert tokens(jobs.claim(runtime, "binh", 1)) == [1]


def test_a_token_has_one_job_of_a_kind(runtime: Runtime, clock: Clock, case_id: int) -> None:
    arm(runtime, case_id, after="1 hour")
    arm(runtime, case_id, after="2 hours")

    assert [row.due_at for row in rows(runtime, model.jobs)] == [clock.now + timedelta(hours=2)]


def test_a_case_that_is_busy_keeps_its_job_for_a_moment_later(runtime: Runtime, clock: Clock, case_id: int) -> None:
    if runtime.database.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer: nobody finds a case busy")
    arm(runtime, case_id)
    [job] = jobs.claim(runtime, "anna", 1)
    with runtime.begin() as unit:
        unit.first(select(model.instances).where(model.instances.c.case_id == case_id).with_for_update())
        assert doing.run(runtime, job, Random(1)) == "busy"

    assert wait_until_due(runtime, clock) == jobs.BUSY
    [job] = jobs.claim(runtime, "anna", 1)
    assert job.attempts == 1


def test_whoever_waited_for_a_busy_case_sees_it_as_it_has_become(runtime: Runtime, case_id: int) -> None:
    if runtime.database.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer: nobody waits for a case")

    def look() -> Any:
        with runtime.begin() as unit:
            return instances.load(unit, case_id)

    with ThreadPoolExecutor(1) as pool:
        with runtime.begin() as unit:
            instances.load(unit, case_id)
            waiting = pool.submit(look)
            while not databases.somebody_waits(runtime):
                assert not waiting.done()
            unit.execute(update(model.cases).values(status="xong"))
            unit.execute(update(model.instances).values(revision=1))
        case = waiting.result(timeout=60)

    assert (case.revision, case.status) == (1, "xong")


def test_giving_a_job_up_does_not_wait_for_a_case_that_is_busy(runtime: Runtime, case_id: int) -> None:
    """If it did, and the case's step cancelled that very job, each would wait for the other."""
    if runtime.database.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer: everybody waits for everybody, in turn")
    arm(runtime, case_id)
    [job] = jobs.claim(runtime, "anna", 1)
    last = replace(job, attempts=jobs.ATTEMPTS_MAX)

    with ThreadPoolExecutor(1) as pool, runtime.begin() as unit:
        instances.load(unit, case_id)
        pool.submit(jobs.fail, runtime, last, KeyError("x"), Random(1)).result(timeout=60)

    assert [row.state for row in rows(runtime, model.jobs)] == ["incident"]


def test_an_answer_the_process_no_longer_waits_for_is_only_kept_in_history(
    runtime: Runtime, case_id: int, refuses: Callable[[Exception], None]
) -> None:
    refuses(WrongState("The process has moved past this step."))
    with runtime.begin() as unit:
        jobs.put(unit, case_id, 1, "answer", unit.now, ANSWER)

    assert worker.Worker(runtime, {}).drain() == 1
    assert rows(runtime, model.jobs) == []
    assert history(runtime, case_id) == ["came-too-late"]


def test_due_jobs_wake_whoever_listens(runtime: Runtime, case_id: int) -> None:
    if runtime.database.dialect.name != "postgresql":
        pytest.skip("only PostgreSQL can notify")
    with runtime.database.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(f"LISTEN {leases.DUE}"))

        arm(runtime, case_id)

        driver: Any = connection.connection.driver_connection
        assert [notice.channel for notice in driver.notifies(timeout=60, stop_after=1)] == [leases.DUE]
        connection.execute(text("UNLISTEN *"))


# -- dying -----------------------------------------------------------------------------------------------------------


def test_what_a_dead_worker_held_is_claimed_again_when_its_lease_ends(
    runtime: Runtime, clock: Clock, case_id: int
) -> None:
    arm(runtime, case_id)
    jobs.claim(runtime, "anna", 1)

    clock.advance("59 seconds")
    assert jobs.claim(runtime, "binh", 1) == []

    clock.advance("2 seconds")
    [job] = jobs.claim(runtime, "binh", 1)
    assert (job.lease_owner, job.attempts, job.fence) == ("binh", 2, 2)


def test_a_worker_that_was_only_slow_finds_that_another_has_done_its_job(
    runtime: Runtime, clock: Clock, case_id: int, moved: list[Any]
) -> None:
    arm(runtime, case_id)
    [slow] = jobs.claim(runtime, "anna", 1)
    clock.advance("61 seconds")
    [quick] = jobs.claim(runtime, "binh", 1)

    assert doing.run(runtime, slow, Random(1)) == "gone"
    assert doing.run(runtime, quick, Random(1)) == "done"
    assert doing.run(runtime, slow, Random(1)) == "gone"
    assert len(moved) == 1


def test_an_earlier_claim_of_the_same_worker_is_void(
    runtime: Runtime, clock: Clock, case_id: int, moved: list[Any]
) -> None:
    arm(runtime, case_id)
    [first] = jobs.claim(runtime, "anna", 1)
    clock.advance("61 seconds")
    [second] = jobs.claim(runtime, "anna", 1)

    assert doing.run(runtime, first, Random(1)) == "gone"
    assert doing.run(runtime, second, Random(1)) == "done"
    assert len(moved) == 1


def test_a_timer_armed_anew_is_not_the_one_that_was_held(runtime: Runtime, case_id: int, moved: list[Any]) -> None:
    arm(runtime, case_id)
    [held] = jobs.claim(runtime, "anna", 1)
    arm(runtime, case_id)
    [anew] = jobs.claim(runtime, "anna", 1)

    assert doing.run(runtime, held, Random(1)) == "gone"
    assert doing.run(runtime, anew, Random(1)) == "done"


def test_a_slow_worker_does_not_take_a_later_job_that_got_the_same_id(
    runtime: Runtime, clock: Clock, case_id: int, moved: list[Any]
) -> None:
    arm(runtime, case_id)
    [slow] = jobs.claim(runtime, "anna", 1)
    with runtime.begin() as unit:
        jobs.cancel(unit, case_id, 1, "timer")
        jobs.put(unit, case_id, 2, "timer", clock.now)  # SQLite gives it the id that has just become free
        unit.execute(model.jobs.update().values(id=slow.id))
    [later] = jobs.claim(runtime, "binh", 1)
    assert (later.id, later.fence) == (slow.id, slow.fence)

    assert doing.run(runtime, slow, Random(1)) == "gone"
    assert doing.run(runtime, later, Random(1)) == "done"
    assert moved == [(case_id, Fire(2))]


def test_a_heart_beat_keeps_what_is_being_done(runtime: Runtime, clock: Clock, case_id: int) -> None:
    arm(runtime, case_id)
    jobs.claim(runtime, "anna", 1)
    arm(runtime, case_id, token=2)
    jobs.claim(runtime, "chi", 1)  # who dies
    for _ in range(5):
        clock.advance("40 seconds")
        assert jobs.renew(runtime, "anna") == 1

    assert tokens(jobs.claim(runtime, "binh", 5)) == [2]


def test_a_worker_told_to_stop_gives_back_what_it_has_not_begun(
    runtime: Runtime, case_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in (1, 2, 3):
        arm(runtime, case_id, token)
    anna = worker.Worker(runtime, {})
    monkeypatch.setattr(instances, "advance", lambda *_, **_more: anna.stop())

    anna.tick()

    assert [(job.token, job.attempts) for job in jobs.claim(runtime, "binh", 10)] == [(2, 1), (3, 1)]


def test_a_job_that_kills_its_workers_takes_no_other_along_and_is_given_up(
    runtime: Runtime, clock: Clock, case_id: int
) -> None:
    """The worker dies whenever it comes to token 1; its mates in the batch are done in the end."""
    for token in range(10):
        arm(runtime, case_id, token)
    done: set[int] = set()

    for _ in range(20):
        for job in jobs.claim(runtime, "some worker", 5):
            if job.token == 1:
                break
            with runtime.begin() as unit:
                jobs.take(unit, job)
            done.add(job.token)
        clock.advance("61 seconds")

    assert done == set(range(10)) - {1}
    [incident] = rows(runtime, model.incidents)
    assert "The worker died in each of 5 attempts" in incident.message
    assert [row.state for row in rows(runtime, model.jobs)] == ["incident"]


# -- failing ---------------------------------------------------------------------------------------------------------


def test_a_failing_job_is_tried_three_times_and_then_left_to_a_person(
    runtime: Runtime, clock: Clock, case_id: int, refuses: Callable[[Exception], None]
) -> None:
    refuses(KeyError("x"))
    arm(runtime, case_id)
    anna = worker.Worker(runtime, {}, jitter=Random(1))

    anna.drain()
    assert 4 <= wait_until_due(runtime, clock).total_seconds() <= 6
    anna.drain()
    assert 24 <= wait_until_due(runtime, clock).total_seconds() <= 36
    anna.drain()

    assert jobs.next_due(runtime) is None
    [incident] = rows(runtime, model.incidents)
    assert incident.message == "This could not be done in 3 attempts: KeyError: 'x'"
    assert incident.step == {"kind": "Fire", "token": 1}
    assert history(runtime, case_id) == ["incident-opened"]


def test_one_case_that_fails_does_not_hold_up_the_others(runtime: Runtime, case_id: int, monkeypatch: Any) -> None:
    other = open_case(runtime, "1022.BD.20210903.00002")
    done = []

    def advance(unit: Any, case_id_: int, step: Any, case: Any) -> None:
        if case_id_ == case_id:
            raise RuntimeError("broken")
        done.append(step.token)

    monkeypatch.setattr(instances, "advance", advance)
    for token in range(30):
        arm(runtime, case_id, token)
    for token in range(5):
        arm(runtime, other, token)

    worker.Worker(runtime, {}).work()

    assert done == [0, 1, 2, 3, 4]


def test_what_the_database_was_too_busy_for_does_not_count_as_an_attempt(
    runtime: Runtime, clock: Clock, case_id: int, refuses: Callable[[Exception], None]
) -> None:
    refuses(_busy(runtime))
    arm(runtime, case_id)
    anna = worker.Worker(runtime, {})

    for _ in range(10):
        anna.tick()
        wait_until_due(runtime, clock)

    [job] = jobs.claim(runtime, "anna", 1)
    assert job.attempts == 1


def _busy(runtime: Runtime) -> Exception:
    """What the driver says when somebody else holds the lock."""
    import sqlite3

    from psycopg.errors import SerializationFailure
    from sqlalchemy.exc import OperationalError

    locked = sqlite3.OperationalError("database is locked")
    locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
    cause = locked if runtime.database.dialect.name == "sqlite" else SerializationFailure("could not serialize")
    return OperationalError("UPDATE …", {}, cause)


def test_what_is_kept_of_an_error_names_nobody(
    runtime: Runtime, case_id: int, refuses: Callable[[Exception], None]
) -> None:
    refuses(ValueError("cannot tell anna@example.test or +84 901 234 567"))
    arm(runtime, case_id)

    worker.Worker(runtime, {}).tick()

    assert [row.last_error for row in rows(runtime, model.jobs)] == ["ValueError: cannot tell … or …"]


# -- incidents -------------------------------------------------------------------------------------------------------


@pytest.fixture
def incident_id(runtime: Runtime, case_id: int) -> int:
    with runtime.begin() as unit:
        return incidents.open(unit, case_id, ProcessFault("name 'x' is not defined", "verify"), Fire(1))


def retry(runtime: Runtime, incident_id: int) -> bool:
    with runtime.begin() as unit:
        return repairs.retry(unit, incident_id, by="lan")


def test_a_step_that_fails_again_is_the_same_incident(runtime: Runtime, case_id: int, incident_id: int) -> None:
    with runtime.begin() as unit:
        again = incidents.open(unit, case_id, ProcessFault("name 'y' is not defined"), Fire(1))
        other = incidents.open(unit, case_id, ProcessFault("name 'x' is not defined"), Fire(2))

    assert again == incident_id != other
    assert [(row.attempts, row.message[5:8]) for row in rows(runtime, model.incidents)] == [(2, "'y'"), (1, "'x'")]


def test_retrying_after_the_repair_takes_the_step_and_resolves(
    runtime: Runtime, case_id: int, incident_id: int, moved: list[Any]
) -> None:
    assert retry(runtime, incident_id)

    assert moved == [(case_id, Fire(1))]
    [incident] = rows(runtime, model.incidents)
    assert incident.resolved_by == "lan"
    assert history(runtime, case_id) == ["incident-opened", "incident-resolved"]
    with pytest.raises(WrongState, match="already resolved"):
        retry(runtime, incident_id)


def test_retrying_before_the_repair_leaves_the_incident_open(
    runtime: Runtime, case_id: int, incident_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def advance(unit: Any, case_id: int, step: Any, **told: Any) -> None:  # as the corridor does with a fault
        incidents.open(unit, case_id, ProcessFault("name 'x' is still not defined"), step)

    monkeypatch.setattr(instances, "advance", advance)

    assert not retry(runtime, incident_id)
    [incident] = rows(runtime, model.incidents)
    assert (incident.attempts, incident.resolved_at) == (2, None)
    assert incident.message == "name 'x' is still not defined"


def test_a_retry_that_breaks_halfway_leaves_nothing_behind_but_the_reason(
    runtime: Runtime, case_id: int, incident_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def advance(unit: Any, case_id: int, step: Any, **told: Any) -> None:
        unit.record(case_id, "moved", "system")
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(instances, "advance", advance)

    assert not retry(runtime, incident_id)
    assert history(runtime, case_id) == ["incident-opened"]
    [incident] = rows(runtime, model.incidents)
    assert incident.message == "This could not be done: ZeroDivisionError: division by zero"


def test_retrying_what_the_process_has_moved_past_resolves_it(
    runtime: Runtime, incident_id: int, refuses: Callable[[Exception], None]
) -> None:
    refuses(WrongState("The process has moved past this step."))

    assert retry(runtime, incident_id)
    assert rows(runtime, model.events)[-1].data["how"] == "moved-on"


def test_a_job_given_up_is_done_by_retrying_its_incident(
    runtime: Runtime, clock: Clock, case_id: int, refuses: Callable[[Exception | None], None]
) -> None:
    refuses(KeyError("x"))
    arm(runtime, case_id)
    anna = worker.Worker(runtime, {})
    for _ in range(3):
        anna.drain()
        clock.advance("10 minutes")
    [incident] = rows(runtime, model.incidents)

    refuses(None)
    assert retry(runtime, incident.id)
    assert rows(runtime, model.jobs) == []


def test_monitoring_sees_how_much_is_due_and_for_how_long(runtime: Runtime, clock: Clock, case_id: int) -> None:
    arm(runtime, case_id, 1)
    arm(runtime, case_id, 2)
    arm(runtime, case_id, 3, after="1 day")
    clock.advance("90 seconds")
    jobs.claim(runtime, "anna", 1)

    with runtime.read() as unit:
        assert jobs.depth(unit) == {"due": 1, "leased": 1, "lag_seconds": 90.0}


