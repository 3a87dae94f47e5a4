"""Đồng Nai's report types, driven through the API to every outcome they can have after the desk has passed them on.

The locality handles, a department of the province watches and may take over, and one SMS at the end has words that
nobody may change (DN-25): it is sent where it is true, and nowhere else.
"""

from __future__ import annotations

import pytest

from engine.notifiers import TryLater
from tests.hotline import refused
from tests.province import CITIZEN, HELPED, topics
from tests.shipped import MONITORS

DESK, OFFICE, TEAM, LEAD = "tongdai_75", "vpubnd_75", "totheodoi_75", "ubnd_75_731"
HELPERS = {"DNYT": "ttyt_75_731", "DNHH": "qltt_75"}
DN25 = "Tổng đài 1022 thông báo, kiến nghị của ông (bà) đã được giải quyết. Xin cảm ơn!"
HANDLED = f"""
    {LEAD} phan_cong                       -> dang_xac_minh
    {LEAD} xac_minh  ket_qua=dung          -> dang_xu_ly
    {LEAD} xu_ly     ket_qua=da_giai_quyet -> dang_tra_loi
    {LEAD} bao_dan                         -> dang_tra_loi
    {LEAD} dang_ket_qua                    -> da_giai_quyet
"""
family = pytest.mark.parametrize("code", ["DNYT", "DNAS", "DNHH"])


def settled(province, number):
    case = province.case(number)
    assert (case["closed_at"] is not None, case["tasks"]) == (True, [])
    return case["status"], case["outcome"]


@family
def test_a_true_report_is_handled_while_a_department_watches_and_ends_with_the_exact_words(province, code):
    number, monitor = province.passes_on(code, helped=True), MONITORS[code]
    assert (province.case(number)["status"], province.case(number)["monitor_agency"]) == ("da_chuyen", monitor)
    assert province.tasks(number) == {"phan_cong": LEAD, "theo_doi": monitor}

    province.lives(number, f"{monitor} theo_doi hinh_thuc=ho_tro -> da_chuyen")
    assert province.tasks(number) == {"phan_cong": LEAD, "theo_doi": monitor}
    province.lives(number, HANDLED)

    assert settled(province, number) == ("da_giai_quyet", "da_giai_quyet")
    link = f"https://1022.dongnai.gov.vn/tra-cuu/{number}"
    assert province.told(CITIZEN) == [
        ("T01", f"Tổng đài 1022 đã tiếp nhận phản ánh của ông (bà), mã {number}. Hạn trả lời: 08:00 04/09/2021. "
                f"Tra cứu: {link}"),
        ("T02", f"1022: phản ánh {number} đã chuyển UBND thành phố Biên Hòa xử lý, hạn 08:00 04/09/2021. Trân trọng!"),
        ("DN25", DN25),
        ("T06", f"1022: kết quả phản ánh {number}: đã xử lý xong. Chi tiết và đánh giá: {link} "
                "(hoặc trả lời 1-5; 0 nếu chưa được giải quyết)"),
    ]  # fmt: skip
    assert province.told(CITIZEN)[2].text.encode() == DN25.encode() and len(DN25) == 79
    assert topics(province.told(HELPED)) == ([] if code == "DNHH" else ["T17"])
    assert topics(province.told(LEAD)) == ["I01", "I10"]
    assert [topics(province.told(helper)) for helper in HELPERS.values()] == [
        ["I06"] if helper == HELPERS.get(code) else [] for helper in HELPERS.values()
    ]
    assert province.told(monitor) == province.told(OFFICE) == province.told(TEAM) == []


@family
def test_an_untrue_report_needs_a_second_agency_and_never_gets_those_words(province, code):
    number, monitor = province.passes_on(code), MONITORS[code]

    province.lives(number, f"""
        {monitor} theo_doi  hinh_thuc=thoi_theo_doi    -> da_chuyen
        {LEAD}    phan_cong                            -> dang_xac_minh
        {LEAD}    xac_minh  ket_qua=khong_dung_thuc_te -> cho_duyet
        {monitor} xac_nhan  xac_nhan=khong_dong_y      -> dang_xu_ly
        {LEAD}    xu_ly_lai ket_qua=khong_dung_thuc_te -> cho_duyet
        {monitor} xac_nhan  xac_nhan=dong_y            -> dang_tra_loi
        {LEAD}    bao_dan                              -> dang_tra_loi
        {LEAD}    dang_ket_qua                         -> khong_dung_thuc_te
    """)

    assert settled(province, number) == ("khong_dung_thuc_te", "khong_dung_thuc_te")
    assert province.told(CITIZEN)[2:] == [
        ("T07", f"1022: UBND thành phố Biên Hòa đã kiểm tra phản ánh {number} và thông báo: đã xử lý xong. "
                "Nếu ông (bà) có thông tin mới, xin gọi 1022.")
    ]  # fmt: skip


@pytest.mark.parametrize("found_by", ["xac_minh", "xu_ly"])
def test_help_that_does_not_qualify_is_told_why_and_never_gets_those_words(province, found_by):
    number = province.passes_on("DNAS")
    verified = "ket_qua=chua_du_dieu_kien -> dang_tra_loi" if found_by == "xac_minh" else "ket_qua=dung -> dang_xu_ly"
    handled = f"{LEAD} xu_ly ket_qua=chua_du_dieu_kien -> dang_tra_loi" if found_by == "xu_ly" else ""

    province.lives(number, f"""
        {LEAD} phan_cong    -> dang_xac_minh
        {LEAD} xac_minh {verified}
        {handled}
        {LEAD} bao_dan      -> dang_tra_loi
        {LEAD} dang_ket_qua -> chua_du_dieu_kien
    """)

    assert settled(province, number) == ("chua_du_dieu_kien", "chua_du_dieu_kien")
    assert topics(province.told(CITIZEN)) == ["T01", "T02", "T08"]


@family
def test_the_department_takes_over_and_the_team_then_watches_it(province, code):
    number, monitor = province.passes_on(code), MONITORS[code]

    province.lives(number, f"{monitor} theo_doi hinh_thuc=tiep_quan -> da_chuyen")
    case = province.case(number)
    assert (case["lead_agency"], case["monitor_agency"]) == (monitor, TEAM)
    assert province.tasks(number) == {"phan_cong": monitor, "theo_doi": TEAM}
    province.lives(number, f"""
        {monitor} phan_cong                            -> dang_xac_minh
        {monitor} xac_minh  ket_qua=khong_dung_thuc_te -> cho_duyet
        {TEAM}    xac_nhan  xac_nhan=dong_y            -> dang_tra_loi
        {monitor} bao_dan                              -> dang_tra_loi
        {monitor} dang_ket_qua                         -> khong_dung_thuc_te
    """)

    assert topics(province.told(CITIZEN)) == ["T01", "T02", "T07"]


def test_who_took_over_is_watched_by_the_team_when_it_was_not_solved_and_the_team_by_the_office(province):
    number, monitor = province.passes_on("DNAS"), MONITORS["DNAS"]
    province.lives(number, f"""
        {monitor} theo_doi  hinh_thuc=tiep_quan            -> da_chuyen
        {HANDLED.replace(LEAD, monitor)}
    """)
    province.says(number, "reopen")
    province.lives(number, f"{DESK} xem_xet_lai huong_giai_quyet=don_vi -> da_chuyen")
    assert province.tasks(number) == {"phan_cong": monitor, "theo_doi": TEAM}

    province.lives(number, f"{TEAM} theo_doi hinh_thuc=tiep_quan -> da_chuyen")

    case = province.case(number)
    assert (case["lead_agency"], case["monitor_agency"]) == (TEAM, OFFICE)
    assert province.tasks(number) == {"phan_cong": TEAM, "theo_doi": OFFICE}
    province.lives(number, f"""
        {TEAM}   phan_cong                            -> dang_xac_minh
        {TEAM}   xac_minh  ket_qua=khong_dung_thuc_te -> cho_duyet
        {OFFICE} xac_nhan  xac_nhan=dong_y            -> dang_tra_loi
    """)


@family
def test_the_first_return_goes_to_the_desk_and_the_second_to_the_office(province, code):
    number = province.passes_on(code)

    province.lives(number, f"""
        {LEAD}      phan_cong     returns                  -> de_nghi_chuyen_lai
        {DESK}      phan_cong_lai lead_agency=ubnd_75_732  -> da_chuyen
        ubnd_75_732 phan_cong     returns                  -> de_nghi_chuyen_lai
        {OFFICE}    quyet_dinh_don_vi lead_agency={LEAD}   -> da_chuyen
    """)
    assert province.case(number)["returns"] == 2
    province.lives(number, HANDLED)

    assert topics(province.told(CITIZEN)) == ["T01", "T02", "T02", "T02", "DN25", "T06"]
    assert topics(province.told(LEAD)) == ["I01", "I01"] and topics(province.told("ubnd_75_732")) == ["I01"]
    refused(province.as_("ubnd_75_734").get(f"/cases/{number}"), 404, "not-found")


@family
def test_what_is_not_solved_is_handled_again_and_what_is_late_is_directed(province, code):
    number, monitor = province.passes_on(code), MONITORS[code]
    province.lives(number, HANDLED)

    assert province.says(number, "reopen").json["status"] == "Đang xem xét lại"
    assert province.case(number)["outcome"] is None
    province.lives(number, f"{DESK} xem_xet_lai huong_giai_quyet=don_vi -> da_chuyen")
    assert province.tasks(number) == {"phan_cong": LEAD, "theo_doi": monitor}
    province.waits("1 day")
    assert province.tasks(number) == {"de_xuat": TEAM}
    province.lives(number, f"""
        {TEAM}      de_xuat                                                   -> cho_chi_dao
        {OFFICE}    chi_dao huong_chi_dao=don_vi_khac lead_agency=ubnd_75_732 -> dang_xu_ly
        ubnd_75_732 xu_ly_lai ket_qua=khong_dung_thuc_te                      -> cho_duyet
        {monitor}   xac_nhan  xac_nhan=dong_y                                 -> dang_tra_loi
        ubnd_75_732 bao_dan                                                   -> dang_tra_loi
        ubnd_75_732 dang_ket_qua                                              -> khong_dung_thuc_te
    """)

    assert topics(province.told(CITIZEN)) == ["T01", "T02", "DN25", "T06", "T13", "T07"]
    assert topics(province.told(monitor)) == ["I12", "I02", "I07", "I03"]
    assert topics(province.told("ubnd_75_732")) == ["I09"]
    province.waits("10 days")
    refused(province.says(number, "reopen"), 409, "wrong-state")


# -- DN-25 ---------------------------------------------------------------------------------------------------------


def test_success_is_not_told_once_the_citizen_has_said_that_it_is_none(province, monkeypatch):
    number = province.passes_on("DNHH")
    with monkeypatch.context() as outage:
        outage.setattr(province.post, "send", gateway_away)
        province.lives(number, HANDLED)
        province.says(number, "reopen")
        province.worker.drain()
    province.waits("1 hour")

    assert "DN25" not in topics(province.told(CITIZEN)) and "T13" in topics(province.told(CITIZEN))
    (unsent,) = (letter for letter in province.outbox(number) if letter["topic"] == "DN25")
    assert unsent["state"] == "dead" and "not true any more" in unsent["last_error"]

    province.lives(number, f"{DESK} xem_xet_lai huong_giai_quyet=don_vi -> da_chuyen" + HANDLED)
    assert province.as_(OFFICE).post(f"/outbox/{unsent['id']}/resend").status_code == 200  # true again
    assert topics(province.told(CITIZEN)).count("DN25") == 2


def test_who_was_joined_to_a_case_is_told_of_its_success_as_long_as_it_is_one(province, monkeypatch):
    def told():
        return [topics(province.told(who)).count("DN25") for who in (CITIZEN, HELPED)]

    number = province.passes_on("DNHH")
    joined = province.receives("DNHH", reporter={"name": "Lê Thị Ba", "phone": HELPED})
    assert province.changes(DESK, joined, "merge", into=number).status_code == 200
    with monkeypatch.context() as outage:
        outage.setattr(province.post, "send", gateway_away)
        province.lives(number, HANDLED)
        province.says(number, "reopen")
    province.waits("1 hour")
    assert told() == [0, 0]

    province.lives(number, f"{DESK} xem_xet_lai huong_giai_quyet=don_vi -> da_chuyen" + HANDLED)
    assert told() == [1, 1]
    for letter in province.outbox(number) + province.outbox(joined):
        if letter["state"] == "dead":
            assert province.as_(OFFICE).post(f"/outbox/{letter['id']}/resend").status_code == 200
    assert told() == [2, 2]


def gateway_away(message):
    raise TryLater("the gateway is away")


def test_the_exact_words_go_by_sms_however_the_citizen_came(province):
    came_by = {"channel": "zalo", "reporter": {"phone": CITIZEN, "zalo": "8765"}}
    number = province.passes_on("DNHH", **came_by)
    province.lives(number, HANDLED)

    assert province.told(CITIZEN) == [("DN25", DN25)]
    assert topics(province.told("8765")) == ["T01", "T02", "T06"]
    assert [message.kind for message in province.post.sent if message.to in (CITIZEN, "8765")].count("sms") == 1


def test_who_left_no_number_gets_no_sms_and_the_history_says_so(province):
    number = province.passes_on("DNYT", reporter={"email": "an@example.vn"})
    province.lives(number, HANDLED)

    assert topics(province.told("an@example.vn")) == ["T01", "T02", "T06"]
    history = province.as_(OFFICE).get(f"/cases/{number}/timeline", limit=200).json["items"]
    assert [event["data"]["text"] for event in history if event["kind"] == "nobody-to-tell"] == ["T17", "DN25"]


RETOLD = """<camunda:property name="text" value="I12" />
          <camunda:property name="to" value="monitor_agency" />"""
UNTRUE = """<camunda:property name="text" value="T07" />
          <camunda:property name="to" value="reporter" />
          <camunda:property name="status" value="khong_dung_thuc_te" />
          <camunda:property name="outcome" value="khong_dung_thuc_te" />"""


@pytest.mark.parametrize(("code", "outcome"), [
    ("DNYT", "khong_dung_thuc_te"), ("DNAS", "${ket_qua}"), ("DNHH", "${ket_qua}"),
])  # fmt: skip
def test_a_diagram_that_would_say_it_of_an_untrue_report_is_stopped(province, code, outcome):
    text, said = (f'"outcome" value="{value}"' for value in ("khong_dung_thuc_te", outcome))
    drawn = UNTRUE.replace("T07", "DN25").replace(text, said)
    deployed = province.deploys(code, ("process.bpmn", UNTRUE, drawn))
    warned = [fault["code"] for fault in deployed.json["warnings"]]
    assert ("text-untrue" in warned) == (outcome == "khong_dung_thuc_te")  # what is hidden is found when it happens
    number = province.passes_on(code)
    province.lives(number, f"""
        {LEAD} phan_cong                               -> dang_xac_minh
        {LEAD} xac_minh ket_qua=khong_dung_thuc_te     -> cho_duyet
        {MONITORS[code]} xac_nhan xac_nhan=dong_y      -> dang_tra_loi
        {LEAD} bao_dan                                 -> dang_tra_loi
        {LEAD} dang_ket_qua                            -> dang_tra_loi
    """)

    assert topics(province.told(CITIZEN)) == ["T01", "T02"]
    assert province.tasks(number) == {"dang_ket_qua": LEAD}
    (incident,) = province.as_(f"{OFFICE}.phantich").get("/incidents").json["items"]
    province.incidents = ["The text 'DN25' would be untrue for a case whose outcome is 'khong_dung_thuc_te'."]
    assert (incident["case"], incident["element"]) == (number, "bao_khong_dung")
    again = province.as_(f"{OFFICE}.phantich").post(f"/incidents/{incident['id']}/retry")
    assert (again.status_code, again.json["resolved_at"]) == (200, None)
    assert topics(province.told(CITIZEN)) == ["T01", "T02"]


def test_a_case_that_was_resolved_once_may_not_be_called_resolved_while_it_is_open_again(province):
    says_so = RETOLD.replace("I12", "DN25").replace("monitor_agency", "reporter")
    assert province.deploys("DNYT", ("process.bpmn", RETOLD, says_so)).status_code == 201
    number = province.passes_on("DNYT")
    province.lives(number, HANDLED)
    assert province.says(number, "reopen").status_code == 200

    province.lives(number, f"{DESK} xem_xet_lai huong_giai_quyet=don_vi -> phan_anh_lai")

    assert topics(province.told(CITIZEN)).count("DN25") == 1
    province.incidents = ["The text 'DN25' would be untrue for a case whose outcome is None."]
