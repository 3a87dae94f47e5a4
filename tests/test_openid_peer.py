"""Logging in at a provider that is not ours (node-oidc-provider, fetched for the tests only), in a browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from authlib.oidc.core import CodeIDToken

from engine.people import accounts
from tests.browser import Site
from tests.openid import CLIENT, SECRET

if TYPE_CHECKING:
    from playwright.sync_api import Page

HERE = Path(__file__).with_name("workers")
BACK = "/dang-nhap/chung/ve"


@pytest.fixture
def provider(site: Site) -> Iterator[str]:
    """Its issuer; in the province somebody has the address that it vouches for."""
    if not (HERE / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("oidc-provider is not there: npm ci --ignore-scripts in tests/workers, or ./manage test")
    path = f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}"
    command = ["node", "provider.mjs", f"{site.url}{BACK}"]
    with subprocess.Popen(command, cwd=HERE, env=os.environ | {"PATH": path}, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:  # fmt: skip
        issuer = (process.stdout or sys.stdin).readline().strip()
        site.province.app.config["OPENID"] = {"issuer": issuer, "client_id": CLIENT, "client_secret": SECRET}
        with site.province.runtime.begin() as unit:
            who = accounts.authenticate(unit, site.province.shipped.tokens["ubnd_74_718"])
            accounts.change(unit, who.login, {"email": "hoa@ubnd.example"}, None)
        yield issuer
        process.kill()


def sent(page: Page, **changed: str) -> str:
    """Where our log-in page sends this browser; the provider is asked something else instead."""
    answer = page.request.get("/dang-nhap/chung?next=/tai-khoan", max_redirects=0)
    assert answer.status == 303
    where = urlsplit(answer.headers["location"])
    asked = dict(parse_qsl(where.query))
    assert asked["code_challenge_method"] == "S256"
    return where._replace(query=urlencode(asked | changed)).geturl()


def agrees(page: Page) -> None:
    """On the provider's own pages."""
    page.fill("input[name=login]", "hoa")
    page.fill("input[name=password]", "whatever")
    page.get_by_role("button").first.click()
    page.get_by_role("button", name="Continue").click()


def refused(page: Page) -> bool:
    return urlsplit(page.url).path == "/dang-nhap" and page.get_by_text("Không đăng nhập được").is_visible()


def test_somebody_logs_in_there_and_what_does_not_hold_is_refused(
    site: Site, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = site.window()
    # the provider's own pages ask for letters from elsewhere
    window.route(lambda url: urlsplit(url).hostname not in ("127.0.0.1", "localhost"), lambda route: route.fulfill())
    window.goto("/dang-nhap?next=/tai-khoan")
    window.get_by_role("link", name="hệ thống chung").or_(window.get_by_role("button", name="hệ thống chung")).click()
    agrees(window)
    window.wait_for_url("**/tai-khoan*")
    assert "Thủ Dầu Một" in window.content()

    def tries(**changed: str) -> Page:
        """Again, as somebody whom only the provider still knows."""
        window.context.clear_cookies(name=site.province.app.config["SESSION_COOKIE_NAME"])
        window.goto(sent(window, **changed))
        return window

    assert not refused(tries())
    assert refused(tries(nonce="somebody-elses")) and refused(tries(state="somebody-elses"))
    assert refused(tries(code_challenge="A" * 43)), "the provider asks for the verifier"
    validate, later = CodeIDToken.validate, int(time.time()) + 4_000
    monkeypatch.setattr(CodeIDToken, "validate", lambda said, leeway: validate(said, later, leeway))
    assert refused(tries()), "what it said was good for an hour"
    monkeypatch.undo()

    site.province.app.config["OPENID"]["issuer"] = provider.replace("127.0.0.1", "localhost")
    window.goto("/dang-nhap/chung")
    assert urlsplit(window.url).path == "/dang-nhap" and "không trả lời" in window.content()
