"""Calls and messages, the keys of the telephone, and figures that add up."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import insert, literal, select

from engine import model, packages
from engine.flow.check import check
from tests.clock import VIETNAM
from tests.hotline import PEOPLE, PROVINCE, Hotline, package, refused

DAY = {"from": "2021-09-03T00:00:00+07:00", "to": "2021-09-04T00:00:00+07:00"}


def calls(hotline: Hotline, login: str = "truc", **said: Any) -> Any:
    answer = hotline.as_(login).post("/contacts", {"channel": "dien_thoai"} | said)
    assert answer.status_code == 201, answer.text
    return answer.json


def figures(hotline: Hotline, login: str = "vanphong", **query: Any) -> Any:
    answer = hotline.as_(login).get("/figures", **DAY | query)
    assert answer.status_code == 200, answer.text
    return answer.json


def balanced(**lines: int) -> dict[str, int]:
    names = ("answered", "transferred", "open", "missed", "refused", "complaints")
    whole = dict.fromkeys(names, 0) | lines
    return {"received": sum(whole.values()), **whole, "unknown": 0, "unexplained": 0}


# -- contacts ----------------------------------------------------------------------------------------------------------


def test_a_call_answered_at_once_is_one_request(hotline: Hotline) -> None:
    made = calls(hotline, outcome="answered", branch="5.1", topic="Hỗ trợ lao động tự do")

    assert (made["outcome"], made["branch"], made["agency"]) == ("answered", "5.1", "tongdai_74")
    assert made["ended_at"] == made["started_at"] == "2021-09-03T01:00:00+00:00"
    assert figures(hotline)["lines"] == balanced(answered=1)


def test_a_call_is_noted_once_however_often_the_exchange_tells_of_it(hotline: Hotline) -> None:
    first = calls(hotline, call_id="pbx-17")
    again = calls(hotline, call_id="pbx-17", outcome="missed")
    other = calls(hotline, call_id="pbx-17", channel="zalo")

    assert (again["id"], again["outcome"]) == (first["id"], None)
    assert other["id"] != first["id"]
    assert figures(hotline)["lines"] == balanced(open=2)


def test_what_became_of_a_call_is_said_when_it_has_ended(hotline: Hotline) -> None:
    made = calls(hotline)
    hotline.waits(0.1)
    ended = hotline.as_("truc").post(f"/contacts/{made['id']}", {"outcome": "missed"}, method="PATCH")

    assert (ended.status_code, ended.json["outcome"]) == (200, "missed")
    assert ended.json["ended_at"] == "2021-09-03T01:06:00+00:00"
    same = hotline.as_("truc").post(f"/contacts/{made['id']}", {"outcome": "missed"}, method="PATCH")
    assert same.status_code == 200
    other = hotline.as_("truc").post(f"/contacts/{made['id']}", {"outcome": "answered"}, method="PATCH")
    assert "missed" in refused(other, 409, "wrong-state")


def test_a_call_that_becomes_a_case_is_counted_once(hotline: Hotline) -> None:
    call = calls(hotline, branch="4")
    number = hotline.receives(by="truc", contact=call["id"], channel="dien_thoai")
    assert figures(hotline)["lines"] == balanced(open=1)

    hotline.does("truc", number, lead_agency="ubnd_74_718")
    assert figures(hotline)["lines"] == balanced(transferred=1)
    [row] = hotline.as_("vanphong").get("/contacts", **DAY, line="transferred").json["items"]
    assert (row["case"], row["branch"], row["id"]) == (number, "4", call["id"])


@pytest.mark.parametrize("state", ["none", "answered", "a case already"])
def test_a_report_cannot_take_a_contact_that_is_not_open(hotline: Hotline, state: str) -> None:
    outcome = {"outcome": "answered"} if state == "answered" else {}
    call = 9_999 if state == "none" else calls(hotline, **outcome)["id"]
    if state == "a case already":
        hotline.receives(by="truc", contact=call)
    body = {"report_type": "PAKN", "answers": {"noi_dung": "Hố sâu"}, "contact": call}

    assert str(call) in refused(hotline.as_("truc").post("/reports", body), 422, "invalid-request")
    assert figures(hotline)["lines"]["transferred"] == 0


def test_a_report_without_a_call_is_a_contact_of_its_own(hotline: Hotline) -> None:
    hotline.receives(by="app", branch="2")

    found = figures(hotline)
    assert found["lines"] == balanced(open=1)
    assert found["by_key"] == [{"key": "2", "name": None, "lines": balanced(open=1)}]
    assert found["by_channel"] == [{"channel": "zalo", "lines": balanced(open=1)}]


@pytest.mark.parametrize("change", [
    {"outcome": "case"}, {"outcome": "khong_biet"}, {"channel": "telex"}, {"branch": "5.x"}, {"branch": "55"},
    {"ended_at": "2031-09-03T08:00:00+07:00"}, {"direction": "up"}, {"phone": "0912345678"}, {"topic": ""},
    {"started_at": "2021-09-03T08:00:00"}, {"area": "khong_co"}, {"agency": "khong_co"},
])  # fmt: skip
def test_a_contact_that_cannot_be_is_refused(hotline: Hotline, change: dict[str, Any]) -> None:
    answer = hotline.as_("truc").post("/contacts", {"channel": "dien_thoai", "outcome": "answered"} | change)

    refused(answer, 422, "invalid-request")
    assert figures(hotline)["lines"]["received"] == 0


def test_who_may_note_and_who_may_count(hotline: Hotline) -> None:
    notes = {who: hotline.as_(who).post("/contacts", {"channel": "web"}).status_code for who in PEOPLE}
    counts = {who: hotline.as_(who).get("/figures", **DAY, province="74").status_code for who in PEOPLE}
    lists = {who: hotline.as_(who).get("/contacts", **DAY, province="74").status_code for who in PEOPLE}

    assert {who for who, status in notes.items() if status == 201} == {
        "truc", "phuong", "hoa", "binh", "vanphong", "app"
    }  # fmt: skip
    assert {who for who, status in counts.items() if status == 200} == {
        "truc", "vanphong", "mattran", "phantich", "quantri"
    }  # fmt: skip
    assert "mattran" not in {who for who, status in lists.items() if status == 200}  # counts, and nothing behind them
    refused(hotline.as_("truc").get("/figures", **DAY, province="75"), 403, "not-allowed")


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_key_is_added_and_changes_its_meaning_while_calls_come_in(hotline: Hotline) -> None:
    """HN-14: branches 5 and 6 were added while the hotline ran."""
    analyst = hotline.as_("phantich")
    calls(hotline, branch="5", outcome="answered")
    social = {"key": "5", "name": "An sinh xã hội", "agency": "so_yt_74", "report_type": "PAKN"}
    made = analyst.post("/branches", social)
    assert made.status_code == 201
    later = {"key": "5", "name": "Tư vấn F0 tại nhà", "valid_from": "2021-09-04T00:00:00+07:00"}
    assert analyst.post("/branches", later).status_code == 201

    def means(**at: str) -> list[str]:
        return [row["name"] for row in hotline.as_("truc").get("/branches", **at).json["items"]]

    assert means() == ["An sinh xã hội"]
    assert means(at="2021-09-04T00:00:00+07:00") == ["Tư vấn F0 tại nhà"]
    assert means(at="2021-09-01T00:00:00+07:00") == []
    assert means(key="5") == ["Tư vấn F0 tại nhà", "An sinh xã hội"]
    [key] = figures(hotline)["by_key"]
    assert key["name"] == "Tư vấn F0 tại nhà"  # as at the end of the period
    hotline.waits(48)
    assert analyst.post("/branches", {"key": "5", "name": "x", "closed": True}).status_code == 201
    assert means() == []


@pytest.mark.parametrize("change", [
    {"key": "x"}, {"key": "5.1.2.3"}, {"agency": "khong_co"}, {"report_type": "KHONG"}, {"name": ""},
    {"valid_from": "2021-09-01T00:00:00+07:00"},
])  # fmt: skip
def test_a_key_that_cannot_be_is_refused(hotline: Hotline, change: dict[str, Any]) -> None:
    answer = hotline.as_("phantich").post("/branches", {"key": "5", "name": "An sinh"} | change)

    refused(answer, 422, "invalid-request")


def test_what_a_key_means_from_an_instant_on_is_said_once(hotline: Hotline) -> None:
    body = {"key": "5", "name": "An sinh", "valid_from": "2021-09-04T00:00:00+07:00"}
    assert hotline.as_("vanphong").post("/branches", body).status_code == 201

    refused(hotline.as_("vanphong").post("/branches", body | {"name": "Khác"}), 422, "invalid-request")
    refused(hotline.as_("truc").post("/branches", body), 403, "not-allowed")


# -- figures -----------------------------------------------------------------------------------------------------------


def happened(hotline: Hotline, count: int, at: str = "2021-09-03T09:00:00", **said: Any) -> None:
    """Many contacts that ended somehow, written at once."""
    moment = datetime.fromisoformat(at).replace(tzinfo=VIETNAM)
    row = dict.fromkeys(("branch", "outcome", "case_id", "topic", "agency")) | {
        "province": "74", "direction": "in", "channel": "dien_thoai", "started_at": moment, "ended_at": moment,
    }  # fmt: skip
    columns = {name: literal(value, model.contacts.c[name].type) for name, value in (row | said).items()}
    number = select(literal(1).label("n")).cte("number", recursive=True)
    number = number.union_all(select(number.c.n + 1).where(number.c.n < count))
    with hotline.runtime.begin() as unit:
        unit.execute(insert(model.contacts).from_select([*columns], select(*columns.values()).select_from(number)))


def passed_on(hotline: Hotline, count: int, **said: Any) -> None:
    """Contacts that became cases of an agency: a case each would take minutes, so they share one."""
    number = hotline.assigned(by="truc", contact=calls(hotline, direction="out")["id"])
    with hotline.runtime.begin() as unit:
        case_id = unit.scalar(model.cases.select().with_only_columns(model.cases.c.id).where(
            model.cases.c.number == number))  # fmt: skip
    happened(hotline, count, outcome="case", case_id=case_id, **said)


def test_ha_noi_in_the_autumn_of_2021(hotline: Hotline) -> None:
    """HN-25, HN-26: 111,574 = 111,075 + 499 in the period, 198,058 = 191,439 + 6,619 since 22-7."""
    happened(hotline, 111_075, outcome="answered")
    passed_on(hotline, 499)
    happened(hotline, 191_439 - 111_075, at="2021-07-22T00:00:00", outcome="answered")
    passed_on(hotline, 6_619 - 499, at="2021-08-20T12:00:00")

    found = figures(hotline, since="2021-07-22T00:00:00+07:00")

    assert found["lines"] == balanced(answered=111_075, transferred=499)
    assert found["lines"]["received"] == 111_574
    assert found["cumulative"] == balanced(answered=191_439, transferred=6_619)
    assert found["balanced"] is True


def test_the_duty_desk_has_totals_of_its_own(hotline: Hotline) -> None:
    """HN-23: of all that came in, the duty desk answered 6,654 itself and passed on 349."""
    happened(hotline, 6_654, outcome="answered", agency="tongdai_74")
    passed_on(hotline, 349, agency="tongdai_74")
    happened(hotline, 3_222, outcome="answered", agency="so_yt_74")
    happened(hotline, 2, outcome="missed", agency=None)

    desk, nobody = {"agency": "tongdai_74"}, {"key": None, "name": None, "lines": balanced(missed=2)}
    found = figures(hotline)

    assert found["by_agency"] == [
        {"key": "so_yt_74", "name": "Sở Y tế", "lines": balanced(answered=3_222)},
        {"key": "tongdai_74", "name": "Tổng đài 1022", "lines": balanced(answered=6_654, transferred=349)},
        nobody,
    ]  # fmt: skip
    assert sum(row["lines"]["received"] for row in found["by_agency"]) == found["lines"]["received"]
    items = hotline.as_("vanphong").get("/contacts", **DAY, **desk, line="transferred", limit=200).json["items"]
    assert {item["agency"] for item in items} == {"tongdai_74"} and len(items) == 200
    sheet = hotline.as_("vanphong").get("/figures.csv", **DAY).data.decode("utf-8-sig")
    assert "Tổng đài 1022,7003,6654,349,0,0,0,0" in sheet
    assert "Tổng đài 1022" in hotline.as_("vanphong").get("/figures.html", **DAY).text


def test_the_six_keys_of_branch_5(hotline: Hotline) -> None:
    """HN-28 … HN-34: 3,222 = 1,103 + 449 + 131 + 82 + 241 + 1,216."""
    by_key = {"5.1": 1_103, "5.2": 449, "5.3": 131, "5.4": 82, "5.5": 241, "5.6": 1_216}
    for key, count in by_key.items():
        happened(hotline, count, branch=key, outcome="answered")

    found = figures(hotline)

    assert {row["key"]: row["lines"]["answered"] for row in found["by_key"]} == by_key
    assert found["lines"]["received"] == sum(by_key.values()) == 3_222


def test_a_report_that_does_not_add_up_says_by_how_much(hotline: Hotline) -> None:
    """HN-18: 6,107 in, 3,365 answered, 1,161 passed on; of 1,581 nobody says what became."""
    happened(hotline, 3_365, outcome="answered")
    passed_on(hotline, 1_161)
    happened(hotline, 1_581)

    found = figures(hotline)
    lines = found["lines"]

    assert (lines["received"], lines["answered"], lines["transferred"]) == (6_107, 3_365, 1_161)
    assert (lines["unknown"], lines["unexplained"], found["balanced"]) == (1_581, 1_581, False)
    page = hotline.as_("vanphong").get("/figures.html", **DAY).text
    assert "chưa cân đối" in page and "1.581" in page
    sheet = hotline.as_("vanphong").get("/figures.csv", **DAY)
    assert "KHÔNG CÂN ĐỐI: số cuộc chưa rõ kết quả,1581" in sheet.data.decode("utf-8-sig")


def test_every_figure_opens_to_its_contacts(hotline: Hotline) -> None:
    for outcome, count in {"answered": 3, "missed": 2, "refused": 1, "duplicate": 1, "wrong_number": 1}.items():
        happened(hotline, count, outcome=outcome)
    happened(hotline, 4)
    hotline.receives(by="truc")
    hotline.assigned(by="truc")

    found = figures(hotline)

    for line, path in found["behind"].items():
        items = hotline.as_("vanphong").get(path).json["items"]
        assert len(items) == found["lines"][line], line
        assert {item["line"] for item in items} <= {line}
    assert found["lines"] | {"unknown": 4, "unexplained": 4} == found["lines"]
    first = hotline.as_("vanphong").get("/contacts", **DAY, line="answered", limit=2).json
    rest = hotline.as_("vanphong").get("/contacts", **DAY, line="answered", limit=2, after=first["after"]).json
    assert (len(first["items"]), len(rest["items"]), rest["after"]) == (2, 1, None)


def test_calls_out_are_counted_by_themselves(hotline: Hotline) -> None:
    """HN-19: 3,699 calls out, 713 consultations."""
    happened(hotline, 3_699 - 713, direction="out", outcome="missed")
    happened(hotline, 713, direction="out", outcome="answered")

    found = figures(hotline)

    assert (found["calls_out"], found["consultations"], found["lines"]["received"]) == (3_699, 713, 0)


def test_what_people_ask_about_comes_most_frequent_first(hotline: Hotline) -> None:
    for topic, count in {"Tiêm vắc xin cho trẻ": 3, "Cách ly F1": 5, "=1+1": 1}.items():
        happened(hotline, count, outcome="answered", topic=topic)
    happened(hotline, 9, outcome="refused", topic="Thư tự động (List-Id)")  # nobody has asked about that

    topics = figures(hotline)["topics"]

    assert [(row["topic"], row["contacts"]) for row in topics] == [
        ("Cách ly F1", 5), ("Tiêm vắc xin cho trẻ", 3), ("=1+1", 1)
    ]  # fmt: skip
    sheet = hotline.as_("vanphong").get("/figures.csv", **DAY).data.decode("utf-8-sig")
    assert "'=1+1,1" in sheet  # nobody's spreadsheet works out what a caller was noted to have said
    book = ZipFile(BytesIO(hotline.as_("vanphong").get("/figures.xlsx", **DAY).data))
    assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
    assert "Cách ly F1" in book.read("xl/sharedStrings.xml").decode()


def test_a_day_is_a_vietnamese_day(hotline: Hotline) -> None:
    happened(hotline, 1, at="2021-09-02T23:59:59", outcome="answered")
    happened(hotline, 2, at="2021-09-03T00:00:00", outcome="answered")
    happened(hotline, 4, at="2021-09-04T00:00:00", outcome="answered")

    assert figures(hotline)["lines"]["received"] == 2


@pytest.mark.parametrize("period", [
    {"to": "2021-09-03T00:00:00+07:00"}, {"since": "2021-09-03T01:00:00+07:00"}, {"from": "hôm nay"}, {"line": "x"},
    {"province": "99"},
])  # fmt: skip
def test_a_period_that_is_none_is_refused(hotline: Hotline, period: dict[str, str]) -> None:
    answer = hotline.as_("vanphong").get("/figures", **DAY | period)

    assert answer.status_code in (403, 422), answer.text


# -- keys that come with a province ------------------------------------------------------------------------------------


KEYS = """
[[branches]]
key = "4"
name = "Phản ánh vi phạm"
agency = "tongdai_74"
from = 2021-08-20T00:00:00+07:00

[[branches]]
key = "4"
name = "Tư vấn"
from = 2021-09-10T00:00:00+07:00
"""


def test_a_province_brings_its_keys(hotline: Hotline) -> None:
    for _ in range(2):  # loading it again changes nothing
        with hotline.runtime.begin() as unit:
            packages.load_province(unit, packages.Package(package(province__toml=PROVINCE + KEYS)).province)

    rows = hotline.as_("truc").get("/branches", key="4").json["items"]

    assert [(row["name"], row["valid_from"]) for row in rows] == [
        ("Tư vấn", "2021-09-09T17:00:00+00:00"), ("Phản ánh vi phạm", "2021-08-19T17:00:00+00:00")
    ]  # fmt: skip
    assert [row["name"] for row in hotline.as_("truc").get("/branches").json["items"]] == ["Phản ánh vi phạm"]


@pytest.mark.parametrize(("old", "new", "code"), [
    ('key = "4"', 'key = "4a"', "table-missing"),
    ('name = "Tư vấn"', "nam = 1", "table-missing"),
    ("from = 2021-09-10T00:00:00+07:00", "from = 2021-08-20T00:00:00+07:00", "id-duplicate"),
    ("from = 2021-09-10T00:00:00+07:00", "from = 2021-09-10", "table-value"),
    ("from = 2021-09-10T00:00:00+07:00", "from = 2021-09-10T00:00:00", "table-value"),
    ('agency = "tongdai_74"', 'agency = "khong_co"', "table-value"),
])  # fmt: skip
def test_keys_that_cannot_be_are_named_before_they_are_loaded(old: str, new: str, code: str) -> None:
    assert old in KEYS
    good = check(package(province__toml=PROVINCE + KEYS))
    faults = check(package(province__toml=PROVINCE + KEYS.replace(old, new)))

    assert [fault.code for fault in faults if fault not in good and fault.file == "province.toml"] == [code]
