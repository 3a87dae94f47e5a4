"""What a cold look at the corridor found: each of these failed once."""

from __future__ import annotations

from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Thread

import pytest
from sqlalchemy import select, update

from engine import cases, mail, model, packages
from engine.errors import ProcessFault
from engine.flow.steps import Fire
from engine.people import access, accounts
from engine.queues import incidents
from engine.work import repairs
from engine.work.worker import Worker
from tests.drawing import choice, draw, form
from tests.hotline import LIFE, TYPE, package, refused
from tests.test_api_cases import change

REST = TYPE.replace("[outcomes]", '[statuses.cho]\nvi = "Chờ"\nopen311 = "open"\npaused = true\n[outcomes]', 1)


def rows(hotline, table, *where):
    with hotline.runtime.read() as unit:
        return unit.all(select(table).where(*where).order_by(*table.primary_key.columns))


def works(hotline):
    Worker(hotline.runtime, {}).work()


def typed(**more):
    return REST.format(secrecy="C2", **more)


def broken(monkeypatch):
    def compose(*_):
        raise ProcessFault("There is no text 'T06'.", "bao_ket_qua")

    monkeypatch.setattr(mail, "compose", compose)


# -- incidents


def test_a_task_whose_answers_an_incident_kept_is_done_once_the_step_is_taken(hotline, monkeypatch):
    number = hotline.assigned()
    task = hotline.task("phuong", number)
    broken(monkeypatch)
    assert hotline.does("phuong", number, ket_qua="khong_dung", noi_dung_ket_qua="Không có")["status"] == "open"
    monkeypatch.undo()

    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    assert hotline.as_("phantich").post(f"/incidents/{incident['id']}/retry").json["resolved_at"]

    assert hotline.case(number)["closed_at"] and hotline.case(number)["tasks"] == []
    (row,) = rows(hotline, model.tasks, model.tasks.c.id == task["id"])
    assert (row.status, row.answers["ket_qua"]) == ("done", "khong_dung") and row.finished_by


def test_a_reminder_that_was_given_up_goes_on_after_the_repair(hotline, monkeypatch):
    life = LIFE.replace("end dong", "boundary nhac on=xu_ly cycle=R/PT1H aside\ntell nhac_lai text=T01 to=reporter\n"
                        "end het_nhac\nend dong") + "nhac -> nhac_lai -> het_nhac\n"  # fmt: skip
    hotline.deploys(process__bpmn=draw(life, "PAKN"))
    number = hotline.assigned()
    (timer,) = [row for row in rows(hotline, model.jobs) if row.kind == "timer"]
    with hotline.runtime.begin() as unit:
        unit.execute(update(model.jobs).where(model.jobs.c.id == timer.id).values(state="incident", attempts=3))
        kept = incidents.open(unit, timer.case_id, ProcessFault("x"), Fire(timer.token), job_id=timer.id)
    hotline.waits(1)
    with hotline.runtime.begin() as unit:
        assert repairs.retry(unit, kept, by="lan")
    (again,) = [row for row in rows(hotline, model.jobs) if row.kind == "timer"]
    assert (again.state, again.attempts) == ("ready", 0) and again.due_at > timer.due_at
    assert hotline.case(number)["tasks"]


def test_an_empty_status_is_a_fault_of_the_type_and_keeps_the_report(hotline):
    life = LIFE.replace("start bat_dau", 'start bat_dau\nscript tinh script="moi = null"').replace(
        "bat_dau -> da_nhan", "bat_dau -> tinh -> da_nhan").replace("status=moi", 'status="${moi}"')  # fmt: skip
    hotline.deploys(process__bpmn=draw(life, "PAKN"))
    number = hotline.receives()

    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    assert incident["case"] == number and "status" in incident["message"]


# -- duplicates


def test_whoever_joined_a_duplicate_hears_the_result_of_its_original(hotline):
    first, second, third = (hotline.assigned(phone=f"091234567{n}") for n in (1, 2, 3))
    assert change(hotline, "truc", third, "merge", {"into": second}).status_code == 200
    assert change(hotline, "truc", second, "merge", {"into": first}).status_code == 200

    hotline.does("phuong", first, ket_qua="khong_dung", noi_dung_ket_qua="Không có")
    assert len(rows(hotline, model.outbox, model.outbox.c.topic == "T06")) == 3
    assert hotline.case(third)["duplicate_of"] == first


def test_who_called_twice_hears_the_result_once(hotline):
    first, again, other = hotline.assigned(), hotline.assigned(), hotline.assigned(phone="0987654321")
    for copy in (again, other):
        assert change(hotline, "truc", copy, "merge", {"into": first}).status_code == 200

    hotline.does("phuong", first, ket_qua="khong_dung", noi_dung_ket_qua="Không có")
    told = rows(hotline, model.outbox, model.outbox.c.topic == "T06")
    assert len(told) == len({row.person_id for row in told}) == 2


def test_two_cases_are_not_joined_to_each_other_at_once(hotline, monkeypatch):
    one, two = hotline.assigned(), hotline.assigned()
    if hotline.runtime.database.dialect.name == "sqlite":
        pytest.skip("one writer at a time")
    with hotline.runtime.read() as unit:
        truc = accounts.account(unit, "truc")
    together, stated = Barrier(2), []
    original = access.find

    def find(*args, **kwargs):
        row = original(*args, **kwargs)
        if len(stated) < 2:  # both have found what they want to join before either goes on
            stated.append(row.number)
            with suppress(BrokenBarrierError):
                together.wait(1)
        return row

    monkeypatch.setattr(access, "find", find)
    outcomes = []

    def join(number, into):
        try:
            with hotline.runtime.begin() as unit:
                cases.merge(unit, number, into, by=truc)
            outcomes.append("joined")
        except Exception as error:
            outcomes.append(type(error).__name__)

    threads = [Thread(target=join, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()
    assert outcomes.count("joined") <= 1, outcomes
    assert not all(hotline.case(number)["closed_at"] for number in (one, two))


def test_joining_heeds_what_the_office_says_not_a_number_typed_before(hotline):
    number = {"type": "textfield", "id": "Field_ma_goc", "key": "ma_goc", "label": "ma_goc"}
    phan_cong = form("phan_cong", choice("lead_agency", "ubnd_74_718"), number)
    hotline.deploys(phan_cong__form=phan_cong)
    original, other, copy = hotline.assigned(), hotline.assigned(), hotline.receives()
    hotline.does("truc", copy, lead_agency="ubnd_74_718", ma_goc=other)

    answer = change(hotline, "truc", copy, "merge", {"into": original})
    assert answer.json["duplicate_of"] == original


# -- clocks


def test_a_timer_armed_while_the_clock_rests_rests_too(hotline):
    life = LIFE.replace("end dong", "boundary tre on=xu_ly timer=\"${due('case')}\" aside\nend tre_roi\nend dong")
    hotline.deploys(process__bpmn=draw(life + "tre -> tre_roi\n", "PAKN"))
    number = hotline.receives()
    assert change(hotline, "truc", number, "pause", {"reason": "Chờ"}).status_code == 200
    hotline.does("truc", number, lead_agency="ubnd_74_718")
    hotline.waits(6)
    works(hotline)
    assert "tre" not in str(hotline.as_("vanphong").get(f"/cases/{number}/timeline").json["items"])
    assert change(hotline, "truc", number, "resume").status_code == 200
    (timer,) = [row for row in rows(hotline, model.jobs) if row.kind == "timer"]
    assert timer.state == "ready"
    assert timer.due_at.isoformat() == hotline.case(number)["due_at"]


def test_a_case_settled_while_its_clock_rests_leaves_no_clock_asleep(hotline):
    life = (
        LIFE.replace(
            "end dong",
            "and chia\nuser giam_sat group=so_yt_74\n"
            "boundary tre on=giam_sat timer=\"${late('case', 0.5)}\" aside\nend tre_roi\n"
            "end giam_sat_xong\nend dong",
        ).replace("bat_dau -> da_nhan ->", "bat_dau -> chia -> da_nhan ->")
        + "chia -> giam_sat -> giam_sat_xong\ntre -> tre_roi\n"
    )
    hotline.deploys(process__bpmn=draw(life, "PAKN"))
    number = hotline.receives()
    hotline.does("truc", number, lead_agency="ubnd_74_718")
    assert change(hotline, "truc", number, "pause", {"reason": "Chờ"}).status_code == 200
    (task,) = hotline.as_("phuong").get("/tasks", case=number).json["items"]
    assert {row.state for row in rows(hotline, model.jobs)} == {"suspended"}
    answers = {"ket_qua": "khong_dung", "noi_dung_ket_qua": "x"}
    assert hotline.as_("phuong").post(f"/tasks/{task['id']}/complete", {"answers": answers}).status_code == 200

    assert hotline.case(number)["closed_at"] and hotline.case(number)["paused_at"] is None
    assert {row.state for row in rows(hotline, model.jobs)} == {"ready"}


def test_a_severity_found_out_moves_the_drawn_timers_of_the_case_too(hotline):
    kind = (
        typed()
        .replace('source = "BD-01"', 'source = "BD-01", by_severity = {khan = "PT2H"}')
        .replace('xu_ly = {term = "PT4H"', 'xu_ly = {term = "PT1H"')
    )
    life = LIFE.replace("user tiep_nhan", "script tinh script=\"severity = 'khan'\"\nuser tiep_nhan").replace(
        "tiep_nhan -> xu_ly ->", "tiep_nhan -> tinh -> xu_ly ->"
    )
    life = (
        life.replace(
            "end dong",
            "boundary tre on=xu_ly timer=\"${due('case')}\" aside\nend tre_roi\n"
            "and chia\ncatch canh timer=\"${due('case')}\"\nend canh_xong\nend dong",
        ).replace("bat_dau -> da_nhan ->", "bat_dau -> chia -> da_nhan ->")
        + "chia -> canh -> canh_xong\ntre -> tre_roi\n"
    )
    hotline.deploys(process__bpmn=draw(life, "PAKN"), type__toml=kind)
    number = hotline.assigned()
    due = hotline.case(number)["due_at"]
    assert due == "2021-09-03T03:00:00+00:00"
    timers = [row for row in rows(hotline, model.jobs) if row.kind == "timer"]
    assert [row.due_at.isoformat() for row in timers] == [due, due]


def test_a_case_may_be_reopened_into_a_status_that_rests(hotline):
    life = LIFE.replace("end dong", "user hoi group=tongdai_74 status=cho\nend dong").replace(
        "phan_anh_lai -> xu_ly", "phan_anh_lai -> hoi -> xu_ly"
    )
    hotline.deploys(process__bpmn=draw(life, "PAKN"), type__toml=typed())
    number = hotline.settled()
    answer = hotline.as_("app").post(f"/cases/{number}/reopen", {"reason": "Chưa xong"})
    assert answer.status_code == 200, answer.text
    assert (answer.json["closed_at"], answer.json["status"]) == (None, "cho") and answer.json["paused_at"]


def test_a_task_that_opens_while_the_clock_rests_runs_by_its_own(hotline):
    life = LIFE.replace("status=dang_xu_ly", "status=cho")
    hotline.deploys(process__bpmn=draw(life, "PAKN"), type__toml=typed())
    number = hotline.assigned()
    assert hotline.case(number)["paused_at"]
    due = hotline.task("phuong", number)["due_at"]
    hotline.waits(5)
    works(hotline)
    assert hotline.task("phuong", number)["breached_at"]
    assert change(hotline, "truc", number, "resume").status_code == 200
    task = hotline.task("phuong", number)
    assert task["due_at"] == due and task["breached_at"]


# -- who sees what, what is kept


def test_an_analyst_sees_no_task_of_a_denunciation(hotline):
    hotline.deploys(type__toml=TYPE.format(secrecy="C4"))
    hotline.names("truc", "phuong")
    number = hotline.assigned()
    task = hotline.task("phuong", number)
    assert hotline.as_("phantich").get("/tasks", case=number).json["items"] == []
    refused(hotline.as_("phantich").get(f"/tasks/{task['id']}"), 404, "not-found")


def test_errors_of_the_database_name_no_values(runtime):
    assert runtime.database.hide_parameters


def test_a_version_that_was_rolled_back_is_forgotten(runtime):
    with pytest.raises(ZeroDivisionError), runtime.begin() as unit:
        packages.load_province(unit, packages.Package(package()).province)
        packages.deploy(unit, package(), by="x")
        assert unit.catalogue.current(unit, "PAKN").type["secrecy"] == "C2"
        raise ZeroDivisionError
    with runtime.begin() as unit:
        packages.load_province(unit, packages.Package(package()).province)
        packages.deploy(unit, package("C4"), by="x")
    with runtime.read() as unit:
        assert unit.catalogue.current(unit, "PAKN").type["secrecy"] == "C4"


def test_a_province_does_not_take_over_the_agencies_of_another(runtime):
    ours = packages.Package(package()).province
    with runtime.begin() as unit:
        packages.load_province(unit, ours)
    theirs = {**ours, "code": "75", "short": "DN", "name": "Đồng Nai"}
    with pytest.raises(Exception, match="another province"), runtime.begin() as unit:
        packages.load_province(unit, theirs)
