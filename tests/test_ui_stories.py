"""The citizen's main stories in a real browser: with JavaScript, without, on a telephone."""

from __future__ import annotations

import re

from tests.browser import PHONE, Site
from webapi.ui import track

SAID = "Nhà bốn người hết gạo từ hôm qua"


def fill(window, **more: str) -> None:
    window.locator("[name='a.noi_dung']").fill(SAID)
    window.locator("[name='a.luong_thuc'][value='het_hom_nay']").check()
    window.locator("[name='a.nguoi_yeu_the'][value='co']").check()
    window.locator("#area").select_option("718")
    window.locator("#name").fill("Nguyễn Văn Bình")
    window.locator("#phone").fill(more.get("phone", "0912345678"))


def drawn(link: str) -> str:
    """The squares of the QR code that says this."""
    return re.findall(r' d="([^"]+)"', track.qr(link))[-1]


def test_a_citizen_reports_by_telephone_and_follows_it(site: Site):
    window = site.window(size=PHONE)
    window.goto("/")
    window.get_by_role("link", name="Bình Dương").click()
    window.get_by_role("link", name="Khó khăn, cần giúp đỡ").click()

    hidden = window.locator("[data-part='Truong_kien_nghi_giai_phap']")
    assert not hidden.is_visible()
    window.locator("[name='a.loai_y_kien'][value='kien_nghi']").check()
    hidden.wait_for(state="visible")
    fill(window, phone="12")
    window.get_by_role("button", name="Gửi phản ánh").click()

    window.locator("#faults").get_by_role("link").click()  # leads to the question
    window.wait_for_url(re.compile("#phone$"))
    assert window.evaluate("() => document.activeElement.id") in ("phone", "faults")
    site.is_accessible(window)
    site.fits(window)
    assert window.locator("[name='a.noi_dung']").input_value() == SAID
    window.locator("#phone").fill("0912345678")
    window.get_by_role("button", name="Gửi phản ánh").dblclick()

    window.wait_for_url(re.compile("/da-gui/"))
    site.is_accessible(window)
    site.fits(window)
    number, secret = window.locator(".code").all_text_contents()
    site.province.secrets[number] = secret
    assert site.province.case(number)["report"]["noi_dung"] == SAID

    other = site.window(size=PHONE)
    other.goto("/tra-cuu")
    other.locator("#number").fill(number)
    other.locator("#secret").fill(secret)
    other.get_by_role("button", name="Xem").click()
    other.get_by_text("Bước 1/7: Phân loại").wait_for()
    assert secret not in other.url


def test_everything_works_without_javascript(site: Site):
    window = site.window(size=PHONE, javascript=False)
    window.goto("/gui/bd/BDKK")
    window.locator("[name='a.loai_y_kien'][value='kien_nghi']").check()
    window.get_by_role("button", name="Cập nhật các câu hỏi").click()

    window.locator("[name='a.kien_nghi_giai_phap']").fill("Phát gạo tận nhà")
    fill(window)
    window.get_by_role("button", name="Gửi phản ánh").click()

    window.wait_for_url(re.compile("/da-gui/"))
    number, secret = window.locator(".code").all_text_contents()
    site.province.secrets[number] = secret
    assert site.province.case(number)["report"]["kien_nghi_giai_phap"] == "Phát gạo tận nhà"
    assert window.locator(".receipt svg.qr").bounding_box()["width"] >= 140  # a camera can read it
    site.fits(window)
    link = window.get_by_role("link", name="Xem phản ánh").get_attribute("href")
    assert link and drawn(link) == window.locator(".receipt svg.qr path").last.get_attribute("d")
    other = site.window(size=PHONE, javascript=False)  # whoever takes a picture of it, without anything else
    other.goto(link)
    other.get_by_text("Bước 1/7: Phân loại").wait_for()
    assert secret not in other.url
    site.fits(other)
    window.get_by_role("link", name="Xem phản ánh").click()
    window.locator("#text-information").fill("Số 7, đường Yersin")
    window.get_by_role("button", name="Gửi thông tin").click()
    window.get_by_text("Đã nhận thông tin bổ sung.").wait_for()
