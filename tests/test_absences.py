"""Somebody is away and a colleague stands in: who sees it, who does it, what history says, and what will not do."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from engine import tasks
from engine.notifiers import Message, Receipt
from engine.people import accounts
from engine.work.worker import Worker
from tests.hotline import Hotline, refused
from tests.test_ui_office import enters
from tests.visitor import style_free

TODAY, NEXT, LATER = "2021-09-03", "2021-09-10", "2021-09-20"  # the clock of tests begins on the first
ANSWERS = {"ket_qua": "da_giai_quyet", "noi_dung_ket_qua": "Đã nhắc nhở"}


class Post:
    """A gateway that keeps what it was given."""

    def __init__(self) -> None:
        self.letters: list[Message] = []

    def send(self, message: Message) -> Receipt:
        self.letters.append(message)
        return Receipt()


@pytest.fixture
def office(hotline: Hotline) -> Hotline:
    """With two more people beside phuong and hoa: mai, who heads the agency, and lan."""
    with hotline.runtime.begin() as unit:
        for login, head in (("mai", True), ("lan", False)):
            row = {"login": login, "name": login.title(), "role": "handler", "agency": "ubnd_74_718", "head": head}
            accounts.create(unit, row, None)
            hotline.tokens[login] = accounts.issue(unit, accounts.account(unit, login), "test").token
    return hotline


def away(hotline: Hotline, by: str, substitute: str, first: str = TODAY, last: str = NEXT, **more: str):
    said = {"substitute": substitute, "first_day": first, "last_day": last} | more
    return hotline.as_(by).post("/absences", said)


def held(hotline: Hotline, by: str) -> tuple[str, str]:
    """A case whose task somebody has claimed: its number, and the task's address."""
    number = hotline.assigned()
    at = f"/tasks/{hotline.task(by, number)['id']}"
    assert hotline.as_(by).post(f"{at}/claim").status_code == 200
    return number, at


def test_the_substitute_sees_and_completes_what_the_absent_person_holds_and_history_says_so(office: Hotline):
    number, at = held(office, "phuong")
    second, other = held(office, "phuong")
    refused(office.as_("hoa").post(f"{at}/complete", {"answers": ANSWERS}), 409, "wrong-state")
    made = away(office, "phuong", "hoa")

    assert (made.status_code, made.json["login"], made.json["substitute"]) == (201, "phuong", "hoa")
    assert [one["case"] for one in office.as_("hoa").get("/tasks", absent="true").json["items"]] == [number, second]
    assert office.as_("lan").get("/tasks", absent="true").json["items"] == []
    refused(office.as_("lan").post(f"{at}/claim"), 409, "wrong-state")
    assert office.as_("hoa").post(f"{at}/complete", {"answers": ANSWERS}).status_code == 200
    assert office.as_("hoa").post(f"{other}/claim").status_code == 200
    assert office.as_("hoa").get(other).json["assignee"] == "hoa"
    refused(office.as_("phuong").post(f"{other}/claim"), 409, "wrong-state")  # back too soon: hoa has it now

    def line(case: str, kind: str) -> dict:
        events = office.as_("vanphong").get(f"/cases/{case}/timeline").json["items"]
        return [one for one in events if one["kind"] == kind][-1]

    done, taken = line(number, "task-completed"), line(second, "task-claimed")
    assert (done["actor"], done["data"]["on_behalf_of"]) == ("hoa", "phuong")
    assert (taken["actor"], taken["data"]["on_behalf_of"]) == ("hoa", "phuong")

    third, late = held(office, "phuong")
    office.waits(24 * 7 + 17)  # past midnight of the last day
    refused(office.as_("hoa").post(f"{late}/claim"), 409, "wrong-state")
    refused(office.as_("phuong").post(f"/absences/{made.json['id']}", method="DELETE"), 409, "wrong-state")
    assert office.as_("hoa").get("/absences").json["items"] == []
    assert office.as_("phuong").post(f"{late}/complete", {"answers": ANSWERS}).status_code == 200
    assert "on_behalf_of" not in line(third, "task-completed")["data"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_substitute_who_is_away_too_passes_it_on_and_who_is_back_ends_it(office: Hotline):
    _number, at = held(office, "phuong")
    assert away(office, "phuong", "hoa").status_code == 201
    made = away(office, "hoa", "lan")

    assert [one["id"] for one in office.as_("lan").get("/tasks", absent="true").json["items"]]
    refused(office.as_("lan").post(f"/absences/{made.json['id']}", method="DELETE"), 403, "not-allowed")
    assert office.as_("hoa").post(f"/absences/{made.json['id']}", method="DELETE").status_code == 204
    refused(office.as_("hoa").post(f"/absences/{made.json['id']}", method="DELETE"), 409, "wrong-state")
    refused(office.as_("lan").post(f"{at}/claim"), 409, "wrong-state")
    assert office.as_("hoa").post(f"{at}/claim").status_code == 200


def test_what_will_not_do_is_refused_in_one_sentence(office: Hotline):
    for substitute in ("phuong", "binh", "vanphong", "nobody"):  # oneself; of other agencies; nobody
        refused(away(office, "phuong", substitute), 422, "invalid-request")
    for first, last in (("2021-09-02", NEXT), (NEXT, TODAY), (TODAY, "2022-09-10"), ("2022-10-01", "2022-10-02")):
        refused(away(office, "phuong", "hoa", first, last), 422, "invalid-request")
    with office.runtime.begin() as unit:
        accounts.change(unit, "lan", {"active": False}, None)
    refused(away(office, "phuong", "lan"), 422, "invalid-request")

    assert away(office, "phuong", "hoa", NEXT, LATER).status_code == 201
    assert "is away already from 2021-09-10 to 2021-09-20" in refused(
        away(office, "phuong", "mai", "2021-09-20", "2021-09-25"), 409, "wrong-state"
    )
    assert away(office, "phuong", "hoa", "2021-09-21", "2021-09-25").status_code == 201
    assert "mai stands in for phuong" in refused(_circle(office), 409, "wrong-state")
    assert away(office, "mai", "phuong", "2021-09-26", "2021-09-27").status_code == 201  # nobody else is away then


def _circle(office: Hotline):
    """phuong -> hoa -> mai -> phuong, all on the 20th."""
    assert away(office, "hoa", "mai", LATER, LATER).status_code == 201
    return away(office, "mai", "phuong", LATER, LATER)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_heads_an_agency_notes_it_for_its_people_and_nobody_else_does(office: Hotline):
    refused(away(office, "hoa", "lan", login="phuong"), 403, "not-allowed")
    refused(away(office, "mai", "lan", login="binh"), 404, "not-found")
    refused(away(office, "binh", "lan", login="phuong"), 404, "not-found")
    refused(away(office, "phantich", "hoa", login="phuong"), 404, "not-found")

    assert away(office, "mai", "lan", login="phuong").json["created_by"] == "mai"
    assert away(office, "vanphong", "lan", login="hoa").status_code == 201
    assert away(office, "quantri", "lan", login="mai").status_code == 201
    assert len(office.as_("lan").get("/absences").json["items"]) == 3
    assert office.as_("binh").get("/absences").json["items"] == []
    refused(office.as_("binh").post("/absences/1", method="DELETE"), 404, "not-found")
    refused(office.as_("mai").post("/absences/99", method="DELETE"), 404, "not-found")
    assert office.as_("mai").post("/absences/1", method="DELETE").status_code == 204


def test_people_who_do_their_own_work_ask_for_no_absence(office: Hotline):
    _number, at = held(office, "phuong")
    asked: list[str] = []

    @event.listens_for(office.runtime.database, "before_cursor_execute")
    def note(connection, cursor, statement, *more):
        asked.append(statement)

    with office.runtime.begin() as unit:
        tasks.complete(unit, int(at.rpartition("/")[2]), ANSWERS, by=accounts.account(unit, "phuong"))
    event.remove(office.runtime.database, "before_cursor_execute", note)
    assert asked and not [one for one in asked if "absences" in one]


def _new(office: Hotline) -> int:
    return office.task("lan", office.assigned())["id"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_substitute_is_told_by_e_mail_and_an_administrator_notes_it_for_anybody(office: Hotline):
    with office.runtime.begin() as unit:
        accounts.change(unit, "hoa", {"email": "hoa@example.vn"}, None)
    admin = enters(office, "quantri")
    page = admin.opens("/vang-mat")
    assert "Hãy chọn cơ quan của người vắng mặt." in page.text and len(page.find("//datalist/option")) > 3
    page = admin.opens("/vang-mat?co_quan=ubnd_74_718")
    at = [one.get("class") for one in page.find("//main//form")].index("card")
    done = admin.sends(page, form=at, login="phuong", substitute="hoa", last_day=NEXT)
    assert "được báo bằng thư" in done.text and done.url.endswith("co_quan=ubnd_74_718") and style_free(done)
    ended = admin.sends(done, form=[one.get("action", "").endswith("ket-thuc") for one in done.find("//main//form")]
                        .index(True))  # fmt: skip
    assert "không ai làm thay nữa" in ended.text
    assert away(office, "phuong", "lan").status_code == 201  # lan has no address

    post = Post()
    Worker(office.runtime, {"email": post, "sms": post}).drain()
    first, second = [one for one in post.letters if one.to == "hoa@example.vn" and "làm thay" in one.subject]
    assert first.subject == second.subject == "1022: làm thay Phuong"
    assert "làm thay Phuong từ ngày 03/09/2021 đến hết ngày 10/09/2021" in first.text
    assert "không làm thay Phuong nữa" in second.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_pages_note_it_and_show_the_substitute_what_to_do(office: Hotline):
    number, _at = held(office, "phuong")
    who, substitute, other = (enters(office, login) for login in ("phuong", "hoa", "lan"))

    page = who.opens(who.opens("/tai-khoan").find("//a[contains(@href, 'vang-mat')]/@href")[0])
    assert style_free(page) and [one.get("value") for one in page.find("//*[@id='login']/option")] == ["phuong"]
    wrong = who.sends(page, substitute="phuong", last_day=NEXT)
    assert wrong.status == 422 and "Hãy chọn một đồng nghiệp khác, cùng cơ quan." in wrong.faults
    assert "Hãy chọn ngày cuối" in who.sends(page, substitute="hoa", last_day="").text
    done = who.sends(wrong, substitute="hoa", last_day=NEXT)
    assert "Đã ghi." in done.text and "đang vắng" in done.text

    listed = substitute.opens("/viec?xem=thay")
    assert number in listed.text and "Phuong vắng mặt đến hết ngày 10/09/2021: ông (bà) làm thay." in listed.text
    assert "Phuong (phuong) – vắng mặt, Hoa làm thay" in other.opens(f"/viec/{_new(office)}").text
    assert "Làm thay người vắng" not in other.opens("/viec").text
    task = substitute.opens(listed.find("//tbody//td/a/@href")[0])
    assert "ông (bà) làm thay" in task.text and "Nhận việc" in task.text
    at = next(place for place, form in enumerate(task.find("//main//form")) if form.get("class") == "card"
              and "data-draft" in form.attrib)  # fmt: skip
    substitute.sends(task, form=at, **{f"a__{name}": value for name, value in ANSWERS.items()})
    assert "Hoàn thành: Xử lý (thay Phuong)" in who.opens(f"/vu-viec/{number}").text
    assert "End it" in who.opens("/vang-mat?lang=en").text
    assert "Ended" in who.sends(who.opens("/vang-mat")).text
    assert "Kết thúc" not in other.opens("/vang-mat").text
