"""Tasks through the API: the worklist, who may do what, and eight people with one idea."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine import tasks
from tests.drawing import choice, form
from tests.hotline import refused
from tests.test_api_cases import PNG


def test_a_worklist_holds_what_is_for_the_agency_by_due_time(hotline):
    late, later = hotline.assigned(), None
    hotline.waits(1)
    later = hotline.assigned()
    hotline.assigned("ubnd_74_719")

    page = hotline.as_("phuong").get("/tasks", limit=1).json
    rest = hotline.as_("phuong").get("/tasks", after=page["after"]).json

    assert [task["case"] for task in page["items"] + rest["items"]] == [late, later]
    assert page["items"][0]["due_at"] == "2021-09-03T05:00:00+00:00"
    assert page["items"][0]["name"] == "Xử lý"
    assert {task["group"] for task in hotline.as_("vanphong").get("/tasks").json["items"]} == {
        "ubnd_74_718", "ubnd_74_719",
    }  # fmt: skip


def test_a_task_brings_its_form_and_what_was_reported(hotline):
    number = hotline.assigned()
    answer = hotline.as_("phuong").get(f"/tasks/{hotline.task('phuong', number)['id']}")

    assert answer.json["report"]["noi_dung"] == "Tụ tập đông người tại chợ"
    assert [field["key"] for field in answer.json["schema"]["components"]] == ["ket_qua", "noi_dung_ket_qua"]
    assert answer.headers["ETag"] == f'"{answer.json["version"]}"'


def test_a_task_is_taken_given_back_and_handed_on(hotline):
    number = hotline.assigned()
    path = f"/tasks/{hotline.task('phuong', number)['id']}"

    assert hotline.as_("phuong").post(f"{path}/claim").status_code == 200
    assert [task["case"] for task in hotline.as_("phuong").get("/tasks", assignee="me").json["items"]] == [number]
    assert hotline.as_("phuong").get("/tasks", assignee="").json["items"] == []
    refused(hotline.as_("hoa").post(f"{path}/claim"), 409, "wrong-state")
    refused(hotline.as_("hoa").post(f"{path}/release"), 409, "wrong-state")
    released = hotline.as_("phuong").post(f"{path}/release")
    handed = hotline.as_("phuong").post(f"{path}/delegate", {"to": "hoa"}, If_Match=released.headers["ETag"])
    assert (handed.status_code, hotline.task("hoa", number)["assignee"]) == (200, "hoa")
    assert [task["case"] for task in hotline.as_("phuong").get("/tasks", assignee="hoa").json["items"]] == [number]


def test_a_task_is_handed_to_a_colleague_of_the_same_agency_only(hotline):
    number = hotline.assigned()
    path = f"/tasks/{hotline.task('phuong', number)['id']}/delegate"

    assert "binh" in refused(hotline.as_("phuong").post(path, {"to": "binh"}, If_Match="*"), 422, "invalid-request")
    refused(hotline.as_("phuong").post(path, {"to": "hoa"}), 428, "precondition-required")
    refused(hotline.as_("phuong").post(path, {"to": "hoa"}, If_Match='"99"'), 412, "stale")
    assert hotline.as_("vanphong").post(path, {"to": "hoa"}, If_Match="*").status_code == 200


def test_a_task_of_another_agency_does_not_exist(hotline):
    task = hotline.task("phuong", hotline.assigned())

    for login in ("binh", "yte", "mattran", "app", "truc"):
        refused(hotline.as_(login).get(f"/tasks/{task['id']}"), 404, "not-found")
        answer = hotline.as_(login).post(f"/tasks/{task['id']}/complete", {"answers": {}})
        refused(answer, 404, "not-found")


def test_who_may_look_but_not_work_is_told_so(hotline):
    task = hotline.task("phuong", hotline.assigned())
    answer = hotline.as_("vanphong").post(f"/tasks/{task['id']}/complete", {"answers": {}})

    assert refused(answer, 403, "not-allowed") == "The task 'Xử lý' is for ubnd_74_718, not for you."


def test_a_form_filled_in_wrongly_leaves_the_task_open(hotline):
    number = hotline.assigned()
    path = f"/tasks/{hotline.task('phuong', number)['id']}/complete"

    answer = hotline.as_("phuong").post(path, {"answers": {"ket_qua": "khong_biet", "status": "da_giai_quyet"}})

    refused(answer, 422, "invalid-answers")
    assert set(answer.json["errors"]) == {"ket_qua", "noi_dung_ket_qua", "status"}
    assert hotline.task("phuong", number)["status"] == "open"


def test_what_is_not_our_competence_goes_back_with_the_reason(hotline):
    number = hotline.assigned()
    task = hotline.task("phuong", number)
    answer = hotline.as_("phuong").post(f"/tasks/{task['id']}/return", {"reason": "Không thuộc địa bàn"})

    assert answer.status_code == 200, answer.text
    assert hotline.task("truc", number)["name"] == "Phân công"
    assert hotline.case(number)["returns"] == 1
    refused(hotline.as_("phuong").post(f"/tasks/{task['id']}/return", {"reason": "x"}), 409, "wrong-state")
    refused(hotline.as_("phuong").post(f"/tasks/{task['id']}/return", {"reason": " "}), 422, "invalid-request")


def test_what_is_done_is_done(hotline):
    number = hotline.assigned()
    task = hotline.task("phuong", number)
    hotline.does("phuong", number, ket_qua="khong_dung", noi_dung_ket_qua="Không có tụ tập")

    for verb, body in (("complete", {"answers": {}}), ("claim", None), ("release", None)):
        detail = refused(hotline.as_("phuong").post(f"/tasks/{task['id']}/{verb}", body), 409, "wrong-state")
        assert detail == "The task 'Xử lý' is already done."


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite lets one write at a time
def test_whoever_claims_a_task_that_just_goes_to_another_agency_does_not_get_it(hotline, monkeypatch):
    number, on_behalf = hotline.assigned(), tasks._on_behalf
    task = hotline.task("phuong", number)

    def meanwhile(*seen):
        monkeypatch.setattr(tasks, "_on_behalf", on_behalf)
        moved = {"agency": "ubnd_74_719", "reason": "Nhầm địa bàn"}
        path, etag = f"/cases/{number}/reassign", hotline.case(number)["etag"]
        assert hotline.as_("vanphong").post(path, moved, If_Match=etag).status_code == 200
        return on_behalf(*seen)

    monkeypatch.setattr(tasks, "_on_behalf", meanwhile)
    refused(hotline.as_("phuong").post(f"/tasks/{task['id']}/claim"), 409, "wrong-state")
    assert hotline.task("binh", number)["assignee"] is None


@pytest.mark.parametrize("same_person", [True, False])
def test_eight_people_with_one_idea_do_it_once(hotline, same_person):
    number = hotline.assigned()
    path = f"/tasks/{hotline.task('phuong', number)['id']}/complete"
    answers = {"answers": {"ket_qua": "da_giai_quyet", "noi_dung_ket_qua": "Đã xử lý"}}
    logins = ["phuong" if same_person or n % 2 else "hoa" for n in range(8)]

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda login: hotline.as_(login).post(path, answers).status_code, logins))

    assert sorted(statuses) == [200] + [409] * 7
    events = hotline.as_("vanphong").get(f"/cases/{number}/timeline", limit=200).json["items"]
    assert [event["kind"] for event in events].count("task-completed") == 2  # the desk's, and this one


def test_a_message_moves_the_case_that_waits_for_it(hotline):
    number = hotline.settled()
    body = {"name": "msg_danh_gia", "case": number, "payload": {"danh_gia": 4}}

    delivered = hotline.as_("app").post("/messages", body, Idempotency_Key="m1")
    again = hotline.as_("app").post("/messages", body, Idempotency_Key="m1")

    assert (delivered.status_code, delivered.json) == (
        201, {"state": "taken", "case": number, "moved": True, "secret": None}
    )  # fmt: skip
    assert again.json == delivered.json
    refused(hotline.as_("app").post("/messages", body), 409, "wrong-state")


@pytest.mark.parametrize("payload", [
    {"status": "da_giai_quyet"}, {"typename": "x"}, {"a": "x" * 100_000}, {"__class__": 1}, {"lead_agency": "x"},
])  # fmt: skip
def test_a_poisoned_message_is_refused(hotline, payload):
    body = {"name": "msg_danh_gia", "case": hotline.settled(), "payload": payload}

    refused(hotline.as_("app").post("/messages", body), 422, "invalid-request")


def test_a_photo_that_a_task_demands_is_a_picture_of_this_case(hotline):
    photo = {"type": "filepicker", "key": "anh", "label": "Ảnh", "accept": "image/*", "validate": {"required": True}}
    hotline.deploys(ket_qua__form=form("ket_qua", choice("ket_qua", "da_giai_quyet", "khong_dung"), photo))
    other, number = hotline.assigned(), hotline.assigned()
    path = f"/tasks/{hotline.task('phuong', number)['id']}/complete"

    def adds(to, name, content):
        data = {"file": (io.BytesIO(content), name)}
        return hotline.as_("phuong").call("POST", f"/cases/{to}/attachments", data=data).json["id"]

    def said(*files):
        answer = hotline.as_("phuong").post(path, {"answers": {"ket_qua": "da_giai_quyet", "anh": list(files)}})
        return answer.status_code, answer.get_json().get("errors")

    theirs, words, ours = adds(other, "a.png", PNG), adds(number, "a.png", b"words"), adds(number, "b.png", PNG)

    assert said() == (422, {"anh": "Hãy đính kèm tệp cho mục “Ảnh”."})
    sentence = f"Vụ việc này không có tệp {theirs}: hãy tải tệp lên vụ việc rồi chọn lại."
    assert said(theirs) == (422, {"anh": sentence})
    assert said(words) == (422, {"anh": "Tệp a.png không dùng được cho mục này: hãy chọn tệp loại image/*."})
    assert said(ours)[0] == 200


def test_a_report_names_no_file_for_its_case_is_not_there_yet(hotline):
    photo = {"type": "filepicker", "key": "anh", "label": "Ảnh"}
    said = {"type": "textfield", "key": "noi_dung", "label": "Nội dung"}
    hotline.deploys(tiep_nhan_phan_anh__form=form("tiep_nhan_phan_anh", said, photo))
    theirs = hotline.receives()
    there = hotline.as_("truc").call(
        "POST", f"/cases/{theirs}/attachments", data={"file": (io.BytesIO(PNG), "a.png")}
    ).json["id"]
    report = {"report_type": "PAKN", "answers": {"noi_dung": "Karaoke", "anh": [there]}}

    answer = hotline.as_("app").post("/reports", report)

    sentence = "Chưa có vụ việc nên chưa có tệp nào để chọn: hãy gửi phản ánh trước, rồi tải tệp lên vụ việc."
    assert (answer.status_code, answer.json["errors"]) == (422, {"anh": sentence})
    report["answers"]["anh"] = []
    assert hotline.as_("app").post("/reports", report).json["number"].endswith("00002")
