"""External tasks as with Camunda: what fetching costs, who may answer late, and what the office sees of it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from engine import model
from engine.queues import outbox
from tests.hotline import Hotline
from tests.test_camunda import Rest, fetched, refused
from tests.test_camunda import worker as worker


def answers(worker: Rest, task: dict[str, Any], how: str = "complete", **more: Any) -> Any:
    return worker.post(f"/external-task/{task['id']}/{how}", {"workerId": "w1"} | more)


@pytest.mark.parametrize("how, more", [
    ("complete", {}), ("bpmnError", {"errorCode": "KHONG_CO"}), ("failure", {"retries": 0, "retryTimeout": 0}),
])  # fmt: skip
def test_who_answers_late_is_heard_as_long_as_no_other_has_fetched_the_task(
    hotline: Hotline, worker: Rest, how: str, more: dict[str, Any]
) -> None:
    number = hotline.receives()
    [task] = fetched(worker, "w1", 10_000)
    hotline.waits(1)
    with hotline.runtime.begin() as unit:
        outbox.reap(unit)
    assert worker.get(f"/external-task/{task['id']}").json["workerId"] is None

    assert "locked by nobody" in refused(answers(worker, task, how, **more | {"workerId": "w2"}), 400)
    assert answers(worker, task, how, **more).status_code == 204

    assert fetched(worker, "w2") == []
    assert hotline.case(number)["stuck"] is None or how != "complete"


def test_who_extends_a_lock_late_has_the_task_again(hotline: Hotline, worker: Rest) -> None:
    hotline.receives()
    [task] = fetched(worker, "w1", 10_000)
    hotline.waits(1)
    with hotline.runtime.begin() as unit:
        outbox.reap(unit)

    assert answers(worker, task, "extendLock", newDuration=60_000).status_code == 204

    assert fetched(worker, "w2") == []
    assert answers(worker, task).status_code == 204


def test_a_task_that_its_program_dies_of_stays_on_offer_behind_the_others_and_the_office_sees_it(
    hotline: Hotline, worker: Rest
) -> None:
    deadly = hotline.receives()
    for _ in range(12):
        [task] = fetched(worker)
        assert (task["businessKey"], task["retries"]) == (deadly, None)
        hotline.waits(61 / 3600)
    other = hotline.receives()
    hotline.waits(1 / 3600)

    assert [fetched(worker, f"w{n}", maxTasks=1)[0]["businessKey"] for n in range(2)] == [other, deadly]

    assert hotline.as_("vanphong").get("/incidents").json["items"] == []
    [stuck] = hotline.as_("vanphong").get("/cases", stuck="true").json["items"]
    assert (stuck["number"], stuck["stuck"]["reason"]) == (deadly, "unfinished")
    assert "fetched it 13 times, and none has answered" in stuck["stuck"]["why"]


def test_a_task_that_is_fetched_for_months_is_still_fetched(hotline: Hotline, worker: Rest) -> None:
    hotline.receives()
    with hotline.runtime.begin() as unit:
        unit.execute(update(model.outbox).values(attempts=32_767))  # as many as the column holds

    assert len(fetched(worker)) == 1


@pytest.mark.parametrize("reaped", [True, False])
def test_a_task_whose_program_is_gone_is_why_a_case_is_stuck(hotline: Hotline, worker: Rest, reaped: bool) -> None:
    number = hotline.receives()
    fetched(worker)
    assert hotline.as_("vanphong").get("/cases", stuck="true").json["items"] == []

    hotline.waits(7 / 60)
    if reaped:
        with hotline.runtime.begin() as unit:
            outbox.reap(unit)

    [stuck] = hotline.as_("vanphong").get("/cases", stuck="true").json["items"]
    assert (stuck["number"], stuck["stuck"]["reason"]) == (number, "unfinished")


def test_only_failures_cost_retries_and_given_back_is_not_fetched(hotline: Hotline, worker: Rest) -> None:
    hotline.receives()
    for _ in range(9):
        [task] = fetched(worker)
        assert worker.post(f"/external-task/{task['id']}/unlock").status_code == 204
    for left in (6, 5, 4):
        [task] = fetched(worker)
        assert answers(worker, task, "failure", errorMessage="bận").status_code == 204
        assert worker.get(f"/external-task/{task['id']}").json["retries"] == left
    [task] = fetched(worker)
    assert answers(worker, task, "failure", retries=1).status_code == 204
    [task] = fetched(worker)
    assert answers(worker, task, "failure").status_code == 204

    assert worker.get(f"/external-task/{task['id']}").json["retries"] == 0
    [dead] = hotline.as_("vanphong").get("/outbox", state="dead").json["items"]
    assert hotline.as_("vanphong").post(f"/outbox/{dead['id']}/resend").status_code == 200
    assert [one["retries"] for one in fetched(worker)] == [None]  # from the beginning


def test_only_a_token_that_was_made_for_it_serves(hotline: Hotline, worker: Rest) -> None:
    """An app that sends reports learns nothing of what diagrams tell services, and cannot answer for them."""
    hotline.receives()
    app = Rest(hotline, "app")
    wish = {"workerId": "w1", "maxTasks": 1, "topics": [{"topicName": "tra_cuu", "lockDuration": 60_000}]}

    said = refused(app.post("/external-task/fetchAndLock", wish), 403)
    assert said == "This token may not do the service calls of anything: it is for no scope by name, not for serve."
    assert app.get("/external-task").json == [] and len(worker.get("/external-task").json) == 1
    [task] = fetched(worker)
    refused(answers(app, task), 404)
    refused(app.get(f"/external-task/{task['id']}"), 404)

    assert answers(worker, task).status_code == 204
