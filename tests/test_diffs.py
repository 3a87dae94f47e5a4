"""What differs between two versions, in meaning; and what that is for the cases that run."""

from __future__ import annotations

import json
import re

import pytest

from engine.files import folders
from engine.packages import Package
from engine.versions import diffs
from tests.commands import runner
from tests.drawing import draw
from tests.drawn_tables import table
from tests.hotline import LIFE, PROVINCE, TYPE, package, refused
from tests.sources import ROOT

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it reads what others have written
OLD_TYPE = TYPE.format(secrecy="C2")


def between(old, new):
    found, renamed = diffs.between(Package(old), Package(new))
    return {(one.kind, one.how, one.aspect, one.id): one for one in found}, renamed


def drawn(*changes):
    life = LIFE
    for was, now in changes:
        assert was in life
        life = life.replace(was, now)
    return package(process__bpmn=draw(life, "PAKN"))


@pytest.mark.parametrize(("was", "now", "what", "elements", "vi"), [
    ('"Phân công" group=tongdai_74', '"Phân công" group=vp_74', ("step", "changed", "group", "tiep_nhan"),
     ["tiep_nhan"], "Bước “Phân công”: đơn vị đổi từ tongdai_74 thành vp_74."),
    ('"Báo đã nhận"', '"Báo nhận"', ("step", "changed", "name", "da_nhan"), ["da_nhan"],
     "Bước “Báo nhận”: tên đổi từ Báo đã nhận thành Báo nhận."),
    ("cho -> het_han -> dong", "cho -> het_han -> xu_ly", ("step", "changed", "next", "het_han"), ["het_han"],
     "Sự kiện “het_han”: bước tiếp theo đổi từ “dong” thành “Xử lý”."),
    ("form=ket_qua status", "status", ("step", "changed", "form", "xu_ly"), ["xu_ly"],
     "Bước “Xử lý”: bỏ biểu mẫu ket_qua."),
    ("timer=P10D", "timer=P5D", ("step", "changed", "timer", "het_han"), ["het_han"],
     "Sự kiện “het_han”: hẹn giờ đổi từ P10D thành P5D."),
    ("message=msg_danh_gia", "message=msg_khac", ("step", "changed", "event", "danh_gia"), ["danh_gia"],
     "Sự kiện “danh_gia”: sự kiện đổi từ message msg_danh_gia thành message msg_khac."),
    ("message=msg_tra_lai", "message=msg_tra_lai aside", ("step", "changed", "interrupting", "tra_lai"), ["tra_lai"],
     "Sự kiện “Trả lại”: thêm cách ngắt aside."),
    ('text=T06 to=reporter status="${ket_qua}"', 'text=T01 to=reporter status="${ket_qua}"',
     ("step", "changed", "text", "bao_ket_qua"), ["bao_ket_qua"],
     "Bước “Báo kết quả”: mẫu tin đổi từ T06 thành T01."),
])  # fmt: skip
def test_a_change_of_a_step_is_one_sentence_about_it(was, now, what, elements, vi):
    found, renamed = between(package(), drawn((was, now)))
    assert list(found) == [what] and not renamed
    assert (found[what].elements, found[what].vi) == (elements, vi)
    assert found[what].en.startswith(("The step “", "The event “")) and found[what].en.endswith(".")


def test_steps_come_and_go_and_say_where_they_are():
    found, _ = between(package(), drawn(('tell bao_ket_qua', 'user duyet "Duyệt" group=vp_74\ntell bao_ket_qua'),
                                        ("xu_ly -> bao_ket_qua", "xu_ly -> duyet -> bao_ket_qua")))  # fmt: skip
    assert list(found) == [("step", "changed", "next", "xu_ly"), ("step", "added", None, "duyet")]
    back, _ = between(drawn(("catch danh_gia", "catch danh_gia")), drawn(
        ("cho -> danh_gia -> dong\n", ""), ("catch danh_gia message=msg_danh_gia\n", "")))  # fmt: skip
    assert list(back) == [("step", "changed", "next", "cho"), ("step", "removed", None, "danh_gia")]
    assert back["step", "removed", None, "danh_gia"].elements == ["danh_gia"]


def test_an_element_with_another_id_is_the_same_and_so_is_its_deadline():
    new = package(process__bpmn=draw(re.sub(r"\bxu_ly\b", "giai_quyet", LIFE), "PAKN"),
                  type__toml=OLD_TYPE.replace("\nxu_ly = {term", "\ngiai_quyet = {term"))  # fmt: skip
    found, renamed = between(package(), new)
    assert renamed == {"xu_ly": "giai_quyet"}
    assert list(found) == [("step", "changed", "id", "giai_quyet")]
    assert found["step", "changed", "id", "giai_quyet"].elements == ["xu_ly", "giai_quyet"]


GATE = """
start s
user hoi "Hỏi" group=vp_74 form=ket_qua
xor re "Đúng?"
rule chon "Chọn" decision=d
end e
s -> hoi -> re
re -> chon : ket_qua == "da_giai_quyet"
re -> e default
chon -> e
"""


def gated(life=GATE, **tables):
    rows = tables.get("rows", [(['"a"'], ['"1"']), (['"b"'], ['"2"'])])
    return package(process__bpmn=draw(life, "PAKN"), chon__dmn=table(rows, policy=tables.get("policy", "UNIQUE")))


def test_conditions_and_rows_of_decisions_are_told_with_where_they_are_used():
    found, _ = between(gated(), gated(GATE.replace('== "da_giai_quyet"', '== "khong_dung"')))
    (condition,) = found.values()
    assert (condition.kind, condition.aspect, condition.id) == ("flow", "condition", "re>chon>1")
    assert condition.vi.startswith("Đường “Đúng? → Chọn”: điều kiện đổi từ ")
    assert condition.elements and condition.elements[0].startswith(("Flow", "f", "re"))

    found, _ = between(gated(), gated(rows=[(['"a"'], ['"1"']), (['"b"'], ['"3"']), (['"c"'], ['"4"'])]))
    assert [(one.kind, one.how, one.elements) for one in found.values()] == [
        ("rule", "changed", ["chon"]), ("rule", "added", ["chon"])]  # fmt: skip
    assert 'đổi từ "b" → "2" thành "b" → "3".' in next(iter(found.values())).vi


def test_the_order_of_rows_counts_where_the_first_one_wins_and_ids_of_rows_never_do():
    for policy, found in (("FIRST", [("decision", "changed", "order", "d")]), ("UNIQUE", [])):
        old = gated(policy=policy)
        rows = re.findall(r"<rule .*?</rule>", old["chon.dmn"], re.DOTALL)
        turned = old | {"chon.dmn": old["chon.dmn"].replace("".join(rows), "".join(reversed(rows)))}
        assert len(rows) == 2 and turned != old
        assert list(between(old, turned)[0]) == found
    renumbered = gated()
    renumbered["chon.dmn"] = re.sub(r'<rule id="([^"]+)"', r'<rule id="khac_\1"', renumbered["chon.dmn"])
    assert renumbered["chon.dmn"] != gated()["chon.dmn"]
    assert between(gated(), renumbered)[0] == {}


def test_the_order_of_conditions_counts_behind_an_exclusive_gateway():
    life = GATE.replace("re -> e default", 're -> e : ghi_chu == "x"\nre -> e2 default')
    life = life.replace("end e", "end e\nend e2")
    first, second = 're -> chon : ket_qua == "da_giai_quyet"\n', 're -> e : ghi_chu == "x"\n'
    turned = life.replace(second, "").replace(first, second + first)
    found, _ = between(gated(life), gated(turned))
    assert list(found) == [("step", "changed", "order", "re")]


def test_a_lane_counts_where_it_says_whose_a_task_is():
    def laned(lane, key, group="-"):
        life = LIFE.replace("group=tongdai_74", f"group={group}")
        lanes = f'\n[lanes]\n"{lane}" = "{key}"\n'
        drawing = draw(f'lane "{lane}": tiep_nhan da_nhan\n{life}', "PAKN")
        return package(process__bpmn=drawing, type__toml=OLD_TYPE + lanes)

    assert between(laned("Tổng đài", "tongdai_74"), laned("Tổng đài 1022", "tongdai_74"))[0] == {}  # the same desk
    found, _ = between(laned("Tổng đài", "tongdai_74"), laned("Văn phòng", "vp_74"))
    assert list(found) == [("step", "changed", "group", "tiep_nhan")]
    assert between(laned("Tổng đài", "tongdai_74", "vp_74"), laned("Văn phòng", "vp_74", "vp_74"))[0] == {}


def test_questions_deadlines_texts_and_settings():
    type_ = OLD_TYPE.replace("PT4H", "PT3H").replace('vi = "Trùng", citizen', 'vi = "Đã có", citizen')
    files = package(type__toml=type_, province__toml=PROVINCE.replace("đã có kết quả", "có kết quả"))
    form = json.loads(files["ket_qua.form"])
    form["components"][1]["validate"]["required"] = False
    form["components"].append({"type": "number", "key": "so_nguoi", "label": "Số người"})
    files["ket_qua.form"] = json.dumps(form)
    late = LIFE + "boundary nhac on=xu_ly timer='${due(\"xu_ly\")}' aside\nend het_nhac\nnhac -> het_nhac"
    found, _ = between(package(process__bpmn=draw(late, "PAKN")), files | {"process.bpmn": draw(late, "PAKN")})

    assert {key: one.elements for key, one in found.items()} == {
        ("question", "changed", "validate.required", "noi_dung_ket_qua"): ["xu_ly"],
        ("question", "added", None, "so_nguoi"): ["xu_ly"],
        ("setting", "changed", "vi", "statuses.trung"): [],
        ("deadline", "changed", "term", "deadlines.xu_ly"): ["xu_ly", "nhac"],
        ("text", "changed", "sms", "texts.T06"): ["bao_ket_qua"],
    }
    assert found["deadline", "changed", "term", "deadlines.xu_ly"].vi == \
        "Thời hạn “xu_ly”: thời hạn đổi từ PT4H thành PT3H."  # fmt: skip
    intake = package()
    intake["tiep_nhan_phan_anh.form"] = intake["tiep_nhan_phan_anh.form"].replace("2000", "500")
    assert all(one.elements == ["bat_dau"] for one in between(package(), intake)[0].values())


def test_what_is_only_drawn_elsewhere_or_written_in_another_order_is_no_difference():
    old = folders.read(ROOT / "bpmn" / "binh_duong" / "BDKK")
    assert between(old, old)[0] == {}
    moved = dict(old)
    moved["process.bpmn"] = re.sub(r'x="\d+"', 'x="7"', old["process.bpmn"]).replace("\n", "\n  ")
    turned = re.compile(r"(<camunda:property .*/>)(\s+)(<camunda:property .*/>)")
    moved["process.bpmn"] = turned.sub(r"\3\2\1", moved["process.bpmn"])
    statuses = re.findall(r"(?ms)^\[statuses\.\w+\]\n.*?(?=^\[|\Z)", old["type.toml"])
    moved["type.toml"] = old["type.toml"].replace("".join(statuses[:2]), "".join(reversed(statuses[:2])))
    assert moved["process.bpmn"] != old["process.bpmn"] and moved["type.toml"] != old["type.toml"]
    assert between(old, moved)[0] == {}


def test_what_no_aspect_holds_is_not_passed_over():
    more = '<bpmn:extensionElements><camunda:failedJobRetryTimeCycle>{}</camunda:failedJobRetryTimeCycle>' \
        "</bpmn:extensionElements>"
    old, new = (draw(LIFE.replace("user xu_ly", f"user xu_ly xml='{more.format(n)}'"), "PAKN") for n in ("R3", "R5"))
    found, _ = between(package(process__bpmn=old), package(process__bpmn=new))
    assert list(found) == [("step", "changed", None, "xu_ly")]
    assert "process.bpmn" in found["step", "changed", None, "xu_ly"].vi


def test_long_texts_are_shown_where_they_begin_to_differ():
    long = "Kính gửi ông bà, " * 40
    old, new = (package(province__toml=PROVINCE.replace("đã có kết quả", long + word)) for word in ("một", "hai"))
    (change,) = between(old, new)[0].values()
    assert "…" in change.vi and "một" in change.vi and "hai" in change.vi and len(change.vi) < 500


# -- over the API, and on the command line ---------------------------------------------------------------------------


@on_sqlite
def test_the_api_tells_changes_and_their_impact_to_whom_it_concerns(hotline):
    stays = hotline.assigned()
    hotline.receives()
    new = drawn(('user xu_ly "Xử lý"', 'user xu_ly_2 "Xử lý việc"'), ("-> xu_ly ->", "-> xu_ly_2 ->"),
                ("phan_anh_lai -> xu_ly", "phan_anh_lai -> xu_ly_2"), ("on=xu_ly", "on=xu_ly_2"))  # fmt: skip
    analyst = hotline.as_("phantich")
    before = analyst.post("/deployments/diff", new)
    assert before.status_code == 200, before.text
    assert (before.json["old_id"], before.json["new_id"], len(analyst.get("/deployments").json["items"])) == (1, 0, 1)
    impact = before.json["impact"]
    assert (impact["running"], impact["can_move"]) == (2, 1)
    assert (impact["cannot"][0]["cases"], impact["cannot"][0]["numbers"]) == (1, [stays])

    renamed = analyst.post("/deployments/diff", package(process__bpmn=draw(re.sub(r"\bxu_ly\b", "lam", LIFE), "PAKN"),
                                                         type__toml=OLD_TYPE.replace("\nxu_ly =", "\nlam ="))).json
    assert (renamed["renamed"], renamed["impact"]["can_move"]) == ({"xu_ly": "lam"}, 2)

    made = analyst.post("/deployments", new).json["id"]
    same = analyst.get(f"/deployments/{made}/diff").json  # in force: beside the one before
    assert same["changes"] == before.json["changes"] and same["old_version"] == 1
    assert analyst.get(f"/deployments/{made}/diff", **{"with": 1}).json["changes"] == same["changes"]
    back = analyst.get("/deployments/1/diff").json  # beside the one in force
    assert (back["old_version"], len(back["changes"])) == (2, len(same["changes"]))
    assert hotline.as_("vanphong").get(f"/deployments/{made}/diff").json["impact"] is None
    none = analyst.get(f"/deployments/{made}/diff", **{"with": made}).json
    assert (none["changes"], none["en"]) == ([], "Both versions are the same to the letter.")


@on_sqlite
def test_what_cannot_be_compared_is_refused(hotline):
    analyst = hotline.as_("phantich")
    assert "no version before 1" in refused(analyst.get("/deployments/1/diff"), 404, "not-found")
    refused(analyst.get("/deployments/77/diff"), 404, "not-found")
    refused(analyst.get("/deployments/1/diff", **{"with": 77}), 404, "not-found")
    refused(analyst.get("/deployments/1/diff", **{"with": "x"}), 422, "invalid-request")
    refused(hotline.as_(None).get("/deployments/1/diff"), 401, "not-authenticated")
    refused(hotline.as_("truc").post("/deployments/diff", package()), 403, "not-allowed")
    broken = analyst.post("/deployments/diff", drawn(("xu_ly -> bao_ket_qua", "xu_ly")))
    assert "faults" in refused(broken, 422, "invalid-package") and broken.json["faults"]
    other = {name: text.replace("PAKN", "KHAC") for name, text in package().items()}
    refused(analyst.post("/deployments/diff", other), 404, "not-found")
    made = analyst.post("/deployments", other).json["id"]
    beside = analyst.get(f"/deployments/{made}/diff", **{"with": 1})
    assert "two report types" in refused(beside, 422, "invalid-request")


@on_sqlite
def test_the_command_line_lists_compares_and_decides(hotline, database_url, tmp_path):
    folder = tmp_path / "PAKN"
    folder.mkdir()
    new = drawn(("timer=P10D", "timer=P5D")) | {"province.toml": "approval = true\n" + PROVINCE}
    for name, text in new.items():
        (folder / name).write_text(text, encoding="utf-8")
    told = runner(database_url, tmp_path)

    def decides(what, which, login, **more):
        return told("version", what, which, "--reason", "Đã xem", "--by", login, **more)

    hotline.receives()
    said = told("diff", folder)
    assert "the folder beside version 1" in said and "hẹn giờ đổi từ P10D thành P5D" in said
    assert "1 phản ánh đang chạy; 1 chuyển được, 0 không." in said
    hotline.as_("phantich").post("/deployments", package(province__toml="approval = true\n" + PROVINCE))
    assert hotline.as_("phantich").post("/deployments", new).json["parked"]

    assert "version 3 beside version 2" in told("diff", 3)
    assert "approval" in told("diff", 3, "--with", 1)
    assert re.search(r"3 PAKN +3 +parked", told("version", "list", "PAKN"))
    assert "somebody else" in decides("approve", 3, "phantich", exits=1)
    assert "Nobody here logs in as 'ai_do'" in decides("approve", 3, "ai_do", exits=1)
    assert "approved by quantri: current" in decides("approve", 3, "quantri")
    assert "in force now" in told("version", "activate", 2, "--reason", "Quay lại")
    assert "in force" in told("version", "activate", 2, "--reason", "Quay lại", exits=1)
    assert "no moment" in told("version", "activate", 3, "--reason", "x", "--from", "mai", exits=1)
    assert re.search(r"2 PAKN +2 +current", told("version", "list", "--state", "current"))
    assert "There is no such version" in told("version", "list", "KHAC", exits=1)
    hotline.as_("phantich").post("/deployments", new | drawn(("timer=P10D", "timer=P6D")))
    assert "refused by quantri" in decides("refuse", 4, "quantri")
    assert "no type.toml" in told("diff", tmp_path, exits=1)
