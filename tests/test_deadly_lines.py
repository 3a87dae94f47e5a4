"""A line that kills whoever does it is given up after so many, with a reason, and the others are done."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from engine import model
from engine.queues import attempts
from engine.queues.jobs import DEATHS_MAX
from engine.versions import migrations, transfers
from engine.work import batches
from tests.drawing import draw
from tests.hotline import LIFE, TYPE
from tests.people import cohort, takes_lists
from tests.sources import ROOT
from tests.test_imports import sends
from tests.test_migrating import NEW_TYPE, RENAMED, deployed, in_unit, shown, started, works

WHY = "The worker died in each of 5 attempts to do this."
MOVES = {"process__bpmn": draw(RENAMED, "PAKN"), "type__toml": NEW_TYPE}


def deaths(hotline, url, what, number):
    """Workers do what there is, one after the other, each a minute after the last has died of this case; how many died
    until one had nothing left to do."""
    for dead in range(20):
        command = [sys.executable, "-m", "tests.moving_actor", url, what, hotline.clock.now.isoformat(), number]
        actor = subprocess.run(command, cwd=ROOT, input="next\n" * 20, capture_output=True, text=True, check=False)
        if actor.returncode == 0:
            return dead
        assert actor.returncode == -signal.SIGKILL, actor.stderr
        hotline.clock.advance("1 minute")
    raise AssertionError("it kills for ever")


def batch_of(hotline, numbers):
    payload = {"suspended": True, "reason": "Chờ văn bản"}
    return in_unit(hotline, lambda unit, by: batches.start(unit, "suspend", numbers, payload, by=by), "quantri")


def state_of(hotline, batch):
    return in_unit(hotline, lambda unit, by: batches.show(unit, batch, by=by), "quantri")


def test_a_line_of_a_batch_that_kills_is_given_up_and_the_others_are_done(hotline, database_url):
    numbers = [hotline.receives() for _ in range(4)]
    batch = batch_of(hotline, numbers)

    assert deaths(hotline, database_url, "batches", numbers[1]) == DEATHS_MAX

    found = state_of(hotline, batch)
    assert (found["state"], found["counts"]) == ("done", {"done": 3, "refused": 1})
    assert found["refused"] == [{"subject": numbers[1], "why": WHY}]


def test_a_case_that_kills_whoever_moves_it_stays_and_says_why(hotline, database_url):
    numbers = [hotline.assigned() for _ in range(4)]
    migration = started(hotline, deployed(hotline, **MOVES))

    assert deaths(hotline, database_url, "migrations", numbers[1]) == DEATHS_MAX

    found = shown(hotline, migration)
    assert (found["state"], found["counts"]) == ("done", {"moved": 3, "refused": 1})
    (refused,) = found["refused"]
    assert (refused.why, refused.numbers) == (WHY, [numbers[1]])
    assert hotline.task("phuong", numbers[1])["element"] == "xu_ly"


def test_a_case_that_kills_whoever_puts_it_back_stays_where_it_is_and_says_why(hotline, database_url):
    numbers = [hotline.assigned() for _ in range(4)]
    migration = started(hotline, deployed(hotline, **MOVES))
    works(hotline)
    in_unit(hotline, lambda unit, by: migrations.undo(unit, migration, by=by))

    assert deaths(hotline, database_url, "migrations", numbers[2]) == DEATHS_MAX

    found = shown(hotline, migration)
    assert (found["state"], found["counts"]) == ("undone", {"undone": 3, "kept": 1})
    assert [(one.why, one.numbers) for one in found["kept"]] == [(WHY, [numbers[2]])]


def test_a_row_of_a_list_that_kills_is_refused_and_the_others_become_cases(hotline, database_url):
    cdc = takes_lists(hotline).as_("cdc")
    sent = sends(cdc, cohort(4)).json

    assert deaths(hotline, database_url, "imports", "+84900000001") == DEATHS_MAX

    found = cdc.get(f"/imports/{sent['id']}").json
    assert (found["state"], found["created"], found["position"]) == ("done", 3, 4)
    assert [(one["row"], one["en"]) for one in found["refusals"]] == [(3, f"No case could be made: {WHY}")]


def test_a_canary_that_kills_has_been_tried(hotline, database_url):
    numbers = [hotline.assigned() for _ in range(3)]
    migration = started(hotline, deployed(hotline, **MOVES), canary=1)

    deaths(hotline, database_url, "migrations", numbers[0])

    assert shown(hotline, migration)["state"] == "canary"
    assert shown(hotline, migration)["counts"]["refused"] == 1


def test_another_migration_does_not_wait_for_one_whose_worker_is_dead(hotline):
    """Of another report type."""
    hotline.assigned()
    first = started(hotline, deployed(hotline, **MOVES))
    with hotline.runtime.begin() as unit:
        attempts.begin(unit, model.migration_cases)
    type_ = TYPE.format(secrecy="C2").replace('"PAKN"', '"KHAC"')
    hotline.deploys(process__bpmn=draw(LIFE, "KHAC"), type__toml=type_)
    hotline.assigned(report_type="KHAC")
    hotline.deploys(process__bpmn=draw(LIFE.replace("Xử lý", "Giải quyết"), "KHAC"), type__toml=type_)
    with hotline.runtime.read() as unit:
        of_it = select(model.definitions.c.id).where(model.definitions.c.key == "KHAC")
        versions = [row.id for row in unit.all(of_it.order_by(model.definitions.c.version))]
    second = started(hotline, versions, {})

    works(hotline)

    assert shown(hotline, first)["counts"] == {"waiting": 1}
    assert (shown(hotline, second)["state"], shown(hotline, second)["counts"]) == ("done", {"moved": 1})


def test_what_the_database_was_too_busy_for_is_no_attempt(hotline, monkeypatch):
    numbers = [hotline.receives() for _ in range(2)]
    batch = batch_of(hotline, numbers)

    def away(unit, number, payload, by):
        raise OperationalError("UPDATE", {}, ConnectionError(), connection_invalidated=True)

    monkeypatch.setitem(batches.KINDS, "suspend", away)
    for _ in range(3 * DEATHS_MAX):
        with pytest.raises(OperationalError):
            batches.step(hotline.runtime)
    monkeypatch.undo()

    works(hotline)
    assert state_of(hotline, batch)["counts"] == {"done": 2}


def test_what_was_held_back_at_the_last_moment_is_not_done(hotline, monkeypatch):
    """Between the count and the deed."""
    numbers = [hotline.receives() for _ in range(2)]
    batch = batch_of(hotline, numbers)
    make = attempts.make

    def held(*what):
        in_unit(hotline, lambda unit, by: batches.hold(unit, batch, True, by=by), "quantri")
        make(*what)

    monkeypatch.setattr(attempts, "make", held)
    works(hotline)
    monkeypatch.undo()
    assert state_of(hotline, batch)["counts"] == {"waiting": 2}

    in_unit(hotline, lambda unit, by: batches.hold(unit, batch, False, by=by), "quantri")
    works(hotline)
    assert state_of(hotline, batch)["counts"] == {"done": 2}


def test_a_case_that_cannot_go_back_keeps_no_other(hotline, monkeypatch):
    numbers = [hotline.assigned() for _ in range(3)]
    migration = started(hotline, deployed(hotline, **MOVES))
    works(hotline)
    in_unit(hotline, lambda unit, by: migrations.undo(unit, migration, by=by))
    back = transfers.back

    def fails(unit, case, *more, **named):
        if case.number == numbers[0]:
            raise ZeroDivisionError("division by zero")
        back(unit, case, *more, **named)

    monkeypatch.setattr(transfers, "back", fails)
    works(hotline)

    found = shown(hotline, migration)
    assert (found["state"], found["counts"]) == ("undone", {"kept": 1, "undone": 2})
    assert found["kept"][0].why == "ZeroDivisionError: division by zero"


def test_a_line_that_is_late_is_left_to_whoever_has_begun_it_since(hotline):
    """Its worker was only slow: it stood still for longer than a minute between the count and the deed."""
    numbers = [hotline.receives()]
    batch = batch_of(hotline, numbers)
    done = []
    with hotline.runtime.begin() as unit:
        mine = attempts.begin(unit, model.batch_lines)
    assert not batches.step(hotline.runtime)  # somebody is about to do it
    hotline.clock.advance("1 minute")
    with hotline.runtime.begin() as unit:
        theirs = attempts.begin(unit, model.batch_lines)

    attempts.make(hotline.runtime, model.batch_lines, mine, lambda unit: done.append("mine"))
    attempts.make(hotline.runtime, model.batch_lines, theirs, lambda unit: done.append("theirs"))

    assert done == ["theirs"]
    assert state_of(hotline, batch)["state"] == "running"
    with hotline.runtime.begin() as unit:
        unit.execute(update(model.batch_lines).values(due_at=None))
    works(hotline)
    assert state_of(hotline, batch)["counts"] == {"done": 1}
