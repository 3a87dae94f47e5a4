"""The operator's page without a browser: what is written becomes a case or a contact, once, or comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine import model
from tests.province import CITIZEN, Province
from tests.test_ui_work import logged_in, said
from tests.visitor import Page, Visitor, codes, style_free

DESK = "/tiep-nhan"
SAID: dict[str, Any] = {
    "phone": "0912 345 678", "name": "Nguyễn Văn Bình", "loai": "BDKK", "known": "BDKK", "noi": "Thủ Dầu Một",
    "a__noi_dung": "Nhà bốn người hết gạo", "a__loai_y_kien": "de_nghi", "a__luong_thuc": "het_hom_nay",
    "a__nguoi_yeu_the": "co", "gui": "1",
}  # fmt: skip


@pytest.fixture
def desk(province: Province) -> Visitor:
    return logged_in(province, "tongdai_74")


def writes(desk: Visitor, page: Page | None = None, **more: Any) -> Page:
    page = page or desk.opens(f"{DESK}?loai=BDKK")
    (call,) = [number for number, form in enumerate(page.find("//main//form")) if form.get("id") == "call"]
    return desk.sends(page, form=call, **SAID | more)


def kept(province: Province, table: Any) -> list[Any]:
    with province.runtime.read() as unit:
        return unit.all(select(table).order_by(table.c.id))


def test_a_call_becomes_a_case_and_its_codes_are_read_out(province: Province, desk: Visitor):
    taken = writes(desk, b_name="Trần Thị Hoa", b_phone="0987654321")

    number, secret = codes_aloud(taken)
    province.secrets[number] = secret
    assert taken.url == f"{DESK}/da-nhan" and style_free(taken)
    (case,) = kept(province, model.cases)
    assert (case.number, case.channel, case.area) == (number, "dien_thoai", "718")
    assert [(one.part, one.name) for one in kept(province, model.people)] == [
        ("reporter", "Nguyễn Văn Bình"), ("beneficiary", "Trần Thị Hoa"),
    ]  # fmt: skip
    assert [(one.outcome, one.case_id) for one in kept(province, model.contacts)] == [("case", case.id)]


def codes_aloud(page: Page) -> list[str]:
    return codes(page) or [one.text_content() for one in page.find("//*[contains(@class, 'aloud')]")]


def test_a_page_sent_twice_is_one_case(province: Province, desk: Visitor):
    page = desk.opens(f"{DESK}?loai=BDKK")

    first, again = writes(desk, page), writes(desk, page)

    assert codes_aloud(first) == codes_aloud(again) and len(kept(province, model.cases)) == 1


def test_what_is_wrong_is_said_and_what_was_written_stays(province: Province, desk: Visitor):
    for wrong, sentence in (
        ({"phone": "12"}, "Số điện thoại chưa đúng. Hãy viết như 0912345678."),
        ({"noi": "Xứ không có"}, "Không có quận, huyện, phường, xã nào tên như vậy."),
        ({"a__noi_dung": " "}, "Hãy điền “Nội dung”."),
        ({"loai": ""}, "Hãy chọn loại việc."),
    ):
        page = writes(desk, **wrong)
        assert page.status == 422 and sentence in page.faults, (sentence, page.faults)
        assert "Nguyễn Văn Bình" in page.source and kept(province, model.cases) == []


def test_a_key_chooses_the_type_and_a_type_brings_its_questions(province: Province, desk: Visitor):
    branch = {"key": "5", "name": "Khó khăn", "report_type": "BDKK"}
    assert province.as_("vpubnd_74").post("/branches", branch).status_code == 201
    page = desk.opens(DESK)
    assert page.find("//select[@name='phim']/option/@value") == ["", "5"] and not page.find("//*[@name='a.noi_dung']")

    followed = desk.sends(page, form=2, phim="5", refresh="1")

    assert followed.find("//select[@name='loai']/option[@selected]/@value") == ["BDKK"]
    assert followed.find("//*[@name='a.noi_dung']") and followed.status == 200


def test_what_this_number_reported_before_and_what_is_open_there_is_shown(province: Province, desk: Visitor):
    number = province.receives("BDKK", area="718")

    page = desk.opens(f"{DESK}?phone=0912345678&loai=BDKK&noi=Thu+Dau+Mot")

    assert len(page.find(f"//a[contains(@href, '{number}')]")) == 2 and CITIZEN not in page.source
    assert "Chưa có vụ việc nào của số này." in desk.opens(f"{DESK}?phone=0987654321").text


def test_answered_at_once_is_a_contact_and_nothing_of_the_caller(province: Province, desk: Visitor):
    page = desk.sends(desk.opens(DESK), topic="Giờ làm việc", phim="")

    assert said(page) == "Đã ghi cuộc gọi trả lời ngay."
    (contact,) = kept(province, model.contacts)
    assert (contact.outcome, contact.topic, contact.channel) == ("answered", "Giờ làm việc", "dien_thoai")
    assert kept(province, model.people) == [] and contact.ended_at is not None


def test_a_call_of_the_exchange_is_chosen_and_counted_once(province: Province, desk: Visitor):
    narrow = province.as_("tongdai_74").post("/tokens", {"label": "tổng đài", "scopes": ["report"]}).json["token"]

    def rings(call_id: str) -> int:
        ring = {"event": "newCall", "callId": call_id, "from": CITIZEN, "to": "1022", "direction": "in"}
        exchange = province.as_(None).call("POST", f"/cti/{narrow}", data=ring)
        return int(exchange.json["contact"])

    case, at_once = rings("a"), rings("b")
    page = desk.opens(f"{DESK}?loai=BDKK&contact={at_once}")
    assert [one.get("value") for one in page.find("//select[@name='contact']/option")] == ["", str(at_once), str(case)]
    desk.sends(page, topic="Giờ làm việc", phim="")
    (number, secret) = codes_aloud(writes(desk, page, contact=str(case)))
    province.secrets[number] = secret

    assert {row.id: row.outcome for row in kept(province, model.contacts)} == {case: "case", at_once: "answered"}
    again = writes(desk, page, contact=str(at_once), key="another")
    assert "Cuộc gọi này đã có người ghi: hãy chọn cuộc gọi khác." in again.faults
    assert desk.opens(DESK).find("//select[@name='contact']") == []


def test_places_are_found_while_somebody_types(province: Province, desk: Visitor):
    found = desk.client.get(f"{DESK}/noi?q=thu+dau").json

    assert any("[718]" in name for name in found), found
    assert desk.client.get(f"{DESK}/noi?q=zzz").json == []
    assert writes(desk, noi=next(name for name in found if "[718]" in name)).status == 200


def test_who_may_not_report_has_no_types_to_choose(province: Province):
    page = logged_in(province, "mttq_74").opens(DESK)

    assert [one for one in page.find("//select[@name='loai']/option/@value") if one] == []


def test_a_call_back_is_promised_for_a_time_and_comes_due_then(province: Province, desk: Visitor):
    page = desk.opens(DESK)
    assert page.find("//*[@id='luc']/@value") == ["08:35"] and "Không còn ai chờ gọi lại." in page.text
    assert "Chưa hẹn được" in said(desk.sends(page, form=1, luc="08:30"), "refusal")
    refused = desk.sends(page, form=1, phone="0912345678", luc="25:00")
    assert "Chưa hẹn được" in said(refused, "refusal")
    assert refused.find("//*[@id='luc' or @id='phone']/@value") == ["25:00", "0912345678"]

    promised = desk.sends(page, form=1, phone="0912345678", luc="08:30")
    assert said(promised) == "Đã hẹn gọi lại lúc 08:30 03/09/2021."
    (case,) = kept(province, model.cases)
    assert (case.report_type, case.status) == ("BDGN", "hen_goi_lai")
    (later,) = promised.find("//ul[@id='later']/li")
    assert "08:30 03/09/2021" in later.text_content() and case.number in later.text_content()
    province.waits(timedelta(minutes=31))
    page = desk.opens(DESK)
    (task,) = page.find("//*[@id='callbacks']//a[@data-shortcut='F10']/@href")
    assert "Hẹn gọi lại lúc 08:30 03/09/2021" in page.text and not page.find("//*[@id='later']")
    form = desk.opens(task)
    asks = next(n for n, one in enumerate(form.find("//main//form")) if one.get("action").endswith("/nguoi-bao"))
    form = desk.sends(form, form=asks)  # whom to call stands beside the form, and the way back is kept
    assert form.find("//*[@id='people']//a/@href") == [f"tel:{CITIZEN}"] and style_free(form)
    at = next(n for n, one in enumerate(form.find("//main//form")) if "data-keyboard" in one.attrib)
    back = desk.sends(form, form=at, a__ket_qua_goi="goi_nham")
    assert back.url == DESK and "Đã hoàn thành" in said(back) and style_free(back)
    assert desk.sends(form, form=at, a__ket_qua_goi="goi_nham", ve="//evil.example").url.startswith("/viec")


def test_a_caller_is_put_through_to_115_by_the_second(province: Province):
    desk = logged_in(province, "tongdai_01")
    branch = {"key": "1", "name": "Cấp cứu", "report_type": "CC115", "transfer_to": "115"}
    assert province.as_("vpubnd_01").post("/branches", branch).status_code == 201
    taken = desk.sends(desk.opens(f"{DESK}?phim=1"), form=2, phone="0912345678", phim="1", phim_cu="1", loai="CC115",
                       known="CC115", gui="1")  # fmt: skip
    (clock,) = taken.find("//*[@data-counts]")
    assert "Cả cuộc gọi" in clock.getparent().text_content() and taken.find("//*[@id='line']/@hx-get")
    with province.runtime.read() as unit:  # looking every two seconds at nothing that was said is no view of the case
        assert unit.all(select(model.events).where(model.events.c.kind == "case-viewed")) == []
    form = desk.opens(taken.find("//a[@data-shortcut='F9']/@href")[0])
    at = next(n for n, one in enumerate(form.find("//main//form")) if "data-keyboard" in one.attrib)
    said_at = {"trieu_chung": "dau_nguc", "tinh_tao": "co", "area": "001", "dia_diem": "Số 5 phố Phan Đình Phùng"}
    line = desk.sends(form, form=at, **{f"a__{name}": value for name, value in said_at.items()})

    assert line.url == f"{DESK}/da-nhan" and "Đang nối máy 115" in line.text and style_free(line)
    assert "Nối máy đến số 115" in " ".join(line.text.split())
    at = next(n for n, one in enumerate(line.find("//main//form")) if one.get("action").endswith("/msg_ket_qua_115"))
    assert "115 nhận máy" in line.find("//main//form")[at].text_content()
    through = desk.sends(line, form=at)
    assert "Đã nối máy 115" in through.text and not through.find("//*[@data-counts]")
    assert "không còn chờ" in said(desk.sends(line, form=at), "refusal")
