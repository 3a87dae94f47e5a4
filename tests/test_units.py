"""A unit of work: what is put off is done in order, all of it or nothing, and sent to PostgreSQL in one exchange."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from threading import Barrier, Event, Thread
from time import sleep
from typing import Any

import pytest
from sqlalchemy import bindparam, create_engine, exists, insert, literal, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from engine import model
from engine.errors import NotFound, Stale
from engine.people import access
from engine.people.access import Account
from engine.runtime import Runtime, Unit
from engine.storage import connections
from engine.storage.database import options, prepare
from engine.storage.prepared import Prepared
from tests.bare_cases import history, open_case, rows

CASES = model.cases.c
RAISE = Prepared(
    update(model.cases)
    .where(CASES.id == bindparam("case"), CASES.version == bindparam("seen"))
    .values(version=CASES.version + 1)
)
FIND = Prepared(select(CASES.number, CASES.version).where(CASES.id == bindparam("case")))
RAISE_IF_REMARKED = Prepared(
    update(model.cases)
    .where(CASES.id == bindparam("case"), exists().where(model.comments.c.case_id == bindparam("case")))
    .values(version=CASES.version + 1)
)
REMARK = Prepared(insert(model.comments).values({name: bindparam(name) for name in ("case_id", "text")} | {
    "at": bindparam("now"), "author": "test", "public": False,
}))  # fmt: skip


@pytest.fixture
def case_id(runtime: Runtime) -> int:
    return open_case(runtime)


def version(runtime: Runtime, case_id: int) -> int:
    with runtime.read() as unit:
        return int(unit.first(FIND, {"case": case_id}).version)


def remark(unit: Unit, case_id: int, text: str) -> None:
    unit.write(REMARK, {"case_id": case_id, "text": text, "now": unit.now})


def remarks(runtime: Runtime) -> list[str]:
    with runtime.read() as unit:
        return [row.text for row in unit.all(select(model.comments).order_by(model.comments.c.id))]


def test_a_look_sees_what_was_put_off_before_it(runtime: Runtime, case_id: int) -> None:
    with runtime.begin() as unit:
        unit.write(RAISE, {"case": case_id, "seen": 1})
        assert unit.first(FIND, {"case": case_id}).version == 2
        assert unit.first(FIND, {"case": -1}) is None


def test_what_is_found_later_is_there_when_the_unit_has_ended(runtime: Runtime, case_id: int) -> None:
    with runtime.begin() as unit:
        found = unit.later(FIND, {"case": case_id})
        unit.write(RAISE, {"case": case_id, "seen": 1})
        then = unit.later(FIND, {"case": case_id})
        assert not found

    assert [row.version for row in (*found, *then)] == [1, 2]


def test_what_a_unit_knows_it_looks_up_again_when_it_has_written(runtime: Runtime, case_id: int) -> None:
    this = {"case": case_id}
    with runtime.begin() as unit:
        unit.soon(FIND, this)
        assert unit.known(FIND, this)[0].version == 1
        assert unit.known(FIND, {"case": -1}) == []
        remark(unit, case_id, "seen")
        known = unit.known(FIND, this)
        assert known is unit.known(FIND, this)  # not looked up: nothing has been written to its table

        unit.write(RAISE, {"case": case_id, "seen": 1})
        assert unit.known(FIND, this)[0].version == 2
        unit.execute(update(model.cases).values(version=3))
        assert unit.known(FIND, this)[0].version == 3
        with suppress(NotFound), unit.savepoint():
            unit.execute(update(model.cases).values(version=4))
            assert unit.known(FIND, this)[0].version == 4
            raise NotFound("undone")
        assert unit.known(FIND, this)[0].version == 3


def test_what_others_have_changed_while_a_unit_waited_for_a_lock_is_looked_up_again(
    runtime: Runtime, case_id: int
) -> None:
    number = rows(runtime, model.cases)[0].number
    account = Account(0, "cli", "", "admin")
    with runtime.begin() as unit:
        assert access.find(unit, account, "see", number).version == 1
        if unit.locks_rows:  # on SQLite nobody else can write now
            with runtime.begin() as other:
                other.write(RAISE, {"case": case_id, "seen": 1})
        seen = access.find(unit, account, "see", number, lock=True).version
    assert seen == version(runtime, case_id)


@pytest.mark.parametrize("demand", [RAISE, FIND], ids=["a change", "a look"])
def test_a_demand_that_finds_nothing_undoes_the_unit(runtime: Runtime, case_id: int, demand: Prepared) -> None:
    refusal = Stale("somebody was faster")
    with pytest.raises(Stale) as raised, runtime.begin() as unit:
        remark(unit, case_id, "before")
        unit.write(demand, {"case": -1, "seen": 1}, otherwise=refusal)
        remark(unit, case_id, "after")

    assert raised.value is refusal
    assert remarks(runtime) == []


def test_of_several_demands_the_first_that_is_not_met_is_named(runtime: Runtime, case_id: int) -> None:
    with pytest.raises(NotFound, match="the second"), runtime.begin() as unit:
        unit.write(RAISE, {"case": case_id, "seen": 1}, otherwise=Stale("the first"))
        unit.write(FIND, {"case": -1}, otherwise=NotFound("the second"))
        unit.write(RAISE, {"case": case_id, "seen": 7}, otherwise=Stale("the third"))

    assert version(runtime, case_id) == 1


def test_a_demand_that_is_met_changes_what_it_says(runtime: Runtime, case_id: int) -> None:
    with runtime.begin() as unit:
        unit.write(FIND, {"case": case_id}, otherwise=NotFound("no such case"))
        unit.write(RAISE, {"case": case_id, "seen": 1}, otherwise=Stale("somebody was faster"))

    assert version(runtime, case_id) == 2


def test_what_is_written_sees_what_was_written_before_it(runtime: Runtime, case_id: int) -> None:
    """Writes to several tables are one statement on PostgreSQL, whose parts do not see each other."""
    with runtime.begin() as unit:
        for text in ("first", "second", "third"):
            remark(unit, case_id, text)
            unit.record(case_id, "said", "test", text=text)
        unit.write(RAISE_IF_REMARKED, {"case": case_id}, otherwise=Stale("nobody has said anything"))

    assert remarks(runtime) == ["first", "second", "third"]
    assert [event.data["text"] for event in rows(runtime, model.events)] == remarks(runtime)
    assert version(runtime, case_id) == 2


def test_one_statement_that_fails_undoes_the_others(runtime: Runtime, case_id: int) -> None:
    with pytest.raises(IntegrityError), runtime.begin() as unit:
        unit.write(RAISE, {"case": case_id, "seen": 1}, otherwise=Stale("somebody was faster"))
        remark(unit, -1, "about no case")
        remark(unit, case_id, "after")

    assert (version(runtime, case_id), remarks(runtime)) == (1, [])


def test_a_connection_goes_on_after_errors_and_savepoints(runtime: Runtime, case_id: int) -> None:
    """What PostgreSQL has prepared outlives whatever is rolled back; psycopg must not throw it away."""
    for turn in range(8):
        with runtime.begin() as unit:
            remark(unit, case_id, f"kept {turn}")
            with pytest.raises(IntegrityError), unit.savepoint():
                remark(unit, -1, "about no case")
            unit.record(case_id, "went-on", "test")
        with pytest.raises(Stale), runtime.begin() as unit:
            for _ in range(8):  # by psycopg's own cursor, often enough to be worth preparing
                unit.execute(select(CASES.id).where(CASES.id == case_id))
            raise Stale("rolled back")

    assert remarks(runtime) == [f"kept {turn}" for turn in range(8)]
    assert history(runtime, case_id).count("went-on") == 8


def test_much_in_both_directions_fits_through_one_exchange(runtime: Runtime, case_id: int) -> None:
    """More than any buffer of the connection holds: neither side waits for the other for ever."""
    long = "đường hỏng " * 50_000
    text = Prepared(select(model.comments.c.text).where(model.comments.c.case_id == bindparam("case")))
    with runtime.begin() as unit:
        found = []
        for _ in range(6):
            remark(unit, case_id, long)
            found.append(unit.later(text, {"case": case_id}))

    assert [len(rows) for rows in found] == [1, 2, 3, 4, 5, 6]
    assert {row.text for rows in found for row in rows} == {long}


def test_writers_wait_for_each_other(runtime: Runtime, case_id: int) -> None:
    """Sixteen at once, each from what it has read: none is lost, none is refused."""
    start, failed = Barrier(16), []

    def raise_version() -> None:
        start.wait()
        try:
            with runtime.begin() as unit:
                locked = select(CASES.version).where(CASES.id == case_id).with_for_update()
                seen = unit.scalar(locked)
                unit.write(RAISE, {"case": case_id, "seen": seen}, otherwise=Stale("somebody was faster"))
        except Exception as error:
            failed.append(error)

    threads = [Thread(target=raise_version) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (failed, version(runtime, case_id)) == ([], 17)


def test_all_that_a_reading_unit_reads_is_of_one_moment(runtime: Runtime, case_id: int) -> None:
    shown = select(CASES.version).where(CASES.id == case_id)

    def changes(seen: int) -> None:
        with runtime.begin() as unit:
            unit.write(RAISE, {"case": case_id, "seen": seen})

    with runtime.read() as unit:
        assert unit.first(FIND, {"case": case_id}).version == 1
        changes(1)
        assert (unit.scalar(shown), unit.first(FIND, {"case": case_id}).version) == (1, 1)
    with runtime.read() as unit:
        assert unit.scalar(shown) == 2
        changes(2)
        assert (unit.scalar(shown), unit.first(FIND, {"case": case_id}).version) == (2, 2)
    assert version(runtime, case_id) == 3
    if runtime.database.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="read-only"), runtime.read() as unit:
            unit.write(RAISE, {"case": case_id, "seen": 3})


def test_values_of_every_kind_come_back_as_they_went(runtime: Runtime, case_id: int) -> None:
    story = {"chữ": "Đã tiếp nhận “%s” $1 {x}", "số": [1, 2.5, -(2**53)], "không": None, "đúng": True}
    keep = Prepared.insertion(model.events, "case_id", "at", "kind", "actor", "data")
    show = Prepared(select(model.events).where(model.events.c.case_id == bindparam("case")))
    row: dict[str, Any] = {"case_id": case_id, "kind": "100 %", "actor": "thử", "data": story}
    with runtime.begin() as unit:
        unit.write(keep, row | {"at": unit.now})
    with runtime.read() as unit:
        [found] = unit.all(show, {"case": case_id})

    assert (found.kind, found.actor, found.data, found.at) == ("100 %", "thử", story, runtime.clock())


def test_of_a_unit_that_has_ended_nothing_is_asked(runtime: Runtime, case_id: int) -> None:
    for begin in (runtime.begin, runtime.read):
        with begin() as unit:
            assert unit.scalar(select(CASES.id)) == case_id
        for ask in (lambda: unit.first(FIND, {"case": case_id}), lambda: unit.scalar(select(CASES.id))):
            with pytest.raises((RuntimeError, AttributeError)):
                ask()


def test_whoever_waits_for_a_connection_gets_the_next_that_is_free(postgresql_url: str) -> None:
    made = options(postgresql_url, 1) | {"max_overflow": 1, "pool_timeout": 60}
    runtime = Runtime(prepare(create_engine(postgresql_url, **made)), lambda: datetime.now(UTC))
    both_have_one, may_go = Barrier(3), Event()

    def hold(first: bool) -> int:
        with runtime.read() as unit:
            if first:
                both_have_one.wait(20)
                may_go.wait(20)
            return int(unit.scalar(select(literal(1))))

    with ThreadPoolExecutor(3) as threads:
        held = [threads.submit(hold, True) for _ in range(2)]
        both_have_one.wait(20)
        waits = threads.submit(hold, False)
        sleep(0.2)
        may_go.set()
        assert [one.result(20) for one in (*held, waits)] == [1, 1, 1]
    assert len(connections.of(runtime.database)) <= 2
    runtime.database.dispose()
    assert len(connections.of(runtime.database)) == 0


def test_no_more_connections_rest_than_the_pool_keeps(postgresql_url: str) -> None:
    runtime = Runtime.open(postgresql_url, lambda: datetime.now(UTC))
    size = runtime.database.pool.size()
    with ExitStack() as stack:
        for _ in range(size + 3):
            stack.enter_context(runtime.read()).scalar(select(literal(1)))
    assert len(connections.of(runtime.database)) == size
    runtime.database.dispose()


def test_what_was_out_when_the_engine_was_disposed_of_does_not_rest(postgresql_url: str) -> None:
    runtime = Runtime.open(postgresql_url, lambda: datetime.now(UTC))
    with runtime.read() as unit:
        unit.scalar(select(literal(1)))
        runtime.database.dispose()
    assert len(connections.of(runtime.database)) == 0
    runtime.database.dispose()


def test_engines_that_share_a_pool_share_what_rests_of_it(runtime: Runtime) -> None:
    """Each of them would be told of all connections of the pool for as long as it lives: tests make one each."""
    for made in (runtime.database, runtime.database.execution_options()):
        with Runtime(made, runtime.clock).read() as unit:
            unit.scalar(select(literal(1)))
    assert len(connections.of(runtime.database)) == 1
    runtime.database.dispose()
    assert len(connections.of(runtime.database.execution_options())) == 0


def test_units_beside_each_other_leave_a_database_in_memory_what_it_holds() -> None:
    runtime = Runtime.open("sqlite://", lambda: datetime.now(UTC))
    with runtime.begin() as unit:
        unit.connection.exec_driver_sql("CREATE TABLE kept (x)")
    with runtime.database.connect() as first, runtime.database.connect() as second:
        assert first.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 0
        known = connections.of(runtime.database)
        one, other = known.take(), known.take()
        known.give(one)
        known.give(other)
        assert second.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 0
    runtime.database.dispose()
