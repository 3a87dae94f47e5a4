"""A report's life through the API, from the first word to the citizen's rating."""

from __future__ import annotations

from sqlalchemy import func, select

from engine import model
from tests.hotline import PHONE, refused

REPORT = {"report_type": "PAKN", "answers": {"noi_dung": "Karaoke gây ồn"}}


def count(hotline, table) -> int:
    with hotline.runtime.read() as unit:
        return unit.scalar(select(func.count()).select_from(table))


def test_a_report_becomes_a_case_whose_first_task_is_the_desks(hotline):
    answer = hotline.as_("app").post("/reports", REPORT | {"reporter": {"phone": PHONE}, "area": "718"})

    assert answer.status_code == 201
    number = answer.json["number"]
    assert number == "1022.BD.20210903.00001"
    assert answer.headers["Location"] == f"/api/v1/cases/{number}"
    assert answer.json["track"] == f"/api/v1/track/{number}"
    case = hotline.case(number)
    assert case["status"] == "moi"
    assert case["due_at"] == "2021-09-03T06:00:00+00:00"  # five hours after 08:00 in Vietnam
    assert [(task["name"], task["group"]) for task in case["tasks"]] == [("Phân công", "tongdai_74")]


def test_a_case_goes_from_desk_to_district_to_an_answer_the_citizen_rates(hotline):
    number = hotline.receives()
    hotline.does("truc", number, lead_agency="ubnd_74_718")
    done = hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã nhắc nhở")

    assert done["status"] == "done"
    assert (done["case"], done["case_status"], done["outcome"]) == (number, "da_giai_quyet", "da_giai_quyet")
    case = hotline.case(number)
    assert case["closed_at"] == "2021-09-03T01:00:00+00:00"
    assert case["tasks"] == []
    letters = hotline.as_("vanphong").get("/outbox", case=number).json["items"]
    assert [letter["topic"] for letter in letters] == ["T06", "T01"]
    assert letters[0]["payload"]["text"] == f"1022: phản ánh {number} đã có kết quả: Đã nhắc nhở"
    rated = hotline.as_("truc").post(f"/cases/{number}/rating", {"stars": 5})
    assert (rated.status_code, rated.json["rating"]) == (200, 5)


def test_the_timeline_tells_what_happened_in_order(hotline):
    number = hotline.settled()

    first = hotline.as_("phuong").get(f"/cases/{number}/timeline", limit=3).json
    kinds = [event["kind"] for event in first["items"]]
    rest = hotline.as_("phuong").get(f"/cases/{number}/timeline", after=first["after"]).json
    kinds += [event["kind"] for event in rest["items"]]

    assert kinds[0] == "received" and rest["after"] is None
    assert kinds.count("task-completed") == 2 and kinds.index("task-completed") < kinds.index("closed")


def test_the_text_is_kept_composed_however_it_was_typed(hotline):
    import unicodedata

    number = hotline.receives(unicodedata.normalize("NFD", "Tụ tập ở Biên Hoà"))

    assert hotline.case(number)["report"]["noi_dung"] == "Tụ tập ở Biên Hoà"
    found = hotline.as_("vanphong").get("/cases", q="bien hòa").json["items"]
    assert [case["number"] for case in found] == [number]


# -- the same request twice ------------------------------------------------------------------------------------------


def test_the_same_key_gets_the_same_answer_and_one_case(hotline):
    first = hotline.as_("app").post("/reports", REPORT, Idempotency_Key="cuoc-goi-17")
    again = hotline.as_("app").post("/reports", REPORT, Idempotency_Key="cuoc-goi-17")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json and first.json["secret"]
    assert again.headers["Location"] == first.headers["Location"]
    assert (first.headers.get("Idempotent-Replay"), again.headers["Idempotent-Replay"]) == (None, "true")
    assert count(hotline, model.cases) == 1


def test_a_key_used_for_another_report_is_refused(hotline):
    hotline.as_("app").post("/reports", REPORT, Idempotency_Key="k1")
    other = hotline.as_("app").post("/reports", REPORT | {"place": "Chợ Thủ"}, Idempotency_Key="k1")

    assert "used for another request" in refused(other, 422, "invalid-request")
    assert count(hotline, model.cases) == 1


def test_a_key_belongs_to_who_sent_it(hotline):
    mine = hotline.as_("app").post("/reports", REPORT, Idempotency_Key="k1")
    theirs = hotline.as_("truc").post("/reports", REPORT, Idempotency_Key="k1")

    assert mine.json["number"] != theirs.json["number"]


def test_a_refused_report_may_be_corrected_under_the_same_key(hotline):
    wrong = hotline.as_("app").post("/reports", REPORT | {"area": "999"}, Idempotency_Key="k1")
    right = hotline.as_("app").post("/reports", REPORT | {"area": "718"}, Idempotency_Key="k1")

    assert "999" in refused(wrong, 422, "invalid-request")
    assert right.status_code == 201


def test_two_at_once_with_one_key_make_one_case(hotline):
    from concurrent.futures import ThreadPoolExecutor

    def send(_):
        return hotline.as_("app").post("/reports", REPORT, Idempotency_Key="k1")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["number"] for answer in answers}) == 1
    assert count(hotline, model.cases) == 1


def test_sixteen_reports_at_once_are_sixteen_cases(hotline):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: hotline.as_("app").post("/reports", REPORT), range(16)))

    assert [answer.status_code for answer in answers] == [201] * 16
    assert len({answer.json["number"] for answer in answers}) == 16


# -- refusals --------------------------------------------------------------------------------------------------------


def test_a_form_filled_in_wrongly_is_explained_field_by_field_and_nothing_is_kept(hotline):
    answer = hotline.as_("app").post("/reports", {"report_type": "PAKN", "answers": {"noi_dung": "", "la": 1}})

    refused(answer, 422, "invalid-answers")
    assert set(answer.json["errors"]) == {"noi_dung", "la"}
    assert count(hotline, model.cases) == 0


def test_an_unknown_report_type_is_missing(hotline):
    answer = hotline.as_("app").post("/reports", REPORT | {"report_type": "KHONG_CO"})

    said = "There is no report type 'KHONG_CO': GET /report-types lists those there are."
    assert refused(answer, 404, "not-found") == said


def test_who_may_not_report_is_told_so(hotline):
    assert "As overseer, mattran may not send reports to" in refused(
        hotline.as_("mattran").post("/reports", REPORT), 403, "not-allowed"
    )


def test_an_agency_with_a_line_of_its_own_sends_reports_and_sees_them(hotline):
    """DN-12: communes and districts run hotlines beside 1022; HN-06: a department answers its key itself."""
    number = hotline.receives(by="phuong", channel="duong_day_nong_xa")

    assert hotline.as_("phuong").get(f"/cases/{number}").status_code == 200
    refused(hotline.as_("binh").get(f"/cases/{number}"), 404, "not-found")
