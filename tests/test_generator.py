"""Invented days: as like as their seed, and their figures add up to the last call."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from engine import model
from engine.errors import InvalidRequest
from engine.runtime import Runtime
from engine.statistics import figures
from engine.storage.database import connect
from engine.terms.calendar import ZONE
from tests.conftest import DATABASES
from tests.databases import connected
from tests.shipped import BPMN, Shipped
from webapi.commands.generator import Generator

PROVINCES = sorted(path.parent.name for path in BPMN.glob("*/day.toml"))
DAY = date(2021, 9, 3)


SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it is no question of the database


@pytest.fixture
def generator(database_url: str, shipped: Shipped) -> Any:
    """Makes a generator on a database with the shipped types and somebody in every agency."""
    with connected(database_url) as database:
        shipped.put(Runtime(database, lambda: datetime.now(ZONE)))
        yield lambda province, seed=1: Generator(database, BPMN / province, seed)


def report(generator: Generator, days: int = 1) -> figures.Figures:
    begins = datetime(DAY.year, DAY.month, DAY.day, tzinfo=ZONE)
    with generator.runtime.read() as unit:
        return figures.report(unit, generator.office, generator.province, begins, begins + timedelta(days=days))


MONTHS = [  # what a database is asked for does not depend on the province
    pytest.param(
        province, database, marks=[] if database == "sqlite" or province == PROVINCES[0] else pytest.mark.whole
    )
    for province in PROVINCES
    for database in DATABASES
]


@pytest.mark.parametrize(("province", "database_url"), MONTHS, indirect=["database_url"])
def test_a_month_balances_to_the_last_call(generator: Any, province: str) -> None:
    made = generator(province)
    surge = 4 / made.profile.contacts  # some four contacts a day: what is tested is the sum
    counted: dict[str, int] = {}
    for number in range(30):
        for outcome, count in made.day(DAY + timedelta(days=number), surge).contacts.items():
            counted[outcome] = counted.get(outcome, 0) + count

    lines = report(made, 30).lines

    assert lines.received == sum(counted.values()) == 120
    assert (lines.unexplained, lines.unknown) == (0, 0)
    assert lines.missed >= counted["missed"] and lines.answered >= counted["answered"]
    assert lines.transferred + lines.open > 0


@SQLITE
def test_no_case_is_held_up_and_some_are_told(generator: Any) -> None:
    made = generator("binh_duong")
    made.day(DAY, 0.2)

    with made.runtime.read() as unit:
        assert unit.all(select(model.incidents.c.message)) == []
        districts = {row.area for row in unit.all(select(model.cases.c.area))} - {None}
        assert len(unit.all(select(model.events.c.id).where(model.events.c.kind == "message-sent"))) > 5
    assert len(districts) > 3


@SQLITE
def test_the_same_seed_makes_the_same_day(generator: Any) -> None:
    first = generator("binh_duong", 7).day(DAY, 0.05)
    assert first == generator("binh_duong", 7).day(DAY, 0.05)
    assert first != generator("binh_duong", 8).day(DAY, 0.05)


def test_a_day_may_lie_before_the_types_came_into_force(generator: Any) -> None:
    """As on a server that was set up this morning."""
    made = generator("binh_duong")
    with made.runtime.begin() as unit:
        unit.execute(update(model.activations).values(active_from=datetime.now(ZONE) - timedelta(minutes=1)))

    assert made.day(DAY, 0.1).contacts["case"] > 0


@SQLITE
def test_a_surge_is_a_surge(generator: Any) -> None:
    made = generator("binh_duong")

    assert sum(made.day(DAY, 0.1).contacts.values()) == 60
    assert sum(made.day(DAY + timedelta(days=1), 0.2).contacts.values()) == 120


def test_a_province_that_does_not_say_what_its_day_is_like_has_none(
    generator: Any, tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "province.toml").write_text('code = "74"\nareas = []\n')
    database = connect(database_url)

    with pytest.raises(InvalidRequest, match="does not say what a day is like"):
        Generator(database, tmp_path, 1)
    (tmp_path / "day.toml").write_text("contacts = 1\nhours = [1]\ntopics = []\n[channels]\n[outcomes]\ncase = 1\n")
    with pytest.raises(InvalidRequest, match="24 weights"):
        Generator(database, tmp_path, 1)
    database.dispose()
