"""Incidents by their cause: seen, repaired, tried again one by one or all in one click; letters sent again."""

from __future__ import annotations

from random import Random

import pytest
from sqlalchemy import insert, select, update

from engine import model
from engine.people import access, accounts
from engine.queues import jobs
from engine.work import backlog, causes, doing
from engine.work.worker import Worker
from tests.browser import Site
from tests.drawing import draw
from tests.hotline import LIFE, Hotline, refused
from tests.test_api_stuck import FAULTY
from tests.test_ui_office import enters
from tests.visitor import style_free

ANOTHER = draw(LIFE.replace("bat_dau -> da_nhan", "bat_dau -> dem -> da_nhan")
               + '\nscript dem "Đếm" script="so = khong_co + 1"\n', "PAKN")  # fmt: skip

AFTER = draw(LIFE.replace("xu_ly -> bao_ket_qua", "xu_ly -> chia -> bao_ket_qua")
             + '\nscript chia "Chia" script="ty_le = 10 / (len(noi_dung_ket_qua) - 3)"\n', "PAKN")  # fmt: skip


def causes_of(hotline: Hotline, login: str = "vanphong") -> list[tuple[str, int, int]]:
    items = hotline.as_(login).get("/incidents/causes").json["items"]
    return [(one["element"], one["count"], one["waiting"]) for one in items]


def held_up(hotline: Hotline) -> list[str]:
    """Three cases by one fault, one by another; their numbers."""
    hotline.deploys(process__bpmn=FAULTY)
    numbers = [hotline.receives("Lửa") for _ in range(3)]
    hotline.deploys(process__bpmn=ANOTHER)
    return [*numbers, hotline.receives("Lũ")]


def test_one_fault_is_one_cause_and_all_its_cases_are_tried_again_by_the_workers(hotline: Hotline):
    first, *_ = held_up(hotline)
    assert causes_of(hotline) == [("tinh", 3, 0), ("dem", 1, 0)]
    assert causes_of(hotline, "phuong") == []
    (tinh, dem) = hotline.as_("vanphong").get("/incidents/causes").json["items"]
    refused(hotline.as_("phuong").post(f"/incidents/{tinh['incident']}/retry-all"), 404, "not-found")
    refused(hotline.as_("vanphong").post("/incidents/99/retry-all"), 404, "not-found")

    values = hotline.as_("phantich").get(f"/incidents/{tinh['incident']}").json["step"]["data"]
    correct = f"/incidents/{tinh['incident']}/correct"
    refused(hotline.as_("vanphong").post(correct, {"values": values}), 404, "not-found")  # the office does not repair
    poison = hotline.as_("phantich").post(correct, {"values": values | {"typename": "dict"}})
    assert "the name is reserved" in refused(poison, 422, "invalid-request")
    assert hotline.as_("phantich").post(correct, {"values": values | {"noi_dung": "Lửa lớn"}}).status_code == 200
    assert hotline.as_("vanphong").post(f"/incidents/{tinh['incident']}/retry-all").json == {"queued": 3}
    assert hotline.as_("vanphong").post(f"/incidents/{tinh['incident']}/retry-all").json == {"queued": 3}  # impatience
    assert causes_of(hotline) == [("tinh", 3, 3), ("dem", 1, 0)]
    with hotline.runtime.read() as unit:
        office = accounts.account(unit, "vanphong")
        assert causes.progress(unit, office, tinh["incident"]) == causes.Progress(3, 3)
        assert backlog.depth(unit)["jobs"]["due"] == 3
    Worker(hotline.runtime, {}).work()

    assert causes_of(hotline) == [("tinh", 2, 0), ("dem", 1, 0)]  # what was repaired goes on; the others failed again
    assert hotline.task("truc", first)["element"] == "tiep_nhan"
    kinds = [line["kind"] for line in hotline.as_("vanphong").get(f"/cases/{first}/timeline").json["items"]]
    assert kinds[:3] == ["incident-opened", "received", "incident-repaired"] and "incident-resolved" in kinds
    again = hotline.as_("phantich").get("/incidents").json["items"]
    assert sorted(one["attempts"] for one in again) == [1, 2, 2]
    refused(hotline.as_("phantich").post(correct, {"values": values}), 409, "wrong-state")
    refused(hotline.as_("vanphong").post(f"/incidents/{tinh['incident']}/retry"), 409, "wrong-state")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_answers_that_are_corrected_are_held_against_the_form_of_their_task(hotline: Hotline):
    hotline.deploys(process__bpmn=AFTER)
    number = hotline.assigned()
    task = hotline.task("phuong", number)
    assert hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Rồi")["status"] == "open"
    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    at = f"/incidents/{incident['id']}"

    for wrong in ({"ket_qua": "khac", "noi_dung_ket_qua": "Xong"}, {"ket_qua": "da_giai_quyet"}):
        refused(hotline.as_("phantich").post(f"{at}/correct", {"values": wrong}), 422, "invalid-answers")
    right = {"ket_qua": "da_giai_quyet", "noi_dung_ket_qua": "Đã nhắc nhở"}
    assert hotline.as_("phantich").post(f"{at}/correct", {"values": right}).status_code == 200
    assert hotline.as_("vanphong").post(f"{at}/retry").json["resolved_at"]
    done = hotline.as_("phuong").get(f"/tasks/{task['id']}").json
    assert (done["status"], done["answers"]["noi_dung_ket_qua"]) == ("done", "Đã nhắc nhở")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_all_of_a_cause_are_only_those_that_one_may_retry(hotline: Hotline):
    hotline.deploys(process__bpmn=FAULTY)
    hotline.receives("Lửa"), hotline.receives("Lửa", area="719")
    hotline.deploys(process__bpmn=ANOTHER)
    hotline.receives("Lửa", area="719")
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "vanphong", {"areas": ["719"]}, None)
        elsewhere, ours, _ = unit.all(select(model.incidents.c.id).order_by(model.incidents.c.id))

    assert causes_of(hotline) == [("tinh", 1, 0), ("dem", 1, 0)]
    refused(hotline.as_("vanphong").post(f"/incidents/{elsewhere.id}/retry-all"), 404, "not-found")
    assert hotline.as_("vanphong").post(f"/incidents/{ours.id}/retry-all").json == {"queued": 1}
    with hotline.runtime.read() as unit:
        assert [row.token for row in unit.all(select(model.jobs).where(model.jobs.c.kind == "retry"))] == [-ours.id]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_wrong_with_a_value_is_said_in_the_language_of_whoever_repairs(hotline: Hotline):
    hotline.deploys(process__bpmn=AFTER)
    number = hotline.assigned()
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Rồi")
    analyst = enters(hotline, "phantich")
    path = analyst.opens("/tinh/su-co").find("//tbody//a/@href")[0]

    def said(language: str, values: str) -> str:
        page = analyst.opens(f"{path}?lang={language}")
        (fault,) = analyst.sends(page, form=len(page.find("//main//form")) - 1, values=values).faults
        return fault

    wrong = '{"ket_qua": "khac", "noi_dung_ket_qua": "Rồi"}'
    assert said("vi", wrong) == "ket_qua: Hãy chọn một trong các lựa chọn có sẵn."
    assert said("en", wrong) == "ket_qua: Choose one of what is offered."
    assert "giữ đúng dạng JSON" in said("vi", "[1]") and "keep it JSON" in said("en", "[1]")
    assert said("vi", '{"typename": 1}').startswith("Bước này không được có trường tên")
    assert "the name is reserved" in said("en", '{"typename": 1}')


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_letters_that_were_given_up_are_found_by_an_index(hotline: Hotline):
    with hotline.runtime.read() as unit:
        query = causes._dead(select(model.outbox.c.id), accounts.account(unit, "vanphong"), "see-outbox")
        said = query.compile(unit.connection, compile_kwargs={"render_postcompile": True})
        values = tuple(None for _ in range(str(said).count("?")))
        plan = unit.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values).all()
        assert any("ix_outbox_dead" in row[3] for row in plan), plan


def test_a_retry_that_nobody_needs_any_more_does_nothing_and_one_that_kills_workers_leaves_its_incident(
    hotline: Hotline,
):
    held_up(hotline)
    with hotline.runtime.begin() as unit:
        analyst = accounts.account(unit, "phantich")
        alike = select(model.incidents.c.id).where(model.incidents.c.element == "tinh")
        one, other, _ = unit.all(alike.order_by(model.incidents.c.id))
        causes.retry(unit, analyst, one.id)
        unit.execute(update(model.incidents).where(model.incidents.c.id == one.id).values(resolved_at=unit.now))
    (job, *rest) = jobs.claim(hotline.runtime, "anna", 3)
    assert job.payload["incident"] == one.id
    assert doing.run(hotline.runtime, job, Random(1)) == "done"

    with hotline.runtime.begin() as unit:
        unit.execute(update(model.jobs).values(attempts=jobs.DEATHS_MAX))
    hotline.waits(1)
    assert jobs.claim(hotline.runtime, "binh", 3) == []
    with hotline.runtime.read() as unit:
        assert unit.all(select(model.jobs).where(model.jobs.c.kind == "retry")) == []
        row = unit.first(select(model.incidents).where(model.incidents.c.id == other.id))
        assert (row.resolved_at, row.attempts) == (None, 1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_page_says_what_is_wrong_and_the_analyst_corrects_values(hotline: Hotline):
    number, *_ = held_up(hotline)
    office, analyst = enters(hotline, "vanphong"), enters(hotline, "phantich")

    english, page = office.opens("/tinh/su-co?lang=en"), office.opens("/tinh/su-co?lang=vi")
    told = {one["message"]: one["message_vi"] for one in hotline.as_("vanphong").get("/incidents/causes").json["items"]}
    assert all(said in english.text and there in page.text for said, there in told.items())
    assert "'Tính': Dòng 1: '/' chia cho 0." in told.values()
    assert style_free(page) and "Tính" in page.text and "Việc đến giờ đang chờ" in page.text
    assert "Oldest one has waited" in office.opens("/tinh?lang=en").text
    one = analyst.opens(page.find("//tbody//a/@href")[0])
    assert number in one.text and style_free(one)
    assert not office.opens(one.url).find("//textarea")
    at = len(one.find("//main//form")) - 1
    wrong = analyst.sends(one, form=at, values='{"noi_dung": ')
    assert wrong.status == 422 and wrong.faults and wrong.find("//textarea")[0].text.strip() == '{"noi_dung":'
    for unfit in ("NaN", '"\\u0000"', '"\\ud800"'):
        assert analyst.sends(one, form=at, values=f'{{"noi_dung": {unfit}}}').status == 422
    kept = analyst.sends(one, form=at, values=one.find("//textarea")[0].text.replace('"Lửa"', '"Lửa lớn"'))
    assert "Đã ghi giá trị mới" in kept.text
    assert "quy trình đi tiếp" in analyst.sends(kept, form=1).text
    failed = analyst.sends(analyst.opens(office.opens("/tinh/su-co").find("//tbody//a/@href")[0]), form=1)
    assert "Chưa qua được" in failed.text
    for login in ("phuong", "mattran", "truc"):
        assert [enters(hotline, login).opens(path).status for path in ("/tinh/su-co", one.url)] == [403, 403]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_letters_that_were_given_up_for_one_cause_are_sent_again_together(hotline: Hotline):
    numbers = [hotline.receives(), hotline.receives()]
    with hotline.runtime.begin() as unit:
        unit.execute(update(model.outbox).values(state="dead", last_error="The SMS gateway answered 503."))
    analyst, office = enters(hotline, "phantich"), enters(hotline, "vanphong")

    assert not analyst.opens("/tinh/su-co").find("//main//form")
    page = office.opens("/tinh/su-co")
    assert "Cổng SMS trả lời 503." in page.text and "Tin nhắn SMS" in page.text
    assert "Đang gửi lại 2 tin" in office.sends(page).text
    with hotline.runtime.begin() as unit:
        assert {row.state for row in unit.all(select(model.outbox.c.state))} == {"ready"}
        resent = unit.all(select(model.events.c.actor).where(model.events.c.kind == "message-resent"))
        assert [row.actor for row in resent] == ["vanphong"] * len(numbers)
        outsider = access.Account(9, "x", "X", "office", "vp_75", "75")
        assert causes.of_letters(unit, outsider) == causes.of_incidents(unit, outsider) == []


def test_the_office_tries_all_of_a_cause_again_and_watches(site: Site):
    province, words = site.province, "The table has no row for this."
    numbers = [province.passes_on("BDTT", area="718") for _ in range(3)]
    with province.runtime.begin() as unit:
        for row in unit.all(select(model.cases.c.id)):
            unit.execute(insert(model.incidents), {
                "case_id": row.id, "message": words, "element": "don_vi_nhan", "opened_at": unit.now,
                "step": {"kind": "Fire", "token": 999},
            })  # fmt: skip
    province.incidents = [words] * len(numbers)
    window = site.window("vpubnd_74")
    window.goto("/tinh")
    window.get_by_text("Việc đến giờ đang chờ").wait_for()
    window.get_by_role("link", name="Sự cố").click()
    site.is_accessible(window)
    window.get_by_role("link", name=words).click()
    site.is_accessible(window)
    window.get_by_role("button", name="Thử lại tất cả").click()
    window.get_by_text("xong 0 trên 3").wait_for()
    site.is_accessible(window)
    site.fits(window)

    province.worker.tick()
    window.get_by_text("Không còn vụ việc nào vướng vì nguyên nhân này.").wait_for()
    assert province.tasks(numbers[0])
