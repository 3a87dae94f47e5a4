"""A file that may tell who reported waits for whoever may know, if who added it knew: as it was when they added it."""

from __future__ import annotations

import io

import pytest

from engine.people import accounts
from tests.hotline import TYPE, Hotline, refused
from tests.test_firewall import PAPER, REPORTER
from tests.test_told import RAISED


def adds(hotline: Hotline, login: str, number: str) -> str:
    """Somebody adds a file that tells who reported; its address."""
    sent = {"file": (io.BytesIO(PAPER), "bien-ban.pdf")}
    answer = hotline.as_(login).call("POST", f"/cases/{number}/attachments", data=sent)
    assert answer.status_code == 201, answer.text
    return f"/cases/{number}/attachments/{answer.json['id']}"


def test_what_somebody_adds_who_was_let_know_waits_though_they_are_behind_the_veil(hotline):
    number = hotline.assigned(reporter=REPORTER)
    before = adds(hotline, "phuong", number)
    asked = hotline.as_("phuong").post(f"/cases/{number}/reporter/ask", {"reason": "Phải đến tận nhà"}).json["id"]
    assert hotline.as_("vanphong").post(f"/unmaskings/{asked}/grant").status_code == 200
    knowing = adds(hotline, "phuong", number)
    hotline.waits(25)
    later = adds(hotline, "phuong", number)

    assert hotline.as_("hoa").get(before).status_code == 200
    for path in (knowing, later):  # what she has learnt she knows the next day, too
        assert refused(hotline.as_("hoa").get(path), 403, "not-allowed")
    assert [one["withheld"] for one in hotline.as_("hoa").get(f"/cases/{number}/attachments").json["items"]] == [
        False, True, True]  # fmt: skip
    assert hotline.as_("truc").post(f"{later}/release").status_code == 200
    assert hotline.as_("hoa").get(later).data == PAPER and hotline.as_("truc").get(knowing).data == PAPER


@pytest.mark.parametrize("now", [{"areas": ["719"]}, {"role": "handler", "agency": "ubnd_74_718"}])
def test_what_the_desk_added_waits_whatever_becomes_of_whoever_added_it(hotline, now):
    number = hotline.assigned(reporter=REPORTER)
    paper = adds(hotline, "truc", number)
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "truc", now, None)

    assert refused(hotline.as_("phuong").get(paper), 403, "not-allowed")
    assert hotline.as_("vanphong").post(f"{paper}/release").status_code == 200
    assert hotline.as_("phuong").get(paper).data == PAPER


@pytest.mark.parametrize("looked", [True, False])
def test_whoever_has_looked_knows_though_they_may_not_look_any_more(hotline, looked):
    number = hotline.assigned(reporter=REPORTER)
    if looked:
        assert hotline.as_("truc").get(f"/cases/{number}/reporter").status_code == 200
    with hotline.runtime.begin() as unit:
        accounts.change(unit, "truc", {"role": "handler", "agency": "ubnd_74_718"}, None)
    paper = adds(hotline, "truc", number)

    assert hotline.as_("hoa").get(paper).status_code == (403 if looked else 200)


def test_what_a_handler_added_waits_once_the_case_is_raised_and_so_does_what_they_add_then(hotline):
    hotline.deploys(type__toml=TYPE.format(secrecy="C0"), **RAISED)
    number = hotline.receives(answers={"noi_dung": "Quán ồn", "so_nha": "Nhà bốn tầng"}, reporter=REPORTER)
    hotline.does("truc", number, lead_agency="ubnd_74_718", lop="C0")
    paper = adds(hotline, "phuong", number)
    assert hotline.as_("hoa").get(paper).status_code == 200  # it tells nobody what they may not know

    task = hotline.task("phuong", number)["id"]
    assert hotline.as_("phuong").post(f"/tasks/{task}/return", {"reason": "Quận khác"}).status_code == 200
    hotline.clock.advance("1 minute")
    hotline.does("truc", number, lead_agency="ubnd_74_719", lop="C2")
    after, theirs = adds(hotline, "phuong", number), adds(hotline, "binh", number)

    assert hotline.case(number)["secrecy"] == "C2"
    for path in (paper, after):
        assert refused(hotline.as_("binh").get(path), 403, "not-allowed")
    assert hotline.as_("hoa").get(theirs).data == PAPER  # whose agency never saw the case as it was
