"""Whoever guesses at somebody's password shuts nobody out of a browser in which they have logged in before."""

from __future__ import annotations

import pytest

from engine.people import accounts, second_factors
from tests.hotline import Hotline
from tests.test_api_accounts import refused
from tests.test_ui_login import PASSWORD, logs_in
from tests.test_ui_login import visitor as visitor
from tests.visitor import Page, Visitor
from webapi.ui import known

COOKIE = known.COOKIE


def guesses(hotline: Hotline, times: int = 5, login: str = "phuong", address: str = "10.9.9.9") -> Page:
    """Somebody else, at another place; what the last one was told."""
    stranger = Visitor(hotline.app, address)
    return [logs_in(stranger, login, f"sai {number}") for number in range(times)][-1]


def leaves(visitor: Visitor) -> None:
    visitor.sends(visitor.opens("/tai-khoan"))


def test_a_stranger_who_guesses_shuts_nobody_out_of_a_browser_they_have_used(hotline: Hotline, visitor: Visitor):
    logs_in(visitor)
    leaves(visitor)
    assert guesses(hotline).status == 401
    assert guesses(hotline).status == 429

    assert logs_in(Visitor(hotline.app)).status == 429  # a browser that nobody knows
    assert logs_in(visitor).url == "/viec"

    assert guesses(hotline).status == 429  # nor did that give them new guesses
    refused(hotline.as_(None).post("/login", {"login": "phuong", "password": PASSWORD}), 429, "too-many")


def test_nor_does_one_in_the_same_office(hotline: Hotline, visitor: Visitor):
    logs_in(visitor)
    leaves(visitor)
    for login in ("hoa", "binh", "truc", "yte", "quantri"):
        guesses(hotline, 4, login, address="10.1.2.3")
    assert logs_in(Visitor(hotline.app), "hoa").status == 429

    assert logs_in(visitor).url == "/viec"


def test_a_browser_that_is_known_has_five_guesses_too_and_only_for_its_own_people(hotline: Hotline, visitor: Visitor):
    logs_in(visitor)
    leaves(visitor)
    for number in range(5):
        assert logs_in(visitor, password=f"sai {number}").status == 401
    assert logs_in(visitor).status == 429
    assert logs_in(Visitor(hotline.app)).url == "/viec"  # elsewhere they have not been wrong

    guesses(hotline, login="hoa")
    assert logs_in(visitor, "hoa").status == 429


def test_codes_are_not_guessed_in_a_browser_that_is_known(hotline: Hotline, visitor: Visitor):
    with hotline.runtime.begin() as unit:
        holder = accounts.account(unit, "phuong")
        secret = second_factors.begin(unit, holder)
        step = second_factors.step_at(hotline.clock())
        second_factors.confirm(unit, second_factors.code(secret, step), holder)
    hotline.clock.advance("1 minute")

    def shows(code: str) -> Page:
        return visitor.sends(logs_in(visitor), login="phuong", password=PASSWORD, code=code)

    right = second_factors.code(secret, second_factors.step_at(hotline.clock()))
    assert logs_in(visitor).status == 401 and COOKIE not in cookies(visitor)  # the password alone makes none known
    assert shows(right).url == "/viec" and COOKIE in cookies(visitor)
    leaves(visitor)
    hotline.clock.advance("1 minute")
    wrong = f"{(int(second_factors.code(secret, second_factors.step_at(hotline.clock()))) + 7) % 10**6:06}"
    assert [shows(wrong).status for _ in range(5)] == [401] * 5
    assert logs_in(visitor).status == 429


def cookies(visitor: Visitor) -> set[str]:
    return {one.key for one in visitor.client._cookies.values()}


def test_a_cookie_that_we_did_not_sign_or_that_is_old_makes_nobody_known(hotline: Hotline, visitor: Visitor):
    logs_in(visitor)
    leaves(visitor)
    cookie = visitor.client.get_cookie(COOKIE, path="/dang-nhap")
    assert (cookie.http_only, cookie.same_site, cookie.path) == (True, "Lax", "/dang-nhap")
    assert "phuong" not in cookie.value

    forger = Visitor(hotline.app)
    forger.client.set_cookie(COOKIE, cookie.value[:-4] + "AAAA", path="/dang-nhap")
    guesses(hotline)
    assert logs_in(forger).status == 429

    hotline.waits(24 * 181)
    guesses(hotline)
    assert logs_in(visitor).status == 429


def test_a_desk_that_works_in_shifts_is_known_for_each_of_them(hotline: Hotline, visitor: Visitor):
    for login in ("phuong", "hoa"):
        logs_in(visitor, login)
        leaves(visitor)
    for login in ("phuong", "hoa"):
        guesses(hotline, login=login)

    assert [logs_in(visitor, login).url for login in ("phuong", "hoa")] == ["/viec", "/viec"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_copy_of_the_cookie_uses_up_no_guesses_of_the_one_that_came_after(hotline: Hotline, visitor: Visitor):
    logs_in(visitor)
    leaves(visitor)
    thief = Visitor(hotline.app)
    thief.client.set_cookie(COOKIE, visitor.client.get_cookie(COOKIE, path="/dang-nhap").value, path="/dang-nhap")
    logs_in(visitor)
    leaves(visitor)
    for number in range(5):
        assert logs_in(thief, password=f"sai {number}").status == 401
    assert logs_in(thief).status == 429

    assert logs_in(visitor).url == "/viec"
