"""The page of lists: looked at, started, watched and left, by who may, in both languages."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from engine.sheets import imports, lists
from tests.browser import PHONE, Site
from tests.hotline import Hotline
from tests.people import HEAD, cohort, takes_lists, workbook
from tests.test_ui_office import enters
from tests.visitor import Page, Visitor, style_free

LISTS = "/nhap-danh-sach"


@pytest.fixture
def hanoi(hotline: Hotline) -> Hotline:
    return takes_lists(hotline)


def looks(who: Visitor, content: bytes, name: str = "F0 Ba Đình.csv") -> Page:
    return who.sends(who.opens(LISTS), file=(name, content))


def button(page: Page, address: str) -> int:
    """Which of a page's forms goes there."""
    return [one.get("action") for one in page.find("//main//form")].index(address)


def rows(page: Page) -> list[list[str]]:
    return [[cell.text_content().strip() for cell in row.xpath("./td")] for row in page.find("//tbody/tr")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_there_is_no_sample_of_lists_that_a_type_does_not_take(hotline: Hotline) -> None:
    answer = enters(hotline, "vanphong").client.get(f"{LISTS}/mau/PAKN.xlsx")
    assert answer.status_code == 422 and "[list]" in answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_list_is_looked_at_started_watched_and_found_again(hanoi: Hotline) -> None:
    cdc = enters(hanoi, "cdc")
    begin = cdc.opens(LISTS)
    assert "Chưa gửi danh sách nào" in begin.text and style_free(begin)
    sample = cdc.client.get(begin.find("//a[contains(@href, '/mau/')]/@href")[0]).data
    assert next(iter(lists.workbooks.lines(sample)))[1][:2] == ["Họ và tên", "Số điện thoại"]

    page = looks(cdc, cohort(60, "A,0900000000,001,40,", "B,12,001,40,", "C,0911111111,Ba Đinhh,,"))
    assert page.status == 200 and "chưa bắt đầu" in page.text and style_free(page)
    assert rows(page) == [
        ["62", "Trùng số điện thoại với dòng 2.", "trùng"],
        ["63", "Số điện thoại thiếu hoặc không gọi được: ghi như 0912345678.", "bị từ chối"],
        ["64", "Nơi đang ở: địa bàn: không có “Ba Đinhh”. Có phải “Quận Ba Đình”?", "bị từ chối"],
    ]
    at = page.url.partition("?")[0]
    assert "The telephone number is that of row 2." in cdc.opens(f"{at}?lang=en").text
    cdc.opens(f"{at}?lang=vi")
    good = cdc.opens(f"{at}?xem=nhan")
    told = "Nơi đang ở: địa bàn: Quận Ba Đình; Ngày xét nghiệm dương tính: 01/09/2021; Tuổi: 40"
    assert rows(good)[0] == ["2", "Bệnh nhân 0", "+84900000000", "sẽ lập vụ việc", told]
    more = cdc.opens(good.find("//a[@rel='next']/@href")[0])
    assert (len(rows(good)), len(rows(more)), rows(more)[-1][0]) == (50, 10, "61")
    other = enters(hanoi, "cdc2").opens(f"{at}?xem=nhan")
    assert "Bệnh nhân 0" not in other.source and "Có phải “Quận Ba Đình”?" in other.text

    started = cdc.sends(good, form=button(good, f"{at}/bat-dau"))
    assert "0 trong 60 dòng" in started.text and started.find("//*[@hx-trigger='every 2s']") and style_free(started)
    assert "Bệnh nhân 0" not in cdc.opens(f"{at}?xem=nhan").source
    while imports.step(hanoi.runtime):
        pass
    polled = cdc.client.get(at, headers={"X-Poll": "1"})
    assert (polled.headers["HX-Refresh"], polled.data) == ("true", b"")
    done = cdc.opens(at)
    assert "60 trong 60 dòng" in done.text and not done.find("//*[@hx-trigger]")
    assert "/vu-viec?loai=F0CD" in done.find("//dl//a/@href")
    assert "không còn gì để dừng" in cdc.sends(started, form=button(started, f"{at}/huy")).text
    [past] = rows(cdc.opens(LISTS))
    assert [past[0], *past[4:]] == ["F0 Ba Đình.csv", "đã xong", "63", "3", "60 / 60"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_no_list_comes_back_with_one_sentence(hanoi: Hotline) -> None:
    cdc = enters(hanoi, "cdc")
    faults: tuple[tuple[Any, str, str], ...] = (
        (("x.csv", b""), "Tệp không có gì.", "The file is empty."),
        (("x.csv", b"a,b\r\n1,2"), "thiếu cột “Số điện thoại”", "has no column"),
        (("x.csv", b"SDT,Quan\r\n0912345678,001"),
         "thiếu cột “Quận huyện”: dòng đầu là tên các cột. Không hiểu cột “Quan”.",
         "has no column 'Quận huyện' or 'Quận, huyện' or 'Quận/huyện' or 'Địa bàn'"),
        (None, "Hãy chọn tệp danh sách.", "Choose a file."),
        (("x.xls", b"\xd0\xcf\x11\xe0"), "kiểu cũ hoặc có mật khẩu", "an old or a protected workbook"),
    )
    for sent, vi, en in faults:
        for language, sentence in (("en", en), ("vi", vi)):
            page = cdc.sends(cdc.opens(f"{LISTS}?lang={language}"), file=sent)
            assert page.status == 422 and sentence in page.faults[0], (sentence, page.faults)
            assert page.find("//*[@id='file' and @aria-invalid='true']")

    page = looks(cdc, cohort(1, head=HEAD.replace("Tuổi", "Tui")))
    assert "Không hiểu một cột, nên bỏ qua: “Tui”." in page.text
    page = looks(cdc, workbook([HEAD.split(","), ["A", "12", "001", 40, None]]), "x.xlsx")  # nothing to start
    assert "Không có dòng nào để lập vụ việc" in page.text
    dropped = cdc.sends(page, form=button(page, f"{page.url}/huy"))
    assert "đã hủy" in dropped.text
    late = looks(cdc, cohort(1))
    hanoi.clock.advance(timedelta(days=1, minutes=1))
    with hanoi.runtime.begin() as unit:
        imports.tidy(unit, unit.now - timedelta(days=1))
    cdc = enters(hanoi, "cdc")
    token = cdc.opens(LISTS).find("//meta[@name='csrf-token']/@content")[0]
    assert "hãy gửi lại tệp" in cdc.posts(f"{late.url}/bat-dau", {"csrf_token": token}).text
    for again in ("truoc", "sau"):
        page = looks(cdc, cohort(1), f"{again}.csv")
        page = cdc.sends(page, form=button(page, f"{page.url}/bat-dau"))
    assert "Tệp này đã được nhập trước đây" in page.text and "truoc.csv" in page.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_page_is_the_offices_only(hanoi: Hotline) -> None:
    at = looks(enters(hanoi, "cdc"), cohort(1)).url
    for login, of_one in (("bacsi", 404), ("mattran", 404), ("vanphong", 404)):
        who = enters(hanoi, login)
        assert (who.opens(at).status, LISTS in who.opens("/tai-khoan").source) == (of_one, login == "vanphong")
        page = who.opens(LISTS)
        assert page.status == (200 if login == "vanphong" else 403)
        token = who.opens("/tai-khoan").find("//meta[@name='csrf-token']/@content")[0]
        sent = {"csrf_token": token, "report_type": "F0CD"}
        assert who.posts(f"{at}/bat-dau", sent).status == of_one
        refused = who.client.post(LISTS, data=sent | {"file": (BytesIO(cohort(1)), "x.csv")}).status_code
        assert refused == 403
    assert "Chưa có loại phản ánh nào nhận danh sách" in enters(hanoi, "vanphong").opens(LISTS).text  # Bình Dương's


def test_an_office_imports_a_list_by_keyboard_and_without_javascript(site: Site) -> None:
    office, content = "vpubnd_01", cohort(9, "X,12,001,40,")
    plain = site.window(office, size=PHONE, javascript=False)
    plain.goto(LISTS)
    plain.locator("#file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": cohort(2)})
    plain.get_by_role("button", name="Xem thử").click()
    plain.get_by_role("button", name="Bắt đầu: lập 2 vụ việc").click()
    plain.get_by_text("0 trong 2 dòng").wait_for()
    site.province.worker.drain()
    plain.get_by_role("link", name="Xem lại").click()
    plain.get_by_text("2 trong 2 dòng").wait_for()

    window = site.window(office)
    window.goto(LISTS)
    window.locator("#file").set_input_files({"name": "b.csv", "mimeType": "text/csv", "buffer": content})
    window.locator("#file").focus()
    window.keyboard.press("Tab")
    window.keyboard.press("Enter")
    window.get_by_role("link", name="Nhận được 9").focus()
    window.keyboard.press("Enter")
    window.get_by_text("đang có vụ việc mở").first.wait_for()  # two of them are called already
    site.is_accessible(window)
    window.get_by_role("button", name="Bắt đầu: lập 7 vụ việc").focus()
    window.keyboard.press("Enter")
    window.get_by_text("0 trong 7 dòng").wait_for()
    site.is_accessible(window)
    for _row in range(5):
        imports.step(site.province.runtime)
    window.get_by_text("5 trong 7 dòng").wait_for()  # the page asks by itself
    site.province.worker.drain()
    window.get_by_text("đã xong").wait_for()
    assert window.get_by_role("button", name="Dừng").count() == 0
