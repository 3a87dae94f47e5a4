"""Cases are numbered one after the other, and nobody who reports waits for another's report to be written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select

from engine import intake
from engine.errors import InvalidAnswers
from engine.model import cases
from engine.people.access import Account
from engine.runtime import Unit
from tests.hotline import Hotline, refused

REPORT = {"report_type": "PAKN", "answers": {"noi_dung": "Tụ tập đông người"}, "channel": "zalo", "area": "718"}
APP = Account(0, "app", "App", "client", "tongdai_74", "74")
WRONG = REPORT | {"answers": {}}


def received(unit: Unit) -> str:
    report = intake.Report("PAKN", REPORT["answers"], channel="zalo", area="718")
    return intake.receive(unit, report, by=APP).number


def last(number: Any) -> int:
    return int(str(number).rpartition(".")[2])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite lets one write at a time
@pytest.mark.parametrize("begun", [True, False])
def test_a_report_does_not_wait_for_another_that_is_being_written(hotline: Hotline, begun: bool) -> None:
    """Args:
    begun: something has been looked up before the report is; what a page's form or a letter does.
    """

    def quick() -> str:
        with hotline.runtime.begin() as unit:
            return received(unit)

    hotline.receives()  # so that the server knows the report type
    with ThreadPoolExecutor(1) as somebody_else, hotline.runtime.begin() as unit:
        if begun:
            unit.first(select(cases.c.id))
        assert unit.has_begun is begun
        number = received(unit)
        assert last(somebody_else.submit(quick).result(timeout=20)) == last(number) + 1


def test_a_refused_report_leaves_its_number_to_the_next(hotline: Hotline) -> None:
    first = hotline.receives()
    for _ in range(3):
        refused(hotline.as_("app").post("/reports", WRONG), 422, "invalid-answers")
        refused(hotline.as_("app").post("/reports", WRONG, Idempotency_Key="k"), 422, "invalid-answers")

    assert last(hotline.receives()) == last(first) + 1


def test_the_same_report_sent_again_takes_no_number(hotline: Hotline) -> None:
    first, *again = (hotline.as_("app").post("/reports", REPORT, Idempotency_Key="k").json for _ in range(3))

    assert [one["number"] for one in again] == [first["number"]] * 2
    assert last(hotline.receives()) == last(first["number"]) + 1


def test_a_caller_whose_token_was_revoked_leaves_the_number_too(hotline: Hotline) -> None:
    first = hotline.receives()
    (token,) = [one for one in hotline.as_("app").get("/tokens").json["items"] if one["label"] == "test"]
    hotline.as_("app").post(f"/tokens/{token['id']}", method="DELETE")

    refused(hotline.as_("app").post("/reports", REPORT), 401, "not-authenticated")
    assert last(hotline.receives(by="truc")) == last(first) + 1


def test_of_twenty_at_once_none_is_left_out_and_none_is_given_twice(hotline: Hotline) -> None:
    bodies = [REPORT | ({"answers": {}} if n % 4 == 3 else {}) for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: hotline.as_("app").post("/reports", body), bodies))

    numbers = sorted(last(one.json["number"]) for one in answers if one.status_code == 201)
    assert len(numbers) == len(set(numbers)) == 15
    with hotline.runtime.begin() as unit:
        left = [number for series in unit.spare_numbers.values() for number in series]
    assert sorted(numbers + left) == list(range(1, max(numbers + left) + 1))


def test_what_is_refused_within_a_unit_that_goes_on_gives_no_number_twice(hotline: Hotline) -> None:
    first = hotline.receives()
    for _ in range(2):
        with hotline.runtime.begin() as unit:
            with suppress(InvalidAnswers), unit.savepoint():
                intake.receive(unit, intake.Report("PAKN", {}, channel="zalo", area="718"), by=APP)
            with suppress(ZeroDivisionError), unit.savepoint():
                received(unit)
                raise ZeroDivisionError

    numbers = [last(hotline.receives()) for _ in range(4)]
    assert len({last(first), *numbers}) == 5


def test_a_number_that_was_left_twice_is_still_used(hotline: Hotline) -> None:
    first = hotline.as_("app").post("/reports", REPORT, Idempotency_Key="k").json["number"]
    hotline.as_("app").post("/reports", REPORT, Idempotency_Key="k")
    refused(hotline.as_("app").post("/reports", WRONG), 422, "invalid-answers")

    assert last(hotline.receives()) == last(first) + 1
