"""The handler's pages without a browser: the worklist, a task done or handed on, a case's file."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from engine import model
from tests.province import CITIZEN, Province
from tests.visitor import Page, Visitor, refused, style_free
from webapi.ui import door

HANDLER = "ubnd_74_718"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x1cIDAT" + b"\0" * 32


def logged_in(province: Province, who: str) -> Visitor:
    """An agency's first person, with the session that a log-in would have made (tests/test_ui_login.py logs in)."""
    visitor = Visitor(province.app)
    with visitor.client.session_transaction() as session:
        session[door.TOKEN], session[door.SEEN] = province.shipped.tokens[who], int(province.clock.now.timestamp())
    return visitor


@pytest.fixture
def handler(province: Province) -> Visitor:
    return logged_in(province, HANDLER)


def task(province: Province, number: str, element: str = "don_vi_nhan", group: str = HANDLER) -> str:
    return f"/viec/{province.task(number, element, group)['id']}"


def posts(visitor: Visitor, page: Page, to: str, **values: Any) -> Page:
    """The form of a page that goes to an address."""
    forms = page.find("//main//form")
    (number,) = [index for index, form in enumerate(forms) if (form.get("action") or "") == to]
    return visitor.sends(page, form=number, **values)


def said(page: Page, tone: str = "flash") -> str:
    return " ".join(one.text_content().strip() for one in page.find(f"//p[@class='{tone}']"))


# -- the list ------------------------------------------------------------------------------------------------------


def test_the_worklist_shows_the_agencys_work_due_first_in_colour_and_words(province: Province, handler: Visitor):
    late = province.passes_on("BDTT", area="718")
    province.waits("45 minutes")
    fresh = province.passes_on("BDKK", area="718")

    page = handler.opens("/viec")

    assert page.status == 200 and style_free(page)
    assert re.findall(r"1022\.BD\.\d{8}\.\d{5}", page.text) == [late, fresh]
    assert "quá hạn" in page.find("//*[@class='clock is-late']")[0].text_content()
    assert [one.text_content() for one in page.find("//*[@class='count']")] == ["0", "2", "2"]
    assert late not in logged_in(province, "ubnd_74_726").opens("/viec").text


def test_filters_stand_in_the_address_and_narrow_list_and_counts(province: Province, handler: Visitor):
    province.passes_on("BDTT", area="718")
    number = province.passes_on("BDKK", area="718", noi_dung="Hết gạo từ hôm qua")

    found = {"loai=BDKK": 1, "q=het+gao": 1, "khu=718": 2, "khu=719": 0, "q=1022.X": 0, f"q={number.lower()}": 1,
             f"q={number[:-1]}": 0, "q=1022.BD.20210903.99999": 0}  # fmt: skip
    for query, rows in found.items():
        page = handler.opens(f"/viec?xem=tat-ca&{query}")
        assert len(page.find("//tbody/tr")) == rows, query
        counts = [one.text_content() for one in page.find("//*[@class='count']")]
        assert counts[2:] == ([] if query.startswith("q=") else [str(rows)]), query
        assert page.find(f"//a[contains(@href, '{query.partition('=')[0]}=')]") and "Bỏ lọc" in page.text, query


def test_a_filter_is_kept_under_a_name_counted_and_dropped(province: Province, handler: Visitor):
    number = province.passes_on("BDKK", area="718")
    narrowed = handler.opens("/viec?xem=chua-nhan&loai=BDKK&khu=718")
    proposed = narrowed.find("//*[@class='kept']//input[@name='name']/@value")
    assert proposed == ["Khó khăn của người dân · Thành phố Thủ Dầu Một"]

    kept = posts(handler, narrowed, "/viec/bo-loc")
    assert said(kept) == "Đã giữ bộ lọc." and number in kept.text
    assert chips(kept) == [(proposed[0], "1")] and kept.find("//*[@class='kept']//a[@aria-current]")
    posts(handler, handler.opens("/viec?q=gạo"), "/viec/bo-loc", name=" Thiếu  gạo ")
    again = posts(handler, handler.opens("/viec?loai=BDTT"), "/viec/bo-loc", name=proposed[0])
    assert chips(again) == [("Thiếu gạo", None), (proposed[0], "0")]  # of the same name: the later one
    later = handler.opens(again.find("//*[@class='kept']/ul/@hx-get")[0])  # words are counted when the page is there
    assert [one.text_content() for one in later.find("//li/a/span")] == ["0", "0"]
    assert not later.find("//ul/@hx-get")
    nameless = posts(handler, handler.opens("/viec?q=x"), "/viec/bo-loc", name=" ")
    assert nameless.status == 422 and "không quá 60 ký tự" in nameless.text
    assert posts(handler, narrowed, "/viec/bo-loc", loai="", khu="").status == 422  # looks for nothing

    colleague = logged_in(province, "ubnd_74_726")
    theirs = colleague.opens("/viec")
    assert chips(theirs) == []
    (drop, _other) = again.find("//*[@class='kept']//form[contains(@action, '/bo')]/@action")[:2]
    colleague.posts(drop, {"csrf_token": theirs.find("//meta[@name='csrf-token']/@content")[0]})
    assert len(chips(handler.opens("/viec"))) == 2  # another's is not theirs to drop
    assert chips(posts(handler, again, drop)) == [(proposed[0], "0")]


def chips(page: Any) -> list[tuple[str, str | None]]:
    """The kept filters of a worklist, and how much each finds."""
    links = page.find("//*[@class='kept']//li/a")
    counts = [one.xpath("string(span)") or None for one in links]
    return [(one.text.strip(), count) for one, count in zip(links, counts, strict=True)]


def test_several_are_claimed_at_once_and_what_others_took_is_left_to_them(province: Province, handler: Visitor):
    numbers = [province.passes_on("BDTT", area="718") for _one in range(2)]
    page = handler.opens("/viec?xem=chua-nhan")
    chosen = page.find("//input[@name='task']/@value")
    assert len(chosen) == 2
    province.does(HANDLER, numbers[0], "don_vi_nhan")  # done meanwhile

    after = posts(handler, page, "/viec/nhan", task=chosen)

    assert said(after) == "Đã nhận 1 việc." and "1 việc không nhận được" in said(after, "refusal")
    assert after.url == "/viec?xem=toi" and numbers[1] in after.text and numbers[0] not in after.text
    assert said(posts(handler, handler.opens("/viec"), "/viec/nhan"), "refusal") == "Chưa chọn việc nào."


def test_the_worklist_goes_on_after_the_last_row_and_asks_little(
    province: Province, handler: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("webapi.ui.worklist.ROWS", 2)
    numbers = [province.passes_on("BDTT", area="718") for _one in range(3)]
    handler.opens("/viec")
    asked: list[str] = []
    event.listen(province.runtime.database.engine, "before_cursor_execute",
                 lambda *facts: asked.append(facts[2]))  # fmt: skip

    first = handler.opens("/viec?xem=tat-ca")
    looks = [one for one in asked if one.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert len(looks) <= 5, looks  # the fourth: who is asking; the fifth: what filters they keep
    (onward,) = first.find("//a[@rel='next']/@href")
    second = handler.opens(onward)

    seen = [[number for number in numbers if number in page.text] for page in (first, second)]
    assert seen == [numbers[:2], numbers[2:]]


# -- a task --------------------------------------------------------------------------------------------------------


def test_a_task_is_claimed_answered_and_the_case_moves_on(province: Province, handler: Visitor):
    number = province.passes_on("BDTT", area="718")
    where = task(province, number)
    page = handler.opens(where)
    assert page.status == 200 and style_free(page) and "chưa ai nhận" in page.text
    assert "Nhờ tổng đài giúp đỡ" in page.text and CITIZEN not in page.text and "Nguyễn Văn Bình" not in page.text

    page = posts(handler, page, f"{where}/buoc/nhan")
    assert said(page) == "Đã nhận việc." and page.url == where
    assert "ông (bà) đang giữ" in page.text
    done = posts(handler, page, where, a__nguoi_duoc_giao="Đội quản lý trật tự")

    assert said(done) == "Đã hoàn thành. Vụ việc đã chuyển bước tiếp theo."
    assert province.case(number)["status"] == "dang_xac_minh"
    gone = handler.opens(where)
    assert "đã xong" in gone.text and not gone.find(f"//form[@action='{where}']")


def test_the_reporter_is_written_to_unseen_and_known_once_a_second_person_has_agreed(
    province: Province, handler: Visitor
):
    number = province.passes_on("BDTT", area="718")
    case, office = f"/vu-viec/{number}", logged_in(province, "vpubnd_74")
    where = task(province, number)
    page = handler.opens(where)
    assert style_free(page) and "Xem người báo" not in page.text and "Hôm nay còn 5 tin" in page.text

    page = posts(handler, page, f"{case}/buoc/nhan-tin", text="Nhà số mấy ạ?")
    assert said(page) == "Đã giao tổng đài nhắn người báo." and page.url == where and "còn 4 tin" in page.text
    assert "Nhắn người báo qua tổng đài" in page.text and CITIZEN not in page.text and "tel:" not in page.source
    assert "Chưa nhắn được" in said(posts(handler, page, f"{case}/buoc/nhan-tin", text=" "), "refusal")
    assert "hãy ghi lý do" in said(posts(handler, page, f"{case}/buoc/xin-biet", reason=""), "refusal")
    page = posts(handler, page, f"{case}/buoc/xin-biet", reason="Phải đến tận nhà")
    assert "đang chờ người thứ hai đồng ý" in page.text and "Xem người báo" not in page.text
    assert handler.opens("/tinh/nguoi-bao").status == 403

    assert "Có một đề nghị được biết người báo" in office.opens("/tinh").text
    asked = office.opens("/tinh/nguoi-bao")
    assert "Phải đến tận nhà" in asked.text and style_free(asked)
    (agree, refuse) = asked.find("//main//form/@action")
    assert refuse in office.opens(case).source
    assert "được biết người báo trong 24 giờ" in said(posts(office, asked, agree))
    assert "đã được trả lời" in said(posts(office, asked, refuse), "refusal")

    page = handler.opens(where)
    assert "Ông (bà) được biết người báo đến" in page.text
    seen = posts(handler, page, f"{where}/nguoi-bao")
    assert "Nguyễn Văn Bình" in seen.text and "Lần xem này đã được ghi" in seen.text
    assert f'href="tel:{CITIZEN}">{CITIZEN}</a>' in seen.source, "the telephone calls it"
    province.waits("1 day")
    assert "Xem người báo" not in handler.opens(where).text
    assert handler.opens(case).status == 200 and "Nguyễn Văn Bình" not in handler.opens(case).text


def test_wrong_answers_come_back_with_what_was_written(province: Province, handler: Visitor):
    number = province.passes_on("BDTT", area="718")
    province.does(HANDLER, number, "don_vi_nhan")
    where = task(province, number, "xac_minh")
    page = handler.opens(where)

    back = posts(handler, page, where, a__noi_dung_xac_minh="Đã đến tận nơi", a__ket_qua_ngan="")

    assert back.status == 422 and back.faults and "Đã đến tận nơi" in back.source
    assert province.tasks(number) == {"xac_minh": HANDLER}


def test_a_task_done_by_somebody_else_meanwhile_is_a_sentence(province: Province, handler: Visitor):
    number = province.passes_on("BDTT", area="718")
    where = task(province, number)
    page = handler.opens(where)
    province.does(HANDLER, number, "don_vi_nhan")

    late = posts(handler, page, where, a__nguoi_duoc_giao="Đội 2")
    claimed = posts(handler, page, f"{where}/buoc/nhan")

    assert "Việc này đã chuyển sang bước khác" in said(late, "refusal")
    assert "Chưa nhận được" in said(claimed, "refusal")


def test_not_our_competence_goes_back_to_the_desk_with_its_reason(province: Province, handler: Visitor):
    number = province.passes_on("BDTT", area="718")
    where = task(province, number)
    page = handler.opens(where)

    empty = posts(handler, page, f"{where}/buoc/tra-lai", reason=" ")
    assert "hãy ghi lý do" in said(empty, "refusal") and province.tasks(number) == {"don_vi_nhan": HANDLER}
    back = posts(handler, page, f"{where}/buoc/tra-lai", reason="Thuộc huyện Bàu Bàng")

    assert said(back) == "Đã trả lại nơi phân công." and province.tasks(number) == {"phan_cong_lai": "tongdai_74"}
    assert "Trả lại, không thuộc thẩm quyền: Thuộc huyện Bàu Bàng" in handler.opens(f"/vu-viec/{number}").text


def test_another_agencys_task_is_not_there(province: Province):
    number = province.passes_on("BDTT", area="718")
    stranger = logged_in(province, "ubnd_74_726")

    assert stranger.opens(task(province, number)).status == 404
    assert stranger.opens(f"/vu-viec/{number}").status == 404
    assert stranger.opens(f"/vu-viec/{number}/so-do.bpmn").status == 404


def test_what_the_answers_hide_is_told_while_somebody_chooses(province: Province, handler: Visitor):
    number = province.receives("BDKK", area="718")
    desk = logged_in(province, "tongdai_74")
    where = task(province, number, "phan_loai", "tongdai_74")
    page = desk.opens(where)
    (token,) = page.find("//meta[@name='csrf-token']/@content")

    one, other = (desk.client.post(f"{where}/an", data={"csrf_token": token, "a.quyet_dinh": said}).json
                  for said in ("bo_sung", "chuyen_xu_ly"))  # fmt: skip

    assert one != other


# -- the case ------------------------------------------------------------------------------------------------------


def test_the_case_is_extended_and_its_due_time_tells_its_story(province: Province, handler: Visitor):
    number = province.passes_on("BDKK", area="718")
    page = handler.opens(f"/vu-viec/{number}")
    assert "theo quy định" in page.text
    due = model.cases.c.due_at
    with province.runtime.read() as unit:
        at = unit.scalar(select(due).where(model.cases.c.number == number)) + timedelta(hours=8)
    until = f"{at:%Y-%m-%dT%H:%M}"

    early = posts(handler, page, f"/vu-viec/{number}/buoc/gia-han", until="2021-01-01T00:00", reason="Chờ hàng")
    assert "Chưa gia hạn được" in said(early, "refusal")
    posts(handler, page, f"/vu-viec/{number}/buoc/gia-han", until=until, reason="Chờ hàng")

    assert "Chờ hàng" in handler.opens(f"/vu-viec/{number}").text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_typed_is_still_there_when_it_was_refused(province: Province, handler: Visitor):
    number, office = province.passes_on("BDTT", area="718"), logged_in(province, "vpubnd_74")
    step, long = f"/vu-viec/{number}/buoc", "Đường hỏng " * 200
    page = office.opens(f"/vu-viec/{number}")

    early = refused(office, page, f"{step}/gia-han", until="2021-01-01T00:00", reason="Chờ\nhàng")
    assert "Chưa gia hạn được: hãy ghi lý do" in early
    assert "ghi lý do" in refused(office, page, f"{step}/giao-don-vi", agency="ubnd_74_719", reason=" ")
    for into in ("1022.BD.20210903.99999", number.lower(), "không nhớ"):
        assert "mã số của một vụ việc khác" in refused(office, page, f"{step}/gop", into=into)
    task_page = handler.opens(where := task(province, number))
    assert "hãy ghi lý do" in refused(handler, task_page, f"{where}/buoc/tra-lai", reason=long)
    assert "hãy viết từ 1" in refused(handler, task_page, f"{step}/ghi-chu", text=long * 2, public="1")
    english = handler.sends(task_page, to=f"{step}/ghi-chu", text="").find("//div[@class='corner']/a/@href")[0]
    assert handler.opens(english).url == f"{where}?lang=en"  # the page's own address, not the one it was sent to

    assert office.sends(page, to=f"/vu-viec/{number}0/buoc/ghi-chu", back="/vu-viec/0", text="").status == 404


def test_comments_and_files_are_added_and_files_are_only_for_who_may_read(province: Province, handler: Visitor):
    number = province.passes_on("BDTT", area="718")
    where = f"/vu-viec/{number}"
    page = handler.opens(where)

    assert said(posts(handler, page, f"{where}/buoc/ghi-chu", text="Đã gọi lại", public=None)) == "Đã ghi."
    assert "hãy viết" in said(posts(handler, page, f"{where}/buoc/ghi-chu", text=" "), "refusal")
    assert said(posts(handler, page, f"{where}/tep", files=[("ảnh.png", PNG), ("b.png", PNG)])) == "Đã thêm 2 tệp."
    assert "Chưa nhận được" in said(posts(handler, page, f"{where}/tep", files=[("rỗng.txt", b"")]), "refusal")

    page = handler.opens(where)
    assert "Đã gọi lại" in page.text and "nội bộ" in page.text
    told = [one.text_content().strip() for one in page.find("//ol[@class='timeline']//*[@class='said']")]
    at = told.index("Ghi chú nội bộ")
    assert told[at + 1] == "Thêm tệp × 2"  # one line for both; and no look after what they did themselves
    (link, _other) = [one for one in page.find("//a/@href") if "/tep/" in one]
    answer = handler.client.get(link, buffered=True)
    assert answer.data == PNG and "sandbox" in answer.headers["Content-Security-Policy"]
    assert logged_in(province, "ubnd_74_726").opens(link).status == 404


def test_who_reported_is_shown_only_when_asked_and_that_is_recorded(province: Province, handler: Visitor):
    number = province.passes_on("BDTT", area="718")
    desk = logged_in(province, "tongdai_74")
    where = f"/vu-viec/{number}"
    page = desk.opens(where)
    assert "Nguyễn Văn Bình" not in page.source and CITIZEN not in page.source

    shown = posts(desk, page, f"{where}/nguoi-bao")

    assert "Nguyễn Văn Bình" in shown.text and CITIZEN in shown.text
    assert "Xem thông tin người báo" in desk.opens(where).text and CITIZEN not in desk.opens(where).source


def test_an_overseer_sees_a_case_without_what_was_said(province: Province):
    number = province.passes_on("BDTT", area="718")
    page = logged_in(province, "mttq_74").opens(f"/vu-viec/{number}")

    assert page.status == 200 and "Nhờ tổng đài giúp đỡ" not in page.source and "Xem người báo" not in page.text


def test_cases_are_found_by_number_and_words(province: Province, handler: Visitor):
    number = province.passes_on("BDTT", area="718", noi_dung="Tụ tập đông người ở chợ" + " từ sáng sớm" * 20)
    other = province.passes_on("BDKK", area="718")

    assert handler.opens(f"/vu-viec?q={number.lower()}").url == f"/vu-viec/{number}"
    found = handler.opens("/vu-viec?q=tu+tap")
    assert number in found.text and other not in found.text and style_free(found)
    assert found.find("//td[contains(., 'Tụ tập')]")[0].text.strip().endswith(("từ…", "sáng…", "sớm…"))  # between words
    for kind, there in (("dang-mo", True), ("qua-han", False), ("da-xong", False), ("", True)):
        assert (number in handler.opens(f"/vu-viec?dang={kind}").text) is there, kind
    assert "Không có vụ việc nào khớp." in handler.opens("/vu-viec?q=khong-co-dau").text


def test_the_diagram_is_the_one_the_case_runs_on(province: Province, handler: Visitor):
    number = province.passes_on("BDTT", area="718")

    drawn = handler.client.get(f"/vu-viec/{number}/so-do.bpmn")

    assert drawn.mimetype == "application/xml" and b'id="don_vi_nhan"' in drawn.data
