"""What the shipped report types promise: every step's term, on the clock it runs on."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine import model
from engine.erasure import retention
from engine.files import folders
from engine.packages import Package
from tests.province import CITIZEN, instant
from tests.shipped import DESKS, LEADS, MONITORS, OFFICES
from tests.sources import ROOT

URGENT = {  # what a caller says whose matter cannot wait
    "BDTT": {"hanh_vi": "tu_tap_dong_nguoi", "dang_dien_ra": "co"},
    "BDKB": {"loai_tiep_xuc": "tiep_xuc_f0"},
    "BDKK": {"luong_thuc": "het_hom_nay"},
    "DNYT": {"trieu_chung": "kho_tho_dau_nguc"},
    "DNAS": {"luong_thuc": "con_1_2_ngay", "nguoi_yeu_the": "co"},
}
HOUR, DAY = 60, 24 * 60
LATER = {"xem_xet_lai": 30, "phan_hoi": 10 * DAY}
BINH_DUONG = {"case": 5 * HOUR, "phan_loai": 10, "don_vi_nhan": 30, "xac_minh": 90, "xu_ly": 120, "duyet": 30,
              "xac_nhan": 15, "phan_cong_lai": 10, "quyet_dinh_don_vi": 30, "chi_dao": 60, "xu_ly_lai": 120,
              **LATER}  # fmt: skip
URGENT_BINH_DUONG = BINH_DUONG | {"don_vi_nhan": 15, "xac_minh": 60, "xu_ly": 90, "duyet": 15}
DONG_NAI = {"case": DAY, "phan_loai": 10, "phan_cong": 60, "theo_doi": 23 * HOUR, "xac_minh": 8 * HOUR,
            "xu_ly": 12 * HOUR, "xac_nhan": 60, "bao_dan": 60, "dang_ket_qua": 30, "phan_cong_lai": 30,
            "quyet_dinh_don_vi": 60, "chi_dao": 120, "xu_ly_lai": 8 * HOUR, **LATER}  # fmt: skip
CDC = {"cdc_danh_gia": 60}
PROMISED = [  # type, severity, minutes by step
    ("BDTT", "binh_thuong", BINH_DUONG),
    ("BDTT", "khan", URGENT_BINH_DUONG),
    ("BDKB", "binh_thuong", BINH_DUONG | CDC),
    ("BDKB", "khan", URGENT_BINH_DUONG | CDC),
    ("BDKK", "binh_thuong", BINH_DUONG),
    ("BDKK", "khan", URGENT_BINH_DUONG),
    ("DNYT", "binh_thuong", DONG_NAI),
    ("DNYT", "khan", DONG_NAI | {
        "case": 60, "phan_loai": 5, "phan_cong": 5, "xac_minh": 15, "xu_ly": 20, "xac_nhan": 5, "bao_dan": 5,
        "dang_ket_qua": 5, "theo_doi": 50, "phan_cong_lai": 5, "quyet_dinh_don_vi": 10}),
    ("DNAS", "binh_thuong", DONG_NAI),
    ("DNAS", "khan", DONG_NAI | {
        "case": 4 * HOUR, "phan_loai": 5, "phan_cong": 15, "xac_minh": 60, "xu_ly": 120, "xac_nhan": 10, "bao_dan": 15,
        "dang_ket_qua": 15, "theo_doi": 210, "phan_cong_lai": 10, "quyet_dinh_don_vi": 30}),
    ("DNHH", None, DONG_NAI),
]  # fmt: skip


@pytest.mark.parametrize(("code", "severity", "promised"), PROMISED)
def test_every_step_has_the_term_that_its_type_promises_for_the_severity(province, code, severity, promised):
    desk, office, lead, monitor = DESKS[code[:2]], OFFICES[code[:2]], LEADS[code], MONITORS[code]
    number = province.receives(code, **(URGENT[code] if severity == "khan" else {}))
    assert province.case(number)["severity"] == severity

    here = code[:2] == "BD"
    first, area = ("don_vi_nhan", "718") if here else ("phan_cong", "731")
    province.lives(number, f"""
        {desk}    phan_loai         quyet_dinh=chuyen_xu_ly area={area} -> da_chuyen
        {lead}    {first}           returns                             -> de_nghi_chuyen_lai
        {desk}    phan_cong_lai     lead_agency={lead}                  -> da_chuyen
        {lead}    {first}           returns                             -> de_nghi_chuyen_lai
        {office}  quyet_dinh_don_vi lead_agency={lead}                  -> da_chuyen
        {lead}    {first}                                               -> dang_xac_minh
        {lead}    xac_minh          ket_qua=dung                        -> dang_xu_ly
        {lead}    xu_ly             ket_qua=khong_dung_thuc_te          -> cho_duyet
        {f"{lead} duyet             duyet=dat                           -> cho_duyet" if here else ""}
        {monitor} xac_nhan          xac_nhan=khong_dong_y               -> dang_xu_ly
        {lead}    xu_ly_lai         ket_qua=da_giai_quyet               -> {"da_giai_quyet" if here else "dang_tra_loi"}
        {"" if here else f"{lead}   bao_dan                             -> dang_tra_loi"}
        {"" if here else f"{lead}   dang_ket_qua                        -> da_giai_quyet"}
    """)
    assert province.says(number, "reopen").status_code == 200
    province.lives(number, f"{desk} xem_xet_lai huong_giai_quyet=van_phong -> cho_chi_dao")
    province.lives(number, f"{office} chi_dao huong_chi_dao=tiep_tuc -> dang_xu_ly")

    terms = {row["name"]: instant(row["due_at"]) - instant(row["started_at"]) for row in province.deadlines(number)}
    assert {name: term.total_seconds() / 60 for name, term in terms.items()} == promised


@pytest.mark.parametrize(("code", "due"), [("DNYT", "09:00"), ("DNAS", "12:00")])
def test_an_urgent_matter_has_less_time_at_once_and_the_citizen_is_told_that_time(province, code, due):
    number = province.receives(code, **URGENT[code])

    assert province.due(number) == f"{due} 03/09/2021"
    assert province.told(CITIZEN)[0].text.startswith(
        f"Tổng đài 1022 đã tiếp nhận phản ánh của ông (bà), mã {number}. Hạn trả lời: {due} 03/09/2021. Tra cứu: "
    )
    (line,) = province.deadline(number)["story"]
    assert (line["severity"], line["words"]) == ("khan", {"DNYT": "1 giờ", "DNAS": "4 giờ"}[code])


@pytest.mark.parametrize(("code", "hours"), [("BDTT", 5), ("BDKB", 5), ("BDKK", 5), ("BDCS", 5), ("DNHH", 24)])
def test_round_the_clock_neither_midnight_nor_a_weekend_nor_a_holiday_counts(province, code, hours):
    for begins in ("22:00 01/09/2021", "23:30 11/09/2021", "20:00 31/01/2022", "21:15 29/04/2022"):
        province.it_is(begins)
        number = province.receives(code)

        deadline = province.deadline(number)
        assert (province.due(number, what="started_at"), deadline["calendar"]) == (begins, "24/7")
        assert (instant(deadline["due_at"]) - instant(deadline["started_at"])).total_seconds() == hours * 3600
        assert deadline["story"][0]["rule"] == ("BD-01" if code[:2] == "BD" else "đề xuất")


def test_the_steps_of_the_five_hours_go_on_through_the_night_of_a_holiday(province):
    province.it_is("22:00 01/09/2021")
    number = province.receives("BDTT")
    province.lives(number, "tongdai_74 phan_loai quyet_dinh=chuyen_xu_ly area=718 -> da_chuyen")

    assert province.due(number, "don_vi_nhan") == "22:30 01/09/2021"
    province.waits("20 minutes")
    province.lives(number, "ubnd_74_718 don_vi_nhan -> dang_xac_minh")
    assert province.due(number, "xac_minh") == "23:50 01/09/2021"
    province.waits("1 hour")
    province.lives(number, "ubnd_74_718 xac_minh ket_qua=dung -> dang_xu_ly")
    assert province.due(number, "xu_ly") == "01:20 02/09/2021"
    province.waits("2 hours")
    assert province.tasks(number) == {"xu_ly": "ubnd_74_718"}
    province.waits_until("03:00 02/09/2021")
    assert province.tasks(number) == {"chi_dao": "vpubnd_74"}


# -- working hours ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("begins", "case", "studied", "why"), [
    ("08:00 13/09/2021", "08:00 27/09/2021", "08:00 20/09/2021", "a weekend"),
    ("20:00 13/09/2021", "07:30 28/09/2021", "07:30 21/09/2021", "a night: it begins in the morning"),
    ("10:00 11/09/2021", "07:30 27/09/2021", "07:30 20/09/2021", "a Saturday: it begins on Monday"),
    ("12:00 13/09/2021", "13:00 27/09/2021", "13:00 20/09/2021", "lunch"),
    ("16:00 28/04/2022", "16:00 16/05/2022", "16:00 09/05/2022", "30/4 and 1/5, and two days for their week-end"),
    ("09:00 27/01/2022", "09:00 17/02/2022", "09:00 10/02/2022", "Tết, 31/1 to 4/2"),
])  # fmt: skip
def test_a_suggestion_is_studied_in_working_days(province, begins, case, studied, why):
    province.it_is(begins)
    number = province.receives("BDGY")
    province.lives(number, "tongdai_74 phan_loai quyet_dinh=chuyen_xu_ly linh_vuc=khac -> dang_nghien_cuu")

    assert (province.due(number), province.due(number, "nghien_cuu")) == (case, studied), why
    story = province.deadline(number, "nghien_cuu")["story"]
    assert (story[0]["calendar"], story[0]["words"]) == ("hanh_chinh", "5 ngày làm việc")


@pytest.mark.parametrize(("begins", "taken_up", "reassigned", "decided", "rewarded"), [
    ("16:00 28/04/2022", "21:00 28/04/2022", "10:30 29/04/2022", "16:00 29/04/2022", "16:00 04/05/2022"),
    ("16:00 29/04/2022", "21:00 29/04/2022", "10:30 04/05/2022", "16:00 04/05/2022", "16:00 05/05/2022"),
    ("10:30 28/01/2022", "15:30 28/01/2022", "16:00 28/01/2022", "10:30 07/02/2022", "10:30 08/02/2022"),
])  # fmt: skip
def test_each_step_of_a_suggestion_skips_the_night_the_weekend_and_the_holidays(
    province, begins, taken_up, reassigned, decided, rewarded
):
    province.it_is(begins)
    number = province.receives("BDGY")
    province.lives(number, """
        tongdai_74 phan_loai         quyet_dinh=chuyen_xu_ly linh_vuc=khac -> dang_nghien_cuu
        bcd_74     nghien_cuu        returns                               -> de_nghi_chuyen_lai
        tongdai_74 phan_cong_lai     lead_agency=soct_74                   -> dang_nghien_cuu
        soct_74    nghien_cuu        returns                               -> de_nghi_chuyen_lai
        vpubnd_74  quyet_dinh_don_vi lead_agency=sotc_74                   -> dang_nghien_cuu
        sotc_74    nghien_cuu        ket_qua=ap_dung                       -> dang_nghien_cuu
    """)

    assert province.due(number, "phan_loai") == taken_up  # the first five hours are Bình Dương's, round the clock
    steps = ("phan_cong_lai", "quyet_dinh_don_vi", "khen_thuong")
    assert [province.due(number, step) for step in steps] == [reassigned, decided, rewarded]


# -- how long people are kept --------------------------------------------------------------------------------------


def test_every_shipped_type_says_how_long_it_keeps_a_person():
    packages = [Package(folders.read(folder)) for folder in folders.types_in(ROOT / "bpmn")]
    kept = {one.code: retention.days(one, str(one.type["secrecy"])) for one in packages}

    assert {code for code, days in kept.items() if days is None or not 180 <= days <= 5 * 365} == set()
    assert {kept[code] for code in ("ASXH5", "DNAS", "KK2A", "NYP", "BDKK")} == {730}  # whom aid was given to


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("code", "days"), [("BDTT", 365), ("BDKK", 730)])
def test_a_person_is_forgotten_on_the_day_that_the_type_says_and_not_before(province, code, days):
    number = province.passes_on(code, area="718")
    lead = LEADS[code]
    province.lives(number, f"""
        {lead} don_vi_nhan                       -> dang_xac_minh
        {lead} xac_minh    ket_qua=dung          -> dang_xu_ly
        {lead} xu_ly       ket_qua=da_giai_quyet -> cho_duyet
        {lead} duyet       duyet=dat             -> da_giai_quyet
    """)
    province.waits(f"{days - 1} days")
    assert retention.step(province.runtime, None) == 0 and people(province) == {CITIZEN}

    province.waits("1 day 1 hour")

    assert retention.step(province.runtime, None) == 1 and people(province) == {None}
    with province.runtime.read() as unit:
        (line,) = retention.report(unit)
    assert (line.report_type, line.days, line.kept, line.due, line.emptied) == (code, days, 0, 0, 1)
    assert province.case(number)["status"] == "da_giai_quyet"


def people(province):
    with province.runtime.read() as unit:
        return {row.phone for row in unit.all(select(model.people.c.phone))}
