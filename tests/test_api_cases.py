"""Cases through the API: lists, the clock, agencies, duplicates, remarks, files, and who reported."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from engine import queries
from engine.people import access, parts
from engine.queries import CaseFilter
from tests import databases
from tests.hotline import PHONE, refused

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"


def numbers(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [case["number"] for case in answer.json["items"]]


def change(hotline, login, number, what, body=None, etag=None):
    etag = etag or hotline.case(number)["etag"]
    return hotline.as_(login).post(f"/cases/{number}/{what}", body, If_Match=etag)


# -- lists -----------------------------------------------------------------------------------------------------------


def test_everybody_lists_what_concerns_them(hotline):
    ours, theirs, fresh = hotline.assigned("ubnd_74_718"), hotline.assigned("ubnd_74_719"), hotline.receives()

    assert numbers(hotline.as_("vanphong").get("/cases")) == [fresh, theirs, ours]
    assert numbers(hotline.as_("phuong").get("/cases")) == [ours]
    assert numbers(hotline.as_("binh").get("/cases")) == [theirs]
    assert numbers(hotline.as_("yte").get("/cases")) == []
    assert numbers(hotline.as_("mattran").get("/cases")) == [fresh, theirs, ours]


def test_a_list_goes_on_after_the_last_one_seen(hotline):
    made = [hotline.receives() for _ in range(5)]

    first = hotline.as_("vanphong").get("/cases", limit=2)
    hotline.receives()  # what arrives meanwhile moves nothing
    second = hotline.as_("vanphong").get("/cases", limit=2, after=first.json["after"])
    third = hotline.as_("vanphong").get("/cases", limit=2, after=second.json["after"])

    assert numbers(first) + numbers(second) + numbers(third) == made[::-1]
    assert third.json["after"] is None


def test_by_due_time_what_falls_due_first_comes_first(hotline):
    made = []
    for _ in range(3):
        made.append(hotline.receives())
        hotline.waits(1)

    first = hotline.as_("vanphong").get("/cases", sort="due", limit=2)
    rest = hotline.as_("vanphong").get("/cases", sort="due", limit=2, after=first.json["after"])

    assert numbers(first) + numbers(rest) == made


@pytest.mark.parametrize("few", [0, 2, parts.FEW])  # none is near; the first page is; there are few at all
def test_an_agency_with_few_cases_and_one_with_many_get_theirs_by_due_time(hotline, monkeypatch, few):
    monkeypatch.setattr(parts, "FEW", few)
    made = []
    for agency in ("ubnd_74_718", "ubnd_74_718", "ubnd_74_719", "ubnd_74_718"):
        made.append(hotline.assigned(agency))
        hotline.waits(1)
    phuong = hotline.as_("phuong")

    first = phuong.get("/cases", sort="due", limit=1)
    rest = phuong.get("/cases", sort="due", limit=2, after=first.json["after"])

    ours = [made[0], made[1], made[3]]
    assert numbers(first) + numbers(rest) == ours
    assert numbers(phuong.get("/cases", sort="due", open="true", province="74", report_type="PAKN")) == ours
    office = hotline.as_("vanphong")
    assert numbers(office.get("/cases", sort="due", open="true", agency="ubnd_74_718")) == ours
    assert numbers(office.get("/cases", agency="ubnd_74_718")) == ours[::-1]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL would rather read a small table
def test_whichever_of_an_agencys_cases_fall_due_next_is_found_by_indexes(runtime):
    wanted = CaseFilter(report_type="PAKN", soon=True, after="1630634400000000_7")
    look = select(parts.due_next("ubnd_74_718", wanted, runtime.clock())).compile(dialect=runtime.database.dialect)
    with runtime.read() as unit:
        driver = unit.connection.connection.driver_connection
        plan = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {look}", [None] * str(look).count("?"))]

    assert "SEARCH open_cases USING INDEX ix_cases_open (province=? AND due_at>?)" in plan
    assert not [step for step in plan if step.startswith("SCAN") and step != "SCAN few"], plan


def test_filters_narrow_a_list(hotline, monkeypatch):
    done, ours = hotline.settled(), hotline.assigned("ubnd_74_718", area="719", said="Chó thả rông")
    hotline.waits(6)
    office = hotline.as_("vanphong")

    assert numbers(office.get("/cases", open="true")) == [ours]
    assert numbers(office.get("/cases", open="false")) == [done]
    assert numbers(office.get("/cases", overdue="true")) == [ours]
    assert numbers(office.get("/cases", overdue="false")) == [done]
    assert numbers(office.get("/cases", area="719")) == [ours]
    assert numbers(office.get("/cases", status="da_giai_quyet")) == [done]
    assert numbers(office.get("/cases", agency="ubnd_74_719")) == []
    assert numbers(office.get("/cases", province="74", report_type="PAKN", agency="ubnd_74_718")) == [ours, done]
    assert numbers(office.get("/cases", q="cho tha rong")) == [ours]
    assert numbers(office.get("/cases", q="Rông, chó th")) == [ours]  # in any order, and not yet typed to the end
    assert numbers(office.get("/cases", q="ho tha rong")) == []  # a word is looked up by its beginning
    monkeypatch.setattr(queries, "FEW", 0)  # so many say it that they are not looked up
    assert numbers(office.get("/cases", q="rông chó th")) == [ours]
    assert numbers(office.get("/cases", q=done)) == [done]
    assert numbers(office.get("/cases", q="%")) == []


def test_who_only_keeps_watch_sees_how_far_it_is_and_not_what_was_said(hotline):
    number = hotline.assigned(place="12 đường số 3")
    watched = hotline.case(number, "mattran")

    assert (watched["status"], watched["lead_agency"]) == ("dang_xu_ly", "ubnd_74_718")
    assert (watched["subject"], watched["place"], watched["report"]) == (None, None, None)
    assert all(event["data"] == {} for event in hotline.as_("mattran").get(f"/cases/{number}/timeline").json["items"])
    assert hotline.as_("mattran").get("/cases").json["items"][0]["subject"] is None
    refused(hotline.as_("mattran").get(f"/cases/{number}/comments"), 403, "not-allowed")
    assert hotline.case(number, "phuong")["subject"] == "Tụ tập đông người tại chợ"


def test_a_case_of_another_agency_does_not_exist_for_a_handler(hotline):
    number = hotline.assigned("ubnd_74_719")

    for path in ("", "/timeline", "/deadlines", "/comments", "/attachments", "/reporter"):
        assert "does not concern you" in refused(hotline.as_("phuong").get(f"/cases/{number}{path}"), 404, "not-found")
    answer = hotline.as_("phuong").post(f"/cases/{number}/comments", {"text": "Chào"})
    refused(answer, 404, "not-found")


# -- two people, one case ----------------------------------------------------------------------------------------------


def test_a_change_needs_to_say_what_was_read(hotline):
    number = hotline.assigned()
    answer = hotline.as_("vanphong").post(f"/cases/{number}/pause", {"reason": "Chờ người dân"})

    assert "If-Match" in refused(answer, 428, "precondition-required")


def test_of_two_who_read_the_same_version_one_is_told_to_read_again(hotline):
    number = hotline.assigned()
    etag = hotline.case(number)["etag"]
    body = {"agency": "ubnd_74_719", "reason": "Đúng địa bàn"}

    first = change(hotline, "vanphong", number, "reassign", body, etag)
    second = change(hotline, "truc", number, "reassign", body | {"agency": "ubnd_74_718"}, etag)

    assert (first.status_code, first.json["lead_agency"]) == (200, "ubnd_74_719")
    assert first.headers["ETag"] != etag
    refused(second, 412, "stale")
    assert hotline.case(number)["lead_agency"] == "ubnd_74_719"


@pytest.mark.parametrize(("what", "body"), [
    ("pause", {"reason": "Chờ người dân bổ sung"}),
    ("extend", {"until": "2021-09-03T20:00:00+07:00", "reason": "Cần giám định"}),
])  # fmt: skip
def test_the_clock_too_is_moved_by_one_of_two(hotline, what, body):
    number = hotline.assigned()
    etag = hotline.case(number)["etag"]

    assert change(hotline, "vanphong", number, what, body, etag).status_code == 200
    refused(change(hotline, "phuong", number, what, body, etag), 412, "stale")


def test_of_eight_who_pause_a_case_at_once_one_does(hotline):
    number = hotline.assigned()
    etag = hotline.case(number)["etag"]

    def pause(_):
        return change(hotline, "vanphong", number, "pause", {"reason": "Chờ người dân bổ sung"}, etag).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(pause, range(8))) == [200, *[412] * 7]
    history = hotline.as_("vanphong").get(f"/cases/{number}/timeline").json["items"]
    assert [line["kind"] for line in history].count("paused") == 1


# -- the clock ---------------------------------------------------------------------------------------------------------


def test_more_time_is_given_once_with_a_reason_and_the_case_shows_why(hotline):
    number = hotline.assigned()
    body = {"until": "2021-09-03T18:00:00+07:00", "reason": "Cần giám định"}

    answer = change(hotline, "phuong", number, "extend", body)
    again = change(hotline, "phuong", number, "extend", body | {"until": "2021-09-03T20:00:00+07:00"})

    assert (answer.status_code, answer.json["due_at"]) == (200, "2021-09-03T11:00:00+00:00")
    assert answer.json["extensions"] == 1
    refused(again, 409, "wrong-state")
    promises = hotline.as_("phuong").get(f"/cases/{number}/deadlines").json["items"]
    (promise,) = [one for one in promises if one["name"] == "case"]
    assert promise["due_at"] == "2021-09-03T11:00:00+00:00"
    assert len(promise["story"]) == 2
    assert promise["story"][0]["rule"] == "BD-01"
    assert "Cần giám định" in str(promise["story"][1])


def test_a_paused_case_keeps_what_was_left_of_its_time(hotline):
    number = hotline.assigned()
    hotline.waits(2)
    paused = change(hotline, "truc", number, "pause", {"reason": "Chờ người dân bổ sung"})
    hotline.waits(24)
    resumed = change(hotline, "truc", number, "resume")

    assert paused.json["paused_at"] == "2021-09-03T03:00:00+00:00"
    assert (resumed.json["paused_at"], resumed.json["due_at"]) == (None, "2021-09-04T06:00:00+00:00")
    refused(change(hotline, "truc", number, "resume"), 409, "wrong-state")


def test_who_may_not_move_the_clock_is_told_so(hotline):
    number = hotline.assigned()
    body = {"until": "2021-09-03T18:00:00+07:00", "reason": "x"}

    assert "may not extend" in refused(change(hotline, "truc", number, "extend", body), 403, "not-allowed")
    refused(change(hotline, "mattran", number, "pause", {"reason": "x"}), 403, "not-allowed")
    refused(change(hotline, "binh", number, "pause", {"reason": "x"}), 404, "not-found")


# -- its agency, its fate ----------------------------------------------------------------------------------------------


def test_reassigning_moves_the_open_task_to_the_other_agency(hotline):
    number = hotline.assigned("ubnd_74_718")
    change(hotline, "truc", number, "reassign", {"agency": "ubnd_74_719", "reason": "Đúng địa bàn"})

    assert hotline.task("binh", number)["group"] == "ubnd_74_719"
    assert hotline.as_("phuong").get("/tasks", case=number).json["items"] == []
    answer = change(hotline, "truc", number, "reassign", {"agency": "khong_co", "reason": "x"})
    assert "khong_co" in refused(answer, 422, "invalid-request")


def test_a_citizen_who_was_not_helped_is_taken_up_again(hotline):
    number = hotline.settled()
    answer = hotline.as_("app").post(f"/cases/{number}/reopen", {"reason": "Vẫn còn tụ tập"})

    assert answer.status_code == 200, answer.text
    assert (answer.json["closed_at"], answer.json["reopenings"]) == (None, 1)
    assert hotline.task("phuong", number)["name"] == "Xử lý"


def test_a_case_that_is_not_settled_cannot_be_reopened_or_rated(hotline):
    number = hotline.assigned()

    refused(hotline.as_("app").post(f"/cases/{number}/reopen", {"reason": "x"}), 409, "wrong-state")
    refused(hotline.as_("app").post(f"/cases/{number}/rating", {"stars": 5}), 409, "wrong-state")


@pytest.mark.parametrize("stars", [-1, 6, "5", 4.5, True, None])
def test_a_rating_is_zero_to_five_stars(hotline, stars):
    answer = hotline.as_("app").post(f"/cases/{hotline.settled()}/rating", {"stars": stars})

    refused(answer, 422, "invalid-request")


def test_a_duplicate_joins_its_original(hotline):
    original, copy = hotline.assigned(), hotline.assigned()
    answer = change(hotline, "truc", copy, "merge", {"into": original})

    assert (answer.status_code, answer.json["duplicate_of"]) == (200, original)
    assert answer.json["tasks"] == [] and answer.json["closed_at"]
    refused(change(hotline, "truc", copy, "merge", {"into": original}), 409, "wrong-state")
    refused(change(hotline, "truc", original, "merge", {"into": original}), 422, "invalid-request")
    refused(change(hotline, "truc", original, "merge", {"into": "1022.BD.20210903.99999"}), 404, "not-found")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer
def test_of_two_who_join_two_cases_crosswise_one_is_told_that_the_other_was_faster(hotline):
    one, other = hotline.assigned(), hotline.assigned()
    etags = {number: hotline.case(number)["etag"] for number in (one, other)}

    def joins(number, into):
        return change(hotline, "truc", number, "merge", {"into": into}, etags[number])

    with ThreadPoolExecutor(2) as pool:
        with hotline.runtime.begin() as unit:  # both begin before either can go on
            access.hold(unit, one, other)
            tried = [pool.submit(joins, one, other), pool.submit(joins, other, one)]
            while not databases.somebody_waits(hotline.runtime, 2):
                assert not any(attempt.done() for attempt in tried)
        answers = [attempt.result() for attempt in tried]

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    [late] = [answer for answer in answers if answer.status_code == 409]
    assert "is itself a duplicate" in refused(late, 409, "wrong-state")


# -- who reported ------------------------------------------------------------------------------------------------------


def test_who_looks_at_the_reporter_is_written_down(hotline):
    number = hotline.assigned()
    answer = hotline.as_("truc").get(f"/cases/{number}/reporter")

    assert [(one["part"], one["name"], one["phone"]) for one in answer.json["items"]] == [
        ("reporter", "Nguyễn Văn Bình", "+84912345678")
    ]
    looks = [event for event in hotline.as_("vanphong").get(f"/cases/{number}/timeline").json["items"]
             if event["kind"] == "person-viewed"]  # fmt: skip
    assert [(look["actor"], look["data"]) for look in looks] == [("truc", {"secrecy": "C2"})]


def test_at_c2_a_handler_learns_nothing_of_the_reporter(hotline):
    number = hotline.assigned()

    refused(hotline.as_("phuong").get(f"/cases/{number}/reporter"), 403, "not-allowed")
    refused(hotline.as_("mattran").get(f"/cases/{number}/reporter"), 403, "not-allowed")
    for path in (f"/cases/{number}", f"/cases/{number}/timeline", "/cases", "/tasks"):
        told = hotline.as_("phuong").get(path).text
        assert PHONE[1:] not in told and "Nguyễn Văn Bình" not in told


# -- remarks and files -------------------------------------------------------------------------------------------------


def test_a_remark_is_kept_once_under_one_key(hotline):
    number = hotline.assigned()
    body = {"text": "Đã gọi lại cho người dân", "public": True}

    made = [hotline.as_("phuong").post(f"/cases/{number}/comments", body, Idempotency_Key="1") for _ in range(2)]

    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].headers["Location"] == f"/api/v1/cases/{number}/comments"
    (remark,) = hotline.as_("truc").get(f"/cases/{number}/comments").json["items"]
    assert (remark["author"], remark["text"], remark["public"]) == ("phuong", "Đã gọi lại cho người dân", True)


def attach(hotline, number, content, name="anh.png", login="phuong"):
    return hotline.as_(login).call("POST", f"/cases/{number}/attachments", data={"file": (io.BytesIO(content), name)})


def test_a_picture_is_shown_and_anything_else_is_only_saved(hotline):
    number = hotline.assigned()
    picture, page = attach(hotline, number, PNG), attach(hotline, number, b"<script>alert(1)</script>", "anh.png")

    assert (picture.status_code, picture.json["media_type"], picture.json["size"]) == (201, "image/png", len(PNG))
    shown = hotline.as_("phuong").get(picture.headers["Location"])
    assert (shown.data, shown.mimetype) == (PNG, "image/png")
    assert shown.headers["Content-Disposition"].startswith("inline") and shown.content_length == len(PNG)
    part, known = (hotline.as_("phuong").call("GET", picture.headers["Location"], headers=asked)
                   for asked in ({"Range": "bytes=1-3"}, {"If-None-Match": shown.headers["ETag"]}))  # fmt: skip
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, PNG[1:4], f"bytes 1-3/{len(PNG)}")
    assert (known.status_code, known.data) == (304, b"")
    saved = hotline.as_("phuong").get(page.headers["Location"])
    assert saved.headers["Content-Disposition"].startswith("attachment")
    for answer in (shown, saved):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    listed = hotline.as_("truc").get(f"/cases/{number}/attachments").json["items"]
    assert [file["name"] for file in listed] == ["anh.png", "anh.png"]


@pytest.mark.parametrize("name", [
    "../../etc/passwd", "..\\..\\boot.ini", "a\x00b.png", "", "x" * 500 + ".png", "ảnh.png",
])  # fmt: skip
def test_a_name_from_outside_never_becomes_a_path(hotline, tmp_path, name):
    number = hotline.assigned()
    answer = attach(hotline, number, PNG, name or "x")

    assert answer.status_code == 201
    assert "/" not in answer.json["name"] and "\\" not in answer.json["name"] and len(answer.json["name"]) <= 200
    (kept,) = [path for path in (tmp_path / "attachments").rglob("*") if path.is_file()]
    assert kept == tmp_path / "attachments" / answer.json["sha256"][:2] / answer.json["sha256"]


def test_files_that_cannot_be_kept_are_refused_and_leave_nothing(hotline, tmp_path):
    number = hotline.assigned()
    hotline.app.config["BODY_MAX"] = 1000

    refused(attach(hotline, number, b""), 422, "invalid-request")
    refused(attach(hotline, number, b"x" * 5000), 413, "request-entity-too-large")
    refused(attach(hotline, number, PNG, login="binh"), 404, "not-found")
    refused(attach(hotline, number, PNG, login="mattran"), 403, "not-allowed")
    refused(hotline.as_("phuong").post(f"/cases/{number}/attachments", {"file": "x"}), 400, "bad-request")
    assert not [path for path in (tmp_path / "attachments").rglob("*") if path.is_file()]
