"""All shipped report types: what the desk may decide, where each district's reports go, and who sees nothing of it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from engine.files import folders
from tests.hotline import refused
from tests.province import CITIZEN, HELPED, topics
from tests.shipped import BPMN, DESKS, OUTSIDERS, TYPES
from webapi.cli import main

ROUTES = {  # who leads in a district, who watches, and how many districts there are
    "BDTT": ("ubnd_74_{}", "sotttt_74", 9),
    "BDKB": ("ttyt_74_{}", "soyt_74", 9),
    "BDKK": ("ubnd_74_{}", "soldtbxh_74", 9),
    "DNYT": ("ubnd_75_{}", "soyt_75", 11),
    "DNAS": ("ubnd_75_{}", "soldtbxh_75", 11),
    "DNHH": ("ubnd_75_{}", "soct_75", 11),
}
POLICIES = {
    "lao_dong_tu_do": "soldtbxh_74", "nguoi_su_dung_lao_dong": "soldtbxh_74", "bao_hiem": "bhxh_74",
    "an_sinh": "soldtbxh_74", "tiem_chung_xet_nghiem": "soyt_74", "di_lai": "sogtvt_74", "khac": "sotttt_74",
}  # fmt: skip
FIELDS = {
    "y_te": "soyt_74", "an_sinh": "soldtbxh_74", "hang_hoa": "soct_74", "giao_thong": "sogtvt_74",
    "giao_duc": "sogddt_74", "cong_nghe": "sotttt_74", "khac": "bcd_74",
}  # fmt: skip
all_types = pytest.mark.parametrize("code", TYPES)


def test_every_shipped_type_passes_the_check_without_an_error():
    checked = CliRunner().invoke(main, ["check", str(BPMN)])

    assert checked.exit_code == 0, checked.output
    lines = [line for line in checked.stdout.splitlines() if line.startswith(str(BPMN))]
    assert sorted(line.partition(":")[0].rpartition("/")[2] for line in lines) == sorted(
        folder.name for folder in folders.types_in(BPMN)
    )
    assert all(line.endswith(": good") or ": 0 errors" in line for line in lines)


# -- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ROUTES)
def test_every_district_of_the_province_has_somebody_who_leads(province, code):
    lead, monitor, count = ROUTES[code]
    desk = DESKS[code[:2]]
    agencies = province.as_(desk).get("/agencies", province=desk[-2:], kind="district").json["items"]
    assert len(agencies) == count

    for district in (agency["area"] for agency in agencies):
        number = province.receives(code)
        province.does(desk, number, "phan_loai", quyet_dinh="chuyen_xu_ly", area=district)

        case = province.case(number)
        assert (case["area"], case["lead_agency"]) == (district, lead.format(district))
        assert case["monitor_agency"] == monitor
        assert lead.format(district) in province.tasks(number).values()


@pytest.mark.parametrize(("code", "asked", "table"), [("BDCS", "nhom_chinh_sach", POLICIES),
                                                     ("BDGY", "linh_vuc", FIELDS)])  # fmt: skip
def test_every_policy_and_every_field_has_a_department(province, code, asked, table):
    for what, lead in table.items():
        number = province.receives(code)
        province.does("tongdai_74", number, "phan_loai", quyet_dinh="chuyen_xu_ly", **{asked: what})

        assert province.case(number)["lead_agency"] == lead
        assert list(province.tasks(number).values()) == [lead]


# -- what the desk decides -------------------------------------------------------------------------------------------


@all_types
def test_the_desk_answers_joins_refers_or_refuses_and_the_citizen_hears_which(province, code):
    desk = DESKS[code[:2]]
    first = [] if code == "BDCS" else ["T01"]
    original = province.receives(code)
    decided = {
        "giai_dap_ngay": ("da_giai_dap_ngay", {"ket_qua_ngan": "chợ mở cửa từ 6 giờ"}, "T06",
                          "1022: kết quả phản ánh {}: chợ mở cửa từ 6 giờ. Chi tiết và đánh giá: "),
        "huong_dan": ("huong_dan", {"co_quan_huong_dan": "Thanh tra tỉnh", "dia_chi_huong_dan": "số 1 Lê Lợi"}, "T11",
                      "1022: nội dung {} không thuộc phản ánh, kiến nghị. Ông (bà) gửi đến Thanh tra tỉnh, "
                      "số 1 Lê Lợi."),
        "tu_choi": ("tu_choi", {"ly_do_tu_choi": "không rõ nội dung"}, "T10",
                    "1022: không tiếp nhận phản ánh {}. Lý do: không rõ nội dung."),
        "trung": ("trung", {"ma_goc": original}, "T09",
                  f"1022: phản ánh {{}} trùng với sự việc đang xử lý {original}. "
                  "Ông (bà) sẽ nhận kết quả chung."),
    }  # fmt: skip
    if code == "BDGY":
        refused_by_the_form(province, code, quyet_dinh="giai_dap_ngay")
        del decided["giai_dap_ngay"]

    for decision, (status, said, topic, words) in decided.items():
        before = len(province.told(CITIZEN))
        number = province.receives(code)
        refused_by_the_form(province, code, number, quyet_dinh=decision)
        assert province.tasks(number) == {"phan_loai": desk}
        assert province.does(desk, number, "phan_loai", quyet_dinh=decision, **said)["case_status"] == status

        case = province.case(number)
        assert (case["outcome"], case["tasks"]) == (decision, []) and case["closed_at"] is not None
        told = province.told(CITIZEN)[before:]
        assert topics(told) == [*first, topic]
        assert told[-1].text.startswith(words.format(number))
        refused(province.says(number, "reopen"), 409, "wrong-state")


def test_who_repeats_a_report_hears_its_result_as_promised(province):
    original = province.passes_on("BDCS")
    repeated = province.receives("BDCS", reporter={"phone": HELPED})
    province.does("tongdai_74", repeated, "phan_loai", quyet_dinh="trung", ma_goc=original)

    province.lives(original, "bhxh_74 tra_loi -> da_giai_quyet")

    assert topics(province.told(HELPED)) == ["T09", "T06"]


def test_a_mistyped_number_of_the_repeated_case_is_refused_and_nothing_is_done(province):
    number = province.receives("BDCS")
    task = province.task(number, "phan_loai", "tongdai_74")
    answers = {"quyet_dinh": "trung", "ma_goc": "1022.BD.20210902.99999"}

    answer = province.as_("tongdai_74").post(f"/tasks/{task['id']}/complete", {"answers": answers})

    assert "1022.BD.20210902.99999" in refused(answer, 422, "invalid-request")
    assert answer.json["errors"] == {"ma_goc": "Trong tỉnh không có phản ánh nào khác mang mã này."}
    assert province.tasks(number) == {"phan_loai": "tongdai_74"}


def refused_by_the_form(province, code, number=None, **answers):
    """A decision is not taken without what it needs."""
    number = number or province.receives(code)
    desk = DESKS[code[:2]]
    task = province.task(number, "phan_loai", desk)
    refused(province.as_(desk).post(f"/tasks/{task['id']}/complete", {"answers": answers}), 422, "invalid-answers")


# -- who sees nothing of it ------------------------------------------------------------------------------------------


@all_types
def test_an_agency_that_is_not_concerned_finds_neither_the_case_nor_its_tasks(province, code):
    outsider = province.as_(OUTSIDERS[code[:2]])
    number = province.passes_on(code)
    task = province.case(number)["tasks"][0]["id"]

    for path in (f"/cases/{number}", f"/cases/{number}/timeline", f"/cases/{number}/deadlines", f"/tasks/{task}"):
        refused(outsider.get(path), 404, "not-found")
    for path in (f"/tasks/{task}/complete", f"/tasks/{task}/claim", f"/tasks/{task}/return"):
        refused(outsider.post(path, {"reason": "x"} if path.endswith("return") else None), 404, "not-found")
    assert outsider.get("/cases").json["items"] == outsider.get("/tasks").json["items"] == []
    other_province = province.as_({"BD": "vpubnd_75", "DN": "vpubnd_74"}[code[:2]])
    refused(other_province.get(f"/cases/{number}"), 404, "not-found")
