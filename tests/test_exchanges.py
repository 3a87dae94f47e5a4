"""How often a call waits for PostgreSQL: each exchange wakes another process, which costs more than what is asked, and
far more where it is another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from psycopg import Cursor

from engine.storage.wire import Wire
from tests.hotline import PROVINCE, Hotline
from tests.province import Province
from tests.shipped import LEADS
from tests.test_ui_work import logged_in

Waits = Callable[[Callable[[], Any]], int]
DESK = "tongdai_75"


@pytest.fixture
def waits(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Waits:
    """How often a call waits."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite is in our own process")
    counted: list[str] = []
    run, execute = Wire.run, Cursor.execute

    def counting(wire: Wire, asked: Sequence[Any], *how: Any) -> Iterator[Any]:
        counted.append("exchange")
        return run(wire, asked, *how)

    def executing(cursor: Cursor[Any], *asked: Any, **how: Any) -> Any:
        counted.append("statement")
        return execute(cursor, *asked, **how)

    monkeypatch.setattr(Wire, "run", counting)
    monkeypatch.setattr(Cursor, "execute", executing)

    def count(call: Callable[[], Any]) -> int:
        counted.clear()
        call()
        return len(counted)

    return count


def test_a_report_takes_two_exchanges(waits: Waits, hotline: Hotline) -> None:
    hotline.deploys(province__toml=PROVINCE.replace(", hạn {han}", ""))
    hotline.receives()  # once, so that the server has seen the caller and read the report type

    # its number, place and version; everything written, whom it is told among it, and the commit
    assert waits(hotline.receives) == 2


def test_and_three_if_the_citizen_is_told_until_when(waits: Waits, hotline: Hotline) -> None:
    hotline.receives()

    assert waits(hotline.receives) == 3


def test_a_task_that_was_just_opened_here_is_completed_in_one_exchange(waits: Waits, hotline: Hotline) -> None:
    hotline.assigned()
    task = hotline.task("truc", hotline.receives())
    answers = {"answers": {"lead_agency": "ubnd_74_718"}}

    assert waits(lambda: hotline.as_("truc").post(f"/tasks/{task['id']}/complete", answers)) == 1


def test_what_a_step_must_know_of_its_case_is_looked_up_once(waits: Waits, province: Province) -> None:
    province.passes_on("DNYT")  # once
    number = province.receives("DNYT")
    task = province.task(number, "phan_loai", DESK)["id"]
    answers = {"answers": {"quyet_dinh": "chuyen_xu_ly", "area": "731"}}

    # the place that is named; the deadline; all who are told of it; everything written
    assert waits(lambda: province.as_(DESK).post(f"/tasks/{task}/complete", answers)) == 4
    assert province.case(number)["lead_agency"] == LEADS["DNYT"]


def test_a_case_is_shown_with_its_whole_file_in_six_exchanges(waits: Waits, province: Province) -> None:
    number, handler = province.passes_on("DNYT"), LEADS["DNYT"]
    visitor, page = logged_in(province, handler), f"/vu-viec/{number}"
    assert number in visitor.opens(page).text  # once
    task = province.task(number, "phan_cong", handler)["id"]

    # itself; nearly all of its file; the reporter, how they are written to; who is named; that it was looked at
    assert waits(lambda: visitor.opens(page)) == 6
    assert waits(lambda: visitor.opens(f"/viec/{task}")) == 13
