"""The administrator's pages: people, passwords, tokens; agencies, calendars, texts, and who did what."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update

from engine import model
from tests import visitor
from tests.browser import PHONE, Site
from tests.hotline import TYPE, Hotline, refused
from tests.test_ui_office import PASSWORD, SAID, enters
from tests.visitor import Page, Visitor, style_free

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is asked is in test_api_*
PAGES = ("", "/nhat-ky/cua-vao", "/nguoi-moi", "/nguoi/phuong", "/co-quan", "/co-quan-moi",
         "/co-quan/ubnd_74_718", "/lich", "/mau-tin", "/nhat-ky")


def logs_in(hotline: Hotline, login: str, password: str) -> Visitor:
    who = Visitor(hotline.app, "10.9.9.9")
    who.sends(who.opens("/dang-nhap"), login=login, password=password)
    return who


@ON_SQLITE
def test_a_person_is_added_changed_given_a_new_password_and_closed(hotline: Hotline):
    admin = enters(hotline, "quantri")
    form = admin.opens("/quan-tri/nguoi-moi")
    assert style_free(form)
    for wrong, field in (({"login": "X Y"}, "login"), ({"login": "phuong"}, "login"), ({"name": ""}, "name"),
                         ({"agency": ""}, "agency"), ({"agency": "khong_co"}, "agency"), ({"areas": "1, 2"}, "areas"),
                         ({"role": "vua"}, "role")):  # fmt: skip
        said = {"login": "thu.ha", "name": "Lê Thu Hà", "agency": "ubnd_74_718", "role": "handler"} | wrong
        again = admin.sends(form, **said)
        assert again.status == 422 and len(again.find(f"//*[@id='faults']//a[@href='#{field}']")) == 1, wrong
        if "areas" in wrong:
            assert again.find("//*[@id='name']/@value") == ["Lê Thu Hà"]  # what was written is still there
    made = admin.sends(form, login="Thu.Ha", name="Lê Thu Hà", agency="ubnd_74_718", areas="718")
    (password,) = [one.text_content() for one in made.find("//*[@class='code']")]
    theirs = logs_in(hotline, "thu.ha", password)
    assert theirs.opens("/viec").status == 200

    person = admin.opens("/quan-tri/nguoi/thu.ha")
    assert person.find("//*[@id='areas']/@value") == ["718"] and password not in person.source
    assert "Đã ghi." in admin.sends(person, name="Lê Thị Thu Hà", head="on").text
    stale = admin.sends(person, name="Người khác")
    assert stale.status == 422 and "Người khác vừa thay đổi" in stale.text
    assert hotline.as_("quantri").get("/accounts/thu.ha").json["head"] is True
    reset = admin.sends(admin.opens("/quan-tri/nguoi/thu.ha"), form=1)
    (fresh,) = [one.text_content() for one in reset.find("//*[@class='code']")]
    assert theirs.opens("/viec").url.startswith("/dang-nhap")
    assert logs_in(hotline, "thu.ha", password).opens("/viec").url.startswith("/dang-nhap")
    theirs = logs_in(hotline, "thu.ha", fresh)
    assert theirs.opens("/viec").status == 200

    admin.sends(admin.opens("/quan-tri/nguoi/thu.ha"), active=None)
    assert theirs.opens("/viec").url.startswith("/dang-nhap")
    found = admin.opens("/quan-tri?q=THU.HA").text
    assert "đã khóa" in found and "Phuong" not in found


@ON_SQLITE
def test_nobody_closes_their_own_account_or_gives_their_role_away(hotline: Hotline):
    admin = enters(hotline, "quantri")
    mine = admin.opens("/quan-tri/nguoi/quantri")

    assert admin.sends(mine, active=None).status == admin.sends(mine, role="analyst").status == 422
    etag = hotline.as_("quantri").get("/accounts/quantri").headers["ETag"]
    for body in ({"active": False}, {"role": "analyst"}):
        answer = hotline.as_("quantri").post("/accounts/quantri", body, method="PATCH", If_Match=etag)
        refused(answer, 422, "invalid-request")
    assert "Đã ghi." in admin.sends(mine, name="Quản trị viên").text


@ON_SQLITE
def test_a_program_gets_a_token_that_is_shown_once_and_revoked(hotline: Hotline):
    admin = enters(hotline, "quantri")
    new = admin.opens("/quan-tri/nguoi-moi")
    page = admin.sends(new, login="zalo.oa", name="Zalo OA", role="client", agency="tongdai_74")
    assert "Hãy cấp mã truy cập" in page.text and "Chưa có mã nào." in page.text

    issuing = len(page.find("//main//form")) - 1
    assert "Hãy ghi mã dùng cho việc gì" in admin.sends(page, form=issuing, label="Zalo", days="0").text
    shown = admin.sends(page, form=issuing, label="Máy chủ Zalo", days="30")
    (token,) = [one.text_content() for one in shown.find("//*[@class='code']")]
    hotline.tokens["zalo.oa"] = token
    assert "03/10/2021" in shown.text and hotline.as_("zalo.oa").get("/report-types").status_code == 200
    page = admin.opens("/quan-tri/nguoi/zalo.oa")
    assert token not in page.source and token[:11] in page.text and style_free(page)
    (revoking,) = [at for at, form in enumerate(page.find("//main//form")) if "thu-hoi" in form.get("action")]
    assert "Đã thu hồi" in admin.sends(page, form=revoking).text
    assert hotline.as_("zalo.oa").get("/report-types").status_code == 401


@ON_SQLITE
def test_agencies_calendars_texts_and_the_log_are_there_to_look_at(hotline: Hotline):
    number = hotline.assigned()
    own = '\n[texts.T99]\nname = "Đã qua bếp"\nsms = "1022: bếp {ma}"\n'
    hotline.deploys(type__toml=TYPE.format(secrecy="C1") + own)
    assert hotline.as_("vanphong").get(f"/cases/{number}/reporter").status_code == 200
    admin = enters(hotline, "quantri")
    pages = {path: admin.opens(f"/quan-tri{path}") for path in PAGES}

    assert all(page.status == 200 and style_free(page) for page in pages.values())
    assert "UBND huyện Bàu Bàng" in pages["/co-quan"].text
    assert "phản ánh {ma} đã được tiếp nhận" in pages["/mau-tin"].text
    (of_type,) = pages["/mau-tin"].find("//h2[@id='PAKN']")  # its own, with where to change it
    assert "phiên bản 2" in of_type.text_content() and "1022: bếp {ma}" in pages["/mau-tin"].text
    assert pages["/mau-tin"].find("//a/@href[contains(., '/quy-trinh/PAKN/nhap/type.toml')]")
    assert number in pages["/nhat-ky"].text and "Hoàn thành: Phân công" in pages["/nhat-ky"].text
    assert SAID not in pages["/nhat-ky"].source
    by_truc = admin.opens(f"/quan-tri/nhat-ky?actor=truc&case={number}").find("//tbody/tr")
    assert by_truc and all(row[2].text_content() == "truc" for row in by_truc)
    (looked,) = admin.opens("/quan-tri/nhat-ky?xem=1").find("//tbody/tr")
    assert [one.text_content() for one in looked[1:]] == ["Xem thông tin người báo", "vanphong", number]
    for path in ("/nhat-ky?actor=khong.co", "/nhat-ky?case=1", "?q=khong.co.ai", "/co-quan?loai=commune"):
        assert not admin.opens(f"/quan-tri{path}").find("//tbody/tr"), path
    assert admin.opens("/quan-tri/nhat-ky?day=2021-09-03").find("//tbody/tr")
    assert not admin.opens("/quan-tri/nhat-ky?day=2021-09-02").find("//tbody/tr")
    for never in ("0001-01-01", "9999-12-31", "hom-nay"):  # not asked for
        assert admin.opens(f"/quan-tri/nhat-ky?day={never}").find("//tbody/tr"), never
    acts = admin.opens("/quan-tri/nhat-ky/cua-vao?person=truc&day=2021-09-03")
    (made,) = acts.find("//tbody/tr")
    assert "Tạo tài khoản truc" in made.text_content() and "dòng đang chờ" in acts.text
    assert "0 dòng mới nhất: đúng như" in admin.opens("/quan-tri/nhat-ky/cua-vao?kiem=1").text  # none is linked yet
    assert "Who" in admin.opens("/quan-tri/nhat-ky?lang=en").text


@ON_SQLITE
def test_an_agency_is_opened_changed_closed_and_at_work_again(hotline: Hotline):
    admin = enters(hotline, "quantri")
    form = admin.opens("/quan-tri/co-quan-moi?tinh=74")
    new = {"key": "so_moi_74", "name": "Sở Mới", "kind": "department", "reason": "Nghị quyết 12"}
    for wrong, field in (({"key": "sở"}, "key"), ({"key": "tongdai_74"}, "key"), ({"name": ""}, "name"),
                         ({"email": "x"}, "email"), ({"reason": " "}, "reason")):  # fmt: skip
        again = admin.sends(form, **(new | wrong))
        assert again.status == 422 and again.find(f"//*[@id='faults']//a[@href='#{field}']"), wrong
        assert again.find("//*[@id='phone']") and again.find("//*[@id='kind']/option[@selected]/@value") == [
            "department"]  # fmt: skip
    shown = admin.sends(form, **new, phone="0274 3 555 666", area="718")
    assert "Đã mở cơ quan" in shown.text and "Nghị quyết 12" in shown.text and style_free(shown)
    shown = admin.sends(shown, name="Sở Mới và Khác", parent="vp_74", reason="Đổi tên")
    (latest, _opened) = shown.find("//ol[@class='timeline']/li")
    assert "Tên: Sở Mới → Sở Mới và Khác" in latest.text_content() and "Đổi tên" in latest.text_content()
    same = admin.sends(shown, reason="Không đổi gì")
    assert same.status == 422 and "đã như vậy rồi" in same.text

    closing = "/quan-tri/co-quan/so_moi_74/dong"
    assert "Đã đóng cơ quan" in admin.posts(closing, _with(shown, reason="Thôi")).text
    assert "Sở Mới và Khác" not in admin.opens("/quan-tri/co-quan?tinh=74").text
    past = admin.opens("/quan-tri/co-quan?tinh=74&het=1")
    assert "hết từ 03/09/2021" in past.text
    again = admin.posts("/quan-tri/co-quan/so_moi_74/mo-lai", _with(shown, reason="Nhầm"))
    assert "hoạt động trở lại" in again.text
    assert hotline.as_("quantri").get("/agencies/so_moi_74").json["valid_to"] is None
    acts = admin.opens("/quan-tri/nhat-ky/cua-vao").text
    assert "Thay đổi cơ quan so_moi_74" in acts


@ON_SQLITE
def test_an_agency_keeps_its_district_and_superior_that_are_no_more_when_its_telephone_changes(hotline: Hotline):
    admin = enters(hotline, "quantri")
    form = admin.opens("/quan-tri/co-quan-moi?tinh=74")
    new = {"key": "doi_74", "name": "Đội", "kind": "service", "area": "719", "parent": "so_yt_74"}
    admin.sends(form, **new, reason="Nghị quyết")
    ended = {"valid_to": date(2021, 9, 3)}
    with hotline.runtime.begin() as unit:
        unit.execute(update(model.areas).where(model.areas.c.code == "719").values(ended))
        unit.execute(update(model.agencies).where(model.agencies.c.key == "so_yt_74").values(ended))

    shown = admin.opens("/quan-tri/co-quan/doi_74")
    assert admin.sends(shown, phone="0274 3 555 777", reason="Số mới").status == 200

    row = hotline.as_("quantri").get("/agencies/doi_74").json
    assert (row["area"], row["parent"], row["phone"]) == ("719", "so_yt_74", "0274 3 555 777")


@ON_SQLITE
def test_an_agency_that_is_needed_is_not_closed_and_the_page_says_what_to_do_first(hotline: Hotline):
    hotline.assigned()
    admin = enters(hotline, "quantri")
    page = admin.opens("/quan-tri/co-quan/ubnd_74_718")

    why = visitor.refused(admin, page, "/quan-tri/co-quan/ubnd_74_718/dong", reason="Sắp xếp lại")
    assert why.startswith("Vẫn cần đến cơ quan 'ubnd_74_718': một vụ việc đang mở; 2 tài khoản đang dùng; ")
    assert why.endswith("Hãy gộp cơ quan này vào cơ quan khác, hoặc giải quyết những điều đó trước.")
    here = "/quan-tri/co-quan/ubnd_74_718/gop"
    why = visitor.refused(admin, page, here, into="mttq_74", since="2021-09-03", reason="Nhầm")
    assert why.startswith("Cơ quan giám sát và cơ quan xử lý không gộp được")
    merged = admin.posts(here, _with(page, into="ubnd_74_719", since="2021-09-04", reason="Nghị quyết 1211"))
    assert "hết từ 04/09/2021" in merged.text
    assert "still needed" in admin.posts("/quan-tri/co-quan/ubnd_74_719/dong?lang=en", _with(page, reason="x")).text
    assert admin.opens("/quan-tri/co-quan/khong_co").status == 404


def _with(page: Page, **values: str) -> dict[str, str]:
    """What a form of this page sends."""
    return {"csrf_token": page.find("//meta[@name='csrf-token']/@content")[0]} | values


@ON_SQLITE
@pytest.mark.parametrize("login", ["vanphong", "phantich", "phuong"])
def test_the_administrators_pages_are_for_nobody_else(hotline: Hotline, login: str):
    who = enters(hotline, login)

    assert [who.opens(f"/quan-tri{path}").status for path in PAGES] == [403] * len(PAGES)
    token = who.opens("/tai-khoan").find("//meta[@name='csrf-token']/@content")[0]
    for path in ("/nguoi-moi", "/nguoi/quantri", "/nguoi/quantri/mat-khau", "/nguoi/quantri/ma",
                 "/co-quan-moi", "/co-quan/ubnd_74_718", "/co-quan/ubnd_74_718/dong",
                 "/lich/xem-truoc", "/lich/cong-bo"):
        body = {"csrf_token": token, "login": "moi", "name": "Mới", "role": "admin", "label": "x", "days": "1",
                "reason": "Không", "key": "moi", "province": "74", "kind": "off", "day": "2021-10-01"}  # fmt: skip
        assert who.posts(f"/quan-tri{path}", body).status == 403, path
    assert logs_in(hotline, "moi", PASSWORD).opens("/viec").url.startswith("/dang-nhap")


def test_an_administrator_adds_a_person_who_then_works(site: Site):
    window = site.window("admin", size=PHONE)
    window.goto("/quan-tri")
    window.get_by_role("link", name="Thêm người dùng hoặc ứng dụng").click()
    window.locator("#login").fill("thu.ha")
    window.locator("#name").fill("Lê Thu Hà")
    window.get_by_role("button", name="Tạo tài khoản").click()
    window.get_by_role("link", name="Hãy chọn một cơ quan").click()
    site.is_accessible(window)
    window.locator("#agency").fill("ubnd_74_718")
    window.get_by_role("button", name="Tạo tài khoản").click()
    password = window.locator(".code").text_content()
    site.is_accessible(window)
    site.fits(window)

    theirs = site.window()
    theirs.goto("/dang-nhap")
    theirs.locator("#login").fill("thu.ha")
    theirs.locator("#password").fill(password or "")
    theirs.locator("main button").click()
    theirs.get_by_role("heading", name="Việc cần làm").wait_for()
