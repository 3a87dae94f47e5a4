"""What the articles and the cities' own reports counted, as data: made by the thousand, and counted again.

Hà Nội's incoming calls are in test_contacts.py; here is what is counted by cases, too. A case each through the door
would take minutes, so they are written as the door writes them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, select

from engine import model
from engine.work.worker import Worker
from tests.clock import VIETNAM
from tests.hotline import TYPE, Hotline
from tests.people import cohort, takes_lists
from tests.test_imports import sends
from tests.test_ui_office import enters

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # sums: both were asked elsewhere
WEEKS = {"from": "2021-08-20T00:00:00+07:00", "to": "2021-09-03T12:00:00+07:00"}
BEGAN = datetime(2021, 8, 25, 9, tzinfo=VIETNAM)
_numbers = count(1)


def held(hotline: Hotline, many: int, like: str = "PAKN", **values: Any) -> list[int]:
    """Many cases of a type, written at once; returns their ids."""
    with hotline.runtime.begin() as unit:
        definition = unit.first(select(model.definitions.c.id).where(model.definitions.c.key == like))
        assert definition is not None
        row = {
            "definition_id": definition.id, "report_type": like, "province": "74", "channel": "dien_thoai",
            "secrecy": "C3", "report": {}, "status": "moi", "opened_by": "test", "secret_hash": "",
            "opened_at": BEGAN, "due_at": BEGAN + timedelta(hours=5), "closed_at": None,
        } | values  # fmt: skip
        first = next(_numbers)
        numbers = [first, *(next(_numbers) for _ in range(many - 1))]
        unit.execute(insert(model.cases), [row | {"number": f"1022.XX.20210825.{number:05}"} for number in numbers])
        newest = unit.all(select(model.cases.c.id).order_by(model.cases.c.id.desc()).limit(many))
        return [one.id for one in newest]


def written(hotline: Hotline, table: Any, rows: list[dict[str, Any]]) -> None:
    with hotline.runtime.begin() as unit:
        unit.execute(insert(table), rows)


def statistic(hotline: Hotline, login: str, key: str, **period: str) -> dict[str, Any]:
    answer = hotline.as_(login).get(f"/statistics/{key}", **period)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_ha_noi_called_3699_times_and_advised_713_patients(hotline: Hotline) -> None:
    """HN-19. A cohort of 740 is called up to five times each; the calls are counted as steps and as contacts."""
    hanoi = takes_lists(hotline)
    sends(hanoi.as_("cdc"), cohort(3))  # three of them through the door, as the others are
    Worker(hanoi.runtime, {}).take_up()
    with hanoi.runtime.read() as unit:
        patients = [row.id for row in unit.all(select(model.cases.c.id).where(model.cases.c.report_type == "F0CD"))]
    assert len(patients) == 3
    with hanoi.runtime.begin() as unit:
        unit.execute(model.cases.update().values(opened_at=BEGAN))
    patients += held(hanoi, 737, "F0CD", province="01")
    calls = [patients[number % 740] for number in range(3_699)]  # five each, but one has only four
    heard = ["nghe_may" if number < 713 else "khong_nghe" for number in range(3_699)]
    written(hanoi, model.tasks, [
        {"case_id": case, "token": 1_000_000 + number, "element": "goi", "name": "Gọi", "group": "thaythuoc_chudong_01",
         "report_type": "F0CD", "status": "done", "created_at": BEGAN, "call_result": said}
        for number, (case, said) in enumerate(zip(calls, heard, strict=True))
    ])  # fmt: skip
    written(hanoi, model.contacts, [
        {"province": "01", "direction": "out", "channel": "dien_thoai", "started_at": BEGAN, "ended_at": BEGAN,
         "outcome": "answered" if said == "nghe_may" else "missed"}
        for said in heard
    ])  # fmt: skip

    made = statistic(hanoi, "cdc", "calls", **WEEKS)["total"]["values"]
    assert {name: made[name] for name in ("planned", "called", "reached", "calls", "calls_reached")} == \
        {"planned": 740, "called": 740, "reached": 713, "calls": 3_699, "calls_reached": 713}  # fmt: skip
    figures = hanoi.as_("cdc").get("/figures", **WEEKS).json
    assert (figures["calls_out"], figures["consultations"]) == (3_699, 713)
    assert (figures["lines"]["received"], figures["balanced"]) == (0, True)  # nobody called us
    page = enters(hanoi, "cdc").opens("/tinh/bao-cao?ky=2021-08")
    assert [page.find(f"//*[@id='line-{name}']/a")[0].text_content() for name in ("calls_out", "consultations")] == \
        ["3.699", "713"]  # fmt: skip


def test_binh_duongs_55553_calls_became_8408_requests(hotline: Hotline) -> None:
    """Two countings that are never mixed (F.1): 8,408 = 3,898 hardship + 1,039 emergencies + 3,471 others."""
    requests = {"KK": 3_898, "CC": 1_039, "PAKN": 3_471}
    for code in ("KK", "CC"):
        hotline.deploys(type__toml=TYPE.format(secrecy="C2").replace('"PAKN"', f'"{code}"', 1))
    rows = [{"case_id": case, "outcome": "case"} for code, many in requests.items()
            for case in held(hotline, many, code, lead_agency="ubnd_74_718")]  # fmt: skip
    rows += [{"case_id": None, "outcome": "answered"}] * (55_553 - 8_408)
    contact = {"province": "74", "direction": "in", "channel": "dien_thoai", "started_at": BEGAN, "ended_at": BEGAN}
    written(hotline, model.contacts, [contact | row for row in rows])

    lines = hotline.as_("vanphong").get("/figures", **WEEKS).json["lines"]
    by_type = statistic(hotline, "vanphong", "by-type", **WEEKS)

    assert (lines["received"], lines["answered"], lines["transferred"], lines["unexplained"]) == \
        (55_553, 55_553 - 8_408, 8_408, 0)  # fmt: skip
    assert {row["keys"]["report_type"]: row["values"]["received"] for row in by_type["rows"]} == requests
    assert by_type["total"]["values"]["received"] == 8_408
