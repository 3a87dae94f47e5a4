"""One agency leads, others take part: each has its own task, its own term and its own say (U-10)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from engine import model
from engine.flow.codec import data_of
from engine.notifiers import Message, Receipt
from engine.work.worker import Worker
from tests.drawing import draw, form
from tests.hotline import LIFE, PROVINCE, TYPE, Hotline, _text, refused

TOGETHER = """
sub phoi_hop "Phối hợp" multi=don_vi_phoi_hop item=don_vi results=y_kien_phoi_hop {
start bat_dau_phoi_hop
user gop_y "Phối hợp" group=${don_vi} form=gop_y term='${"gap" if don_vi == "so_yt_74" else "thuong"}'
boundary khong_phai on=gop_y message=msg_tra_lai
end xong_phoi_hop
end da_tra_lai
bat_dau_phoi_hop -> gop_y -> xong_phoi_hop
khong_phai -> da_tra_lai
}
boundary het_cho on=phoi_hop timer=PT12H
het_cho -> xu_ly
"""
OTHERS = ["so_yt_74", "ubnd_74_719", "mttq_74"]


class Post:
    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        return Receipt()


@pytest.fixture
def together(hotline: Hotline) -> Hotline:
    life = LIFE.replace("tiep_nhan -> xu_ly ->", "tiep_nhan -> phoi_hop -> xu_ly ->") + TOGETHER
    terms = '\ngap = {term = "PT1H", calendar = "24/7"}\nthuong = {term = "PT4H", calendar = "24/7"}\n'
    asked = {"type": "checklist", "id": "Field_pt", "key": "don_vi_phoi_hop", "label": "Phối hợp",
             "values": [{"label": one, "value": one} for one in OTHERS]}  # fmt: skip
    lead = {"type": "radio", "id": "Field_l", "key": "lead_agency", "label": "Chủ trì",
            "values": [{"label": one, "value": one} for one in ("ubnd_74_718", "ubnd_74_719")]}  # fmt: skip
    hotline.deploys(
        process__bpmn=draw(life, "PAKN"), type__toml=TYPE.format(secrecy="C2") + terms,
        province__toml=PROVINCE + '\n[texts.I03]\nsms = "[1022] {ma}: {don_vi} quá hạn {buoc}"\n',
        gop_y__form=form("gop_y", _text("y_kien")), phan_cong__form=form("phan_cong", lead, asked),
    )  # fmt: skip
    return hotline


def asked(hotline: Hotline, *others: str) -> str:
    number = hotline.receives()
    hotline.does("truc", number, lead_agency="ubnd_74_718", don_vi_phoi_hop=list(others))
    return number


def rows(hotline: Hotline, *columns: Any) -> list[Any]:
    with hotline.runtime.begin() as unit:
        return unit.all(select(*columns).order_by(columns[0]))


def open_groups(hotline: Hotline) -> list[str]:
    task = model.tasks.c
    return [row.group for row in rows(hotline, task.id, task.group, task.status) if row.status == "open"]


def test_each_agency_has_a_task_with_a_term_of_its_own(together: Hotline):
    number = asked(together, *OTHERS)

    terms = {row.group: row.due_at - row.created_at for row in rows(together, model.tasks.c.id, model.tasks.c.group,
             model.tasks.c.due_at, model.tasks.c.created_at) if row.due_at}  # fmt: skip
    assert open_groups(together) == OTHERS
    assert [terms[one].total_seconds() / 3600 for one in OTHERS] == [1, 4, 4]
    assert together.task("yte", number)["group"] == "so_yt_74"


def test_only_the_late_one_is_named(together: Hotline):
    number = asked(together, *OTHERS)
    together.does("binh", number, y_kien="Đã kiểm tra")
    post = Post()
    worker = Worker(together.runtime, {kind: post for kind in ("sms", "agency", "email", "zalo")}, {})

    together.waits(2)
    worker.tick()

    late = [message for message in rows(together, model.outbox.c.id, model.outbox.c.payload, model.outbox.c.topic)
            if message.topic == "I03"]  # fmt: skip
    assert late and all("Sở Y tế quá hạn Phối hợp" in one.payload["text"] for one in late)
    task = model.tasks.c
    marked = {row.group for row in rows(together, task.id, task.group, task.breached_at) if row.breached_at}
    assert marked == {"so_yt_74"}


def test_the_lead_goes_on_when_all_have_answered(together: Hotline):
    number = asked(together, "so_yt_74", "ubnd_74_719")
    together.does("binh", number, y_kien="hai")
    assert open_groups(together) == ["so_yt_74"]
    together.does("yte", number, y_kien="một")

    assert open_groups(together) == ["ubnd_74_718"]
    [instance] = rows(together, model.instances.c.state)
    said = data_of(instance.state)["y_kien_phoi_hop"]
    assert [(one["don_vi"], one["y_kien"]) for one in said] == [("so_yt_74", "một"), ("ubnd_74_719", "hai")]
    assert rows(together, model.deadlines.c.id, model.deadlines.c.name, model.deadlines.c.settled_at)[1].settled_at


def test_nobody_to_ask_is_nobody_to_wait_for(together: Hotline):
    asked(together)
    assert open_groups(together) == ["ubnd_74_718"]


def test_one_of_them_is_not_competent_and_only_its_part_is_returned(together: Hotline):
    number = asked(together, "so_yt_74", "ubnd_74_719")
    task = together.task("binh", number)

    answer = together.as_("binh").post(f"/tasks/{task['id']}/return", {"reason": "Ngoài địa bàn"})

    assert (answer.status_code, answer.json["status"]) == (200, "cancelled"), answer.text
    assert open_groups(together) == ["so_yt_74"]
    assert together.case(number)["returns"] == 0


def test_one_of_them_is_exchanged_for_another(together: Hotline):
    number = asked(together, "so_yt_74", "mttq_74")
    task = together.task("yte", number)
    body = {"agency": "ubnd_74_719", "reason": "Đúng địa bàn"}

    refused(together.as_("yte").post(f"/tasks/{task['id']}/reassign", body), 403, "not-allowed")
    unknown = together.as_("vanphong").post(f"/tasks/{task['id']}/reassign", body | {"agency": "nobody"})
    refused(unknown, 422, "invalid-request")
    with together.runtime.begin() as unit:
        ended = update(model.agencies).where(model.agencies.c.key == "tongdai_74")
        unit.execute(ended.values(valid_to=date(2021, 1, 1)))
    over = together.as_("vanphong").post(f"/tasks/{task['id']}/reassign", body | {"agency": "tongdai_74"})
    assert "'tongdai_74' is no more since 2021-01-01" in refused(over, 422, "invalid-request")
    answer = together.as_("vanphong").post(f"/tasks/{task['id']}/reassign", body)

    assert answer.status_code == 200, answer.text
    assert open_groups(together) == ["ubnd_74_719", "mttq_74"]
    together.does("binh", number, y_kien="xong")
    again = together.as_("vanphong").post(f"/tasks/{task['id']}/reassign", body)
    refused(again, 409, "wrong-state")


def test_a_task_of_the_lead_goes_with_the_case(together: Hotline):
    number = asked(together)
    task = together.task("phuong", number)
    body = {"agency": "ubnd_74_719", "reason": "Đúng địa bàn"}
    said = refused(together.as_("vanphong").post(f"/tasks/{task['id']}/reassign", body), 409, "wrong-state")
    assert "reassign the case" in said


def test_a_promise_that_nobody_made_is_an_incident_and_loses_nothing(together: Hotline):
    together.deploys(
        process__bpmn=draw(LIFE.replace("form=ket_qua status", "term=${so_ngay} form=ket_qua status"), "PAKN"),
        phan_cong__form=form("phan_cong", _text("lead_agency"), _text("so_ngay")),
    )
    number = together.receives()
    task = together.task("truc", number)
    answers = {"lead_agency": "ubnd_74_718", "so_ngay": "mai"}
    answer = together.as_("truc").post(f"/tasks/{task['id']}/complete", {"answers": answers})

    assert (answer.status_code, answer.json["status"]) == (200, "open")
    [incident] = rows(together, model.incidents.c.id, model.incidents.c.message)
    assert "no [deadlines.mai]" in incident.message
