"""Real clients of GeoReport v2, unchanged, against a running server: `georeport` reads, `three` posts and reads."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator

import pytest
from georeport import GeoReport

from tests.open311 import Door
from tests.served import served

itertools.ifilter = filter  # type: ignore[attr-defined]  # `three` is older than Python 3
with warnings.catch_warnings():  # and what it brings along has escapes that Python warns of when it compiles them
    warnings.simplefilter("ignore")
    from three import Three  # noqa: E402


@pytest.fixture
def door(hotline) -> Door:
    made = Door(hotline)
    made.deploys(more='public = ["description", "address"]\n')
    return made


@pytest.fixture
def address(door: Door) -> Iterator[str]:
    """Where a real client reaches the server."""
    with served(door.hotline.app) as server:
        yield f"{server}/open311/v2"


def sent(address: str, door: Door, **more: str) -> list[dict[str, str]]:
    client = Three(address, api_key=door.hotline.tokens["app"], jurisdiction="BD")
    values = {"lat": "10.98", "long": "106.65", "description": "Đèn đường hỏng, tối quá",
              "first_name": "Bình", "last_name": "Nguyễn Văn", "attribute[ghi_chu]": "Từ hôm qua"}  # fmt: skip
    return client.post("PAKN", **values | more)  # type: ignore[no-any-return]


def test_three_posts_a_report_and_follows_it(door: Door, address: str) -> None:
    client = Three(address, jurisdiction="BD")

    assert client.discovery()["endpoints"][0]["url"] == address
    assert [service["service_name"] for service in client.services()] == ["Phản ánh hiện trường"]
    assert [attribute["code"] for attribute in client.services("PAKN")["attributes"]] == ["ghi_chu"]
    [told] = sent(address, door)
    number = told["service_request_id"]
    assert sent(address, door) == [told]  # sent again, not made again
    [request] = client.request(number)
    assert (request["status"], request["description"]) == ("open", "Đèn đường hỏng, tối quá")
    assert (request["lat"], request["long"]) == (10.98, 106.65)
    assert [one["service_request_id"] for one in client.requests("PAKN", count=10)] == [number]
    assert client.requests(between=["09-01-2021", "09-05-2021"], status="open") == [request]
    assert client.token(number) == [{"service_request_id": number, "token": number}]
    assert door.hotline.case(number)["report"]["ghi_chu"] == "Từ hôm qua"


def test_three_is_told_what_is_wrong(door: Door, address: str) -> None:
    assert sent(address, door, lat="100") == [
        {"code": 400, "description": "lat: Hãy gửi một số thập phân theo độ (WGS84), ví dụ 10.98 hoặc 106.65."}
    ]
    assert [error["code"] for error in sent(address, door, api_key="sai")] == [403]
    assert [error["code"] for error in Three(address).request("1022.BD.20210903.00009")] == [404]


@pytest.mark.parametrize("form", ["json", "xml"])
def test_georeport_reads(door: Door, address: str, form: str) -> None:
    numbers = [door.hotline.settled(), door.hotline.receives("Ổ gà <sâu> & rộng"), door.hotline.receives("Rác")]
    door.deploys("DEN", "C2")
    client = GeoReport(address, jurisdiction="74", output_format=form)

    services = client.get_service_list()
    assert [service["service_code"] for service in services] == ["DEN", "PAKN"]
    definition = client.get_service_definition("PAKN")
    attributes = definition["attributes"] if form == "json" else [definition["attributes"]["attribute"]]
    assert [(one["code"], one["datatype"], str(one["required"]).lower()) for one in attributes] == [
        ("ghi_chu", "text", "false")
    ]
    found = client.get_service_requests(status="open", start_date="2021-09-01T00:00:00+07:00")
    assert [one["service_request_id"] for one in found] == [numbers[2], numbers[1]]
    assert found[1]["description"] == "Ổ gà <sâu> & rộng"
    closed = client.get_service_request(numbers[0])
    assert (closed["status"], closed["agency_responsible"]) == ("closed", "UBND thành phố Thủ Dầu Một")
    assert closed["expected_datetime"] == "2021-09-03T13:00:00+07:00"
