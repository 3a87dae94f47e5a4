"""Open311 GeoReport v2: what a city's app asks, sends and is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import event, func, insert, select, text

from engine import model, packages
from engine.language.masks import MASK
from engine.public import open_data
from engine.runtime import Unit
from engine.work.worker import Worker
from tests.drawing import form
from tests.hotline import PROVINCE, package
from tests.open311 import BROKEN, HERE, Door, errors, field, many_questions
from tests.shipped import DESKS, INTAKE, SAID
from tests.test_firewall import addresses, reads


@pytest.fixture
def door(hotline) -> Door:
    """The type PAKN is public."""
    made = Door(hotline)
    made.deploys()
    return made


def count(door: Door, table: Any = model.cases) -> int:
    with door.hotline.runtime.read() as unit:
        return int(unit.scalar(select(func.count()).select_from(table)))


def xml(answer: Any) -> etree._Element:
    assert answer.status_code in (200, 201), answer.text
    assert answer.content_type == "text/xml; charset=utf-8"
    assert answer.data.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    return etree.fromstring(answer.data)


def same(root: Any, value: Any) -> bool:
    """Whether XML says what JSON says."""
    if isinstance(value, dict):
        return [child.tag for child in root] == list(value) and all(same(root.find(key), value[key]) for key in value)
    if isinstance(value, list):
        return len(root) == len(value) and all(map(same, root, value))
    said = str(value).lower() if isinstance(value, bool) else str(value)
    return (root.text or None) == (None if value is None else said)


# -- what can be reported ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/open311/discovery", "/open311/v2/discovery"])
def test_the_endpoint_is_discovered(door, path):
    found = door.client.get(f"{path}.json").json
    [endpoint] = found["endpoints"]

    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert (endpoint["url"], endpoint["type"]) == ("http://localhost/open311/v2", "test")
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert same(xml(door.client.get(f"{path}.xml")), found)
    assert {"changeset", "contact", "key_service"} < set(found)


def test_every_type_can_be_reported_with_its_vietnamese_name(door):
    door.deploys("TOCAO", "C4", 'description = "Tố cáo cán bộ"\n')
    listed = door.get("services.json").json

    assert listed[0] == {
        "service_code": "PAKN", "service_name": "Phản ánh hiện trường", "description": "tiep_nhan_phan_anh",
        "metadata": True, "type": "realtime", "keywords": "Report", "group": "Bình Dương",
    }  # fmt: skip
    assert (listed[1]["service_code"], listed[1]["description"]) == ("TOCAO", "Tố cáo cán bộ")
    root = xml(door.get("services.xml"))
    assert root.findtext("service/service_name") == "Phản ánh hiện trường"
    assert root.findtext("service/metadata") == "true"


def test_a_type_that_only_asks_what_is_the_matter_needs_no_attributes(door):
    door.deploys(tiep_nhan_phan_anh__form=form("tiep_nhan_phan_anh", field("textarea", "noi_dung", "Nội dung")))

    assert door.get("services.json").json[0]["metadata"] is False
    assert door.get("services/PAKN.json").json == {"service_code": "PAKN", "attributes": []}


def test_the_form_becomes_attributes(door):
    door.deploys(tiep_nhan_phan_anh__form=many_questions())
    found = door.get("services/PAKN.json").json
    attributes = {one["code"]: one for one in found["attributes"]}

    assert {code: (one["datatype"], one["required"], one["order"]) for code, one in attributes.items()} == {
        "ten_duong": ("string", True, 1), "ghi_chu": ("text", False, 2), "do_sau": ("number", False, 3),
        "tu_ngay": ("datetime", False, 4), "nguy_hiem": ("singlevaluelist", False, 5),
        "ben": ("singlevaluelist", True, 6), "thay": ("multivaluelist", False, 7), "bien_so": ("string", False, 8),
    }  # fmt: skip
    assert attributes["ben"]["values"] == [{"key": "ca_nhan", "name": "Cá nhân"}, {"key": "to_chuc", "name": "Tổ chức"}]
    assert [value["key"] for value in attributes["nguy_hiem"]["values"]] == ["true", "false"]
    assert attributes["ten_duong"]["datatype_description"] == "Không viết tắt"
    assert attributes["bien_so"]["datatype_description"] == "Chỉ hỏi trong một số trường hợp."
    assert attributes["ten_duong"]["description"] == "Tên đường"
    assert same(xml(door.get("services/PAKN.xml")), found)


@pytest.mark.parametrize("name", ["74", "BD", "bd", "binhduong.gov.vn"])
def test_a_jurisdiction_is_a_province(door, name):
    named = PROVINCE.replace('short = "BD"', 'short = "BD"\njurisdiction_id = "binhduong.gov.vn"')
    with door.hotline.runtime.begin() as unit:
        packages.load_province(unit, packages.Package(package(province__toml=named)).province)
    number = door.posts(jurisdiction_id=name, **BROKEN)[0]["service_request_id"]

    assert [one["service_code"] for one in door.get("services.json", jurisdiction_id=name).json] == ["PAKN"]
    assert door.numbers(jurisdiction_id=name) == [number]
    assert door.get(f"requests/{number}.json", jurisdiction_id=name).status_code == 200


# -- reporting -----------------------------------------------------------------------------------------------------


def test_a_post_becomes_a_case_with_everything_it_said(door):
    said = BROKEN | {"address_string": "Trước chợ Thủ", "address_id": "718", "first_name": "Bình",
                     "last_name": "Nguyễn Văn", "phone": "0912 345 678", "email": "binh@example.vn",
                     "media_url": "https://anh.example/1.jpg", "device_id": "tt222111", "account_id": "u-7",
                     "attribute[ghi_chu]": "Đã ba ngày"}  # fmt: skip
    [told] = door.posts(**said)

    number = told["service_request_id"]
    assert number == "1022.BD.20210903.00001" and told["account_id"] == "u-7"
    case = door.hotline.case(number)
    assert case["report"] == {"noi_dung": "Ổ gà trước chợ", "ghi_chu": "Đã ba ngày"}
    assert (case["area"], case["channel"]) == ("718", "app")
    assert case["place"] == "Trước chợ Thủ (10.9804, 106.6519)"
    [person] = door.hotline.as_("vanphong").get(f"/cases/{number}/reporter").json["items"]
    assert (person["name"], person["phone"], person["email"]) == ("Nguyễn Văn Bình", "+84912345678", "binh@example.vn")
    [remark] = door.hotline.as_("truc").get(f"/cases/{number}/comments").json["items"]
    assert "https://anh.example/1.jpg" in remark["text"] and not remark["public"]


def test_the_notice_tells_the_citizen_how_to_follow_the_case(door):
    [told] = door.posts(**BROKEN)
    notice, number = told["service_notice"], told["service_request_id"]
    secret = notice.split("Mã tra cứu của người dân: ")[1].split(". ")[0]

    assert f"https://1022.example/tra-cuu/{number}" in notice
    assert door.client.get(f"/api/v1/track/{number}", headers={"X-Tracking-Secret": secret}).status_code == 200


@pytest.mark.parametrize(("where", "place", "area"), [
    ({"lat": "10.98", "long": "106.65"}, "10.98, 106.65", None),
    ({"address_string": "12 Yersin"}, "12 Yersin", None),
    ({"address_id": "719"}, "", "719"),
])  # fmt: skip
def test_each_way_of_saying_where_will_do(door, where, place, area):
    [told] = door.posts(service_code="PAKN", description="Ổ gà", **where)

    case = door.hotline.case(told["service_request_id"])
    assert (case["place"], case["area"]) == (place, area)


def test_attributes_of_every_kind_are_answers(door):
    door.deploys(tiep_nhan_phan_anh__form=many_questions())
    attributes = {"ten_duong": "Yersin", "do_sau": "12.5", "tu_ngay": "2021-09-01T17:30:00Z", "nguy_hiem": "true",
                  "ben": "to_chuc", "bien_so": "61A-123.45"}  # fmt: skip
    values = BROKEN | {f"attribute[{code}]": value for code, value in attributes.items()}
    [told] = door.posts(**values, **{"attribute[thay][]": ["ca_nhan", "to_chuc"]})

    report = door.hotline.case(told["service_request_id"])["report"]
    assert report == attributes | {
        "noi_dung": BROKEN["description"], "do_sau": 12.5, "nguy_hiem": True, "thay": ["ca_nhan", "to_chuc"],
        "tu_ngay": "2021-09-02", "ghi_chu": "",
    }  # fmt: skip


def test_every_shipped_type_can_be_reported_this_way(province):
    client = province.app.test_client()
    listed = {one["service_code"] for one in client.get("/open311/v2/services.json").json}

    for code, said in INTAKE.items():
        answers = SAID | said
        values = {"service_code": code, "description": answers.pop("noi_dung"), "address_string": "Khu phố 3"}
        values |= {f"attribute[{key}]": answer for key, answer in answers.items()}
        values["api_key"] = province.shipped.tokens[f"{DESKS[code[:2]]}.ungdung"]
        answer = client.post("/open311/v2/requests.json", data=values)
        assert answer.status_code == 201, f"{code}: {answer.text}"
    assert listed >= set(INTAKE) and not listed & {"BDGN", "BDTN"}


def test_xml_answers_what_json_answers(door):
    root = xml(door.post(BROKEN, form="xml"))

    assert root.tag == "service_requests"
    assert root.findtext("request/service_request_id") == "1022.BD.20210903.00001"
    assert root.find("request/account_id").text is None
    assert "Đã tiếp nhận phản ánh" in root.findtext("request/service_notice")


def test_the_same_post_within_ten_minutes_is_the_same_report(door):
    first, again = door.post(BROKEN), door.post(BROKEN)
    other = door.post(BROKEN | {"description": "Ổ gà khác"})
    in_xml = door.post(BROKEN | {"description": "Lại một ổ gà"}, form="xml")
    in_xml_again = door.post(BROKEN | {"description": "Lại một ổ gà"}, form="xml")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json and again.headers["Idempotent-Replay"] == "true"
    assert other.json != first.json and "Idempotent-Replay" not in other.headers
    assert in_xml.data == in_xml_again.data
    assert count(door) == 3
    door.hotline.waits(9 / 60)
    assert door.post(BROKEN).json == first.json
    door.hotline.waits(1 / 60)
    later = door.post(BROKEN)
    assert later.json != first.json and door.post(BROKEN).json == later.json
    assert count(door) == 4


def test_two_accounts_that_say_the_same_are_two_reports(door):
    assert door.post(BROKEN).json != door.post(BROKEN, key="truc").json


def test_an_idempotency_key_holds_for_ever_and_for_one_report(door):
    first = door.post(BROKEN, Idempotency_Key="k1")
    door.hotline.waits(24)
    again = door.post(BROKEN, Idempotency_Key="k1")

    assert again.json == first.json and count(door) == 1
    [said] = errors(door.post(BROKEN | {"description": "Khác"}, Idempotency_Key="k1"), 400)
    assert "used for another request" in said


def test_eight_at_once_that_say_the_same_make_one_case(door):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: Door(door.hotline).post(BROKEN), range(8)))

    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.text for answer in answers}) == 1 and count(door) == 1


def test_words_that_no_question_takes_are_kept_as_a_comment(door):
    door.deploys(tiep_nhan_phan_anh__form=form("tiep_nhan_phan_anh", field("textfield", "cot", "Cột đèn số")))
    [told] = door.posts(**BROKEN)

    [remark] = door.hotline.as_("truc").get(f"/cases/{told['service_request_id']}/comments").json["items"]
    assert remark["text"] == "Ổ gà trước chợ"

    hotline = door.hotline  # a key that may report, and no more
    hotline.tokens["khoa"] = hotline.as_("app").post("/tokens", {"label": "x", "scopes": ["report"]}).json["token"]
    answer = door.post(BROKEN | {"media_url": "https://anh.example/2.jpg"}, key="khoa")
    assert answer.status_code == 201, answer.text
    [remark] = hotline.as_("truc").get(f"/cases/{answer.json[0]['service_request_id']}/comments").json["items"]
    assert remark["author"] == "app" and "https://anh.example/2.jpg" in remark["text"]


def test_where_an_app_keeps_a_picture_is_withheld_behind_the_veil_and_goes_with_the_case(hotline):
    door, picture = Door(hotline), "https://anh.example/tran-thi-b/0987650321.jpg?id=7"
    door.deploys(secrecy="C2", more='retention = "P60D"\n')
    number = door.posts(**BROKEN, media_url=picture, address_id="718", phone="0912345678")[0]["service_request_id"]
    hotline.does("truc", number, lead_agency="ubnd_74_718")

    def told(login: str) -> list[str]:
        paths = [path for path in addresses(hotline, number) if number in path]
        return [path for path in paths if b"tran-thi-b" in reads(hotline, login, path)]

    assert told("phuong") == told("yte") == told("mattran") == []
    assert f"/api/v1/cases/{number}/comments" in told("truc") and f"/vu-viec/{number}" in told("truc")
    assert MASK in hotline.as_("phuong").get(f"/cases/{number}/comments").json["items"][0]["text"]
    [link] = hotline.as_("truc").get(f"/cases/{number}/links").json["items"]
    assert (link["state"], link["url"]) == ("dead", picture) and "unless somebody asks" in link["last_error"]
    assert not [one for one in told("truc") if MASK.encode() in reads(hotline, "truc", one)]

    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã sửa")
    Worker(hotline.runtime, {}).drain()
    hotline.waits(24 * 11)
    Worker(hotline.runtime, {}).drain()
    hotline.waits(24 * 61)
    Worker(hotline.runtime, {}).tidy()
    assert told("truc") == []


# -- what was reported ---------------------------------------------------------------------------------------------


def test_a_public_case_is_told_without_a_word_about_anybody(door):
    number = door.hotline.assigned(place="Nhà ông Tư, hẻm 12")
    found = door.get(f"requests/{number}.json")

    assert found.json == [{
        "service_request_id": number, "status": "open", "status_notes": "Đã chuyển UBND thành phố Thủ Dầu Một",
        "service_name": "Phản ánh hiện trường", "service_code": "PAKN", "description": None,
        "agency_responsible": "UBND thành phố Thủ Dầu Một", "service_notice": None,
        "requested_datetime": "2021-09-03T08:00:00+07:00", "updated_datetime": "2021-09-03T08:00:00+07:00",
        "expected_datetime": "2021-09-03T13:00:00+07:00", "address": "Thành phố Thủ Dầu Một, Bình Dương",
        "address_id": "718", "zipcode": None, "lat": None, "long": None, "media_url": None,
    }]  # fmt: skip
    assert same(xml(door.get(f"requests/{number}.xml")), found.json)
    for secret in ("912345678", "Nguyễn Văn Bình", "hẻm 12", "Tụ tập", "app"):
        assert secret not in found.text


def test_a_type_may_show_what_was_written_and_where_but_no_telephone_number(door):
    door.deploys(more='public = ["description", "address"]\n')
    said = "Ổ gà sâu 20 cm ngày 03/09/2021, gọi tôi: 0912.345.678, +84 912 345 678 hoặc binh@example.vn"
    door.posts(service_code="PAKN", description=said, address_string="Trước chợ Thủ", **HERE)
    [found] = door.list()

    assert found["description"] == "Ổ gà sâu 20 cm ngày 03/09/2021, gọi tôi: …, … hoặc …"
    assert found["address"] == "Trước chợ Thủ (10.9804, 106.6519)"
    assert (found["lat"], found["long"]) == (10.9804, 106.6519)


def test_a_settled_case_is_closed_since_then(door):
    number = door.hotline.assigned()
    door.hotline.waits(2)
    door.hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã vá")
    door.hotline.waits(1)
    [found] = door.list()

    assert (found["status"], found["status_notes"]) == ("closed", "Đã giải quyết")
    assert found["updated_datetime"] == "2021-09-03T10:00:00+07:00"
    assert (door.numbers(status="closed"), door.numbers(status="open")) == ([number], [])
    assert door.numbers(status="open,closed") == [number]


@pytest.mark.parametrize("secrecy", ["C1", "C2", "C3", "C4"])
def test_what_is_not_public_can_be_posted_and_is_never_shown(door, secrecy):
    door.deploys("KIN", secrecy, 'public = ["description", "address"]\n')
    [told] = door.posts(**BROKEN | {"service_code": "KIN"})
    number = told["service_request_id"]

    assert door.hotline.case(number, login="quantri")["secrecy"] == secrecy
    assert door.list() == door.list(service_code="KIN") == door.list(service_request_id=number) == []
    missing = errors(door.get(f"requests/{number}.json"), 404)
    assert missing == [sentence.replace("00009", "00001") for sentence in errors(
        door.get("requests/1022.BD.20210903.00009.json"), 404)]  # fmt: skip
    errors(door.get(f"tokens/{number}.xml"), 404)


def test_a_type_that_becomes_secret_takes_its_cases_with_it_and_the_other_way_round_does_not(door):
    [told] = door.posts(**BROKEN)
    door.deploys(secrecy="C3")
    assert door.list() == []
    door.posts(**BROKEN | {"description": "Kín"})
    door.deploys(secrecy="C0", more="# công khai lại\n")

    assert door.numbers() == [told["service_request_id"]]


def test_a_number_stands_for_its_own_token(door):
    [told] = door.posts(**BROKEN)
    number = told["service_request_id"]

    assert door.get(f"tokens/{number}.json").json == [{"service_request_id": number, "token": number}]
    assert xml(door.get(f"tokens/{number}.xml")).findtext("request/token") == number


def test_numbers_override_everything_else(door):
    numbers = [door.posts(**BROKEN | {"description": f"Ổ gà {n}"})[0]["service_request_id"] for n in range(3)]
    door.hotline.waits(24 * 200)

    wanted = f"{numbers[0]},{numbers[2]},1022.BD.20210903.99999"
    assert door.numbers(service_request_id=wanted, status="closed", start_date="x") == [numbers[2], numbers[0]]


def test_cases_are_found_by_type(door):
    door.deploys("DEN", "C0")
    lamp = door.posts(**BROKEN | {"service_code": "DEN"})[0]["service_request_id"]
    hole = door.posts(**BROKEN)[0]["service_request_id"]

    assert door.numbers(service_code="DEN") == [lamp]
    assert door.numbers(service_code="DEN,PAKN") == door.numbers() == door.numbers(service_code="") == [hole, lamp]


def test_cases_are_found_by_date_inclusively_and_ninety_days_back_without_one(door):
    old = door.posts(**BROKEN)[0]["service_request_id"]  # 2021-09-03 08:00
    door.hotline.waits(24 * 60)
    new = door.posts(**BROKEN)[0]["service_request_id"]  # 2021-11-02 08:00

    assert door.numbers() == [new, old]
    assert door.numbers(start_date="2021-09-03T01:00:00Z", end_date="2021-09-03T08:00:00+07:00") == [old]
    assert door.numbers(start_date="2021-09-03T08:00:01 07:00") == [new]  # nobody escaped the plus sign
    assert door.numbers(end_date="2021-11-02T07:59:00+07:00") == [old]
    assert door.numbers(start_date="2021-12-01T00:00:00Z") == []
    door.hotline.waits(24 * 31)
    assert door.numbers() == [new]
    assert door.numbers(start_date="2021-09-01T00:00:00Z") == [new, old]  # ninety days from there


def test_pages_follow_one_another(door):
    numbers = [door.posts(**BROKEN | {"description": f"Ổ gà {n}"})[0]["service_request_id"] for n in range(5)][::-1]

    pages = [door.numbers(page=str(page), page_size="2") for page in (1, 2, 3, 4)]
    assert pages == [numbers[:2], numbers[2:4], numbers[4:], []]


def test_a_list_finds_its_cases_by_an_index(door):
    door.posts(**BROKEN)
    asked: list[tuple[str, Any]] = []
    with door.hotline.runtime.begin() as unit:
        _multiply(unit)
        listener = lambda *said: asked.append((said[2], said[3]))  # noqa: E731
        event.listen(unit.connection, "before_cursor_execute", listener)
        open_data.search(unit, open_data.Search(closed=False, limit=20))
        event.remove(unit.connection, "before_cursor_execute", listener)
        listed, values = next(one for one in asked if "FROM cases" in one[0])
        cursor = unit.connection.connection.driver_connection.cursor()
        cursor.execute(("EXPLAIN " if unit.locks_rows else "EXPLAIN QUERY PLAN ") + listed, values)
        plan = [str(row) for row in cursor.fetchall()]

    assert any("ix_cases_public" in line for line in plan), plan
    assert not [line for line in plan if "SCAN cases" in line and "INDEX" not in line or "Scan on cases" in line], plan


def _multiply(unit: Unit) -> None:
    """2,000 cases, one an hour. Which way PostgreSQL reads a handful hangs on what it happens to know of the tables."""
    [case] = (row._asdict() for row in unit.all(select(model.cases)))
    del case["id"]
    more = [case | {"number": f"{n}", "opened_at": case["opened_at"] - timedelta(hours=n)} for n in range(2000)]
    unit.execute(insert(model.cases), more)
    unit.execute(text("ANALYZE cases"))
