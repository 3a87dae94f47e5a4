"""A closed day stays as it was reported; what changes later is a correction with a date."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from engine import packages
from engine.work.worker import Worker
from tests.hotline import PROVINCE, Hotline, refused

DAY = "2021-09-03"


def calls(hotline: Hotline, **said: Any) -> Any:
    return hotline.as_("truc").post("/contacts", {"channel": "dien_thoai"} | said).json


def closed(hotline: Hotline) -> Any:
    hotline.waits(24)
    answer = hotline.as_("vanphong").post("/days", {"day": DAY})
    assert answer.status_code == 201, answer.text
    return answer.json


def test_a_closed_day_stays_as_it_was_reported(hotline: Hotline) -> None:
    call = calls(hotline, branch="5.1")
    calls(hotline, outcome="answered")
    reported = closed(hotline)["editions"]

    hotline.as_("truc").post(f"/contacts/{call['id']}", {"outcome": "missed"}, method="PATCH")
    calls(hotline, outcome="answered", started_at="2021-09-03T10:00:00+07:00")

    shown = hotline.as_("mattran").get(f"/days/{DAY}").json
    assert shown["editions"] == reported
    assert reported[0]["figures"]["lines"]["received"] == 2
    assert {name: both for name, both in shown["changed"].items() if name.startswith("lines.")} == {
        "lines.received": [2, 3], "lines.answered": [1, 2], "lines.open": [1, 0], "lines.missed": [0, 1],
    }  # fmt: skip
    assert shown["changed"]["by_key.5.1.missed"] == [0, 1]


def test_a_correction_has_its_date_its_name_and_its_reason(hotline: Hotline) -> None:
    calls(hotline, outcome="answered")
    first = closed(hotline)["editions"][0]
    office = hotline.as_("vanphong")
    correction = {"reason": "Cuộc gọi ghi muộn"}
    refused(office.post(f"/days/{DAY}/corrections", correction), 409, "wrong-state")
    calls(hotline, outcome="missed", started_at="2021-09-03T10:00:00+07:00")

    made = office.post(f"/days/{DAY}/corrections", correction).json

    assert (made["editions"][0], made["changed"]) == (first, {})
    second = made["editions"][1]
    assert (second["edition"], second["by"], second["reason"]) == (2, "vanphong", "Cuộc gọi ghi muộn")
    assert second["at"] == "2021-09-04T01:00:00+00:00"
    assert second["figures"]["lines"] == made["now"]["lines"] == first["figures"]["lines"] | {
        "received": 2, "missed": 1
    }  # fmt: skip


def test_a_day_is_closed_once_and_not_before_it_is_over(hotline: Hotline) -> None:
    office = hotline.as_("vanphong")
    refused(office.post("/days", {"day": DAY}), 409, "wrong-state")
    refused(office.get(f"/days/{DAY}"), 404, "not-found")
    refused(office.post(f"/days/{DAY}/corrections", {"reason": "x"}), 404, "not-found")

    closed(hotline)

    refused(office.post("/days", {"day": DAY}), 409, "wrong-state")


def test_a_day_of_a_province_that_is_not_there_cannot_be_closed(hotline: Hotline) -> None:
    hotline.waits(24)
    answer = hotline.as_("quantri").post("/days", {"day": DAY, "province": "0"})
    assert refused(answer, 422, "invalid-request") == "There is no province '0'."


@pytest.mark.parametrize("login", ["truc", "phuong", "mattran", "phantich", "app"])
def test_who_may_not_close_a_day(hotline: Hotline, login: str) -> None:
    refused(hotline.as_(login).post("/days", {"day": "2021-09-02"}), 403, "not-allowed")
    refused(hotline.as_(login).post("/days/2021-09-02/corrections", {"reason": "x"}), 403, "not-allowed")


@pytest.mark.parametrize("day", ["hom-nay", "2021-02-30", "2021-9-3"])
def test_what_is_no_day_is_refused(hotline: Hotline, day: str) -> None:
    refused(hotline.as_("vanphong").get(f"/days/{day}"), 404, "not-found")
    refused(hotline.as_("vanphong").post("/days", {"day": day}), 422, "invalid-request")


def test_a_day_is_closed_by_the_clock_once_and_missed_days_are_caught_up(hotline: Hotline) -> None:
    one, other = Worker(hotline.runtime, {}), Worker(hotline.runtime, {})
    office = hotline.as_("vanphong")
    hotline.waits(24)
    assert one.close_days() == 0
    with hotline.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads('close_day_at = "09:00"\n' + PROVINCE))
    assert one.close_days() == 1  # it is eight: the hour of the third has not come, that of the second has
    refused(office.get(f"/days/{DAY}"), 404, "not-found")

    hotline.waits(1)

    assert [one.close_days(), other.close_days()] == [1, 0]
    [edition] = office.get(f"/days/{DAY}").json["editions"]
    assert (edition["by"], edition["at"]) == ("system", "2021-09-04T02:00:00+00:00")
    hotline.waits(72)
    office.post("/days", {"day": "2021-09-05"})  # by hand, while no worker was there
    assert [other.close_days(), one.close_days()] == [2, 0]
    assert office.post("/days", {"day": "2020-09-06"}).status_code == 201  # a slip of the pen
    hotline.waits(24)
    assert one.close_days() == 1


def test_the_figures_of_a_day_say_when_it_was_closed(hotline: Hotline) -> None:
    office = hotline.as_("vanphong")
    period = {"from": f"{DAY}T00:00:00+07:00", "to": "2021-09-04T00:00:00+07:00"}
    assert office.get("/figures", **period).json["closed"] is None
    closed(hotline)

    told = office.get("/figures", **period).json["closed"]

    assert told["at"] == "2021-09-04T01:00:00+00:00"
    assert office.get(told["href"]).json["day"] == DAY
    assert office.get("/figures", **period | {"to": "2021-09-05T00:00:00+07:00"}).json["closed"] is None
