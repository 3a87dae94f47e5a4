"""Agencies renamed, merged, closed and opened while the hotline runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from engine import model, packages
from engine.errors import ProcessFault
from engine.flow import machine
from engine.public import tracking
from engine.work import successions
from engine.work.worker import Worker
from tests.hotline import PROVINCE, Hotline, package, refused

HERE, BESIDE, DESK, OFFICE = "ubnd_74_718", "ubnd_74_719", "tongdai_74", "vp_74"
TODAY, TOMORROW = "2021-09-03", "2021-09-04"
WHY = "Nghị quyết 1211 của Quốc hội"
BY_THE_RULES = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # that no database knows of
VILLAGE = {"key": "ubnd_xa_1", "province": "74", "name": "UBND xã Một", "kind": "commune", "area": "718",
           "parent": HERE, "phone": "+842743111222", "reason": WHY}  # fmt: skip


def decides(hotline: Hotline, key: str, what: str = "", *, by: str = "quantri", **body: Any) -> Any:
    """An administrator changes an agency; the answer."""
    method = "POST" if what else "PATCH"
    return hotline.as_(by).post(f"/agencies/{key}{what and '/'}{what}", {"reason": WHY} | body, method=method)


def merges(hotline: Hotline, key: str, into: str, since: str = TODAY) -> dict[str, Any]:
    answer = decides(hotline, key, "merge", into=into, since=since)
    assert answer.status_code == 200, answer.text
    return answer.json


def opens(hotline: Hotline, **values: Any) -> dict[str, Any]:
    answer = hotline.as_("quantri").post("/agencies", VILLAGE | values)
    assert answer.status_code == 201, answer.text
    return answer.json


def follows(hotline: Hotline) -> int:
    return Worker(hotline.runtime, {}).follow()


def deploys_again(hotline: Hotline, province: str = PROVINCE) -> None:
    with hotline.runtime.begin() as unit:
        packages.load_province(unit, packages.Package(package(province__toml=province)).province)


def agency(hotline: Hotline, key: str) -> dict[str, Any]:
    return hotline.as_("quantri").get(f"/agencies/{key}").json


def named(hotline: Hotline, number: str) -> str | None:
    """What the citizen is told the agency is called."""
    with hotline.runtime.read() as unit:
        return tracking.show(unit, number)["agency"]


def works_in(hotline: Hotline, login: str) -> str:
    return hotline.as_(login).get("/me").json["agency"]


def whose(hotline: Hotline, number: str) -> Any:
    """The agencies of the case's open task: which does it, and which has handed it down."""
    with hotline.runtime.read() as unit:
        tasks = select(model.tasks.c.group, model.tasks.c.handed_by).join(model.cases)
        return unit.first(tasks.where(model.cases.c.number == number, model.tasks.c.status == "open"))


# -- renamed ---------------------------------------------------------------------------------------------------------


def test_a_new_name_holds_for_what_is_open_and_survives_the_next_deployment(hotline):
    settled, open_ = hotline.settled(), hotline.assigned()
    hotline.waits(1)
    answer = decides(hotline, HERE, name="UBND thành phố Bến Cát", phone="+842743999999")

    assert (answer.status_code, answer.json["name"]) == (200, "UBND thành phố Bến Cát")
    deploys_again(hotline, PROVINCE.replace("Sở Y tế", "Sở Y tế và Dân số"))
    there = agency(hotline, HERE)
    assert (there["name"], there["phone"]) == ("UBND thành phố Bến Cát", "+842743999999")
    assert agency(hotline, "so_yt_74")["name"] == "Sở Y tế và Dân số"  # which nobody has decided otherwise
    assert named(hotline, open_) == "UBND thành phố Bến Cát"
    assert named(hotline, settled) == "UBND thành phố Thủ Dầu Một"
    (change,) = hotline.as_("quantri").get(f"/agencies/{HERE}/changes").json["items"]
    assert (change["kind"], change["by"], change["reason"]) == ("changed", "quantri", WHY)
    assert change["was"] == {"name": "UBND thành phố Thủ Dầu Một", "phone": "+842743000000"}


@BY_THE_RULES
def test_a_case_settled_between_two_names_keeps_the_one_of_its_day(hotline):
    decides(hotline, HERE, name="Tên thứ hai")
    hotline.waits(1)
    between = hotline.settled()
    hotline.waits(1)
    for name in ("Tên thứ ba", "Tên thứ tư"):
        hotline.waits(1)
        decides(hotline, HERE, name=name)

    assert named(hotline, between) == "Tên thứ hai"


# -- merged ----------------------------------------------------------------------------------------------------------


def test_what_is_open_goes_on_at_the_successor_from_that_day_on(hotline):
    settled, open_ = hotline.settled(), hotline.assigned()
    held = hotline.task("phuong", open_)
    hotline.as_("phuong").post(f"/tasks/{held['id']}/claim", If_Match=f'"{held["version"]}"')
    merged = merges(hotline, HERE, BESIDE, TOMORROW)

    assert (merged["valid_to"], merged["successor"]) == (TOMORROW, BESIDE)
    assert follows(hotline) == 0 and hotline.case(open_)["lead_agency"] == HERE
    hotline.waits(24)
    assert follows(hotline) == 2  # the people, and the case
    assert follows(hotline) == 0
    assert hotline.case(open_)["lead_agency"] == BESIDE
    assert (works_in(hotline, "phuong"), hotline.task("binh", open_)["assignee"]) == (BESIDE, "phuong")
    hotline.does("phuong", open_, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")
    assert hotline.case(settled)["lead_agency"] == HERE and hotline.case(settled, "binh")
    lines = hotline.as_("vanphong").get(f"/cases/{open_}/timeline").json["items"]
    assert [line["data"] for line in lines if line["kind"] == "succeeded"] == [{"agency": BESIDE, "was": HERE}]


def test_what_comes_to_it_later_follows_too(hotline):
    reopened = hotline.settled()
    merges(hotline, HERE, BESIDE)
    follows(hotline)
    with hotline.runtime.begin() as unit:  # the tables of the report type still name the old agency
        unit.execute(update(model.accounts).where(model.accounts.c.login == "hoa").values(agency=HERE))
    again = hotline.assigned(to=HERE)
    assert (hotline.case(again)["lead_agency"], whose(hotline, again)) == (BESIDE, (BESIDE, None))  # and needs nobody
    answer = hotline.as_("vanphong").post(f"/cases/{reopened}/reopen", {"reason": "Chưa xong"},
                                          If_Match=hotline.case(reopened)["etag"])  # fmt: skip
    assert answer.status_code == 200, answer.text

    assert whose(hotline, reopened) == (BESIDE, None)

    assert follows(hotline) == 1  # the one that was reopened: its lead
    assert hotline.task("binh", again) and hotline.case(reopened)["lead_agency"] == BESIDE
    assert hotline.as_("hoa").get("/tasks").json["items"] == []


def test_a_step_that_a_diagram_gives_to_the_agency_itself_follows(hotline):
    number = hotline.receives()  # waits at the desk, which the diagram names
    merges(hotline, DESK, OFFICE)

    assert follows(hotline) == 2
    there = {"agency": BESIDE, "reason": "Gần hơn"}  # which has the process work out anew whose each task is
    answer = hotline.as_("vanphong").post(f"/cases/{number}/reassign", there, If_Match=hotline.case(number)["etag"])
    assert answer.status_code == 200 and whose(hotline, number) == (OFFICE, None)
    hotline.does("vanphong", number, lead_agency=HERE)
    assert hotline.task("phuong", number)["group"] == HERE
    assert whose(hotline, hotline.receives()) == (OFFICE, None)


@BY_THE_RULES
def test_who_has_a_task_keeps_it_when_the_case_is_worked_out_anew_later(hotline):
    number = hotline.receives()
    merges(hotline, DESK, OFFICE)
    follows(hotline)
    task = hotline.task("vanphong", number)
    hotline.as_("vanphong").post(f"/tasks/{task['id']}/claim", If_Match=f'"{task["version"]}"')
    there = {"agency": BESIDE, "reason": "Gần hơn"}
    hotline.as_("vanphong").post(f"/cases/{number}/reassign", there, If_Match=hotline.case(number)["etag"])

    assert hotline.task("vanphong", number)["assignee"] == "vanphong"  # the process knew that it was the office's


@BY_THE_RULES
def test_a_case_that_its_diagram_holds_up_follows_in_nothing(hotline, monkeypatch):
    number = hotline.assigned()
    merges(hotline, HERE, BESIDE)

    def fails(*_: Any) -> Any:
        raise ProcessFault("the lane has no agency")

    with monkeypatch.context() as broken:
        broken.setattr(machine, "_regroup", fails)
        assert follows(hotline) == 1  # the people
    assert (whose(hotline, number), hotline.case(number)["lead_agency"]) == ((HERE, None), HERE)
    (held,) = hotline.as_("vanphong").get("/incidents").json["items"]
    assert hotline.as_("vanphong").post(f"/incidents/{held['id']}/retry").status_code == 200
    assert (whose(hotline, number), hotline.case(number)["lead_agency"]) == ((BESIDE, None), BESIDE)


def test_a_task_handed_down_stays_there_and_the_agency_below_has_another_above(hotline):
    opens(hotline)
    opens(hotline, key="ubnd_xa_2", parent=BESIDE)
    number = hotline.assigned()
    task = hotline.task("phuong", number)
    tag = f'"{task["version"]}"'
    hotline.as_("phuong").post(f"/tasks/{task['id']}/hand-down", {"agency": "ubnd_xa_1"}, If_Match=tag)
    merges(hotline, HERE, BESIDE)
    follows(hotline)

    assert whose(hotline, number) == ("ubnd_xa_1", BESIDE)
    assert agency(hotline, "ubnd_xa_1")["parent"] == BESIDE
    merges(hotline, "ubnd_xa_1", "ubnd_xa_2")
    follows(hotline)
    assert (*whose(hotline, number), hotline.case(number)["lead_agency"]) == ("ubnd_xa_2", BESIDE, BESIDE)
    deploys_again(hotline)
    assert agency(hotline, HERE)["successor"] == BESIDE  # the file knows nothing of it


def test_mergers_in_a_row_lead_to_the_last_even_if_no_worker_was_there_between(hotline):
    number = hotline.assigned()
    opens(hotline, key="moi", kind="district", name="UBND quận mới", parent=None, valid_from=TOMORROW)
    merges(hotline, HERE, BESIDE)
    merges(hotline, BESIDE, "moi", TOMORROW)
    hotline.waits(24)
    follows(hotline)

    assert hotline.case(number)["lead_agency"] == "moi"
    assert {works_in(hotline, login) for login in ("phuong", "hoa", "binh")} == {"moi"}
    assert follows(hotline) == 0


def test_workers_that_look_at_once_move_each_case_once(hotline):
    numbers = [hotline.assigned() for _ in range(4)]
    merges(hotline, HERE, BESIDE)
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: follows(hotline), range(3)))

    assert sum(done) == 5  # four cases, and the people once
    with hotline.runtime.read() as unit:
        kinds = unit.execute(select(model.events.c.kind).where(model.events.c.kind == "succeeded")).scalars().all()
    assert len(kinds) == 4 and {hotline.case(number)["lead_agency"] for number in numbers} == {BESIDE}


@BY_THE_RULES
def test_a_suspended_case_follows_when_it_is_free_and_keeps_no_other_waiting(hotline):
    held, other = hotline.assigned(), hotline.assigned()

    def suspend(since: Any) -> None:
        with hotline.runtime.begin() as unit:
            unit.execute(update(model.cases).where(model.cases.c.number == held).values(suspended_at=since))

    suspend(hotline.clock())
    merges(hotline, HERE, BESIDE)
    assert follows(hotline) == 2
    assert (hotline.case(held)["lead_agency"], hotline.case(other)["lead_agency"]) == (HERE, BESIDE)
    suspend(None)
    assert follows(hotline) == 1


@BY_THE_RULES
def test_a_case_that_cannot_follow_keeps_nothing_else_from_being_done(hotline, monkeypatch):
    stays, other = hotline.assigned(), hotline.assigned()
    follow = successions._follow

    def fails_at_the_first(unit, case_id, heirs):
        if unit.scalar(select(model.cases.c.number).where(model.cases.c.id == case_id)) == stays:
            raise ZeroDivisionError
        return follow(unit, case_id, heirs)

    monkeypatch.setattr(successions, "_follow", fails_at_the_first)
    merges(hotline, HERE, BESIDE)

    assert follows(hotline) == 2
    assert (hotline.case(stays)["lead_agency"], hotline.case(other)["lead_agency"]) == (HERE, BESIDE)


@BY_THE_RULES
def test_a_plan_can_be_changed_until_its_day(hotline):
    number = hotline.assigned()
    merges(hotline, HERE, BESIDE, TOMORROW)
    reopened = decides(hotline, HERE, "reopen")

    assert (reopened.json["valid_to"], reopened.json["successor"]) == (None, None)
    hotline.waits(48)
    assert follows(hotline) == 0 and works_in(hotline, "phuong") == HERE
    assert hotline.case(number)["lead_agency"] == HERE


@BY_THE_RULES
def test_nobody_comes_to_work_at_an_agency_that_is_no_more(hotline):
    merges(hotline, HERE, BESIDE)
    anna = {"login": "anna", "name": "Anna", "role": "handler", "agency": HERE, "password": "mật khẩu rất dài"}
    admin = hotline.as_("quantri")
    gone = "The agency 'ubnd_74_718' is no more since 2021-09-03: name 'ubnd_74_719', which goes on for it."

    assert refused(admin.post("/accounts", anna), 422, "invalid-request") == gone
    moved = admin.post(
        "/accounts/binh", {"agency": HERE}, method="PATCH", If_Match=admin.get("/accounts/binh").headers["ETag"]
    )
    assert refused(moved, 422, "invalid-request") == gone
    kept = admin.post(
        "/accounts/phuong", {"name": "Phương"}, method="PATCH", If_Match=admin.get("/accounts/phuong").headers["ETag"]
    )
    assert kept.status_code == 200  # who works there still, until the worker looks
    follows(hotline)
    assert (
        works_in(hotline, "phuong") == BESIDE and admin.post("/accounts", anna | {"agency": BESIDE}).status_code == 201
    )


# -- closed and opened -----------------------------------------------------------------------------------------------


def test_an_agency_that_nothing_needs_can_be_closed_and_opened_again(hotline):
    opens(hotline, parent=None)
    number = hotline.assigned()
    assert decides(hotline, "ubnd_xa_1", "close").json["valid_to"] == TODAY

    case = hotline.case(number)
    there = {"agency": "ubnd_xa_1", "reason": "Gần hơn"}
    sentence = refused(hotline.as_("vanphong").post(f"/cases/{number}/reassign", there, If_Match=case["etag"]),
                       422, "invalid-request")  # fmt: skip
    assert sentence == "The agency 'ubnd_xa_1' is no more since 2021-09-03."
    assert decides(hotline, "ubnd_xa_1", "reopen").status_code == 200
    answer = hotline.as_("vanphong").post(f"/cases/{number}/reassign", there, If_Match=case["etag"])
    assert answer.json["lead_agency"] == "ubnd_xa_1"
    kinds = [one["kind"] for one in hotline.as_("quantri").get("/agencies/ubnd_xa_1/changes").json["items"]]
    assert kinds == ["reopened", "closed", "opened"]


@BY_THE_RULES
def test_closing_names_what_still_needs_the_agency(hotline):
    opens(hotline)
    opens(hotline, key="cu", parent=None)
    hotline.assigned()
    merges(hotline, "cu", HERE)
    with hotline.runtime.begin() as unit:
        unit.execute(insert(model.branches), {"province": "74", "key": "5", "name": "Quận", "agency": HERE,
                     "closed": False, "valid_from": unit.now, "created_at": unit.now, "created_by": "x"})  # fmt: skip
    sentence = refused(decides(hotline, HERE, "close"), 409, "wrong-state")

    assert sentence == (
        "The agency 'ubnd_74_718' is still needed: 1 open case; 2 accounts in use; ubnd_xa_1 is below it; the key 5 "
        "is its own; it goes on for cu; phan_cong.form of the report type PAKN names it. Merge it into another, or end "
        "that first."
    )
    assert "process.bpmn" in refused(decides(hotline, DESK, "close"), 409, "wrong-state")
    assert agency(hotline, HERE)["valid_to"] is None


# -- refused ---------------------------------------------------------------------------------------------------------


MERGERS = (  # what is asked for, the field that is wrong, and what is said about it
    ({"into": HERE}, "into", "An agency cannot be merged into itself."),
    ({"into": "không"}, "into", ""),
    ({"into": "nowhere"}, "into", "There is no agency 'nowhere' in the province 74."),
    ({"into": "mttq_74"}, "into", "Who oversees and who handles cannot become one"),
    ({"into": "cu"}, "into", "The agency 'cu' is no more from 2021-09-03 on: merge into one that is."),
    ({"into": "moi"}, "into", "The agency 'moi' begins only on 2021-12-01."),
    ({"since": "2021-09-02"}, "since", "since lies in the past"),
    ({"since": "hôm nay"}, "since", ""),
    ({"since": "2021-02-30"}, "since", ""),
    ({"since": None}, "since", ""),
    ({"reason": "  "}, "reason", ""),
    ({"when": TODAY}, "when", ""),
)


@BY_THE_RULES
def test_a_merger_that_cannot_be_is_refused_and_changes_nothing(hotline):
    opens(hotline, key="cu", kind="district", parent=None)
    decides(hotline, "cu", "close")
    opens(hotline, key="moi", kind="district", parent=None, valid_from="2021-12-01")

    for body, field, sentence in MERGERS:
        answer = decides(hotline, HERE, "merge", **{"into": BESIDE, "since": TODAY} | body)
        assert refused(answer, 422, "invalid-request").startswith(sentence), body
        assert field in answer.text
    assert (agency(hotline, HERE)["successor"], follows(hotline)) == (None, 0)


def test_no_circle_comes_about_not_even_by_two_at_once(hotline):
    merges(hotline, HERE, BESIDE, TOMORROW)
    assert "circle" in refused(decides(hotline, BESIDE, "merge", into=HERE, since=TODAY), 422, "invalid-request")
    decides(hotline, HERE, "reopen")
    with ThreadPoolExecutor(2) as pool:
        tried = [pool.submit(decides, hotline, one, "merge", into=other, since=TOMORROW)
                 for one, other in ((HERE, BESIDE), (BESIDE, HERE))]  # fmt: skip
        answers = sorted(one.result().status_code for one in tried)

    assert answers == [200, 422]


@BY_THE_RULES
def test_what_is_no_more_is_not_decided_about_again(hotline):
    merges(hotline, HERE, BESIDE)

    for what, body in (("merge", {"into": OFFICE, "since": TOMORROW}), ("close", {})):
        sentence = refused(decides(hotline, HERE, what, **body), 409, "wrong-state")
        assert sentence == "The agency 'ubnd_74_718' is no more since 2021-09-03, and 'ubnd_74_719' goes on for it."
    assert "no end" in refused(decides(hotline, BESIDE, "reopen"), 409, "wrong-state")


NEW = (  # what is to be opened, and why not
    ({"key": HERE}, "There is an agency 'ubnd_74_718' already"),
    ({"province": "99"}, "There is no province '99'"),
    ({"kind": "quan"}, "An agency is one of desk, office"),
    ({"area": "001"}, "There is no area '001' in the province 74"),
    ({"parent": "nowhere"}, "There is no agency 'nowhere' in the province 74"),
    ({"parent": "ubnd_xa_1"}, "There is no agency 'ubnd_xa_1'"),
    ({"email": "ubnd@thudaumot"}, "That is no e-mail address"),
)


@BY_THE_RULES
def test_an_agency_that_cannot_be_is_not_opened(hotline):
    for values, sentence in NEW:
        answer = hotline.as_("quantri").post("/agencies", VILLAGE | values)
        assert refused(answer, 422, "invalid-request").startswith(sentence), values


@BY_THE_RULES
def test_a_change_that_is_none_and_one_that_makes_a_ring_are_refused(hotline):
    opens(hotline)

    assert "nothing was changed" in refused(decides(hotline, HERE, name="UBND thành phố Thủ Dầu Một"), 422,
                                            "invalid-request")  # fmt: skip
    assert "below it" in refused(decides(hotline, HERE, parent="ubnd_xa_1"), 422, "invalid-request")
    assert "below it" in refused(decides(hotline, HERE, parent=HERE), 422, "invalid-request")


@BY_THE_RULES
def test_only_administrators_decide(hotline):
    for login in ("vanphong", "truc", "phuong", "phantich", "mattran", "app"):
        answer = decides(hotline, HERE, by=login, name="Khác")
        assert "may not change the agencies of" in refused(answer, 403, "not-allowed"), login
    refused(hotline.as_("phuong").get(f"/agencies/{BESIDE}/changes"), 404, "not-found")
    refused(decides(hotline, "nowhere", "close"), 404, "not-found")
    assert agency(hotline, HERE)["name"] == "UBND thành phố Thủ Dầu Một"
