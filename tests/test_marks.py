"""A passed deadline is told of once, even if a decision finds a case urgent that is late already."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine import model
from engine.work.worker import Worker
from tests.drawing import choice, form
from tests.hotline import TYPE, Hotline

DESK = form("phan_cong", choice("lead_agency", "ubnd_74_718"), choice("severity", "khan", "thuong"))
URGENT = TYPE.replace('source = "BD-01"}}', 'source = "BD-01", by_severity = {{khan = "PT1H"}}}}')
URGENT = URGENT.replace('"PT4H", calendar = "24/7"', '"PT4H", calendar = "24/7", by_severity = {{khan = "PT30M"}}')


def marks(hotline: Hotline) -> list[str]:
    """What has been said of the case's own deadline."""
    with hotline.runtime.read() as unit:
        of_case = select(model.events.c.kind).where(model.events.c.element == "case")
        return [mark.kind for mark in unit.all(of_case.order_by(model.events.c.id))]


@pytest.mark.parametrize("hours", [2, 4.5, 6])  # it would have been due before; was warned of before; was late before
def test_a_late_case_that_is_found_urgent_is_late_once(hotline: Hotline, hours: float) -> None:
    hotline.deploys(type__toml=URGENT.format(secrecy="C2"), phan_cong__form=DESK)
    worker = Worker(hotline.runtime, {})
    number = hotline.receives()

    hotline.waits(hours)
    worker.drain()
    hotline.does("truc", number, lead_agency="ubnd_74_718", severity="khan")
    hotline.waits(0.5)
    worker.drain()

    assert marks(hotline) == ["deadline-near", "deadline-passed"]
    assert hotline.case(number)["breached_at"] is not None


def test_what_nobody_is_warned_of_is_late_all_the_same(hotline: Hotline) -> None:
    unwarned = TYPE.replace('source = "BD-01"', 'source = "BD-01", warn = false')
    hotline.deploys(type__toml=unwarned.format(secrecy="C2"))
    number = hotline.receives()

    hotline.waits(4.9)
    Worker(hotline.runtime, {}).drain()
    assert hotline.case(number)["breached_at"] is None
    hotline.waits(0.1)
    Worker(hotline.runtime, {}).drain()

    assert hotline.case(number)["breached_at"] is not None
    assert marks(hotline) == ["deadline-passed"]
