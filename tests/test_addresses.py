"""Areas as people type them: abbreviated, without marks, with the district behind, and found quickly."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from engine.model import areas as rows
from engine.model import provinces
from engine.places import addresses, areas
from engine.places.areas import search_keys

HO_CHI_MINH = {
    "760": "Quận 1", "771": "Quận 10", "769": "Thành phố Thủ Đức", "767": "Quận Tân Phú", "787": "Huyện Cần Giờ",
}  # fmt: skip
COMMUNES = {
    "26740": ("Phường Bến Nghé", "760"), "27169": ("Phường 12", "771"), "27196": ("Phường 01", "771"),
    "27673": ("Xã An Thới Đông", "787"), "26824": ("Phường Linh Đông", "769"),
}  # fmt: skip
DONG_NAI = {"731": "Thành phố Biên Hòa", "734": "Huyện Tân Phú"}


@pytest.fixture
def country(runtime):
    """Two real provinces in part, and eleven thousand communes."""
    words = ("Tân", "Phú", "Hòa", "Bình", "Quan", "Thới")
    many = [(str(code), f"{('Phường', 'Xã')[code % 2]} {words[code % 6]} {code % 100 // 10}", str(900 + code % 50))
            for code in range(40_000, 51_000)]  # fmt: skip
    with runtime.begin() as unit:
        unit.execute(insert(provinces), [{"code": code, "name": name, "short": code, "settings": {}} for code, name in (
            ("79", "Thành phố Hồ Chí Minh"), ("75", "Đồng Nai"), ("90", "Tỉnh Thử"))])
        districts = [("79", *one) for one in HO_CHI_MINH.items()] + [("75", *one) for one in DONG_NAI.items()]
        unit.execute(insert(rows), [
            {"code": code, "name": name, "province": province, "level": "district"} | search_keys(name)
            for province, code, name in [*districts, *(("90", str(900 + n), f"Huyện Thử {n}") for n in range(50))]
        ])
        communes = [("79", code, *rest) for code, rest in COMMUNES.items()] + [("90", *one) for one in many]
        unit.execute(insert(rows), [
            {"code": code, "name": name, "province": province, "level": "commune", "parent": parent} | search_keys(name)
            for province, code, name, parent in communes
        ])
    return runtime


def first(unit, typed: str, **more) -> str | None:
    return next((one.code for one in areas.search(unit, q=typed, limit=20, **more)), None)


def test_what_people_type_is_found_first(country):
    meant = {
        "q1": "760", "Q.1": "760", "quan 1": "760", "Quận 1": "760", "q10": "771", "Quận 10, TP Hồ Chí Minh": "771",
        "p. 12 q. 10": "27169", "P12 Q10": "27169", "phường 12, quận 10": "27169", "p1 q10": "27196",
        "p. 01, q.10": "27196", "tp thu duc": "769", "TP. Thủ Đức": "769", "thu duc": "769", "bien hoa": "731",
        "Biên Hoà": "731", "BIÊN HÒA": "731", "tp.bien hoa": "731", "h. cần giờ": "787", "ben nghe q1": "26740",
        "bến nghé, quận 1": "26740", "an thới đông h.cần giờ": "27673", "tân phú, đồng nai": "734",
        "tan phu, ho chi minh": "767", "xã an thới đông huyện cần giờ": "27673", "linh đông thành phố thủ đức": "26824",
    }  # fmt: skip
    with country.read() as unit:
        found = {typed: first(unit, typed) for typed in meant}

    assert found == meant


def test_what_is_nowhere_is_not_found_elsewhere(country):
    nowhere = ("p1 q1", "bến nghé, quận 10", "p. 12, biên hòa", ",", "|", "%", "q1, đồng nai")
    with country.read() as unit:
        assert {typed: areas.search(unit, q=typed) for typed in nowhere} == dict.fromkeys(nowhere, [])


def test_a_whole_name_comes_before_longer_ones_and_a_district_before_communes(country):
    with country.read() as unit:
        assert [one.code for one in areas.search(unit, q="quan 1")][:2] == ["760", "771"]
        assert [one.code for one in areas.search(unit, q="tan phu", province="75")] == ["734"]
        assert areas.search(unit, q="t", limit=1)[0].level == "district"
        assert {one.search_short[0] for one in areas.search(unit, q="p")} == {"p"}  # not every "phường" there is


def test_typing_takes_less_than_20_ms_among_eleven_thousand_communes(country):
    def took(unit, typed) -> float:
        begun = perf_counter()
        areas.search(unit, q=typed, limit=20)
        return perf_counter() - begun

    with country.read() as unit:
        for typed in ("p", "phuong", "xa tan 3", "p. 12 q. 10", "bien hoa", "zzz"):
            assert any(took(unit, typed) < 0.02 for _ in range(30)), typed  # others may be at work on this machine


@given(st.text(max_size=80))
def test_whatever_is_typed_can_be_read(typed):
    for reading in addresses.readings(typed):
        assert all(name and "|" not in name for name in reading)
