"""Every page there is, at two sizes: axe finds nothing, nothing is cut off, nothing is untranslated."""

from __future__ import annotations

import re
from itertools import product

import pytest

from tests.browser import DESKTOP, LONG, PHONE, Site
from tests.screens import SCREENS, stage
from tests.sources import ROOT

SIZES = {"1366x768": DESKTOP, "390x844": PHONE}
LOOKS = {"vi": ("dark", "light"), "en": ("light",)}
ZOOMED, NARROW = (683, 384), (320, 640)  # a desk at 200 %; what WCAG 1.4.10 asks for
FRAME = "() => document.querySelector('.top').offsetHeight"


def test_every_page_is_accessible_and_fits_a_phone_and_a_desk(site: Site):
    names = stage(site.province)
    for who in dict.fromkeys(screen.who for screen in SCREENS):
        window = site.looks_closely(site.window(who))
        for screen in (one for one in SCREENS if one.who == who):
            window.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
            window.goto(screen.path.format_map(names))
            assert window.evaluate(FRAME) < 60, f"the menu of {who} takes two lines at {window.url}"
            site.is_accessible(window)
            site.fits(window)
            for width, height in (ZOOMED, PHONE, NARROW):
                window.set_viewport_size({"width": width, "height": height})
                site.fits(window)


def test_a_word_without_end_pushes_no_page_about(site: Site):
    """An address somebody has copied, or words without blanks."""
    link = f"https://example.vn/{'a' * 250}"
    number = site.province.passes_on("BDKK", area="718", noi_dung=link)
    task = site.province.task(number, "don_vi_nhan", "ubnd_74_718")["id"]
    site.province.as_("ubnd_74_718").post(f"/cases/{number}/comments", {"text": link})
    secret = site.province.secrets[number]
    for who, paths in {"ubnd_74_718": ("/viec", f"/viec/{task}", "/vu-viec", f"/vu-viec/{number}"),
                       "tongdai_74": (f"/vu-viec/{number}", "/tiep-nhan?phone=0912345678"),
                       None: (f"/tra-cuu/{number}?ma={secret}",)}.items():  # fmt: skip
        window = site.window(who)
        for path in paths:
            window.goto(path)
            for width, height in (DESKTOP, ZOOMED, PHONE, NARROW):
                window.set_viewport_size({"width": width, "height": height})
                site.fits(window)


@pytest.mark.screenshots
@pytest.mark.timeout(3600)
def test_every_page_is_accessible_to_every_role_that_may_open_it(site: Site):
    """The test above has each page as the role it is made for; others see other buttons, and another menu."""
    names = stage(site.province)
    staff = [screen for screen in SCREENS if screen.who]
    for who in dict.fromkeys(screen.who for screen in staff):
        window, others = site.looks_closely(site.window(who)), [screen for screen in staff if screen.who != who]
        for path in dict.fromkeys(screen.path.format_map(names) for screen in others):
            if window.request.get(path, max_redirects=0, timeout=LONG).status == 200:
                window.goto(path, timeout=LONG)
                site.is_accessible(window)


@pytest.mark.screenshots
@pytest.mark.timeout(3600)
def test_pictures_of_every_page(site: Site):
    """In both languages; in Vietnamese dark as well. A page is loaded once for each language."""
    folder = ROOT / "screenshots"
    names = stage(site.province)
    for who in dict.fromkeys(screen.who for screen in SCREENS):
        window = site.window(who)
        for screen in (one for one in SCREENS if one.who == who):
            path = re.sub(r"[?&]lang=..", "", screen.path.format_map(names))
            for language, schemes in LOOKS.items():
                window.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
                window.goto(f"{path}{'&' if '?' in path else '?'}lang={language}", timeout=LONG)
                window.wait_for_load_state("networkidle", timeout=LONG)
                for scheme, (size, (width, height)) in product(schemes, SIZES.items()):
                    window.emulate_media(color_scheme=scheme)
                    window.set_viewport_size({"width": width, "height": height})
                    site.shot(window, folder, f"{screen.name}-{size}-{language}{'-dark' * (scheme == 'dark')}")


LARGE = """() => new Promise((done) => {
    const place = document.querySelector("[data-diagram]"), script = document.createElement("script");
    place.replaceChildren();
    Object.assign(place.style, {position: "fixed", inset: "0", width: "3800px", height: "1600px", zIndex: 9,
                                background: "white", border: "0"});
    delete place.dataset.drawn;
    place.dataset.heat = place.dataset.notes = "{}";
    script.src = document.querySelector("script[src*='diagram.js']").src + "#again";
    script.onload = done;
    document.body.append(script);
})"""


@pytest.mark.screenshots
@pytest.mark.timeout(600)
def test_the_picture_of_the_readme(site: Site):
    window = site.window("vpubnd_75", size=(3800, 1600))
    window.goto("/tinh/so-do/DNYT?lang=vi", wait_until="networkidle", timeout=LONG)
    window.evaluate(LARGE)
    window.wait_for_selector("[data-drawn]")
    window.screenshot(path=ROOT / "docs/images/dnyt.png", timeout=LONG)
