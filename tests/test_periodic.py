"""Reports of weeks and months: once for each period, at their hour, to whom they were planned for."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, select

from engine import model, packages
from engine.flow.rules import timetable
from engine.notifiers import Message, Receipt, Undeliverable
from engine.notifiers.smtp import Smtp
from engine.people import accounts
from engine.work.worker import Worker
from tests.clock import VIETNAM
from tests.hotline import PROVINCE, Hotline, refused
from tests.test_ui_office import enters

PLAN = '''
[[reports]]
key = "tuan"
name = "Báo cáo tuần"
types = ["PAKN"]
every = "week"
at = "09:00"
to = ["mttq_74", "vp_74"]
channel = "sms"
text = "[1022] {ky}: {n} trường hợp, {x} xong, {d} quá hạn, {k} chưa đủ điều kiện."
'''
_numbers = count(1)


class Letters:
    def __init__(self, broken: bool = False) -> None:
        self.sent: list[Message] = []
        self.broken = broken

    def send(self, message: Message) -> Receipt:
        if self.broken:
            raise Undeliverable("no such mailbox")
        self.sent.append(message)
        return Receipt()


def held(hotline: Hotline, many: int, opened: str, **values: Any) -> None:
    at = datetime.fromisoformat(opened).replace(tzinfo=VIETNAM)
    with hotline.runtime.begin() as unit:
        definition = unit.scalar(select(model.definitions.c.id))
        case = {
            "definition_id": definition, "report_type": "PAKN", "province": "74", "channel": "zalo", "secrecy": "C2",
            "report": {}, "status": "moi", "opened_by": "test", "secret_hash": "", "opened_at": at,
            "due_at": at + timedelta(hours=5), "closed_at": at + timedelta(hours=1),
        }  # fmt: skip
        for _ in range(many):
            unit.execute(insert(model.cases), case | values | {"number": f"1022.BD.20210901.{next(_numbers):05}"})


def plans(hotline: Hotline, plan: str = PLAN) -> None:
    with hotline.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(PROVINCE + plan))


def goes_to(hotline: Hotline, when: str) -> None:
    hotline.clock.advance(datetime.fromisoformat(when).replace(tzinfo=VIETNAM) - hotline.clock())


def test_a_week_is_reported_once_at_its_hour_by_however_many_nodes(hotline: Hotline) -> None:
    post = Letters()
    one, other = (Worker(hotline.runtime, {"sms": post}) for _ in range(2))
    plans(hotline)
    held(hotline, 6, "2021-09-05T23:59:59")  # Sunday: of the week before
    held(hotline, 20, "2021-09-06T00:00:00")
    held(hotline, 7, "2021-09-12T23:00:00", closed_at=None)  # overdue by then
    held(hotline, 2, "2021-09-08T08:00:00", outcome="chua_du_dieu_kien")
    goes_to(hotline, "2021-09-13T08:59:59")
    assert one.make_reports() == 1  # the week that ended a week ago; it is too early for this one

    goes_to(hotline, "2021-09-13T09:00:00")

    assert [one.by_the_clock(), other.by_the_clock(), one.by_the_clock()] == [1, 0, 0]
    one.drain(), other.drain()
    week = [letter for letter in post.sent if "36" in letter.subject]
    assert sorted(letter.to for letter in week) == sorted(address(hotline, "mttq_74", "vp_74"))
    hidden = "(không nêu: ít người)"
    assert {(letter.text, letter.province, letter.case_number) for letter in week} == {
        (f"[1022] tuần 36/2021: 29 trường hợp, 22 xong, 7 quá hạn, {hidden} chưa đủ điều kiện.", "74", ""),
    }  # fmt: skip
    assert len(post.sent) == 4
    newest, older = hotline.as_("vanphong").get("/periodic-reports").json["items"]
    assert (newest["begins"], newest["ends"], newest["figures"]["n"]) == ("2021-09-06", "2021-09-13", "29")
    assert (older["begins"], older["text"] == newest["text"]) == ("2021-08-30", False)


def test_who_starts_late_sends_the_last_period_only(hotline: Hotline) -> None:
    plans(hotline)
    worker = Worker(hotline.runtime, {"sms": Letters()})
    assert worker.make_reports() == 1
    goes_to(hotline, "2021-10-20T12:00:00")

    assert [worker.make_reports(), worker.make_reports()] == [1, 0]

    assert [one["begins"] for one in sent(hotline, "vanphong")] == ["2021-10-11", "2021-08-23"]


def test_a_month_is_reported_to_whom_it_was_planned_for_and_shown_to_nobody_else(hotline: Hotline) -> None:
    monthly = PLAN.replace('"week"', '"month"').replace('["mttq_74", "vp_74"]', '["vp_74"]')
    plans(hotline, monthly)
    held(hotline, 5, "2021-08-31T23:59:59")
    held(hotline, 9, "2021-09-01T00:00:00")

    Worker(hotline.runtime, {}).make_reports()

    [made] = sent(hotline, "vanphong")
    assert (made["begins"], made["ends"], made["sent_to"]) == ("2021-08-01", "2021-09-01", ["vp_74"])
    assert made["text"].startswith("[1022] tháng 08/2021: 5 trường hợp, 5 xong, 0 quá hạn")
    assert sent(hotline, "mattran") == []
    refused(hotline.as_("phuong").get("/periodic-reports"), 403, "not-allowed")


def test_a_report_that_was_given_up_is_seen_by_the_office_and_sent_again(hotline: Hotline) -> None:
    plans(hotline)
    post = Letters(broken=True)
    worker = Worker(hotline.runtime, {"sms": post})
    hotline.assigned()
    worker.make_reports()
    worker.drain()

    office = hotline.as_("vanphong")
    dead = [one for one in office.get("/outbox", state="dead").json["items"] if one["case"] is None]
    assert {(one["agency"], one["topic"], one["report_type"]) for one in dead} == {
        ("vp_74", "tuan", None), ("mttq_74", "tuan", None),
    }  # fmt: skip
    assert "no such mailbox" in dead[0]["last_error"]
    assert all(one["case"] for one in office.get("/outbox", case=hotline.receives()).json["items"])
    at = f"/outbox/{dead[0]['id']}"
    for login, status in (("phuong", 404), ("mattran", 404), ("truc", 404)):
        assert hotline.as_(login).get(at).status_code == status, login
        assert hotline.as_(login).post(f"{at}/resend").status_code == status, login
    elsewhere(hotline)
    assert hotline.as_("noikhac").get("/outbox").json["items"] == []
    refused(hotline.as_("noikhac").post(f"{at}/resend"), 404, "not-found")

    who = enters(hotline, "vanphong")
    assert "Có 2 báo cáo định kỳ không gửi được" in who.opens("/tinh").text
    page = who.opens("/tinh/ket")
    assert "no such mailbox" in page.text and len(page.find("//form[contains(@action, '/bao-cao/')]")) == 2
    forms, again = page.find("//main//form"), f"/tinh/ket/bao-cao/{dead[1]['id']}/gui-lai"
    mended = [one.get("action") for one in forms].index(again)
    post.broken = False
    assert "Đã xếp vào hàng gửi lại: Báo cáo tuần" in who.sends(page, form=mended).text
    assert office.post(f"{at}/resend").json["state"] == "ready"
    refused(office.post(f"{at}/resend"), 409, "wrong-state")
    worker.drain()
    reports = [one for one in post.sent if not one.case_number]
    assert sorted(one.to for one in reports) == sorted(address(hotline, "mttq_74", "vp_74"))
    assert office.get(at).json["state"] == "sent" and "không gửi được" not in who.opens("/tinh").text
    assert len(sent(hotline, "vanphong")) == 1


def elsewhere(hotline: Hotline) -> None:
    """Another province's office has somebody: ``noikhac``."""
    other = PROVINCE.replace('code = "74"', 'code = "99"').replace("_74", "_99")
    other = other.replace("718", "998").replace("719", "999")
    with hotline.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(other))
        accounts.create(unit, {"login": "noikhac", "name": "x", "role": "office", "agency": "vp_99"}, None)
        hotline.tokens["noikhac"] = accounts.issue(unit, accounts.account(unit, "noikhac"), "test").token


def test_a_letter_has_its_table_with_it() -> None:
    file = {"name": "tuan.csv", "content": "Kỳ,tuần 36\r\ntiếp nhận,29\r\n"}
    message = Message("email", "report:1", "hdnd@example.vn", "29", "Báo cáo", {"file": file})
    smtp = Smtp("localhost", "1022@example.vn", lambda: datetime.now(VIETNAM), tls="none")

    [attached] = smtp._letter(message).iter_attachments()

    assert attached.get_filename() == "tuan.csv"
    assert attached.get_content().removeprefix("\ufeff").splitlines() == ["Kỳ,tuần 36", "tiếp nhận,29"]


@pytest.mark.parametrize(("was", "now", "said"), [
    ('"week"', '"day"', 'every = "week" or "month"'), ('"09:00"', '"9h"', "time of day"),
    ('"sms"', '"fax"', "channel"), ('"mttq_74"', '"khong_co"', "agencies"), ("{ky}", "{ten}", "braces"),
    ("{ky}", "{n.real}", "braces"), ("{ky}", "{", "braces"), ('["PAKN"]', '"PAKN"', "report types"),
    ('key = "tuan"', 'ky = "tuan"', "once and nothing else"),
])  # fmt: skip
def test_a_plan_that_is_wrong_is_told_what_to_write(was: str, now: str, said: str) -> None:
    agencies = {"mttq_74", "vp_74"}
    assert list(timetable.faults(tomllib.loads(PLAN)["reports"], agencies)) == []

    [fault] = timetable.faults(tomllib.loads(PLAN.replace(was, now))["reports"], agencies)

    assert said in fault


def sent(hotline: Hotline, login: str) -> list[Any]:
    return hotline.as_(login).get("/periodic-reports").json["items"]


def address(hotline: Hotline, *keys: str) -> list[str]:
    with hotline.runtime.read() as unit:
        return [row.phone for row in unit.all(select(model.agencies).where(model.agencies.c.key.in_(keys)))]
