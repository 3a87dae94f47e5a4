"""The clocks of the shipped report types: who is warned when, who directs what is late, and when it is over."""

from __future__ import annotations

import pytest

from tests.hotline import refused
from tests.province import topics

BD, DN, TEAM = "ubnd_74_718", "ubnd_75_731", "totheodoi_75"


# -- near and past -----------------------------------------------------------------------------------------------------


def test_at_80_percent_who_must_act_is_warned_and_what_is_late_goes_to_the_office(province):
    number = province.passes_on("BDTT")
    who = (BD, "sotttt_74", "vpubnd_74")

    assert province.hears("08:23", *who) == ["I01", "", ""]
    assert province.hears("08:24", *who) == ["I01 I02", "", ""]
    assert province.hears("08:29", *who) == ["I01 I02", "", ""]
    assert province.hears("08:30", *who) == ["I01 I02 I03", "", "I03"]
    assert province.hears("11:59", *who) == ["I01 I02 I03", "", "I03"]
    assert province.hears("12:00", *who) == ["I01 I02 I03 I02", "I07", "I03"]
    assert province.case(number)["warned_at"] == "2021-09-03T05:00:00+00:00"
    assert province.hears("12:59", *who) == ["I01 I02 I03 I02", "I07", "I03"]
    assert province.tasks(number) == {"don_vi_nhan": BD}
    assert province.hears("13:00", *who) == ["I01 I02 I03 I02 I03", "I07", "I03 I03"]

    assert province.tasks(number) == {"chi_dao": "vpubnd_74"}
    assert province.case(number)["breached_at"] == "2021-09-03T06:00:00+00:00"
    said = f"[1022] {number}"
    assert [told.text for told in province.told(BD)] == [
        f"{said} Tuân thủ quy định phòng, chống dịch: có phản ánh cần xử lý. Hạn xử lý 13:00 03/09/2021.",
        f"{said} còn 6 phút. Bước: Đơn vị nhận việc.",
        f"[1022] {number} vừa quá hạn: đơn vị UBND thành phố Thủ Dầu Một, bước Đơn vị nhận việc.",
        f"{said} còn 1 giờ. Bước: toàn bộ vụ việc.",
        f"[1022] {number} vừa quá hạn: đơn vị UBND thành phố Thủ Dầu Một, bước toàn bộ vụ việc.",
    ]
    assert province.told("sotttt_74")[0].text == (
        f"{said} Tuân thủ quy định phòng, chống dịch: sắp quá hạn 13:00 03/09/2021, UBND thành phố Thủ Dầu Một chưa "
        "xong. Đề nghị đôn đốc, hỗ trợ."
    )


def test_an_urgent_matter_reaches_the_monitoring_team_within_the_hour(province):
    number = province.passes_on("DNYT", trieu_chung="thai_san")
    who = (DN, "soyt_75", TEAM, "vpubnd_75")

    assert province.hears("08:03", *who) == ["I01", "", "", ""]
    assert province.hears("08:04", *who) == ["I01 I02", "", "", ""]
    assert province.hears("08:05", *who) == ["I01 I02 I03", "", "I03", ""]
    assert province.hears("08:40", *who) == ["I01 I02 I03", "I02", "I03", ""]
    assert province.hears("08:48", *who) == ["I01 I02 I03 I02", "I02 I07", "I03", ""]
    assert province.hears("08:50", *who) == ["I01 I02 I03 I02", "I02 I07 I03", "I03 I03", ""]
    assert province.tasks(number) == {"phan_cong": DN, "theo_doi": "soyt_75"}
    assert province.hears("09:00", *who) == ["I01 I02 I03 I02 I03", "I02 I07 I03", "I03 I03 I03", ""]
    assert province.tasks(number) == {"de_xuat": TEAM}
    province.lives(number, f"{TEAM} de_xuat -> cho_chi_dao")
    assert province.tasks(number) == {"chi_dao": "vpubnd_75"}


def test_what_the_desk_leaves_lying_comes_to_the_office(province):
    number = province.receives("BDTT")
    who = ("tongdai_74", "vpubnd_74")

    assert province.hears("08:08", *who) == ["I02", ""]
    assert province.hears("08:10", *who) == ["I02 I03", "I03"]
    assert province.hears("13:00", *who) == ["I02 I03", "I03 I03"]

    assert province.told("vpubnd_74")[1].text == (
        f"[1022] {number} vừa quá hạn: đơn vị chưa phân công, bước toàn bộ vụ việc."
    )
    assert province.tasks(number) == {"phan_loai": "tongdai_74"}
    refused(province.as_(BD).get(f"/cases/{number}"), 404, "not-found")


def test_what_is_done_in_time_warns_nobody(province):
    number = province.passes_on("BDTT")
    province.waits("20 minutes")
    province.lives(number, f"""
        {BD} don_vi_nhan                    -> dang_xac_minh
        {BD} xac_minh ket_qua=dung          -> dang_xu_ly
        {BD} xu_ly    ket_qua=da_giai_quyet -> cho_duyet
        {BD} duyet    duyet=dat             -> da_giai_quyet
    """)
    province.waits("11 days")

    assert topics(province.told(BD)) == ["I01"]
    assert province.told("vpubnd_74") == province.told("sotttt_74") == []
    assert all(row["settled_at"] for row in province.deadlines(number))


def test_a_suggestion_warns_the_office_after_80_percent_of_the_working_hours(province):
    province.it_is("08:00 13/09/2021")
    number = province.passes_on("BDGY")  # 40 working hours from Monday: the 32nd ends on Friday at 8

    province.waits_until("07:59 17/09/2021")
    assert province.told("vpubnd_74") == []
    province.waits_until("08:00 17/09/2021")
    assert topics(province.told("sogtvt_74")) == ["I01", "I02"]
    assert topics(province.told("vpubnd_74")) == ["I07"]
    assert "còn 3 ngày." in province.told("sogtvt_74")[1].text
    province.waits_until("08:00 20/09/2021")
    assert topics(province.told("vpubnd_74")) == ["I07", "I03"]
    province.waits_until("07:59 27/09/2021")
    assert province.tasks(number) == {"nghien_cuu": "sogtvt_74"}
    province.waits_until("08:00 27/09/2021")
    assert province.tasks(number) == {"van_phong_ket_luan": "vpubnd_74"}


# -- the end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["BDCS", "DNHH"])
def test_the_citizen_has_ten_days_to_the_minute_to_say_that_it_is_not_solved(province, code):
    def settles():
        number = province.passes_on(code)
        province.lives(number, "bhxh_74 tra_loi -> da_giai_quyet" if code == "BDCS" else f"""
            {DN} phan_cong                       -> dang_xac_minh
            {DN} xac_minh  ket_qua=dung          -> dang_xu_ly
            {DN} xu_ly     ket_qua=da_giai_quyet -> dang_tra_loi
            {DN} bao_dan                         -> dang_tra_loi
            {DN} dang_ket_qua                    -> da_giai_quyet
        """)
        return number

    early, late, rated = settles(), settles(), settles()
    assert province.due(late, "phan_hoi") == "08:00 13/09/2021"

    assert province.says(rated, "rating", stars=5).json["rating"] == 5
    refused(province.says(rated, "reopen"), 409, "wrong-state")
    province.waits_until("07:59 13/09/2021")
    assert province.says(early, "reopen").status_code == 200
    province.waits_until("08:00 13/09/2021")
    refused(province.says(late, "reopen"), 409, "wrong-state")

    assert [province.case(number)["closed_at"] is None for number in (early, late, rated)] == [True, False, False]
    assert province.due(early) == ("12:59 13/09/2021" if code == "BDCS" else "07:59 14/09/2021")
