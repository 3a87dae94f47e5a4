"""Pages in a real Chromium, for tests: a served province, and a window for whoever looks.

    def test_a_story(site):
        window = site.window("ubnd_74_718")       # logged in; site.window() is a citizen
        window.goto("/viec")
        window.get_by_role("link", name="…").click()
        site.is_accessible(window)                 # axe finds nothing

When a test ends, no window may have complained: not a script's error, not something the policy of the page forbade.
``site.province`` has the verbs of `tests.province` to get cases to where a story begins.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.people import accounts
from tests.province import Province
from tests.served import served
from tests.sources import ROOT
from webapi.ui import door

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DESKTOP, PHONE = (1366, 768), (390, 844)
AXE = ROOT / "webapi/ui/frontend/node_modules/axe-core/axe.min.js"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage")  # fmt: skip
# what is wrong only, without a way to each node that is right, and without fetching our sheet to read it again
LOOKED_FOR = "{resultTypes: ['violations'], preload: false}"
SAID = "(one) => [one.id, one.nodes.map((node) => node.html)]"
PATIENCE = 30_000  # milliseconds a story waits for something to appear, on a machine that does other things
LONG = 120_000  # and a picture, on a machine that does other things: `./manage screenshots` takes hundreds


@cache
def _axe() -> str:
    return AXE.read_text()


@contextmanager
def chromium() -> Iterator[Browser]:
    found = os.environ.get("THONGSUOT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("there is no Chromium here: apt install chromium, and the stories in a browser are told, too")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


class Site:
    """A province behind a real server, and the windows that look at it."""

    def __init__(self, province: Province, url: str, browser: Browser) -> None:
        self.province = province
        self.url = url
        self.browser = browser
        self.complaints: list[str] = []
        self._open: list[Any] = []

    def window(self, who: str | None = None, size: tuple[int, int] = DESKTOP, **more: Any) -> Page:
        """A window of one's own; logged in as ``who``. ``javascript=False`` is the citizen's oldest telephone."""
        scripts = more.pop("javascript", True)
        context = self.browser.new_context(
            base_url=self.url, viewport={"width": size[0], "height": size[1]}, locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh", java_script_enabled=scripts, **more,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        if who:
            context.add_cookies([self._session(who)])
        self._open.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda line: self._heard(page.url, line))
        return page

    def _heard(self, url: str, line: Any) -> None:
        if line.type == "error" and "the server responded with a status of 4" not in line.text:
            self.complaints.append(f"{url}: {line.text}")

    def _session(self, who: str) -> Any:
        """The cookie that an agency's first person would have after logging in (tests/test_ui_admin.py logs in)."""
        with self.province.runtime.begin() as unit:
            account = accounts.authenticate(unit, self.province.shipped.tokens[who])
            opened = accounts.opened(unit, account, "127.0.0.1")
        client = self.province.app.test_client()
        with client.session_transaction() as session:
            session[door.TOKEN], session[door.SEEN] = opened.token, int(self.province.clock.now.timestamp())
        name = self.province.app.config["SESSION_COOKIE_NAME"]
        return {"name": name, "value": client.get_cookie(name).value, "url": self.url}

    def looks_closely(self, page: Page) -> Page:
        """The window brings axe along to each page by itself: half a megabyte that is not sent to it anew."""
        if AXE.is_file():
            page.add_init_script(_axe())
        return page

    def is_accessible(self, page: Page) -> None:
        """axe finds nothing wrong with what the window shows."""
        if not AXE.is_file():
            pytest.skip("axe-core is not there: npm ci in webapi/ui/frontend, or ./manage test")
        page.wait_for_load_state()  # a click waits until a page begins, not until it is whole
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(_axe())
        found = page.evaluate(f"async () => (await axe.run(document, {LOOKED_FOR})).violations.map({SAID})")
        assert not found, f"{page.url}: {found}"

    def fits(self, page: Page) -> None:
        """Nothing is cut off at the right, and nothing brings its own style."""
        page.wait_for_load_state()
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{page.url} is {wide} px wider than the window"
        styled = "[...document.querySelectorAll('main [style]')].every((one) => one.closest('.diagram, .board'))"
        assert page.evaluate(f"() => {styled}"), page.url  # what draws may set some by script

    def shot(self, page: Page, folder: Path, name: str) -> None:
        """Chromium sometimes waits for ever for a frame of a page that stands still; loaded anew, it draws one."""
        from playwright.sync_api import TimeoutError as TookTooLong

        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.png"
        try:
            page.screenshot(path=path, full_page=True, timeout=LONG / 4)
        except TookTooLong:
            page.reload(wait_until="networkidle", timeout=LONG)
            page.screenshot(path=path, full_page=True, timeout=LONG)

    def closes(self) -> None:
        for context in self._open:
            context.close()
        assert self.complaints == [], self.complaints


@contextmanager
def visited(province: Province, browser: Browser) -> Iterator[Site]:
    with served(province.app) as url:
        site = Site(province, url, browser)
        yield site
        site.closes()
