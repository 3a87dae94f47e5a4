"""A stuck case is put right by hand; cases and versions are held and released."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine import model
from engine.work.worker import Worker
from tests.drawing import draw
from tests.hotline import LIFE, TYPE, refused

PARALLEL = LIFE.replace("da_nhan -> tiep_nhan -> xu_ly", "da_nhan -> chia -> tiep_nhan -> gop -> xu_ly").replace(
    "tra_lai -> tiep_nhan", "tra_lai -> xu_ly") + """
and chia
and gop
user theo_doi "Theo dõi" group=so_yt_74
chia -> theo_doi -> gop
"""


def modifies(hotline, number, *, by="vanphong", **body):
    return hotline.as_(by).post(f"/cases/{number}/modify", {"reason": "kẹt"} | body)


def tokens(hotline, number):
    items = hotline.as_("vanphong").get(f"/cases/{number}/tokens").json["items"]
    return {one["element"]: one["token"] for one in items}


def works(hotline):
    return Worker(hotline.runtime, {}).work()


def test_a_step_is_repeated_and_what_waited_beside_it_waits_anew(hotline):
    number = hotline.assigned()
    hotline.waits(1)
    standing = tokens(hotline, number)
    assert set(standing) == {"xu_ly", "tra_lai"}
    answer = modifies(hotline, number, cancel=[standing["xu_ly"]], start=[{"element": "tiep_nhan"}])

    assert answer.status_code == 200, answer.text
    assert [one["element"] for one in answer.json["items"]] == ["tiep_nhan"]
    hotline.does("truc", number, lead_agency="ubnd_74_719")
    task = hotline.task("binh", number)
    assert task["due_at"] == "2021-09-03T06:00:00+00:00"  # anew, from when it was reached again
    with hotline.runtime.read() as unit:
        assert [row.status for row in unit.all(select(model.tasks).order_by(model.tasks.c.id))] == [
            "done", "cancelled", "done", "open"]  # fmt: skip
        kinds = [row.kind for row in unit.all(select(model.events).order_by(model.events.c.id))]
    assert kinds.count("modified") == 1


def test_after_an_element_is_as_if_it_was_done(hotline):
    number = hotline.receives()
    (token,) = tokens(hotline, number).values()
    modifies(hotline, number, cancel=[token], start=[{"element": "tiep_nhan", "place": "after"}])
    # nobody was named to lead it: the diagram's fault is told and nothing has happened
    assert list(tokens(hotline, number)) == ["tiep_nhan"]


@pytest.mark.parametrize(("body", "status", "said"), [
    ({"cancel": [99]}, 409, "There is no token 99"),
    ({"start": [{"element": "khong_co"}]}, 409, "There is no element 'khong_co'"),
    ({"start": [{"element": "tra_lai"}]}, 409, "waited for beside another element"),
    ({"start": [{"element": "dong", "place": "after"}]}, 409, "Nothing can be started after"),
    ({}, 422, "Say what to cancel or start"),
])  # fmt: skip
def test_what_cannot_be_done_is_said_and_nothing_happens(hotline, body, status, said):
    number = hotline.receives()
    before = tokens(hotline, number)
    answer = modifies(hotline, number, **body)

    assert said in refused(answer, status, "wrong-state" if status == 409 else "invalid-request")
    assert tokens(hotline, number) == before
    assert "Nothing would be left" in modifies(hotline, number, cancel=list(before.values())).json["detail"]
    refused(modifies(hotline, number, by="truc", cancel=list(before.values())), 403, "not-allowed")


def test_a_dead_lock_must_be_confirmed(hotline):
    hotline.deploys(process__bpmn=draw(PARALLEL, "PAKN"))
    number = hotline.receives()
    watching = tokens(hotline, number)["theo_doi"]
    said = refused(modifies(hotline, number, cancel=[watching]), 409, "wrong-state")

    assert said.startswith("The parallel gateway 'gop' could then wait for ever") and "confirmed" in said
    assert modifies(hotline, number, cancel=[watching], confirmed=True).status_code == 200


def test_a_step_that_failed_is_left_behind_with_its_incident(hotline):
    faulty = LIFE.replace("tiep_nhan -> xu_ly", "tiep_nhan -> tinh -> xu_ly") + '\nscript tinh script="x = 1 / so"\n'
    hotline.deploys(process__bpmn=draw(faulty, "PAKN"))
    number = hotline.receives()
    hotline.does("truc", number, lead_agency="ubnd_74_718")
    (incident,) = hotline.as_("quantri").get("/incidents").json["items"]
    with hotline.runtime.begin() as unit:
        from engine import instances
        from engine.flow.steps import Amend

        instances.advance(unit, 1, Amend({"lead_agency": "ubnd_74_718"}))
    standing = tokens(hotline, number)
    answer = modifies(hotline, number, cancel=[standing["tiep_nhan"]], start=[{"element": "xu_ly"}])

    assert answer.status_code == 200, answer.text
    assert hotline.as_("quantri").get(f"/incidents/{incident['id']}").json["resolved_by"] == "vanphong"
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")


# -- holding -----------------------------------------------------------------------------------------------------------


def test_a_suspended_case_stands_still_and_catches_up_when_released(hotline):
    number = hotline.assigned()
    answer = hotline.as_("vanphong").post(f"/cases/{number}/suspend", {"reason": "kiểm tra"})
    assert answer.status_code == 200, answer.text
    hotline.waits(6)
    works(hotline)

    case = hotline.case(number)
    assert case["suspended_at"] and case["due_at"] == "2021-09-03T06:00:00+00:00" and case["breached_at"] is None
    task = hotline.task("phuong", number)
    answer = hotline.as_("phuong").post(f"/tasks/{task['id']}/complete",
                                        {"answers": {"ket_qua": "khong_dung", "noi_dung_ket_qua": "x"}})
    assert "is suspended" in refused(answer, 409, "suspended")
    refused(hotline.as_("mattran").post(f"/cases/{number}/question", {"question": "Sao lâu vậy?"}), 409, "suspended")
    with hotline.runtime.read() as unit:
        assert {row.state for row in unit.all(select(model.jobs))} == {"held"}

    stuck = hotline.as_("vanphong").get("/cases", stuck="true").json["items"][0]["stuck"]
    assert (stuck["reason"], stuck["since"]) == ("held", "2021-09-03T01:00:00+00:00")
    assert [step["action"] for step in stuck["next"]] == ["release-case"]

    assert hotline.as_("vanphong").post(f"/cases/{number}/release").status_code == 200
    assert hotline.as_("vanphong").get("/cases", stuck="true").json["items"][0]["stuck"]["reason"] != "held"
    works(hotline)
    assert hotline.case(number)["breached_at"] is not None
    hotline.does("phuong", number, ket_qua="khong_dung", noi_dung_ket_qua="x")
    refused(hotline.as_("vanphong").post(f"/cases/{number}/release"), 409, "wrong-state")


def test_a_suspended_version_takes_no_cases_and_no_report_is_lost(hotline):
    desk = {"province__toml": None, "type__toml": TYPE.format(secrecy="C2").replace('"PAKN"', '"TINNHAN"')}
    from engine import packages
    from tests.hotline import PROVINCE, package

    general = package(**desk) | {"process.bpmn": draw(LIFE, "TINNHAN"), "province.toml": PROVINCE}
    hotline.deploys(process__bpmn=draw(LIFE.replace("Xử lý", "Giải quyết"), "PAKN"))
    suspend = lambda version, login="phantich": hotline.as_(login).post(  # noqa: E731
        f"/deployments/{version}/suspend", {"reason": "sai"})  # fmt: skip

    assert suspend(2).status_code == 200
    hotline.assigned()
    with hotline.runtime.read() as unit:
        assert [row.definition_id for row in unit.all(select(model.cases))] == [1]
    assert "Nothing would take the reports" in refused(suspend(1), 409, "wrong-state")
    refused(suspend(1, "vanphong"), 403, "not-allowed")

    with hotline.runtime.begin() as unit:
        packages.deploy(unit, general, by="test")
        packages.load_province(unit, packages.Package(general).province | {"message_type": "TINNHAN"})
    assert suspend(1).status_code == 200
    number = hotline.receives("Cây đổ")
    assert "tạm ngừng" in hotline.receipt["note"]
    case = hotline.case(number)
    assert (case["report_type"], case["report"]["noi_dung"]) == ("TINNHAN", "[Phản ánh hiện trường] noi_dung: Cây đổ")
    assert hotline.as_("phantich").post("/deployments/1/release").status_code == 200
    hotline.receives()
    assert hotline.receipt["note"] is None
