"""A decision makes one case more secret than its type, never less; who may see it follows at once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from engine import model
from tests.drawing import choice, draw, form
from tests.hotline import LIFE, Hotline, refused
from tests.open311 import Door, type_toml
from tests.test_firewall import dumped

RAISED = LIFE.replace("tiep_nhan -> xu_ly", "tiep_nhan -> bao_mat -> xu_ly").replace(
    "catch danh_gia", "script bao_mat script='secrecy = lop'\ncatch danh_gia", 1
)
CLASSES = choice("lop", "C0", "C1", "C2", "C4", "C9")
DESK = form("phan_cong", choice("lead_agency", "ubnd_74_718", "ubnd_74_719"), CLASSES)


@pytest.fixture
def door(hotline: Hotline) -> Door:
    return Door(hotline)


def decided(door: Door, received_as: str, now: str) -> str:
    """A case of this class, about which the desk has decided."""
    files = {"process__bpmn": draw(RAISED, "PAKN"), "phan_cong__form": DESK}
    door.hotline.deploys(type__toml=type_toml("PAKN", received_as), **files)
    number = door.hotline.receives()
    door.hotline.does("truc", number, lead_agency="ubnd_74_718", lop=now)
    return number


@pytest.mark.parametrize(("received_as", "now", "stands"), [
    ("C0", "C2", "C2"), ("C1", "C0", "C1"), ("C2", "C2", "C2"), ("C3", "C1", "C3"), ("C0", "C4", "C4"),
])  # fmt: skip
def test_a_decision_raises_the_class_and_never_lowers_it(door: Door, received_as: str, now: str, stands: str) -> None:
    number = decided(door, received_as, now)

    assert door.hotline.case(number, "quantri")["secrecy"] == stands
    with door.hotline.runtime.read() as unit:
        told = unit.all(select(model.events.c.data).where(model.events.c.kind == "secrecy"))
    assert [row.data for row in told] == ([{"secrecy": stands, "was": received_as}] if stands != received_as else [])


def test_what_has_become_secret_is_public_no_more_and_its_reporter_unknown_to_the_handler(door: Door) -> None:
    door.hotline.deploys(type__toml=type_toml("PAKN", "C0"))
    number = door.hotline.receives()
    assert door.numbers() == [number]

    raised = decided(door, "C0", "C2")

    assert door.numbers() == [number]
    refused(door.hotline.as_("phuong").get(f"/cases/{raised}/reporter"), 403, "not-allowed")
    assert door.hotline.as_("truc").get(f"/cases/{raised}/reporter").status_code == 200


def test_what_turns_out_to_be_a_denunciation_is_gone_for_all_but_named_persons(door: Door) -> None:
    number = decided(door, "C1", "C4")
    people = ("truc", "phuong", "vanphong", "mattran")
    looks: dict[str, Any] = {who: door.hotline.as_(who).get(f"/cases/{number}") for who in people}
    assert {who: look.status_code for who, look in looks.items()} == dict.fromkeys(people, 404)
    assert door.hotline.as_("phuong").get("/tasks").json["items"] == []

    door.hotline.names("phuong", "vanphong")

    assert door.hotline.task("phuong", number)["element"] == "xu_ly"
    assert door.hotline.case(number)["number"] == number
    refused(door.hotline.as_("truc").get(f"/cases/{number}"), 404, "not-found")


def test_a_class_that_does_not_exist_holds_the_step_up(door: Door) -> None:
    number = decided(door, "C1", "C9")

    assert door.hotline.case(number)["secrecy"] == "C1"
    with door.hotline.runtime.read() as unit:
        assert "there are the classes C0, C1, C2, C3, C4" in unit.scalar(select(model.incidents.c.message))


def words_at_rest(hotline: Hotline, number: str) -> str:
    with hotline.runtime.read() as unit:
        return str(unit.scalar(select(model.cases.c.search_text).where(model.cases.c.number == number)))


def found_by(hotline: Hotline, words: str) -> list[str]:
    return [one["number"] for one in hotline.as_("vanphong").get("/cases", q=words).json["items"]]


@pytest.mark.parametrize(("secrecy", "kept"), [("C2", True), ("C3", True), ("C4", False)])
def test_what_was_said_in_a_confidential_case_lies_nowhere_to_be_read(door: Door, secrecy: str, kept: bool) -> None:
    hotline = door.hotline
    hotline.names("vanphong")
    hotline.deploys(type__toml=type_toml("PAKN", secrecy))
    number = hotline.receives("Karaoke ồn suốt đêm", place="hẻm Cây Xoài")

    for word in ("karaoke", "cay", "xoai"):
        assert (word in words_at_rest(hotline, number)) is kept
        assert found_by(hotline, word) == ([number] if kept else [])
    assert found_by(hotline, "Cây Xoài") == ([number] if kept else [])
    assert (b"karaoke" in dumped(hotline)) is kept
    assert found_by(hotline, number) == [number]
    assert "Karaoke" in hotline.case(number)["subject"]


def test_what_was_said_is_not_found_any_more_once_its_case_is_confidential(door: Door) -> None:
    numbers = {now: decided(door, "C0", now) for now in ("C0", "C2", "C4")}
    door.hotline.names("vanphong")

    assert set(found_by(door.hotline, "cho")) == {numbers["C0"], numbers["C2"]}
    assert [bool(words_at_rest(door.hotline, number)) for number in numbers.values()] == [True, True, False]
    assert found_by(door.hotline, numbers["C4"]) == [numbers["C4"]]
