"""Those who watch over the hotline ask about a running case, and see nothing of the people in it (HC-08, HC-09)."""

from __future__ import annotations

import pytest

from tests.drawing import draw, form
from tests.hotline import LIFE, PHONE, Hotline, _text, refused
from tests.test_ui_office import enters

ASKED = """
boundary cau_hoi "Câu hỏi giám sát" on=xu_ly message=msg_cau_hoi aside
user tra_loi "Trả lời giám sát" group=${lead_agency} form=tra_loi
tell bao_giam_sat "Báo cơ quan giám sát" text=I20 to=${co_quan_giam_sat}
end da_tra_loi
cau_hoi -> tra_loi -> bao_giam_sat -> da_tra_loi
"""
QUESTION = "Vì sao đã ba ngày chưa xử lý?"


@pytest.fixture
def watched(hotline: Hotline) -> Hotline:
    """A report type that takes questions while it is being handled."""
    from tests.hotline import PROVINCE

    text = '\n[texts.I20]\nsms = "[1022] {ma}: {noi_dung_tra_loi}"\n'
    hotline.deploys(
        process__bpmn=draw(LIFE + ASKED, "PAKN"), province__toml=PROVINCE + text,
        tra_loi__form=form("tra_loi", _text("noi_dung_tra_loi")),
    )  # fmt: skip
    return hotline


def test_a_question_is_answered_while_the_case_goes_on(watched: Hotline) -> None:
    number = watched.assigned()

    asked = watched.as_("mattran").post(f"/cases/{number}/question", {"question": QUESTION})

    assert asked.status_code == 200, asked.text
    assert {task["element"] for task in asked.json["tasks"]} == {"xu_ly", "tra_loi"}
    [answering] = [task for task in asked.json["tasks"] if task["element"] == "tra_loi"]
    done = watched.as_("phuong").post(
        f"/tasks/{answering['id']}/complete", {"answers": {"noi_dung_tra_loi": "Đang chờ vật tư"}}
    )
    assert done.status_code == 200, done.text
    [letter] = [one for one in watched.as_("vanphong").get("/outbox", case=number).json["items"] if one["agency"]]
    assert (letter["agency"], letter["payload"]["text"]) == ("mttq_74", f"[1022] {number}: Đang chờ vật tư")
    assert watched.case(number)["status"] == "dang_xu_ly"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_answer_stands_on_the_page_of_who_asked_without_anybody_in_it(watched: Hotline) -> None:
    number = watched.assigned(place="12 Yersin")
    who, other = enters(watched, "mattran"), enters(watched, "vanphong")
    page = who.sends(who.opens(f"/giam-sat/{number}"), question=QUESTION)
    assert "chờ trả lời" in page.text and "hãy hỏi tiếp khi đã có trả lời" in page.text

    watched.waits(0.1)
    task = next(one for one in watched.as_("phuong").get("/tasks").json["items"] if one["element"] == "tra_loi")
    said = f"Đã gặp ông Nguyễn Văn Bình ({PHONE}), đang chờ vật tư"
    watched.as_("phuong").post(f"/tasks/{task['id']}/complete", {"answers": {"noi_dung_tra_loi": said}})

    page = who.opens(f"/giam-sat/{number}")
    assert f"[1022] {number}: Đã gặp ông ••• (•••), đang chờ vật tư" in page.text and page.find("//textarea")
    assert [one for one in ("Nguyễn", "Bình", PHONE, PHONE[1:], "Yersin", "Tụ tập") if one in page.source] == []
    assert "vật tư" not in other.opens(f"/giam-sat/{number}").text


def test_a_second_question_waits_until_the_first_is_answered(watched: Hotline) -> None:
    number = watched.assigned()
    asked = watched.as_("mattran").post(f"/cases/{number}/question", {"question": QUESTION})
    answering = next(task["id"] for task in asked.json["tasks"] if task["element"] == "tra_loi")

    second = watched.as_("vanphong").post(f"/cases/{number}/question", {"question": "Ai đang xử lý?"})
    assert "ask when that question has been answered" in refused(second, 409, "wrong-state")

    watched.as_("phuong").post(f"/tasks/{answering}/complete", {"answers": {"noi_dung_tra_loi": "Đang chờ vật tư"}})
    again = watched.as_("vanphong").post(f"/cases/{number}/question", {"question": "Ai đang xử lý?"})
    assert again.status_code == 200, again.text


def test_whoever_watches_sees_nobody(watched: Hotline) -> None:
    number = watched.assigned(reporter={"name": "Nguyễn Văn Bình", "phone": PHONE, "address": "12 Yersin"})
    watched.as_("mattran").post(f"/cases/{number}/question", {"question": QUESTION})

    seen = "".join(
        watched.as_("mattran").get(path).text
        for path in (f"/cases/{number}", "/cases", f"/cases/{number}/timeline", f"/cases/{number}/deadlines", "/tasks")
    )

    for personal in ("Nguyễn", "Bình\"", PHONE, "912345678", "Yersin", "Tụ tập đông người"):
        assert personal not in seen, personal
    refused(watched.as_("mattran").get(f"/cases/{number}/reporter"), 403, "not-allowed")


def test_searching_tells_nobody_what_they_may_not_read(watched: Hotline) -> None:
    number = watched.receives("Người hàng xóm ở đường Yersin đang đói")

    def found(login: str, q: str) -> list[str]:
        return [case["number"] for case in watched.as_(login).get("/cases", q=q).json["items"]]

    assert found("vanphong", "yersin") == [number] == found("truc", "Yersin")
    assert found("mattran", "yersin") == [] == found("phantich", "yersin")
    assert found("mattran", number) == [number]


def test_a_case_that_is_not_being_handled_takes_no_questions(watched: Hotline) -> None:
    number = watched.receives()
    said = refused(watched.as_("mattran").post(f"/cases/{number}/question", {"question": QUESTION}), 409, "wrong-state")
    assert "while it is being handled" in said

    settled = watched.settled()
    refused(watched.as_("mattran").post(f"/cases/{settled}/question", {"question": QUESTION}), 409, "wrong-state")


@pytest.mark.parametrize(("login", "status"), [("mattran", 200), ("vanphong", 200), ("phuong", 403), ("binh", 404),
                                               ("phantich", 403), ("app", 403)])  # fmt: skip
def test_who_may_ask(watched: Hotline, login: str, status: int) -> None:
    number = watched.assigned()

    answer = watched.as_(login).post(f"/cases/{number}/question", {"question": QUESTION})

    assert answer.status_code == status, answer.text


def test_a_question_has_words(watched: Hotline) -> None:
    number = watched.assigned()

    refused(watched.as_("mattran").post(f"/cases/{number}/question", {"question": " "}), 422, "invalid-request")
