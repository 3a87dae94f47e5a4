"""The door for telephone exchanges: each call is one contact, and nobody who was missed is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from zammad_cti import CTIClient

from engine import packages
from engine.files import folders
from engine.people import accounts
from tests.hotline import PROVINCE, Hotline, package, refused
from tests.served import served
from tests.shipped import BPMN
from tests.test_contacts import balanced, figures
from tests.test_ui_office import enters
from tests.visitor import Page, style_free

DAY = ("2021-09-03T00:00:00+07:00", "2021-09-05T00:00:00+07:00")
CALLER, LINE = "0912 345 678", "02743822222"
MISSED = PROVINCE.replace('short = "BD"', 'short = "BD"\nmissed_call = "PAKN"')  # any type will do for the test


@pytest.fixture
def exchange(hotline: Hotline) -> Hotline:
    """A province that calls back."""
    with hotline.runtime.begin() as unit:
        packages.load_province(unit, packages.Package(package(province__toml=MISSED)).province)
    return hotline


def tells(hotline: Hotline, event: str, call_id: str = "pbx-1", login: str = "tong_dai", **more: str) -> Any:
    said = {"event": event, "callId": call_id, "from": CALLER, "to": LINE, "direction": "in"} | more
    return hotline.app.test_client().post(f"/api/v1/cti/{hotline.tokens[login]}", data=said)


def heard(hotline: Hotline, *events: str, **more: str) -> Any:
    for event in events:
        answer = tells(hotline, event, **more)
        assert answer.status_code == 200, answer.text
    return answer.json


def the_contact(hotline: Hotline) -> Any:
    [contact] = hotline.as_("vanphong").get("/contacts", **{"from": DAY[0], "to": DAY[1]}).json["items"]
    return contact


def test_a_call_that_was_answered_waits_for_its_outcome(exchange: Hotline) -> None:
    heard(exchange, "newCall", queue="4")
    exchange.waits(0.01)
    heard(exchange, "answer")
    exchange.waits(0.1)
    last = heard(exchange, "hangup", cause="normalClearing")

    contact = the_contact(exchange)
    assert (contact["id"], last["case"], contact["branch"]) == (last["contact"], None, "4")
    assert (contact["started_at"], contact["answered_at"], contact["ended_at"], contact["outcome"]) == (
        "2021-09-03T01:00:00+00:00", "2021-09-03T01:00:36+00:00", "2021-09-03T01:06:36+00:00", None
    )  # fmt: skip
    assert figures(exchange)["lines"]["unexplained"] == 1  # until whoever answered says what it was
    said = exchange.as_("truc").post(f"/contacts/{contact['id']}", {"outcome": "answered"}, method="PATCH")
    assert said.status_code == 200
    assert figures(exchange)["lines"] == balanced(answered=1)


def test_a_missed_call_becomes_a_case_in_which_somebody_calls_back(exchange: Hotline) -> None:
    number = heard(exchange, "newCall", "hangup", cause="noAnswer")["case"]

    case = exchange.case(number, "truc")
    assert case["report"]["noi_dung"] == "Cuộc gọi nhỡ lúc 08:00 03/09/2021"
    reporter = exchange.as_("truc").get(f"/cases/{number}/reporter").json
    assert [person["phone"] for person in reporter["items"]] == ["+84912345678"]
    assert the_contact(exchange)["case"] == number
    assert figures(exchange)["lines"] == balanced(open=1)


def test_who_is_to_be_called_back_already_is_not_promised_it_twice(exchange: Hotline) -> None:
    first = heard(exchange, "newCall", "hangup", cause="noAnswer")["case"]
    again = heard(exchange, "newCall", "hangup", cause="cancel", call_id="pbx-2")["case"]

    assert first is not None and again is None
    assert figures(exchange)["lines"] == balanced(open=1, missed=1)


@pytest.mark.parametrize("more", [
    {"from": "anonymous"}, {"from": ""}, {"direction": "out"},
], ids=["withheld", "no number", "our own call"])  # fmt: skip
def test_where_nobody_can_be_called_back_the_call_is_only_missed(exchange: Hotline, more: dict[str, str]) -> None:
    assert heard(exchange, "newCall", "hangup", cause="noAnswer", **more)["case"] is None

    if more.get("direction") == "out":
        assert figures(exchange)["calls_out"] == 1
    else:
        assert figures(exchange)["lines"] == balanced(missed=1)


def test_a_province_without_such_a_type_only_counts_them(hotline: Hotline) -> None:
    assert heard(hotline, "newCall", "hangup", cause="noAnswer")["case"] is None
    assert figures(hotline)["lines"] == balanced(missed=1)


def test_a_call_that_somebody_else_took_is_not_missed(exchange: Hotline) -> None:
    assert heard(exchange, "newCall", "hangup", cause="forwarded")["case"] is None
    assert the_contact(exchange)["outcome"] is None


@pytest.mark.parametrize("events", [
    ("hangup",), ("hangup", "newCall"), ("hangup", "answer", "newCall", "answer"),
    ("newCall", "newCall", "hangup", "hangup", "newCall"),
])  # fmt: skip
def test_events_may_come_twice_late_or_never(exchange: Hotline, events: tuple[str, ...]) -> None:
    heard(exchange, *events, cause="noAnswer")

    assert the_contact(exchange)["case"] is not None
    assert figures(exchange)["lines"] == balanced(open=1)
    answered, ended = (the_contact(exchange)[name] for name in ("answered_at", "ended_at"))
    assert answered is None, "that is no answer: it was over, and we call back"


def test_two_exchanges_that_tell_of_the_same_end_at_once_make_one_case(exchange: Hotline) -> None:
    heard(exchange, "newCall")
    start, answers = Barrier(6), []

    def hang_up() -> None:
        start.wait()
        answers.append(tells(exchange, "hangup", cause="noAnswer"))

    threads = [Thread(target=hang_up) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.json["case"] for answer in answers} - {None}) == 1
    assert the_contact(exchange)["case"] is not None


def test_the_line_that_was_called_tells_the_key(exchange: Hotline) -> None:
    exchange.as_("phantich").post("/branches", {"key": "6", "name": "Nhu yếu phẩm", "transfer_to": LINE})

    heard(exchange, "newCall", queue="Hàng đợi chung")

    assert the_contact(exchange)["branch"] == "6"


@pytest.mark.parametrize(("change", "status", "code"), [
    ({"event": "ring"}, 422, "invalid-request"),
    ({"event": ""}, 422, "invalid-request"),
    ({"call_id": " "}, 422, "invalid-request"),
    ({"call_id": "x" * 201}, 422, "invalid-request"),
    ({"from": "\0"}, 422, "invalid-request"),
    ({"login": "mattran"}, 403, "not-allowed"),
    ({"login": "quantri"}, 403, "not-allowed"),
])  # fmt: skip
def test_an_event_that_cannot_be_is_refused(
    exchange: Hotline, change: dict[str, str], status: int, code: str
) -> None:
    refused(tells(exchange, **{"event": "newCall"} | change), status, code)
    assert figures(exchange)["lines"]["received"] == 0


def test_a_door_without_a_key_stays_shut(exchange: Hotline) -> None:
    client = exchange.app.test_client()

    ring = {"event": "newCall", "callId": "1"}
    refused(client.post("/api/v1/cti/ts_" + "x" * 43, data=ring), 401, "not-authenticated")
    refused(client.post("/api/v1/cti/secret", data=ring), 422, "invalid-request")
    assert client.get(f"/api/v1/cti/{exchange.tokens['tong_dai']}").status_code == 405
    big = client.post(f"/api/v1/cti/{exchange.tokens['tong_dai']}", data=ring | {"x": "y" * 30_000})
    assert big.status_code == 413


def test_the_token_in_an_address_is_for_telling_of_calls_alone(exchange: Hotline) -> None:
    for login in ("app", "truc", "dich_vu", "quantri"):
        said = refused(tells(exchange, "newCall", login=login), 403, "not-allowed")
        assert "has to be for the scope report alone" in said
    assert figures(exchange)["lines"]["received"] == 0

    heard(exchange, "newCall")
    narrow = exchange.as_("tong_dai")
    assert narrow.get("/cases").json["items"] == [] and narrow.get("/tasks").json["items"] == []
    refused(narrow.post("/tokens", {"label": "x"}), 403, "not-allowed")


def test_json_is_as_good_as_a_form(exchange: Hotline) -> None:
    path = f"/api/v1/cti/{exchange.tokens['tong_dai']}"
    client = exchange.app.test_client()

    assert client.post(path, json={"event": "newCall", "callId": "7", "from": CALLER}).json == {
        "contact": the_contact(exchange)["id"]
    }
    refused(client.post(path, json=["newCall"]), 422, "invalid-request")
    said = refused(client.post(path, data=b"<event/>", content_type="text/xml"), 422, "invalid-request")
    assert said.startswith("Send the event as a form")
    refused(client.post(path, json={"event": "newCall", "callId": 7}), 422, "invalid-request")


@pytest.fixture
def address(exchange: Hotline) -> Iterator[str]:
    """Where a real client reaches the server."""
    with served(exchange.app) as server:
        yield f"{server}/api/v1/cti/{exchange.tokens['tong_dai']}"


def test_a_real_client_of_zammads_cti_plugs_in(exchange: Hotline, address: str, tmp_path: Path) -> None:
    """py-zammad-cti, unchanged."""
    softphone = CTIClient(address)

    softphone.new_call(CALLER, LINE, "in", "sip-1", user=["Trực ban CDC"], queue="2")
    softphone.answer(CALLER, LINE, "in", "sip-1", answering_number="1001")
    softphone.hangup(CALLER, LINE, "in", "sip-1", "normalClearing")
    softphone.new_call(CALLER, LINE, "in", "sip-2", queue="2")
    missed = softphone.hangup(CALLER, LINE, "in", "sip-2", "noAnswer")

    assert missed["case"].startswith("1022.BD.20210903.")
    assert [row["key"] for row in figures(exchange)["by_key"]] == ["2"]
    assert figures(exchange)["lines"]["received"] == 2


# -- a call put through ----------------------------------------------------------------------------------------------

LINE_115 = "115"


@pytest.fixture
def emergency(hotline: Hotline) -> Hotline:
    """Hà Nội's key 1 (HN-01), with its desk ``truc1022``, 115's own ``cap_cuu`` and the exchange's account."""
    with hotline.runtime.begin() as unit:
        files = folders.read(BPMN / "ha_noi" / "CC115")
        packages.load_province(unit, packages.Package(files).province)
        packages.deploy(unit, files, by="test")
        people = ("truc1022", "operator", "tongdai_01"), ("cap_cuu", "handler", "tt115_01")
        for login, role, agency in (*people, ("tong_dai", "client", "tongdai_01")):
            accounts.create(unit, {"login": login, "name": login, "role": role, "agency": agency}, None)
            scopes = ("report",) if role == "client" else None
            hotline.tokens[login] = accounts.issue(unit, accounts.account(unit, login), "test", None, scopes).token
    return hotline


def takes_down(hotline: Hotline, contact: int) -> str:
    body = {"report_type": "CC115", "channel": "dien_thoai", "branch": "1", "contact": contact, "answers": {}}
    answer = hotline.as_("truc1022").post("/reports", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json["number"])


def writes_down(hotline: Hotline, number: str) -> None:
    hotline.does("truc1022", number, trieu_chung="dau_nguc", tinh_tao="co", area="001", dia_diem="Số 5 Phan Đình Phùng")


def status(hotline: Hotline, number: str) -> tuple[str, bool]:
    case = hotline.case(number, "truc1022")
    return case["status"], case["closed_at"] is not None  # closed: the seconds clock stands


@pytest.mark.parametrize("written", [True, False], ids=["written down first", "put through first"])
@pytest.mark.parametrize("how", ["forwarded", "answered", "lost"])
def test_the_exchange_stops_the_clock_of_a_call_that_it_has_put_through(
    emergency: Hotline, how: str, written: bool
) -> None:
    def tells_it(event: str, **more: str) -> Any:
        return heard(emergency, event, login="tong_dai", queue="1", **more)

    tells_it("newCall")
    number = takes_down(emergency, tells_it("answer", answeringNumber="101")["contact"])
    if written:
        writes_down(emergency, number)
        assert status(emergency, number) == ("dang_noi_may", False)
    for _ in range(2):  # an exchange may say it twice
        if how == "answered":
            tells_it("answer", answeringNumber=LINE_115)
        else:
            tells_it("hangup", cause="forwarded" if how == "forwarded" else "normalClearing")
    if not written:
        assert status(emergency, number) == ("moi_tiep_nhan", False)
        writes_down(emergency, number)

    assert status(emergency, number) == (("giu_may", False) if how == "lost" else ("da_noi_may", True))
    lines = emergency.as_("truc1022").get(f"/cases/{number}/timeline").json["items"]
    said = [line for line in lines if line["data"].get("message") == "msg_cuoc_goi"]
    assert [line["actor"] for line in said] == (["tong_dai"] if written else ["system"])
    if how == "answered":
        tells_it("hangup", cause="normalClearing")  # in the end: that is no loss
        assert status(emergency, number) == ("da_noi_may", True)


def test_a_case_that_does_not_wait_for_it_is_told_nothing(exchange: Hotline) -> None:
    contact = heard(exchange, "newCall", "answer")["contact"]
    body = {"report_type": "PAKN", "channel": "dien_thoai", "contact": contact, "answers": {"noi_dung": "Chợ đông"}}
    number = exchange.as_("truc").post("/reports", body).json["number"]
    heard(exchange, "hangup", cause="forwarded")

    assert exchange.case(number)["status"] == "moi"
    lines = exchange.as_("vanphong").get(f"/cases/{number}/timeline").json["items"]
    assert "message" not in {line["kind"] for line in lines}


# -- a call within a call --------------------------------------------------------------------------------------------


@pytest.fixture
def desk(emergency: Hotline) -> Any:
    """What the exchange tells of a call, as py-zammad-cti, or what that was made after, would say it."""

    def tells_it(event: str, call_id: str, **more: str) -> Any:
        return heard(emergency, event, login="tong_dai", call_id=call_id, **more)

    return tells_it


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here depends on it
DIALLED = {"direction": "out", "from": "101", "to": LINE_115}  # a leg, as Zammad's protocol tells of it
STORIES = {
    "leg answered, call over": "da_noi_may",
    "leg, call over, answered": "da_noi_may",  # put through while it still rang there
    "leg answered, call over, leg over": "da_noi_may",
    "leg answered, leg over, call over": "giu_may",  # asked, and gone on with alone: the caller is lost
    "leg, leg over, call over": "giu_may",  # nobody there
    "leg, call over, leg over": "giu_may",  # nor while the caller heard it ring
    "leg answered": "dang_noi_may",  # they are being asked
    "leg, call over": "dang_noi_may",  # it may still be answered
}


@on_sqlite
@pytest.mark.parametrize("named", [True, False], ids=["named", "by numbers"])
def test_a_caller_put_through_by_a_second_call(emergency: Hotline, desk: Any, named: bool) -> None:
    for count, (story, then) in enumerate(STORIES.items()):
        call, agent = f"call{count}", f"10{count}"
        # an exchange that names the call, and shows the caller's number; a fresh call has its own name there
        leg = {"origCallId": call, "to": LINE_115, "queue": "1"} if named else DIALLED | {"from": agent}
        desk("newCall", call, queue="1", origCallId=call)
        number = takes_down(emergency, desk("answer", call, queue="1", answeringNumber=agent)["contact"])
        writes_down(emergency, number)
        for word in [*story.split(", "), story.split(", ")[-1]]:  # the last one said twice
            if word in ("leg", "leg answered"):
                desk("newCall", f"leg{count}", **leg)
            if word.endswith("answered"):
                desk("answer", f"leg{count}", answeringNumber=LINE_115, **leg)
            if word.endswith("over"):
                over = (f"leg{count}", leg) if word == "leg over" else (call, {"queue": "1"})
                assert desk("hangup", over[0], cause="normalClearing", **over[1])["case"] is None  # nobody is missed
        assert (story, status(emergency, number)) == (story, (then, then == "da_noi_may"))

    counted = emergency.as_("truc1022").get("/figures", **{"from": DAY[0], "to": DAY[1]}).json
    assert (counted["lines"]["received"], counted["calls_out"]) == (len(STORIES), 0)


@on_sqlite
def test_a_second_call_that_is_none_of_it(emergency: Hotline, desk: Any) -> None:
    """Nobody's leg: to another number, from another telephone, of a call that is over, of one that we do not know."""
    desk("newCall", "1", queue="1")
    desk("answer", "1", queue="1", answeringNumber="101")
    for name, more in enumerate(({"to": "0900000000"}, {"from": "102"}, {"origCallId": "unknown", "from": ""})):
        desk("newCall", f"other{name}", **DIALLED | more)
    desk("hangup", "1", queue="1")
    desk("newCall", "late", **DIALLED)

    counted = emergency.as_("truc1022").get("/figures", **{"from": DAY[0], "to": DAY[1]}).json
    assert (counted["lines"]["received"], counted["calls_out"]) == (1, 4)


def test_the_operator_says_which_call_it_was_made_for(emergency: Hotline, desk: Any) -> None:
    """An exchange that tells nothing of it but two calls."""
    caller = desk("newCall", "1", queue="1")["contact"]
    number = takes_down(emergency, caller)
    writes_down(emergency, number)
    leg = desk("newCall", "2", **DIALLED | {"from": ""})["contact"]
    desk("answer", "2", **DIALLED)

    def says(of: int | None, which: int = leg, login: str = "truc1022") -> Any:
        return emergency.as_(login).post(f"/contacts/{which}/leg", {"leg_of": of}, method="PUT")

    assert says(caller).json["leg_of"] == caller
    assert says(None).json["leg_of"] is None  # a mistake
    desk("hangup", "1", queue="1")
    assert status(emergency, number) == ("giu_may", False)
    refused(says(leg), 422, "invalid-request")
    refused(says(caller, caller), 409, "wrong-state")
    refused(says(9999), 404, "not-found")
    refused(says(caller, 9999), 404, "not-found")
    refused(says(caller, login="truc"), 404, "not-found")
    refused(emergency.as_("truc1022").post(f"/contacts/{leg}/leg", {}, method="PUT"), 422, "invalid-request")
    assert says(caller).json["leg_of"] == caller
    counted = emergency.as_("truc1022").get("/contacts", **{"from": DAY[0], "to": DAY[1]}).json["items"]
    assert [one["id"] for one in counted] == [caller]


@on_sqlite
def test_the_operator_says_so_on_the_page(emergency: Hotline, desk: Any) -> None:
    """Of the calls of their own telephone, with a button; and takes it back."""
    caller = desk("newCall", "1", queue="1")["contact"]
    desk("answer", "1", queue="1", answeringNumber="101")
    number = takes_down(emergency, caller)
    writes_down(emergency, number)
    for name, extension in (("2", "101"), ("3", "102")):  # by another number of 115: nothing shows whose they are
        for event in ("newCall", "answer"):
            desk(event, name, **DIALLED | {"from": extension, "to": "02438253531"})
    who = enters(emergency, "truc1022")
    page = who.sends(who.opens("/tiep-nhan/cuoc-goi-thu-hai"), extension=" 101 ")
    (shown,) = page.find("//form[input[@name='contact']]")

    def presses(page: Page) -> Page:
        (form,) = page.find("//form[contains(@action, 'cuoc-goi-thu-hai/')]")
        return who.sends(page, form=1, to=form.get("action"))

    assert shown.xpath("input[@name='contact']/@value") == [str(caller)] and style_free(page)
    assert "đã nối với nhau" in presses(page).text
    apart = presses(who.opens("/tiep-nhan/cuoc-goi-thu-hai"))
    assert "đã nối với nhau" not in apart.text
    presses(apart)
    assert "đã nối với nhau" in who.opens("/tiep-nhan").text
    desk("hangup", "1", queue="1")  # the caller's call is over while the second one goes on
    assert status(emergency, number) == ("da_noi_may", True)
    emergency.waits(2.1)
    assert who.opens("/tiep-nhan/cuoc-goi-thu-hai").find("//form[input[@name='contact']]") == []
