"""Messages from outside that find nobody: kept until a case waits, or the beginning of one."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from engine import model, packages
from engine.people import accounts
from tests.exchange import WAITS, Exchange, kind
from tests.hotline import Hotline, refused
from tests.test_camunda import Rest
from tests.test_camunda import refused as refused_in_camundas_way
from tests.test_ui_office import enters

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
RESULT = {"name": "msg_ket_qua", "key": "BN-7", "keep": "P2D", "payload": {"ket_luan": "am_tinh"}}
BEGINS = WAITS.replace("start bat_dau", "start bat_dau message=msg_ho_so")
FILED = {"noi_dung": "Hồ sơ từ bệnh viện", "ma": "BN-7", "area": "718", "channel": "app"}


@pytest.fixture
def exchange(hotline: Hotline) -> Exchange:
    return Exchange(hotline)


def numbers(hotline: Hotline, report_type: str) -> list[str]:
    with hotline.runtime.read() as unit:
        table = model.cases.c
        mine = select(table.number).where(table.report_type == report_type).order_by(table.id)
        return [row.number for row in unit.all(mine)]


# -- kept --------------------------------------------------------------------------------------------------------------


def test_a_message_from_outside_is_kept_until_a_case_waits_for_it(exchange, hotline):
    office = hotline.as_("vanphong")
    sent = office.post("/messages", RESULT, Idempotency_Key="k1")
    again = office.post("/messages", RESULT, Idempotency_Key="k1")
    assert (sent.status_code, sent.json["state"], again.json) == (201, "kept", sent.json)
    exchange.carries()
    [kept] = office.get("/messages", state="waiting").json["items"]
    assert (kept["id"], kept["key"], kept["sent_by"], kept["case"]) == (sent.json["message"], "BN-7", "vanphong", None)

    waiting = exchange.begins("CHO")
    exchange.carries()

    assert (exchange.at(waiting), exchange.heard(waiting), exchange.states()) == (["xem"], "am_tinh", ["taken"])
    [heard] = exchange.told(waiting, "message")
    assert (heard["actor"], heard["data"]["message"]) == ("vanphong", "msg_ket_qua")
    assert office.get(f"/messages/{kept['id']}").json["case"] == waiting


def test_one_that_nobody_comes_to_wait_for_is_seen_and_sent_again_by_a_person(exchange, hotline):
    office = hotline.as_("vanphong")
    kept = office.post("/messages", RESULT).json["message"]
    refused(office.post(f"/messages/{kept}/retry"), 409, "wrong-state")
    hotline.waits(49)
    exchange.carries()

    [dead] = office.get("/messages", state="dead").json["items"]
    assert (dead["id"], "2 days and 0 hours" in dead["last_error"]) == (kept, True)
    assert hotline.as_("phantich").get(f"/messages/{kept}").json["payload"] is None  # sees that, not what
    for nobody in ("binh", "app", "phuong"):
        assert hotline.as_(nobody).get("/messages").json["items"] == []
        refused(hotline.as_(nobody).post(f"/messages/{kept}/retry"), 404, "not-found")
    page = hotline.as_("phantich").post(f"/messages/{kept}/retry").json
    assert (page["state"], page["last_error"]) == ("waiting", None)
    waiting = exchange.begins("CHO")
    exchange.carries()
    assert exchange.at(waiting) == ["xem"]


@only_once
def test_the_page_of_incidents_shows_what_nobody_took_and_keeps_it_again(exchange, hotline):
    kept = hotline.as_("app").post("/messages", RESULT).json["message"]
    assert "Không có thông điệp nào bị bỏ lại." in enters(hotline, "vanphong").opens("/tinh/su-co").text  # it waits
    hotline.waits(49)
    exchange.carries()
    office, outsider = enters(hotline, "vanphong"), enters(hotline, "truc")

    page = office.opens("/tinh/su-co")
    [row] = page.find("//tr[td='msg_ket_qua']")
    assert [cell.text for cell in row.findall("td")][:3] == ["msg_ket_qua", "BN-7", "app"]
    assert "am_tinh" not in page.text  # that it came, not what it says
    [form] = row.findall(".//form")
    assert outsider.opens("/tinh/su-co").status == 403
    answer = office.sends(page, form=page.find("//main//form").index(form))
    assert "Thông điệp lại được giữ, đến" in answer.text and not answer.find("//tr[td='msg_ket_qua']")
    assert hotline.as_("vanphong").get(f"/messages/{kept}").json["state"] == "waiting"
    waiting = exchange.begins("CHO", by="app")
    exchange.carries()
    assert exchange.at(waiting) == ["xem"]
    late = office.sends(page, form=page.find("//main//form").index(form))  # the other window's button
    assert late.status == 409


@only_once
def test_what_is_kept_reaches_only_whom_its_sender_may_tell(exchange, hotline):
    """A program tells its own cases; whether it may is asked when the message is brought."""
    app = hotline.as_("app")
    assert app.post("/messages", RESULT).json["state"] == "kept"
    others = exchange.begins("CHO")  # begun by the desk
    exchange.carries()
    assert exchange.at(others) == []
    own = exchange.begins("CHO", by="app")
    exchange.carries()
    assert (exchange.at(others), exchange.at(own)) == ([], ["xem"])

    app.post("/messages", RESULT | {"key": "BN-8"})
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "app", {"active": False}, None)
    hotline.waits(1)
    exchange.carries()
    [dead] = hotline.as_("vanphong").get("/messages", state="dead").json["items"]
    assert dead["last_error"] == "Nobody here logs in as 'app'."


@only_once
def test_what_cannot_be_kept_is_refused_with_what_to_change(exchange, hotline):
    office, number = hotline.as_("vanphong"), exchange.begins("CHO", "BN-1")
    for more, said in (
        ({"keep": "mai"}, "write a duration like P7D"),
        ({"keep": "P91D"}, "at most 90 days"),
        ({"keep": "PT0S"}, "write a duration"),
        ({"key": " "}, "1 to 200 characters"),
        ({"key": "x" * 201}, "1 to 200 characters"),
        ({"name": "msg_bo_sung"}, "is not kept"),
        ({"payload": {"status": "xong"}}, "may not say 'status'"),
        ({"case": number}, "not both"),
        ({"key": None}, "null"),
    ):
        assert said in str(office.post("/messages", RESULT | more).json), (more, said)
    refused(hotline.as_("mattran").post("/messages", RESULT), 403, "not-allowed")
    with hotline.runtime.begin() as unit:
        unit.execute(insert(model.provinces), {"code": "75", "name": "Đồng Nai", "short": "DN", "settings": {}})
    elsewhere = office.post("/messages", RESULT | {"province": "75"})
    assert "your own province" in refused(elsewhere, 403, "not-allowed")
    to_case = {"name": "msg_khac", "case": number, "keep": "P1D"}
    assert office.post("/messages", to_case).json["state"] == "kept"
    refused(office.post("/messages", to_case | {"case": "1022.BD.20210903.99999"}), 404, "not-found")
    assert [row.name for row in exchange.rows()] == ["msg_khac"]
    rest = Rest(hotline, "vanphong")
    kept = {"messageName": "msg_khac", "businessKey": number, "keep": "P1D", "resultEnabled": True}
    assert rest.post("/message", kept).json == []
    assert [row.key for row in exchange.rows()] == [number, number]


# -- a message begins a case -------------------------------------------------------------------------------------------


def test_a_message_begins_exactly_one_case(exchange, hotline):
    exchange.deploys("CHO", BEGINS)
    app = hotline.as_("app")
    body = {"name": "msg_ho_so", "payload": FILED}

    begun, again = (app.post("/messages", body, Idempotency_Key="h1") for _ in range(2))

    assert (begun.status_code, begun.json["state"], again.json) == (201, "begun", begun.json)
    number = begun.json["case"]
    assert numbers(hotline, "CHO") == [number]
    assert hotline.case(number)["area"] == "718"
    assert hotline.as_(None).get(f"/track/{number}", secret=begun.json["secret"]).status_code == 200
    assert [line["data"]["message"] for line in exchange.told(number, "message")] == ["msg_ho_so"]
    assert hotline.as_("vanphong").post("/messages", RESULT).json["case"] == number  # and it waits like every other


@only_once
def test_camundas_clients_begin_cases_by_message(exchange, hotline):
    exchange.deploys("CHO", BEGINS)
    rest = Rest(hotline, "app")
    said = {name: {"value": value} for name, value in FILED.items()}
    body = {"messageName": "msg_ho_so", "businessKey": "HS-2021/7", "processVariables": said, "resultEnabled": True}

    [begun] = rest.post("/message", body).json
    [again] = rest.post("/message", body).json

    number = begun["processInstance"]["id"]
    assert (begun["resultType"], begun["execution"], again) == ("ProcessDefinition", None, begun)
    assert [one["text"] for one in hotline.as_("vanphong").get(f"/cases/{number}/comments").json["items"]] == [
        "businessKey: HS-2021/7"]  # fmt: skip
    without = {"messageName": "msg_ho_so", "processVariables": said}
    assert [rest.post("/message", without).status_code for _ in range(2)] == [204, 204]  # two messages, two cases
    assert len(numbers(hotline, "CHO")) == 3

    mismatch = "MismatchingMessageCorrelationException"
    for more in ({"messageName": "msg_la"}, {"businessKey": number}, {"correlationKeys": {"ma": {"value": "x"}}},
                 {"tenantId": "99"}):  # fmt: skip
        answer = rest.post("/message", body | {"businessKey": None} | more)
        assert mismatch in refused_in_camundas_way(answer, 400), more
    assert "noi_dung" in refused_in_camundas_way(rest.post("/message", {"messageName": "msg_ho_so"}), 400)
    assert mismatch in refused_in_camundas_way(Rest(hotline, "mattran").post("/message", without), 400)
    refused(hotline.as_("app").post("/messages", {"name": "msg_la"}), 422, "invalid-request")
    assert len(numbers(hotline, "CHO")) == 3


@only_once
def test_one_message_begins_cases_of_one_type(exchange, hotline):
    """The check knows what the province's other types begin with."""
    exchange.deploys("CHO", BEGINS)
    exchange.deploys("CHO", BEGINS.replace("Xem", "Xem lại"))  # its own newer version may

    def faults(life: str) -> list[tuple[str, str]]:
        with hotline.runtime.read() as unit:
            return [(one.code, one.message) for one in packages.judged(unit, kind("KHAC", life), unit.now)]

    [(code, said)] = faults(BEGINS)
    assert (code, "begins a case of CHO" in said) == ("message-start", True)
    [(code, said)] = faults(BEGINS.replace("msg_ho_so", "msg_bo_sung"))
    assert (code, "people speak to a case" in said) == ("message-start", True)
    [(code, said)] = faults(BEGINS.replace("msg_ho_so", "msg_khac key=K"))
    assert (code, "'key'" in said) == ("property-unknown", True)
    assert faults(BEGINS.replace("msg_ho_so", "msg_khac")) == []
