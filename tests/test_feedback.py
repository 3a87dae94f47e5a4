"""After the answer: people rate it, say that it is none, and hear the result of the case theirs was joined to."""

from __future__ import annotations

import json
import re

import pytest

from engine.cases import COMMENT_MAX
from engine.public import tracking
from tests.drawing import draw
from tests.exchange import ENDS, Exchange, kind
from tests.hotline import LIFE, PROVINCE, TYPE, refused
from tests.sources import ROOT

LINKED = PROVINCE.replace(
    "phản ánh {ma} đã có kết quả: {noi_dung_ket_qua}", "phản ánh {ma} đã có kết quả: {noi_dung_ket_qua}. {link}"
)
JOINED = """
[texts.T09]
sms = "1022: phản ánh {ma} trùng với {ma_goc}."
only_for_outcomes = ["trung"]
"""
SHIPPED = sorted(ROOT.glob("bpmn/*/*/process.bpmn"))


def says(hotline, receipt, **body):
    return hotline.as_(None).post(f"/track/{receipt['number']}/message", body | {"secret": receipt["secret"]})


def tracked(hotline, receipt):
    return hotline.as_(None).get(f"/track/{receipt['number']}", secret=receipt["secret"]).json


def joined(hotline):
    """Two callers, the second of whom has called about the first one's matter."""
    original = hotline.assigned()
    first = hotline.receipt
    hotline.receives("Lại tụ tập ở chợ", phone="0987654321")
    second = hotline.receipt
    seen = hotline.case(second["number"])["etag"]
    answer = hotline.as_("truc").post(f"/cases/{second['number']}/merge", {"into": original}, If_Match=seen)
    assert answer.status_code == 200, answer.text
    return first, second


def test_each_of_those_who_called_is_told_the_result_with_their_own_number_and_link(hotline):
    hotline.deploys(province__toml=LINKED)
    first, second = joined(hotline)

    hotline.does("phuong", first["number"], ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã nhắc nhở")

    for receipt, other in ((first, second), (second, first)):
        told = tracked(hotline, receipt)["told"][-1]["text"]
        number = receipt["number"]
        assert told == f"1022: phản ánh {number} đã có kết quả: Đã nhắc nhở. https://1022.example/tra-cuu/{number}"
        assert other["number"] not in told


def test_however_much_somebody_says_who_works_on_the_case_theirs_was_joined_to_has_it_too(hotline):
    """Chats and letters are cut to what a remark may have; with the number before it, it is longer."""
    first, second = joined(hotline)
    words = "a" * (COMMENT_MAX - 1) + "z"

    with hotline.runtime.begin() as unit:
        tracking.say(unit, second["number"], "information", text=words)

    for number, text in ((second["number"], words), (first["number"], f"{second['number']}: {words}")):
        [remark] = hotline.as_("truc").get(f"/cases/{number}/comments").json["items"]
        assert (remark["author"], remark["text"]) == ("citizen", text)


def joins(hotline, number, into):
    return hotline.as_("truc").post(f"/cases/{number}/merge", {"into": into}, If_Match=hotline.case(number)["etag"])


def test_who_is_joined_to_a_case_is_told_at_once_and_so_are_those_joined_to_theirs_before(hotline):
    hotline.deploys(province__toml=PROVINCE + JOINED)
    receipts = []
    for phone in ({}, {"phone": "0987654321"}, {"phone": "0933333333"}):
        hotline.receives(reporter={"name": "Hoa"} | phone)
        receipts.append(hotline.receipt)
    silent, second, third = receipts
    first = hotline.assigned()
    for copy, into in ((third, second["number"]), (second, first), (silent, first)):
        assert joins(hotline, copy["number"], into).status_code == 200

    of_second, of_third = ([one["text"] for one in tracked(hotline, who)["told"][1:]] for who in (second, third))
    said = "1022: phản ánh {} trùng với {}."
    assert of_second == [said.format(second["number"], first)]
    assert of_third == [said.format(third["number"], into) for into in (second["number"], first)]
    timeline = hotline.as_("vanphong").get(f"/cases/{silent['number']}/timeline").json["items"]
    assert [event["data"]["text"] for event in timeline if event["kind"] == "nobody-to-tell"] == ["T01", "T09"]


@pytest.mark.parametrize("text", ["", JOINED.replace("{ma_goc}", "{khong_co}"), JOINED.replace("trung", "khong_dung")])
def test_a_text_that_says_nothing_true_of_a_joined_case_is_not_sent(hotline, text):
    hotline.deploys(province__toml=PROVINCE + text)
    original, copy = hotline.assigned(), hotline.assigned()
    receipt = hotline.receipt

    assert joins(hotline, copy, original).status_code == 200
    assert len(tracked(hotline, receipt)["told"]) == 1
    incidents = [one["case"] for one in hotline.as_("phantich").get("/incidents").json["items"]]
    kinds = [event["kind"] for event in hotline.as_("vanphong").get(f"/cases/{copy}/timeline").json["items"]]
    assert (incidents, "merged" in kinds) == (([copy], False) if text else ([], True))


def test_cases_of_a_type_that_knows_no_duplicates_are_joined_to_none(hotline):
    hotline.deploys(type__toml=TYPE.format(secrecy="C2").replace('trung = {vi = "Trùng", closes_as = "trung"}', ""))
    original, copy = hotline.assigned(), hotline.assigned()

    said = refused(joins(hotline, copy, original), 409, "wrong-state")
    assert said == "Cases of the type PAKN are joined to no other: it has no outcome 'trung'."
    assert hotline.case(copy)["closed_at"] is None


def test_who_was_joined_to_a_case_rates_its_result_when_there_is_one(hotline):
    first, second = joined(hotline)
    refused(says(hotline, second, kind="rating", stars=5), 409, "wrong-state")
    assert tracked(hotline, second)["may"] == ["information"]

    hotline.does("phuong", first["number"], ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã nhắc nhở")
    assert tracked(hotline, second)["may"] == ["information", "rating", "reopen"]
    assert says(hotline, second, kind="rating", stars=2).json["rating"] == 2
    assert tracked(hotline, first)["rating"] is None


def test_who_was_joined_to_a_case_may_say_that_it_is_not_solved(hotline):
    first, second = joined(hotline)
    refused(says(hotline, second, kind="reopen", text="Vẫn tụ tập"), 409, "wrong-state")
    hotline.does("phuong", first["number"], ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã nhắc nhở")

    answer = says(hotline, second, kind="reopen", text="Vẫn tụ tập")

    assert answer.status_code == 200, answer.text
    assert first["number"] not in answer.text
    assert hotline.case(first["number"])["closed_at"] is None
    timeline = hotline.as_("vanphong").get(f"/cases/{first['number']}/timeline").json["items"]
    assert [event["data"]["number"] for event in timeline if event["kind"] == "reopened-by"] == [second["number"]]


def test_what_one_who_was_joined_to_a_case_adds_is_read_by_who_works_on_it_and_not_by_its_reporter(hotline):
    first, second = joined(hotline)

    assert says(hotline, second, kind="information", text="Có hai bếp than").status_code == 200

    (note,) = hotline.as_("phuong").get(f"/cases/{first['number']}/comments").json["items"]
    assert (note["text"], note["public"]) == (f"{second['number']}: Có hai bếp than", False)
    assert tracked(hotline, first)["comments"] == []


@pytest.mark.parametrize("said", [{"kind": "rating", "stars": 5}, {"kind": "reopen", "text": "Vẫn tụ tập"}])
def test_a_result_is_rated_and_doubted_within_ten_days_and_not_after(hotline, said):
    hotline.settled()
    receipt = hotline.receipt
    hotline.waits(240)  # no worker has looked meanwhile

    late = refused(says(hotline, receipt, **said), 409, "wrong-state")
    assert "until 08:00 13/09/2021: send a new report and mention its number." in late
    assert tracked(hotline, receipt)["may"] == ["information"]
    hotline.waits(-1 / 3600)
    assert says(hotline, receipt, **said).status_code == 200


def test_the_type_says_how_long_a_result_may_be_rated(hotline):
    short = TYPE.format(secrecy="C2") + 'phan_hoi = {term = "P3D", calendar = "24/7", within_case = false}\n'
    life = LIFE.replace("catch het_han timer=P10D", """catch het_han date='${due("phan_hoi")}'""")
    hotline.deploys(type__toml=short, process__bpmn=draw(life, "PAKN"))
    hotline.settled()
    hotline.waits(71)
    assert says(hotline, hotline.receipt, kind="rating", stars=3).status_code == 200
    hotline.waits(1)
    assert "until 08:00 06/09/2021" in refused(
        says(hotline, hotline.receipt, kind="rating", stars=3), 409, "wrong-state"
    )


def test_an_agency_does_not_go_round_the_counting_of_reopenings(hotline):
    body = {"name": "msg_phan_anh_lai", "case": hotline.settled(), "payload": {"ly_do_phan_anh_lai": "x"}}

    assert "/reopen" in refused(hotline.as_("app").post("/messages", body), 422, "invalid-request")


def test_whatever_is_looked_at_again_a_second_time_goes_one_level_up():
    """NĐ 20/2008 Đ.17.3; `bpmn/*/*/scenarios/phan_anh_lai_hai_lan.toml` plays it."""
    ways = {path: re.findall(r'sourceRef="huong_xem_xet".*\n.*>\$\{(.*)\}<', path.read_text()) for path in SHIPPED}

    up = {path.parent.name: said for path, said in ways.items() if said}
    assert len(up) == 24
    assert [name for name, said in up.items() if not said[0].endswith(" or so_lan_phan_anh_lai &gt;= 2")] == []


BETWEEN = """
start bat_dau
tell da_nhan "Báo đã nhận" text=T01 to=reporter
user lam "Làm" group=tongdai_74 form=lam
tell bao "Báo kết quả" text=T06 to=reporter
script sua "Ghi sổ" script='noi_dung_ket_qua = "chỉ để ghi sổ"'
end dong status=da_giai_quyet outcome=da_giai_quyet
bat_dau -> da_nhan -> lam -> bao -> sua -> dong
"""


@pytest.mark.parametrize("only_for", ["", 'only_for_outcomes = ["da_giai_quyet"]'])
def test_a_letter_says_what_was_so_where_it_was_written_and_is_true_of_the_outcome_in_the_end(hotline, only_for):
    """The script behind the text, and the end that says how the case came out, are of the same step."""
    exchange = Exchange(hotline)
    words = LINKED.replace("[texts.T06]", f"[texts.T06]\n{only_for}")
    exchange.deploys("GUI", BETWEEN, **{"province.toml": words})
    number = exchange.begins("GUI")
    receipt = hotline.receipt

    hotline.does("truc", number, noi_dung_ket_qua="Đã giao gạo")

    assert "đã có kết quả: Đã giao gạo. https" in tracked(hotline, receipt)["told"][-1]["text"]


def test_a_letter_names_the_deadline_that_the_case_keeps(hotline):
    """How urgent it is turns out behind the text, in the same step."""
    exchange = Exchange(hotline)
    life = TIMED.replace("user lam", "script gap \"Khẩn\" script='severity = \"khan\"'\nuser lam")
    life = life.replace("xem_gio -> lam", "xem_gio -> gap -> lam")
    made = kind("GUI", life)
    of_case = 'case = {term = "PT5H", calendar = "24/7", source = "BD-01"'
    urgent = made["type.toml"].replace(of_case, f'{of_case}, by_severity = {{khan = "PT2H"}}')
    exchange.deploys("GUI", life, **{"type.toml": urgent})
    exchange.begins("GUI")

    assert tracked(hotline, hotline.receipt)["told"][-1]["text"].endswith("hạn 10:00 03/09/2021.")


TIMED = """
start bat_dau
tell da_nhan "Báo đã nhận" text=T01 to=reporter
script xem_gio "Xem giờ" script='ket_luan = [now(), due("case"), now() == today(), due("case") > now()]'
user lam "Làm" group=tongdai_74 form=lam
bat_dau -> da_nhan -> xem_gio -> lam -> xong -> dong
""" + ENDS


def test_expressions_tell_every_moment_on_vietnams_clock(hotline):
    exchange = Exchange(hotline)
    exchange.deploys("GUI", TIMED)
    now, due, *said = json.loads(exchange.heard(exchange.begins("GUI")))

    assert (now[10:13], now[-6:], due[-6:], said) == ("T08", "+07:00", "+07:00", [True, True])
