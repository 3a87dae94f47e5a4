"""The reports of F.2: numbers worked out by hand, sums that hold, nothing that tells of few people."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from engine import model
from engine.statistics import periods, small
from engine.statistics.catalogue import STATISTICS
from tests.clock import VIETNAM
from tests.hotline import PEOPLE, TYPE, Hotline, refused

MONTH = {"period": "2021-09"}
COUNTS = ("received", "on_time", "late", "open")
_numbers = count(1)
CALLS = '\n[calls]\nstep = "xu_ly"\nfield = "lien_lac"\nreached = "nghe_may"\n'


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def held(
    hotline: Hotline, many: int = 1, opened: str = "2021-09-01T08:00:00", hours: float | None = None, **values: Any
) -> None:
    """Cases that were received then, with five hours' time, and settled after so many hours or not yet."""
    opened_at = at(opened)
    with hotline.runtime.begin() as unit:
        definition = unit.scalar(select(model.definitions.c.id))
        case = {
            "definition_id": definition, "report_type": "PAKN", "province": "74", "area": "718", "channel": "zalo",
            "secrecy": "C2", "report": {}, "status": "moi", "opened_by": "test", "secret_hash": "",
            "opened_at": opened_at, "due_at": opened_at + timedelta(hours=5),
            "closed_at": None if hours is None else opened_at + timedelta(hours=hours),
        }  # fmt: skip
        for _ in range(many):
            unit.execute(insert(model.cases), case | values | {"number": f"1022.BD.20210901.{next(_numbers):05}"})


def called(
    hotline: Hotline, waited: int | None, talked: int = 0, began: str = "2021-09-03T09:00:00", **more: Any
) -> None:
    started = at(began)
    answered = None if waited is None else started + timedelta(seconds=waited)
    with hotline.runtime.begin() as unit:
        unit.execute(insert(model.contacts), {
            "province": "74", "direction": "in", "channel": "dien_thoai", "started_at": started,
            "answered_at": answered, "ended_at": (answered or started) + timedelta(seconds=talked),
            "outcome": "missed" if waited is None else "answered",
        } | more)  # fmt: skip


def report(hotline: Hotline, key: str, login: str = "vanphong", **query: Any) -> Any:
    answer = hotline.as_(login).get(f"/statistics/{key}", **MONTH | query)
    assert answer.status_code == 200, answer.text
    return answer.json


def values(made: Any, *keys: str) -> dict[str, Any]:
    (row,) = [row for row in made["rows"] if tuple(row["keys"].values()) == keys]
    return row["values"]


# -- numbers worked out by hand ----------------------------------------------------------------------------------------


def test_how_cases_were_handled_worked_out_by_hand(hotline: Hotline) -> None:
    for hours in range(1, 11):  # five in their five hours, five late
        held(hotline, hours=hours)
    held(hotline, opened="2021-09-02T08:00:00")  # overdue since yesterday noon
    held(hotline, opened="2021-09-03T07:00:00")  # due at noon
    held(hotline, opened="2021-09-01T08:00:00", paused_at=at("2021-09-01T09:00:00"))  # its clock stands
    held(hotline, hours=0, area="719", outcome="giai_dap_ngay", due_at=None)

    made = report(hotline, "by-district")

    assert values(made, "718") == {
        "received": 13, "on_time": 5, "late": 5, "open": 3, "overdue": 1, "mean_hours": 5.5, "p90_hours": 9.0,
        "first_contact": 0.0,
    }  # fmt: skip
    assert values(made, "719") == {
        "received": 1, "on_time": 1, "late": 0, "open": 0, "overdue": 0, "mean_hours": 0.0, "p90_hours": 0.0,
        "first_contact": 100.0,
    }  # fmt: skip
    assert made["total"]["values"] == {
        "received": 14, "on_time": 6, "late": 5, "open": 3, "overdue": 1, "mean_hours": 5.0, "p90_hours": 9.0,
        "first_contact": 7.1,
    }  # fmt: skip
    assert [row["names"] for row in made["rows"]] == [["Thành phố Thủ Dầu Một"], ["Huyện Bàu Bàng"]]


def test_who_ranks_how_worked_out_by_hand(hotline: Hotline) -> None:
    held(hotline, 2, hours=1, lead_agency="ubnd_74_718", rating=5)
    held(hotline, hours=9, lead_agency="ubnd_74_718", rating=2, returns=2, reopenings=1)
    held(hotline, lead_agency="ubnd_74_718", returns=1, extensions=2)
    held(hotline)

    assert values(report(hotline, "ranking"), "ubnd_74_718") == {
        "received": 4, "settled": 3, "on_time_share": 66.7, "returned_share": 50.0, "reopened_share": 25.0,
        "rated": 3, "mean_rating": 4.0,
    }  # fmt: skip
    assert values(report(hotline, "rating"), "ubnd_74_718") == {
        "settled": 3, "rated": 3, "rated_share": 100.0, "satisfied_share": 66.7, "mean_rating": 4.0,
    }  # fmt: skip
    assert values(report(hotline, "ranking"), "") == {
        "received": 1, "settled": 0, "on_time_share": None, "returned_share": 0.0, "reopened_share": 0.0, "rated": 0,
        "mean_rating": None,
    }  # fmt: skip
    assert values(report(hotline, "ping-pong"), "PAKN", "ubnd_74_718") == {
        "received": 4, "extended": 1, "extensions": 2, "returned": 2, "returns": 3, "ping_pong": 1,
    }  # fmt: skip


def test_what_was_untrue_worked_out_by_hand(hotline: Hotline) -> None:
    held(hotline, 2, hours=1, outcome="da_giai_quyet")
    held(hotline, hours=1, outcome="khong_dung_thuc_te")
    held(hotline, hours=1, outcome="chua_du_dieu_kien")

    assert report(hotline, "untrue")["total"]["values"] == {
        "received": 4, "settled": 4, "untrue": 1, "untrue_share": 25.0, "not_eligible": 1, "not_eligible_share": 25.0,
    }  # fmt: skip


def test_calls_by_hour_with_how_long_people_waited(hotline: Hotline) -> None:
    for waited in range(10, 110, 10):
        called(hotline, waited, talked=60)
    called(hotline, None)
    called(hotline, 7, began="2021-09-03T23:59:59")
    called(hotline, 7, began="2021-09-04T00:00:00", channel="zalo")

    made = report(hotline, "by-hour")

    assert values(made, "2021-09-03", "09", "dien_thoai") == {
        "received": 11, "picked_up": 10, "missed": 1, "mean_wait": 55.0, "p90_wait": 90.0, "mean_talk": 60.0,
    }  # fmt: skip
    assert [tuple(row["keys"].values()) for row in made["rows"]] == [
        ("2021-09-03", "09", "dien_thoai"), ("2021-09-03", "23", "dien_thoai"), ("2021-09-04", "00", "zalo")
    ]  # fmt: skip
    assert report(hotline, "by-hour", period="2021-09-04")["total"]["values"]["received"] == 1


def test_late_cases_with_the_step_and_who_should_take_it(hotline: Hotline) -> None:
    number = hotline.assigned(by="app")
    hotline.as_("phuong").post(f"/tasks/{hotline.task('phuong', number)['id']}/claim")
    hotline.receives(by="app")
    hotline.waits(4)
    assert hotline.as_("vanphong").get("/late-cases").json["items"] == []

    hotline.waits(2.5)

    rows = hotline.as_("vanphong").get("/late-cases").json["items"]
    assert [(row["step"], row["assignee"], row["hours_late"]) for row in rows] == [
        ("Xử lý", "Phuong", 1.5), ("Phân công", None, 1.5)
    ]  # fmt: skip
    assert [row["number"] for row in hotline.as_("hoa").get("/late-cases").json["items"]] == [number]
    assert hotline.as_("binh").get("/late-cases").json["items"] == []
    refused(hotline.as_("mattran").get("/late-cases"), 403, "not-allowed")
    assert f"{number},PAKN,Thành phố Thủ Dầu Một" in hotline.as_("vanphong").get("/late-cases/sheet.csv").text


# -- what holds for all of them ----------------------------------------------------------------------------------------


def some_days(hotline: Hotline) -> None:
    hotline.deploys(type__toml=TYPE.format(secrecy="C2") + CALLS)
    held(hotline, 3, hours=2, lead_agency="ubnd_74_718", rating=4, outcome="da_giai_quyet")
    held(hotline, 2, hours=8, lead_agency="ubnd_74_719", area="719", returns=2, outcome="khong_dung_thuc_te")
    held(hotline, lead_agency="ubnd_74_719", area=None, extensions=1, secrecy="C4")
    held(hotline, report_type="KHAC", opened="2021-09-02T23:00:00", hours=1, outcome="chua_du_dieu_kien")
    for began in ("2021-09-02T23:30:00", "2021-09-03T07:00:00", "2021-09-03T07:59:59"):
        called(hotline, 5, 30, began=began)
        called(hotline, None, began=began, channel="viber")


@pytest.mark.parametrize("key", STATISTICS)
def test_every_number_adds_up_and_opens_to_what_it_counts(hotline: Hotline, key: str) -> None:
    some_days(hotline)

    made = report(hotline, key)

    assert made["rows"]
    for column in made["columns"]:
        if column["kind"] in ("count", "sum"):
            total = sum(row["values"][column["key"]] for row in made["rows"])
            assert total == made["total"]["values"][column["key"]], column
        if column["kind"] == "count":
            for row in made["rows"]:
                query = MONTH | row["keys"] | {"column": column["key"]}
                found = hotline.as_("vanphong").get(f"/statistics/{key}/behind", **query)
                assert found.status_code == 200, found.text
                assert len(found.json["items"]) == row["values"][column["key"]], (row, column)


@pytest.mark.parametrize("key", ["by-type", "by-agency", "by-district", "by-commune"])
def test_what_was_received_is_settled_or_open(hotline: Hotline, key: str) -> None:
    some_days(hotline)

    made = report(hotline, key)

    for row in [*made["rows"], made["total"]]:
        received, *rest = (row["values"][name] for name in COUNTS)
        assert received == sum(rest)
    assert made["total"]["values"]["received"] == 6  # the denunciation is no petition, and not for the office to see


@pytest.mark.parametrize("key", STATISTICS)
def test_days_add_up_to_the_month_in_which_nothing_else_was(hotline: Hotline, key: str) -> None:
    some_days(hotline)

    days = [report(hotline, key, period=f"2021-09-{day:02}")["total"] for day in range(1, 5)]
    whole = report(hotline, key)
    counted = [column["key"] for column in whole["columns"] if column["kind"] in ("count", "sum")]

    for column in counted:
        assert sum(day["values"][column] for day in days) == whole["total"]["values"][column]


@pytest.mark.parametrize("key", STATISTICS)
def test_a_report_is_the_same_in_every_form(hotline: Hotline, key: str) -> None:
    some_days(hotline)
    made = report(hotline, key)

    sheet = hotline.as_("vanphong").get(f"/statistics/{key}/sheet.csv", **MONTH)
    page = hotline.as_("vanphong").get(f"/statistics/{key}/page.html", **MONTH)
    book = hotline.as_("vanphong").get(f"/statistics/{key}/sheet.xlsx", **MONTH)

    lines = sheet.data.decode("utf-8-sig").splitlines()
    assert len(lines) == 4 + len(made["rows"]) + 1
    assert lines[-1].split(",")[len(made["by"]):] == [
        "" if value is None else str(value) for value in made["total"]["values"].values()
    ]  # fmt: skip
    assert all(column["vi"] in page.text for column in made["columns"])
    assert (book.status_code, book.data[:2]) == (200, b"PK")


# -- small numbers -----------------------------------------------------------------------------------------------------

ROWS = st.lists(st.tuples(*[st.integers(0, 12)] * 3).map(lambda rest: (sum(rest), *rest)), max_size=8)


@settings(max_examples=200)
@given(ROWS)
def test_nothing_published_tells_of_few_people(rows: list[tuple[int, ...]]) -> None:
    total = [sum(column) for column in zip(*rows, strict=True)]
    if small.tells(total):
        return  # then nothing is published

    hidden = small.together(rows)

    shown = [row for place, row in enumerate(rows) if place not in hidden]
    rest = [whole - sum(column) for whole, column in zip(total, zip(*shown, strict=True), strict=False)] or total
    assert not any(small.tells(row) for row in [*shown, rest])
    assert len(hidden) != 1  # or the row of others would be somebody's


def test_whoever_only_watches_gets_no_small_numbers(hotline: Hotline) -> None:
    held(hotline, 9, hours=1)
    held(hotline, 6, hours=1, area="719")
    held(hotline, 2, hours=1, area=None)
    hotline.clock.now = at("2021-10-01T00:00:00")

    made = report(hotline, "by-district", login="mattran")

    assert made["published"] is True
    assert [(row["keys"]["area"], row["values"]["received"]) for row in made["rows"]] == [("718", 9), ("*", 8)]
    assert made["total"]["values"] == {"received": 17, "on_time": 17, "late": 0, "open": 0, "overdue": 0}
    exact = report(hotline, "by-district")
    assert [row["values"]["received"] for row in exact["rows"]] == [9, 6, 2]
    assert report(hotline, "by-district", published="1") == made


def test_a_month_that_tells_of_few_people_is_not_published(hotline: Hotline) -> None:
    held(hotline, 20, hours=1)
    held(hotline, hours=1, outcome="khong_dung_thuc_te")
    hotline.clock.now = at("2021-10-01T00:00:00")

    made = report(hotline, "oversight", login="mattran")

    assert (made["rows"], made["total"]) == ([], None)


@pytest.mark.parametrize("query", [
    {"period": "2021-09"},  # not over
    {"period": "2021-08-30"}, {"period": "2021-W34"}, {"period": "2021-Q2"},
    {"from": "2021-08-01T00:00:00+07:00", "to": "2021-08-31T00:00:00+07:00"},
])  # fmt: skip
def test_what_is_published_is_published_by_whole_months(hotline: Hotline, query: dict[str, str]) -> None:
    refused(hotline.as_("mattran").get("/statistics/by-district", **query), 422, "invalid-request")


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_who_may_see_which_numbers(hotline: Hotline) -> None:
    last = {"period": "2021-08", "province": "74"}

    def may(path: str, **query: str) -> set[str]:
        answers = {who: hotline.as_(who).get(f"/statistics/{path}", **last | query) for who in PEOPLE}
        assert {answer.status_code for answer in answers.values()} <= {200, 403}
        return {who for who, answer in answers.items() if answer.status_code == 200}

    assert may("ranking") == {"truc", "vanphong", "phantich", "quantri"}
    assert may("by-district") == {"truc", "vanphong", "phantich", "quantri", "mattran"}
    assert may("by-district/behind", column="received") == {"truc", "vanphong", "phantich", "quantri"}
    assert may("by-hour/behind", column="received") == {"truc", "vanphong", "quantri"}
    refused(hotline.as_("truc").get("/statistics/ranking", period="2021-08", province="75"), 403, "not-allowed")


@pytest.mark.parametrize("query", [
    {}, {"period": "2021"}, {"period": "2021-13"}, {"period": "2021-02-30"}, {"period": "2021-W54"},
    {"period": "2021-09", "to": "2021-09-04T00:00:00+07:00"}, {"from": "2021-09-04T00:00:00+07:00"},
    {"from": "2021-09-04T00:00:00+07:00", "to": "2021-09-04T00:00:00+07:00"},
    {"from": "2021-09-04T00:00:00+07:00", "to": "2022-09-06T00:00:00+07:00"}, {"period": "9999-12"}, {"x": "1"},
])  # fmt: skip
def test_a_period_that_is_none_is_refused(hotline: Hotline, query: dict[str, str]) -> None:
    refused(hotline.as_("vanphong").get("/statistics/ranking", **query), 422, "invalid-request")


def test_a_report_or_column_that_there_is_not_is_refused(hotline: Hotline) -> None:
    office = hotline.as_("vanphong")

    assert "by-type" in refused(office.get("/statistics/x", **MONTH), 404, "not-found")
    assert "received" in refused(
        office.get("/statistics/ranking/behind", **MONTH, column="x"), 422, "invalid-request")
    refused(office.get("/statistics/ranking/behind", **MONTH, column="rated", hour="07"), 422, "invalid-request")
    assert {row["key"] for row in office.get("/statistics").json["items"]} == set(STATISTICS)


def test_periods_are_vietnamese_days() -> None:
    written = {
        "2021-09-03": ("2021-09-03", "2021-09-04"), "2021-W36": ("2021-09-06", "2021-09-13"),
        "2021-12": ("2021-12-01", "2022-01-01"), "2021-Q1": ("2021-01-01", "2021-04-01"),
        "2021-Q4": ("2021-10-01", "2022-01-01"), "2024-02": ("2024-02-01", "2024-03-01"),
    }  # fmt: skip

    for text, (first, after) in written.items():
        assert periods.read(text) == (at(f"{first}T00:00:00"), at(f"{after}T00:00:00"))
    for text, before, following in (
        ("2021-03-01", "2021-02-28", "2021-03-02"), ("2020-W53", "2020-W52", "2021-W01"),
        ("2021-01", "2020-12", "2021-02"), ("2021-Q4", "2021-Q3", "2022-Q1"),
    ):  # fmt: skip
        assert periods.beside(text) == (before, following)


# -- petitions under decree 20/2008, and planned calls -----------------------------------------------------------------


def tasked(hotline: Hotline, group: str, created: str, **more: Any) -> None:
    """The newest case has a task of this agency."""
    with hotline.runtime.begin() as unit:
        case = unit.scalar(select(model.cases.c.id).order_by(model.cases.c.id.desc()).limit(1))
        unit.execute(insert(model.tasks), {
            "case_id": case, "token": next(_numbers), "element": "xu_ly", "name": "Xử lý", "group": group,
            "report_type": "PAKN", "status": "open", "created_at": at(created),
        } | more)  # fmt: skip


def test_five_working_days_to_pass_a_petition_on_worked_out_by_hand(hotline: Hotline) -> None:
    # received on Friday 27 August: with the week-end, and the 2nd and 3rd of September off, day five is Tuesday 7th
    friday = "2021-08-27T16:00:00"
    for passed_on in ("2021-09-07T23:59:59", "2021-09-08T00:00:00"):
        held(hotline, opened=friday)
        tasked(hotline, "tongdai_74", friday)  # that the desk has it is not yet passing it on
        tasked(hotline, "ubnd_74_718", passed_on)
    held(hotline, opened=friday, hours=0)
    held(hotline, opened=friday)
    held(hotline, opened=friday, secrecy="C4")  # a denunciation is no petition
    with hotline.runtime.begin() as unit:
        shown = unit.scalar(select(model.cases.c.id).where(model.cases.c.closed_at.is_not(None)))
        texts = {"subject": "x", "words": "x", "result": "x", "by": "truc"}
        unit.execute(insert(model.publications), texts | {"case_id": shown, "at": unit.now, "approved_at": unit.now})

    columns = {"received": 4, "at_desk": 1, "passed_on_time": 1, "passed_late": 1, "not_passed_on": 1}
    month = {"period": "2021-08"}
    assert values(report(hotline, "decree-20", **month), "PAKN") == columns | {"not_passed_overdue": 0, "published": 1}

    hotline.waits(24 * 5)  # it is Wednesday, the 8th

    assert values(report(hotline, "decree-20", **month), "PAKN") == columns | {"not_passed_overdue": 1, "published": 1}


def test_planned_calls_worked_out_by_hand(hotline: Hotline) -> None:
    held(hotline)
    assert report(hotline, "calls")["rows"] == []
    hotline.deploys(type__toml=TYPE.format(secrecy="C2") + CALLS)
    held(hotline)  # two whom nobody has called yet
    held(hotline, hours=48, outcome="da_giai_quyet")
    for heard in ("khong_nghe", "nghe_may", "nghe_may"):
        tasked(hotline, "ubnd_74_718", "2021-09-01T09:00:00", status="done", call_result=heard)
    tasked(hotline, "ubnd_74_718", "2021-09-01T09:00:00", status="done", element="khac", answers={})
    held(hotline, hours=24, outcome="da_giai_quyet")
    tasked(hotline, "ubnd_74_718", "2021-09-01T09:00:00", status="done", call_result="khong_nghe")

    made = report(hotline, "calls")

    nobody = {"planned": 2, "called": 0, "reached": 0, "calls": 0, "calls_reached": 0, "mean_days": None, "open": 2}
    assert values(made, "PAKN", "") == nobody
    assert values(made, "PAKN", "da_giai_quyet") == {
        "planned": 2, "called": 2, "reached": 1, "calls": 4, "calls_reached": 2, "mean_days": 1.5, "open": 0,
    }  # fmt: skip
