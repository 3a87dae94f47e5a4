"""Every page there is, at two sizes: axe finds nothing, nothing is cut off, nothing is untranslated."""

from __future__ import annotations

import re

import pytest

from tests.browser import DESKTOP, PHONE, Site
from tests.screens import SCREENS, stage
from tests.sources import ROOT

SIZES = {"1366x768": DESKTOP, "390x844": PHONE}
FRAME = "() => document.querySelector('.top').offsetHeight"


def test_every_page_is_accessible_and_fits_a_phone_and_a_desk(site: Site):
    names = stage(site.province)
    for who in dict.fromkeys(screen.who for screen in SCREENS):
        window = site.window(who)
        for screen in (one for one in SCREENS if one.who == who):
            window.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
            window.goto(screen.path.format_map(names))
            assert window.evaluate(FRAME) < 60, f"the menu of {who} takes two lines at {window.url}"
            site.is_accessible(window)
            site.fits(window)
            window.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
            site.fits(window)


@pytest.mark.screenshots
@pytest.mark.timeout(3600)
def test_pictures_of_every_page(site: Site):
    """In both languages; in Vietnamese dark as well."""
    folder = ROOT / "screenshots"
    names = stage(site.province)
    for language, scheme in (("vi", "light"), ("en", "light"), ("vi", "dark")):
        for who in dict.fromkeys(screen.who for screen in SCREENS):
            window = site.window(who, color_scheme=scheme)
            for screen in (one for one in SCREENS if one.who == who):
                path = re.sub(r"[?&]lang=..", "", screen.path.format_map(names))
                for size, (width, height) in SIZES.items():
                    window.set_viewport_size({"width": width, "height": height})
                    window.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
                    window.wait_for_load_state("networkidle", timeout=60_000)
                    site.shot(window, folder, f"{screen.name}-{size}-{language}{'-dark' * (scheme == 'dark')}")
