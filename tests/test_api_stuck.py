"""What is stuck, since when, why, and what can be done: incidents, dead letters, overdue and unmanned tasks."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update

from engine import model
from tests.drawing import draw
from tests.hotline import LIFE, refused

# a division that goes wrong for a report of exactly three letters
FAULTY = draw(LIFE.replace("bat_dau -> da_nhan", "bat_dau -> tinh -> da_nhan")
              + '\nscript tinh "Tính" script="ty_le = 10 / (len(noi_dung) - 3)"\n', "PAKN")  # fmt: skip
# the same for a handler's answer
FAULTY_ANSWER = draw(LIFE.replace("xu_ly -> bao_ket_qua", "xu_ly -> tinh -> bao_ket_qua")
                     + '\nscript tinh "Tính" script="ty_le = 10 / (len(noi_dung_ket_qua) - 3)"\n', "PAKN")  # fmt: skip


def stuck(hotline, login="vanphong", **query):
    answer = hotline.as_(login).get("/cases", stuck="true", **query)
    assert answer.status_code == 200, answer.text
    return {case["number"]: case["stuck"] for case in answer.json["items"]}


def sets(hotline, table, **values):
    with hotline.runtime.begin() as unit:
        unit.execute(update(table).values(values))


def test_what_moves_by_itself_is_not_stuck(hotline):
    number = hotline.assigned()
    hotline.receives(), hotline.settled()

    assert stuck(hotline) == {} and hotline.case(number)["stuck"] is None


def test_an_overdue_task_names_its_agency_and_that_nobody_claimed_it(hotline):
    number = hotline.assigned()
    hotline.waits(4.5)
    why = stuck(hotline)[number]

    assert why["reason"] == "overdue-task" and why["since"] == "2021-09-03T05:00:00+00:00"
    assert why["why"] == ("The task 'Xử lý' of UBND thành phố Thủ Dầu Một is overdue since 12:00 03/09/2021; "
                          "nobody has claimed it.")  # fmt: skip
    assert [step["action"] for step in why["next"]] == ["delegate-task", "extend-case", "reassign-case"]
    assert why["next"][0]["href"] == f"/api/v1/tasks/{why['next'][0]['id']}/delegate"
    assert why["next"][1]["href"] == f"/api/v1/cases/{number}/extend"
    assert hotline.case(number)["stuck"] == why


def test_only_what_the_asker_may_do_is_offered(hotline):
    number = hotline.assigned()
    hotline.waits(4.5)

    offered = {login: [step["action"] for step in stuck(hotline, login)[number]["next"]]
               for login in ("phuong", "truc", "mattran")}  # fmt: skip

    assert offered == {"phuong": ["delegate-task", "extend-case"], "truc": ["reassign-case"], "mattran": []}
    assert stuck(hotline, "binh") == {}


def test_who_has_claimed_it_is_named(hotline):
    number = hotline.assigned()
    hotline.as_("phuong").post(f"/tasks/{hotline.task('phuong', number)['id']}/claim")
    hotline.waits(4.5)

    assert stuck(hotline)[number]["why"].endswith("is overdue since 12:00 03/09/2021; phuong has claimed it.")


def test_a_task_for_an_agency_without_people_is_stuck_at_once(hotline):
    number = hotline.assigned("ubnd_74_719")
    with hotline.runtime.begin() as unit:
        unit.execute(update(model.accounts).where(model.accounts.c.login == "binh").values(active=False))
    why = stuck(hotline, "quantri")[number]

    assert why["reason"] == "nobody"
    assert "for UBND huyện Bàu Bàng, where nobody has an account." in why["why"]
    assert [step["action"] for step in why["next"]] == ["add-account"]


def test_a_fault_of_the_report_type_keeps_the_report_and_says_where_it_stands(hotline):
    hotline.deploys(process__bpmn=FAULTY)
    number = hotline.receives("Lửa")
    why = stuck(hotline, "phantich")[number]

    assert why["reason"] == "incident"
    assert why["why"].startswith("Since 08:00 03/09/2021 the step tinh cannot be taken:")
    assert [step["action"] for step in why["next"]] == ["retry-incident", "repair-report-type"]
    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    assert (incident["case"], incident["element"], incident["attempts"]) == (number, "tinh", 1)
    retried = hotline.as_("phantich").post(why["next"][0]["href"])
    assert (retried.status_code, retried.json["attempts"], retried.json["resolved_at"]) == (200, 2, None)
    assert hotline.case(number)["report"]["noi_dung"] == "Lửa"


def test_better_answers_to_a_task_settle_what_the_first_ones_held_up(hotline):
    hotline.deploys(process__bpmn=FAULTY_ANSWER)
    number = hotline.assigned()
    task = hotline.task("phuong", number)

    def says(words):
        said = {"answers": {"ket_qua": "khong_dung", "noi_dung_ket_qua": words}}
        return hotline.as_("phuong").post(f"/tasks/{task['id']}/complete", said).json

    assert says("Lửa")["status"] == "open"
    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    better = says("Không có lửa")

    assert (better["status"], better["version"]) == ("done", task["version"] + 2)
    assert hotline.as_("phantich").get("/incidents").json["items"] == []
    (settled,) = hotline.as_("phantich").get("/incidents", open="false").json["items"]
    assert (settled["id"], settled["resolved_by"]) == (incident["id"], "phuong")


def test_whoever_corrects_an_answer_while_a_fault_holds_it_up_is_heard_with_the_correction(hotline):
    hotline.deploys(process__bpmn=FAULTY_ANSWER)
    number = hotline.assigned()
    path = f"/tasks/{hotline.task('phuong', number)['id']}/complete"

    for words in ("Lửa", "Mưa"):
        said = {"answers": {"ket_qua": "khong_dung", "noi_dung_ket_qua": words}}
        assert hotline.as_("phuong").post(path, said).json["status"] == "open"

    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    held = hotline.as_("phantich").get(f"/incidents/{incident['id']}").json["step"]
    assert "Mưa" in str(held) and "Lửa" not in str(held)


def test_incidents_are_for_the_office_and_the_analyst_to_see_and_to_retry(hotline):
    hotline.deploys(process__bpmn=FAULTY)
    hotline.receives("Lửa")
    (incident,) = hotline.as_("vanphong").get("/incidents").json["items"]

    assert hotline.as_("phuong").get("/incidents").json["items"] == []
    refused(hotline.as_("phuong").get(f"/incidents/{incident['id']}"), 404, "not-found")
    refused(hotline.as_("phuong").post(f"/incidents/{incident['id']}/retry"), 404, "not-found")
    assert hotline.as_("vanphong").post(f"/incidents/{incident['id']}/retry").json["attempts"] == 2
    assert hotline.as_("vanphong").get(f"/incidents/{incident['id']}").json["step"]["kind"]
    assert hotline.as_("vanphong").get("/incidents", open="false").json["items"] == []


def test_a_message_that_was_given_up_is_seen_and_sent_again(hotline):
    number = hotline.receives()
    sets(hotline, model.outbox, state="dead", last_error="the gateway says 503")
    why = stuck(hotline)[number]

    assert why["reason"] == "dead-letter"
    assert why["why"] == "The sms 'T01' of 08:00 03/09/2021 could not be sent: the gateway says 503"
    (letter,) = hotline.as_("vanphong").get("/outbox", state="dead").json["items"]
    assert letter["to_citizen"] and "912345678" not in str(letter)
    again = hotline.as_("vanphong").post(why["next"][0]["href"])
    assert (again.status_code, again.json["state"], again.json["key"]) == (200, "ready", letter["key"])
    refused(hotline.as_("vanphong").post(why["next"][0]["href"]), 409, "wrong-state")
    refused(hotline.as_("phuong").get(f"/outbox/{letter['id']}"), 404, "not-found")
    assert stuck(hotline) == {}


def test_only_what_the_work_itself_waits_for_is_named(hotline):
    waiting = LIFE.replace("cho -> danh_gia -> dong", "cho -> danh_gia -> so_lieu -> dong") + """
receive so_lieu "Số liệu" message=msg_so_lieu
sub rut handler {
start rut_don message=msg_rut_don aside
end rut_xong
rut_don -> rut_xong
}
"""
    hotline.deploys(process__bpmn=draw(waiting, "PAKN"))
    number = hotline.settled()
    with hotline.runtime.read() as unit:
        assert {(row.message, row.aside) for row in unit.all(select(model.subscriptions))} == {
            ("msg_rut_don", True), ("msg_phan_anh_lai", False), ("msg_danh_gia", False)}  # fmt: skip
    sets(hotline, model.cases, closed_at=None, due_at=hotline.clock())
    hotline.waits(1)

    [why] = stuck(hotline).values()
    assert why["reason"] == "no-answer" and "waits for the message 'msg_phan_anh_lai'" in why["why"]
    assert "Quy trình đang chờ thông điệp 'msg_phan_anh_lai'" in why["why_vi"]
    with hotline.runtime.begin() as unit:
        unit.execute(delete(model.subscriptions).where(~model.subscriptions.c.aside))
    assert stuck(hotline)[number]["reason"] == "overdue-case"


def test_a_paused_case_waits_as_it_should(hotline):
    number = hotline.assigned()
    hotline.as_("truc").post(f"/cases/{number}/pause", {"reason": "Chờ bổ sung"}, If_Match="*")
    hotline.waits(100)

    assert stuck(hotline) == {}


def test_a_timer_that_nobody_runs_asks_for_a_worker(hotline):
    number = hotline.receives()
    hotline.waits(6)  # no worker runs in this test: warning and breach are overdue themselves

    why = stuck(hotline)[number]
    assert {why["reason"], *why["also"]} == {"unrun-job", "overdue-case"}
    assert "is a worker running?" in why["why"]


def test_the_longest_stuck_comes_first_and_the_list_goes_on(hotline):
    made = []
    for _ in range(3):
        made.append(hotline.assigned())
        hotline.waits(1)
    hotline.waits(5)

    first = hotline.as_("vanphong").get("/cases", stuck="true", limit=2).json
    rest = hotline.as_("vanphong").get("/cases", stuck="true", limit=2, after=first["after"]).json

    assert [case["number"] for case in first["items"] + rest["items"]] == made
    assert rest["after"] is None


@pytest.mark.parametrize("query", [{"agency": "ubnd_74_719"}, {"report_type": "KHAC"}, {"q": "khong co"}])
def test_filters_narrow_what_is_stuck_too(hotline, query):
    hotline.assigned("ubnd_74_718")
    hotline.waits(6)

    assert stuck(hotline, **query) == {} and len(stuck(hotline)) == 1
