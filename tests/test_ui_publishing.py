"""The page that tells the public: what waits, the text, the second person, withdrawing, and every refusal in words."""

from __future__ import annotations

import pytest

from tests.hotline import TYPE, Hotline
from tests.test_ui_office import enters
from tests.visitor import Page, Visitor, style_free

TEXTS = {"subject": "Tụ tập ở chợ", "words": "Có tụ tập đông người.", "result": "Đã nhắc nhở, giải tán."}
APPROVED = "\n[publication]\napproval = true\n"


def public(hotline: Hotline, after: str = "") -> str:
    """A closed case of a public type."""
    hotline.deploys(type__toml=TYPE.format(secrecy="C0") + after)
    return hotline.settled()


def sends(who: Visitor, number: str, step: str, **values: str) -> Page:
    page = who.opens(f"/tinh/cong-bo/{number}")
    forms = [form.get("action") for form in page.find("//main//form")]
    return who.sends(page, form=forms.index(f"/tinh/cong-bo/{number}/{step}"), **values)


def in_table(page: Page, label: str) -> str:
    return "".join(one.text_content() for one in page.find(f"//*[@role='region' and @aria-label='{label}']"))


def test_a_text_is_written_by_one_approved_by_another_and_taken_back(hotline: Hotline):
    number = public(hotline, APPROVED)
    office, desk = enters(hotline, "vanphong"), enters(hotline, "truc")
    listed = office.opens("/tinh/cong-bo")
    assert "Công bố" in listed.find("//nav")[0].text_content() and style_free(listed)
    assert number in in_table(listed, "Chờ quyết định")

    mine = sends(desk, number, "cong-bo", **TEXTS)
    assert "Một người khác phải duyệt" in mine.text and style_free(mine)
    assert not mine.find("//form[contains(@action, 'duyet')]") and "một người khác phải duyệt" in mine.text
    token = mine.find("//input[@name='csrf_token']/@value")[0]
    own = desk.posts(f"/tinh/cong-bo/{number}/duyet", {"csrf_token": token})
    assert "phải là người khác với người soạn" in own.text
    assert "truc đã soạn" in in_table(office.opens("/tinh/cong-bo"), "Chờ quyết định")

    assert "vanphong đã duyệt" in sends(office, number, "duyet").text
    assert TEXTS["subject"] in in_table(office.opens("/tinh/cong-bo"), "Đang công bố")
    assert hotline.as_(None).get("/published").json["items"][0]["words"] == TEXTS["words"]

    taken = sends(office, number, "rut-lai", reason="Sai tên chợ")
    assert "Sai tên chợ" in taken.text and TEXTS["words"] in taken.find("//textarea[@id='words']")[0].text
    assert number in in_table(office.opens("/tinh/cong-bo"), "Chờ quyết định")
    assert hotline.as_(None).get("/published").json["items"] == []
    assert "Write the text" in office.opens(f"/tinh/cong-bo/{number}?lang=en").text


def test_a_text_that_names_somebody_is_asked_again_with_what_was_written(hotline: Hotline):
    number = public(hotline)
    office = enters(hotline, "vanphong")

    wrong = sends(office, number, "cong-bo", **TEXTS | {"words": "Ông Nguyễn Văn Bình báo.", "result": " "})

    assert wrong.status == 422 and wrong.faults == ["Hãy viết từ 1 đến 4.000 ký tự."]
    wrong = sends(office, number, "cong-bo", **TEXTS | {"words": "Ông Nguyễn Văn Bình báo."})
    assert len(wrong.faults) == 1 and "họ tên của một người trong vụ việc" in wrong.faults[0]
    assert wrong.find("//textarea[@id='words']")[0].text.strip() == "Ông Nguyễn Văn Bình báo."
    assert "lý do" in sends(office, number, "khong-cong-bo", reason=" ").text
    assert "Việc riêng" in sends(office, number, "khong-cong-bo", reason="Việc riêng").text


@pytest.mark.parametrize(("login", "status"), [("phuong", 403), ("mattran", 403), ("phantich", 403)])
def test_publishing_is_for_the_office_and_the_desk(hotline: Hotline, login: str, status: int):
    number = public(hotline)

    who = enters(hotline, login)

    assert who.opens(f"/tinh/cong-bo/{number}").status == status
    assert number not in in_table(who.opens("/tinh/cong-bo"), "Chờ quyết định")


def test_only_a_closed_public_case_can_be_published(hotline: Hotline):
    hidden = hotline.settled()
    hotline.deploys(type__toml=TYPE.format(secrecy="C0"))
    still_open = hotline.assigned()
    office = enters(hotline, "vanphong")

    assert office.opens(f"/tinh/cong-bo/{hidden}").status == 403
    page = office.opens(f"/tinh/cong-bo/{still_open}")
    assert "còn đang mở" in page.text and not page.find("//main//textarea")
    body = TEXTS | {"csrf_token": page.find("//meta[@name='csrf-token']/@content")[0]}
    assert "Chưa ghi được" in office.posts(f"/tinh/cong-bo/{still_open}/cong-bo", body).text
    assert office.posts(f"/tinh/cong-bo/{still_open}/sai", body).status == 404
