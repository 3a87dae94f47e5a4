"""Logging in at a provider: a real one, with PKCE, and what may not be believed of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from engine.people import accounts, second_factors
from tests.hotline import Hotline
from tests.openid import CLIENT, SECRET, Provider, serving
from tests.visitor import Page, Visitor
from webapi import config

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # about the web, not the database
HOA = {"sub": "hoa-7", "email": "Hoa@ubnd.example", "email_verified": True}


@pytest.fixture(scope="module")
def served() -> Iterator[Provider]:
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # of the provider: it is a port of this machine
    with serving() as provider:
        yield provider
    del os.environ["AUTHLIB_INSECURE_TRANSPORT"]


@pytest.fixture
def provider(served: Provider, hotline: Hotline) -> Provider:
    served.person, served.says, served.signs_with = dict(HOA), {}, None
    hotline.app.config["OPENID"] = {"issuer": served.issuer, "client_id": CLIENT, "client_secret": SECRET}
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "hoa", {"email": "hoa@ubnd.example"}, None)
    return served


def goes(visitor: Visitor, **changed: str) -> str:
    """From our log-in page to the provider and back; the address to come back to."""
    sent = visitor.client.get("/dang-nhap/chung?next=/tai-khoan", environ_base=visitor.address)
    assert sent.status_code == 303, sent.text
    asked = {name: values[0] for name, values in parse_qs(urlsplit(sent.location).query).items()}
    assert asked["code_challenge_method"] == "S256" and asked["scope"] == "openid email"
    base = sent.location.partition("?")[0]
    answer = httpx.get(base, params={k: v for k, v in (asked | changed).items() if v})
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def comes(visitor: Visitor, **changed: str) -> Page:
    return visitor.opens(goes(visitor, **changed))


def by(page: Page) -> str | None:
    return page.find("//dl[@class='facts']/dd")[0].text_content() if page.url == "/tai-khoan" else None


@on_sqlite
def test_somebody_is_known_by_a_verified_address_once_and_by_the_subject_from_then_on(hotline, provider) -> None:
    assert "Đăng nhập bằng hệ thống chung" in Visitor(hotline.app).opens("/dang-nhap").text
    assert by(comes(Visitor(hotline.app))) == "hoa"
    provider.person = {"sub": "hoa-7"}  # the address is theirs no more
    assert by(comes(Visitor(hotline.app))) == "hoa"
    provider.person = HOA | {"sub": "another-8"}  # it was given to somebody else
    assert by(comes(Visitor(hotline.app))) is None
    lines = hotline.as_("quantri").get("/audit/acts", person="hoa").json["items"]
    assert [one["kind"] for one in lines if one["kind"] in ("logged-in", "identity-bound")] == \
        ["logged-in", "logged-in", "identity-bound"]  # fmt: skip


@on_sqlite
def test_neither_role_nor_agency_nor_a_doubtful_address_is_believed(hotline, provider) -> None:
    provider.person = HOA | {"role": "admin", "roles": ["admin"], "agency": "vp_74", "groups": ["admin"]}
    visitor = Visitor(hotline.app)
    assert "UBND thành phố Thủ Dầu Một" in comes(visitor).text
    assert visitor.opens("/quan-tri").status == 403

    with hotline.runtime.begin() as unit:
        accounts.change(unit, "truc", {"email": "chung@vp.example"}, None)
        accounts.change(unit, "yte", {"email": "chung@vp.example"}, None)
        accounts.change(unit, "binh", {"email": "binh@ubnd.example", "active": False}, None)
    for person in (
        {"sub": "x1", "email": "chung@vp.example", "email_verified": True},  # two accounts have it
        {"sub": "x2", "email": "hoa@ubnd.example", "email_verified": False},
        {"sub": "x3", "email": "hoa@ubnd.example"},
        {"sub": "x4", "email": "binh@ubnd.example", "email_verified": True},  # closed
        {"sub": "x5", "email": "nobody@example", "email_verified": True},
    ):
        provider.person = person
        page = comes(Visitor(hotline.app))
        assert page.url == "/dang-nhap" and "Không đăng nhập được bằng hệ thống chung" in page.text, person


@on_sqlite
def test_what_does_not_hold_lets_nobody_in(hotline, provider) -> None:
    visitor = Visitor(hotline.app)
    back = goes(visitor)
    assert Visitor(hotline.app).opens(back).url == "/dang-nhap", "another browser's"
    assert by(visitor.opens(back)) == "hoa"
    assert Visitor(hotline.app).opens("/dang-nhap/chung/ve?error=access_denied").url == "/dang-nhap"

    fresh = Visitor(hotline.app)
    assert by(fresh.opens(goes(fresh).replace("state=", "state=x"))) is None
    assert by(comes(Visitor(hotline.app), nonce="somebody-elses")) is None
    assert by(comes(Visitor(hotline.app), code_challenge="A" * 43)) is None, "the provider asks for the verifier"
    for says in ({"aud": ["another"]}, {"iss": "https://elsewhere.example"}, {"exp": 1}, {"sub": None}):
        provider.says = says
        assert by(comes(Visitor(hotline.app))) is None, says
    provider.says, provider.signs_with = {}, RSAKey.generate_key(2048, {"kid": "one"})
    assert by(comes(Visitor(hotline.app))) is None, "signed by somebody else"
    provider.signs_with = None
    assert by(comes(Visitor(hotline.app))) == "hoa"


@on_sqlite
def test_a_role_that_needs_a_second_factor_needs_it_there_too(hotline, provider) -> None:
    hotline.app.config["SECOND_FACTOR"] = ["handler"]
    page = comes(Visitor(hotline.app))
    assert page.url == "/dang-nhap" and "hệ thống chung chưa hỏi" in page.text
    with hotline.runtime.begin() as unit:
        hoa = accounts.account(unit, "hoa")
        second_factors.confirm(unit, second_factors.code(second_factors.begin(unit, hoa), second_factors.step_at(
            unit.now)), hoa)  # fmt: skip
    provider.person["amr"] = ["pwd", "otp"]
    assert by(comes(Visitor(hotline.app))) == "hoa"


@on_sqlite
def test_without_a_provider_or_with_one_that_is_silent_one_still_logs_in_here(hotline, provider) -> None:
    hotline.app.config["OPENID"] = {"issuer": "http://127.0.0.1:9", "client_id": CLIENT}
    page = Visitor(hotline.app).opens("/dang-nhap/chung")
    assert page.url == "/dang-nhap" and "không trả lời" in page.text
    hotline.app.config["OPENID"] = {}
    assert Visitor(hotline.app).opens("/dang-nhap/chung").status == 404
    assert "hệ thống chung" not in Visitor(hotline.app).opens("/dang-nhap").text


@pytest.mark.parametrize(("text", "said"), [
    ('{"issuer": "http://sso.example", "client_id": "x"}', "https://"),
    ('{"issuer": "https://sso.example"}', "must be like"),
    ('{"issuer": "https://sso.example", "client_id": "x", "roles": {}}', "must be like"),
    ("x", "must be a JSON table"),
])  # fmt: skip
def test_a_setting_that_will_not_do_is_said(text: str, said: str) -> None:
    with pytest.raises(config.BadSetting, match=said):
        config.read({"THONGSUOT_OPENID": text})
