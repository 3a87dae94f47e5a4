"""The analyst's pages: versions and who decides about them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from engine import packages
from engine.errors import InvalidRequest
from engine.files import folders
from engine.flow.check import check
from engine.flow.draft import PROVINCE as SETTINGS
from engine.model import cases
from engine.versions import drafts
from engine.versions.diffs import Change, Difference
from engine.work.worker import Worker
from tests.drawing import draw
from tests.hotline import ASKS, LIFE, Hotline, package
from tests.sources import ROOT
from tests.test_activations import states, version
from tests.test_ui_office import enters
from tests.visitor import Page, Visitor, refused, style_free
from webapi.rehearsal import apart
from webapi.ui import comparing, rehearsing

SEEN = "/so-sanh?moi=2"  # what version 2 changes


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path, sqlite_template):
    """It is about the pages: the engine's functions are tested on both."""
    import shutil

    return f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'thongsuot.db')}"


@pytest.fixture
def careful(hotline: Hotline) -> Hotline:
    """A hotline whose province asks for approval, and has two analysts."""
    hotline.asks_for_approval()
    return hotline


def decides(who: Visitor, number: int, step: str, at: str = "", **values: str) -> Page:
    page = who.opens(f"/quy-trinh/PAKN{at}")
    offered = [form.get("action") for form in page.find("//main//form")]
    return who.sends(page, form=offered.index(f"/quy-trinh/PAKN/{number}/{step}"), **values)


def test_a_version_is_approved_by_another_and_the_one_before_put_in_force_again(careful: Hotline):
    careful.receives()
    mine, other = enters(careful, "phantich"), enters(careful, "lan")
    sent = careful.as_("phantich").post("/deployments", version("Giải quyết") | {"province.toml": ASKS})
    which = sent.json["id"]

    listed = other.opens("/quy-trinh")
    assert "phiên bản 2 chờ duyệt" in listed.text and style_free(listed)
    assert [one.text for one in listed.find("//td/a[contains(@href, 'by=type')]")] == ["1"]
    assert not mine.opens("/quy-trinh/PAKN").find("//form[contains(@action, '/duyet')]")  # not without having seen it
    page = mine.opens(f"/quy-trinh/PAKN{SEEN}")
    assert "một người khác phải duyệt" in page.text and style_free(page)
    token = page.find("//meta[@name='csrf-token']/@content")[0]
    own = mine.posts(f"/quy-trinh/PAKN/{which}/duyet", {"csrf_token": token, "reason": "Tự duyệt"})
    assert "phải là một người khác" in own.text
    compared = other.opens(f"/quy-trinh/PAKN{SEEN}")
    assert "hãy ghi lý do" in refused(other, compared, f"/quy-trinh/PAKN/{which}/duyet", reason=" ")
    assert "Đã duyệt." in decides(other, which, "duyet", SEEN, reason="Đúng quy trình").text
    assert states(careful) == {2: "current", 1: "past"}

    careful.clock.now += timedelta(minutes=1)
    back = decides(mine, 1, "ap-dung", reason="Quay lại")
    assert "Đã áp dụng." in back.text and "Quay lại" in back.text
    assert states(careful) == {2: "past", 1: "current"}
    again = mine.posts(f"/quy-trinh/PAKN/{which}/duyet", {"csrf_token": token, "reason": "Lần nữa"})
    assert "không còn chờ duyệt" in again.text
    assert "từ bây giờ trở đi" in decides(mine, which, "ap-dung", reason="Mai", **{"from": "2021-01-01T08:00"}).text
    assert "đã ngừng dùng" in decides(mine, which, "ngung", reason="Sai").text.lower()
    assert "Sai" in mine.opens("/quy-trinh/PAKN").text
    assert "Use it again" in mine.opens("/quy-trinh/PAKN?lang=en").text


def told(page: Page) -> dict[str, list[str]]:
    """The changes that a page tells, by their kind."""
    lists = page.find("//ul[contains(@class, 'changes')]")
    return {one.getprevious().text.strip(): [" ".join(row.text_content().split()).removesuffix(" Xem trên sơ đồ")
                                             for row in one] for one in lists}  # fmt: skip


def marked(page: Page) -> dict[str, dict[str, str]]:
    return {one.get("data-diagram").rpartition("so-sanh/")[2]: json.loads(one.get("data-marks"))
            for one in page.find("//*[@data-marks]")}  # fmt: skip


def test_what_a_version_changes_is_told_and_marked_with_what_it_is_for_running_cases(hotline: Hotline):
    number = hotline.receives()
    who, analyst = enters(hotline, "phantich"), hotline.as_("phantich")
    alone = who.opens("/quy-trinh/PAKN/so-sanh")
    assert "Chưa có phiên bản nào khác" in alone.text and not who.opens("/quy-trinh/PAKN").find("//td//a[.='So sánh']")
    life = LIFE.replace('user tiep_nhan "Phân công"', 'user duyet "Duyệt" group=vp_74\nuser nhan "Tiếp nhận"')
    life = life.replace("da_nhan -> tiep_nhan", "da_nhan -> duyet -> nhan")
    life = life.replace("tra_lai -> tiep_nhan", "tra_lai -> nhan")
    form = package()["ket_qua.form"].replace('"maxLength": 2000', '"maxLength": 900')
    analyst.post("/deployments", package(process__bpmn=draw(life, "PAKN"), ket_qua__form=form))

    back = who.opens("/quy-trinh/PAKN/so-sanh?moi=1")  # of what is no longer in force: what going back would change
    assert "so với phiên bản 2" in back.text and "Không có vụ việc nào" in impact_of(who, back).text
    page = who.opens("/quy-trinh/PAKN/so-sanh?moi=2&cu=1")
    assert told(page)["Bước và sự kiện"][-1] == "− Bỏ bước “Phân công”."
    assert "+ Thêm bước “Duyệt”." in told(page)["Bước và sự kiện"] and told(page)["Câu hỏi"][0].startswith("± ")
    assert marked(page) == {
        "2/process.bpmn": {"duyet": "added", "nhan": "added", "da_nhan": "changed", "tra_lai": "changed",
                           "xu_ly": "changed"},
        "1/process.bpmn": {"tiep_nhan": "removed", "da_nhan": "changed", "tra_lai": "changed", "xu_ly": "changed"},
    }  # fmt: skip
    looked = impact_of(who, page)
    impact = looked.find("//*[@id='impact']")[0].text_content()
    assert "1 phản ánh đang chạy; 0 chuyển được, 1 không." in impact and "Vụ việc đang ở 'Phân công'" in impact
    assert looked.find(f"//*[@id='impact']//a[.='{number}']") and style_free(looked) and style_free(page)
    drawn = [who.client.get(f"/quy-trinh/PAKN/so-sanh/{one}/process.bpmn").text for one in "12"]
    assert [("Phân công" in one, "Tiếp nhận" in one) for one in drawn] == [(True, False), (False, True)]
    english = who.opens("/quy-trinh/PAKN/so-sanh?moi=2&cu=1&lang=en")
    assert "The step “Duyệt” was added." in english.text
    assert "1 running; 0 can move, 1 cannot." in impact_of(who, english).text
    at = "/quy-trinh/PAKN/so-sanh"
    assert [who.opens(at + one).status for one in ("?moi=9", "?cu=9", "?moi=x", "/9/process.bpmn", "/1/type.toml",
                                                   "/nhap/khong.bpmn")] == [404] * 6  # fmt: skip


def test_running_cases_are_moved_where_versions_are_compared_first_one_then_all_and_back(hotline: Hotline):
    for _one in range(2):
        hotline.receives()
    who, worker = enters(hotline, "phantich"), Worker(hotline.runtime, {})
    life = LIFE.replace('user tiep_nhan "Phân công"', 'user phan_cong "Phân công"').replace("tiep_nhan", "phan_cong")
    hotline.deploys(process__bpmn=draw(life, "PAKN"))  # another id, the same step: the comparison knows
    seen = "/quy-trinh/PAKN/so-sanh?moi=2&cu=1"
    assert not who.opens("/quy-trinh/PAKN/so-sanh?moi=nhap").find("//form[@action='/quy-trinh/PAKN/chuyen']")

    def does(page: Page, to: str, **values: str) -> Page:
        return who.sends(page, form=[one.get("action") for one in page.find("//main//form")].index(to), **values)

    asked = who.opens(seen)
    assert asked.find("//select[@name='tu']/option/text()") == ["1 · 2 vụ việc đang mở"] and style_free(asked)
    silent = does(asked, "/quy-trinh/PAKN/chuyen", reason=" ")
    assert "hãy ghi lý do" in silent.text and silent.find("//details[@open]")
    begun = does(asked, "/quy-trinh/PAKN/chuyen", reason="Đổi mã bước", **{"thu-truoc": "1"})
    assert "đang chuyển" in begun.text and begun.find("//*[@id='moving']/@hx-get") and begun.find("//progress")
    assert "một lần chuyển khác" in does(asked, "/quy-trinh/PAKN/chuyen", reason="Lần nữa").text

    worker.drain()
    tried = who.opens(begun.url)
    assert "đã thử, chờ ông (bà)" in tried.text and counted(tried) == ["Còn chờ", "1", "Đã chuyển", "1"]
    assert style_free(tried)
    at = begun.url.partition("?")[0]
    does(tried, f"{at}/di-tiep")
    worker.drain()
    listed = who.opens("/quy-trinh/PAKN")
    assert [one.text for one in listed.find("//td[@class='number']")] == ["2", "0"]  # open cases, the newest first
    assert listed.find(f"//a[@href='{at}'][.='từ phiên bản 1 sang 2']") and "đã xong" in listed.text

    does(who.opens(at), f"{at}/chuyen-lai")
    worker.drain()
    back = who.opens(f"{at}?lang=en")
    assert counted(back) == ["Moved back", "2"] and not back.find("//main//form")
    assert [one.text for one in who.opens("/quy-trinh/PAKN").find("//td[@class='number']")] == ["0", "2"]
    assert "in another state by now" in does(tried, f"{at}/dung").text
    assert [who.opens(one).status for one in (f"{at}9", at.replace("PAKN", "KHAC"))] == [404, 404]
    assert enters(hotline, "vanphong").opens(at).status == 404  # the office does not move cases


def counted(page: Page) -> list[str]:
    return [one.text for one in page.find("//dl/*")]


def impact_of(who: Visitor, page: Page) -> Page:
    """What htmx would ask for when the page is there."""
    return who.opens(page.find("//*[@id='impact']/@hx-get")[0])


def test_many_running_cases_are_looked_at_some_at_a_time(hotline: Hotline, monkeypatch: pytest.MonkeyPatch):
    numbers = [hotline.receives() for _one in range(3)]
    life = LIFE.replace("tiep_nhan", "nhan").replace('user nhan "Phân công"', 'user nhan "Nhận"')
    who = enters(hotline, "phantich")
    hotline.as_("phantich").post("/deployments", package(process__bpmn=draw(life, "PAKN")))
    monkeypatch.setattr(comparing, "AT_ONCE", 2)

    first = impact_of(who, who.opens("/quy-trinh/PAKN/so-sanh?moi=2&cu=1"))
    assert "Đã xem 2 trong 3 vụ việc." in first.text and first.find("//progress/@value") == ["2"]
    last = impact_of(who, first)
    assert "3 phản ánh đang chạy; 0 chuyển được, 3 không." in last.text and not last.find("//progress")
    assert [one.text for one in last.find("//*[@id='impact']//li/a")] == numbers
    lied = who.opens("/quy-trinh/PAKN/so-sanh/anh-huong?moi=2&cu=1&da-xem=[1,2,{}]")
    assert "Đã xem 2 trong 3 vụ việc." in lied.text


def test_only_steps_come_and_go_in_a_diagram_and_one_that_moved_to_another_file_does_both():
    same = packages.Package(package())
    changes = [Change(kind, how, None, file, element, [element], "", "") for kind, how, file, element in (
        ("step", "added", "goi.bpmn", "xu_ly"), ("question", "removed", "phan_cong.form", "tiep_nhan"),
        ("deadline", "added", "type.toml", "xu_ly"), ("step", "removed", "process.bpmn", "xu_ly"))]  # fmt: skip

    newer, older = comparing.drawings(Difference(same, same, changes, {}, "", ""), "2")
    assert newer.marks == {"xu_ly": "added", "tiep_nhan": "changed"}
    assert older.marks == {"xu_ly": "removed", "tiep_nhan": "changed"}


def writes(who: Visitor, change: Callable[[str], str], file: str = "type.toml") -> None:
    """Change a file of the draft."""
    page = who.opens(f"/quy-trinh/PAKN/nhap/{file}?dang=van-ban")
    text = page.find("//textarea")[0].text.removeprefix("\n")
    assert who.sends(page, text=change(text), seen=page.find("//input[@name='seen']/@value")[0]).status == 200


def test_a_draft_tells_what_it_changes_in_the_version_in_force(hotline: Hotline):
    who = enters(hotline, "phantich")
    draft, compared = "/quy-trinh/PAKN/nhap", "/quy-trinh/PAKN/so-sanh"
    assert not who.opens(draft).find("//*[@id='changes']")

    writes(who, lambda text: text.replace('"PT4H"', '"PT9H"'))
    assert [who.opens(at).text.count("sửa hết lỗi thì mới so sánh được") for at in (draft, compared)] == [1, 1]
    writes(who, lambda text: "# đọc lại\n" + text.replace('"PT9H"', '"PT4H"'))
    assert "chỉ khác cách vẽ" in who.opens(draft).text and "Chỉ khác cách vẽ" in who.opens(compared).text
    writes(who, lambda text: text.replace('"PT4H"', '"PT3H"'))
    there, here = who.opens(draft), who.opens(f"{compared}?moi=nhap")
    assert told(there) == told(here) == {"Thời hạn": ["± Thời hạn “xu_ly”: thời hạn đổi từ PT4H thành PT3H."]}
    assert marked(here) == {"nhap/process.bpmn": {"xu_ly": "changed"}} and style_free(there) and style_free(here)
    assert "Hai phiên bản giống hệt nhau." in who.opens(f"{compared}?moi=1&cu=1").text
    assert who.client.get(f"{compared}/nhap/process.bpmn").mimetype == "application/xml"


@pytest.mark.parametrize("login", ["phuong", "mattran", "vanphong"])
def test_report_types_are_for_who_may_deploy_them(hotline: Hotline, login: str):
    who = enters(hotline, login)

    pages = ("", "/PAKN", "/PAKN/so-sanh", "/PAKN/so-sanh/1/process.bpmn", "/PAKN/so-sanh/nhap/process.bpmn")
    assert [who.opens(f"/quy-trinh{at}").status for at in pages] == [403] * 5
    assert enters(hotline, "quantri").opens("/quy-trinh/KHAC").status == 404


STORY = """
title = "Xử lý xong"
[report]
channel = "dien_thoai"
area = "718"
answers = { noi_dung = "Tụ tập đông người" }
[[steps]]
who = "tongdai_74"
task = "tiep_nhan"
answers = { lead_agency = "ubnd_74_718" }
then = { status = "dang_xu_ly", tasks = { xu_ly = "ubnd_74_718" } }
[[steps]]
wait = "2 hours"
"""


@pytest.fixture
def stories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The stories that lie beside the report type: one that goes as it says, one that does not, one that is none."""
    told = {"bat_dau": STORY, "sai": STORY.replace('status = "dang_xu_ly"', 'status = "moi"'), "thieu": "[report]"}
    for name, story in told.items():
        (tmp_path / f"{name}.toml").write_text(story, encoding="utf-8")
    monkeypatch.setattr(rehearsing, "stories", lambda code: [tmp_path / f"{name}.toml" for name in told])
    return told


def plays_on(who: Visitor, page: Page) -> Page:
    """Press the button until all are played."""
    while page.find("//*[@id='cover']//form"):
        page = who.sends(page)
    return page


def test_all_stories_are_played_and_tell_what_of_the_diagram_none_of_them_takes(
    hotline: Hotline, stories: dict[str, str]
):
    who = enters(hotline, "phantich")
    page = who.opens("/quy-trinh/PAKN/chay-thu")
    assert 'title = "Xử lý xong"' in page.find("//textarea")[0].text  # the first one is there to be played

    begins = who.opens(page.find("//a[contains(., 'Chạy thử cả 3 kịch bản')]/@href")[0])
    assert "Đã chạy 0 trong 3 kịch bản." in begins.text and not begins.find("//h3") and style_free(begins)
    (form,) = begins.find("//*[@id='cover']//form")
    assert form.get("hx-trigger") == "load" and form.get("hx-post") == form.get("action")
    held = who.opens(f"{form.get('action')}&dung=1").find("//*[@id='cover']//form")[0]
    assert held.get("hx-trigger") is None  # stopped: it goes on when it is asked to

    found = plays_on(who, begins)
    (card,) = found.find("//*[@id='cover']")
    said = " ".join(card.text_content().split())
    assert "1 trên 3 kịch bản đi đúng như đã kể" in said and style_free(found)
    assert [one.text for one in card.xpath("./ul/li/a")] == ["sai", "thieu"] and "không phải 'moi'" in said
    untaken = json.loads(card.xpath(".//@data-marks")[0])
    assert "xu_ly" in untaken and "tiep_nhan" not in untaken
    assert card.xpath(".//a[@href='/quy-trinh/PAKN/nhap/process.bpmn?chon=bao_ket_qua']")


def test_what_came_of_the_stories_stands_in_the_address_until_the_draft_changes(
    hotline: Hotline, stories: dict[str, str]
):
    who, office = enters(hotline, "phantich"), enters(hotline, "vanphong")
    there = plays_on(who, who.opens("/quy-trinh/PAKN/chay-thu/tat-ca"))

    again = enters(hotline, "quantri").opens(there.url)  # a colleague, whom it was sent
    assert "1 trên 3 kịch bản" in again.text and not again.find("//*[@id='cover']//form")
    assert office.opens(there.url).status == 403
    assert "Đã chạy 0 trong 3" in who.opens(there.url.replace("da-chay=", "da-chay=x")).text  # nobody makes one up
    writes(who, lambda text: text.replace('"PT4H"', '"PT3H"'))
    assert "Đã chạy 0 trong 3" in who.opens(there.url).text
    writes(who, lambda text: text.replace('"PT3H"', '"PT9H"'))
    assert "còn lỗi" in who.opens(there.url).text


def test_no_request_plays_stories_for_long(stories: dict[str, str]):
    few = apart.play_some([package()], "PAKN", [*stories.values()], within=0)
    assert few["whys"] == [None]
    every = apart.play_some([package()], "PAKN", [*stories.values()])
    assert [why is None for why in every["whys"]] == [True, False, False]
    assert set(every["untaken"]) <= set(few["untaken"])


def test_a_story_is_played_with_the_draft_and_tells_the_way_of_its_case(hotline: Hotline):
    who = enters(hotline, "phantich")
    page = who.opens("/quy-trinh/PAKN/chay-thu")

    good = who.sends(page, story=STORY)
    assert "đi đúng như đã kể" in good.text and style_free(good)
    assert [row.xpath("string(td[2])") for row in good.find("//tbody/tr")][-1] == "Xử lý"
    assert "đang ở đây" in good.text and hotline.as_("vanphong").get("/cases").json["items"] == []
    bad = who.sends(page, story=STORY.replace('status = "dang_xu_ly"', 'status = "moi"'))
    assert "không đi như đã kể" in bad.text and "trạng thái của vụ việc là 'dang_xu_ly', không phải 'moi'" in bad.text
    for wrong, words in ((" ", "Hãy chọn hoặc viết"), ("title = ", "cannot be read"), ("[report]", "no [report] with")):
        refused = who.sends(page, story=wrong)
        assert refused.status == 422 and words in refused.text, words
    assert enters(hotline, "vanphong").opens("/quy-trinh/PAKN/chay-thu").status == 403
    with pytest.raises(InvalidRequest, match="longer than 0.05 seconds"):
        apart.play([package()], "PAKN", STORY, seconds=0.05)


def test_a_draft_is_written_sent_and_given_up_without_any_script(careful: Hotline):
    mine, other = enters(careful, "phantich"), enters(careful, "lan")
    page, hers = (who.opens("/quy-trinh/PAKN/nhap/type.toml") for who in (mine, other))
    before = page.find("//textarea")[0].text.removeprefix("\n")
    seen = page.find("//input[@name='seen']/@value")[0]

    mine.sends(page, text=before.replace("\n", "\r\n"), seen=seen)
    assert "Không có gì thay đổi" in sends_draft(mine).text
    wrong = mine.sends(page, text=before.replace('"PT4H"', '"PT9H"'), seen=seen)
    assert [one.get("data-severity") for one in wrong.find("//*[@id='verdict']//li")] == ["error"]
    assert "bản nháp của phantich" in other.opens("/quy-trinh").text
    late = other.sends(hers, text="code = ", seen=seen)
    assert late.status == 422 and "phantich vừa thay đổi" in late.text
    assert late.find("//textarea")[0].text.strip() == "code ="  # what was written is still there
    assert "bản nháp còn lỗi" in sends_draft(mine).text
    assert mine.opens("/quy-trinh/PAKN/nhap/khong_co.form").status == 404
    assert not mine.opens("/quy-trinh/PAKN/nhap/province.toml").find("//main//form")

    draft = mine.opens("/quy-trinh/PAKN/nhap")
    actions = [form.get("action") for form in draft.find("//main//form")]
    mine.sends(draft, form=actions.index("/quy-trinh/PAKN/nhap-bo"))
    added = mine.sends(draft, form=actions.index("/quy-trinh/PAKN/nhap-them"), name="ghi_chep", kind="form")
    assert added.url.endswith("/nhap/ghi_chep.form") and "Biểu mẫu chưa hỏi gì" in added.text and style_free(added)
    again = refused(mine, draft, "/quy-trinh/PAKN/nhap-them", name="ghi_chep", kind="form")
    assert again == "Đã có tệp ghi_chep.form: hãy đặt tên khác."
    assert "chờ một người khác duyệt" in sends_draft(mine).text
    assert states(careful) == {2: "parked", 1: "current"}
    assert "Change the diagram" in mine.opens("/quy-trinh/PAKN?lang=en").text


def sends_draft(who: Visitor) -> Page:
    page = who.opens("/quy-trinh/PAKN/nhap")
    at = [form.get("action") for form in page.find("//main//form")].index("/quy-trinh/PAKN/nhap-gui")
    return who.sends(page, form=at)


@pytest.mark.parametrize("like", ["PAKN", "trong:74"])
def test_a_report_type_that_is_not_there_yet_is_begun_written_deployed_and_used(hotline: Hotline, like: str):
    who = enters(hotline, "phantich")
    new = who.opens(who.opens("/quy-trinh").find("//a[.='Thêm loại phản ánh']/@href")[0])
    assert style_free(new) and new.find("//option/@value") == ["trong:74", "PAKN"]
    for wrong, sentence in (({"code": "pakn"}, "chữ hoa không dấu"), ({"code": "PAKN"}, "chưa loại nào dùng"),
                            ({"vi": " "}, "ghi tên"), ({"like": "trong:01"}, "bắt đầu từ đâu")):  # fmt: skip
        again = who.sends(new, **{"code": "MOI", "vi": "Việc mới", "en": "", "like": like} | wrong)
        assert again.status == 422 and any(sentence in one for one in again.faults), (wrong, again.faults)

    draft = who.sends(new, code="MOI", vi='Việc "mới" & lạ', en="New things", like=like)
    assert draft.url == "/quy-trinh/MOI/nhap" and "không có lỗi" in draft.text and style_free(draft)
    assert who.opens("/quy-trinh/MOI").url == draft.url and 'Việc "mới" & lạ' in who.opens("/quy-trinh").text
    assert "bản nháp của phantich" in who.opens("/quy-trinh").text
    assert who.sends(new, code="MOI", vi="Lại", like=like).status == 422  # it is taken now
    for path in ("process.bpmn", "type.toml"):
        assert who.opens(f"{draft.url}/{path}").status == 200
    assert enters(hotline, "vanphong").opens(draft.url).status == 403
    told = who.sends(who.opens("/quy-trinh/MOI/chay-thu"), story=STORY)
    assert "không đi như đã kể" in told.text or "đi đúng như đã kể" in told.text

    at = [form.get("action") for form in draft.find("//main//form")].index("/quy-trinh/MOI/nhap-gui")
    assert "Đã gửi phiên bản 1." in who.sends(draft, form=at).text
    report = {"report_type": "MOI", "channel": "dien_thoai", "area": "718", "answers": {"noi_dung": "Hết gạo"},
              "reporter": {"phone": "0912345678"}}  # fmt: skip
    assert hotline.as_("truc").post("/reports", report).status_code == 201


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_new_report_type_that_was_given_up_was_never_there(hotline: Hotline):
    who = enters(hotline, "phantich")
    draft = who.sends(who.opens("/quy-trinh/moi"), code="MOI", vi="Mới", like="trong:74")
    at = [form.get("action") for form in draft.find("//main//form")].index("/quy-trinh/MOI/nhap-bo")

    assert "Đã bỏ bản nháp." in who.sends(draft, form=at).text
    assert who.opens("/quy-trinh/MOI/nhap").status == who.opens("/quy-trinh/MOI").status == 404


def test_a_copy_of_a_shipped_type_is_the_same_under_another_name():
    for folder in ("binh_duong/BDTT", "ha_noi/NYP"):
        shipped = packages.Package(folders.read(ROOT / "bpmn" / folder))
        files = drafts.copied(shipped, "MOI", {"vi": "Mới", "en": "New"})
        files[SETTINGS] = shipped.files[SETTINGS]
        assert not [one for one in check(files) if one.severity == "error"]
        copy = packages.Package(files)
        assert (copy.code, copy.name) == ("MOI", {"vi": "Mới", "en": "New"})
        assert not [name for name, text in files.items() if name != SETTINGS and f'"{shipped.code}"' in text]


def test_closed_cases_are_played_once_more_with_a_version(hotline: Hotline):
    ended, untrue = hotline.settled(), hotline.settled("khong_dung")
    who = enters(hotline, "phantich")
    life = LIFE.replace("-> bao_ket_qua -> cho", "-> ghi -> bao_ket_qua -> cho")
    life += 'script ghi "Ghi sổ" script="da_ghi = 1"'
    hotline.deploys(process__bpmn=draw(life, "PAKN"))

    (link,) = who.opens(f"/quy-trinh/PAKN{SEEN}").find("//a[.='Thử với vụ việc đã đóng']/@href")
    asked = who.opens(link)
    assert asked.find("//input[@type='date']/@value") == ["2021-08-01", "2021-08-31"] and style_free(asked)
    assert not asked.find("//*[@id='replay']")
    month = f"{link}&tu=2021-09-01&den=2021-09-30"
    working = who.opens(month)
    (fetched,) = working.find("//section[@id='replay'][@hx-trigger='load']//a/@href")
    assert "Đang phát lại…" in working.text and working.find("//progress")

    page = who.opens(fetched)

    (card,) = page.find("//section[@id='replay']")
    said = " ".join(card.text_content().split())
    assert "2 vụ việc: 0 diễn ra y như cũ." in said and "Đường đi: 2 vụ việc" in said, said
    assert "2 vụ việc: Thêm “Ghi sổ”." in said and "Quá hạn:" not in said and style_free(page)
    assert {ended, untrue} == {one.text for one in card.xpath(".//li/a")}
    assert "Also “Ghi sổ”." in who.opens(f"{fetched}&lang=en").text
    with hotline.runtime.begin() as unit:
        unit.execute(update(cases).where(cases.c.number == untrue).values(breached_at=unit.now))  # as never happened
    (card,) = who.opens(f"{fetched}&lang=vi").find("//section[@id='replay']")
    said = " ".join(card.text_content().split())
    assert "Đường đi: một vụ việc" in said and "Không phát lại được: một vụ việc" in said, said
    assert f"trong chính phiên bản của nó không ra như đã ghi. {untrue}" in said, said
    writes(who, lambda text: text.replace("Ghi sổ", "Ghi sổ lưu"), "process.bpmn")
    drafted = who.opens(fetched.replace("moi=2", "moi=nhap"))  # what nobody has sent yet
    assert "Bản nháp" in drafted.text and "một vụ việc: Thêm “Ghi sổ lưu”." in drafted.text
    empty = who.opens(fetched.replace("2021-09", "2021-07").replace("07-30", "07-31") + "&lang=vi")
    assert "Không có vụ việc nào đóng trong thời gian này." in empty.text
    assert "Ngày đầu phải trước" in who.opens(f"{link}&tu=2021-09-02&den=2021-09-01").text
    assert "Hãy ghi ngày như" in who.opens(f"{link}&tu=hôm-qua").text
    assert who.opens(fetched.replace("moi=2", "moi=9")).status == 404
    assert enters(hotline, "phuong").opens(fetched).status == 403
