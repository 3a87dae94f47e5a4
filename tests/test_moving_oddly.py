"""Cases move at the worst of moments: while they are paused, hold what somebody said, or are being worked on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from engine import instances, model
from engine.queues import attempts
from engine.versions import migrations, transfers
from engine.work.worker import Worker
from tests import databases
from tests.drawing import draw
from tests.hotline import LIFE, TYPE, package, refused
from tests.test_migrating import NEW, deployed, everything, in_unit, shown, started, works
from tests.test_moving_clocks import does


def undone(hotline, migration):
    in_unit(hotline, lambda unit, by: migrations.undo(unit, migration, by=by))
    works(hotline)
    return shown(hotline, migration)["counts"]


def test_a_timer_that_is_new_in_a_paused_case_sleeps_and_wakes_with_it(hotline):
    number = hotline.assigned()
    hotline.waits(1)
    does(hotline, number, "pause")
    started(hotline, deployed(hotline, **NEW))
    works(hotline)
    hotline.waits(10)
    Worker(hotline.runtime, {}).work()
    with hotline.runtime.read() as unit:
        assert {row.state for row in unit.all(select(model.jobs))} == {"suspended"}

    does(hotline, number, "resume")

    with hotline.runtime.read() as unit:
        timer = unit.first(select(model.jobs).where(model.jobs.c.kind == "timer"))
        followed = unit.first(select(model.deadlines).where(model.deadlines.c.name == "giai_quyet"))
    assert (timer.state, timer.due_at) == ("ready", followed.due_at)


def test_a_case_that_moves_back_and_forth_is_as_it_was(hotline):
    number = hotline.assigned()
    hotline.waits(1)
    before = everything(hotline)
    there = deployed(hotline, **NEW)
    back, given_up = there[::-1], {"giai_quyet": "xu_ly", "nhac": None}
    for _ in range(2):
        started(hotline, there)
        works(hotline)
        last = started(hotline, back, given_up)
        works(hotline)
        assert everything(hotline) == before

    assert undone(hotline, last) == {"undone": 1}
    assert undone(hotline, 1) == {"kept": 1}
    hotline.waits(4)
    Worker(hotline.runtime, {}).work()
    items = hotline.as_("vanphong").get(f"/cases/{number}/timeline").json["items"]
    assert [one["kind"] for one in items].count("deadline-passed") == 2
    assert hotline.task("phuong", number)["element"] == "giai_quyet"


REMINDED = LIFE + """
boundary nhac "Nhắc" on=xu_ly timer='${warn("hen")}' aside
boundary tre "Trễ" on=xu_ly timer='${due("hen")}' aside
end da_nhac
nhac -> da_nhac
tre -> da_nhac
"""
PROMISED = TYPE.format(secrecy="C2").replace("\nxu_ly = {", '\nhen = {term = "PT2H", calendar = "24/7"}\nxu_ly = {')


@pytest.mark.parametrize("without", ["fired", "given up"])
def test_a_deadline_that_two_timers_follow_stays_with_the_second(hotline, without):
    """No task is due by it: it was kept for the first of them."""
    hotline.deploys(process__bpmn=draw(REMINDED, "PAKN"), type__toml=PROMISED)
    number, began = hotline.assigned(), hotline.clock.now
    if without == "fired":
        hotline.waits(1.8)
        Worker(hotline.runtime, {}).work()
    else:
        hotline.waits(1)
        life = "".join(line for line in REMINDED.splitlines(True) if "nhac \"" not in line and "nhac ->" not in line)
        versions = deployed(hotline, process__bpmn=draw(life, "PAKN"), type__toml=PROMISED)
        started(hotline, versions, {"nhac": None})
        works(hotline)

    does(hotline, number, "pause")
    hotline.waits(5)
    does(hotline, number, "resume")

    with hotline.runtime.read() as unit:
        (timer,) = unit.all(select(model.jobs).where(model.jobs.c.kind == "timer"))
        followed = unit.first(select(model.deadlines).where(model.deadlines.c.name == "hen"))
    assert timer.due_at == followed.due_at == began + timedelta(hours=7)
    assert (timer.token, followed.settled_at) == (followed.token, None)
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")
    with hotline.runtime.read() as unit:
        assert unit.first(select(model.deadlines).where(model.deadlines.c.name == "hen")).settled_at is not None


SAID = LIFE + """
boundary them on=xu_ly message=bo_sung_cu aside
script tinh script="phan = 1 / so"
user xem "Xem" group=tongdai_74
end da_xem
them -> tinh -> xem -> da_xem
"""


@pytest.mark.parametrize("back", [False, True])
def test_what_was_said_and_could_not_be_taken_is_taken_under_its_new_name(hotline, back):
    hotline.deploys(process__bpmn=draw(SAID, "PAKN"))
    number = hotline.assigned()
    said = {"name": "bo_sung_cu", "case": number, "payload": {"so": 0}}
    assert hotline.as_("app").post("/messages", said).json["moved"] is False
    (incident,) = hotline.as_("quantri").get("/incidents").json["items"]
    mended = SAID.replace("bo_sung_cu", "bo_sung_moi").replace("1 / so", "1 / (so + 1)")
    migration = started(hotline, deployed(hotline, process__bpmn=draw(mended, "PAKN")), {})
    works(hotline)
    at, kept = f"/incidents/{incident['id']}", "bo_sung_cu" if back else "bo_sung_moi"
    if back:
        assert undone(hotline, migration) == {"undone": 1}
    assert hotline.as_("quantri").get(at).json["step"]["message"] == kept

    again = hotline.as_("quantri").post(f"{at}/retry").json

    assert (again["resolved_at"] is None) == back  # there it fails again
    items = hotline.as_("truc").get("/tasks", case=number).json["items"]
    assert [one["element"] for one in items] == ([] if back else ["xem"])


def test_two_workers_try_no_more_of_a_canary_than_one(hotline):
    for _ in range(4):
        hotline.assigned()
    migration = started(hotline, deployed(hotline, **NEW), canary=1)
    with hotline.runtime.begin() as unit:
        attempts.begin(unit, model.migration_cases)  # another worker is about to move the first

    works(hotline)
    assert shown(hotline, migration)["counts"] == {"waiting": 4}

    hotline.clock.advance("1 minute")  # it has died
    works(hotline)
    assert (shown(hotline, migration)["state"], shown(hotline, migration)["counts"]) == \
        ("canary", {"moved": 1, "waiting": 3})  # fmt: skip


def test_two_workers_who_end_at_once_stop_at_the_canary_too(hotline, monkeypatch):
    for _ in range(4):
        hotline.assigned()
    migration = started(hotline, deployed(hotline, **NEW), canary=2)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_stop_at_canary", lambda *_: None)  # neither has seen what the other has done
        for _ in range(2):
            assert migrations.step(hotline.runtime)

    works(hotline)

    assert (shown(hotline, migration)["state"], shown(hotline, migration)["counts"]) == \
        ("canary", {"moved": 2, "waiting": 2})  # fmt: skip


@pytest.mark.parametrize("asked", [True, False])
def test_whoever_completes_a_task_while_its_case_moves_is_asked_what_the_new_version_asks(hotline, asked):
    if hotline.runtime.database.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer: nobody reads a task and then waits for its case")
    if not asked:
        hotline.deploys(process__bpmn=draw(LIFE.replace(" form=ket_qua", ""), "PAKN"))
    number = hotline.assigned()
    task = hotline.task("phuong", number)
    renamed = draw(LIFE.replace("form=ket_qua", "form=tra_loi"), "PAKN")
    versions = deployed(hotline, process__bpmn=renamed, ket_qua__form=None, tra_loi__form=package()["ket_qua.form"])
    answers = {"ket_qua": "da_giai_quyet", "noi_dung_ket_qua": "Xong"} if asked else {}

    with ThreadPoolExecutor(1) as pool:
        with hotline.runtime.begin() as unit:
            plan = transfers.Plan(*(unit.catalogue.pinned(unit, one) for one in versions))
            transfers.move(unit, instances.load(unit, 1), plan, by="phantich")
            at = f"/tasks/{task['id']}/complete"
            waiting = pool.submit(hotline.as_("phuong").post, at, {"answers": answers})
            while not databases.somebody_waits(hotline.runtime):
                assert not waiting.done(), waiting.result().text
        answer = waiting.result()

    if asked:
        assert answer.status_code == 200, answer.text
    else:
        refused(answer, 422, "invalid-answers")
    assert hotline.as_("quantri").get("/incidents").json["items"] == []
