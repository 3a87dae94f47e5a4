"""The provincial office's and the overseer's pages: counts that lead to their cases, what is stuck, questions."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from engine import queries
from engine.people import access, accounts
from engine.privacy import unmasking
from engine.queues import jobs, outbox
from engine.statistics import overview, recounts
from engine.work import backlog
from engine.work.worker import Worker
from tests.hotline import PHONE, TYPE, Hotline
from tests.visitor import Page, Visitor, refused, style_free
from webapi.ui import heat, stuck

PASSWORD = "mot-mat-khau-dai"
SAID = "Tụ tập đông người tại chợ"


def enters(hotline: Hotline, login: str) -> Visitor:
    with hotline.runtime.begin() as unit:
        accounts.change(unit, login, {"password": PASSWORD}, None)
    visitor = Visitor(hotline.app)
    visitor.sends(visitor.opens("/dang-nhap"), login=login, password=PASSWORD)
    return visitor


def numbers(page: Page) -> set[str]:
    return set(re.findall(r"1022\.BD\.\d{8}\.\d{5}", page.text))


@pytest.mark.parametrize(("login", "home"), [("vanphong", "/tinh"), ("mattran", "/giam-sat")])
def test_every_number_leads_to_exactly_that_many_cases(hotline: Hotline, login: str, home: str):
    late = hotline.assigned()
    hotline.waits(6)
    fresh = hotline.receives(area="719")
    who = enters(hotline, login)

    page = who.opens(home)
    links = page.find("//*[@id='counts']//a[contains(@href, '/vu-viec/')]")
    assert style_free(page) and len(links) > 8
    for link in links:
        behind = who.opens(link.get("href"))
        assert len(numbers(behind)) == int(link.text_content()), link.get("href")
    assert numbers(who.opens(f"{home}/vu-viec/late")) == {late}
    assert numbers(who.opens(f"{home}/vu-viec/open?by=area&key=719")) == {fresh}
    assert numbers(who.opens(f"{home}/vu-viec/open?by=agency&key=")) == {fresh}
    assert numbers(who.opens(f"{home}/vu-viec/open?by=agency&key=ubnd_74_718")) == {late}
    steps = {row.find("td").text_content(): row.xpath("td[2]")[0].text_content().strip()
             for row in page.find("//section[h2='Theo bước đang chờ']//tbody/tr")}  # fmt: skip
    assert steps == {"Xử lý · Phản ánh hiện trường": "1", "Phân công · Phản ánh hiện trường": "1"}
    assert numbers(who.opens(f"{home}/vu-viec/late?by=step&key=PAKN:xu_ly")) == {late}
    assert numbers(who.opens(f"{home}/vu-viec/open?by=step&key=PAKN:")) == set()
    english = [who.opens(f"{home}{more}?lang=en") for more in ("", "/vu-viec/open")]  # of both: one has no agency yet
    assert [one.status for one in english] == [200, 200] and "Bàu Bàng District" in english[1].text
    assert all("Thủ Dầu Một City People's Committee" in one.text for one in english)


def test_every_number_of_the_systems_queues_opens_its_rows(hotline: Hotline):
    numbered = hotline.assigned()
    hotline.waits(6)
    who = enters(hotline, "vanphong")
    with hotline.runtime.begin() as unit:
        unit.execute(text("UPDATE jobs SET attempts = 1, last_error = 'Timeout: away'"))
        queues = backlog.depth(unit)
        assert queues["jobs"]["due"] and queues["outbox"]["due"]

    tiles = {link.getparent().getprevious().text: link for link in who.opens("/tinh").find("//dl[@class='tiles']//a")}
    for label, queue in (("Việc đến giờ đang chờ", "jobs"), ("Việc cũ nhất đã chờ", "jobs"), ("Tin chờ gửi", "outbox")):
        behind = who.opens(tiles[label].get("href"))
        assert style_free(behind) and len(behind.find("//tbody/tr")) == queues[queue]["due"], label
        assert numbers(behind) == {numbered}
    assert jobs.claim(hotline.runtime, "w1", 1)
    assert outbox.claim(hotline.runtime, "w1", "sms", 1)
    held = who.opens(who.opens("/tinh/su-co").find("//dl[@class='tiles']//a")[-1].get("href"))
    assert len(held.find("//tbody/tr")) == 2 and "Timeout: away" in held.text
    # who answers for other districts sees how long the queues are, and none of what is in them
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "vanphong", {"areas": ["719"]}, None)
    abroad = who.opens("/tinh/hang-doi")
    assert numbers(abroad) == set() and "nữa thuộc tỉnh khác" in abroad.text


def test_very_many_cases_are_counted_now_and_then_and_the_page_says_when(hotline: Hotline, monkeypatch):
    monkeypatch.setattr(recounts, "A_SECOND", 1 / 60)  # each case is worth a minute
    hotline.receives()
    who, count = enters(hotline, "vanphong"), overview.show  # and is shown the page
    meanwhile: list[Page] = []

    def opened(page: Page) -> str:
        return page.find("//dl[@class='tiles']//dd")[0].text_content().strip()

    def counting(unit, account):
        monkeypatch.setattr(overview, "show", count)
        meanwhile.append(who.opens("/tinh"))
        return count(unit, account)

    hotline.receives()
    assert (opened(page := who.opens("/tinh")), "Đếm lúc" in page.text) == ("1", True)
    page = enters(hotline, "mattran").opens("/giam-sat")  # who sees others, for whom they are counted apart
    assert opened(page) == "2"
    hotline.waits(0.025)
    assert opened(who.opens("/tinh")) == "1"  # whoever opens it does not wait for the counting; the page does
    monkeypatch.setattr(overview, "show", counting)
    assert opened(who.opens("/tinh", **{"X-Poll": "1"})) == "2"
    assert opened(meanwhile[0]) == "1"  # nobody counts the same at the same time
    monkeypatch.setattr(recounts, "A_SECOND", 5_000)
    hotline.receives()
    hotline.waits(0.1)
    assert (opened(page := who.opens("/tinh")), "Đếm lúc" in page.text) == ("3", False)


def test_a_number_that_is_none_is_refused(hotline: Hotline):
    who = enters(hotline, "vanphong")

    for path in ("sai", "open?by=sai"):
        assert who.opens(f"/tinh/vu-viec/{path}").status == 422 or who.opens(f"/tinh/vu-viec/{path}").status == 400


@pytest.mark.parametrize("login", ["phuong", "mattran", "truc"])
def test_the_offices_pages_are_not_for_everybody(hotline: Hotline, login: str):
    who = enters(hotline, login)

    paths = ("/tinh", "/tinh/ket", "/tinh/vu-viec/open", "/tinh/hang-doi")
    assert [who.opens(path).status for path in paths] == [403] * 4


def test_a_step_that_cannot_be_taken_is_called_by_its_name():
    found = {"reason": "incident", "facts": {"element": "xu_ly", "message": "hỏng"}}
    package = SimpleNamespace(element_names={"xu_ly": "Xử lý"})

    assert stuck.why(found, package) == "Bước Xử lý không thực hiện được: hỏng"


def test_what_is_stuck_is_said_in_both_languages_and_can_be_helped_here(hotline: Hotline):
    number = hotline.assigned()
    hotline.waits(6)
    who = enters(hotline, "vanphong")

    page = who.opens("/tinh/ket")
    assert "Việc “Xử lý” của UBND thành phố Thủ Dầu Một đã quá hạn" in page.text and style_free(page)
    english = who.opens("/tinh/ket?lang=en").text
    assert "The task “Handle” of Thủ Dầu Một City People's Committee is overdue; claimed by: nobody." in english
    who.opens("/tinh/ket?lang=vi")
    extend, early = f"/tinh/ket/{number}/extend-case", "2021-09-01T08:00"
    assert f"{number}: Chưa gia hạn được" in refused(who, page, extend, until=early, reason="Mưa")
    colleagues = page.find(f"//form[@action='/tinh/ket/{number}/delegate-task']//option[@value != '']")
    assert [one.text_content() for one in colleagues] == ["Hoa (hoa)", "Phuong (phuong)"]
    body = dict(page.find(f"//form[@action='/tinh/ket/{number}/delegate-task']")[0].form_values()) | {"to": "phuong"}
    assert "Đã thực hiện: Giao đồng nghiệp" in who.posts(f"/tinh/ket/{number}/delegate-task", body).text
    (form,) = page.find(f"//form[@action='/tinh/ket/{number}/reassign-case']")
    at = page.find("//main//form").index(form)
    done = who.sends(page, form=at, agency="ubnd_74_719", reason="Đúng địa bàn")

    assert "Đã thực hiện: Giao cơ quan khác" in done.text
    assert hotline.case(number)["lead_agency"] == "ubnd_74_719"
    token = page.find("//meta[@name='csrf-token']/@content")[0]
    for action, body in (("extend-case", {"until": "mai"}), ("resend-letter", {"id": "x"}), ("sai", {})):
        answer = who.posts(f"/tinh/ket/{number}/{action}", body | {"csrf_token": token})
        assert answer.status in (400, 422), action


def test_the_overseer_sees_nothing_personal_and_asks(hotline: Hotline):
    number = hotline.assigned()
    who = enters(hotline, "mattran")

    pages = [who.opens(at) for at in ("/giam-sat", "/giam-sat/vu-viec/open", f"/giam-sat/{number}")]
    for page in pages:
        assert page.status == 200 and style_free(page)
        for secret in (SAID, "Nguyễn Văn Bình", PHONE, PHONE[1:], "+84"):
            assert secret not in page.source
    # this type's process takes no questions: the page does not offer to ask, and who asks nevertheless is refused
    assert pages[-1].find("//main//form") == [] and "không nhận câu hỏi mới" in pages[-1].text
    token = pages[-1].find("//meta[@name='csrf-token']/@content")[0]
    assert who.posts(f"/giam-sat/{number}/hoi", {"question": "Đã đến nơi chưa?", "csrf_token": token}).status == 422
    assert enters(hotline, "phuong").opens(f"/giam-sat/{number}").status in (403, 404)


def test_a_confidential_case_is_not_even_counted_for_the_overseer(hotline: Hotline):
    number = hotline.assigned()
    hotline.names("vanphong")
    with hotline.runtime.begin() as unit:
        unit.execute(text("UPDATE cases SET secrecy = 'C4' WHERE number = :number").bindparams(number=number))

    assert number not in enters(hotline, "mattran").opens("/giam-sat/vu-viec/open").text
    assert number in enters(hotline, "vanphong").opens("/tinh/vu-viec/open").text


def test_a_page_that_reloads_itself_does_not_keep_a_session_open(hotline: Hotline):
    who = enters(hotline, "vanphong")

    for _quarter in range(9):
        hotline.waits(0.25)
        page = who.opens("/tinh", **{"X-Poll": "1"})
    assert page.url.startswith("/dang-nhap")


def test_counting_finds_its_cases_by_an_index(hotline: Hotline):
    hotline.receives()
    with hotline.runtime.read() as unit:
        office = access.Account(1, "vanphong", "", "office", "vp_74", "74")
        for by in (overview._WHOSE, overview._AT):
            found = overview._running(unit, office, by)
            query = found.compile(unit.connection, compile_kwargs={"render_postcompile": True})
            if unit.connection.dialect.name == "sqlite":
                values = tuple(None for _ in range(str(query).count("?")))
                plan = unit.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
                assert not [row[3] for row in plan if row[3].startswith(("SCAN cases", "SCAN tasks"))]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_rare_is_found_without_looking_at_the_rest(hotline: Hotline):
    said: list[str] = []
    with hotline.runtime.read() as unit:
        office, driver = accounts.account(unit, "vanphong"), unit.connection.connection.driver_connection
        driver.set_trace_callback(said.append)
        unmasking.waiting(unit, office)
        queries.list_cases(unit, office, overview.wanted("open", "agency"))  # that no agency leads yet
        driver.set_trace_callback(None)
        first = [driver.execute(f"EXPLAIN QUERY PLAN {one}").fetchall()[0][3] for one in said]
    assert first[0].startswith("SCAN unmaskings") and "ix_cases_unled" in first[-1], first


def test_the_days_report_balances_and_every_number_of_it_opens_what_it_counts(hotline: Hotline):
    late, settled = hotline.assigned(), hotline.receives()
    with hotline.runtime.begin() as unit:
        unit.execute(text("UPDATE cases SET closed_at = opened_at WHERE number = :number").bindparams(number=settled))
    operator = hotline.as_("truc")
    for outcome, more in (("answered", {"topic": "Hỏi về gạo"}), ("missed", {}), ("missed", {"branch": "1"}),
                          ("answered", {"direction": "out"}), ("missed", {"direction": "out"})):  # fmt: skip
        said = {"channel": "dien_thoai", "outcome": outcome, "branch": "5.1"} | more
        assert operator.post("/contacts", said).status_code == 201
    hotline.waits(6)
    hotline.receives()
    who = enters(hotline, "vanphong")

    page = who.opens("/tinh/bao-cao?ky=2021-09-03&tu=2021-09")
    links = page.find("//main//table//td/a | //main//*[local-name()='svg']/a")
    assert "Báo cáo cân đối" in page.text and style_free(page) and len(links) > 25
    for link in links:
        [count] = re.findall(r"^\s*(\d+)", link.text_content())
        assert len(who.opens(link.get("href")).find("//tbody/tr")) == int(count), link.get("href")
    told = {name: page.find(f"//*[@id='{name}']")[0].text_content().strip()
            for name in ("received", "since-received", "line-missed", "line-calls_out", "line-consultations")}
    assert list(told.values()) == ["6", "6", "2", "2", "1"]
    hours = page.find("//*[local-name()='svg' and @class='hours']//*[local-name()='text'][not(@class)]")
    assert [one.text_content() for one in hours] == ["5", "1"]
    assert numbers(who.opens("/tinh/bao-cao/vu-viec?ky=2021-09-03&bang=by-type&cot=overdue")) == {late}

    only = who.opens("/tinh/bao-cao?ky=2021-09-03&phim=5.1")
    assert only.find("//*[@id='received']")[0].text_content().strip() == "2" and "Theo phím" not in only.text
    [missed] = only.find("//*[@id='line-missed']/a")
    assert len(who.opens(missed.get("href")).find("//tbody/tr")) == int(missed.text_content()) == 1
    english = who.opens("/tinh/bao-cao?ky=2021-09-03&lang=en").text
    assert "In balance" in english and "Missed, given up" in english and "Open, overdue" in english
    assert "Telephone" in english and "Điện thoại" not in english
    files = [who.client.get(f"/tinh/bao-cao{kind}?ky=2021-09-03").status_code for kind in (".csv", ".xlsx")]
    assert files == [200, 200]
    for unread in ("?ky=sai", "?ky=2021-09-03&tu=x"):  # said on the page of a period that there is
        page = who.opens(f"/tinh/bao-cao{unread}")
        assert "No period is written like that." in page.text and page.find("//*[@id='received']")
    assert [one.rpartition("ky=")[2] for one in page.find("//a[@rel]/@href")] == ["2021-09-01", "2021-09-03"]
    for wrong in ("bao-cao/cuoc-goi?ky=2021-09-03&line=x", "bao-cao/vu-viec?ky=2021-09-03&bang=by-type&cot=x"):
        assert who.opens(f"/tinh/{wrong}").status == 422, wrong
    assert who.opens("/tinh/bao-cao/vu-viec?ky=2021-09-03&bang=x").status == 404


def test_who_only_counts_is_shown_no_hours_no_cases_and_no_links(hotline: Hotline):
    hotline.receives()
    overseer = enters(hotline, "mattran")

    page = overseer.opens("/tinh/bao-cao?ky=2021-09-03")
    assert page.status == 200 and not page.find("//main//td//a | //*[@class='hours'] | //select")
    for path in ("bao-cao?ky=2021-09-03&phim=1", "bao-cao/cuoc-goi?ky=2021-09-03",
                 "bao-cao/vu-viec?ky=2021-09-03&bang=by-type&cot=open"):  # fmt: skip
        assert overseer.opens(f"/tinh/{path}").status == 403, path
    assert enters(hotline, "phuong").opens("/tinh/bao-cao").status == 403


def test_the_heat_map_says_in_words_what_it_draws_and_leads_to_the_cases(hotline: Hotline):
    late, fresh = hotline.assigned(), hotline.receives()
    hotline.waits(4.5)
    worker = Worker(hotline.runtime, {})
    worker.work()
    worker.link()
    hotline.deploys(type__toml=TYPE.format(secrecy="C1"))
    who = enters(hotline, "vanphong")

    newest = who.opens(who.opens("/tinh").find("//a[contains(@href, '/so-do/')]/@href")[0])
    assert "Chưa có vụ việc nào đi qua phiên bản này" in newest.text and style_free(newest)
    page = who.opens("/tinh/so-do/PAKN?phien_ban=1")
    (handling,) = [row for row in page.find("//tbody/tr") if "Xử lý" in row.text_content()]
    now, breached = handling.xpath(".//a")
    assert (now.text_content(), breached.text_content()) == ("1", "1")
    for link in (now, breached):
        assert numbers(who.opens(link.get("href"))) == {late}
    (waiting,) = [row for row in page.find("//tbody/tr") if "Phân công" in row.text_content()]
    assert numbers(who.opens(waiting.xpath(".//a/@href")[0])) == {fresh}
    assert not numbers(who.opens(f"{now.get('href')}&tu=2021-09-04"))

    assert heat.levels({"a": 1, "b": 8, "c": 0}) == {"a": 1, "b": 4}
    for path, status in (("X", 404), ("PAKN?phien_ban=9", 404), ("PAKN?tu=mai", 422), ("PAKN/1/vu-viec/sai", 422)):
        assert who.opens(f"/tinh/so-do/{path}").status == status, path
    refused = [enters(hotline, "mattran").opens(f"/tinh/so-do/PAKN{more}").status for more in ("", "/1/so-do.bpmn")]
    assert refused == [403, 403]
