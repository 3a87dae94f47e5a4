"""Agencies of communes: made from units, taking reports on their own lines, doing what their district hands down."""

from __future__ import annotations

import tomllib
from datetime import date, datetime

import pytest
from sqlalchemy import insert, select

from engine import model, packages
from engine.errors import InvalidRequest
from engine.flow.check import check
from engine.people import accounts
from engine.places import communes, gazetteer
from tests.clock import VIETNAM
from tests.gazetteers import AGENCIES, npm_package, python_package
from tests.hotline import PROVINCE, package, refused
from webapi.commands import gazetteers

WITH = PROVINCE + AGENCIES + """
[texts.I01]
sms = "[1022] {ma}: có phản ánh cần xử lý. Hạn {han}."
"""
HERE, BESIDE, ELSEWHERE = "ubnd_74_90001", "ubnd_74_90004", "ubnd_74_90007"
LATER = datetime(2026, 3, 2, 8, tzinfo=VIETNAM)


def load_units(hotline, folder) -> list[gazetteer.Loaded]:
    lists = [gazetteers.three_tiers(npm_package(folder / "npm")), gazetteers.two_tiers(python_package(folder / "pypi"))]
    with hotline.runtime.begin() as unit:
        return [gazetteer.load(unit, one, row) for one in lists for row in gazetteer.chosen(unit, ())]


@pytest.fixture
def locals(hotline, tmp_path):
    """The hotline, whose communes have agencies and people: `xa` here, `xa2` beside, `xa3` in the other district."""
    hotline.deploys(province__toml=WITH)
    with hotline.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(WITH))
    load_units(hotline, tmp_path)
    with hotline.runtime.begin() as unit:
        for login, agency in {"xa": HERE, "xa2": BESIDE, "xa3": ELSEWHERE}.items():
            accounts.create(unit, {"login": login, "name": login, "role": "handler", "agency": agency}, None)
            hotline.tokens[login] = accounts.issue(unit, accounts.account(unit, login), "test").token
    return hotline


def made(hotline) -> dict[str, tuple]:
    with hotline.runtime.read() as unit:
        rows = unit.all(select(model.agencies).where(model.agencies.c.kind == "commune"))
    return {row.key: (row.name, row.area, row.parent, row.valid_from, row.valid_to) for row in rows}


def hands_down(hotline, number: str, to: str = HERE, by: str = "phuong"):
    """The district's answer to: let this commune do it."""
    task = hotline.task(by, number)
    return hotline.as_(by).post(f"/tasks/{task['id']}/hand-down", {"agency": to}, If_Match=f'"{task["version"]}"')


# -- made from the units ---------------------------------------------------------------------------------------------


def test_each_commune_gets_an_agency_that_lives_as_long_as_it(locals):
    gone = date(2025, 7, 1)

    assert made(locals) == {
        "ubnd_74_90001": ("UBND phường Hòa Thử", "90001", "ubnd_74_718", None, gone),
        "ubnd_74_90004": ("UBND phường 04", "90004", "ubnd_74_718", None, gone),
        "ubnd_74_90007": ("UBND xã Đồng Thử", "90007", "ubnd_74_719", None, gone),
        "ubnd_74_90001.2025": ("UBND phường Hoà Thử Mới", "90001.2025", None, gone, None),
        "ubnd_74_90010.2025": ("UBND xã Liên Thử", "90010.2025", None, gone, None),
    }


def test_making_them_again_changes_nothing_and_a_new_number_one_of_them(locals):
    def again(province: str) -> int:
        with locals.runtime.begin() as unit:
            return communes.make_agencies(unit, "74", tomllib.loads(province))

    assert again(WITH) == 0
    assert again(WITH.replace("111222", "333444")) == 1
    (found,) = locals.as_("truc").get("/agencies", parent="ubnd_74_718", at="2021-09-03").json["items"][:1]
    assert (found["key"], found["phone"], found["email"]) == (HERE, "+842743333444", "ubnd-90001@example.vn")


def test_units_first_and_the_template_later_comes_to_the_same(hotline, tmp_path):
    load_units(hotline, tmp_path)
    assert made(hotline) == {}

    with hotline.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(WITH))

    assert len(made(hotline)) == 5


def test_a_key_that_another_agency_has_is_refused_and_nothing_is_made(hotline, tmp_path):
    load_units(hotline, tmp_path)
    with hotline.runtime.begin() as unit:
        unit.execute(insert(model.agencies), {"key": HERE, "province": "74", "name": "Trạm Y tế", "kind": "service"})

    with pytest.raises(InvalidRequest, match="'ubnd_74_90001' is no commune's"), hotline.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(WITH))

    assert made(hotline) == {}


def test_agencies_are_listed_by_day_and_by_the_one_above(locals):
    def keys(**query) -> list[str]:
        found = locals.as_("truc").get("/agencies", kind="commune", **query).json["items"]
        return [one["key"] for one in found]

    assert keys(parent="ubnd_74_718") == [HERE, BESIDE]
    assert keys(at="2025-06-30") == [HERE, BESIDE, ELSEWHERE]
    assert keys(at="2025-07-01") == ["ubnd_74_90001.2025", "ubnd_74_90010.2025"]
    assert refused(locals.as_("truc").get("/agencies", at="hôm nay"), 422, "invalid-request")


@pytest.mark.parametrize(("template", "sentence"), [
    ('key = "ubnd_{commune}"\nname = "UBND"', "each commune needs a key of its own"),
    ('key = "ubnd_{district}_{commune}"\nname = "UBND {name}"', "with and without districts"),
    ('key = "ubnd_{commune}"\nname = "UBND {name}"\nparent = "ubnd_{distrct}"', "'district'"),
    ('key = "ubnd_{commune}"\nname = "UBND {name}"\ncontacts = 5', "[agencies_of_communes.contacts"),
    ('key = "ubnd_{commune}"\nname = "{name.__class__}{name}"', "Check {name.__class__}"),
])  # fmt: skip
def test_a_template_that_cannot_be_used_is_told_by_the_gate(template, sentence):
    faults = check(package(province__toml=f"{PROVINCE}\n[agencies_of_communes]\n{template}\n"))

    assert any(sentence in fault.message and fault.severity == "error" for fault in faults), faults


# -- their own line --------------------------------------------------------------------------------------------------


def test_a_commune_takes_a_report_on_its_own_line_and_follows_it_but_no_other(locals):
    own = locals.receives(by="xa", channel="duong_day_nong_xa", area="90001")
    other = locals.receives(area="90001")

    assert locals.case(own, "xa")["channel"] == "duong_day_nong_xa"
    assert locals.case(own)["commune"] == "90001"
    assert [case["number"] for case in locals.as_("xa").get("/cases").json["items"]] == [own]
    assert refused(locals.as_("xa").get(f"/cases/{other}"), 404, "not-found")
    assert refused(locals.as_("xa2").get(f"/cases/{own}"), 404, "not-found")
    assert locals.as_("xa").get("/tasks").json["items"] == []  # the desk's


# -- handed down -----------------------------------------------------------------------------------------------------


def test_a_district_hands_a_task_to_its_commune_and_keeps_the_case(locals):
    number = locals.assigned()
    answer = hands_down(locals, number)
    assert answer.status_code == 200, answer.text

    task = locals.task("xa", number)
    assert (task["group"], task["handed_by"], task["assignee"]) == (HERE, "ubnd_74_718", None)
    assert locals.as_("phuong").get("/tasks").json["items"] == []
    assert locals.case(number, "phuong")["lead_agency"] == "ubnd_74_718"
    (letter,) = [one for one in locals.as_("vanphong").get("/outbox").json["items"] if one["topic"] == "I01"]
    assert letter["agency"] == HERE

    locals.does("xa", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã đến nhà")
    assert locals.case(number)["status"] == "da_giai_quyet"
    told = [event["kind"] for event in locals.as_("phuong").get(f"/cases/{number}/timeline").json["items"]]
    assert "task-handed-down" in told


def test_nobody_but_its_own_district_hands_a_task_to_a_commune(locals):
    number = locals.assigned()
    task = locals.task("phuong", number)

    def ask(by: str, to: str):
        return locals.as_(by).post(f"/tasks/{task['id']}/hand-down", {"agency": to}, If_Match=f'"{task["version"]}"')

    assert "below 'ubnd_74_718'" in refused(ask("phuong", ELSEWHERE), 422, "invalid-request")
    assert "below 'ubnd_74_718'" in refused(ask("phuong", "ubnd_74_719"), 422, "invalid-request")
    assert refused(ask("binh", ELSEWHERE), 404, "not-found")
    assert refused(ask("xa", BESIDE), 404, "not-found")
    assert ask("vanphong", BESIDE).status_code == 200  # the office hands on whatever it likes, down the same line
    assert refused(ask("phuong", HERE), 404, "not-found")


def test_a_commune_that_is_no_more_is_handed_nothing_and_its_successors_are_named(locals):
    number = locals.assigned()
    locals.clock.now = LATER

    told = refused(hands_down(locals, number), 422, "invalid-request")

    assert told == ("The agency 'ubnd_74_90001' is no more since 2025-07-01; it was followed by ubnd_74_90001.2025.")
    case = locals.case(number)
    answer = locals.as_("vanphong").post(f"/cases/{number}/reassign", {"agency": BESIDE, "reason": "Đúng xã"},
                                         If_Match=case["etag"])  # fmt: skip
    assert "followed by ubnd_74_90001.2025, ubnd_74_90010.2025" in refused(answer, 422, "invalid-request")


def test_a_commune_gives_back_to_its_district_and_not_to_the_desk(locals):
    number = locals.assigned()
    hands_down(locals, number)

    answer = locals.as_("xa").post(f"/tasks/{locals.task('xa', number)['id']}/return", {"reason": "Không ở xã này"})

    assert answer.status_code == 200, answer.text
    task = locals.task("phuong", number)
    assert (task["group"], task["handed_by"]) == ("ubnd_74_718", None)
    case = locals.case(number)
    assert (case["status"], case["returns"]) == ("dang_xu_ly", 0)
    assert locals.as_("xa").get("/tasks").json["items"] == []
    assert hands_down(locals, number, BESIDE).status_code == 200


def test_a_district_takes_back_what_it_handed_down_and_nothing_else(locals):
    number = locals.assigned()
    task = locals.task("phuong", number)["id"]
    take = {"reason": "Xã quá tải"}
    assert refused(locals.as_("phuong").post(f"/tasks/{task}/take-back", take), 404, "not-found")
    hands_down(locals, number)

    assert refused(locals.as_("binh").post(f"/tasks/{task}/take-back", take), 404, "not-found")
    assert refused(locals.as_("xa").post(f"/tasks/{task}/take-back", take), 404, "not-found")
    assert refused(locals.as_("phuong").post(f"/tasks/{task}/take-back", {"reason": " "}), 422, "invalid-request")
    assert locals.as_("phuong").post(f"/tasks/{task}/take-back", take).status_code == 200

    assert locals.task("phuong", number)["id"] == task
    assert locals.as_("xa").get("/tasks").json["items"] == []
    told = refused(locals.as_("vanphong").post(f"/tasks/{task}/take-back", take), 409, "wrong-state")
    assert "was not handed down" in told


def test_a_task_that_is_done_is_neither_handed_down_nor_taken_back(locals):
    number = locals.assigned()
    task = locals.task("phuong", number)
    hands_down(locals, number)
    locals.does("xa", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")

    taken = locals.as_("phuong").post(f"/tasks/{task['id']}/take-back", {"reason": "Trễ"})
    assert "already done" in refused(taken, 409, "wrong-state")


def test_another_lead_agency_gets_the_task_wherever_it_was_handed(locals):
    number = locals.assigned()
    hands_down(locals, number)

    answer = locals.as_("vanphong").post(f"/cases/{number}/reassign", {"agency": "ubnd_74_719", "reason": "Sai huyện"},
                                         If_Match=locals.case(number)["etag"])  # fmt: skip

    assert answer.status_code == 200, answer.text
    assert (locals.task("binh", number)["group"], locals.task("binh", number)["handed_by"]) == ("ubnd_74_719", None)
    assert locals.as_("xa").get("/tasks").json["items"] == []


def test_who_is_sent_to_the_door_learns_whose_it_is_until_it_gives_the_task_back(locals):
    with locals.runtime.begin() as unit:
        packages.deploy(unit, package("C3", province__toml=WITH), by="test")
    number = locals.assigned(area="90001")

    def reporter(by: str):
        answer = locals.as_(by).get(f"/cases/{number}/reporter")
        return [one["name"] for one in answer.json["items"]] if answer.status_code == 200 else answer.status_code

    assert reporter("xa") == 404
    hands_down(locals, number)
    assert reporter("xa") == reporter("phuong") == ["Nguyễn Văn Bình"]
    locals.as_("xa").post(f"/tasks/{locals.task('xa', number)['id']}/return", {"reason": "Không ở xã này"})
    assert reporter("xa") == 403


