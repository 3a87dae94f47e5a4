"""A list of patients becomes cases: said beforehand, done once, whatever is sent again or dies in between."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, update

from engine import model
from engine.errors import InvalidRequest
from engine.flow.check import check
from engine.notifiers import Receipt
from engine.sheets import imports, lists
from engine.work.worker import Worker
from tests import databases
from tests.broken import SIMPLE
from tests.drawing import package
from tests.hotline import Caller, Hotline, refused
from tests.people import HEAD, cohort, takes_lists, workbook
from webapi.cli import main


class Anything:
    def send(self, message: Any) -> Receipt:
        return Receipt()


@pytest.fixture
def hanoi(hotline: Hotline) -> Hotline:
    return takes_lists(hotline)


def packed(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def damaged(content: bytes, before: bytes, after: bytes) -> bytes:
    """A workbook with something else on its first sheet."""
    file, sheet = io.BytesIO(), "xl/worksheets/sheet1.xml"
    with ZipFile(io.BytesIO(content)) as old, ZipFile(file, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(before, after) if name == sheet else old.read(name))
    return file.getvalue()


def sends(caller: Caller, content: bytes, dry_run: bool = False, report_type: str = "F0CD") -> Any:
    form = {"file": (io.BytesIO(content), "f0.csv"), "report_type": report_type, "dry_run": str(dry_run).lower()}
    return caller.call("POST", "/imports", data=form, content_type="multipart/form-data")


def count(desk: Hotline, table: Any) -> int:
    with desk.runtime.read() as unit:
        return int(unit.scalar(select(func.count()).select_from(table)))


def worker(desk: Hotline) -> Worker:
    return Worker(desk.runtime, dict.fromkeys(("sms", "email"), Anything()))


def test_a_dry_run_says_what_would_come_of_each_row_and_does_nothing(hanoi: Hotline) -> None:
    content = cohort(
        2, "A,0900000000,001,40,", "B,12,001,40,", "C,0911111111,Quận Ba Đinhh,40,", "D,0911111112,ba đình,200,",
        "=cmd(),0911111113,001,40,", "E,911111114,Ba Dinh,,",
    )  # fmt: skip

    told = sends(hanoi.as_("cdc"), content, dry_run=True).json

    assert [told[name] for name in ("state", "total", "creatable", "created", "running", "duplicates")] == \
        ["ready", 8, 3, 0, 0, 1]  # fmt: skip
    assert {one["row"]: one["vi"] for one in told["refusals"]}.keys() == {4, 5, 6, 7, 8}
    by_row = {one["row"]: one for one in told["refusals"]}
    assert by_row[4]["en"] == "The telephone number is that of row 2."
    assert "Có phải “Quận Ba Đình”?" in by_row[6]["vi"]
    assert "tuoi" in by_row[7]["en"]
    assert [one["row"] for one in told["refusals"] if one["duplicate"]] == [4]
    worker(hanoi).drain()
    assert count(hanoi, model.cases) == 0


def test_what_was_looked_at_is_started_once_as_things_stand_by_then(hanoi: Hotline) -> None:
    cdc = hanoi.as_("cdc")
    looked = sends(cdc, cohort(3), dry_run=True).json
    at = f"/imports/{looked['id']}"
    kept = cdc.get(f"{at}/rows", limit=2).json
    assert [(one["position"], one["person"]["phone"], one["running"]) for one in kept["items"]] == \
        [(2, "+84900000000", False), (3, "+84900000001", False)]  # fmt: skip
    assert kept["items"][0]["answers"]["quan_huyen"] == "001"
    assert [one["position"] for one in cdc.get(f"{at}/rows", after=kept["after"]).json["items"]] == [4]
    for path, call in ((f"{at}/rows", "GET"), (f"{at}/start", "POST")):
        refused(hanoi.as_("bacsi").call(call, path), 404, "not-found")
    refused(hanoi.as_("cdc2").get(f"{at}/rows"), 403, "not-allowed")
    sends(cdc, cohort(1))  # the first of them is called meanwhile
    worker(hanoi).drain()
    assert [one["running"] for one in cdc.get(f"{at}/rows").json["items"]] == [True, False, False]

    started = hanoi.as_("cdc2").post(f"{at}/start").json
    assert [started[name] for name in ("state", "dry_run", "creatable", "running", "created_by")] == \
        ["waiting", False, 2, 1, "cdc2"]  # fmt: skip
    assert cdc.post(f"{at}/start").json["id"] == sends(cdc, cohort(3)).json["id"] == looked["id"]
    worker(hanoi).drain()
    assert cdc.get(at).json["created"] == 2 and count(hanoi, model.cases) == 3 and count(hanoi, model.import_rows) == 0
    again = sends(cdc, cohort(3), dry_run=True).json  # the same file, looked at once more: there is nothing left to do
    assert (again["creatable"], again["running"]) == (0, 3)
    assert cdc.post(f"/imports/{again['id']}/start").json["id"] == looked["id"]
    assert (cdc.get(f"/imports/{again['id']}").json["state"], count(hanoi, model.import_rows)) == ("cancelled", 0)
    nobody = sends(cdc, HEAD.encode() + b"\r\nA,0900000000,001,40,\r\n", dry_run=True).json
    assert cdc.post(f"/imports/{nobody['id']}/start").json["state"] == "done"


def test_what_nobody_started_is_forgotten_after_a_day(hanoi: Hotline) -> None:
    looked, other = (sends(hanoi.as_("cdc"), cohort(size), dry_run=True).json for size in (2, 3))
    hanoi.as_("cdc").post(f"/imports/{other['id']}/cancel")
    hanoi.clock.advance(timedelta(hours=23))
    worker(hanoi).tidy()
    assert count(hanoi, model.import_rows) == 2
    hanoi.clock.advance(timedelta(hours=2))
    worker(hanoi).tidy()

    assert count(hanoi, model.import_rows) == 0
    assert hanoi.as_("cdc").get(f"/imports/{looked['id']}").json["state"] == "done"
    for one in (looked, other):
        refused(hanoi.as_("cdc").post(f"/imports/{one['id']}/start"), 409, "wrong-state")
    assert count(hanoi, model.cases) == 0


def test_what_is_started_while_old_lists_are_forgotten_is_taken_up(hanoi: Hotline, monkeypatch: Any) -> None:
    if not hanoi.runtime.database.dialect.name == "postgresql":
        pytest.skip("SQLite has one writer")
    cdc = hanoi.as_("cdc")
    looked = sends(cdc, cohort(2), dry_run=True).json
    hanoi.clock.advance(timedelta(hours=25))
    ends = imports._ends

    def starts_first(*given: Any) -> bool:
        monkeypatch.setattr(imports, "_ends", ends)
        assert cdc.post(f"/imports/{looked['id']}/start").json["state"] == "waiting"
        return ends(*given)

    monkeypatch.setattr(imports, "_ends", starts_first)
    worker(hanoi).tidy()
    worker(hanoi).drain()

    assert (cdc.get(f"/imports/{looked['id']}").json["created"], count(hanoi, model.cases)) == (2, 2)


def test_who_starts_and_who_cancels_at_once_wait_for_each_other(hanoi: Hotline, monkeypatch: Any) -> None:
    if not hanoi.runtime.database.dialect.name == "postgresql":
        pytest.skip("SQLite has one writer")
    cdc, ends, starter = hanoi.as_("cdc"), imports._ends, ThreadPoolExecutor(1)
    path, started = f"/imports/{sends(cdc, cohort(2), dry_run=True).json['id']}", []

    def with_the_rows_in_hand(*given: Any) -> bool:
        started.append(starter.submit(cdc.post, f"{path}/start"))
        while not databases.somebody_waits(hanoi.runtime):
            assert not started[0].done()
        return ends(*given)

    monkeypatch.setattr(imports, "_ends", with_the_rows_in_hand)
    assert cdc.post(f"{path}/cancel").json["state"] == "cancelled"
    refused(started[0].result(), 409, "wrong-state")
    assert (cdc.get(path).json["state"], count(hanoi, model.import_rows)) == ("cancelled", 0)


def test_a_workbook_is_read_as_it_looks(hanoi: Hotline) -> None:
    rows = [
        HEAD.split(","), ["A", 912345678, "Quận Ba Đình", 40, date(2021, 9, 1)], [],
        ["B", "0912345679", "001", "=20+20", None], ["C", "0912345680", "Ba Đinhh", 40.0, "01/09/2021"],
    ]  # fmt: skip

    told = sends(hanoi.as_("cdc"), workbook(rows)).json

    assert (told["total"], told["creatable"]) == (3, 1)
    assert [one["row"] for one in told["refusals"]] == [4, 5]
    assert "formula" in told["refusals"][0]["en"]
    with hanoi.runtime.read() as unit:
        [row] = unit.all(select(model.import_rows))
    assert (row.person, row.answers) == ({"name": "A", "phone": "+84912345678"}, {
        "quan_huyen": "001", "tuoi": 40, "ngay_duong_tinh": "2021-09-01",
    })  # fmt: skip


@pytest.mark.parametrize(("before", "after", "sentence"), [
    (b'<row r="2"', b'<row r="99999999999"', "after row 20000"), (b'r="A2"', b'r="!!"', "no workbook"),
    (b"</sheetData>", b"", "no workbook"), (b"<sheetData>", b"&boom;<sheetData>", "no workbook"),
])  # fmt: skip
def test_a_workbook_that_lies_is_refused(before: bytes, after: bytes, sentence: str) -> None:
    content = damaged(workbook([HEAD.split(","), ["A", "0912345678"]]), before, after)
    with pytest.raises(InvalidRequest, match=sentence):
        lists._lines(content)


GOODS = (  # what a row says, and what is understood of it: district, some answers; or why not
    ("Lan,0912000001,Ba Đình,Số 5 Phan Đình Phùng,4,Còn 1–2 ngày,x,Gạo;Sữa,",
     ("001", {"so_nguoi": 4, "het_luong_thuc_tu": "con_1_2_ngay", "mang_thai": True, "can": ["gao", "sua"],
              "dia_diem": "Số 5 Phan Đình Phùng", "loai_y_kien": "de_nghi",
              "noi_dung": "Theo danh sách của Mặt trận Tổ quốc"})),
    ("Huệ,0912000002,QUẬN HOÀN KIẾM,,2,,không,,Nhà có trẻ nhỏ",
     ("002", {"noi_dung": "Nhà có trẻ nhỏ", "mang_thai": False, "het_luong_thuc_tu": "con_1_2_ngay"})),
    ("Mai,0912000003,,Ngõ 1,3,,,,", (None, {"so_nguoi": 3})),
    ("Cúc,0912000004,Ba Đìh,Ngõ 2,3,,,,", "Địa bàn: không có “Ba Đìh”. Có phải “Quận Ba Đình”?"),
    ("Đào,0912000005,Ba Đình,Ngõ 3,,,,,", "Hãy điền “Số người trong hộ”."),
    ("Sen,0912000006,Ba Đình,Ngõ 4,1,,có lẽ,,", "Có phụ nữ mang thai: hãy ghi “x”"),
)  # fmt: skip


def test_a_goods_list_says_where_and_has_answers_of_its_own(hotline: Hotline) -> None:
    desk = takes_lists(hotline, "NYP")
    head = "Chủ hộ,SĐT,Quận huyện,Địa chỉ,Số nhân khẩu,Lương thực,Mang thai,Đang cần,Ghi chú"
    content = "\r\n".join((head, *(row for row, _ in GOODS))).encode()
    cdc = desk.as_("cdc")
    looked = sends(cdc, content, dry_run=True, report_type="NYP").json
    kept = cdc.get(f"/imports/{looked['id']}/rows").json["items"]

    understood = [one for _, one in GOODS if not isinstance(one, str)]
    assert [row["area"] for row in kept] == [area for area, _ in understood]
    for row, (_, answers) in zip(kept, understood, strict=True):
        assert answers.items() <= row["answers"].items()
    assert kept[0]["place"] == kept[0]["person"]["address"] == "Số 5 Phan Đình Phùng"
    refused_rows = {row["row"]: row["vi"] for row in looked["refusals"]}
    for number, (_, said) in enumerate(GOODS, 2):
        assert not isinstance(said, str) or said in refused_rows[number], refused_rows

    cdc.post(f"/imports/{looked['id']}/start")
    worker(desk).drain()
    with desk.runtime.read() as unit:
        made = unit.all(select(model.cases.c.area, model.cases.c.place, model.cases.c.channel).order_by("id"))
    assert [tuple(row) for row in made] == [
        ("001", "Số 5 Phan Đình Phùng", "truc_tiep"), ("002", "", "truc_tiep"), (None, "Ngõ 1", "truc_tiep")
    ]  # fmt: skip
    assert count(desk, model.contacts) == count(desk, model.incidents) == 0


def test_a_list_is_imported_once_however_often_it_is_sent(hanoi: Hotline) -> None:
    first = sends(hanoi.as_("cdc"), cohort(3))
    assert (first.status_code, first.json["state"]) == (201, "waiting"), first.text
    assert sends(hanoi.as_("cdc"), cohort(3)).json["id"] == first.json["id"]
    worker(hanoi).drain()

    done = hanoi.as_("cdc").get(f"/imports/{first.json['id']}").json
    assert [done[name] for name in ("state", "created", "position", "refusals")] == ["done", 3, 3, []]
    assert sends(hanoi.as_("cdc"), cohort(3)).json["id"] == first.json["id"]
    longer = sends(hanoi.as_("cdc"), cohort(4)).json  # three are called already
    assert (longer["creatable"], longer["running"]) == (1, 3)
    worker(hanoi).drain()
    assert (count(hanoi, model.cases), count(hanoi, model.contacts)) == (4, 0)
    assert count(hanoi, model.import_rows) == 0


def test_who_dies_between_or_within_rows_has_done_each_once(hanoi: Hotline, monkeypatch: Any) -> None:
    sent = sends(hanoi.as_("cdc"), cohort(3)).json
    assert imports.step(hanoi.runtime)
    settle = imports._settle
    with monkeypatch.context() as patch:
        patch.setattr(imports, "_settle", lambda *given: (settle(*given), 1 / 0))
        with pytest.raises(ZeroDivisionError):
            imports.step(hanoi.runtime)
    assert count(hanoi, model.cases) == 1

    hanoi.clock.advance("1 minute")  # until then it might be another's
    worker(hanoi).drain()
    assert hanoi.as_("cdc").get(f"/imports/{sent['id']}").json["created"] == count(hanoi, model.cases) == 3


def test_workers_at_once_make_no_patient_twice(hanoi: Hotline, database_url: str) -> None:
    """Four of them, with a list of twelve people, and then one of them on a list of her own, six times."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer")
    alone = [f"{HEAD}\r\nLần {number},0900000099,001,40,".encode() for number in range(6)]
    sent = [sends(hanoi.as_("cdc"), content).json["id"] for content in (cohort(12), *alone)]

    def states() -> set[str]:
        with hanoi.runtime.read() as unit:
            return {row.state for row in unit.all(select(model.imports.c.state))}

    def works() -> None:
        while "waiting" in states():
            imports.step(hanoi.runtime)

    with ThreadPoolExecutor(4) as pool:
        for work in [pool.submit(works) for _ in range(4)]:
            work.result()

    told = [hanoi.as_("cdc").get(f"/imports/{number}").json for number in sent]
    assert [one["position"] for one in told] == [12, 1, 1, 1, 1, 1, 1]
    assert [sum(one[name] for one in told) for name in ("created", "running")] == [13, 5]
    assert (count(hanoi, model.cases), count(hanoi, model.import_rows)) == (13, 0)


def test_a_cancelled_import_keeps_what_it_made_and_no_personal_data(hanoi: Hotline) -> None:
    sent = sends(hanoi.as_("cdc"), cohort(3)).json
    imports.step(hanoi.runtime)
    with hanoi.runtime.read() as unit:
        kept = unit.all(select(model.import_rows).order_by(model.import_rows.c.position))
    assert [(row.state, bool(row.person), bool(row.answers)) for row in kept] == \
        [("created", False, False), ("waiting", True, True), ("waiting", True, True)]  # fmt: skip

    ended = hanoi.as_("cdc").post(f"/imports/{sent['id']}/cancel").json
    assert [ended[name] for name in ("state", "created", "position")] == ["cancelled", 1, 1]
    assert count(hanoi, model.import_rows) == 0
    assert not imports.step(hanoi.runtime) and count(hanoi, model.cases) == 1
    refused(hanoi.as_("cdc").post(f"/imports/{sent['id']}/cancel"), 409, "wrong-state")
    again = sends(hanoi.as_("cdc"), cohort(3)).json
    assert (again["id"] != sent["id"], again["creatable"]) == (True, 2)


def test_a_row_that_no_case_can_be_made_of_does_not_hold_up_the_others(hanoi: Hotline) -> None:
    sent = sends(hanoi.as_("cdc"), cohort(2)).json
    with hanoi.runtime.begin() as unit:
        rows, first = model.import_rows, model.import_rows.c.position == 2
        answers = unit.scalar(select(rows.c.answers).where(first))
        answers["tuoi"] = 300  # as if a newer version of the form took no such age
        unit.execute(update(rows).where(first).values(answers=answers))
    worker(hanoi).drain()

    done = hanoi.as_("cdc").get(f"/imports/{sent['id']}").json
    assert (done["state"], done["created"], [one["row"] for one in done["refusals"]]) == ("done", 1, [2])


@pytest.mark.parametrize(("content", "sentence"), [
    (b"", "empty"), (cohort(0), "no rows"), (cohort(1).decode().encode("utf-16"), "not UTF-8"),
    (b"PK\x03\x04zip", "no workbook"), (b"\xd0\xcf\x11\xe0", "protected workbook"),
    (workbook([HEAD.split(",")]), "no rows"), (packed("[Content_Types].xml", b"<x"), "no workbook"),
    (packed("xl/worksheets/sheet1.xml", bytes(51_000_000)), "unpacks to more than"),
    (b"T\xean,S\xd0T\r\na,0912345678", "not UTF-8"),
    (cohort(1, head="a,b"), "no column"), (cohort(1, head="SĐT,Điện thoại"), "same meaning"),
    (cohort(5001), "more than 5000"),
    (HEAD.encode() + b'\r\n"a,b', "no CSV"),
])  # fmt: skip
def test_a_file_that_is_no_list_is_refused_with_one_sentence(hanoi: Hotline, content: bytes, sentence: str) -> None:
    said = sends(hanoi.as_("cdc"), content)
    assert sentence in said.json["detail"] and said.status_code in (413, 422), said.text
    assert said.json["vi"].endswith(".") and not said.json["vi"].isascii()
    assert count(hanoi, model.imports) == 0


def test_the_office_imports_and_whom_the_type_names_for_their_own_area(hotline: Hotline) -> None:
    hanoi = takes_lists(takes_lists(hotline), "NYP", ("mttq", "mttq_01"), ("mttq_bd", "mttq_01_001"))
    sent = sends(hanoi.as_("cdc"), cohort(1), dry_run=True).json
    for login in ("bacsi", "mttq"):  # of another agency, and of one that another type names
        refused(sends(hanoi.as_(login), cohort(1)), 403, "not-allowed")
    refused(sends(hanoi.as_("vanphong"), cohort(1)), 403, "not-allowed")
    refused(hanoi.as_("vanphong").get(f"/imports/{sent['id']}"), 404, "not-found")
    assert hanoi.as_("vanphong").get("/imports").json["items"] == []
    assert "no [list]" in refused(sends(hanoi.as_("vanphong"), cohort(1), report_type="PAKN"), 422, "invalid-request")

    rows = "Lan,0912345671,Ba Đình,4", "Bình,0912345672,Hoàn Kiếm,2", "Chi,0912345673,,1"
    goods = "\r\n".join(("Chủ hộ,SĐT,Quận huyện,Số nhân khẩu", *rows)).encode()
    city = sends(hanoi.as_("mttq"), goods, dry_run=True, report_type="NYP").json
    assert (city["creatable"], city["refusals"]) == (3, [])
    district = hanoi.as_("mttq_bd")
    looked = sends(district, goods, dry_run=True, report_type="NYP").json
    at = f"/imports/{looked['id']}"
    assert [(row["row"], "Quận Ba Đình" in row["vi"]) for row in looked["refusals"]] == [(3, True)]
    assert [row["area"] for row in district.get(f"{at}/rows").json["items"]] == ["001", "001"]
    assert [one["id"] for one in district.get("/imports").json["items"]] == [looked["id"]]  # not the city's
    assert len(hanoi.as_("cdc").get("/imports").json["items"]) == 3
    refused(hanoi.as_("mttq").post(f"{at}/start"), 404, "not-found")
    district.post(f"{at}/start")
    worker(hanoi).drain()
    assert (district.get(at).json["created"], count(hanoi, model.incidents)) == (2, 0)


def test_a_list_can_be_sent_from_the_command_line(hanoi: Hotline, database_url: str, tmp_path: Path) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("the database makes no difference to the command")
    file, environment = tmp_path / "f0.csv", {"THONGSUOT_DATABASE": database_url, "THONGSUOT_INSTANCE": str(tmp_path)}
    file.write_bytes(cohort(2, "A,0900000000,001,40,", "B,12,001,40,"))

    def sends_file(*arguments: str) -> str:
        return CliRunner().invoke(main, ["import", str(file), "--type", "F0CD", *arguments], env=environment).output

    said = """\
  row 4: Trùng số điện thoại với dòng 2. (The telephone number is that of row 2.)
  row 5: Số điện thoại thiếu hoặc không gọi được: ghi như 0912345678. \
(The telephone number is missing or cannot be called: write it like 0912345678.)
4 rows: 2 to become cases, 0 have an open case, 2 refused, of which 1 for repeating a number
"""
    assert sends_file("--by", "cdc", "--dry-run") == f"{said}Nothing was done: a dry run.\n"
    assert sends_file("--by", "cdc") == f"{said}Import 2 is 'waiting': 0 of 2 made.\n"
    worker(hanoi).drain()
    assert sends_file("--by", "cdc").endswith("Import 2 is 'done': 2 of 2 made.\n")
    assert "are for the office, and for whom" in sends_file("--by", "bacsi")
    assert "Nobody here logs in as 'x'" in sends_file("--by", "x")
    assert count(hanoi, model.cases) == 2


def test_a_file_that_is_too_large_is_not_read(hanoi: Hotline, monkeypatch: Any) -> None:
    monkeypatch.setattr("engine.sheets.lists.BYTES_MAX", 100)
    assert "larger than 100 bytes" in refused(sends(hanoi.as_("cdc"), cohort(3)), 422, "invalid-request")


ANSWERED = {"lien_lac": "nghe_may", "trieu_chung_nang": "khong", "spo2": 97, "nhip_tho": 18, "da_khoi": "khong",
            "can_nhu_yeu_pham": "khong", "loi_dan": "Nghỉ ngơi"}  # fmt: skip


def test_patients_of_a_list_are_called_five_times_in_fourteen_days(hanoi: Hotline, database_url: str) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("the database makes no difference to the plan of calls")
    sends(hanoi.as_("cdc"), cohort(12))
    clerk, calls = worker(hanoi), 0
    for _ in range(15 * 24):
        clerk.drain()
        for task in hanoi.as_("bacsi").get("/tasks", limit=200).json["items"]:
            answer = hanoi.as_("bacsi").post(f"/tasks/{task['id']}/complete", {"answers": ANSWERED})
            assert answer.status_code == 200, answer.text
            calls += 1
        hanoi.clock.advance(timedelta(hours=1))

    with hanoi.runtime.read() as unit:
        outcomes = unit.all(select(model.cases.c.outcome, func.count()).group_by(model.cases.c.outcome))
    assert (calls, [tuple(row) for row in outcomes]) == (60, [("du_lich", 12)])


@pytest.mark.parametrize(("said", "told"), [
    ("[list]\nchannel = 'truc_tiep'", "Write channel, [list.person] and [list.answers]"),
    ("[list]\nchannel = 'truc_tiep'\nperson = {name = ['Tên']}\nanswers = {}", "who has no number cannot be called"),
    ("[list]\nchannel = 'truc_tiep'\nperson = {phone = 'SĐT'}\nanswers = {}", "the names that its column may have"),
    ("[list]\nchannel = 'web'\narea = 'Quận'\nperson = {phone = ['SĐT']}\nanswers = {}", "area = [\"…\"]"),
    ("[list]\nchannel = 'web'\nperson = {phone = ['SĐT']}\nanswers = {}\nfixed = 1", "under [list.fixed]"),
    ("[list]\nchannel = 'web'\nby = ['cdc_*']\nperson = {phone = ['SĐT']}\nanswers = {}", "no 'cdc_*'"),
    ("[list]\nchannel = 'web'\nperson = {phone = ['SĐT']}\nanswers = {}\nquan = ['Q']", "and nothing else"),
])  # fmt: skip
def test_the_gate_says_how_a_list_is_described(said: str, told: str) -> None:
    faults = check(package(SIMPLE, type=said))

    assert [fault for fault in faults if told in fault.message and fault.file == "type.toml"], faults
