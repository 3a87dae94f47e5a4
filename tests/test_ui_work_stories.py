"""The handler's and the operator's main stories in a real browser."""

from __future__ import annotations

import re

from tests.browser import Site

HANDLER = "ubnd_74_718"


def test_a_handler_claims_a_task_and_completes_it(site: Site):
    number = site.province.passes_on("BDTT", area="718")
    site.province.does(HANDLER, number, "don_vi_nhan")
    window = site.window(HANDLER)
    window.goto("/viec")
    window.get_by_label(f"Chọn {number}").check()
    window.get_by_role("button", name="Nhận việc đã chọn").click()
    window.get_by_text("Đã nhận 1 việc.").wait_for()
    window.locator("tbody a").click()
    window.locator(".diagram[data-drawn] .is-here").wait_for()
    site.is_accessible(window)

    words = window.locator("[name='a.noi_dung_xac_minh']")
    words.fill("Đã đến tận nơi")
    window.reload()
    assert words.input_value() == "Đã đến tận nơi"  # a draft outlives a reload
    window.get_by_role("button", name="Hoàn thành").click()

    window.locator("#faults").wait_for()
    site.is_accessible(window)
    assert words.input_value() == "Đã đến tận nơi"
    assert site.province.tasks(number) == {"xac_minh": HANDLER}


def test_an_operator_takes_down_a_report_by_keyboard_alone(site: Site):
    window = site.window("tongdai_74")
    window.goto("/tiep-nhan")
    keys = window.keyboard
    keys.press("F2")
    keys.type("0912345678")
    keys.press("Enter")
    keys.type("Nguyen Van Binh")
    window.get_by_text("Chưa có vụ việc nào của số này.").wait_for()
    window.locator("#loai").focus()
    window.locator("#loai").select_option("BDKK")
    window.locator("[name='a.noi_dung']").wait_for()
    keys.press("F7")
    keys.type("thu dau mot")
    window.locator("[name='a.noi_dung']").focus()
    keys.type("Nha bon nguoi het gao")
    for name, value in (("loai_y_kien", "de_nghi"), ("luong_thuc", "het_hom_nay"), ("nguoi_yeu_the", "co")):
        window.locator(f"[name='a.{name}'][value='{value}']").focus()
        keys.press("Space")
    site.is_accessible(window)
    keys.press("Control+Enter")

    window.wait_for_url(re.compile("/tiep-nhan/da-nhan"))
    number, secret = window.locator(".code").all_text_contents()
    site.province.secrets[number] = secret
    assert site.province.case(number)["area"] == "718"
    keys.press("F2")
    keys.press("Enter")  # the next call
    window.wait_for_url(re.compile("/tiep-nhan$"))
    keys.press("F8")
    keys.type("Gio lam viec")
    keys.press("Enter")
    window.get_by_text("Đã ghi cuộc gọi trả lời ngay.").wait_for()
