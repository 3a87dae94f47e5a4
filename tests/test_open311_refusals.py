"""What GeoReport refuses, and how: 400, 403 or 404, in the format that was asked for, with everything that is wrong."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from lxml import etree
from sqlalchemy import func, select

from engine import model
from tests.open311 import BROKEN, Door, errors, many_questions


@pytest.fixture
def door(hotline) -> Door:
    """The type PAKN is public, and there is a case that nothing may touch."""
    made = Door(hotline)
    made.deploys()
    made.posts(**BROKEN | {"description": "Có từ trước"})
    return made


@pytest.fixture(autouse=True)
def nothing_is_made_or_lost(door):
    yield
    assert len(door.list()) == 1
    with door.hotline.runtime.read() as unit:
        assert unit.scalar(select(func.count()).select_from(model.cases)) == 1


# -- who is calling ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "", "x", "ts_" + "a" * 43, "ts_' OR 1=1 --", "ts_" + "é" * 43])
@pytest.mark.parametrize("form", ["xml", "json"])
def test_without_a_key_nothing_is_posted(door, key, form):
    values = BROKEN | ({} if key is None else {"api_key": key})

    [said] = errors(door.post(values, key=None, form=form), 403)
    assert said.startswith("api_key: ")


def test_a_key_whose_account_may_not_report_is_refused(door):
    [said] = errors(door.post(BROKEN, key="mattran"), 403)
    assert "As overseer, mattran may not send reports" in said


def test_a_key_in_the_address_is_not_looked_at(door):
    answer = door.client.post(f"/open311/v2/requests.json?api_key={door.hotline.tokens['app']}", data=BROKEN)

    errors(answer, 403)


# -- what is missing or wrong --------------------------------------------------------------------------------------


def test_everything_that_is_missing_is_named_at_once(door):
    door.deploys(tiep_nhan_phan_anh__form=many_questions())

    assert set(door.wrong({})) == {"service_code", "lat, long, address_string, address_id"}
    assert door.wrong({"service_code": "PAKN", "description": " ", "attribute[ben]": ""}) == {
        "lat, long, address_string, address_id":
            "Hãy cho biết nơi xảy ra: lat và long, hoặc address_string, hoặc address_id.",
        "description": "Hãy điền “Nội dung”.",
        "attribute[ten_duong]": "Hãy điền “Tên đường”.",
        "attribute[ben]": "Hãy chọn “Bên bị ảnh hưởng”.",
    }  # fmt: skip
    assert set(door.wrong(BROKEN)) == {"attribute[ten_duong]", "attribute[ben]"}


def test_the_refusal_is_written_as_was_asked(door):
    answer = door.post({}, form="xml")
    root = etree.fromstring(answer.data)

    assert answer.content_type == "text/xml; charset=utf-8"
    assert [error.findtext("code") for error in root] == ["400", "400"]
    assert root.findtext("error/description") == "service_code: Hãy chọn loại phản ánh (service_code is required)."


@pytest.mark.parametrize(("change", "names"), [
    ({"lat": "91"}, {"lat"}),
    ({"lat": "10,98"}, {"lat"}),
    ({"lat": "nan", "long": "inf"}, {"lat", "long"}),
    ({"long": "-180.5"}, {"long"}),
    ({"long": "1e2"}, {"long"}),
    ({"lat": ""}, {"lat"}),
    ({"long": "٣"}, {"long"}),
    ({"address_id": "7' OR 1=1"}, {"address_id"}),
    ({"address_string": "x" * 251}, {"address_string"}),
    ({"email": "binh"}, {"email"}),
    ({"phone": "123"}, {"phone"}),
    ({"first_name": "x" * 61, "last_name": "y" * 61}, {"first_name", "last_name"}),
    ({"media_url": "file:///etc/passwd"}, {"media_url"}),
    ({"media_url": "javascript:alert(1)"}, {"media_url"}),
    ({"media_url": "http://[::1"}, {"media_url"}),
    ({"description": "x" * 4001}, {"description"}),
    ({"description": "x" * 2001}, {"description"}),  # longer than this form takes
    ({"description": "a\0b"}, {"description"}),
    ({"first_name": "a\x07b"}, {"first_name"}),
    ({"attribute[ghi_chu]": "a\x1bb"}, {"attribute[ghi_chu]"}),
    ({"attribute[la]": "1"}, {"attribute[la]"}),
    ({"attribute[ghi_chu.sau]": "1"}, {"attribute[ghi_chu]"}),
    ({"attribute[ghi_chu][]": ["1", "2"]}, {"attribute[ghi_chu]"}),
    ({"attribute[a][b]": "1"}, {"attribute[a][b]"}),
    ({"attribute": "1"}, {"attribute"}),
    ({"attribute[]": "1"}, {"attribute[]"}),
    ({"account_id": "x" * 201}, {"account_id"}),
    ({"phone": ["0912345678", "0912345679"]}, {"phone"}),
    ({"lat": "x", "email": "y", "phone": "z", "description": ""}, {"lat", "email", "phone", "description"}),
])  # fmt: skip
def test_what_cannot_be_is_refused_by_name(door, change, names):
    assert set(door.wrong(BROKEN | change)) == names


def test_how_long_a_text_may_be_is_said(door):
    assert door.wrong(BROKEN | {"address_string": "ờ" * 251}) == {"address_string": "Tối đa 250 ký tự, hiện có 251."}


def test_an_area_of_another_place_is_refused(door):
    [said] = errors(door.post(BROKEN | {"address_id": "999"}), 400)
    assert "999" in said


@pytest.mark.parametrize("code", ["KHONG_CO", "../../etc", "x" * 500, "PAKN PAKN"])
def test_an_unknown_service_is_missing(door, code):
    [said] = errors(door.post(BROKEN | {"service_code": code}), 404)

    assert said.startswith("service_code: ") and len(said) < 160


def test_an_unknown_jurisdiction_is_missing(door):
    for answer in (
        door.post(BROKEN | {"jurisdiction_id": "sfgov.org"}),
        *(door.get(path, jurisdiction_id="sfgov.org") for path in (
            "services.json", "services/PAKN.xml", "requests.json", "requests/1022.BD.20210903.00001.xml",
            "tokens/1022.BD.20210903.00001.json")),
    ):  # fmt: skip
        [said] = errors(answer, 404)
        assert said == "jurisdiction_id: Máy chủ này không phục vụ địa phương “sfgov.org”."


# -- what is no form -----------------------------------------------------------------------------------------------


def posted(door, body: bytes, **more):
    return door.post(urlencode({"api_key": door.hotline.tokens["app"]}).encode() + b"&" + body, **more)


@pytest.mark.parametrize(("body", "said"), [
    (urlencode(BROKEN).encode() + b"&first_name=%ff%fe", "UTF-8"),
    (urlencode(BROKEN).encode() + b"&first_name=B\xecnh", "UTF-8"),
    (urlencode(BROKEN).encode() + b"&%c3%28=1", "UTF-8"),
    (urlencode(BROKEN).encode() + b"&first_name=%ed%a0%80", "UTF-8"),  # half a character
    (b"&".join(b"a%d=1" % n for n in range(600)), "500 tham"),
    (urlencode(BROKEN | {"description": "x" * 1_000_000}).encode(), "200000 byte"),
    (urlencode(BROKEN).encode() + b"&a%00b=1", "không hiển thị"),
])  # fmt: skip
@pytest.mark.parametrize("form", ["xml", "json"])
def test_what_is_no_text_or_too_much_of_it_is_refused(door, body, said, form):
    [found] = errors(posted(door, body, form=form), 400)

    assert said in found


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_another_content_type_is_refused(door, kind):
    [said] = errors(posted(door, urlencode(BROKEN).encode(), Content_Type=kind), 400)

    assert "application/x-www-form-urlencoded" in said


def test_an_odd_idempotency_key_is_refused(door):
    [said] = errors(door.post(BROKEN, Idempotency_Key="a b"), 400)
    assert "Idempotency-Key" in said


def test_what_nobody_expected_has_an_id_and_the_format_that_was_asked_for(door, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("bất ngờ")

    monkeypatch.setattr("engine.intake.receive", fails)

    [said] = errors(door.post(BROKEN, form="xml"), 500)
    assert "nothing was changed; its id is" in said and "bất ngờ" not in said


# -- questions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [
    {"status": "opened"}, {"status": "open,x"}, {"page": "0"}, {"page": "-1"}, {"page": "1e3"}, {"page": "٣"},
    {"page_size": "1001"}, {"page_size": "0"}, {"page": "11"}, {"page": "999999", "page_size": "1000"},
    {"start_date": "2021-09-03"}, {"start_date": "2021-09-03T00:00:00"}, {"start_date": "hôm qua"},
    {"start_date": "0001-01-01T00:00:00+14:00"}, {"end_date": "9999-12-31T23:59:59-12:00"},
    {"end_date": "2021-13-01T00:00:00Z"}, {"start_date": "2021-09-03T00:00:00Z", "end_date": "2021-09-02T00:00:00Z"},
    {"start_date": "2021-01-01T00:00:00Z", "end_date": "2021-04-02T00:00:00Z"}, {"service_code": "a\0b"},
    {"service_request_id": "'; DROP TABLE cases --"}, {"service_request_id": ",".join(["1"] * 1001)},
])  # fmt: skip
def test_absurd_questions_are_refused(door, query):
    for form in ("xml", "json"):
        [said] = errors(door.get(f"requests.{form}", **query), 400)
        assert said.split(":")[0].split(",")[0] in query


def test_a_list_of_an_unknown_service_is_refused(door):
    [said] = errors(door.get("requests.json", service_code="PAKN,KHONG_CO"), 404)
    assert "KHONG_CO" in said


@pytest.mark.parametrize("path", [
    "services", "services.yaml", "services/X.xml", "requests/1.json", "requests/a%00b.json", "requests/a/b.xml",
    "tokens/abc.json", "khong-co.json", "requests/" + "9" * 200 + ".json", "services/%2e%2e%2fx.json", "../x.json",
])  # fmt: skip
def test_what_is_not_there_is_missing(door, path):
    errors(door.get(path), 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_nothing_can_be_changed(door, method):
    for path in ("requests.json", "requests/1022.BD.20210903.00001.xml", "services.json"):
        errors(door.client.open(f"/open311/v2/{path}", method=method), 404)


def test_what_xml_cannot_hold_is_left_out(door):
    door.deploys(more='description = "Ổ gà \\u0007\\u000b\\ufffe <sâu> & rộng"\n')
    root = etree.fromstring(door.get("services.xml").data)

    assert root.findtext("service/description") == "Ổ gà  <sâu> & rộng"
