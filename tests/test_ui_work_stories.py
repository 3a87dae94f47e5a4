"""The handler's and the operator's main stories in a real browser."""

from __future__ import annotations

import re
from typing import Any

from tests.browser import Site

HANDLER = "ubnd_74_718"
MOST_KEYS = 100  # at four keys a second, 48 words a minute, a report is in within half a minute


def test_a_handler_claims_a_task_and_completes_it(site: Site):
    number = site.province.passes_on("BDTT", area="718")
    site.province.does(HANDLER, number, "don_vi_nhan")
    window = site.window(HANDLER)
    window.goto("/viec")
    window.get_by_label("Chọn tất cả").focus()
    window.keyboard.press("Space")
    assert window.get_by_label(f"Chọn {number}").is_checked()
    window.keyboard.press("Enter")
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


class Typist:
    """Presses keys, nothing else, and counts them; what is typed comes at once."""

    def __init__(self, window: Any) -> None:
        self.window, self.keys = window, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.window.keyboard.press(key)
            self.keys += 1

    def type(self, words: str) -> None:
        self.window.keyboard.type(words)
        self.keys += len(words)

    def at(self) -> str:
        """The name of the field that has the keyboard."""
        return str(self.window.evaluate("() => document.activeElement.name"))


def test_an_operator_takes_down_a_report_by_keyboard_alone(site: Site):
    window = site.window("tongdai_74")
    window.goto("/tiep-nhan")
    typist = Typist(window)
    window.locator("#phone:focus").wait_for()  # it begins there
    typist.type("0912345678")
    typist.press("Enter")
    typist.type("Ng Van Binh")
    typist.press("F6")
    typist.type("Khó")  # the list goes to the type that begins so
    typist.press("Enter")
    window.locator("[name='a.noi_dung']").wait_for()
    assert window.get_by_text("Chưa có vụ việc nào của số này.").is_visible()
    typist.press("F7")
    typist.type("thu dau mot")
    typist.press("F6", "Enter", "1")  # back among the questions; a digit answers, and goes on
    assert typist.at() == "a.noi_dung"
    typist.type("Nha bon nguoi het gao")
    typist.press("Tab", "Enter", "1", "1")
    assert typist.at() == "a.so_nguoi"
    typist.press("Control+Enter")

    window.wait_for_url(re.compile("/tiep-nhan/da-nhan"))
    assert typist.keys < MOST_KEYS
    number, secret = window.locator(".code").all_text_contents()
    site.province.secrets[number] = secret
    case = site.province.case(number)
    assert (case["area"], case["report"]["luong_thuc"], case["report"]["nguoi_yeu_the"]) == ("718", "het_hom_nay", "co")
    typist.press("F2", "Enter")  # the next call
    window.wait_for_url(re.compile("/tiep-nhan$"))
    typist.press("F8", "Enter")
    window.get_by_text("Đã ghi cuộc gọi trả lời ngay.").wait_for()
