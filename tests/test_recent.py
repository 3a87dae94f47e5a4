"""What a web process has just written of a case it takes for granted at the next step, unless another was there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from engine import recent, tasks
from engine.people import accounts
from engine.runtime import Runtime
from tests.drawing import draw
from tests.hotline import LIFE, Hotline, refused
from webapi import auth

ANSWERS = {"answers": {"ket_qua": "da_giai_quyet", "noi_dung_ket_qua": "Đã nhắc nhở"}}
MOVED = {"agency": "ubnd_74_719", "reason": "Nhầm địa bàn"}
# a script that looks at the database, before the step has written anything
LOOKS = LIFE.replace("user xu_ly", "script ghi script=\"han = due('case')\"\nuser xu_ly").replace(
    "xu_ly -> bao_ket_qua", "xu_ly -> ghi -> bao_ket_qua"
)


@contextmanager
def another_process(hotline: Hotline) -> Iterator[None]:
    """Within, the calls are answered by a web process that remembers nothing of what the first one has written."""
    first = auth.runtime_of(hotline.app)
    auth.bind(hotline.app, Runtime(first.database, hotline.clock))
    try:
        yield
    finally:
        auth.bind(hotline.app, first)


@pytest.fixture
def opened(hotline: Hotline) -> tuple[str, str]:
    """The number of a case whose task has just been opened here, and where that is completed."""
    number = hotline.assigned()
    return number, f"/tasks/{hotline.task('phuong', number)['id']}/complete"


def extended(hotline: Hotline, number: str) -> None:
    """Its due time, by way of another process."""
    later = {"until": "2021-09-03T20:00:00+07:00", "reason": "Chờ kết quả xét nghiệm"}
    with another_process(hotline):
        etag = hotline.case(number)["etag"]
        assert hotline.as_("phuong").post(f"/cases/{number}/extend", later, If_Match=etag).status_code == 200


def test_what_another_has_done_meanwhile_is_done(hotline: Hotline, opened: tuple[str, str]) -> None:
    with another_process(hotline):
        assert hotline.as_("phuong").post(opened[1], ANSWERS).status_code == 200

    said = refused(hotline.as_("hoa").post(opened[1], ANSWERS), 409, "wrong-state")
    assert said == "The task 'Xử lý' is already done."


def test_a_case_that_was_reassigned_meanwhile_is_another_agencys(hotline: Hotline, opened: tuple[str, str]) -> None:
    with another_process(hotline):
        path, etag = f"/cases/{opened[0]}/reassign", hotline.case(opened[0])["etag"]
        assert hotline.as_("vanphong").post(path, MOVED, If_Match=etag).status_code == 200

    refused(hotline.as_("phuong").post(opened[1], ANSWERS), 404, "not-found")


def test_whoever_is_refused_has_been_looked_at_anew(hotline: Hotline, opened: tuple[str, str]) -> None:
    with another_process(hotline):
        path, etag = f"/cases/{opened[0]}/reassign", hotline.case(opened[0])["etag"]
        assert hotline.as_("vanphong").post(path, MOVED, If_Match=etag).status_code == 200

    assert hotline.as_("binh").post(opened[1], ANSWERS).json["case_status"] == "da_giai_quyet"


def test_what_a_colleague_has_claimed_is_theirs(hotline: Hotline, opened: tuple[str, str]) -> None:
    with another_process(hotline):
        assert hotline.as_("hoa").post(opened[1].replace("complete", "claim")).status_code == 200

    refused(hotline.as_("phuong").post(opened[1], ANSWERS), 409, "wrong-state")
    assert hotline.as_("hoa").post(opened[1], ANSWERS).status_code == 200


def test_a_new_due_time_stays(hotline: Hotline, opened: tuple[str, str]) -> None:
    number, path = opened
    before = hotline.case(number)
    extended(hotline, number)

    assert hotline.as_("phuong").post(path, ANSWERS).status_code == 200
    case = hotline.case(number)
    assert (case["status"], case["extensions"]) == ("da_giai_quyet", 1)
    assert case["due_at"] != before["due_at"]


def test_that_somebody_was_there_is_no_fault_of_the_diagram(hotline: Hotline) -> None:
    hotline.deploys(process__bpmn=draw(LOOKS, "PAKN"))
    number = hotline.assigned()
    path = f"/tasks/{hotline.task('phuong', number)['id']}/complete"
    extended(hotline, number)

    done = hotline.as_("phuong").post(path, ANSWERS)

    assert (done.status_code, done.json["status"]) == (200, "done"), done.text
    assert hotline.as_("phantich").get("/incidents").json["items"] == []


def test_a_token_that_was_revoked_meanwhile_is_nobodys(hotline: Hotline, opened: tuple[str, str]) -> None:
    (token,) = [one for one in hotline.as_("phuong").get("/tokens").json["items"] if one["label"] == "test"]
    with another_process(hotline):
        assert hotline.as_("phuong").post(f"/tokens/{token['id']}", method="DELETE").status_code == 204

    refused(hotline.as_("phuong").post(opened[1], ANSWERS), 401, "not-authenticated")
    assert hotline.as_("hoa").post(opened[1], ANSWERS).status_code == 200


def test_a_case_that_waits_at_many_places_is_not_left_with_each(hotline: Hotline) -> None:
    many = LIFE.replace("user xu_ly", "user xu_ly multi=[1,2,3,4,5,6] item=n")
    hotline.deploys(process__bpmn=draw(many.replace("boundary tra_lai \"Trả lại\" on=xu_ly message=msg_tra_lai\n", "")
                                       .replace("tra_lai -> tiep_nhan\n", ""), "PAKN"))  # fmt: skip
    number = hotline.assigned()
    left = [one["id"] for one in hotline.as_("phuong").get("/tasks", case=number).json["items"]]
    assert len(left) == 6

    for number, task in enumerate(left[:5], 1):
        done = hotline.as_("phuong").post(f"/tasks/{task}/complete", ANSWERS)
        assert (done.status_code, done.json["status"]) == (200, "done"), done.text
        assert len(done.json["next"]) == 6 - number
        assert len(hotline.runtime.recent) <= recent.LEFT_MAX


def test_what_was_left_is_not_kept_for_long(hotline: Hotline, opened: tuple[str, str]) -> None:
    hotline.clock.advance("11 minutes")
    hotline.assigned()

    assert {left.row.number for left in hotline.runtime.recent.values()} <= {hotline.receipt["number"]}
    assert hotline.as_("phuong").post(opened[1], ANSWERS).status_code == 200


def test_a_step_that_was_undone_leaves_nothing(hotline: Hotline, opened: tuple[str, str]) -> None:
    task_id = int(opened[1].split("/")[2])
    with hotline.runtime.begin() as unit:
        unit.may_recall = True
        case = recent.load_with_task(unit, task_id)[0]
        with suppress(InterruptedError), unit.savepoint():
            tasks.complete(unit, task_id, ANSWERS["answers"], by=accounts.account(unit, "phuong"))
            raise InterruptedError
        recent.waiting(unit, case.id)
    assert hotline.runtime.recent == {}

    assert hotline.as_("phuong").post(opened[1], ANSWERS).json["case_status"] == "da_giai_quyet"
    assert hotline.as_("phantich").get("/incidents").json["items"] == []
