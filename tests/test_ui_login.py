"""Staff at our pages: the log-in, the session and its end, and where one lands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import NotAuthenticated
from engine.people import accounts, second_factors
from tests.hotline import Hotline
from tests.visitor import Page, Visitor, style_free
from webapi.ui import door, navigation

PASSWORD = "mot-mat-khau-dai"


@pytest.fixture
def visitor(hotline: Hotline) -> Visitor:
    with hotline.runtime.begin() as unit:
        for login in ("phuong", "hoa"):
            accounts.change(unit, login, {"password": PASSWORD}, None)
    return Visitor(hotline.app)


def logs_in(visitor: Visitor, login: str = "phuong", password: str = PASSWORD, at: str = "/dang-nhap") -> Page:
    return visitor.sends(visitor.opens(at), login=login, password=password)


def test_who_logs_in_is_known_until_they_log_out(visitor: Visitor):
    assert logs_in(visitor, "  Phuong ").url == "/viec"
    page = visitor.opens("/tai-khoan")
    assert "UBND thành phố Thủ Dầu Một" in page.text

    out = visitor.sends(page)

    assert out.url == "/dang-nhap" and "Đã đăng xuất" in out.text
    assert visitor.opens("/tai-khoan").url == "/dang-nhap?next=/tai-khoan"


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_from_elsewhere(hotline: Hotline, visitor: Visitor):
    logs_in(visitor)

    plain = visitor.client.get("/dang-nhap").headers.getlist("Set-Cookie")
    client = hotline.app.test_client()
    secure = client.get("/dang-nhap", base_url="https://1022.example").headers.getlist("Set-Cookie")
    (cookie,) = [one for one in secure if one.startswith("thongsuot=")]
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert not any("Secure" in one for one in plain)


def test_logging_out_makes_the_token_useless_not_only_the_cookie(hotline: Hotline, visitor: Visitor):
    logs_in(visitor)
    with visitor.client.session_transaction() as session:
        kept = dict(session)

    visitor.sends(visitor.opens("/tai-khoan"))
    with visitor.client.session_transaction() as session:
        session.update(kept)

    assert visitor.opens("/tai-khoan").url.startswith("/dang-nhap")


def test_a_session_ends_when_nothing_is_clicked_for_a_while(hotline: Hotline, visitor: Visitor):
    logs_in(visitor)

    hotline.clock.advance(door.IDLE - timedelta(minutes=1))
    assert visitor.opens("/tai-khoan").url == "/tai-khoan"
    hotline.clock.advance(door.IDLE - timedelta(minutes=1))
    assert visitor.opens("/tai-khoan").url == "/tai-khoan"  # the click before began it anew
    hotline.clock.advance(door.IDLE + timedelta(minutes=1))
    late = visitor.opens("/tai-khoan")
    assert late.url.startswith("/dang-nhap") and "Phiên làm việc đã hết" in late.text


def test_a_wrong_password_and_an_unknown_name_are_told_the_same_and_are_slowed_down(visitor: Visitor):
    wrong, unknown = logs_in(visitor, password="sai"), logs_in(visitor, "khong-co")

    assert wrong.status == unknown.status == 401
    assert "Tên đăng nhập hoặc mật khẩu không đúng." in wrong.text and "không đúng" in unknown.text
    for _again in range(4):
        logs_in(visitor, password="sai")
    held = logs_in(visitor)
    assert held.status == 429 and "Đã sai quá nhiều lần. Xin thử lại sau 15 phút." in held.text
    assert logs_in(visitor, "hoa").url == "/viec"


def test_after_logging_in_one_is_where_one_wanted_to_be_but_never_elsewhere(visitor: Visitor):
    assert logs_in(visitor, at="/tai-khoan?lang=vi").url == "/tai-khoan?lang=vi"
    for wanted in ("https://xau.example/", "//xau.example", "/\\xau.example", "xau", "javascript:alert(1)", "/a\nb"):
        assert door.safe_address(wanted, "/tai-khoan") == "/tai-khoan", wanted
    assert door.safe_address("/viec?trang=2", "/tai-khoan") == "/viec?trang=2"


def test_a_part_of_a_page_sends_the_whole_page_to_log_in(visitor: Visitor):
    answer = visitor.client.get("/tai-khoan", headers={"HX-Request": "true"})

    assert answer.status_code == 401 and answer.headers["HX-Redirect"] == "/dang-nhap"


def test_a_log_in_without_the_forms_token_is_not_looked_at(visitor: Visitor):
    page = visitor.posts("/dang-nhap", {"login": "phuong", "password": PASSWORD})

    assert page.status == 400 and "Trang này đã mở quá lâu" in page.text and style_free(page)


def test_every_role_has_a_menu_and_every_entry_a_name(hotline: Hotline):
    from engine.people.access import ROLES

    assert set(navigation.MENUS) == set(ROLES)
    with hotline.app.test_request_context("/"):
        for endpoints in navigation.MENUS.values():
            assert all(navigation.label(endpoint) for endpoint in endpoints)


def test_a_second_factor_is_set_up_in_the_browser_and_asked_for_at_the_next_log_in(hotline: Hotline, visitor: Visitor):
    hotline.app.config["SECOND_FACTOR"] = ["handler"]
    page = logs_in(visitor)
    assert page.url == "/tai-khoan/thiet-bi" and "cần xác thực hai lớp" in page.text and style_free(page)
    assert page.find("//*[local-name()='svg']")
    assert {visitor.opens(path).url for path in ("/viec", "/vu-viec", "/tinh")} == {"/tai-khoan/thiet-bi"}
    page = visitor.opens("/tai-khoan/thiet-bi")
    secret = page.find("//main//code")[0].text_content()

    def shown(steps: int = 0) -> str:
        return second_factors.code(secret, second_factors.step_at(hotline.clock()) + steps)

    assert "Mã không đúng" in visitor.sends(page, code=shown(7)).text
    done = visitor.sends(page, code=shown())
    assert len(done.find("//main//ul[@class='code']/li")) == second_factors.RECOVERY_CODES
    assert "Đang bật" in visitor.opens("/tai-khoan").text
    assert hotline.runtime and visitor.opens("/tai-khoan/thiet-bi").status == 409

    hotline.clock.advance("1 minute")
    other = Visitor(hotline.app)
    asked = logs_in(other)
    assert "mã đang hiện trên thiết bị" in asked.text
    assert "không đúng" in other.sends(asked, login="phuong", password=PASSWORD, code="000000").text
    assert other.sends(asked, login="phuong", password=PASSWORD, code=shown()).url == "/viec"
    again = Visitor(hotline.app)
    assert "không đúng" in again.sends(logs_in(again), login="phuong", password=PASSWORD, code=shown()).text  # once


def test_ones_log_ins_are_listed_and_the_others_ended_and_a_new_one_ends_the_one_before(hotline: Hotline):
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "phuong", {"password": PASSWORD}, None)
    office, home = Visitor(hotline.app, "10.0.0.1"), Visitor(hotline.app, "192.0.2.7")
    logs_in(office)
    logs_in(home)
    page = home.opens("/tai-khoan")
    rows = [row.text_content() for row in page.find("//tbody/tr")]
    assert len(rows) == 2 and "192.0.2.7" in rows[0] and "phiên này" in rows[0] and "10.0.0.1" in rows[1]

    ending = next(at for at, form in enumerate(page.find("//main//form")) if "phien-khac" in form.get("action"))
    assert "Đã kết thúc 1 phiên" in home.sends(page, form=ending).text
    assert office.opens("/tai-khoan").url.startswith("/dang-nhap")

    with home.client.session_transaction() as session:
        before = session[door.TOKEN]
    logs_in(home)
    with home.client.session_transaction() as session:
        assert session[door.TOKEN] != before
    with pytest.raises(NotAuthenticated), hotline.runtime.read() as unit:
        accounts.authenticate(unit, before)


def test_one_changes_ones_password_and_is_told_what_is_wrong_with_it(visitor: Visitor):
    logs_in(visitor)
    new = "con trâu xanh gặm sách"
    page = visitor.opens("/tai-khoan/mat-khau")

    for said, present, wanted, again in (
        ("Mật khẩu hiện tại không đúng", "sai", new, new),
        ("không giống nhau", PASSWORD, new, new + "x"),
        ("dễ đoán", PASSWORD, "matkhau2026", "matkhau2026"),
        ("dễ đoán", PASSWORD, "ngắn", "ngắn"),
    ):
        page = visitor.sends(page, present=present, wanted=wanted, again=again)
        assert page.status == 422 and said in page.text and PASSWORD not in page.source

    assert "Đã đổi mật khẩu" in visitor.sends(page, present=PASSWORD, wanted=new, again=new).text
    assert logs_in(visitor).status == 401 and logs_in(visitor, password=new).url == "/viec"


def test_whoever_may_not_is_told_so_in_their_language(visitor: Visitor):
    logs_in(visitor)
    vietnamese, english = visitor.opens("/quan-tri?lang=vi"), visitor.opens("/quan-tri?lang=en")

    assert vietnamese.status == english.status == 403
    assert "không có quyền" in vietnamese.text and "may not" not in vietnamese.text
    assert "phuong may not manage accounts" in english.text
