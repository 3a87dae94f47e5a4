"""The citizen's door: a number and a secret."""

from __future__ import annotations

import pytest

from tests.hotline import refused


def tracked(hotline, number, secret=None, **headers):
    caller = hotline.as_(None)
    return caller.call("GET", f"/track/{number}", headers={"X-Tracking-Secret": secret or hotline.receipt["secret"]})


def says(hotline, number, **body):
    return hotline.as_(None).post(f"/track/{number}/message", body | {"secret": hotline.receipt["secret"]})


def test_a_citizen_sees_how_far_it_is_in_plain_words(hotline):
    number = hotline.assigned()
    hotline.as_("truc").post(f"/cases/{number}/comments", {"text": "Cán bộ đang đến", "public": True})
    hotline.as_("truc").post(f"/cases/{number}/comments", {"text": "Người báo hay gọi", "public": False})
    answer = tracked(hotline, number)

    assert answer.status_code == 200, answer.text
    assert answer.json["status"] == "Đã chuyển UBND thành phố Thủ Dầu Một"
    assert answer.json["steps"] == ["Xử lý"]
    assert answer.json["due_at"] == "2021-09-03T06:00:00+00:00"
    assert [remark["text"] for remark in answer.json["comments"]] == ["Cán bộ đang đến"]
    assert [told["text"] for told in answer.json["told"]] == [
        f"1022: phản ánh {number} đã được tiếp nhận, hạn 13:00 03/09/2021."
    ]
    assert answer.headers["Cache-Control"] == "no-store"
    for inner in ("phuong", "truc", "912345678", "Nguyễn Văn Bình"):
        assert inner not in answer.text


def test_the_secret_may_stand_in_the_address_too(hotline):
    number = hotline.receives()

    assert hotline.as_(None).get(f"/track/{number}", secret=hotline.receipt["secret"]).status_code == 200


def test_a_wrong_secret_and_a_wrong_number_get_the_same_answer(hotline):
    number = hotline.receives()
    wrong = refused(tracked(hotline, number, "sai"), 404, "not-found")
    missing = refused(tracked(hotline, "1022.BD.20210903.99999"), 404, "not-found")

    assert wrong.replace(number, "?") == missing.replace("1022.BD.20210903.99999", "?")
    refused(hotline.as_(None).get(f"/track/{number}"), 404, "not-found")


def test_who_guesses_is_held_back_and_later_let_in_again(hotline):
    number = hotline.receives()
    for _ in range(5):
        refused(tracked(hotline, number, "sai"), 404, "not-found")

    held = tracked(hotline, number, "sai")

    refused(held, 429, "too-many")
    assert 0 < int(held.headers["Retry-After"]) <= 900
    assert tracked(hotline, number).status_code == 200  # others do not shut out whoever has the right one
    hotline.waits(0.26)
    refused(tracked(hotline, number, "sai"), 404, "not-found")


def test_guessing_at_many_cases_from_one_address_is_held_back(hotline):
    for n in range(20):
        refused(tracked(hotline, f"1022.BD.20210903.{n:05d}", "sai"), 404, "not-found")

    refused(tracked(hotline, "1022.BD.20210903.77777", "sai"), 429, "too-many")


def test_a_citizen_rates_adds_and_reopens(hotline):
    number = hotline.settled()
    assert tracked(hotline, number).json["may"] == ["information", "rating", "reopen"]

    added = says(hotline, number, kind="information", text="Tối nay lại có")
    assert added.status_code == 200 and added.json["comments"][-1]["mine"]
    reopened = says(hotline, number, kind="reopen", text="Vẫn tụ tập")
    assert (reopened.status_code, reopened.json["closed_at"]) == (200, None)
    assert hotline.task("phuong", number)["name"] == "Xử lý"
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã giải tán")
    assert says(hotline, number, kind="rating", stars=4).json["rating"] == 4
    assert hotline.case(number)["rating"] == 4


@pytest.mark.parametrize("body", [
    {"kind": "rating"}, {"kind": "reopen"}, {"kind": "information", "text": " "}, {"kind": "x"},
    {"kind": "rating", "stars": 9}, {"kind": "information", "text": "x" * 2001},
])  # fmt: skip
def test_half_a_message_is_refused(hotline, body):
    number = hotline.settled()

    refused(says(hotline, number, **body), 422, "invalid-request")


def test_what_is_not_settled_cannot_be_rated(hotline):
    number = hotline.assigned()

    refused(says(hotline, number, kind="rating", stars=1), 409, "wrong-state")
    refused(says(hotline, number, kind="reopen", text="x"), 409, "wrong-state")


@pytest.mark.parametrize(("proxies", "status"), [(0, 429), (1, 404)])
def test_who_calls_is_told_by_trusted_proxies_only(database_url, clock, tmp_path, proxies, status):
    from webapi import create_app, db

    app = create_app(
        {"DATABASE": database_url, "INSTANCE": str(tmp_path), "CLOCK": clock, "TRUSTED_PROXIES": proxies}
    )
    answers = [
        app.test_client().get(f"/api/v1/track/X.{n}?secret=sai", headers={"X-Forwarded-For": f"10.0.0.{n}"})
        for n in range(21)
    ]
    with app.app_context():
        db.engine.dispose()

    assert answers[0].status_code == 404 and answers[-1].status_code == status
