"""Routing tables and the units of a day: gaps and overlaps over districts and communes, and what is no more."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine import packages
from engine.files import folders
from engine.flow.check import check
from engine.flow.places import Place
from engine.places import areas
from tests.clock import VIETNAM
from tests.drawing import draw
from tests.drawn_tables import file_of, table
from tests.gazetteers import AGENCIES
from tests.hotline import LIFE, PROVINCE, package
from tests.test_communes import load_units
from webapi.cli import main

BPMN = Path(__file__).parent.parent / "bpmn"
ASKED = LIFE.replace("tiep_nhan -> xu_ly", "tiep_nhan -> dinh_tuyen -> xu_ly", 1) + (
    'rule dinh_tuyen "Định tuyến" decision=d\n'
)
DISTRICT = [(['"718"', "-"], ['"ubnd_74_718"']), (['"719"', "-"], ['"ubnd_74_719"'])]
ON_ITS_OWN = [
    (['"718"', 'not("90001")'], ['"ubnd_74_718"']), (['"718"', '"90001"'], ['"ubnd_74_90001"']), DISTRICT[1],
]  # fmt: skip
PLACES = (
    Place("718", "Thành phố Thủ Dầu Một"), Place("719", "Huyện Bàu Bàng"), Place("90001", "Phường Hòa Thử", "718"),
    Place("90004", "Phường 04", "718"), Place("90007", "Xã Đồng Thử", "719"),
)  # fmt: skip


def routed(rows, province: str = PROVINCE, inputs=("area", "commune")) -> dict[str, str]:
    """The report type, asking a table where to."""
    rows = [(cells[: len(inputs)], answers) for cells, answers in rows]
    drawn = file_of(table(rows, inputs=inputs, outputs=("lead_agency",))).decode()
    return package(process__bpmn=draw(ASKED, "PAKN"), dinh_tuyen__dmn=drawn, province__toml=province)


def told(faults) -> list[str]:
    return [fault.message for fault in faults if fault.code in ("decision-gap", "decision-overlap", "table-value")]


def test_can_gio_is_named_when_its_row_is_missing():
    files = folders.read(BPMN / "tp_ho_chi_minh" / "KK2A")
    name = next(name for name, text in files.items() if name.endswith(".dmn") and '"ubnd_79_787"' in text)
    files[name] = re.sub(r"<rule .*?</rule>", lambda rule: "" if '"ubnd_79_787"' in rule[0] else rule[0], files[name],
                         flags=re.DOTALL)  # fmt: skip

    assert any("Huyện Cần Giờ (787)" in one for one in told(check(files)))
    assert told(check(folders.read(BPMN / "tp_ho_chi_minh" / "KK2A"))) == []


@pytest.mark.parametrize("rows", [DISTRICT, ON_ITS_OWN])
def test_a_table_that_answers_for_every_district_and_commune_is_good(rows):
    assert told(check(routed(rows), PLACES)) == []


def test_a_commune_without_a_row_is_named_and_no_pair_that_cannot_be():
    rows = [(['"718"', '"90001"'], ['"x"']), (['"718"', "null"], ['"y"']), DISTRICT[1]]

    (gap,) = told(check(routed(rows), PLACES))

    assert "area = Thành phố Thủ Dầu Một (718), commune = Phường 04 (90004): nothing fits there" in gap
    assert "Huyện" not in gap and "Đồng Thử" not in gap


def test_a_commune_with_two_rows_is_named():
    (overlap,) = told(check(routed([*DISTRICT, ON_ITS_OWN[1]]), PLACES))

    assert "rows 1, 3" in overlap and "commune = Phường Hòa Thử (90001): several fit there" in overlap


def test_without_a_database_only_the_districts_of_province_toml_are_asked_for():
    assert told(check(routed(ON_ITS_OWN))) == []
    (gap,) = told(check(routed(DISTRICT[:1])))
    assert "area = Huyện Bàu Bàng (719), commune = None" in gap


def test_a_district_that_only_the_database_has_is_asked_for():
    (gap,) = told(check(routed(DISTRICT), (*PLACES, Place("720", "Huyện Thử"))))

    assert "area = Huyện Thử (720)" in gap


# -- units of a day --------------------------------------------------------------------------------------------------


@pytest.fixture
def dated(hotline, tmp_path):
    load_units(hotline, tmp_path)
    return hotline


def warned(hotline, files, day: date) -> list[str]:
    with hotline.runtime.read() as unit:
        return told(packages.judged(unit, files, datetime(day.year, day.month, day.day, tzinfo=VIETNAM)))


def test_a_table_of_districts_is_good_until_the_day_that_they_are_no_more(dated):
    files = routed(DISTRICT, inputs=("area",))

    assert warned(dated, files, date(2025, 6, 30)) == []
    gone = warned(dated, files, date(2025, 7, 1))
    assert any("Take Huyện Bàu Bàng (719) out of [[areas]]" in one and "is no more since 2025-07-01, and has become "
               "90010.2025 (Xã Liên Thử)" in one for one in gone)  # fmt: skip
    assert any("area = Phường Hoà Thử Mới (90001.2025); area = Xã Liên Thử (90010.2025): nothing fits" in one
               for one in gone)  # fmt: skip


def test_a_table_of_two_tiers_is_good_from_the_day_on(dated):
    bare = "\n".join(PROVINCE.split("[[areas]]")[0:1]) + "[texts" + PROVINCE.split("[texts", 1)[1]
    rows = [(['"90001.2025"'], ['"ubnd_74_90001.2025"']), (['"90010.2025"'], ['"ubnd_74_90010.2025"'])]
    files = routed(rows, bare + AGENCIES, inputs=("area",))

    assert warned(dated, files, date(2025, 7, 1)) == []
    assert len(warned(dated, files, date(2025, 6, 30))) == 1


def test_deploying_asks_for_the_units_of_the_day_it_comes_into_force(dated):
    with dated.runtime.begin() as unit:
        now = packages.deploy(unit, routed(DISTRICT), by="test").warnings
        later = packages.deploy(unit, routed(DISTRICT[::-1]), by="test",
                                active_from=datetime(2025, 7, 1, tzinfo=VIETNAM)).warnings  # fmt: skip

    codes = [[fault["code"] for fault in faults] for faults in (now, later)]
    assert "decision-gap" not in codes[0] and "decision-gap" in codes[1]


def test_the_command_checks_with_the_database_as_of_a_day(dated, database_url, tmp_path):
    shelf = tmp_path / "PAKN"
    shelf.mkdir()
    for name, text in routed(DISTRICT, inputs=("area",)).items():
        (shelf / name).write_text(text, encoding="utf-8")
    environment = {"THONGSUOT_DATABASE": database_url, "THONGSUOT_INSTANCE": str(tmp_path / "instance")}

    def run(*more: str) -> str:
        return CliRunner().invoke(main, ["check", str(shelf), *more], env=environment).output

    assert "Liên Thử" not in run() + run("--database", "--at", "2025-06-30")
    assert "Xã Liên Thử (90010.2025)" in run("--database", "--at", "2025-07-01")
    assert "add --database" in run("--at", "2025-07-01")


# -- routed by commune -----------------------------------------------------------------------------------------------


def test_a_case_is_routed_by_its_commune(dated):
    dated.deploys(**{name.replace(".", "__"): text for name, text in routed(ON_ITS_OWN, PROVINCE + AGENCIES).items()})
    with dated.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(PROVINCE + AGENCIES))

    def lead(area: str) -> str:
        number = dated.receives(area=area)
        dated.does("truc", number, lead_agency="ubnd_74_718")
        return dated.case(number)["lead_agency"]

    assert [lead(area) for area in ("90001", "90004", "718", "90007")] == [
        "ubnd_74_90001", "ubnd_74_718", "ubnd_74_718", "ubnd_74_719",
    ]  # fmt: skip


def test_the_gate_is_told_what_has_become_of_a_district(dated):
    with dated.runtime.read() as unit:
        before, after = (areas.places(unit, "74", day) for day in (date(2021, 9, 3), date(2025, 7, 1)))

    assert [one.code for one in before] == ["718", "719", "90001", "90004", "90007"]
    assert all(one.gone is None for one in before)
    assert {one.code: one.after for one in after}["719"] == ("90010.2025 (Xã Liên Thử)",)
