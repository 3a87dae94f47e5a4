"""*Không thuộc thẩm quyền*: only the step that is returned goes back."""

from __future__ import annotations

from tests.drawing import draw
from tests.hotline import LIFE, refused


def test_giving_back_a_task_that_takes_no_returns_leaves_its_neighbour_alone(hotline):
    life = LIFE.replace(
        "end dong",
        "and chia\nuser bao_cao group=${lead_agency}\nend bao_cao_xong\ntell xin_loi text=T01 to=reporter\nend dong",
    )
    life = life.replace("tiep_nhan -> xu_ly ->", "tiep_nhan -> chia -> xu_ly ->")
    life = life.replace("tra_lai -> tiep_nhan", "tra_lai -> xin_loi -> dong") + "chia -> bao_cao -> bao_cao_xong\n"
    hotline.deploys(process__bpmn=draw(life, "PAKN"))
    number = hotline.assigned()
    tasks = {one["element"]: one["id"] for one in hotline.as_("phuong").get("/tasks", case=number).json["items"]}

    answer = hotline.as_("phuong").post(f"/tasks/{tasks['bao_cao']}/return", {"reason": "Không phải việc này"})

    refused(answer, 409, "wrong-state")
    assert set(tasks) == {"xu_ly", "bao_cao"}
    assert hotline.as_("phuong").get("/tasks", case=number).json["items"][0]["status"] == "open"
    returned = hotline.as_("phuong").post(f"/tasks/{tasks['xu_ly']}/return", {"reason": "Không phải việc này"})
    assert (returned.status_code, returned.json["status"]) == (200, "cancelled")


def test_nobody_sends_the_message_of_a_return_from_outside(hotline):
    number = hotline.assigned()

    answer = hotline.as_("app").post("/messages", {"case": number, "name": "msg_tra_lai", "payload": {}})

    refused(answer, 422, "invalid-request")
    assert hotline.task("phuong", number)["element"] == "xu_ly"
