"""Every page there is, at two sizes: axe finds nothing, nothing is cut off, nothing is untranslated."""

from __future__ import annotations

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
def test_pictures_of_every_page(site: Site):
    folder = ROOT / "screenshots"
    names = stage(site.province)
    for dark in (False, True):
        for who in dict.fromkeys(screen.who for screen in SCREENS):
            window = site.window(who, color_scheme="dark" if dark else "light")
            for screen in (one for one in SCREENS if one.who == who):
                for size, (width, height) in SIZES.items():
                    window.set_viewport_size({"width": width, "height": height})
                    window.goto(screen.path.format_map(names))
                    window.wait_for_load_state("networkidle")
                    site.shot(window, folder, f"{screen.name}-{size}{'-dark' * dark}")
