"""Bình Dương's report types, driven through the API to every outcome after the desk has passed a report on."""

from __future__ import annotations

import pytest

from tests.hotline import refused
from tests.province import CITIZEN, HELPED, topics
from tests.shipped import LEADS, MONITORS

DESK, OFFICE = "tongdai_74", "vpubnd_74"
family = pytest.mark.parametrize("code", ["BDTT", "BDKB", "BDKK"])


def settled(province, number):
    case = province.case(number)
    assert case["closed_at"] is not None and province.tasks(number).keys() <= {"cdc_danh_gia"}
    return case["status"], case["outcome"]


# -- BDTT, BDKB, BDKK ----------------------------------------------------------------------------------------------


@family
def test_a_true_report_is_handled_approved_and_answered_once(province, code):
    number, lead, monitor = province.passes_on(code, helped=True), LEADS[code], MONITORS[code]
    case = province.case(number)
    assert (case["status"], case["lead_agency"], case["monitor_agency"]) == ("da_chuyen", lead, monitor)

    province.lives(number, f"""
        {lead} don_vi_nhan                    -> dang_xac_minh
        {lead} xac_minh ket_qua=dung          -> dang_xu_ly
        {lead} xu_ly    ket_qua=da_giai_quyet -> cho_duyet
        {lead} duyet    duyet=lam_lai         -> dang_xu_ly
        {lead} xu_ly    ket_qua=da_giai_quyet -> cho_duyet
        {lead} duyet    duyet=dat             -> da_giai_quyet
    """)

    assert settled(province, number) == ("da_giai_quyet", "da_giai_quyet")
    name = "Trung tâm Y tế" if code == "BDKB" else "UBND"
    link = f"https://1022.binhduong.gov.vn/tra-cuu/{number}"
    assert province.told(CITIZEN) == [
        ("T01", f"Tổng đài 1022 đã tiếp nhận phản ánh của ông (bà), mã {number}. Hạn trả lời: 13:00 03/09/2021. "
                f"Tra cứu: {link}"),
        ("T02", f"1022: phản ánh {number} đã chuyển {name} thành phố Thủ Dầu Một xử lý, hạn 13:00 03/09/2021. "
                "Trân trọng!"),
        ("T06", f"1022: kết quả phản ánh {number}: đã xử lý xong. Chi tiết và đánh giá: {link} "
                "(hoặc trả lời 1-5; 0 nếu chưa được giải quyết)"),
    ]  # fmt: skip
    assert topics(province.told(lead)) == ["I01"]
    assert topics(province.told("ca_74_718")) == ([] if code == "BDKK" else ["I06"])
    assert topics(province.told("cdc_74")) == (["I11"] if code == "BDKB" else [])
    assert topics(province.told(HELPED)) == (["T17"] if code == "BDKK" else [])
    assert province.told(monitor) == province.told(OFFICE) == province.told(DESK) == []


@family
def test_an_untrue_report_needs_a_second_agency_before_the_citizen_is_told(province, code):
    number, lead, monitor = province.passes_on(code), LEADS[code], MONITORS[code]

    province.lives(number, f"""
        {lead}    don_vi_nhan                            -> dang_xac_minh
        {lead}    xac_minh    ket_qua=khong_dung_thuc_te -> cho_duyet
        {lead}    duyet       duyet=dat                  -> cho_duyet
        {monitor} xac_nhan    xac_nhan=khong_dong_y      -> dang_xu_ly
        {lead}    xu_ly_lai   ket_qua=khong_dung_thuc_te -> cho_duyet
    """)
    assert topics(province.told(CITIZEN)) == ["T01", "T02"]
    province.lives(number, f"{monitor} xac_nhan xac_nhan=dong_y -> khong_dung_thuc_te")

    assert settled(province, number) == ("khong_dung_thuc_te", "khong_dung_thuc_te")
    name = "Trung tâm Y tế" if code == "BDKB" else "UBND"
    assert province.told(CITIZEN)[2:] == [
        ("T07", f"1022: {name} thành phố Thủ Dầu Một đã kiểm tra phản ánh {number} và thông báo: đã xử lý xong. "
                "Nếu ông (bà) có thông tin mới, xin gọi 1022.")
    ]  # fmt: skip


@pytest.mark.parametrize("found_by", ["xac_minh", "xu_ly"])
def test_hardship_that_does_not_qualify_is_told_why(province, found_by):
    number, lead = province.passes_on("BDKK"), LEADS["BDKK"]
    verified = "ket_qua=chua_du_dieu_kien -> cho_duyet" if found_by == "xac_minh" else "ket_qua=dung -> dang_xu_ly"
    handled = f"{lead} xu_ly ket_qua=chua_du_dieu_kien -> cho_duyet" if found_by == "xu_ly" else ""

    province.lives(number, f"""
        {lead} don_vi_nhan     -> dang_xac_minh
        {lead} xac_minh {verified}
        {handled}
        {lead} duyet duyet=dat -> chua_du_dieu_kien
    """)

    assert settled(province, number) == ("chua_du_dieu_kien", "chua_du_dieu_kien")
    why = "không có sự việc như phản ánh" if found_by == "xac_minh" else "đã xử lý xong"
    assert province.told(CITIZEN)[2:] == [
        ("T08", f"1022: yêu cầu {number} chưa đủ điều kiện hỗ trợ. Lý do: {why}. Hỏi thêm: gọi 1022.")
    ]


def test_cdc_judges_the_risk_at_the_same_time_and_holds_nobody_up(province):
    number, lead = province.passes_on("BDKB", loai_tiep_xuc="tiep_xuc_f0"), LEADS["BDKB"]
    assert province.tasks(number) == {"don_vi_nhan": lead, "cdc_danh_gia": "cdc_74"}

    province.lives(number, f"""
        {lead}  don_vi_nhan                      -> dang_xac_minh
        {lead}  xac_minh   ket_qua=dung          -> dang_xu_ly
        {lead}  xu_ly      ket_qua=da_giai_quyet -> cho_duyet
        {lead}  duyet      duyet=dat             -> da_giai_quyet
        cdc_74  cdc_danh_gia                     -> da_giai_quyet
    """)
    assert province.says(number, "rating", stars=5).status_code == 200

    assert topics(province.told("cdc_74")) == ["I11"]
    refused(province.says(number, "reopen"), 409, "wrong-state")


@family
def test_the_first_return_goes_to_the_desk_and_the_second_to_the_office(province, code):
    number, lead = province.passes_on(code), LEADS[code]

    province.lives(number, f"""
        {lead}      don_vi_nhan   returns                  -> de_nghi_chuyen_lai
        {DESK}      phan_cong_lai lead_agency=ubnd_74_719  -> da_chuyen
        ubnd_74_719 don_vi_nhan                            -> dang_xac_minh
        ubnd_74_719 xac_minh      returns                  -> de_nghi_chuyen_lai
    """)
    assert province.case(number)["returns"] == 2
    province.lives(number, f"""
        {OFFICE}    quyet_dinh_don_vi lead_agency=ubnd_74_720 -> da_chuyen
        ubnd_74_720 don_vi_nhan                               -> dang_xac_minh
        ubnd_74_720 xac_minh  ket_qua=dung                    -> dang_xu_ly
        ubnd_74_720 xu_ly     ket_qua=da_giai_quyet           -> cho_duyet
        ubnd_74_720 duyet     duyet=dat                       -> da_giai_quyet
    """)

    assert province.case(number)["lead_agency"] == "ubnd_74_720"
    assert topics(province.told("ubnd_74_719")) == topics(province.told("ubnd_74_720")) == ["I01"]
    assert topics(province.told(CITIZEN)) == ["T01", "T02", "T02", "T02", "T06"]
    refused(province.as_("ubnd_74_721").get(f"/cases/{number}"), 404, "not-found")


@family
def test_what_is_not_solved_is_looked_at_again_and_then_by_the_office(province, code):
    number, lead, monitor = province.passes_on(code), LEADS[code], MONITORS[code]
    handled = f"""
        {lead} don_vi_nhan                    -> dang_xac_minh
        {lead} xac_minh ket_qua=dung          -> dang_xu_ly
        {lead} xu_ly    ket_qua=da_giai_quyet -> cho_duyet
        {lead} duyet    duyet=dat             -> da_giai_quyet
    """
    province.lives(number, handled)
    province.waits("3 days")

    reopened = province.says(number, "reopen")
    assert (reopened.status_code, reopened.json["status"]) == (200, "Đang xem xét lại")
    assert (province.case(number)["outcome"], province.due(number)) == (None, "13:00 06/09/2021")
    province.lives(number, f"{DESK} xem_xet_lai huong_giai_quyet=don_vi -> da_chuyen" + handled)
    assert province.says(number, "reopen").status_code == 200
    province.lives(number, f"""
        {DESK}    xem_xet_lai huong_giai_quyet=van_phong                          -> cho_chi_dao
        {OFFICE}  chi_dao huong_chi_dao=don_vi_khac lead_agency=ca_74_718         -> dang_xu_ly
        ca_74_718 xu_ly_lai ket_qua=da_giai_quyet                                 -> da_giai_quyet
    """)

    assert province.case(number)["reopenings"] == 2
    assert topics(province.told(CITIZEN)) == ["T01", "T02", "T06", "T13", "T06", "T13", "T06"]
    name = "Trung tâm Y tế" if code == "BDKB" else "UBND"
    assert province.told(CITIZEN)[3].text == (
        f"1022: đã ghi nhận phản ánh lại {number}. {name} thành phố Thủ Dầu Một sẽ được giao xem xét và trả lời "
        f"ông (bà). Tra cứu: https://1022.binhduong.gov.vn/tra-cuu/{number}"
    )
    assert topics(province.told(monitor)) == ["I12"]
    assert [topic for topic in topics(province.told("ca_74_718")) if topic != "I06"] == ["I09"]


@family
def test_what_is_late_is_directed_by_the_office(province, code):
    number, lead, monitor = province.passes_on(code), LEADS[code], MONITORS[code]

    province.waits("5 hours")
    assert province.tasks(number).get("chi_dao") == OFFICE and "don_vi_nhan" not in province.tasks(number)
    province.lives(number, f"""
        {OFFICE} chi_dao   huong_chi_dao=tiep_tuc     -> dang_xu_ly
        {lead}   xu_ly_lai ket_qua=khong_dung_thuc_te -> cho_duyet
        {monitor} xac_nhan xac_nhan=dong_y            -> khong_dung_thuc_te
    """)

    assert topics(province.told(CITIZEN)) == ["T01", "T02", "T07"]
    assert topics(province.told(monitor)) == ["I07"]
    assert topics(province.told(lead))[-1] == "I09"
    assert settled(province, number) == ("khong_dung_thuc_te", "khong_dung_thuc_te")


# -- BDCS ----------------------------------------------------------------------------------------------------------


def test_a_question_of_policy_is_answered_by_the_department_it_concerns(province):
    number = province.receives("BDCS")
    assert province.told(CITIZEN) == []

    province.lives(number, f"""
        {DESK}       phan_loai quyet_dinh=chuyen_xu_ly nhom_chinh_sach=an_sinh -> dang_xu_ly
        soldtbxh_74  tra_loi       returns                                     -> de_nghi_chuyen_lai
        {DESK}       phan_cong_lai lead_agency=sotc_74                         -> dang_xu_ly
        sotc_74      tra_loi       returns                                     -> de_nghi_chuyen_lai
        {OFFICE}     quyet_dinh_don_vi lead_agency=bhxh_74                     -> dang_xu_ly
        bhxh_74      tra_loi                                                   -> da_giai_quyet
    """)
    assert settled(province, number) == ("da_giai_quyet", "da_giai_dap")
    assert province.says(number, "reopen").status_code == 200
    province.lives(number, f"{DESK} xem_xet_lai huong_giai_quyet=don_vi -> dang_xu_ly")
    province.waits("5 hours")
    province.lives(number, f"""
        {OFFICE} chi_dao   huong_chi_dao=tiep_tuc -> dang_xu_ly
        bhxh_74  xu_ly_lai                        -> da_giai_quyet
    """)

    assert settled(province, number) == ("da_giai_quyet", "da_giai_dap")
    assert topics(province.told(CITIZEN)) == ["T02", "T02", "T02", "T06", "T13", "T06"]
    assert topics(province.told("sotttt_74")) == ["I12", "I07"]
    assert topics(province.told("soldtbxh_74")) == topics(province.told("sotc_74")) == ["I01"]
    assert province.says(number, "rating", stars=3).json["rating"] == 3
    refused(province.says(number, "reopen"), 409, "wrong-state")


# -- BDGY ----------------------------------------------------------------------------------------------------------


def test_a_suggestion_that_is_adopted_is_thanked_for_and_rewarded(province):
    number = province.receives("BDGY")

    province.lives(number, f"""
        {DESK}     phan_loai   quyet_dinh=chuyen_xu_ly linh_vuc=giao_thong -> dang_nghien_cuu
        sogtvt_74  nghien_cuu  ket_qua=ap_dung                             -> dang_nghien_cuu
        {OFFICE}   khen_thuong                                             -> da_ap_dung
    """)

    assert settled(province, number) == ("da_ap_dung", "ap_dung")
    assert province.told(CITIZEN)[1:] == [
        ("T18", f"1022: đã ghi nhận góp ý {number} của ông (bà) và chuyển Sở Giao thông vận tải Bình Dương nghiên cứu. "
                "Trân trọng cảm ơn!"),
        ("T19", f"1022: góp ý {number} của ông (bà) được áp dụng: lắp thêm đèn tín hiệu. Trân trọng cảm ơn!"),
    ]  # fmt: skip
    refused(province.says(number, "reopen"), 409, "wrong-state")


def test_a_suggestion_that_is_not_adopted_is_kept_and_thanked_for(province):
    number = province.receives("BDGY")

    province.lives(number, f"""
        {DESK}     phan_loai     quyet_dinh=chuyen_xu_ly linh_vuc=y_te -> dang_nghien_cuu
        soyt_74    nghien_cuu    returns                               -> de_nghi_chuyen_lai
        {DESK}     phan_cong_lai lead_agency=soct_74                   -> dang_nghien_cuu
        soct_74    nghien_cuu    returns                               -> de_nghi_chuyen_lai
        {OFFICE}   quyet_dinh_don_vi lead_agency=cdc_74                -> dang_nghien_cuu
        cdc_74     nghien_cuu    ket_qua=luu_theo_doi                  -> luu_theo_doi
    """)

    assert settled(province, number) == ("luu_theo_doi", "luu_theo_doi")
    told = province.told(CITIZEN)[2:]
    assert topics(told[:2]) == ["T18", "T18"]  # each agency that it went to next
    assert told[2:] == [
        ("T20", f"1022: đã nghiên cứu góp ý {number}: lắp thêm đèn tín hiệu. Góp ý được lưu để theo dõi. "
                "Trân trọng cảm ơn ông (bà)!")
    ]  # fmt: skip


@pytest.mark.parametrize(("found", "status", "text"), [("ap_dung", "da_ap_dung", "T19"),
                                                      ("luu_theo_doi", "luu_theo_doi", "T20")])  # fmt: skip
def test_a_suggestion_nobody_studied_in_time_is_decided_by_the_office(province, found, status, text):
    number = province.receives("BDGY")
    province.lives(number, f"{DESK} phan_loai quyet_dinh=chuyen_xu_ly linh_vuc=khac -> dang_nghien_cuu")

    province.waits("3 weeks")
    assert (province.case(number)["status"], province.tasks(number)) == ("cho_chi_dao", {"van_phong_ket_luan": OFFICE})
    middle = "dang_nghien_cuu" if found == "ap_dung" else status
    rewarded = f"{OFFICE} khen_thuong -> {status}" if found == "ap_dung" else ""
    province.lives(number, f"{OFFICE} van_phong_ket_luan ket_qua={found} -> {middle}\n{rewarded}")

    assert settled(province, number) == (status, found)
    assert topics(province.told(CITIZEN)) == ["T01", "T18", text]
    assert "I07" in topics(province.told(OFFICE))
