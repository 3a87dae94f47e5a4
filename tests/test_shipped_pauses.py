"""The clocks of the shipped report types: what a pause and an extension move, and what they do not."""

from __future__ import annotations

import pytest

from tests.hotline import refused
from tests.province import CITIZEN, topics
from tests.shipped import DESKS, LEADS, TYPES

BD = "ubnd_74_718"
REASON = {"reason": "Đường ngập, chưa đến được"}

# -- waiting for the citizen -------------------------------------------------------------------------------------------

RESTED = {  # due at first; after resting from 08:05 to 16:35 on a Monday; and after resting a day more
    "BD": ("13:00 13/09/2021", "21:30 13/09/2021", "21:30 14/09/2021"),
    "DN": ("08:00 14/09/2021", "16:30 14/09/2021", "16:30 15/09/2021"),
    "BDGY": ("08:00 27/09/2021", "16:30 27/09/2021", "16:30 28/09/2021"),  # 7 working hours, then 8
}


@pytest.mark.parametrize("code", TYPES)
def test_the_clock_rests_while_the_citizen_is_asked_and_moves_by_exactly_that_time(province, code):
    desk, (first, second, third) = DESKS[code[:2]], RESTED.get(code) or RESTED[code[:2]]
    province.it_is("08:00 13/09/2021")
    number = province.receives(code)
    assert province.due(number) == first
    province.waits("5 minutes")

    province.lives(number, f"{desk} phan_loai quyet_dinh=bo_sung muc_bo_sung=địa_chỉ -> cho_bo_sung")
    assert (province.case(number)["paused_at"], province.tasks(number)) == ("2021-09-13T01:05:00+00:00", {})
    province.waits("8 hours 30 minutes")
    assert province.says(number, "information").status_code == 200
    case = province.case(number)
    assert (case["status"], case["paused_at"], province.tasks(number)) == ("moi_tiep_nhan", None, {"phan_loai": desk})
    assert (province.due(number), case["breached_at"]) == (second, None)
    pause, resume = province.deadline(number)["story"][1:]
    assert (pause["what"], pause["reason"], resume["what"]) == ("pause", "Chờ bổ sung", "resume")

    province.lives(number, f"{desk} phan_loai quyet_dinh=bo_sung muc_bo_sung=số_nhà -> cho_bo_sung")
    province.waits("23 hours 59 minutes")
    assert province.tasks(number) == {}
    province.waits("1 minute")
    assert (province.tasks(number), province.due(number)) == ({"phan_loai": desk}, third)

    assert topics(province.told(CITIZEN)) == [*([] if code == "BDCS" else ["T01"]), "T03", "T03"]
    assert province.told(CITIZEN)[-1].text == (
        f"1022: phản ánh {number} cần bổ sung: số_nhà. Vui lòng gọi 1022 hoặc vào "
        f"https://1022.{'binhduong' if code[:2] == 'BD' else 'dongnai'}.gov.vn/tra-cuu/{number} trong 24 giờ."
    )
    assert province.told(desk) == []


def test_a_case_that_is_paused_warns_and_escalates_later_by_exactly_that_time(province):
    number = province.passes_on("BDTT")
    who = (BD, "sotttt_74", "vpubnd_74")
    province.lives(number, f"{BD} don_vi_nhan -> dang_xac_minh")  # to be verified by 09:30, the warning at 09:12
    province.waits("30 minutes")

    refused(province.changes(BD, number, "pause", reason=" "), 422, "invalid-request")
    refused(province.changes("ubnd_74_719", number, "pause", **REASON), 404, "not-found")
    assert province.changes(BD, number, "pause", **REASON).status_code == 200
    refused(province.changes(BD, number, "pause", **REASON), 409, "wrong-state")
    assert province.hears("10:30", *who) == ["I01", "", ""]
    assert province.changes(BD, number, "resume").status_code == 200
    refused(province.changes(BD, number, "resume"), 409, "wrong-state")

    assert (province.due(number), province.due(number, "xac_minh")) == ("15:00 03/09/2021", "11:30 03/09/2021")
    assert [line["what"] for line in province.deadline(number, "xac_minh")["story"]] == ["term", "pause", "resume"]
    assert province.deadline(number)["story"][1]["reason"] == REASON["reason"]
    assert province.hears("11:11", *who) == ["I01", "", ""]
    assert province.hears("11:12", *who) == ["I01 I02", "", ""]
    assert province.hears("11:30", *who) == ["I01 I02 I03", "", "I03"]
    assert province.hears("13:59", *who) == ["I01 I02 I03", "", "I03"]
    assert province.hears("14:00", *who) == ["I01 I02 I03 I02", "I07", "I03"]
    assert province.hears("14:59", *who) == ["I01 I02 I03 I02", "I07", "I03"]
    assert province.tasks(number) == {"xac_minh": BD}
    assert province.hears("15:00", *who) == ["I01 I02 I03 I02 I03", "I07", "I03 I03"]
    assert province.tasks(number) == {"chi_dao": "vpubnd_74"}


# -- gia hạn -----------------------------------------------------------------------------------------------------------


def until(local, **more):
    return {"until": f"2021-{local}:00+07:00", **REASON, **more}


def test_an_extension_is_refused_without_a_reason_too_far_backwards_or_by_others(province):
    number = province.passes_on("BDTT")

    refused(province.changes(BD, number, "extend", **until("09-03T15:00", reason="  ")), 422, "invalid-request")
    assert "18:00 03/09/2021 at most" in refused(
        province.changes(BD, number, "extend", **until("09-03T18:01")), 422, "invalid-request")  # fmt: skip
    refused(province.changes(BD, number, "extend", **until("09-03T13:00")), 422, "invalid-request")
    refused(province.changes("tongdai_74", number, "extend", **until("09-03T15:00")), 403, "not-allowed")
    refused(province.changes("sotttt_74", number, "extend", **until("09-03T15:00")), 403, "not-allowed")
    refused(province.changes("ubnd_74_719", number, "extend", **until("09-03T15:00")), 404, "not-found")

    assert (province.due(number), len(province.deadline(number)["story"])) == ("13:00 03/09/2021", 1)


def test_an_extension_moves_every_timer_that_runs_and_is_given_once(province):
    number = province.passes_on("BDTT")
    who = (BD, "sotttt_74", "vpubnd_74")
    province.lives(number, f"{BD} don_vi_nhan -> dang_xac_minh")

    assert province.changes(BD, number, "extend", **until("09-03T18:00")).json["extensions"] == 1
    refused(province.changes(BD, number, "extend", **until("09-03T18:30")), 409, "wrong-state")
    refused(province.changes("vpubnd_74", number, "extend", **until("09-03T18:30")), 409, "wrong-state")

    assert (province.due(number), province.due(number, "xac_minh")) == ("18:00 03/09/2021", "14:30 03/09/2021")
    line = province.deadline(number)["story"][1]
    assert (line["what"], line["words"], line["reason"]) == ("extension", "5 giờ", REASON["reason"])
    assert province.deadline(number, "xac_minh")["story"][1]["what"] == "case-extended"
    assert province.hears("14:11", *who) == ["I01", "", ""]
    assert province.hears("14:30", *who) == ["I01 I02 I03", "", "I03"]
    assert province.hears("16:59", *who) == ["I01 I02 I03", "", "I03"]
    assert province.hears("17:00", *who) == ["I01 I02 I03 I02", "I07", "I03"]
    assert province.hears("17:59", *who) == ["I01 I02 I03 I02", "I07", "I03"]
    assert province.tasks(number) == {"xac_minh": BD}
    assert province.hears("18:00", *who) == ["I01 I02 I03 I02 I03", "I07", "I03 I03"]
    assert province.tasks(number) == {"chi_dao": "vpubnd_74"}


def test_an_extension_after_the_warning_warns_again(province):
    number = province.passes_on("BDCS")
    assert province.hears("12:30", "bhxh_74", "sotttt_74") == ["I01 I02 I02 I03", "I07"]

    assert province.changes("bhxh_74", number, "extend", **until("09-03T15:00")).status_code == 200
    assert (province.due(number), province.due(number, what="warn_at")) == ("15:00 03/09/2021", "14:00 03/09/2021")
    waiting = province.as_("bhxh_74").get("/tasks", case=number).json["items"][0]
    assert (waiting["warned_at"], waiting["breached_at"], province.case(number)["warned_at"]) == (None, None, None)

    assert province.hears("13:11", "bhxh_74", "sotttt_74") == ["I01 I02 I02 I03", "I07"]
    assert province.hears("13:12", "bhxh_74", "sotttt_74") == ["I01 I02 I02 I03 I02", "I07"]
    assert province.hears("14:00", "bhxh_74", "sotttt_74") == ["I01 I02 I02 I03 I02 I02 I03", "I07"]
    assert province.tasks(number) == {"tra_loi": "bhxh_74"}
    assert province.hears("15:00", "bhxh_74", "sotttt_74") == ["I01 I02 I02 I03 I02 I02 I03 I03", "I07"]
    assert province.tasks(number) == {"chi_dao": "vpubnd_74"}


@pytest.mark.parametrize(("code", "too_late", "latest", "due", "moved", "then"), [
    ("DNAS", "09-15T08:01", "09-15T08:00", "08:00 15/09/2021",
     {"phan_cong": "09:00 14/09/2021", "theo_doi": "07:00 15/09/2021"}, {"de_xuat": "totheodoi_75"}),
    ("BDGY", "10-04T08:01", "10-04T08:00", "08:00 04/10/2021",
     {"nghien_cuu": "08:00 27/09/2021"}, {"van_phong_ket_luan": "vpubnd_74"}),
])  # fmt: skip
def test_a_day_more_for_help_and_five_working_days_for_a_suggestion(
    province, code, too_late, latest, due, moved, then
):
    province.it_is("08:00 13/09/2021")
    number, lead = province.passes_on(code), LEADS[code]
    was = province.due(number)

    assert f"{due} at most" in refused(
        province.changes(lead, number, "extend", **until(too_late)), 422, "invalid-request")  # fmt: skip
    assert province.changes(lead, number, "extend", **until(latest)).status_code == 200

    assert {name: province.due(number, name) for name in ("case", *moved)} == {"case": due, **moved}
    province.waits_until(was)
    assert moved.keys() == province.tasks(number).keys()
    province.waits_until(due)
    assert province.tasks(number) == then


def test_a_step_begun_while_the_case_was_paused_keeps_its_time(province):
    number = province.passes_on("BDTT")
    province.changes(BD, number, "pause", **REASON)
    province.waits("30 minutes")
    province.lives(number, f"{BD} don_vi_nhan -> dang_xac_minh")
    province.waits("30 minutes")
    province.changes(BD, number, "resume")

    assert (province.due(number), province.due(number, "xac_minh")) == ("14:00 03/09/2021", "10:00 03/09/2021")
    assert [line["what"] for line in province.deadline(number, "xac_minh")["story"]] == ["term", "resume"]


def test_a_timer_with_a_term_of_its_own_moves_with_an_extension_and_does_only_what_is_drawn(province):
    own = '[deadlines.nhac_so]\nterm = "PT2H"\ncalendar = "24/7"\nsource = "đề xuất"\n\n[deadlines.chi_dao]'
    drawn = ("process.bpmn", '${warn("case")}', '${due("nhac_so")}')
    assert province.deploys("BDTT", drawn, ("type.toml", "[deadlines.chi_dao]", own)).status_code == 201
    number = province.passes_on("BDTT")
    assert (province.due(number), province.due(number, "nhac_so")) == ("13:00 03/09/2021", "10:00 03/09/2021")

    province.lives(number, f"{BD} don_vi_nhan -> dang_xac_minh")
    assert province.changes(BD, number, "extend", **until("09-03T15:00")).status_code == 200

    assert province.due(number, "nhac_so") == "12:00 03/09/2021"
    assert province.hears("11:59", BD, "sotttt_74", "vpubnd_74") == ["I01 I02 I03", "", "I03"]  # of verifying, 11:30
    assert province.hears("12:01", BD, "sotttt_74", "vpubnd_74") == ["I01 I02 I03", "I07", "I03"]
    assert (province.case(number)["warned_at"], province.case(number)["breached_at"]) == (None, None)
