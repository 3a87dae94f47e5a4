"""What is due while a case moves to another version and back: it happens once, under the name that it has there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from engine import model
from engine.queues import jobs, leases
from engine.versions import migrations
from engine.work import doing
from engine.work.worker import Worker
from tests import databases
from tests.drawing import draw
from tests.hotline import LIFE, TYPE
from tests.test_migrating import NEW, deployed, in_unit, shown, started, works

# -- what a worker holds ---------------------------------------------------------------------------------------------


def told(hotline, number):
    """What the case's history says of its deadlines."""
    items = hotline.as_("vanphong").get(f"/cases/{number}/timeline").json["items"]
    return sorted((one["kind"], one["element"]) for one in items if one["kind"].startswith("deadline-"))


def goes_on(hotline, held):
    """The worker who claimed these goes on as if nothing had happened; then another looks."""
    left = doing.together(hotline.runtime, held)
    for job in left:
        doing.run(hotline.runtime, job, Random(1))
    Worker(hotline.runtime, {}).work()


@pytest.mark.parametrize("claimed", ["before", "after", "never"])
def test_a_deadline_that_passes_while_its_case_moves_is_told_once(hotline, claimed):
    number = hotline.assigned()
    hotline.waits(4)
    held = jobs.claim(hotline.runtime, "anna", 10) if claimed == "before" else []
    started(hotline, deployed(hotline, **NEW))
    works(hotline)
    held += jobs.claim(hotline.runtime, "anna", 10) if claimed == "after" else []

    goes_on(hotline, held)

    assert told(hotline, number) == [("deadline-near", "case"), ("deadline-near", "giai_quyet"),
                                     ("deadline-passed", "giai_quyet")]  # fmt: skip
    with hotline.runtime.read() as unit:
        late = unit.first(select(model.tasks).where(model.tasks.c.status == "open"))
    assert late.breached_at is not None and late.warned_at is not None


def test_a_deadline_that_passes_while_its_case_goes_back_is_told_once(hotline):
    number = hotline.assigned()
    migration = started(hotline, deployed(hotline, **NEW))
    works(hotline)
    hotline.waits(4)
    held = [job for job in jobs.claim(hotline.runtime, "anna", 10) if job.kind != "timer"]  # the new one is gone then
    in_unit(hotline, lambda unit, by: migrations.undo(unit, migration, by=by))
    works(hotline)

    goes_on(hotline, held)

    assert told(hotline, number) == [("deadline-near", "case"), ("deadline-near", "xu_ly"),
                                     ("deadline-passed", "xu_ly")]  # fmt: skip


def test_a_deadline_that_is_being_claimed_as_its_case_moves_is_told_once(hotline):
    if hotline.runtime.database.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer")
    number = hotline.assigned()
    hotline.waits(4)
    started(hotline, deployed(hotline, **NEW))
    with ThreadPoolExecutor(1) as pool:
        with hotline.runtime.begin() as unit:
            due = [row.id for row in unit.all(select(model.jobs.c.id).order_by(model.jobs.c.id).with_for_update())]
            rows = leases.hold(unit, model.jobs, due, "anna", leases.LEASE)
            moving = pool.submit(works, hotline)
            while not databases.somebody_waits(hotline.runtime):
                assert not moving.done()
        moving.result()

    goes_on(hotline, [jobs._job(row) for row in rows])

    assert ("deadline-passed", "giai_quyet") in told(hotline, number)


def test_being_called_back_is_no_attempt(hotline):
    hotline.assigned()
    hotline.waits(4)
    assert [job.attempts for job in jobs.claim(hotline.runtime, "anna", 10)] == [1, 1, 1]
    started(hotline, deployed(hotline, **NEW))
    works(hotline)

    again = [job for job in jobs.claim(hotline.runtime, "binh", 10) if job.kind != "timer"]
    assert [job.attempts for job in again] == [1, 1, 1]


# -- what was given up, and comes back -------------------------------------------------------------------------------

REMINDED = LIFE + """
boundary nhac on=xu_ly timer='${warn("xu_ly")}' aside
boundary giam_sat on=xu_ly timer='${due("giam_sat")}' aside
boundary hoi_tham on=xu_ly timer=PT6H aside
tell da_nhac text=T01 to=reporter
tell da_bao text=T01 to=reporter
tell da_hoi text=T01 to=reporter
end nhac_xong
end bao_xong
end hoi_xong
nhac -> da_nhac -> nhac_xong
giam_sat -> da_bao -> bao_xong
hoi_tham -> da_hoi -> hoi_xong
"""
WATCHED = TYPE.format(secrecy="C2") + 'giam_sat = {term = "PT3H30M", calendar = "24/7"}\n'
GIVEN_UP = {"nhac": None, "giam_sat": None, "hoi_tham": None}


def does(hotline, number, action):
    if action == "wait":
        hotline.waits(0.5)
        Worker(hotline.runtime, {}).work()
        return
    body = {"pause": {"reason": "chờ"}, "suspend": {"reason": "kiểm tra"}, "extend": {
        "reason": "xa", "until": (hotline.clock.now + timedelta(hours=12)).isoformat()}}  # fmt: skip
    who = "vanphong" if action in ("suspend", "release") else "phuong"
    tag = hotline.case(number)["etag"]
    answer = hotline.as_(who).post(f"/cases/{number}/{action}", body.get(action), If_Match=tag)
    assert answer.status_code == 200, answer.text


def clocks_of(hotline, number):
    """The case's deadlines and jobs, by token."""
    wanted = {
        "deadlines": ("token", "name", "calendar", "started_at", "due_at", "warn_at", "settled_at", "story"),
        "jobs": ("token", "kind", "due_at", "state", "attempts", "payload"),
    }
    with hotline.runtime.read() as unit:
        case = select(model.cases.c.id).where(model.cases.c.number == number).scalar_subquery()
        return {name: sorted(map(repr, unit.all(select(*(model.metadata.tables[name].c[one] for one in columns))
                                               .where(model.metadata.tables[name].c.case_id == case))))
                for name, columns in wanted.items()}  # fmt: skip


def happened(hotline, number):
    """What the case's history says, but that it moved."""
    items = hotline.as_("vanphong").get(f"/cases/{number}/timeline").json["items"]
    return [(one["at"], one["kind"], one["element"]) for one in items if not one["kind"].startswith("migrat")]


@pytest.mark.parametrize(("before", "away"), [
    ("pause", "wait"), ("pause", "wait resume wait"), ("", "pause wait"), ("", "wait pause wait resume wait"),
    ("", "extend wait"), ("pause wait", "wait resume extend pause wait"), ("suspend", "wait"),
    ("suspend wait wait wait wait wait wait wait", "wait release"), ("", "suspend wait"), ("", "suspend wait release"),
    ("", "wait"), ("pause", "suspend wait resume"),
])  # fmt: skip
def test_what_was_given_up_comes_back_as_if_its_case_had_stayed(hotline, before, away):
    hotline.deploys(process__bpmn=draw(REMINDED, "PAKN"), type__toml=WATCHED)
    moves, stays = hotline.assigned(), hotline.assigned()
    versions = deployed(hotline, process__bpmn=draw(LIFE, "PAKN"))

    def both(actions):
        for action in actions.split():
            for number in (moves, stays) if action != "wait" else (moves,):
                does(hotline, number, action)

    both(before)
    assert clocks_of(hotline, moves) == clocks_of(hotline, stays)
    migration = started(hotline, versions, GIVEN_UP, numbers=[moves])
    works(hotline)
    assert shown(hotline, migration)["counts"] == {"moved": 1}
    both(away)
    in_unit(hotline, lambda unit, by: migrations.undo(unit, migration, by=by))
    works(hotline)
    assert shown(hotline, migration)["counts"] == {"undone": 1}
    Worker(hotline.runtime, {}).work()

    assert clocks_of(hotline, moves) == clocks_of(hotline, stays)

    case = hotline.case(moves)
    both(" ".join(["resume"] * bool(case["paused_at"]) + ["release"] * bool(case["suspended_at"]) + ["wait"] * 24))
    assert happened(hotline, moves) == happened(hotline, stays)
    assert clocks_of(hotline, moves) == clocks_of(hotline, stays)
